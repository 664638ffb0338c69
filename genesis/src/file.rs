//! A genesis document on disk: read within its bound, written whole or not at all.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::document::{DOCUMENT_BYTES_MAX, Genesis};
use crate::verify::GenesisRejected;

/// Why a document is not read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileRejected {
    /// The system does not give or take it.
    #[error("{path}: {reason}", path = .path.display())]
    NotAccessible {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        reason: io::Error,
    },
    /// Something lies where a new document should.
    #[error("{path} exists; name another file, or remove it first", path = .0.display())]
    Exists(PathBuf),
    /// It is no document.
    #[error("{path}: {reason}", path = .path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: GenesisRejected,
    },
}

/// Reads the document at `path`, at most [`DOCUMENT_BYTES_MAX`] bytes of it.
///
/// # Errors
/// [`FileRejected`].
pub fn read(path: &Path) -> Result<Genesis, FileRejected> {
    let mut json = Vec::new();
    let bytes_max = u64::try_from(DOCUMENT_BYTES_MAX).unwrap_or(u64::MAX);
    let file = File::open(path).map_err(not_accessible(path))?;
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut json).map_err(not_accessible(path))?;
    Genesis::from_json(&json).map_err(|reason| FileRejected::Document { path: path.to_owned(), reason })
}

/// Writes a document where none is.
///
/// # Errors
/// [`FileRejected::Exists`], [`FileRejected::NotAccessible`].
pub fn write_new(path: &Path, genesis: &Genesis) -> Result<(), FileRejected> {
    if path.exists() {
        return Err(FileRejected::Exists(path.to_owned()));
    }
    replace(path, genesis)
}

/// Writes a document in the place of the one at `path`. Who reads meanwhile, or after a crash, sees the old or the new one whole.
///
/// # Errors
/// [`FileRejected::NotAccessible`]; the old document is then untouched.
pub fn replace(path: &Path, genesis: &Genesis) -> Result<(), FileRejected> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let written = write_whole(&beside, &genesis.to_json()).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // Best effort: the answer that matters is why the writing stopped.
        fs::remove_file(&beside).ok();
    }
    written.map_err(not_accessible(path))
}

fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn not_accessible(path: &Path) -> impl Fn(io::Error) -> FileRejected + '_ {
    move |reason| FileRejected::NotAccessible { path: path.to_owned(), reason }
}
