//! The senders' next transactions, in the order in which a proposer takes them, whatever the base fee.
//!
//! A transaction tips what is left of its cap above the base fee, at most its tip. So each stands in one of two orders, which no base
//! fee disturbs:
//!
//! ```text
//!                   base fee rises ─▶
//!   cap − tip ≥ base fee                     cap − tip < base fee
//!   it tips its tip: ordered by tip          it tips cap − base fee: ordered by cap
//!                                            (those with cap < base fee stand last, and are not ready)
//! ```
//!
//! When the base fee moves, those whose `cap − tip` lies between the old one and the new one change sides, and no others.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use tributary_primitives::Hash32;

/// A sender's next transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// Most it tips.
    pub tip: u128,
    /// Most it pays, tip included.
    pub cap: u128,
    /// When it came.
    pub arrived_ms: u64,
    /// Its name.
    pub hash: Hash32,
}

/// Where one stands: higher price first, earlier arrival first, then by hash. The greatest is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// What it is ranked by.
    pub price: u128,
    arrived_ms: Reverse<u64>,
    hash: Reverse<Hash32>,
}

impl Rank {
    /// The rank of a transaction that pays `price`.
    pub const fn new(price: u128, arrived_ms: u64, hash: Hash32) -> Self {
        Self { price, arrived_ms: Reverse(arrived_ms), hash: Reverse(hash) }
    }

    /// Whose rank it is.
    pub const fn hash(&self) -> Hash32 {
        self.hash.0
    }
}

impl Next {
    /// The base fee above which its tip shrinks.
    const fn slack(&self) -> u128 {
        self.cap.saturating_sub(self.tip)
    }

    const fn by(&self, price: u128) -> Rank {
        Rank::new(price, self.arrived_ms, self.hash)
    }
}

/// The next transactions of all senders that have one.
#[derive(Default)]
pub struct Ready {
    base_fee: u128,
    by_tip: BTreeSet<Rank>,
    by_cap: BTreeSet<Rank>,
    /// All of them by slack: finds those that change sides.
    by_slack: BTreeMap<(u128, Hash32), Next>,
}

impl Ready {
    /// Adds one. Cost: two steps in ordered sets, as of [`Self::remove`].
    pub fn insert(&mut self, next: Next) {
        self.by_slack.insert((next.slack(), next.hash), next);
        self.place(next);
    }

    /// Removes one.
    pub fn remove(&mut self, next: &Next) {
        self.by_slack.remove(&(next.slack(), next.hash));
        self.displace(next);
    }

    /// Orders them for another base fee. Cost: two steps in ordered sets for each that changes sides.
    pub fn reprice(&mut self, base_fee: u128) {
        let (low, high) = (self.base_fee.min(base_fee), self.base_fee.max(base_fee));
        let first = Hash32([0; 32]);
        let between: Vec<_> = self.by_slack.range((low, first)..(high, first)).map(|(_, next)| *next).collect();
        between.iter().for_each(|next| self.displace(next));
        self.base_fee = base_fee;
        between.into_iter().for_each(|next| self.place(next));
    }

    /// Both sides, best first, ranked by what each tips now. Those that do not pay the base fee are left out.
    pub fn sides(&self) -> [Box<dyn Iterator<Item = Rank> + '_>; 2] {
        let above_base = |rank: &Rank| Some(Rank { price: rank.price.checked_sub(self.base_fee)?, ..*rank });
        [Box::new(self.by_tip.iter().rev().copied()), Box::new(self.by_cap.iter().rev().map_while(above_base))]
    }

    /// How many stand on the two sides together, and how many can change sides.
    #[cfg(test)]
    pub fn len(&self) -> [usize; 2] {
        [self.by_tip.len() + self.by_cap.len(), self.by_slack.len()]
    }

    fn place(&mut self, next: Next) {
        if next.slack() >= self.base_fee {
            self.by_tip.insert(next.by(next.tip));
        } else {
            self.by_cap.insert(next.by(next.cap));
        }
    }

    fn displace(&mut self, next: &Next) {
        if next.slack() >= self.base_fee {
            self.by_tip.remove(&next.by(next.tip));
        } else {
            self.by_cap.remove(&next.by(next.cap));
        }
    }
}
