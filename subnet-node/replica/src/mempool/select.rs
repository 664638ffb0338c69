//! What a proposer takes: the best tips first, each sender's in nonce order, within the block's gas and bytes.
//!
//! ```text
//!   ready by tip ──┐
//!   ready by cap ──┼─▶ the best of the three ─▶ fits? ─▶ taken ─▶ its sender's next joins the race
//!   race ──────────┘
//! ```

use std::collections::BinaryHeap;

use fvm_shared::address::Address;
use tributary_message::Transaction;
use tributary_primitives::Height;

use super::Mempool;
use super::queue::Queue;
use super::ready::Rank;
use crate::filling::Fill;

/// Transactions that do not fit before a proposer takes its block for full: what is left of it is small then.
const MISFITS_MAX: usize = 1_024;

/// What a block has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockSpace {
    /// The chain's limits, which the block's first transaction is held to: what may wait fits some block.
    pub most: Fill,
    /// What the block is filled to, at most the limits.
    pub fill: Fill,
    /// Base fee the block charges, attoTRB for a unit of gas.
    pub base_fee: u128,
}

/// What a proposer would take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// In the order in which they shall run.
    pub transactions: Vec<Transaction>,
    /// Their senders of whom the pool was told nothing since the block the proposer builds on, each once. Once it was, it is to be
    /// asked again.
    pub unsure: Vec<Address>,
}

/// Where a transaction in the race comes from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    /// The first of its sender, from one of the sides of [`super::ready::Ready`].
    Side(usize),
    /// After one that was taken, which left its sender this much to spend.
    Follows(u128),
}

impl Mempool {
    /// What goes into a block of `space` on top of the block at `as_of`, at most `most` transactions.
    ///
    /// A transaction that does not fit, or does not pay the base fee, ends its sender's turn; others go on, until a thousand did not
    /// fit. Cost: 1 µs for each that is taken or does not fit, and for each that the base fee puts on the other side since the last
    /// call; nothing for those that wait.
    pub fn select(&mut self, space: BlockSpace, as_of: Height, most: usize) -> Selection {
        self.ready.reprice(space.base_fee);
        let (mut used, mut misfits) = (Fill { gas: 0, bytes: 0 }, 0);
        let (mut selection, mut race, mut sides) = (Selection::default(), BinaryHeap::new(), self.ready.sides());
        for (side, ranks) in sides.iter_mut().enumerate() {
            race.extend(ranks.next().map(|rank| (rank, Origin::Side(side))));
        }
        while selection.transactions.len() < most
            && misfits < MISFITS_MAX
            && let Some((rank, origin)) = race.pop()
        {
            let (sender, nonce) = self.by_hash[&rank.hash()];
            let queue = &self.senders[&sender];
            if let Origin::Side(side) = origin {
                race.extend(sides[side].next().map(|rank| (rank, origin)));
            }
            let transaction = &queue.waiting[&nonce].transaction;
            let gas = used.gas.saturating_add(transaction.block_gas_limit(self.rules.fvm_gas_per_gas));
            let bytes = used.bytes.saturating_add(transaction.raw().len());
            let room = if selection.transactions.is_empty() { space.most } else { space.fill };
            if gas > room.gas || bytes > room.bytes {
                misfits += 1;
                continue;
            }
            used = Fill { gas, bytes };
            let funds = match origin {
                Origin::Side(_) => queue.known.balance,
                Origin::Follows(funds) => funds,
            };
            if matches!(origin, Origin::Side(_)) && queue.as_of < as_of {
                selection.unsure.push(sender);
            }
            race.extend(self.follower(queue, transaction, funds, space.base_fee));
            selection.transactions.push(transaction.clone());
        }
        selection
    }

    /// The sender's transaction after `taken`, if it waits, pays the base fee and is covered by what `taken` leaves of `funds`.
    fn follower(&self, queue: &Queue, taken: &Transaction, funds: u128, base_fee: u128) -> Option<(Rank, Origin)> {
        let waiting = queue.waiting.get(&(taken.nonce() + 1))?;
        let (next, ratio) = (&waiting.transaction, self.rules.fvm_gas_per_gas);
        let funds = funds.checked_sub(taken.cost_max()?)?;
        if next.cost_max()? > funds {
            return None;
        }
        let tip = next.tip_cap(ratio).min(next.fee_cap(ratio).checked_sub(base_fee)?);
        Some((Rank::new(tip, waiting.arrived_ms, next.hash()), Origin::Follows(funds)))
    }
}
