//! The whole state as one CARv1 file: out of a store, and back into one.
//!
//! Blocks come depth first, in the order of their links, each once: a state has one archive, byte for byte. An import knows
//! therefore which block must come next, and needs no second look:
//!
//! ```text
//! next block of the file          next link not seen yet
//!   the same                                 ─▶ kept
//!   none                     some            ─▶ Missing
//!   some                     none            ─▶ Unlinked
//!   another                                  ─▶ OutOfOrder
//! ```
//!
//! The root is written last, when all it reaches is there, so a store that has a root has the state: an import that stopped half way
//! leaves blocks that nothing names, and no root.
//!
//! Memory: one block, a batch of [`BATCH_BYTES`] on the way in, the links still to follow, and about 70 bytes for each block seen.

use std::collections::HashSet;
use std::io::{self, Read, Write};

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;

use crate::block::{Place, links, place};
use crate::car::{CarReader, CarRejected, CarWriter};
use crate::{BlockRejected, block};

/// Bytes of blocks that an import hands to the store at once.
pub const BATCH_BYTES: usize = 4 << 20;

/// What went out or came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archived {
    /// The state's root.
    pub root: Cid,
    /// How many blocks.
    pub blocks: u64,
    /// Their bytes, without names and lengths.
    pub bytes: u64,
}

/// Why a state cannot be exported, or a file not imported.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveRejected {
    /// Not a CARv1 of state blocks.
    #[error(transparent)]
    Car(#[from] CarRejected),
    /// Another state than the one that was asked for.
    #[error("the archive holds state root {found}, not {expected}")]
    OtherRoot {
        /// The root in its header.
        found: Box<Cid>,
        /// The one that is trusted.
        expected: Box<Cid>,
    },
    /// A root that names no block.
    #[error("{0} cannot be a state root: it names no stored DAG-CBOR block")]
    NoRoot(Box<Cid>),
    /// A block is linked and is not there.
    #[error("block {0} is linked and missing: the archive, or the store it is made from, is incomplete")]
    Missing(Box<Cid>),
    /// A block that no block before it links to, where the state is complete already.
    #[error("block {0} is linked by no block of the state")]
    Unlinked(Box<Cid>),
    /// A block stands where another one should: repeated, unlinked, or in another order.
    #[error(
        "block {found} stands where {expected} is next; an archive is depth first, in the order of links, each block once"
    )]
    OutOfOrder {
        /// The block there.
        found: Box<Cid>,
        /// The block that is next.
        expected: Box<Cid>,
    },
    /// A block with links that cannot be followed.
    #[error(transparent)]
    Block(#[from] BlockRejected),
    /// A block in the store is not what its CID names.
    #[error("the store holds other bytes under {0}; it is damaged: restore it or sync again")]
    Damaged(Box<Cid>),
    /// The store cannot be read or written.
    #[error("the store cannot be read or written: {0}")]
    Store(anyhow::Error),
    /// The file cannot be written.
    #[error("the archive cannot be written")]
    Unwritable(#[source] io::Error),
}

/// Writes the state under `root` to `to`.
///
/// # Errors
/// [`ArchiveRejected`]; what was written until then is no archive.
pub fn export<B: Blockstore, W: Write>(store: &B, root: &Cid, to: W) -> Result<(Archived, W), ArchiveRejected> {
    let mut walk = Walk::from(root)?;
    let mut done = Archived { root: *root, blocks: 0, bytes: 0 };
    let mut car = CarWriter::new(to, root).map_err(ArchiveRejected::Unwritable)?;
    while let Some(cid) = walk.next() {
        let bytes = store.get(&cid).map_err(ArchiveRejected::Store)?;
        let bytes = bytes.ok_or_else(|| ArchiveRejected::Missing(Box::new(cid)))?;
        if bytes.len() > block::bytes_max(&cid) || !block::is_named_by(&bytes, &cid) {
            return Err(ArchiveRejected::Damaged(Box::new(cid)));
        }
        walk.enter(&cid, &bytes)?;
        car.block(&cid, &bytes).map_err(ArchiveRejected::Unwritable)?;
        done.count(&bytes);
    }
    Ok((done, car.into_inner()))
}

/// Reads an archive into `store`; with `root`, of that state and no other. All of `from` must be the archive.
///
/// # Errors
/// [`ArchiveRejected`]; the store then has no root, and may have blocks that nothing names.
pub fn import<B: Blockstore>(from: impl Read, store: &B, root: Option<&Cid>) -> Result<Archived, ArchiveRejected> {
    let (mut car, found) = CarReader::open(from)?;
    if let Some(expected) = root.filter(|expected| **expected != found) {
        return Err(ArchiveRejected::OtherRoot { found: found.into(), expected: (*expected).into() });
    }
    let mut walk = Walk::from(&found)?;
    let mut done = Archived { root: found, blocks: 0, bytes: 0 };
    let (mut top, mut batch, mut batched) = (None, Vec::new(), 0);
    loop {
        let (cid, bytes) = match (car.block()?, walk.next()) {
            (None, None) => break,
            (None, Some(next)) => return Err(ArchiveRejected::Missing(next.into())),
            (Some((cid, _)), None) => return Err(ArchiveRejected::Unlinked(cid.into())),
            (Some((cid, _)), Some(next)) if cid != next => {
                return Err(ArchiveRejected::OutOfOrder { found: cid.into(), expected: next.into() });
            }
            (Some(block), Some(_)) => block,
        };
        walk.enter(&cid, &bytes)?;
        done.count(&bytes);
        if cid == found {
            top = Some(bytes);
            continue;
        }
        batched += bytes.len();
        batch.push((cid, bytes));
        if batched >= BATCH_BYTES {
            store.put_many_keyed(batch.drain(..)).map_err(ArchiveRejected::Store)?;
            batched = 0;
        }
    }
    store.put_many_keyed(batch).map_err(ArchiveRejected::Store)?;
    let top = top.ok_or_else(|| ArchiveRejected::Missing(found.into()))?;
    store.put_keyed(&found, &top).map_err(ArchiveRejected::Store)?;
    Ok(done)
}

impl Archived {
    fn count(&mut self, block: &[u8]) {
        self.blocks += 1;
        self.bytes = self.bytes.saturating_add(u64::try_from(block.len()).unwrap_or(u64::MAX));
    }
}

/// Depth first over everything that a root reaches, each block once.
struct Walk {
    /// For each block entered and not left, its links still to follow.
    links: Vec<std::vec::IntoIter<Cid>>,
    /// Codec and digest of each block seen; the hash is always blake2b-256.
    seen: HashSet<(u8, [u8; 32])>,
}

impl Walk {
    fn from(root: &Cid) -> Result<Self, ArchiveRejected> {
        let is_stored = matches!(place(root), Ok(Place::Stored)) && root.codec() == fvm_ipld_encoding::DAG_CBOR;
        if !is_stored {
            return Err(ArchiveRejected::NoRoot(Box::new(*root)));
        }
        Ok(Self { links: vec![vec![*root].into_iter()], seen: HashSet::new() })
    }

    /// The next block.
    fn next(&mut self) -> Option<Cid> {
        while let Some(level) = self.links.last_mut() {
            match level.next() {
                Some(cid) if self.seen.insert(key(&cid)) => return Some(cid),
                Some(_) => {}
                None => drop(self.links.pop()),
            }
        }
        None
    }

    /// Goes on with what the block links to.
    fn enter(&mut self, cid: &Cid, bytes: &[u8]) -> Result<(), BlockRejected> {
        let below = links(cid, bytes)?;
        if !below.is_empty() {
            self.links.push(below.into_iter());
        }
        Ok(())
    }
}

fn key(cid: &Cid) -> (u8, [u8; 32]) {
    let codec = u8::try_from(cid.codec()).expect("the codecs of state are below 256");
    (codec, cid.hash().digest().try_into().expect("a stored block has a digest of 32 bytes"))
}

#[cfg(test)]
mod tests;
