//! Which worker runs which transaction: each is taken once.
//!
//! ```text
//!                 window reaches it          what it comes after is executed
//!                        │ REACHED                      │ FREE
//!                        ▼                              ▼
//!                        └──────────── both ────────────┘
//!                                       │ whoever brought the second
//!                                       ▼
//!                                     TAKEN ◀── or the committer, when speculation is over
//! ```
//!
//! So a chain of one sender's transactions runs on one worker, one after the other, and nobody waits for it.

use crate::sync::{AtomicBool, AtomicU8, AtomicUsize, Ordering};

const REACHED: u8 = 1;
const FREE: u8 = 2;
const TAKEN: u8 = 4;

/// Hands out transactions. A gate and a successor for each of the block, and no queue: a chain is handed on from one to the next.
#[derive(Debug)]
pub(crate) struct Turns {
    next: AtomicUsize,
    gates: Box<[AtomicU8]>,
    /// The next transaction of the same chain.
    successors: Box<[Option<usize>]>,
    is_closed: AtomicBool,
}

impl Turns {
    /// Turns for `count` transactions, of which each comes `after` an earlier one or none. Of two that come after the same one the
    /// first waits for it, the second is free: a hint lost, no more.
    pub(crate) fn new(count: usize, after: impl Fn(usize) -> Option<usize>) -> Self {
        let mut successors = vec![None; count].into_boxed_slice();
        let mut gate = |index| {
            let predecessor = after(index).filter(|predecessor| *predecessor < index);
            match predecessor.and_then(|predecessor| successors.get_mut(predecessor)) {
                Some(successor @ None) => {
                    *successor = Some(index);
                    AtomicU8::new(0)
                }
                _ => AtomicU8::new(FREE),
            }
        };
        let gates = (0..count).map(&mut gate).collect();
        Self { next: AtomicUsize::new(0), gates, successors, is_closed: AtomicBool::new(false) }
    }

    /// The next transaction before `limit` that can run now.
    pub(crate) fn take(&self, limit: usize) -> Option<usize> {
        while !self.is_closed() {
            let index = self.next.load(Ordering::SeqCst);
            if index >= limit.min(self.gates.len()) {
                return None;
            }
            let is_ours = self.next.compare_exchange(index, index + 1, Ordering::SeqCst, Ordering::SeqCst).is_ok();
            if is_ours && self.open(index, REACHED) {
                return Some(index);
            }
        }
        None
    }

    /// Says that a transaction is executed; answers the next of its chain, if that can run now.
    pub(crate) fn executed(&self, index: usize) -> Option<usize> {
        let successor = self.successors[index].filter(|_| !self.is_closed())?;
        self.open(successor, FREE).then_some(successor)
    }

    /// Whether [`Self::take`] would look at another transaction before `limit`.
    pub(crate) fn has_next(&self, limit: usize) -> bool {
        self.next.load(Ordering::SeqCst) < limit.min(self.gates.len())
    }

    /// Whether every transaction was reached, or no more will be.
    pub(crate) fn is_over(&self) -> bool {
        self.is_closed() || !self.has_next(usize::MAX)
    }

    /// Hands out nothing more, except by [`Self::claim`].
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    /// Takes a transaction out of turn; `false` when somebody has it.
    pub(crate) fn claim(&self, index: usize) -> bool {
        self.gates[index].fetch_or(TAKEN, Ordering::SeqCst) & TAKEN == 0
    }

    /// Brings one of the two conditions; whether the transaction is the caller's now.
    fn open(&self, index: usize, condition: u8) -> bool {
        let before = self.gates[index].fetch_or(condition, Ordering::SeqCst);
        let is_complete = (before | condition) & (REACHED | FREE) == REACHED | FREE;
        is_complete && before & condition == 0 && self.claim(index)
    }
}
