//! What a proposer takes: the best tips first, each sender's in nonce order, within the block's gas and bytes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use fvm_shared::address::Address;
use tributary_message::Transaction;
use tributary_primitives::Hash32;

use super::{Mempool, SenderState};

/// What a block has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockSpace {
    /// Gas of the block.
    pub gas: u64,
    /// Bytes of transactions.
    pub bytes: usize,
    /// Base fee the block charges, attoTRB for a unit of gas.
    pub base_fee: u128,
}

/// A sender's next transaction in the race: higher tip first, earlier arrival first, then by hash.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    tip: u128,
    arrived_ms: Reverse<u64>,
    hash: Reverse<Hash32>,
    sender: Address,
    nonce: u64,
    /// What the sender can still spend in this block.
    funds: u128,
}

impl Mempool {
    /// The transactions for a block of `space`, in the order in which they shall run. `accounts` gives the state of senders.
    ///
    /// A transaction that does not fit, or does not pay the base fee, ends its sender's turn; others go on. Cost: one look-up
    /// for each sender, and a heap step for each transaction taken.
    ///
    /// # Errors
    /// What `accounts` says, the first time that it cannot tell.
    pub fn select<E>(
        &self,
        space: BlockSpace,
        mut accounts: impl FnMut(&Address) -> Result<SenderState, E>,
    ) -> Result<Vec<Transaction>, E> {
        let mut race = BinaryHeap::new();
        for sender in self.senders.keys() {
            race.extend(self.candidate(sender, accounts(sender)?, space.base_fee));
        }
        let (mut taken, mut gas, mut bytes) = (Vec::new(), space.gas, space.bytes);
        while let Some(candidate) = race.pop() {
            let transaction = &self.senders[&candidate.sender][&candidate.nonce].transaction;
            let needs = transaction.block_gas_limit(self.rules.fvm_gas_per_gas);
            let (Some(gas_left), Some(bytes_left)) =
                (gas.checked_sub(needs), bytes.checked_sub(transaction.raw().len()))
            else {
                continue;
            };
            (gas, bytes) = (gas_left, bytes_left);
            taken.push(transaction.clone());
            let after = SenderState { nonce: candidate.nonce + 1, balance: candidate.funds };
            race.extend(self.candidate(&candidate.sender, after, space.base_fee));
        }
        Ok(taken)
    }

    /// Whether [`Self::select`] would take anything. Cost: one look-up for each sender, up to the first that has something.
    ///
    /// # Errors
    /// What `accounts` says, the first time that it cannot tell.
    pub fn has_ready<E>(
        &self,
        space: BlockSpace,
        mut accounts: impl FnMut(&Address) -> Result<SenderState, E>,
    ) -> Result<bool, E> {
        for sender in self.senders.keys() {
            let Some(candidate) = self.candidate(sender, accounts(sender)?, space.base_fee) else { continue };
            let transaction = &self.senders[sender][&candidate.nonce].transaction;
            let fits = transaction.block_gas_limit(self.rules.fvm_gas_per_gas) <= space.gas;
            if fits && transaction.raw().len() <= space.bytes {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The sender's next transaction, if it waits, pays the base fee and is covered by what the sender has.
    fn candidate(&self, sender: &Address, state: SenderState, base_fee: u128) -> Option<Candidate> {
        let waiting = self.senders.get(sender)?.get(&state.nonce)?;
        let ratio = self.rules.fvm_gas_per_gas;
        let above_base = waiting.transaction.fee_cap(ratio).checked_sub(base_fee)?;
        Some(Candidate {
            tip: waiting.transaction.tip_cap(ratio).min(above_base),
            arrived_ms: Reverse(waiting.arrived_ms),
            hash: Reverse(waiting.transaction.hash()),
            sender: *sender,
            nonce: state.nonce,
            funds: state.balance.checked_sub(waiting.transaction.cost_max()?)?,
        })
    }
}
