//! Entries of the block in execution, on their way into the trees and the leaves.

use fvm_ipld_blockstore::Blockstore;

use super::BlockState;
use crate::error::StateFatal;
use crate::state::entries::{Change, value_of};
use crate::state::leaf::{Leaf, LeafChanges};

impl<B: Blockstore + Clone + Sync> BlockState<B> {
    /// The entries that changed, ascending by actor and key, and their leaves.
    pub(super) fn settle_entries(&mut self, leaves: &mut LeafChanges) -> Result<Vec<Change>, StateFatal> {
        let mut changes = Vec::new();
        for (id, key) in self.entries.take_changed() {
            let value = self.entries.get(&(id, key)).and_then(Option::as_ref);
            let value = value.map(|value| value_of(value)).transpose()?;
            leaves.push((Leaf::Entry(id, key).key(), value.clone()));
            changes.push((id, key, value));
        }
        Ok(changes)
    }
}
