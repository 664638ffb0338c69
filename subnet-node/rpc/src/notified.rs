//! How long it takes to tell subscribers of a block: from when the node committed it to when the socket has all of a notification.
//!
//! | a notification of a block | counts as |
//! |---|---|
//! | that the node said it committed | the time since it said so |
//! | that it did not yet say so of, after others: the subscriber was quicker | none at all |
//! | that is not among the last 1,024 any more, or where it never said so | nothing: it is not counted |
//!
//! A reader that is slow to take what it is sent shows in it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tributary_primitives::Height;

use crate::durations::{Durations, Spread};

/// Blocks whose commits are remembered: as many as a subscription may be behind, unless the operator says otherwise.
const KEPT_MAX: usize = 1_024;

/// When blocks were committed, and how long their notifications took.
#[derive(Debug, Default)]
pub struct Notified {
    /// The last commits, by height.
    commits: Mutex<VecDeque<(Height, Instant)>>,
    took: Durations,
}

impl Notified {
    /// The block at `height`, above all before, was committed now.
    pub fn committed(&self, height: Height) {
        let mut commits = self.lock();
        commits.push_back((height, Instant::now()));
        if commits.len() > KEPT_MAX {
            commits.pop_front();
        }
    }

    /// A socket has all of a notification of the block at `height`.
    pub fn told_of(&self, height: Height) {
        if let Some(took) = self.since(height) {
            self.took.count(took);
        }
    }

    /// What was counted so far.
    pub fn read(&self) -> Spread {
        self.took.read()
    }

    fn since(&self, height: Height) -> Option<Duration> {
        let commits = self.lock();
        if commits.back()?.0 < height {
            return Some(Duration::ZERO);
        }
        let place = commits.binary_search_by_key(&height, |(height, _)| *height).ok()?;
        Some(commits[place].1.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Height, Instant)>> {
        // Whole after every use, so a thread that panicked elsewhere harms nothing here.
        self.commits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(notified: &Notified) -> u64 {
        notified.read().times.iter().map(|(_, times)| times).sum()
    }

    #[test]
    fn a_notification_counts_while_its_blocks_commit_is_remembered() {
        let notified = Notified::default();
        notified.told_of(Height(1));
        assert_eq!(counted(&notified), 0, "nobody said when anything was committed");
        for height in 1..=1_026 {
            notified.committed(Height(height));
        }
        assert_eq!(notified.lock().len(), KEPT_MAX);
        for (height, so_far) in [(2, 0), (3, 1), (1_026, 2), (1_027, 3)] {
            notified.told_of(Height(height));
            assert_eq!(counted(&notified), so_far, "block {height}");
        }
    }

    #[test]
    fn it_takes_from_the_commit_on_and_no_time_where_it_is_there_before_that_is_said() {
        let notified = Notified::default();
        notified.lock().push_back((Height(7), Instant::now() - Duration::from_secs(5)));
        notified.told_of(Height(8));
        assert_eq!(notified.read().total, Duration::ZERO);
        notified.told_of(Height(7));
        assert!(notified.read().total >= Duration::from_secs(5));
    }
}
