//! Numbers: many durations, and what stands for them.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;

/// Durations that are remembered; the oldest go first.
pub const SAMPLES_MAX: usize = 100_000;

/// Durations of one kind, in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Samples {
    micros: VecDeque<u64>,
    count: u64,
}

impl Samples {
    /// Remembers one more, up to [`SAMPLES_MAX`] of the latest.
    pub fn add(&mut self, duration: Duration) {
        if self.micros.len() == SAMPLES_MAX {
            self.micros.pop_front();
        }
        self.micros.push_back(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
        self.count += 1;
    }

    /// How many there ever were.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// What stands for those remembered; `None` when there is none. Cost: sorting them.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        let mut sorted: Vec<u64> = self.micros.iter().copied().collect();
        sorted.sort_unstable();
        Some(Summary { p50_us: percentile(&sorted, 50)?, p99_us: percentile(&sorted, 99)?, max_us: *sorted.last()? })
    }
}

/// What stands for many durations. Microseconds.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Half are not above.
    pub p50_us: u64,
    /// 99 of 100 are not above.
    pub p99_us: u64,
    /// None is above.
    pub max_us: u64,
}

/// The least of `sorted` that `percent` of a hundred are not above: the nearest-rank percentile.
fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// From the start to the wish to stop, in milliseconds.
    pub ran_ms: u64,
    /// Transactions of the load that are in a block.
    pub confirmed: u64,
    /// Transactions of the load that went wrong.
    pub failed: u64,
    /// From handing in a transaction to its receipt.
    pub submit_to_receipt: Option<Summary>,
    /// Checkpoints that the parent accepted in this run.
    pub accepted: u64,
    /// From the child's block to the parent's acceptance.
    pub cut_to_accepted: Option<Summary>,
    /// Processes that did not stop when asked to.
    pub killed: Vec<String>,
}

/// A duration for people: `870 µs`, `34.5 ms`, `2.41 s`.
#[must_use]
pub fn human(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        _ => format!("{}.{:02} s", micros / 1_000_000, micros % 1_000_000 / 10_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(micros: impl IntoIterator<Item = u64>) -> Samples {
        let mut samples = Samples::default();
        micros.into_iter().for_each(|micros| samples.add(Duration::from_micros(micros)));
        samples
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        for (micros, expected) in [
            ((1..=100).collect::<Vec<_>>(), (50, 99, 100)),
            (vec![7], (7, 7, 7)),
            (vec![9, 1], (1, 9, 9)),
            (vec![5, 3, 1], (3, 5, 5)),
        ] {
            let Summary { p50_us, p99_us, max_us } = samples(micros).summary().unwrap();
            assert_eq!((p50_us, p99_us, max_us), expected);
        }
        assert_eq!(Samples::default().summary(), None);
    }

    #[test]
    fn the_oldest_are_forgotten_but_counted() {
        let max = u64::try_from(SAMPLES_MAX).unwrap();
        let samples = samples(std::iter::once(u64::MAX).chain(0..max));
        assert_eq!(samples.count(), max + 1);
        assert_eq!(samples.summary().unwrap().max_us, max - 1);
    }

    #[test]
    fn durations_read_well() {
        for (micros, text) in
            [(999, "999 µs"), (1_000, "1.0 ms"), (34_567, "34.5 ms"), (2_410_000, "2.41 s"), (61_049_999, "61.04 s")]
        {
            assert_eq!(human(micros), text);
        }
    }
}
