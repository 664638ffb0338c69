//! Who gives way to a newcomer where there is no room for it.
//!
//! | the newcomer | held to | drives out |
//! |---|---|---|
//! | can run once those before it have (*pending*) | the pool's bounds | gapped ones, whatever they tip; then pending ones of others that tip less |
//! | waits for a missing nonce (*gapped*) | the pool's bounds, and those of all gapped ones | gapped ones of others that tip less; never a pending one |
//!
//! The cheapest decides whose turn it is, and that sender's last one goes, so that no gap opens before its others. A gap costs nothing to
//! make and what waits behind it pays nothing while it waits: so it holds a small part of the pool, and holds that from nobody who pays.

use fvm_shared::address::Address;
use indexmap::IndexMap;
use tributary_message::Transaction;

use super::{Mempool, MempoolRejected};

/// What goes frees this much.
#[derive(Clone, Copy, Default)]
struct Freed {
    transactions: usize,
    bytes: usize,
}

impl Mempool {
    /// Of each sender that gives way to `new` the nonce from which on its transactions go: of nobody, where there is room.
    ///
    /// Cost: a few steps in ordered sets, and one for each that goes, or would if that were enough.
    ///
    /// # Errors
    /// [`MempoolRejected`] if all that may go is not enough.
    pub(super) fn losers(&self, new: &Transaction, is_gapped: bool) -> Result<IndexMap<Address, u64>, MempoolRejected> {
        let (sender, tip) = (new.sender(), new.tip_cap(self.rules.fvm_gas_per_gas));
        let (mut losers, mut freed) = (IndexMap::new(), Freed::default());
        let gapped = self.gapped.cheapest_first().map(|(price, hash)| (price, hash, true));
        let pending = self.pending.cheapest_first().map(|(price, hash)| (price, hash, false));
        for (price, hash, loser_is_gapped) in gapped.chain(pending) {
            if self.has_room(new, is_gapped, freed) {
                return Ok(losers);
            }
            let (loser, nonce) = self.by_hash[&hash];
            let is_first_to_go = loser_is_gapped && !is_gapped;
            let is_outbid = loser_is_gapped == is_gapped && price < tip && loser != sender;
            if !is_first_to_go && !is_outbid {
                break;
            }
            let from = losers.entry(loser).or_insert(u64::MAX);
            for (last, waiting) in self.senders[&loser].waiting.range(nonce..(*from).max(nonce)).rev() {
                if self.has_room(new, is_gapped, freed) {
                    break;
                }
                freed.transactions += 1;
                freed.bytes += waiting.transaction.raw().len();
                *from = *last;
            }
        }
        if self.has_room(new, is_gapped, freed) { Ok(losers) } else { Err(self.full(new, is_gapped)) }
    }

    fn has_room(&self, new: &Transaction, is_gapped: bool, freed: Freed) -> bool {
        let (limits, bytes) = (&self.limits, new.raw().len());
        let fits = |count: usize, count_max: usize, held: usize, held_max: usize| {
            count.saturating_sub(freed.transactions) < count_max
                && held.saturating_sub(freed.bytes).saturating_add(bytes) <= held_max
        };
        let gapped = &self.gapped;
        fits(self.len(), limits.transactions_max, self.bytes(), limits.bytes_max)
            && (!is_gapped || fits(gapped.len(), limits.gapped_max, gapped.bytes(), limits.gapped_bytes_max))
    }

    fn full(&self, new: &Transaction, is_gapped: bool) -> MempoolRejected {
        if !is_gapped {
            return MempoolRejected::PoolFull { transactions: self.len(), bytes: self.bytes() };
        }
        if self.has_room(new, false, Freed::default()) {
            return MempoolRejected::GappedFull { transactions: self.gapped.len(), bytes: self.gapped.bytes() };
        }
        MempoolRejected::FutureReplacesPending
    }
}
