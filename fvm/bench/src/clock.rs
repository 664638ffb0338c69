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
        assert_eq!(cost.to_string(), "2.05 µs (1.00–3.00)");
        assert_eq!((Cost::of(&[], 10), Cost::of(&[1], 0)), (None, None));
    }

    #[test]
    fn who_takes_twice_as_long_is_at_two_hundred() {
        let cost = |median| Cost { median, least: median, most: median };
        assert_eq!((cost(50).hundredths_of(&cost(100)), cost(100).hundredths_of(&cost(50))), (200, 50));
    }
}
