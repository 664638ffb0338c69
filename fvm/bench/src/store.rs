//! Where our executor's blocks of state go: what a run adds is counted, and gone with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use tributary_fvm::state::MemoryStore;

/// Blocks in memory, above others that are only read.
pub struct CountingStore {
    below: Option<Arc<MemoryStore>>,
    own: Arc<MemoryStore>,
    written_bytes: AtomicU64,
}

impl CountingStore {
    /// Reads and writes `own`, and reads what `below` has.
    #[must_use]
    pub const fn new(own: Arc<MemoryStore>, below: Option<Arc<MemoryStore>>) -> Self {
        Self { below, own, written_bytes: AtomicU64::new(0) }
    }

    /// A store that has nothing of its own above this one's blocks.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self::new(Arc::default(), Some(Arc::clone(&self.own)))
    }

    /// Another handle on the same blocks, with a count of its own.
    #[must_use]
    pub fn twin(&self) -> Self {
        Self::new(Arc::clone(&self.own), self.below.clone())
    }

    /// Blocks that it may write.
    #[must_use]
    pub const fn own(&self) -> &Arc<MemoryStore> {
        &self.own
    }

    /// Bytes of all blocks that were put so far.
    #[must_use]
    pub fn written_bytes(&self) -> u64 {
        self.written_bytes.load(Ordering::Relaxed)
    }
}

impl Blockstore for CountingStore {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        match (self.own.get(cid)?, &self.below) {
            (None, Some(below)) => below.get(cid),
            (found, _) => Ok(found),
        }
    }

    fn put_keyed(&self, cid: &Cid, block: &[u8]) -> anyhow::Result<()> {
        self.written_bytes.fetch_add(u64::try_from(block.len())?, Ordering::Relaxed);
        self.own.put_keyed(cid, block)
    }
}

#[cfg(test)]
mod tests {
    use tributary_primitives::raw_cid;

    use super::*;

    #[test]
    fn a_fork_reads_what_is_below_and_writes_above() {
        let base = CountingStore::new(Arc::default(), None);
        let (old, new) = (raw_cid(b"old"), raw_cid(b"new!"));
        base.put_keyed(&old, b"old").unwrap();
        let fork = base.fork();
        let twin = fork.twin();
        fork.put_keyed(&new, b"new!").unwrap();
        assert_eq!((fork.get(&old).unwrap(), twin.get(&new).unwrap()), (Some(b"old".into()), Some(b"new!".into())));
        assert_eq!(base.get(&new).unwrap(), None);
        assert_eq!((base.written_bytes(), fork.written_bytes(), twin.written_bytes()), (3, 4, 0));
    }
}
