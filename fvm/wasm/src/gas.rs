//! Gas: milligas arithmetic and the tracker of one message.
//!
//! Inside, gas is counted in milligas, because some prices are fractions (0.4 gas a byte); a
//! receipt shows whole gas, rounded up once at the end. All arithmetic saturates: a price that
//! would overflow is "more than anybody has", which is out of gas, which is right.

use std::ops::{Add, Mul, Sub};

/// Milligas in a unit of gas.
const MILLIGAS: u64 = 1_000;

/// An amount of FVM gas, exact to a thousandth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gas(u64);

impl Gas {
    /// No gas.
    pub const ZERO: Self = Self(0);

    /// The most a tracker holds: what fits the guest's signed 64-bit counter.
    pub const MAX: Self = Self(i64::MAX.cast_unsigned());

    /// Whole gas; saturates at `u64::MAX` milligas.
    pub const fn new(gas: u64) -> Self {
        Self(gas.saturating_mul(MILLIGAS))
    }

    /// Thousandths of gas.
    pub const fn from_milligas(milligas: u64) -> Self {
        Self(milligas)
    }

    /// In thousandths.
    pub const fn as_milligas(self) -> u64 {
        self.0
    }

    /// Whole gas, a fraction counted as one: what a receipt says was used.
    pub const fn round_up(self) -> u64 {
        self.0.div_ceil(MILLIGAS)
    }

    /// Whole gas, a fraction dropped: what an actor is told it has left.
    pub const fn round_down(self) -> u64 {
        self.0 / MILLIGAS
    }

    /// Whether there is none.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Add for Gas {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Gas {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Mul<u64> for Gas {
    type Output = Self;

    fn mul(self, times: u64) -> Self {
        Self(self.0.saturating_mul(times))
    }
}

/// The gas of the tightest limit in force is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the gas limit is reached")]
pub struct OutOfGas;

/// The gas of one message: a stack of limits, the innermost in force.
///
/// After [`OutOfGas`] nothing is available under the innermost limit, and all of it counts as used.
///
/// Source: ref-fvm 4.8 `fvm/src/gas/mod.rs`, whose results these are to the milligas.
#[derive(Debug, Default)]
pub struct GasTracker {
    limit: Gas,
    used: Gas,
    outer: Vec<(Gas, Gas)>,
}

impl GasTracker {
    /// A message with this limit, in whole gas; held to [`Gas::MAX`].
    pub fn new(limit: u64) -> Self {
        Self { limit: Gas::new(limit).min(Gas::MAX), used: Gas::ZERO, outer: Vec::new() }
    }

    /// Takes `gas`, or takes all there is and says so. What was taken is told at level `trace`, for who asks where a message's gas went.
    pub fn charge(&mut self, gas: Gas) -> Result<(), OutOfGas> {
        let used = self.used + gas;
        if used > self.limit {
            self.used = self.limit;
            return Err(OutOfGas);
        }
        self.used = used;
        tracing::trace!(limit = self.whole_limit().0, used = self.whole_used().0, "charged");
        Ok(())
    }

    /// The limit outside of all that were pushed.
    pub(crate) fn whole_limit(&self) -> Gas {
        self.outer.first().map_or(self.limit, |(limit, _)| *limit)
    }

    /// What was used under it.
    fn whole_used(&self) -> Gas {
        self.outer.iter().fold(self.used, |used, (_, outside)| used + *outside)
    }

    /// Puts a tighter limit in force until [`GasTracker::pop_limit`]: at most what is available.
    pub fn push_limit(&mut self, limit: Gas) {
        let available = self.available();
        self.outer.push((self.limit, self.used));
        self.limit = limit.min(available);
        self.used = Gas::ZERO;
    }

    /// Puts the outer limit in force again, with what was used under the inner one. Without a pushed
    /// limit nothing happens.
    pub fn pop_limit(&mut self) {
        if let Some((limit, used)) = self.outer.pop() {
            self.limit = limit;
            self.used = self.used + used;
        }
    }

    /// What is left under the innermost limit.
    pub fn available(&self) -> Gas {
        self.limit - self.used
    }

    /// What was used under the innermost limit; of the whole message when no limit is pushed.
    pub fn used(&self) -> Gas {
        self.used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_takes_gas_until_none_is_left() {
        let mut gas = GasTracker::new(20);
        assert_eq!(gas.charge(Gas::new(15)), Ok(()));
        assert_eq!(gas.charge(Gas::new(5)), Ok(()));
        assert_eq!(gas.charge(Gas::from_milligas(1)), Err(OutOfGas));
        assert_eq!(gas.used(), Gas::new(20));
    }

    #[test]
    fn out_of_gas_uses_all_that_was_left() {
        let mut gas = GasTracker::new(20);
        assert_eq!(gas.charge(Gas::new(21)), Err(OutOfGas));
        assert_eq!((gas.used(), gas.available()), (Gas::new(20), Gas::ZERO));
    }

    #[test]
    fn a_pushed_limit_holds_and_its_use_counts_outside() {
        let mut gas = GasTracker::new(100);
        gas.charge(Gas::new(10)).unwrap();
        gas.push_limit(Gas::new(20));
        assert_eq!(gas.available(), Gas::new(20));
        gas.charge(Gas::new(5)).unwrap();
        assert_eq!((gas.whole_used(), gas.whole_limit()), (Gas::new(15), Gas::new(100)));
        assert_eq!(gas.charge(Gas::new(21)), Err(OutOfGas));
        gas.pop_limit();
        assert_eq!((gas.used(), gas.available()), (Gas::new(30), Gas::new(70)));
    }

    #[test]
    fn a_pushed_limit_never_exceeds_what_is_left() {
        let mut gas = GasTracker::new(100);
        gas.charge(Gas::new(90)).unwrap();
        gas.push_limit(Gas::new(1_000));
        assert_eq!(gas.available(), Gas::new(10));
    }

    #[test]
    fn a_limit_above_what_the_guest_can_count_is_held_to_it() {
        assert_eq!(GasTracker::new(u64::MAX).available(), Gas::MAX);
    }

    #[test]
    fn fractions_round_up_when_used_and_down_when_left() {
        for (milligas, up, down) in [(0, 0, 0), (1, 1, 0), (999, 1, 0), (1_000, 1, 1), (1_001, 2, 1)] {
            let gas = Gas::from_milligas(milligas);
            assert_eq!((gas.round_up(), gas.round_down()), (up, down), "{milligas}");
        }
    }

    #[test]
    fn arithmetic_saturates() {
        let most = Gas::from_milligas(u64::MAX);
        assert_eq!(most + Gas::new(1), most);
        assert_eq!(most * 2, most);
        assert_eq!(Gas::new(1) - Gas::new(2), Gas::ZERO);
        assert_eq!(Gas::new(u64::MAX), most);
    }
}
