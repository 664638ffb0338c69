//! Transactions in the order in which they give way, the cheapest first.

use std::collections::BTreeSet;

use tributary_message::Transaction;
use tributary_primitives::Hash32;

/// Transactions by what they tip, and their bytes.
#[derive(Default)]
pub struct Tips {
    by_tip: BTreeSet<(u128, Hash32)>,
    bytes: usize,
}

impl Tips {
    /// Adds one, which tips as much for a unit of the block's gas.
    pub fn insert(&mut self, tip: u128, transaction: &Transaction) {
        if self.by_tip.insert((tip, transaction.hash())) {
            self.bytes += transaction.raw().len();
        }
    }

    /// Removes one.
    pub fn remove(&mut self, tip: u128, transaction: &Transaction) {
        if self.by_tip.remove(&(tip, transaction.hash())) {
            self.bytes -= transaction.raw().len();
        }
    }

    /// Tips and hashes, the cheapest first.
    pub fn cheapest_first(&self) -> impl Iterator<Item = (u128, Hash32)> {
        self.by_tip.iter().copied()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.by_tip.len()
    }

    /// Bytes of all.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}
