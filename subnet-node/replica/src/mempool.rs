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

mod select;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use fvm_shared::address::Address;
use tributary_message::Transaction;
use tributary_primitives::Hash32;

pub use select::BlockSpace;

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

/// The transactions that wait.
pub struct Mempool {
    limits: MempoolLimits,
    rules: ChainRules,
    senders: HashMap<Address, BTreeMap<u64, Waiting>>,
    by_hash: HashMap<Hash32, (Address, u64)>,
    /// Cheapest first; finds what makes room.
    by_tip: BTreeSet<(u128, Hash32)>,
    bytes: usize,
}

impl Mempool {
    /// An empty pool.
    #[must_use]
    pub fn new(limits: MempoolLimits, rules: ChainRules) -> Self {
        Self { limits, rules, senders: HashMap::new(), by_hash: HashMap::new(), by_tip: BTreeSet::new(), bytes: 0 }
    }

    /// Judges `transaction` against its sender's state; if it may, it waits from now on.
    ///
    /// # Errors
    /// [`MempoolRejected`]; the pool is as before.
    pub fn admit(&mut self, transaction: Transaction, sender: SenderState, now_ms: u64) -> Result<(), MempoolRejected> {
        self.check(&transaction, sender)?;
        self.check_replacement(&transaction)?;
        self.make_room(&transaction)?;
        self.remove_at(&transaction.sender(), transaction.nonce());
        self.insert(transaction, now_ms);
        Ok(())
    }

    /// Drops what a block or the passing of time made void. `accounts` gives the state of senders after the block.
    ///
    /// Cost: one look-up for each sender that waits.
    ///
    /// # Errors
    /// What `accounts` says, the first time that it cannot tell; the pool is as before.
    pub fn prune<E>(
        &mut self,
        now_ms: u64,
        mut accounts: impl FnMut(&Address) -> Result<SenderState, E>,
    ) -> Result<(), E> {
        let oldest_ms = now_ms.saturating_sub(self.limits.lifetime_ms);
        let mut void = Vec::new();
        for (sender, queue) in &self.senders {
            let state = accounts(sender)?;
            let is_void = |(nonce, waiting): &(&u64, &Waiting)| {
                **nonce < state.nonce
                    || waiting.arrived_ms < oldest_ms
                    || cost_max(&waiting.transaction) > state.balance
            };
            void.extend(queue.iter().filter(is_void).map(|(nonce, _)| (*sender, *nonce)));
        }
        for (sender, nonce) in void {
            self.remove_at(&sender, nonce);
        }
        Ok(())
    }

    /// The transaction with this hash, if it waits.
    #[must_use]
    pub fn get(&self, hash: &Hash32) -> Option<&Transaction> {
        let (sender, nonce) = self.by_hash.get(hash)?;
        self.senders.get(sender)?.get(nonce).map(|waiting| &waiting.transaction)
    }

    /// The nonce after the last of the sender's that wait without a gap, starting at `next`.
    #[must_use]
    pub fn pending_nonce(&self, sender: &Address, next: u64) -> u64 {
        let Some(queue) = self.senders.get(sender) else { return next };
        queue.range(next..).fold(next, |expected, (nonce, _)| if *nonce == expected { expected + 1 } else { expected })
    }

    /// Everything that waits, for those who join late, each sender's in nonce order.
    pub fn iter(&self) -> impl Iterator<Item = &Transaction> {
        self.senders.values().flat_map(|queue| queue.values().map(|waiting| &waiting.transaction))
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_hash.len()
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
        let same = self.senders.get(&transaction.sender()).and_then(|queue| queue.get(&transaction.nonce()));
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
            let last = self.senders[&loser].keys().next_back().copied();
            self.remove_at(&loser, last.expect("a sender is kept only while it has transactions"));
        }
        Ok(())
    }

    fn is_full_for(&self, bytes: usize) -> bool {
        self.len() >= self.limits.transactions_max || self.bytes + bytes > self.limits.bytes_max
    }

    fn insert(&mut self, transaction: Transaction, arrived_ms: u64) {
        let (sender, nonce, hash) = (transaction.sender(), transaction.nonce(), transaction.hash());
        self.bytes += transaction.raw().len();
        self.by_hash.insert(hash, (sender, nonce));
        self.by_tip.insert((transaction.tip_cap(self.rules.fvm_gas_per_gas), hash));
        self.senders.entry(sender).or_default().insert(nonce, Waiting { transaction, arrived_ms });
    }

    fn remove_at(&mut self, sender: &Address, nonce: u64) {
        let Some(queue) = self.senders.get_mut(sender) else { return };
        let Some(Waiting { transaction, .. }) = queue.remove(&nonce) else { return };
        if queue.is_empty() {
            self.senders.remove(sender);
        }
        let hash = transaction.hash();
        self.bytes -= transaction.raw().len();
        self.by_hash.remove(&hash);
        self.by_tip.remove(&(transaction.tip_cap(self.rules.fvm_gas_per_gas), hash));
    }
}

/// Worst cost in attoTRB; what overflows no one can pay.
fn cost_max(transaction: &Transaction) -> u128 {
    transaction.cost_max().unwrap_or(u128::MAX)
}
