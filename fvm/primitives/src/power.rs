//! Voting power, and how much of it decides.

use std::fmt;
use std::iter::Sum;

use serde::{Deserialize, Serialize};

/// Weight of a validator's vote.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VotingPower(pub u64);

impl VotingPower {
    /// Most power a validator set may hold together: CometBFT's `MaxTotalVotingPower`, an eighth of `i64::MAX`.
    pub const TOTAL_MAX: Self = Self((1 << 60) - 1);

    /// Whether `self` is strictly more than two thirds of `total`.
    ///
    /// Exact over all of `u64`; no intermediate overflow. Cost: one multiplication in 128 bits.
    ///
    /// Source: Buchman, Kwon, Milosevic, "The latest gossip on BFT consensus", Algorithm 1.
    #[must_use]
    pub fn is_quorum_of(self, total: Self) -> bool {
        u128::from(self.0) * 3 > u128::from(total.0) * 2
    }

    /// The sum; `None` past [`Self::TOTAL_MAX`].
    #[must_use]
    pub fn checked_total(powers: impl IntoIterator<Item = Self>) -> Option<Self> {
        powers
            .into_iter()
            .try_fold(Self(0), |sum, power| sum.0.checked_add(power.0).map(Self).filter(|sum| *sum <= Self::TOTAL_MAX))
    }
}

impl Sum for VotingPower {
    /// Saturates; sets are bounded by [`VotingPower::TOTAL_MAX`] where they are made.
    fn sum<I: Iterator<Item = Self>>(powers: I) -> Self {
        powers.fold(Self(0), |sum, power| Self(sum.0.saturating_add(power.0)))
    }
}

impl fmt::Display for VotingPower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quorum_is_strictly_more_than_two_thirds() {
        for (power, total, quorum) in
            [(2, 3, false), (3, 3, true), (3, 4, true), (66, 99, false), (67, 99, true), (0, 0, false)]
        {
            assert_eq!(VotingPower(power).is_quorum_of(VotingPower(total)), quorum, "{power} of {total}");
        }
        assert!(VotingPower(u64::MAX).is_quorum_of(VotingPower(u64::MAX)));
    }

    #[test]
    fn a_total_past_the_bound_is_refused() {
        assert_eq!(VotingPower::checked_total([VotingPower(1), VotingPower(2)]), Some(VotingPower(3)));
        assert_eq!(VotingPower::checked_total([VotingPower::TOTAL_MAX, VotingPower(1)]), None);
        assert_eq!(VotingPower::checked_total([VotingPower(u64::MAX), VotingPower(1)]), None);
    }
}
