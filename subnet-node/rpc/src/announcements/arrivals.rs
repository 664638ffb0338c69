//! Transactions that began to wait, in words: each is looked for and put into JSON once, however many subscribed.
//!
//! What is kept is bounded by number and by bytes; who is so far behind that it went meanwhile has it looked for again. One that is not found,
//! since it left the mempool, is not remembered as such: it may come again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::value::RawValue;
use tributary_primitives::Hash32;

use super::{Cell, read_once};
use crate::error::RpcRejected;
use crate::eth::transaction_by_hash;
use crate::lane::Lane;
use crate::methods::to_json;
use crate::node::Node;

/// Transactions that are kept for who is told of them next: about as many as a node remembers that they came.
const KEPT_MAX: usize = 4_096;

/// Bytes of them in JSON. Of the largest of Ethereum, which have 128 KiB and twice as many digits, it is thirty.
const KEPT_BYTES_MAX: usize = 8 << 20;

/// Transactions that are looked for at once. Whoever is up to date waits for the same one.
const READS_MAX: usize = 2;

/// A transaction in JSON; none that left the mempool and is in no block.
type Words = Option<Arc<RawValue>>;

/// Transactions as subscribers are told of them.
pub struct Arrivals {
    node: Arc<Node>,
    reads: Lane,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    cells: HashMap<Hash32, (Cell<Words>, usize)>,
    /// Their names, the first that was asked for first.
    order: VecDeque<Hash32>,
    bytes: usize,
}

impl Arrivals {
    /// Of this node. They have places of their own: a flood of transactions keeps no block from those who follow the chain.
    pub fn new(node: Arc<Node>) -> Self {
        Self { node, reads: Lane::new("transactions that are told of", READS_MAX, usize::MAX), kept: Mutex::default() }
    }

    /// The Ethereum transaction of this hash, as `eth_getTransactionByHash` shows it.
    ///
    /// # Errors
    /// [`RpcRejected::Unavailable`].
    pub async fn words(self: &Arc<Self>, hash: Hash32) -> Result<Words, RpcRejected> {
        let cell = self.lock().cell(hash);
        read_once(Arc::clone(&cell), Arc::clone(self).read(hash, cell)).await
    }

    async fn read(self: Arc<Self>, hash: Hash32, cell: Cell<Words>) -> Result<Words, RpcRejected> {
        let node = Arc::clone(&self.node);
        let look = move || transaction_by_hash(&node, (hash,))?.as_ref().map(to_json).transpose();
        let words: Words = self.reads.run(look).await?.map(Arc::from);
        self.lock().found(hash, &cell, words.as_ref().map(|words| words.get().len()));
        Ok(words)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Whole after every use, so a thread that panicked elsewhere harms nothing here.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Where this one is, or will be.
    fn cell(&mut self, hash: Hash32) -> Cell<Words> {
        if let Some((cell, _)) = self.cells.get(&hash) {
            return Arc::clone(cell);
        }
        let cell = Cell::<Words>::default();
        self.cells.insert(hash, (Arc::clone(&cell), 0));
        self.order.push_back(hash);
        self.let_go();
        cell
    }

    /// It was found to have so many bytes, or not found.
    fn found(&mut self, hash: Hash32, cell: &Cell<Words>, bytes: Option<usize>) {
        let Some((_, counted)) = self.cells.get_mut(&hash).filter(|(kept, _)| Arc::ptr_eq(kept, cell)) else { return };
        match bytes {
            Some(bytes) => {
                *counted = bytes;
                self.bytes += bytes;
                self.let_go();
            }
            None => {
                self.cells.remove(&hash);
                self.order.retain(|other| *other != hash);
            }
        }
    }

    fn let_go(&mut self) {
        while self.order.len() > KEPT_MAX || self.bytes > KEPT_BYTES_MAX {
            let Some(first) = self.order.pop_front() else { return };
            let (_, bytes) = self.cells.remove(&first).unwrap_or_default();
            self.bytes -= bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: usize) -> Hash32 {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        Hash32(hash)
    }

    fn found(kept: &mut Kept, number: usize, bytes: Option<usize>) {
        let cell = kept.cell(hash(number));
        kept.found(hash(number), &cell, bytes);
    }

    #[test]
    fn no_more_are_kept_than_may_be_by_number_and_by_bytes() {
        let mut kept = Kept::default();
        for number in 0..KEPT_MAX + 2 {
            found(&mut kept, number, Some(1));
        }
        assert_eq!((kept.order.len(), kept.cells.len(), kept.bytes), (KEPT_MAX, KEPT_MAX, KEPT_MAX));
        assert!(!kept.cells.contains_key(&hash(1)) && kept.cells.contains_key(&hash(2)), "the first go first");
        found(&mut kept, 9_999, Some(KEPT_BYTES_MAX));
        assert_eq!((kept.order.len(), kept.bytes), (1, KEPT_BYTES_MAX), "exactly the limit");
        found(&mut kept, 10_000, Some(1));
        assert_eq!((kept.order.len(), kept.bytes), (1, 1));
    }

    #[test]
    fn who_asks_for_one_that_is_there_or_looked_for_gets_the_same_and_one_that_was_not_found_is_looked_for_again() {
        let mut kept = Kept::default();
        let cell = kept.cell(hash(1));
        assert!(Arc::ptr_eq(&cell, &kept.cell(hash(1))));
        kept.found(hash(1), &cell, None);
        let again = kept.cell(hash(1));
        assert!(!Arc::ptr_eq(&cell, &again));
        kept.found(hash(1), &cell, Some(7));
        assert_eq!(kept.bytes, 0, "what is not kept is not counted");
    }
}
