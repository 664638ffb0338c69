//! How full a proposer makes its blocks: as full as this node and the quorum have kept up with lately. A law of one node.
//!
//! | what happens | what follows |
//! |---|---|
//! | a block was executed and written | its time per gas joins the mean; a block fills no more gas than the time budget pays for |
//! | a height was decided in its first round | a 32nd of the chain's limits more |
//! | a height needed another round, and a proposer that was passed over had proposed one of the last blocks | half as much |
//! | a height needed another round, since a proposer has been away for long | as with one round |
//!
//! So the share rises by addition and falls by halves, as a TCP sender's window does, and since every validator sees the same rounds,
//! all fall together. A proposer that is down is passed over at each of its turns, which says nothing about the load: it counts only
//! until the blocks it proposed are forgotten.
//!
//! Never above the chain's limits, never below the floor. The mempool takes the first transaction of a block whatever the fill, so what
//! may wait at all fits.

use std::collections::VecDeque;
use std::time::Duration;

/// The whole of the chain's limits, in shares of it.
const WHOLE: u64 = 1_024;
/// What a height in one round adds.
const STEP: u64 = WHOLE / 32;
/// How much of the mean is forgotten with each block: an eighth.
const FORGET: u128 = 8;
/// A block of less than this part of the floor says nothing: what any block costs would count as what its gas costs.
const TELLING: u64 = 4;

/// Gas and bytes of a block's transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Gas, as the transactions' limits sum up to.
    pub gas: u64,
    /// Bytes.
    pub bytes: usize,
}

/// What the fill is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FillRules {
    /// The chain's limits.
    pub most: Fill,
    /// No less, however slow it gets.
    pub least: Fill,
    /// How long executing and writing a block may take; `None` for any time.
    pub budget: Option<Duration>,
    /// Decided blocks by whose proposers a passed-over proposer is known to be there: two turns of each.
    pub lately_max: usize,
}

/// How full the next block becomes. `P` names proposers.
#[derive(Debug)]
pub struct Filling<P> {
    rules: FillRules,
    /// Of [`WHOLE`].
    share: u64,
    /// Time and gas of the blocks before, each block an eighth lighter than the next.
    nanos: u128,
    gas: u128,
    /// Who proposed the last blocks.
    lately: VecDeque<P>,
}

impl<P: PartialEq> Filling<P> {
    /// As full as the chain allows, until something is known.
    #[must_use]
    pub const fn new(rules: FillRules) -> Self {
        Self { rules, share: WHOLE, nanos: 0, gas: 0, lately: VecDeque::new() }
    }

    /// A height was decided with a block of `proposer`, after the rounds of those `passed_over`. Cost: a look at the last blocks each.
    pub fn decided(&mut self, proposer: P, passed_over: impl IntoIterator<Item = P>) {
        let is_load = passed_over.into_iter().any(|proposer| self.lately.contains(&proposer));
        self.share = if is_load { self.share / 2 } else { (self.share + STEP).min(WHOLE) };
        self.lately.push_back(proposer);
        while self.lately.len() > self.rules.lately_max {
            self.lately.pop_front();
        }
    }

    /// A block whose transactions' limits sum up to `gas` was executed and written in this time.
    pub fn executed(&mut self, gas: u64, took: Duration) {
        if gas < self.rules.least.gas / TELLING {
            return;
        }
        self.nanos = self.nanos - self.nanos / FORGET + took.as_nanos();
        self.gas = self.gas - self.gas / FORGET + u128::from(gas);
    }

    /// What the next block is filled to.
    #[must_use]
    pub fn fill(&self) -> Fill {
        let FillRules { most, least, .. } = self.rules;
        let share = |most: u128| most * u128::from(self.share) / u128::from(WHOLE);
        let gas = share(most.gas.into()).min(self.gas_in_budget());
        let gas = u64::try_from(gas).expect("no more than the chain's limit");
        let bytes = share(u128::try_from(most.bytes).expect("a usize has 64 bits at most"));
        let bytes = usize::try_from(bytes).expect("no more than the chain's limit");
        Fill { gas: gas.max(least.gas).min(most.gas), bytes: bytes.max(least.bytes).min(most.bytes) }
    }

    fn gas_in_budget(&self) -> u128 {
        let Some(budget) = self.rules.budget else { return u128::MAX };
        budget.as_nanos().saturating_mul(self.gas).checked_div(self.nanos).unwrap_or(u128::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: FillRules = FillRules {
        most: Fill { gas: 64_000_000, bytes: 1_024_000 },
        least: Fill { gas: 4_000_000, bytes: 128_000 },
        budget: Some(Duration::from_millis(500)),
        lately_max: 8,
    };

    fn gas_of(filling: &Filling<char>) -> u64 {
        filling.fill().gas
    }

    #[test]
    fn a_block_takes_no_longer_than_the_budget_within_the_limits() {
        for (gas, took_ms, fill) in [
            (64_000_000, 100, 64_000_000),
            (64_000_000, 500, 64_000_000),
            (64_000_000, 1_000, 32_000_000),
            (16_000_000, 1_000, 8_000_000),
            (16_000_000, 60_000, 4_000_000),
            (1_000_000, 1_000, 4_000_000),
            (999_999, 1_000, 64_000_000),
            (0, 1_000, 64_000_000),
            (64_000_000, 0, 64_000_000),
        ] {
            let mut filling = Filling::new(RULES);
            filling.executed(gas, Duration::from_millis(took_ms));
            assert_eq!(gas_of(&filling), fill, "{gas} gas in {took_ms} ms");
            assert_eq!(filling.fill().bytes, 1_024_000);
        }
        let mut unbounded: Filling<char> = Filling::new(FillRules { budget: None, ..RULES });
        unbounded.executed(64_000_000, Duration::from_secs(60));
        assert_eq!(gas_of(&unbounded), 64_000_000);
    }

    #[test]
    fn what_lately_took_long_is_forgotten() {
        let mut filling: Filling<char> = Filling::new(RULES);
        (0..50).for_each(|_| filling.executed(16_000_000, Duration::from_secs(1)));
        assert_eq!(gas_of(&filling), 8_000_000);
        (0..50).for_each(|_| filling.executed(8_000_000, Duration::from_millis(50)));
        assert!(gas_of(&filling) > 60_000_000, "{}", gas_of(&filling));
    }

    #[test]
    fn a_proposer_that_was_there_and_is_passed_over_halves_and_each_height_in_one_round_adds() {
        let mut filling = Filling::new(RULES);
        for (proposer, passed_over, gas, bytes) in [
            ('a', "", 64_000_000, 1_024_000),
            ('b', "", 64_000_000, 1_024_000),
            ('b', "a", 32_000_000, 512_000),
            ('c', "ab", 16_000_000, 256_000),
            ('d', "", 18_000_000, 288_000),
            ('e', "d", 9_000_000, 144_000),
            ('e', "d", 4_500_000, 128_000),
            ('e', "d", 4_000_000, 128_000),
            ('e', "x", 4_250_000, 128_000),
        ] {
            filling.decided(proposer, passed_over.chars());
            assert_eq!(filling.fill(), Fill { gas, bytes }, "{proposer} after {passed_over:?}");
        }
        (0..32).for_each(|_| filling.decided('a', []));
        assert_eq!(gas_of(&filling), 64_000_000);
    }

    #[test]
    fn a_proposer_that_stays_away_does_not_keep_blocks_small() {
        let mut filling = Filling::new(RULES);
        "abcd".chars().for_each(|proposer| filling.decided(proposer, []));
        for _ in 0..20 {
            filling.decided('b', ['a']);
            ['b', 'c', 'd'].into_iter().for_each(|proposer| filling.decided(proposer, []));
        }
        assert_eq!(gas_of(&filling), 64_000_000);
    }
}
