//! One type for every store: the runtimes are compiled once, and compiled actor code is shared whatever the store.

use std::sync::Arc;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;

/// A handle on any store.
#[derive(Clone)]
pub struct SharedStore(Arc<dyn Blockstore + Send + Sync>);

impl SharedStore {
    /// A handle on `store`.
    pub fn new<B: Blockstore + Send + Sync + 'static>(store: Arc<B>) -> Self {
        Self(store)
    }
}

impl Blockstore for SharedStore {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        self.0.get(cid)
    }

    fn has(&self, cid: &Cid) -> anyhow::Result<bool> {
        self.0.has(cid)
    }

    fn put_keyed(&self, cid: &Cid, block: &[u8]) -> anyhow::Result<()> {
        self.0.put_keyed(cid, block)
    }
}
