//! CPU time, and what is said of several measurements.

use std::fmt;
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

/// CPU time of this process, all its threads, in nanoseconds.
#[must_use]
pub fn cpu_nanos() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or_default())
}

/// What work took, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// Of all threads together.
    pub cpu: u64,
    /// From its start to its end.
    pub wall: u64,
}

impl std::ops::Add for Time {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { cpu: self.cpu.saturating_add(other.cpu), wall: self.wall.saturating_add(other.wall) }
    }
}

/// What `work` gives, and the time it took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Time) {
    let (cpu, wall) = (cpu_nanos(), Instant::now());
    let done = work();
    let wall = u64::try_from(wall.elapsed().as_nanos()).unwrap_or(u64::MAX);
    (done, Time { cpu: cpu_nanos().saturating_sub(cpu), wall })
}

/// What each of several blocks took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times(Vec<Time>);

impl Times {
    /// One more block's.
    pub fn push(&mut self, time: Time) {
        self.0.push(time);
    }

    /// Both, block by block.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(one, other)| *one + *other).collect())
    }

    /// CPU time of a block at this percentile; `None` of no blocks.
    #[must_use]
    pub fn cpu(&self, percentile: usize) -> Option<u64> {
        self.at(percentile, |time| time.cpu)
    }

    /// Wall time of a block at this percentile; `None` of no blocks.
    #[must_use]
    pub fn wall(&self, percentile: usize) -> Option<u64> {
        self.at(percentile, |time| time.wall)
    }

    /// Wall time of all blocks.
    #[must_use]
    pub fn all_wall(&self) -> u64 {
        self.0.iter().map(|time| time.wall).sum()
    }

    /// By nearest rank: the least that so many per cent of the blocks do not exceed. Of few blocks the 99th is the most.
    fn at(&self, percentile: usize, of: impl Fn(&Time) -> u64) -> Option<u64> {
        let mut nanos: Vec<_> = self.0.iter().map(of).collect();
        nanos.sort_unstable();
        let rank = (nanos.len() * percentile).div_ceil(100).max(1);
        nanos.get(rank - 1).copied()
    }
}

/// Nanoseconds a transaction, of several blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// The middle one.
    pub median: u64,
    /// The least.
    pub least: u64,
    /// The most.
    pub most: u64,
}

impl Cost {
    /// Of the blocks that took `nanos`, with so many transactions each; `None` of no blocks or no transactions.
    #[must_use]
    pub fn of(nanos: &[u64], transactions: usize) -> Option<Self> {
        let transactions = u64::try_from(transactions).ok().filter(|count| *count > 0)?;
        let mut each: Vec<_> = nanos.iter().map(|nanos| nanos / transactions).collect();
        each.sort_unstable();
        Some(Self { median: *each.get(each.len() / 2)?, least: *each.first()?, most: *each.last()? })
    }

    /// How many a second, on one thread: of the median.
    #[must_use]
    pub fn per_second(&self) -> u64 {
        1_000_000_000 / self.median.max(1)
    }

    /// How many times as long `peer` takes, in hundredths.
    #[must_use]
    pub fn hundredths_of(&self, peer: &Self) -> u64 {
        peer.median.saturating_mul(100) / self.median.max(1)
    }
}

impl fmt::Display for Cost {
    /// Microseconds: the median, and the spread.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = |nanos: u64| format!("{}.{:02}", nanos / 1_000, nanos % 1_000 / 10);
        write!(f, "{} µs ({}–{})", micros(self.median), micros(self.least), micros(self.most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_the_spread_are_a_transactions() {
        let cost = Cost::of(&[30_000, 10_000, 20_500], 10).unwrap();
        assert_eq!(cost, Cost { median: 2_050, least: 1_000, most: 3_000 });
        assert_eq!((cost.to_string().as_str(), cost.per_second()), ("2.05 µs (1.00–3.00)", 487_804));
        assert_eq!((Cost::of(&[], 10), Cost::of(&[1], 0)), (None, None));
    }

    #[test]
    fn a_percentile_is_of_a_block_that_there_was() {
        let mut times = Times::default();
        assert_eq!(times.wall(50), None);
        (1..=9).rev().for_each(|wall| times.push(Time { cpu: 2 * wall, wall }));
        assert_eq!([1, 50, 99, 100].map(|percentile| times.wall(percentile)), [1, 5, 9, 9].map(Some));
        assert_eq!((times.cpu(50), times.plus(&times).wall(50)), (Some(10), Some(10)));
    }

    #[test]
    fn who_takes_twice_as_long_is_at_two_hundred() {
        let cost = |median| Cost { median, least: median, most: median };
        assert_eq!((cost(50).hundredths_of(&cost(100)), cost(100).hundredths_of(&cost(50))), (200, 50));
    }
}
