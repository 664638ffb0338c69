//! What waits of one sender, in nonce order, and what the pool knows of that sender.
//!
//! ```text
//! nonce   7      8      9      10     11
//!         ▲ known.nonce        ▲ gap
//!         next                 what waits behind it is gapped, not pending
//! ```

use std::collections::BTreeMap;

use tributary_message::Transaction;
use tributary_primitives::Height;

use super::ready::Next;
use super::{SenderState, Shown};

/// A transaction that waits, and since when.
#[derive(Clone)]
pub struct Waiting {
    /// It.
    pub transaction: Transaction,
    /// When it came.
    pub arrived_ms: u64,
}

/// What waits of one sender, and what is known of it.
pub struct Queue {
    /// What the pool was told of the sender last.
    pub known: SenderState,
    /// The block after which that was so.
    pub as_of: Height,
    /// By nonce.
    pub waiting: BTreeMap<u64, Waiting>,
    /// Worst cost of all in `waiting` together, attoTRB. Exact: what would overflow is not admitted.
    pub cost: u128,
    /// The one that can be taken next, as it stands among those of other senders.
    pub next: Option<Next>,
    /// The first nonce, from the sender's next one on, that none in `waiting` has.
    pub gap: u64,
    /// The gap as the pool's orders know it: those below stand among the pending ones, the others among the gapped.
    pub settled: u64,
}

impl Queue {
    /// An empty one.
    pub const fn new(known: SenderState, as_of: Height) -> Self {
        let gap = known.nonce;
        Self { known, as_of, waiting: BTreeMap::new(), cost: 0, next: None, gap, settled: gap }
    }

    /// The one with this nonce, if it waits.
    pub fn show(&self, nonce: u64) -> Option<Shown<'_>> {
        let Waiting { transaction, .. } = self.waiting.get(&nonce)?;
        Some(Shown { transaction, is_pending: nonce < self.gap })
    }

    /// Moves the gap to where it is by now, after whatever came or went. Nothing waits below the sender's next nonce. Cost: a step for each
    /// nonce that the gap moves on by.
    pub fn find_gap(&mut self) {
        let from = self.gap.max(self.known.nonce);
        let follows = |(expected, nonce): &(u64, &u64)| expected == *nonce;
        let run = (from..).zip(self.waiting.range(from..).map(|(nonce, _)| nonce)).take_while(follows).count();
        self.gap = from + u64::try_from(run).unwrap_or(u64::MAX);
    }

    /// How many wait behind the gap, once that is found.
    pub fn gapped(&self) -> usize {
        let pending = usize::try_from(self.gap.saturating_sub(self.known.nonce)).unwrap_or(usize::MAX);
        self.waiting.len().saturating_sub(pending)
    }

    /// The last one's nonce, if the sender has less than what all cost.
    pub fn overdrawn(&self) -> Option<u64> {
        let last = self.waiting.last_key_value().map(|(nonce, _)| *nonce);
        last.filter(|_| self.cost > self.known.balance)
    }

    /// The transaction with the sender's next nonce, if it waits and the sender can pay it.
    pub fn next(&self, fvm_gas_per_gas: u64) -> Option<Next> {
        let Waiting { transaction, arrived_ms } = self.waiting.get(&self.known.nonce)?;
        let next = Next {
            tip: transaction.tip_cap(fvm_gas_per_gas),
            cap: transaction.fee_cap(fvm_gas_per_gas),
            arrived_ms: *arrived_ms,
            hash: transaction.hash(),
        };
        transaction.cost_max().is_some_and(|cost| cost <= self.known.balance).then_some(next)
    }
}
