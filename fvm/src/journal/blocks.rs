//! The journal as a store of IPLD blocks, for built-in actors whose state is a tree.

use std::cell::RefCell;
use std::sync::Arc;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;

use super::Journal;
use crate::state::StateView;

/// Blocks as the transaction has them; what is put is the transaction's.
pub(crate) struct Blocks<'a, V: StateView>(RefCell<&'a mut Journal<V>>);

impl<'a, V: StateView> Blocks<'a, V> {
    pub(crate) const fn of(journal: &'a mut Journal<V>) -> Self {
        Self(RefCell::new(journal))
    }
}

impl<V: StateView> Blockstore for Blocks<'_, V> {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(self.0.borrow_mut().block(cid)?.map(|block| block.to_vec()))
    }

    fn put_keyed(&self, cid: &Cid, block: &[u8]) -> anyhow::Result<()> {
        self.0.borrow_mut().put_block(*cid, Arc::from(block));
        Ok(())
    }
}
