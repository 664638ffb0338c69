//! A store for one case on one side: what it writes is its own, so neither side finds a block that only the other stored.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;

/// Blocks that all cases start from.
pub type Base = Arc<HashMap<Cid, Vec<u8>>>;

/// The base under what was written since. Clones share both.
#[derive(Clone, Default)]
pub struct Store {
    base: Base,
    written: Arc<RwLock<HashMap<Cid, Vec<u8>>>>,
}

impl Store {
    /// Nothing written yet.
    #[must_use]
    pub fn over(base: &Base) -> Self {
        Self { base: Arc::clone(base), written: Arc::default() }
    }

    /// All blocks, as a base for others.
    #[must_use]
    pub fn into_base(self) -> Base {
        let mut blocks = (*self.base).clone();
        blocks.extend(self.written.read().unwrap_or_else(PoisonError::into_inner).clone());
        Arc::new(blocks)
    }
}

impl Blockstore for Store {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        if let Some(block) = self.base.get(cid) {
            return Ok(Some(block.clone()));
        }
        Ok(self.written.read().unwrap_or_else(PoisonError::into_inner).get(cid).cloned())
    }

    fn put_keyed(&self, cid: &Cid, block: &[u8]) -> anyhow::Result<()> {
        self.written.write().unwrap_or_else(PoisonError::into_inner).insert(*cid, block.to_vec());
        Ok(())
    }
}
