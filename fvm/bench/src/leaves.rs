//! Where our executor reads the state flat, as a node does, in memory: one leaf a read. A node has them in RocksDB.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use tributary_fvm::StateFatal;
use tributary_fvm::state::{LeafChanges, Leaves, StateTree};

type Map<V> = HashMap<Vec<u8>, V, foldhash::fast::RandomState>;

/// The leaves of a runner's state: those that it began with, which runners share, under those that its blocks changed.
#[derive(Debug, Default)]
pub struct MemoryLeaves {
    first: Arc<Map<Vec<u8>>>,
    changed: RwLock<Map<Option<Vec<u8>>>>,
}

impl MemoryLeaves {
    /// Those of the state under `root`. Cost: all of it is read.
    ///
    /// # Errors
    /// When a block of it is missing or malformed.
    pub fn of<B: Blockstore + Clone + Sync>(store: B, root: &Cid) -> Result<Self, StateFatal> {
        let mut first = Map::default();
        StateTree::load(store, root)?.for_each_leaf(|key, value| {
            first.insert(key, value);
            Ok(())
        })?;
        Ok(Self { first: Arc::new(first), changed: RwLock::default() })
    }

    /// The same, that goes its own way from here.
    #[must_use]
    pub fn fork(&self) -> Self {
        let changed = self.changed.read().unwrap_or_else(PoisonError::into_inner).clone();
        Self { first: Arc::clone(&self.first), changed: RwLock::new(changed) }
    }

    /// Takes a block's changes over.
    pub fn apply(&self, changes: LeafChanges) {
        self.changed.write().unwrap_or_else(PoisonError::into_inner).extend(changes);
    }
}

impl Leaves for MemoryLeaves {
    fn leaf(&self, key: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
        if let Some(changed) = self.changed.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            return Ok(changed.clone());
        }
        Ok(self.first.get(key).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_shares_what_was_and_goes_its_own_way() {
        let first = Arc::new(Map::from_iter([(vec![1], vec![10]), (vec![2], vec![20])]));
        let one = MemoryLeaves { first, changed: RwLock::default() };
        one.apply(vec![(vec![1], Some(vec![11]))]);
        let other = one.fork();
        one.apply(vec![(vec![2], None), (vec![3], Some(vec![30]))]);
        let read = |leaves: &MemoryLeaves| [1, 2, 3].map(|key| leaves.leaf(&[key]).unwrap());
        assert_eq!(read(&one), [Some(vec![11]), None, Some(vec![30])]);
        assert_eq!(read(&other), [Some(vec![11]), Some(vec![20]), None]);
    }
}
