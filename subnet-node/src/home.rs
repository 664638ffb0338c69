//! Where a node keeps what it has: one directory, its *home*.
//!
//! ```text
//! HOME/
//! ├─ config.toml     what this node chose for itself
//! ├─ genesis.json    what its chain agreed on
//! ├─ keys.json       consensus, checkpoint and network keys; readable by the owner alone
//! ├─ data/           blocks, receipts, state
//! ├─ wal/            the votes of the height in progress
//! ├─ cache/          compiled actors; may be removed while the node is down
//! ├─ dumps/          blocks whose check found another outcome, for `subnet-node inspect replay`
//! └─ SAFETY_HALT     there after the node stopped for safety; a person removes it
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A node's home directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home(PathBuf);

/// The node stopped for safety, and nobody looked since.
#[derive(Debug, thiserror::Error)]
#[error(
    "{path} is there: the node stopped for safety:\n{why}\nFind the cause, then remove the file and start again",
    path = .path.display()
)]
pub struct SafetyHaltRejected {
    path: PathBuf,
    why: String,
}

impl Home {
    /// The home at `path`, there or not.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What this node chose for itself.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    /// What its chain agreed on.
    #[must_use]
    pub fn genesis(&self) -> PathBuf {
        self.0.join("genesis.json")
    }

    /// Its secrets.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.0.join("keys.json")
    }

    /// Blocks, receipts, state.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    /// The votes of the height in progress.
    #[must_use]
    pub fn wal(&self) -> PathBuf {
        self.0.join("wal")
    }

    /// Compiled actors.
    #[must_use]
    pub fn code_cache(&self) -> PathBuf {
        self.0.join("cache")
    }

    /// Blocks whose check found another outcome.
    #[must_use]
    pub fn dumps(&self) -> PathBuf {
        self.0.join("dumps")
    }

    fn safety_halt(&self) -> PathBuf {
        self.0.join("SAFETY_HALT")
    }

    /// Leaves a note that keeps the node down until a person looked: why, and what to look at.
    ///
    /// # Errors
    /// What the system says when the note cannot be written.
    pub fn mark_safety_halt(&self, why: &str) -> io::Result<()> {
        fs::write(self.safety_halt(), format!("{why}\n"))
    }

    /// Refuses to start while that note is there.
    ///
    /// # Errors
    /// [`SafetyHaltRejected`] with the note's text.
    pub fn check_safety_halt(&self) -> Result<(), SafetyHaltRejected> {
        match fs::read_to_string(self.safety_halt()) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
            note => {
                let why = note.unwrap_or_else(|why| why.to_string());
                Err(SafetyHaltRejected { path: self.safety_halt(), why: why.trim_end().to_owned() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_safety_halt_keeps_the_node_down_until_its_note_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::at(directory.path());
        home.check_safety_halt().unwrap();
        home.mark_safety_halt("the write-ahead log is damaged").unwrap();
        let refusal = home.check_safety_halt().unwrap_err().to_string();
        assert!(refusal.contains("the write-ahead log is damaged") && refusal.contains("SAFETY_HALT"), "{refusal}");
        fs::remove_file(home.safety_halt()).unwrap();
        home.check_safety_halt().unwrap();
    }
}
