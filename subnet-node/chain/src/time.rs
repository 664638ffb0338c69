//! When a block says it was made.

use std::fmt;
use std::time::Duration;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use tendermint::Time;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Nanoseconds since the Unix epoch, UTC. Reaches the year 2554; times before 1970 do not exist here.
#[derive(
    Copy, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, BorshSerialize, BorshDeserialize,
)]
#[serde(transparent)]
pub struct BlockTime(u64);

impl BlockTime {
    /// 1970-01-01: what a vote for no block signs.
    pub const EPOCH: Self = Self(0);

    /// From nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn from_unix_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn unix_nanos(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch: `TIMESTAMP` to a contract.
    #[must_use]
    pub const fn unix_seconds(self) -> u64 {
        self.0 / NANOS_PER_SECOND
    }

    /// This much later; stops at the end of the range.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// The time a proposer gives a block: its own clock, or the first instant after `previous` when the clock is behind.
    #[must_use]
    pub fn for_block_after(previous: Self, now: Self) -> Self {
        now.max(previous.after(Duration::from_nanos(1)))
    }

    /// Reads Tendermint's time; `None` outside of 1970 to 2554.
    #[must_use]
    pub fn from_tendermint(time: Time) -> Option<Self> {
        u64::try_from(time.unix_timestamp_nanos()).ok().map(Self)
    }

    /// The same instant as Tendermint writes it.
    #[must_use]
    pub fn to_tendermint(self) -> Time {
        let seconds = i64::try_from(self.unix_seconds()).expect("u64 nanoseconds are less than i64 seconds");
        let nanos = u32::try_from(self.0 % NANOS_PER_SECOND).expect("less than a billion");
        Time::from_unix_timestamp(seconds, nanos).expect("years 1970 to 2554 are within Tendermint's 1 to 9999")
    }
}

impl fmt::Display for BlockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_tendermint().to_rfc3339())
    }
}

impl fmt::Debug for BlockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_range_are_tendermint_times() {
        for nanos in [0, 1, 999_999_999, 1_000_000_000, u64::MAX] {
            let time = BlockTime::from_unix_nanos(nanos);
            assert_eq!(BlockTime::from_tendermint(time.to_tendermint()), Some(time), "{time}");
        }
        assert_eq!(BlockTime::from_tendermint(Time::from_unix_timestamp(-1, 0).unwrap()), None);
    }

    #[test]
    fn a_block_is_later_than_the_last_even_when_the_clock_is_not() {
        let at = BlockTime::from_unix_nanos;
        assert_eq!(BlockTime::for_block_after(at(5), at(9)), at(9));
        assert_eq!(BlockTime::for_block_after(at(5), at(5)), at(6));
        assert_eq!(BlockTime::for_block_after(at(5), at(2)), at(6));
    }
}
