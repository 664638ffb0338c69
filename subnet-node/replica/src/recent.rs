//! Transactions that were read lately, so that the same bytes are not read twice: recovering who signed costs more than all else.
//!
//! What waits is found in the mempool. This is for what does not: it came with a proposal before it came by gossip, was refused, or
//! left with a block while copies of it are still on their way.
//!
//! Bound: the bytes given. Two generations; when the younger has half of the bytes, it becomes the older, which is forgotten.

use std::collections::HashMap;
use std::mem;

use tributary_message::Transaction;
use tributary_primitives::Hash32;

/// Bytes of a transaction in memory beside those it came as, which it holds twice: as they came and decoded.
const OVERHEAD_BYTES: usize = 512;

/// What was read lately.
pub struct Recent {
    bytes_max: usize,
    young: HashMap<Hash32, Transaction>,
    young_bytes: usize,
    old: HashMap<Hash32, Transaction>,
}

impl Recent {
    /// Remembers about `bytes_max` bytes of transactions.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self { bytes_max, young: HashMap::new(), young_bytes: 0, old: HashMap::new() }
    }

    /// Remembers `transaction` for as long as half of the bytes allow, at least.
    pub fn remember(&mut self, transaction: Transaction) {
        let bytes = 2 * transaction.raw().len() + OVERHEAD_BYTES;
        if self.young_bytes + bytes > self.bytes_max / 2 {
            self.old = mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if self.young.insert(transaction.hash(), transaction).is_none() {
            self.young_bytes += bytes;
        }
    }

    /// The transaction with this hash, if it is remembered.
    #[must_use]
    pub fn get(&self, hash: &Hash32) -> Option<&Transaction> {
        self.young.get(hash).or_else(|| self.old.get(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mempool::tests::transfer;

    #[test]
    fn at_least_half_of_the_bytes_are_remembered_and_never_more_than_all() {
        let all: Vec<_> = (0..20).map(|nonce| transfer(1, nonce, 10)).collect();
        let bytes = 2 * all[0].raw().len() + OVERHEAD_BYTES;
        let mut recent = Recent::new(10 * bytes + 5);
        for (count, transaction) in all.iter().enumerate() {
            recent.remember(transaction.clone());
            recent.remember(transaction.clone());
            let known = |transaction: &&Transaction| recent.get(&transaction.hash()).is_some();
            assert_eq!(all[..=count].iter().rev().take(5).filter(known).count(), 5.min(count + 1));
            assert!(all.iter().filter(known).count() <= 10);
        }
        assert_eq!(recent.get(&all[19].hash()), Some(&all[19]));
        assert_eq!(recent.get(&all[0].hash()), None);
    }
}
