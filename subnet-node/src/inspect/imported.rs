//! A state that came from an archive: its blocks, and no chain.
//!
//! ```text
//! DIR/
//! ├─ data/         the blocks, in a store as a node's
//! └─ state_root    its CID; written last, so a directory that has it has the whole state
//! ```

use std::fs;
use std::io::{self, BufReader, Write as _};
use std::path::{Path, PathBuf};

use cid::Cid;
use tributary_store::{ChainIdentity, Store, StoreConfig};
use tributary_witness::Archived;
use tributary_witness::car::CarReader;

use super::At;
use super::progress::Progress;
use crate::files::{open_file, unavailable, whole};
use crate::home::Home;
use crate::run::STORE_FORMAT;

const STATE_ROOT: &str = "state_root";

/// Why a directory cannot be imported into, or not be looked at in this way.
#[derive(Debug, thiserror::Error)]
pub enum ImportedRejected {
    /// Something is there already.
    #[error("{path} is not empty, it holds {entry:?}; name a directory to make, or an empty one", path = .path.display())]
    Occupied {
        /// The directory.
        path: PathBuf,
        /// The first thing found in it.
        entry: String,
    },
    /// Asked for a block, where there is no chain.
    #[error("{path} holds one imported state and no blocks: it has no heights to look at or to compare, only a root", path = .0.display())]
    NoChain(PathBuf),
    /// Asked for another state than the one there.
    #[error("{path} holds the state {found}, not {asked}; name the directory that holds that one by --home or --to-home", path = .path.display())]
    OtherState {
        /// The directory.
        path: PathBuf,
        /// The state there.
        found: Box<Cid>,
        /// The one asked for.
        asked: Box<Cid>,
    },
    /// The file that names the state does not.
    #[error("{path} holds no CID; remove the directory and import again", path = .0.display())]
    NoRoot(PathBuf),
}

/// Reads the archive `file` into the directory `into`; with `root`, of that state and no other.
///
/// # Errors
/// [`ImportedRejected`], and what is wrong with the archive or the disk; the directory is left empty then.
pub fn import(file: &Path, into: &Path, root: Option<&Cid>) -> anyhow::Result<Archived> {
    fs::create_dir_all(into).map_err(unavailable(into))?;
    if let Some(entry) = fs::read_dir(into).map_err(unavailable(into))?.next() {
        let entry = entry.map_err(unavailable(into))?.file_name().to_string_lossy().into_owned();
        return Err(ImportedRejected::Occupied { path: into.to_owned(), entry }.into());
    }
    let data = Home::at(into).data();
    let filled = fill(file, &data, root);
    if filled.is_err() && data.exists() {
        fs::remove_dir_all(&data).map_err(unavailable(&data))?;
    }
    let done = filled?;
    whole(&into.join(STATE_ROOT), |mut to| {
        writeln!(to, "{}", done.root)?;
        Ok(((), to))
    })?;
    Ok(done)
}

fn fill(file: &Path, data: &Path, root: Option<&Cid>) -> anyhow::Result<Archived> {
    let (_, found) = CarReader::open(BufReader::new(open_file(file)?))?;
    let from = BufReader::new(Progress::reading(file, open_file(file)?)?);
    let store = Store::open(data, &StoreConfig::default(), &identity(&found))?;
    let done = tributary_witness::import(from, &store, Some(root.unwrap_or(&found)))?;
    store.flush()?;
    Ok(done)
}

/// A store without a chain: the state stands for the genesis that it was never told.
const fn identity(root: &Cid) -> ChainIdentity {
    ChainIdentity { genesis: *root, format: STORE_FORMAT }
}

/// Opens such a directory for reading; `None` for any other.
///
/// # Errors
/// [`ImportedRejected`] when a height is asked for; what the store says.
pub fn open(at: &At) -> anyhow::Result<Option<(Store, Cid)>> {
    let Some(root) = root(&at.home)? else { return Ok(None) };
    if at.height.is_some() {
        return Err(ImportedRejected::NoChain(at.home.clone()).into());
    }
    let store = Store::open_read_only(&Home::at(&at.home).data(), &StoreConfig::default(), &identity(&root))?;
    Ok(Some((store, root)))
}

fn root(home: &Path) -> anyhow::Result<Option<Cid>> {
    let path = home.join(STATE_ROOT);
    let root = match fs::read_to_string(&path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(unavailable(&path))?,
    };
    Ok(Some(root.trim_end().parse().map_err(|_| ImportedRejected::NoRoot(path))?))
}
