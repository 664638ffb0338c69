//! Which transactions wait, and which of them a proposer takes.
//!
//! ```text
//! transaction
//!   ├─ known?                          yes ─▶ Known
//!   ├─ room in a block?                 no ─▶ GasAboveBlock
//!   ├─ pays today's base fee's floor?   no ─▶ Underpriced
//!   ├─ nonce used up?                  yes ─▶ NonceTooLow
//!   ├─ nonce too far ahead?            yes ─▶ NonceTooHigh
//!   ├─ sender can pay it?               no ─▶ InsufficientFunds
//!   ├─ same nonce waits?               yes ─▶ replaces it for 10 % more, or ReplacementUnderpriced
//!   ├─ pool full of better ones?       yes ─▶ PoolFull
//!   └─ waits
//! ```
//!
//! Bounds: [`MempoolLimits`]. Each sender's transactions wait in nonce order; only those without a gap are taken. When the pool is
//! full, the cheapest sender's last transaction makes room. What waits too long is dropped.
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
//! | `ready` | the senders' next transactions, in the order in which a proposer takes them |
//! | `select` | what a proposer takes |

mod ready;
mod select;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use fvm_shared::address::Address;
use indexmap::{IndexMap, IndexSet};
use tributary_message::Transaction;
use tributary_primitives::{Hash32, Height};

use ready::{Next, Ready};
pub use select::{BlockSpace, Selection};

/// Senders whose state is asked for after a block only since it is their turn.
pub const TURNS_PER_BLOCK: usize = 128;

/// Bounds of one node's mempool. Each node may choose its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MempoolLimits {
    /// Most transactions that wait.
    pub transactions_max: usize,
    /// Most bytes of all that wait.
    pub bytes_max: usize,
    /// Most transactions of one sender, and so how far its nonces may run ahead.
    pub per_sender_max: u64,
    /// How long a transaction waits before it is dropped.
    pub lifetime_ms: u64,
}

impl Default for MempoolLimits {
    fn default() -> Self {
        Self { transactions_max: 50_000, bytes_max: 64 << 20, per_sender_max: 1_024, lifetime_ms: 30 * 60 * 1_000 }
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
}

/// What the latest state says of a sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SenderState {
    /// Next nonce.
    pub nonce: u64,
    /// Balance in attoTRB; `u128::MAX` stands for all above.
    pub balance: u128,
}

/// Why a transaction may not wait. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MempoolRejected {
    /// The very same transaction waits already.
    #[error("transaction {0} is already known")]
    Known(Hash32),
    /// It could never fit a block.
    #[error("transaction wants {gas} gas; a block has {block}")]
    GasAboveBlock {
        /// Gas limit of the transaction, in the block's gas.
        gas: u64,
        /// Gas of a block.
        block: u64,
    },
    /// It pays less than the base fee can ever be.
    #[error("transaction pays at most {offered} per gas; the base fee is never below {needed}")]
    Underpriced {
        /// Fee cap of the transaction.
        offered: u128,
        /// Least base fee.
        needed: u128,
    },
    /// Its nonce is used up.
    #[error("nonce too low: next nonce {next}, transaction nonce {got}")]
    NonceTooLow {
        /// The sender's next nonce.
        next: u64,
        /// Nonce of the transaction.
        got: u64,
    },
    /// Its nonce is too far ahead of the sender's.
    #[error("nonce too high: next nonce {next}, transaction nonce {got}, at most {max} may wait")]
    NonceTooHigh {
        /// The sender's next nonce.
        next: u64,
        /// Nonce of the transaction.
        got: u64,
        /// Most nonces ahead.
        max: u64,
    },
    /// The sender cannot pay it.
    #[error("insufficient funds for gas * price + value: balance {balance}, cost {cost}")]
    InsufficientFunds {
        /// Balance in attoTRB.
        balance: u128,
        /// Worst cost in attoTRB; `u128::MAX` stands for all above.
        cost: u128,
    },
    /// One with the same nonce waits and pays as much.
    #[error("replacement transaction underpriced: fee cap and tip must both rise to {needed_cap} and {needed_tip}")]
    ReplacementUnderpriced {
        /// Least fee cap that replaces.
        needed_cap: u128,
        /// Least tip that replaces.
        needed_tip: u128,
    },
    /// The pool is full and this one pays no better than what waits.
    #[error("mempool is full: {transactions} transactions, {bytes} bytes; pay a higher tip or try again later")]
    PoolFull {
        /// Transactions that wait.
        transactions: usize,
        /// Bytes that wait.
        bytes: usize,
    },
}

#[derive(Clone)]
struct Waiting {
    transaction: Transaction,
    arrived_ms: u64,
}

/// What waits of one sender, and what is known of it.
struct Queue {
    known: SenderState,
    /// The block after which that was so.
    as_of: Height,
    waiting: BTreeMap<u64, Waiting>,
    /// No transaction in `waiting` costs more.
    cost_bound: u128,
    /// The one that can be taken next, as it stands among those of other senders.
    next: Option<Next>,
    /// The first nonce, from the sender's next one on, that none in `waiting` has.
    gap: u64,
    /// How many wait below the gap, as the pool counts them.
    pending: usize,
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
    /// Cheapest first; finds what makes room.
    by_tip: BTreeSet<(u128, Hash32)>,
    /// Oldest first; finds what waited too long.
    by_age: BTreeSet<Arrival>,
    ready: Ready,
    bytes: usize,
    /// How many wait below their senders' gaps.
    pending: usize,
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
            by_tip: BTreeSet::new(),
            by_age: BTreeSet::new(),
            ready: Ready::default(),
            bytes: 0,
            pending: 0,
            turn: 0,
        }
    }

    /// Judges `transaction` against its sender's state after the block at `as_of`; if it may, it waits from now on.
    ///
    /// Where the pool knows the sender's state after a later block, that counts. Cost: a few steps in ordered sets, and one for each of the
    /// sender's behind it that wait for it or for the one that it replaces.
    ///
    /// # Errors
    /// [`MempoolRejected`]; the pool is as before.
    pub fn admit(
        &mut self,
        transaction: Transaction,
        state: SenderState,
        as_of: Height,
        now_ms: u64,
    ) -> Result<(), MempoolRejected> {
        let sender = transaction.sender();
        let later = self.senders.get(&sender).filter(|queue| queue.as_of > as_of);
        let (state, as_of) = later.map_or((state, as_of), |queue| (queue.known, queue.as_of));
        self.check(&transaction, state)?;
        self.check_replacement(&transaction)?;
        self.make_room(&transaction)?;
        self.learn(&sender, state, as_of);
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

    /// Takes in a sender's state after the block at `as_of`, and drops what it makes void. An older state than known says nothing.
    ///
    /// Cost: a few steps in ordered sets for each transaction that is dropped; a look at each that waits of this sender if its
    /// balance may not cover them.
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
        let mut void: Vec<_> = queue.waiting.range(..state.nonce).map(|(nonce, _)| *nonce).collect();
        if queue.cost_bound > state.balance {
            let too_dear = |(_, waiting): &(&u64, &Waiting)| cost_max(&waiting.transaction) > state.balance;
            void.extend(queue.waiting.range(state.nonce..).filter(too_dear).map(|(nonce, _)| *nonce));
        }
        for nonce in void {
            self.remove_at(sender, nonce);
        }
        self.settle(sender);
    }

    /// Drops what waited longer than it may. Cost: a few steps in ordered sets for each that is dropped.
    pub fn expire(&mut self, now_ms: u64) {
        let oldest_ms = now_ms.saturating_sub(self.limits.lifetime_ms);
        while let Some(Arrival { hash, .. }) = self.by_age.first().filter(|arrival| arrival.at_ms < oldest_ms) {
            let (sender, nonce) = self.by_hash[hash];
            self.remove_at(&sender, nonce);
            self.settle(&sender);
        }
    }

    /// The transaction with this hash, if it waits.
    #[must_use]
    pub fn get(&self, hash: &Hash32) -> Option<&Transaction> {
        let (sender, nonce) = self.by_hash.get(hash)?;
        self.senders.get(sender)?.waiting.get(nonce).map(|waiting| &waiting.transaction)
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
    pub const fn pending(&self) -> usize {
        self.pending
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_hash.is_empty()
    }

    /// Bytes that wait.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    fn check(&self, transaction: &Transaction, sender: SenderState) -> Result<(), MempoolRejected> {
        if self.by_hash.contains_key(&transaction.hash()) {
            return Err(MempoolRejected::Known(transaction.hash()));
        }
        let ratio = self.rules.fvm_gas_per_gas;
        let (gas, block) = (transaction.block_gas_limit(ratio), self.rules.block_gas_limit);
        if gas > block {
            return Err(MempoolRejected::GasAboveBlock { gas, block });
        }
        let (offered, needed) = (transaction.fee_cap(ratio), self.rules.base_fee_min);
        if offered < needed {
            return Err(MempoolRejected::Underpriced { offered, needed });
        }
        let (next, got, max) = (sender.nonce, transaction.nonce(), self.limits.per_sender_max);
        if got < next {
            return Err(MempoolRejected::NonceTooLow { next, got });
        }
        if got - next >= max {
            return Err(MempoolRejected::NonceTooHigh { next, got, max });
        }
        let (balance, cost) = (sender.balance, cost_max(transaction));
        if cost > balance {
            return Err(MempoolRejected::InsufficientFunds { balance, cost });
        }
        Ok(())
    }

    /// Whether one with the same nonce gives way: both prices must rise by a tenth, as geth asks.
    fn check_replacement(&self, transaction: &Transaction) -> Result<(), MempoolRejected> {
        let ratio = self.rules.fvm_gas_per_gas;
        let same = self.senders.get(&transaction.sender()).and_then(|queue| queue.waiting.get(&transaction.nonce()));
        let Some(old) = same.map(|waiting| &waiting.transaction) else { return Ok(()) };
        let raised = |price: u128| price.saturating_add((price / 10).max(1));
        let (needed_cap, needed_tip) = (raised(old.fee_cap(ratio)), raised(old.tip_cap(ratio)));
        if transaction.fee_cap(ratio) < needed_cap || transaction.tip_cap(ratio) < needed_tip {
            return Err(MempoolRejected::ReplacementUnderpriced { needed_cap, needed_tip });
        }
        Ok(())
    }

    /// Makes room for `transaction` at the cost of cheaper ones of other senders.
    fn make_room(&mut self, transaction: &Transaction) -> Result<(), MempoolRejected> {
        let tip = transaction.tip_cap(self.rules.fvm_gas_per_gas);
        while self.is_full_for(transaction.raw().len()) {
            let full = MempoolRejected::PoolFull { transactions: self.len(), bytes: self.bytes };
            let Some((cheapest, hash)) = self.by_tip.first().copied() else { return Err(full) };
            let (loser, _) = self.by_hash[&hash];
            if cheapest >= tip || loser == transaction.sender() {
                return Err(full);
            }
            // The sender's last one goes, so that no gap opens before the others.
            let last = self.senders[&loser].waiting.keys().next_back().copied();
            self.remove_at(&loser, last.expect("a sender is kept only while it has transactions"));
            self.settle(&loser);
        }
        Ok(())
    }

    fn is_full_for(&self, bytes: usize) -> bool {
        self.len() >= self.limits.transactions_max || self.bytes + bytes > self.limits.bytes_max
    }

    /// Its place among those that are ready is left to [`Self::settle`].
    fn insert(&mut self, transaction: Transaction, known: SenderState, as_of: Height, arrived_ms: u64) {
        let (sender, nonce, hash) = (transaction.sender(), transaction.nonce(), transaction.hash());
        self.bytes += transaction.raw().len();
        self.by_hash.insert(hash, (sender, nonce));
        self.by_tip.insert((transaction.tip_cap(self.rules.fvm_gas_per_gas), hash));
        self.by_age.insert(Arrival { at_ms: arrived_ms, hash });
        let new = || Queue::new(known, as_of);
        let queue = self.senders.entry(sender).or_insert_with(new);
        queue.cost_bound = queue.cost_bound.max(cost_max(&transaction));
        queue.waiting.insert(nonce, Waiting { transaction, arrived_ms });
    }

    /// Its place among those that are ready, and an empty queue, are left to [`Self::settle`].
    fn remove_at(&mut self, sender: &Address, nonce: u64) {
        let Some(queue) = self.senders.get_mut(sender) else { return };
        let Some(Waiting { transaction, arrived_ms }) = queue.waiting.remove(&nonce) else { return };
        let hash = transaction.hash();
        self.bytes -= transaction.raw().len();
        self.by_hash.remove(&hash);
        self.by_tip.remove(&(transaction.tip_cap(self.rules.fvm_gas_per_gas), hash));
        self.by_age.remove(&Arrival { at_ms: arrived_ms, hash });
        if nonce >= queue.known.nonce {
            queue.gap = queue.gap.min(nonce);
        }
    }

    /// Brings the sender's place among those that are ready, and what is counted of it, in line with what waits of it.
    fn settle(&mut self, sender: &Address) {
        let Some(queue) = self.senders.get_mut(sender) else { return };
        let next = queue.next(self.rules.fvm_gas_per_gas);
        if queue.next != next {
            queue.next.iter().for_each(|old| self.ready.remove(old));
            next.iter().for_each(|new| self.ready.insert(*new));
            queue.next = next;
        }
        self.pending = self.pending - queue.pending + queue.count();
        if queue.waiting.is_empty() {
            self.senders.swap_remove(sender);
        }
    }
}

impl Queue {
    const fn new(known: SenderState, as_of: Height) -> Self {
        Self { known, as_of, waiting: BTreeMap::new(), cost_bound: 0, next: None, gap: known.nonce, pending: 0 }
    }

    fn show(&self, nonce: u64) -> Option<Shown<'_>> {
        let Waiting { transaction, .. } = self.waiting.get(&nonce)?;
        Some(Shown { transaction, is_pending: nonce < self.gap })
    }

    /// Moves the gap to where it is by now, after whatever came or went, and counts those below. Nothing waits below the sender's next nonce.
    /// Cost: a step for each nonce that the gap moves on by.
    fn count(&mut self) -> usize {
        let from = self.gap.max(self.known.nonce);
        let follows = |(expected, nonce): &(u64, &u64)| expected == *nonce;
        let run = (from..).zip(self.waiting.range(from..).map(|(nonce, _)| nonce)).take_while(follows).count();
        self.gap = from + u64::try_from(run).unwrap_or(u64::MAX);
        self.pending = usize::try_from(self.gap - self.known.nonce).unwrap_or(usize::MAX);
        self.pending
    }

    /// The transaction with the sender's next nonce, if it waits and the sender can pay it.
    fn next(&self, fvm_gas_per_gas: u64) -> Option<Next> {
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

/// Worst cost in attoTRB; what overflows no one can pay.
fn cost_max(transaction: &Transaction) -> u128 {
    transaction.cost_max().unwrap_or(u128::MAX)
}
