//! Whether a transaction may wait, as far as it, its sender and the sender's others say. Room is judged after.

use tributary_message::Transaction;

use super::{Mempool, MempoolRejected, SenderState, cost_max};

impl Mempool {
    /// Whether it may wait; whether it would be gapped.
    ///
    /// What is known of the sender is `state`, and what that makes void no longer waits. Cost: a few look-ups.
    pub(super) fn check(&self, transaction: &Transaction, state: SenderState) -> Result<bool, MempoolRejected> {
        self.check_alone(transaction, state)?;
        self.check_funds(transaction, state.balance)?;
        self.check_replacement(transaction)?;
        self.check_gap(transaction, state.nonce)
    }

    fn check_alone(&self, transaction: &Transaction, sender: SenderState) -> Result<(), MempoolRejected> {
        if self.by_hash.contains_key(&transaction.hash()) {
            return Err(MempoolRejected::Known(transaction.hash()));
        }
        let (bytes, most) = (transaction.raw().len(), self.rules.transaction_bytes_max);
        if bytes > most {
            return Err(MempoolRejected::TooLarge { bytes, most });
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
        Ok(())
    }

    /// Whether the sender could pay it and all its others that wait, but for the one that it replaces.
    fn check_funds(&self, transaction: &Transaction, balance: u128) -> Result<(), MempoolRejected> {
        let all = self.senders.get(&transaction.sender()).map_or(0, |queue| queue.cost);
        let (queued, cost) = (all - self.same(transaction).map_or(0, cost_max), cost_max(transaction));
        let is_covered = queued.checked_add(cost).is_some_and(|together| together <= balance);
        if is_covered { Ok(()) } else { Err(MempoolRejected::InsufficientFunds { balance, queued, cost }) }
    }

    /// Whether one with the same nonce gives way: both prices must rise by a tenth, as geth asks.
    fn check_replacement(&self, transaction: &Transaction) -> Result<(), MempoolRejected> {
        let ratio = self.rules.fvm_gas_per_gas;
        let Some(old) = self.same(transaction) else { return Ok(()) };
        let raised = |price: u128| price.saturating_add((price / 10).max(1));
        let (needed_cap, needed_tip) = (raised(old.fee_cap(ratio)), raised(old.tip_cap(ratio)));
        if transaction.fee_cap(ratio) < needed_cap || transaction.tip_cap(ratio) < needed_tip {
            return Err(MempoolRejected::ReplacementUnderpriced { needed_cap, needed_tip });
        }
        Ok(())
    }

    /// Whether a nonce before it is missing; if so, whether one more such of its sender may wait.
    fn check_gap(&self, transaction: &Transaction, next: u64) -> Result<bool, MempoolRejected> {
        let (queue, got) = (self.senders.get(&transaction.sender()), transaction.nonce());
        let (missing, waiting) = queue.map_or((next, 0), |queue| (queue.gap, queue.gapped()));
        let (is_gapped, max) = (got > missing, self.limits.gapped_per_sender_max);
        if is_gapped && waiting >= max && self.same(transaction).is_none() {
            return Err(MempoolRejected::TooManyGapped { missing, got, max });
        }
        Ok(is_gapped)
    }

    /// The sender's that waits with the same nonce.
    fn same(&self, transaction: &Transaction) -> Option<&Transaction> {
        let queue = self.senders.get(&transaction.sender())?;
        queue.waiting.get(&transaction.nonce()).map(|waiting| &waiting.transaction)
    }
}
