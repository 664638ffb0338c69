//! IPLD blocks: the store as a block store, and the overlay that one block's execution writes to.
//!
//! ```text
//! execution ──put──▶ Buffered (memory) ──into_blocks──▶ BlockCommit.ipld ──commit_block──▶ Store
//!           ◀─get──      │ not here
//!                        └──────get──────▶ Store
//! ```
//!
//! What execution writes reaches the disk with its block or not at all: a proposal that is not decided leaves nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use rocksdb::WriteBatch;

use crate::collection::Barrier;
use crate::store::Store;
use crate::undecided::Survives;
use crate::{Family, StoreFatal};

/// An IPLD block under its CID. Whoever made it computed the CID from the bytes.
pub type IpldBlock = (Cid, Vec<u8>);

impl Store {
    /// The batch must be written while `putting` is held.
    pub(crate) fn put_ipld<D: AsRef<[u8]>>(
        &self,
        batch: &mut WriteBatch,
        putting: &mut Option<Barrier>,
        blocks: impl IntoIterator<Item = (Cid, D)>,
    ) {
        for (cid, block) in blocks {
            let name = cid.to_bytes();
            if let Some(barrier) = putting {
                barrier.remember(&name);
            }
            batch.put_cf(self.family(Family::Ipld), name, block);
        }
    }
}

/// Reads any block that was committed. Writing here is for an import, of genesis or a synced state: blocks are then on disk
/// before anything refers to them, and the base committed after them makes them survive a power loss with itself.
impl Blockstore for Store {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(self.read(Family::Ipld, &cid.to_bytes())?)
    }

    fn has(&self, cid: &Cid) -> anyhow::Result<bool> {
        let family = Family::Ipld;
        let found = self.database().get_pinned_cf(self.family(family), cid.to_bytes());
        Ok(found.map_err(|source| StoreFatal::Read { family, source })?.is_some())
    }

    fn put_keyed(&self, cid: &Cid, block: &[u8]) -> anyhow::Result<()> {
        self.put_many_keyed([(*cid, block)])
    }

    fn put_many_keyed<D, I>(&self, blocks: I) -> anyhow::Result<()>
    where
        D: AsRef<[u8]>,
        I: IntoIterator<Item = (Cid, D)>,
    {
        let (mut batch, mut putting) = (WriteBatch::default(), self.commits());
        self.put_ipld(&mut batch, &mut putting, blocks);
        Ok(self.write(batch, Survives::Process)?)
    }
}

/// A block store that keeps what is put in memory, above one that it only reads.
///
/// Shared between the threads of one execution. The blocks come out sorted by CID, so equal executions give equal batches
/// whichever thread was first. A block that the base holds too is kept again: asking the base at each put would cost more
/// than the few that are written twice.
#[derive(Debug)]
pub struct Buffered<B = Store> {
    base: B,
    blocks: Mutex<BTreeMap<Cid, Vec<u8>>>,
}

impl<B: Blockstore> Buffered<B> {
    /// An empty overlay of `base`.
    pub const fn new(base: B) -> Self {
        Self { base, blocks: Mutex::new(BTreeMap::new()) }
    }

    /// What was put, sorted by CID, each block once.
    pub fn into_blocks(self) -> Vec<IpldBlock> {
        self.blocks.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect()
    }

    /// Takes out what was put so far, sorted by CID, each block once. Until it is written below, it is not to be read here.
    pub fn take_blocks(&self) -> Vec<IpldBlock> {
        std::mem::take(&mut *self.blocks()).into_iter().collect()
    }

    /// How many blocks were put.
    pub fn len(&self) -> usize {
        self.blocks().len()
    }

    /// Whether nothing was put.
    pub fn is_empty(&self) -> bool {
        self.blocks().is_empty()
    }

    /// The map is valid after every single insertion, so a thread that panicked elsewhere harms nothing here.
    fn blocks(&self) -> MutexGuard<'_, BTreeMap<Cid, Vec<u8>>> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Blockstore> Blockstore for Buffered<B> {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        let put = self.blocks().get(cid).cloned();
        if put.is_some() { Ok(put) } else { self.base.get(cid) }
    }

    fn has(&self, cid: &Cid) -> anyhow::Result<bool> {
        let put = self.blocks().contains_key(cid);
        Ok(put || self.base.has(cid)?)
    }

    fn put_keyed(&self, cid: &Cid, block: &[u8]) -> anyhow::Result<()> {
        self.blocks().insert(*cid, block.to_vec());
        Ok(())
    }
}
