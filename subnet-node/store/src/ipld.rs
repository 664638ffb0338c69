//! IPLD blocks: the store as a block store, and the overlay that one block's execution writes to.
//!
//! ```text
//! execution ──put──▶ Buffered (memory) ─┬─take_blocks─▶ BlockCommit.ipld ──commit_block──▶ Store
//!           ◀─get──      │              └─hand_over───▶ Nodes ─────────────begin_trees───▶ Store
//!                        └─get──▶ what was put, else Nodes that are not written yet, else Store
//! ```
//!
//! What actors write reaches the disk with its block or not at all: a proposal that is not decided leaves nothing. Nodes of trees, which
//! can be made again, follow when there is time for them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use rocksdb::WriteBatch;

use crate::collection::Putting;
use crate::store::Store;
use crate::undecided::Survives;
use crate::{Family, StoreFatal};

/// An IPLD block under its CID. Whoever made it computed the CID from the bytes.
pub type IpldBlock = (Cid, Vec<u8>);

/// Nodes of trees on their way to the disk, sorted by CID, each once. Clones are handles of one list.
pub type Nodes = Arc<[IpldBlock]>;

impl Store {
    /// The batch must be written while `putting` is held.
    pub(crate) fn put_ipld<D: AsRef<[u8]>>(
        &self,
        batch: &mut WriteBatch,
        putting: &mut Putting,
        blocks: impl IntoIterator<Item = (Cid, D)>,
    ) {
        for (cid, block) in blocks {
            let name = cid.to_bytes();
            if let Some(barrier) = &mut putting.barrier {
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
    above: Mutex<Above>,
}

/// What the base does not have yet.
#[derive(Debug, Default)]
struct Above {
    blocks: BTreeMap<Cid, Vec<u8>>,
    /// Bytes of these.
    bytes: usize,
    /// What was handed over to be written below. Whoever writes it lets go of it once it is there.
    leaving: Vec<Weak<[IpldBlock]>>,
}

impl<B: Blockstore> Buffered<B> {
    /// An empty overlay of `base`.
    pub const fn new(base: B) -> Self {
        Self { base, above: Mutex::new(Above { blocks: BTreeMap::new(), bytes: 0, leaving: Vec::new() }) }
    }

    /// What was put, sorted by CID, each block once.
    pub fn into_blocks(self) -> Vec<IpldBlock> {
        self.above.into_inner().unwrap_or_else(PoisonError::into_inner).blocks.into_iter().collect()
    }

    /// Takes out what was put so far, sorted by CID, each block once. Until it is written below, it is not to be read here.
    pub fn take_blocks(&self) -> Vec<IpldBlock> {
        self.above().take().into_iter().collect()
    }

    /// Takes out what was put so far, to be written below, and finds it here on until the last handle is dropped. Whoever writes it drops
    /// it once it is there, and not at all when it cannot be written.
    pub fn hand_over(&self) -> Nodes {
        let mut above = self.above();
        let nodes: Nodes = above.take().into_iter().collect();
        above.leaving.retain(|nodes| nodes.strong_count() > 0);
        above.leaving.push(Arc::downgrade(&nodes));
        nodes
    }

    /// How many blocks were put.
    pub fn len(&self) -> usize {
        self.above().blocks.len()
    }

    /// Their bytes.
    pub fn bytes(&self) -> usize {
        self.above().bytes
    }

    /// Whether nothing was put.
    pub fn is_empty(&self) -> bool {
        self.above().blocks.is_empty()
    }

    /// Valid after every single change, so a thread that panicked elsewhere harms nothing here.
    fn above(&self) -> MutexGuard<'_, Above> {
        self.above.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Above {
    fn put(&mut self, cid: Cid, block: Vec<u8>) {
        self.bytes += block.len();
        let before = self.blocks.insert(cid, block);
        self.bytes -= before.map_or(0, |before| before.len());
    }

    fn take(&mut self) -> BTreeMap<Cid, Vec<u8>> {
        self.bytes = 0;
        std::mem::take(&mut self.blocks)
    }

    fn get(&self, cid: &Cid) -> Option<Vec<u8>> {
        let leaving = || {
            self.leaving.iter().find_map(|nodes| {
                let nodes = nodes.upgrade()?;
                let at = nodes.binary_search_by(|(other, _)| other.cmp(cid)).ok()?;
                Some(nodes[at].1.clone())
            })
        };
        self.blocks.get(cid).cloned().or_else(leaving)
    }
}

impl<B: Blockstore> Blockstore for Buffered<B> {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        let above = self.above().get(cid);
        if above.is_some() { Ok(above) } else { self.base.get(cid) }
    }

    fn has(&self, cid: &Cid) -> anyhow::Result<bool> {
        let is_above = self.above().get(cid).is_some();
        Ok(is_above || self.base.has(cid)?)
    }

    fn put_keyed(&self, cid: &Cid, block: &[u8]) -> anyhow::Result<()> {
        let block = block.to_vec();
        self.above().put(*cid, block);
        Ok(())
    }
}
