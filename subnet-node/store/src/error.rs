//! What stops a node over its store: the disk, the wrong directory, or our own rule broken.
//!
//! There is no other fate here. A store that cannot be read or written leaves a validator that must not vote, and none of
//! these goes away by trying again.

use std::io;
use std::path::PathBuf;

use cid::Cid;
use tributary_primitives::{Hash32, Height};

use crate::Family;

/// Why the store cannot be opened, read or written. Says what an operator can do about it.
#[derive(Debug, thiserror::Error)]
pub enum StoreFatal {
    /// The directory holds files that no store wrote.
    #[error("{path} holds {entry:?}, which is not part of a store; name an empty directory or one that a node made")]
    NotAStore {
        /// The directory.
        path: PathBuf,
        /// The first file found that does not belong.
        entry: String,
    },
    /// Nothing to read: no node made a store there.
    #[error("{path} holds no store; name the home of a node that has run")]
    NoStore {
        /// The directory.
        path: PathBuf,
    },
    /// Another process has it open.
    #[error(
        "{path} is in use by another process; one store serves one node: stop the other, or name another directory"
    )]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// It holds another chain.
    #[error("{path} holds the chain with genesis {found}, not {expected}; name another directory or the right genesis")]
    WrongChain {
        /// The directory.
        path: PathBuf,
        /// Genesis of the chain that is there.
        found: Box<Cid>,
        /// Genesis of the chain that was asked for.
        expected: Box<Cid>,
    },
    /// It was written by a node with another layout.
    #[error(
        "{path} is in format {found}, this node reads format {expected}; run the node version that wrote it, or sync anew"
    )]
    WrongFormat {
        /// The directory.
        path: PathBuf,
        /// Format of what is there.
        found: u32,
        /// Format asked for.
        expected: u32,
    },
    /// RocksDB refuses the files: checksums, missing files, a log broken in its middle.
    #[error("{path} is damaged; keep it for inspection, restore a copy or sync into an empty directory")]
    Damaged {
        /// The directory.
        path: PathBuf,
        /// What RocksDB found.
        #[source]
        source: rocksdb::Error,
    },
    /// A stored value does not have the form this crate writes.
    #[error(
        "family {family} holds {bytes} bytes where {expected} belong; the store is damaged: sync into an empty directory"
    )]
    Malformed {
        /// Where.
        family: Family,
        /// Bytes found.
        bytes: usize,
        /// What should be there.
        expected: &'static str,
    },
    /// The file system refused while the directory was being opened.
    #[error("could not {doing} {path}; check that it is writable and that the disk has room")]
    Directory {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A read did not work.
    #[error("family {family} could not be read; check the disk")]
    Read {
        /// Where.
        family: Family,
        /// What RocksDB said.
        #[source]
        source: rocksdb::Error,
    },
    /// A write did not work. Nothing of its batch is there.
    #[error("a write to the store was refused; check that the disk has room")]
    Write(#[source] rocksdb::Error),
    /// A block that does not follow the tip.
    #[error("block {offered} does not follow the tip {tip}; every height is committed once, in order")]
    Gap {
        /// Last committed height.
        tip: Height,
        /// Height of the block that was offered.
        offered: Height,
    },
    /// A second block at a height.
    #[error(
        "block {offered} is not the one decided at height {height}: the chain forked or this node's rule is broken"
    )]
    Conflict {
        /// The height.
        height: Height,
        /// Hash of the block that was offered.
        offered: Hash32,
    },
    /// A block before the base, genesis or the state synced from, was committed.
    #[error("nothing can follow: the store has no base yet; commit genesis or a synced state first")]
    NoBase,
}
