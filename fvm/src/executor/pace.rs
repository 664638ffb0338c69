//! In order, or on several threads: whichever has been faster lately. What a block leaves behind is the same, so each node has a pace of
//! its own; it asks no clock, and is told what blocks took.
//!
//! | the block | runs |
//! |---|---|
//! | gains nothing by threads, by its size and kind | in order, and is not counted |
//! | comes while one of the two ways was never measured | that way |
//! | is the 32nd since the last look at the slower way | the slower way: the machine may have got free, or the traffic another |
//! | is any other | the faster way |
//!
//! So where threads do not pay, because cores are busy or transactions short or in each other's way, they cost a block in 32.

use std::time::Duration;

use super::Workers;

/// Blocks from one look at the slower way to the next.
const LOOK_EVERY: u32 = 32;

/// How much of the mean a new measurement is: an eighth of the faster way's, which almost every block measures, half of the slower way's,
/// which only looks do: one of a machine that has changed should not take ten of them to be believed.
const WEIGHT: u64 = 8;
const WEIGHT_OF_LOOK: u64 = 2;

/// What both ways have cost lately.
#[derive(Debug, Default)]
pub struct Pace {
    in_order: Mean,
    threads: Mean,
    since_look: u32,
}

/// Picoseconds a unit of block gas, of blocks that could have run either way.
#[derive(Clone, Copy, Debug, Default)]
struct Mean(Option<u64>);

impl Mean {
    fn add(&mut self, cost: u64, weight: u64) {
        self.0 = Some(self.0.map_or(cost, |mean| mean - mean / weight + cost / weight));
    }
}

impl Pace {
    /// How the next block runs, of which `most` says how many workers it could use.
    pub fn choose(&mut self, most: Workers) -> Workers {
        if most == Workers::ONE {
            return most;
        }
        let (Some(in_order), Some(threads)) = (self.in_order.0, self.threads.0) else {
            return if self.threads.0.is_none() { most } else { Workers::ONE };
        };
        self.since_look += 1;
        let is_look = self.since_look == LOOK_EVERY;
        if is_look {
            self.since_look = 0;
        }
        if (threads < in_order) == is_look { Workers::ONE } else { most }
    }

    /// What a block took that could have used `most` workers and ran on `workers`.
    pub fn ran(&mut self, most: Workers, workers: Workers, gas: u64, took: Duration) {
        if most == Workers::ONE || gas == 0 {
            return;
        }
        let picos = u64::try_from(took.as_nanos().saturating_mul(1_000)).unwrap_or(u64::MAX);
        let (ours, other) = match workers {
            Workers::ONE => (&mut self.in_order, self.threads),
            _ => (&mut self.threads, self.in_order),
        };
        // Nothing measured is less than anything.
        ours.add(picos / gas, if ours.0 > other.0 { WEIGHT_OF_LOOK } else { WEIGHT });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs blocks of which each takes `in_order` or `threads` milliseconds, and says how many ran on threads.
    fn blocks(pace: &mut Pace, count: usize, in_order: u64, threads: u64) -> usize {
        let most = Workers::new(4);
        let mut on_threads = 0;
        for _ in 0..count {
            let workers = pace.choose(most);
            let took = if workers == most { threads } else { in_order };
            on_threads += usize::from(workers == most);
            pace.ran(most, workers, 1_000_000, Duration::from_millis(took));
        }
        on_threads
    }

    #[test]
    fn the_faster_way_runs_but_for_one_look_in_thirty_two() {
        assert_eq!(blocks(&mut Pace::default(), 2 + 320, 10, 6), 1 + 310);
        assert_eq!(blocks(&mut Pace::default(), 2 + 320, 6, 10), 1 + 10);
    }

    #[test]
    fn another_machine_load_is_noticed_by_the_looks() {
        let mut pace = Pace::default();
        blocks(&mut pace, 100, 10, 6);
        blocks(&mut pace, 400, 10, 30);
        assert!(blocks(&mut pace, 64, 10, 30) <= 2, "threads have become slow, which each block on them shows");
        assert!(blocks(&mut pace, 3 * 32, 10, 1) >= 1, "the looks show that they are fast again");
        assert!(blocks(&mut pace, 64, 10, 1) >= 62, "and three of them are believed");
    }

    #[test]
    fn blocks_that_cannot_use_threads_say_nothing() {
        let mut pace = Pace::default();
        assert_eq!(pace.choose(Workers::ONE), Workers::ONE);
        pace.ran(Workers::ONE, Workers::ONE, 1_000_000, Duration::from_secs(1));
        pace.ran(Workers::new(2), Workers::ONE, 0, Duration::from_secs(1));
        assert_eq!(pace.in_order.0, None);
    }
}
