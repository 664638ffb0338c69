//! A devnet's directory, and what is remembered in it.
//!
//! ```text
//! DIR/
//! ├─ devnet.json        what was made: ports, ids, keys; its presence makes the directory a devnet's
//! ├─ devnet.lock        held while a devnet runs here
//! ├─ parent/            genesis.json and one home for each validator
//! ├─ child/             the same
//! ├─ relayer/key.json
//! └─ logs/              one file for each process
//! ```
//!
//! Nothing else is ever removed or written.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tributary_primitives::SubnetId;

use super::plan::{Network, NodePorts};
use crate::home::Home;

/// What stands in `devnet.json` so that no other file is taken for it.
const MADE_BY: &str = "subnet-node devnet";
/// The version of `devnet.json` this code reads and writes.
const RECORD_VERSION: u64 = 1;

/// A devnet's directory, locked for this process as long as this value lives.
#[derive(Debug)]
pub struct Layout {
    path: PathBuf,
    _lock: File,
}

/// Everything a later run needs to know; `devnet.json`. Useful to scripts, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    pub(super) made_by: String,
    pub(super) version: u64,
    /// Where the parent's validators listen.
    pub parent: Vec<NodePorts>,
    /// Where the child's validators listen.
    pub child: Vec<NodePorts>,
    /// Where the relayer's metrics are.
    pub relayer_metrics: u16,
    /// The child's id, once it is registered.
    pub subnet: Option<SubnetId>,
    /// Secrets of the accounts that hold tokens. Everybody knows them.
    pub development_keys: Vec<String>,
}

/// The directory cannot be a devnet's.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryRejected {
    /// Something else lives there.
    #[error("{path} holds other files and no devnet; choose another --data-dir", path = .0.display())]
    NotADevnet(PathBuf),
    /// Another devnet runs there.
    #[error("a devnet runs in {path} already; stop it, or choose another --data-dir", path = .0.display())]
    InUse(PathBuf),
    /// `devnet.json` is not what this version writes.
    #[error("{path}: {why}; --fresh starts anew", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The system refuses.
    #[error("{path}: {why}", path = .path.display())]
    NotAccessible {
        /// The file.
        path: PathBuf,
        /// What it says.
        why: io::Error,
    },
}

impl Record {
    /// A devnet that listens there and is not registered yet.
    #[must_use]
    pub fn new(
        parent: Vec<NodePorts>,
        child: Vec<NodePorts>,
        relayer_metrics: u16,
        development_keys: Vec<String>,
    ) -> Self {
        let made_by = MADE_BY.to_owned();
        Self { made_by, version: RECORD_VERSION, parent, child, relayer_metrics, subnet: None, development_keys }
    }

    /// The validators of one network.
    #[must_use]
    pub fn nodes(&self, network: Network) -> &[NodePorts] {
        match network {
            Network::Parent => &self.parent,
            Network::Child => &self.child,
        }
    }
}

impl Layout {
    /// Takes the directory at `path` for this process; makes it when it is not there. `fresh` forgets the devnet in it.
    ///
    /// # Errors
    /// [`DirectoryRejected`] for a directory that holds anything but a devnet, or one that runs.
    pub fn open(path: &Path, fresh: bool) -> Result<Self, DirectoryRejected> {
        fs::create_dir_all(path).map_err(not_accessible(path))?;
        let path = path.canonicalize().map_err(not_accessible(path))?;
        if !is_ours(&path)? {
            return Err(DirectoryRejected::NotADevnet(path));
        }
        let lock = lock(&path)?;
        let layout = Self { path, _lock: lock };
        if fresh {
            layout.forget()?;
        }
        Ok(layout)
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory of one network.
    #[must_use]
    pub fn network(&self, network: Network) -> PathBuf {
        self.path.join(network.name())
    }

    /// The genesis document of one network.
    #[must_use]
    pub fn genesis(&self, network: Network) -> PathBuf {
        self.network(network).join("genesis.json")
    }

    /// The home of one validator.
    #[must_use]
    pub fn home(&self, network: Network, position: usize) -> Home {
        Home::at(self.network(network).join(position.to_string()))
    }

    /// The relayer's key.
    #[must_use]
    pub fn relayer_key(&self) -> PathBuf {
        self.path.join("relayer").join("key.json")
    }

    /// Where the processes' logs are.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.path.join("logs")
    }

    /// What an earlier run remembered here.
    ///
    /// # Errors
    /// [`DirectoryRejected::Unreadable`].
    pub fn record(&self) -> Result<Option<Record>, DirectoryRejected> {
        let path = record_path(&self.path);
        let unreadable = |why: String| DirectoryRejected::Unreadable { path: path.clone(), why };
        let json = match fs::read(&path) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
            json => json.map_err(not_accessible(&path))?,
        };
        let record: Record = serde_json::from_slice(&json).map_err(|why| unreadable(why.to_string()))?;
        if (record.made_by.as_str(), record.version) != (MADE_BY, RECORD_VERSION) {
            return Err(unreadable(format!("version {} of {:?} is not known", record.version, record.made_by)));
        }
        Ok(Some(record))
    }

    /// Remembers `record`: all of it, or the one before.
    ///
    /// # Errors
    /// What the system says.
    pub fn remember(&self, record: &Record) -> Result<(), DirectoryRejected> {
        let mut json = serde_json::to_string_pretty(record).expect("numbers, texts and lists of them");
        json.push('\n');
        replace(&record_path(&self.path), json.as_bytes())
    }

    /// Removes what a devnet makes, and nothing else. The record goes last, so that an end half-way is still a devnet's directory.
    fn forget(&self) -> Result<(), DirectoryRejected> {
        for name in ["parent", "child", "relayer", "logs"] {
            let path = self.path.join(name);
            match fs::remove_dir_all(&path) {
                Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(not_accessible(&path)(why)),
                _ => {}
            }
        }
        let path = record_path(&self.path);
        if path.exists() { fs::remove_file(&path).map_err(not_accessible(&path)) } else { Ok(()) }
    }
}

/// Writes a file that is never seen half written.
///
/// # Errors
/// What the system says.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), DirectoryRejected> {
    let unfinished = path.with_extension("unfinished");
    fs::write(&unfinished, bytes).map_err(not_accessible(&unfinished))?;
    fs::rename(&unfinished, path).map_err(not_accessible(path))
}

/// Whether a devnet may live here: one does, or nothing does.
fn is_ours(path: &Path) -> Result<bool, DirectoryRejected> {
    if record_path(path).is_file() {
        return Ok(true);
    }
    let mut entries = fs::read_dir(path).map_err(not_accessible(path))?;
    Ok(entries.all(|entry| entry.is_ok_and(|entry| entry.path() == lock_path(path))))
}

fn lock(path: &Path) -> Result<File, DirectoryRejected> {
    let file = lock_path(path);
    let lock =
        OpenOptions::new().create(true).truncate(false).write(true).open(&file).map_err(not_accessible(&file))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(DirectoryRejected::InUse(path.to_owned())),
        Err(TryLockError::Error(why)) => Err(not_accessible(&file)(why)),
    }
}

fn record_path(path: &Path) -> PathBuf {
    path.join("devnet.json")
}

fn lock_path(path: &Path) -> PathBuf {
    path.join("devnet.lock")
}

fn not_accessible(path: &Path) -> impl FnOnce(io::Error) -> DirectoryRejected {
    let path = path.to_owned();
    |why| DirectoryRejected::NotAccessible { path, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let ports = NodePorts { rpc: 1, service: 2, consensus: 3, gossip: 4 };
        Record::new(vec![ports], vec![ports, ports], 5, vec!["0x01".to_owned()])
    }

    #[test]
    fn what_was_remembered_is_there_for_the_next_run() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("devnet");
        let remembered = Record { subnet: Some("/r31415/f0100".parse().unwrap()), ..record() };
        Layout::open(&path, false).unwrap().remember(&remembered).unwrap();
        assert_eq!(Layout::open(&path, false).unwrap().record().unwrap(), Some(remembered));
    }

    #[test]
    fn a_directory_with_other_files_is_refused_and_left_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("parent")).unwrap();
        for fresh in [false, true] {
            let refusal = Layout::open(directory.path(), fresh).unwrap_err();
            assert!(matches!(refusal, DirectoryRejected::NotADevnet(_)), "{refusal}");
        }
        assert!(directory.path().join("parent").is_dir());
    }

    #[test]
    fn two_devnets_do_not_share_a_directory() {
        let directory = tempfile::tempdir().unwrap();
        let first = Layout::open(directory.path(), false).unwrap();
        first.remember(&record()).unwrap();
        for fresh in [false, true] {
            let refusal = Layout::open(directory.path(), fresh).unwrap_err();
            assert!(matches!(refusal, DirectoryRejected::InUse(_)), "{refusal}");
        }
        drop(first);
        Layout::open(directory.path(), false).unwrap();
    }

    #[test]
    fn fresh_forgets_the_devnet_and_keeps_what_others_put_there() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::open(directory.path(), false).unwrap();
        layout.remember(&record()).unwrap();
        fs::create_dir_all(layout.home(Network::Child, 0).path()).unwrap();
        fs::write(directory.path().join("notes.txt"), "mine").unwrap();
        drop(layout);
        let layout = Layout::open(directory.path(), true).unwrap();
        assert_eq!(layout.record().unwrap(), None);
        assert!(!layout.network(Network::Child).exists());
        assert_eq!(fs::read_to_string(directory.path().join("notes.txt")).unwrap(), "mine");
    }

    #[test]
    fn a_record_of_another_version_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::open(directory.path(), false).unwrap();
        layout.remember(&Record { version: 2, ..record() }).unwrap();
        let refusal = layout.record().unwrap_err().to_string();
        assert!(refusal.contains("version 2") && refusal.contains("--fresh"), "{refusal}");
    }
}
