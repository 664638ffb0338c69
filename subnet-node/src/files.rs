//! Files, read and written so that what goes wrong names them.
//!
//! A file is written beside its place and moved there whole, so a name never stands for half a file.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {why}", path = .path.display())]
pub struct FileUnavailable {
    path: PathBuf,
    why: io::Error,
}

/// Names the file in what the system says of it.
pub(crate) fn unavailable(path: &Path) -> impl Fn(io::Error) -> FileUnavailable + use<'_> {
    move |why| FileUnavailable { path: path.to_owned(), why }
}

/// Writes `file` whole: what `write` puts into it, on the disk, then under its name.
pub(crate) fn whole<T>(
    file: &Path,
    write: impl FnOnce(BufWriter<File>) -> anyhow::Result<(T, BufWriter<File>)>,
) -> anyhow::Result<T> {
    let mut partial = file.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let written = File::create(&partial).map_err(unavailable(&partial)).map_err(anyhow::Error::from).and_then(|to| {
        let (done, mut to) = write(BufWriter::new(to))?;
        to.flush().and_then(|()| to.get_ref().sync_all()).map_err(unavailable(&partial))?;
        Ok(done)
    });
    if written.is_err() {
        // It may not have been made; that is what the refusal says.
        drop(fs::remove_file(&partial));
    }
    let done = written?;
    fs::rename(&partial, file).map_err(unavailable(file))?;
    Ok(done)
}

/// Opens a file for reading.
pub(crate) fn open_file(file: &Path) -> Result<File, FileUnavailable> {
    File::open(file).map_err(unavailable(file))
}
