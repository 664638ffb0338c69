//! How long something took, each time that it did: counted by bounds, and all of it together.
//!
//! Counters only: whoever exports metrics reads them when it is asked. They are as many as there are bounds, however often it happens.

use std::iter::successors;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The least bound; each is twice the one before.
const LEAST: Duration = Duration::from_millis(1);
/// How many there are: up to 33 seconds.
const BOUNDS: usize = 16;

/// Counts durations.
#[derive(Debug, Default)]
pub struct Durations {
    within: [AtomicU64; BOUNDS],
    beyond: AtomicU64,
    total_us: AtomicU64,
}

/// What was counted so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spread {
    /// How often it took as long as a bound at most, and longer than the one before; `None` is beyond all of them, and last.
    pub times: Vec<(Option<Duration>, u64)>,
    /// All of it together, in whole microseconds each.
    pub total: Duration,
}

impl Durations {
    /// Counts one.
    pub fn count(&self, took: Duration) {
        let place = bounds().position(|bound| took <= bound);
        place.map_or(&self.beyond, |place| &self.within[place]).fetch_add(1, Ordering::Relaxed);
        self.total_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn read(&self) -> Spread {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let within = bounds().zip(&self.within).map(|(bound, times)| (Some(bound), read(times)));
        let times = within.chain([(None, read(&self.beyond))]).collect();
        Spread { times, total: Duration::from_micros(read(&self.total_us)) }
    }
}

fn bounds() -> impl Iterator<Item = Duration> {
    successors(Some(LEAST), |bound| bound.checked_mul(2)).take(BOUNDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_counted_within_the_least_bound_that_holds_it() {
        let durations = Durations::default();
        for micros in [0, 1_000, 1_001, 2_000, 32_768_000, 32_768_001] {
            durations.count(Duration::from_micros(micros));
        }
        let Spread { times, total } = durations.read();
        let met: Vec<_> = times.iter().filter(|(_, times)| *times > 0).collect();
        let millis = |millis| Some(Duration::from_millis(millis));
        assert_eq!(met, [&(millis(1), 2), &(millis(2), 2), &(millis(32_768), 1), &(None, 1)]);
        assert_eq!((times.len(), total), (BOUNDS + 1, Duration::from_micros(65_540_002)));
    }
}
