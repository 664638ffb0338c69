//! Which transactions wait, and which of them a proposer takes.
//!
//! ```text
//! transaction
//!   ├─ known?                          yes ─▶ Known
//!   ├─ few enough bytes for the chain?  no ─▶ TooLarge
//!   ├─ room in a block?                 no ─▶ GasAboveBlock
//!   ├─ pays today's base fee's floor?   no ─▶ Underpriced
//!   ├─ nonce used up?                  yes ─▶ NonceTooLow
//!   ├─ nonce too far ahead?            yes ─▶ NonceTooHigh
//!   ├─ sender can pay it and others?    no ─▶ InsufficientFunds
//!   ├─ same nonce waits?               yes ─▶ replaces it for 10 % more, or ReplacementUnderpriced
//!   ├─ one more behind a gap?          yes ─▶ TooManyGapped of its sender, GappedFull of all
//!   ├─ pool full of better ones?       yes ─▶ PoolFull, or FutureReplacesPending behind a gap
//!   └─ waits
//! ```
//!
//! Bounds: [`MempoolLimits`]. Each sender's transactions wait in nonce order; only those without a gap are taken. When the pool is
//! full, those behind gaps make room, then the cheapest sender's last transaction: `room`. What waits too long is dropped.
//!
//! Space in the pool is paid for by what a sender could be charged. So a sender's transactions never cost more together than it has, as far
//! as is known. When its balance falls below that, by other ways than those transactions, its last ones go until the others fit: that opens
//! no gap, and keeps those that run first. Its own transactions never bring this about, since none takes more than its worst cost.
//!
//! Nor does it cost anything to leave out a nonce and send what comes after it. Such *gapped* transactions are bounded on their own, of each
//! sender and of all. If a gap opens before what waits, since one before it waited too long, the sender's last ones go until the bounds hold.
//!
//! The pool remembers of each sender what it was told last, and after which block that was so. Nothing is asked of all that wait:
//!
//! | when | whose state is told |
//! |---|---|
//! | a transaction is admitted | its sender's |
//! | a block is decided | of those who sent its transactions and still wait, and of a few others in turn: [`Mempool::due`] |
//! | a proposer selects | of those whom it would take and who were last heard of before the last block: [`Selection::unsure`] |
//!
//! A sender's state changes by other means too: contracts move money, an EIP-7702 authorization uses up a nonce. Such a transaction is
//! found void when a proposer is about to take it, or when its sender's turn comes, or it gets too old; it is never taken.
//!
//! | module | holds |
//! |---|---|
//! | `check` | whether a transaction may wait, as far as it and its sender say |
//! | `queue` | what waits of one sender, and what is known of it |
//! | `rejected` | why a transaction may not wait |
//! | `ready` | the senders' next transactions, in the order in which a proposer takes them |
//! | `room` | who gives way to a newcomer |
//! | `select` | what a proposer takes |
//! | `tips` | transactions in the order in which they give way |

mod check;
mod queue;
mod ready;
mod rejected;
mod room;
mod select;
#[cfg(test)]
pub(crate) mod tests;
mod tips;

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

use fvm_shared::address::Address;
use indexmap::{IndexMap, IndexSet};
use tributary_message::Transaction;
use tributary_primitives::{Hash32, Height};

use queue::{Queue, Waiting};
use ready::Ready;
pub use rejected::MempoolRejected;
pub use select::{BlockSpace, Selection};
use tips::Tips;

/// Senders whose state is asked for after a block only since it is their turn.
pub const TURNS_PER_BLOCK: usize = 128;

/// What waits behind gaps has at most one part in so many of the pool, of its transactions and of its bytes.
pub const GAPPED_SHARE: usize = 16;

/// Bounds of one node's mempool. Each node may choose its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MempoolLimits {
    /// Most transactions that wait.
    pub transactions_max: usize,
    /// Most bytes of all that wait.
    pub bytes_max: usize,
    /// Most transactions of one sender, and so how far its nonces may run ahead.
    pub per_sender_max: u64,
    /// Most transactions of one sender that wait for a nonce that is missing. Those of one that come out of order are few.
    pub gapped_per_sender_max: usize,
    /// Most such transactions of all senders.
    pub gapped_max: usize,
    /// Most bytes of such transactions of all senders.
    pub gapped_bytes_max: usize,
    /// How long a transaction waits before it is dropped.
    pub lifetime_ms: u64,
}

impl Default for MempoolLimits {
    fn default() -> Self {
        let (transactions_max, bytes_max) = (50_000, 64 << 20);
        Self {
            transactions_max,
            bytes_max,
            per_sender_max: 1_024,
            gapped_per_sender_max: 64,
            gapped_max: transactions_max / GAPPED_SHARE,
            gapped_bytes_max: bytes_max / GAPPED_SHARE,
            lifetime_ms: 30 * 60 * 1_000,
        }
    }
}

/// What the chain asks of every transaction. All nodes share these numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainRules {
    /// Gas of a whole block.
    pub block_gas_limit: u64,
    /// Least base fee there can be, attoTRB for a unit of the block's gas.
    pub base_fee_min: u128,
    /// FVM gas in a unit of the block's gas.
    pub fvm_gas_per_gas: u64,
    /// Most bytes of one transaction, beside what its kind may have at most.
    pub transaction_bytes_max: usize,
}

/// What the latest state says of a sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SenderState {
    /// Next nonce.
    pub nonce: u64,
    /// Balance in attoTRB; `u128::MAX` stands for all above.
    pub balance: u128,
}

/// When a transaction came, among all that wait. Each has a place of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival {
    at_ms: u64,
    hash: Hash32,
}

/// A transaction that waits.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// It.
    pub transaction: &'a Transaction,
    /// Whether it can run once those before it have, since no nonce from its sender's next one on is missing.
    pub is_pending: bool,
}

/// The transactions that wait.
pub struct Mempool {
    limits: MempoolLimits,
    rules: ChainRules,
    senders: IndexMap<Address, Queue>,
    by_hash: HashMap<Hash32, (Address, u64)>,
    /// Those that wait below their senders' gaps; finds what makes room.
    pending: Tips,
    /// Those behind the gaps.
    gapped: Tips,
    /// Oldest first; finds what waited too long.
    by_age: BTreeSet<Arrival>,
    ready: Ready,
    /// Position in `senders` of the one whose turn it is.
    turn: usize,
}

impl Mempool {
    /// An empty pool.
    #[must_use]
    pub fn new(limits: MempoolLimits, rules: ChainRules) -> Self {
        Self {
            limits,
            rules,
            senders: IndexMap::new(),
            by_hash: HashMap::new(),
            pending: Tips::default(),
            gapped: Tips::default(),
            by_age: BTreeSet::new(),
            ready: Ready::default(),
            turn: 0,
        }
    }

    /// Judges `transaction` against its sender's state after the block at `as_of`; if it may, it waits from now on.
    ///
    /// Where the pool knows the sender's state after a later block, that counts; else it learns `state`, even if it refuses the transaction.
    /// Cost: a few steps in ordered sets, one for each of the sender's behind it that wait for it or for the one that it replaces, and a
    /// few for each that gives way.
    ///
    /// # Errors
    /// [`MempoolRejected`]; nothing gave way.
    pub fn admit(
        &mut self,
        transaction: Transaction,
        state: SenderState,
        as_of: Height,
        now_ms: u64,
    ) -> Result<(), MempoolRejected> {
        let sender = transaction.sender();
        self.learn(&sender, state, as_of);
        let known = self.senders.get(&sender).map(|queue| (queue.known, queue.as_of));
        let (state, as_of) = known.unwrap_or((state, as_of));
        let is_gapped = self.check(&transaction, state)?;
        for (loser, from) in self.losers(&transaction, is_gapped)? {
            self.remove_from(&loser, from);
        }
        self.remove_at(&sender, transaction.nonce());
        self.insert(transaction, state, as_of, now_ms);
        self.settle(&sender);
        Ok(())
    }

    /// Whose state is wanted after a block with transactions of `named`: of those who still wait, each once, and of the next
    /// [`TURNS_PER_BLOCK`] in turn.
    ///
    /// Cost: one look-up for each named, and the turns.
    pub fn due(&mut self, named: impl Iterator<Item = Address>) -> Vec<Address> {
        let (first, count) = (self.turn, self.senders.len());
        let turns = count.min(TURNS_PER_BLOCK);
        let in_turn = (first..first + turns).filter_map(|turn| self.senders.get_index(turn % count));
        let waits = named.filter(|sender| self.senders.contains_key(sender));
        let due: IndexSet<Address> = waits.chain(in_turn.map(|(sender, _)| *sender)).collect();
        self.turn = (first + turns).checked_rem(count).unwrap_or(0);
        due.into_iter().collect()
    }

    /// Takes in a sender's state after the block at `as_of`, and drops what it makes void, and the last ones if its balance does not
    /// cover all. An older state than known says nothing.
    ///
    /// Cost: a few steps in ordered sets for each transaction that is dropped.
    pub fn learn(&mut self, sender: &Address, state: SenderState, as_of: Height) {
        let Some(queue) = self.senders.get_mut(sender).filter(|queue| queue.as_of <= as_of) else { return };
        queue.as_of = as_of;
        if queue.known == state {
            return;
        }
        if state.nonce < queue.known.nonce {
            queue.gap = state.nonce;
        }
        queue.known = state;
        let void: Vec<_> = queue.waiting.range(..state.nonce).map(|(nonce, _)| *nonce).collect();
        for nonce in void {
            self.remove_at(sender, nonce);
        }
        while let Some(last) = self.senders.get(sender).and_then(Queue::overdrawn) {
            self.remove_at(sender, last);
        }
        self.settle(sender);
        self.trim(sender);
    }

    /// Drops what waited longer than it may. Cost: a few steps in ordered sets for each that is dropped, and for each behind it that waits
    /// for it.
    pub fn expire(&mut self, now_ms: u64) {
        let mut touched = IndexSet::new();
        let oldest_ms = now_ms.saturating_sub(self.limits.lifetime_ms);
        while let Some(Arrival { hash, .. }) = self.by_age.first().filter(|arrival| arrival.at_ms < oldest_ms) {
            let (sender, nonce) = self.by_hash[hash];
            self.remove_at(&sender, nonce);
            touched.insert(sender);
        }
        touched.iter().for_each(|sender| self.settle(sender));
        touched.iter().for_each(|sender| self.trim(sender));
    }

    /// The transaction with this hash, if it waits.
    #[must_use]
    pub fn get(&self, hash: &Hash32) -> Option<&Transaction> {
        let (sender, nonce) = self.by_hash.get(hash)?;
        self.senders.get(sender)?.waiting.get(nonce).map(|waiting| &waiting.transaction)
    }

    /// When the transaction with this hash came, if it waits.
    #[must_use]
    pub fn arrived_ms(&self, hash: &Hash32) -> Option<u64> {
        let (sender, nonce) = self.by_hash.get(hash)?;
        self.senders.get(sender)?.waiting.get(nonce).map(|waiting| waiting.arrived_ms)
    }

    /// The nonce after the last of the sender's that wait without a gap, starting at `next`.
    #[must_use]
    pub fn pending_nonce(&self, sender: &Address, next: u64) -> u64 {
        let Some(queue) = self.senders.get(sender) else { return next };
        let without_gap = |(expected, nonce): &(u64, &u64)| expected == *nonce;
        let last = (next..).zip(queue.waiting.range(next..).map(|(nonce, _)| nonce)).take_while(without_gap).last();
        last.map_or(next, |(nonce, _)| nonce + 1)
    }

    /// When the last of all that wait came.
    #[must_use]
    pub fn last(&self) -> Option<Arrival> {
        self.by_age.last().copied()
    }

    /// What waits and came after `last`, or all of it, oldest first. Who goes on later after the last one seen misses none that
    /// waits all the time, and sees none twice. Cost: three look-ups for each.
    pub fn since(&self, last: Option<Arrival>) -> impl Iterator<Item = (Arrival, Shown<'_>)> {
        let after = last.map_or(Bound::Unbounded, Bound::Excluded);
        self.by_age.range((after, Bound::Unbounded)).filter_map(|arrival| {
            let (sender, nonce) = self.by_hash.get(&arrival.hash)?;
            Some((*arrival, self.senders.get(sender)?.show(*nonce)?))
        })
    }

    /// What waits of `sender` from this nonce on, in nonce order. Cost: a step in an ordered set for each.
    pub fn of(&self, sender: &Address, from: u64) -> impl Iterator<Item = Shown<'_>> {
        let queue = self.senders.get(sender);
        queue.into_iter().flat_map(move |queue| {
            queue
                .waiting
                .range(from..)
                .map(|(nonce, Waiting { transaction, .. })| Shown { transaction, is_pending: *nonce < queue.gap })
        })
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_hash.len()
    }

    /// How many of them can run once those before them have, as [`Shown::is_pending`] says of each.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_hash.is_empty()
    }

    /// Bytes that wait.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.pending.bytes() + self.gapped.bytes()
    }

    /// Its place among those that are ready is left to [`Self::settle`].
    fn insert(&mut self, transaction: Transaction, known: SenderState, as_of: Height, arrived_ms: u64) {
        let (sender, nonce, hash) = (transaction.sender(), transaction.nonce(), transaction.hash());
        self.by_hash.insert(hash, (sender, nonce));
        self.by_age.insert(Arrival { at_ms: arrived_ms, hash });
        let queue = self.senders.entry(sender).or_insert_with(|| Queue::new(known, as_of));
        // One that closes the gap need not stand among the gapped first.
        if nonce == queue.settled {
            queue.settled += 1;
        }
        let order = if nonce < queue.settled { &mut self.pending } else { &mut self.gapped };
        order.insert(transaction.tip_cap(self.rules.fvm_gas_per_gas), &transaction);
        queue.cost += cost_max(&transaction);
        queue.waiting.insert(nonce, Waiting { transaction, arrived_ms });
    }

    /// Its place among those that are ready, and an empty queue, are left to [`Self::settle`].
    fn remove_at(&mut self, sender: &Address, nonce: u64) {
        let Some(queue) = self.senders.get_mut(sender) else { return };
        let Some(Waiting { transaction, arrived_ms }) = queue.waiting.remove(&nonce) else { return };
        let hash = transaction.hash();
        self.by_hash.remove(&hash);
        self.by_age.remove(&Arrival { at_ms: arrived_ms, hash });
        let order = if nonce < queue.settled { &mut self.pending } else { &mut self.gapped };
        order.remove(transaction.tip_cap(self.rules.fvm_gas_per_gas), &transaction);
        queue.cost -= cost_max(&transaction);
        if nonce >= queue.known.nonce {
            queue.gap = queue.gap.min(nonce);
        }
    }

    /// Drops the sender's last ones, down to this nonce.
    fn remove_from(&mut self, sender: &Address, nonce: u64) {
        let Some(queue) = self.senders.get(sender) else { return };
        let last: Vec<_> = queue.waiting.range(nonce..).map(|(nonce, _)| *nonce).collect();
        for nonce in last {
            self.remove_at(sender, nonce);
        }
        self.settle(sender);
    }

    /// Brings the sender's place among those that are ready, and on which side of the gap its others stand, in line with what waits of it.
    fn settle(&mut self, sender: &Address) {
        let Some(queue) = self.senders.get_mut(sender) else { return };
        let ratio = self.rules.fvm_gas_per_gas;
        queue.find_gap();
        let (old, new) = (queue.settled, queue.gap);
        let (left, joined) =
            if new > old { (&mut self.gapped, &mut self.pending) } else { (&mut self.pending, &mut self.gapped) };
        for Waiting { transaction, .. } in queue.waiting.range(old.min(new)..old.max(new)).map(|(_, waiting)| waiting) {
            let tip = transaction.tip_cap(ratio);
            left.remove(tip, transaction);
            joined.insert(tip, transaction);
        }
        queue.settled = new;
        let next = queue.next(ratio);
        if queue.next != next {
            queue.next.iter().for_each(|old| self.ready.remove(old));
            next.iter().for_each(|new| self.ready.insert(*new));
            queue.next = next;
        }
        if queue.waiting.is_empty() {
            self.senders.swap_remove(sender);
        }
    }

    /// Drops the sender's last ones while more is gapped than may be: none unless a gap opened before them.
    fn trim(&mut self, sender: &Address) {
        while let Some(last) = self.surplus(sender) {
            self.remove_at(sender, last);
            self.settle(sender);
        }
    }

    /// The nonce of the sender's last gapped one, if more of it or of all are gapped than may be.
    fn surplus(&self, sender: &Address) -> Option<u64> {
        let (queue, limits) = (self.senders.get(sender)?, &self.limits);
        let is_over = self.gapped.len() > limits.gapped_max || self.gapped.bytes() > limits.gapped_bytes_max;
        let last = queue.waiting.last_key_value().map(|(nonce, _)| *nonce).filter(|nonce| *nonce >= queue.gap);
        last.filter(|_| is_over || queue.gapped() > limits.gapped_per_sender_max)
    }
}

/// Worst cost in attoTRB; what overflows no one can pay.
fn cost_max(transaction: &Transaction) -> u128 {
    transaction.cost_max().unwrap_or(u128::MAX)
}
