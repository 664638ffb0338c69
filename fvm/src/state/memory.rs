//! A store in memory: for tests, simulations and tools that look at a state once.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;

/// Blocks by CID, shared between threads.
#[derive(Debug, Default)]
pub struct MemoryStore {
    blocks: RwLock<HashMap<Cid, Vec<u8>>>,
}

impl MemoryStore {
    /// Blocks held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy of every block, in no order.
    #[must_use]
    pub fn blocks(&self) -> Vec<(Cid, Vec<u8>)> {
        let blocks = self.blocks.read().unwrap_or_else(PoisonError::into_inner);
        blocks.iter().map(|(cid, block)| (*cid, block.clone())).collect()
    }

    /// Forgets a block; answers whether it was there.
    pub fn remove(&self, cid: &Cid) -> bool {
        self.blocks.write().unwrap_or_else(PoisonError::into_inner).remove(cid).is_some()
    }
}

impl Blockstore for MemoryStore {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(self.blocks.read().unwrap_or_else(PoisonError::into_inner).get(cid).cloned())
    }

    fn put_keyed(&self, cid: &Cid, block: &[u8]) -> anyhow::Result<()> {
        self.blocks.write().unwrap_or_else(PoisonError::into_inner).insert(*cid, block.to_vec());
        Ok(())
    }
}
