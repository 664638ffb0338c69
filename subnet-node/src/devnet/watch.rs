//! Follows checkpoints from the child to the parent: cut, certified, accepted.
//!
//! | what is seen | what it says about the checkpoint at height H |
//! |---|---|
//! | the child's height reaches H, and H ends a period | cut |
//! | the child has a certificate of H or above | certified |
//! | the parent's latest accepted checkpoint is H | accepted |
//!
//! [`Tracker`] is the law: sights in, accepted checkpoints out. Its times are those of the looks, so they are exact to one look.
//! A relayer may skip a checkpoint; then the one after it stands for both.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use tributary_primitives::Height;

use super::report::Samples;

/// Checkpoints that wait for their acceptance and are timed. A parent that is further behind is waited for without a watch.
const WAITING_MAX: usize = 10_000;

/// The child at one look.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct ChildSight {
    /// Its latest block.
    pub height: Height,
    /// Its latest certificate.
    pub certified: Option<Height>,
}

/// The parent at one look.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct ParentSight {
    /// Its latest block.
    pub height: Height,
    /// The latest checkpoint it holds.
    pub accepted: Option<Height>,
}

/// A checkpoint that the parent accepted in this run. Times are milliseconds since the run started; none for what happened before
/// the first look.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checkpoint {
    /// The child's block after which it holds.
    pub height: Height,
    /// When the child had made that block.
    pub cut_ms: Option<u64>,
    /// When the child had its certificate.
    pub certified_ms: Option<u64>,
    /// When the parent held it.
    pub accepted_ms: u64,
}

impl Checkpoint {
    /// From the block to the acceptance.
    #[must_use]
    pub fn cut_to_accepted(&self) -> Option<Duration> {
        Some(Duration::from_millis(self.accepted_ms.saturating_sub(self.cut_ms?)))
    }
}

/// Remembers what waits, and counts what arrived.
#[derive(Clone, Debug)]
pub struct Tracker {
    period: u64,
    child: Option<ChildSight>,
    parent: Option<ParentSight>,
    waiting: BTreeMap<Height, Times>,
    accepted: u64,
    cut_to_accepted: Samples,
}

#[derive(Copy, Clone, Debug)]
struct Times {
    cut_ms: u64,
    certified_ms: Option<u64>,
}

impl Tracker {
    /// Follows a child that cuts a checkpoint every `period` blocks.
    #[must_use]
    pub fn new(period: u64) -> Self {
        let (child, parent, waiting) = (None, None, BTreeMap::new());
        Self { period, child, parent, waiting, accepted: 0, cut_to_accepted: Samples::default() }
    }

    /// Takes down what the child showed `at_ms`. The first look only says where it stands.
    pub fn saw_child(&mut self, sight: &ChildSight, at_ms: u64) {
        let Some(last) = self.child.replace(*sight) else { return };
        self.cut_between(last.height, sight.height, at_ms);
        if let Some(certified) = sight.certified {
            self.certified_up_to(certified, at_ms);
        }
    }

    /// Takes down what the parent showed `at_ms`, and answers the checkpoint that it accepted since the last look. The first
    /// look only says where it stands.
    pub fn saw_parent(&mut self, sight: &ParentSight, at_ms: u64) -> Option<Checkpoint> {
        let last = self.parent.replace(*sight)?;
        let newest = sight.accepted.filter(|accepted| Some(*accepted) > last.accepted)?;
        Some(self.accept(newest, at_ms))
    }

    /// Checkpoints that the parent accepted since the first look. Two between one look and the next count as one.
    #[must_use]
    pub const fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Height of the latest checkpoint that the child cut.
    #[must_use]
    pub fn cut(&self) -> Option<Height> {
        let height = self.child().height.0;
        Some(Height(height - height % self.period)).filter(|cut| cut.0 > 0)
    }

    /// From block to acceptance, of all checkpoints that were accepted.
    #[must_use]
    pub const fn cut_to_accepted(&self) -> &Samples {
        &self.cut_to_accepted
    }

    /// The child as last seen.
    #[must_use]
    pub fn child(&self) -> ChildSight {
        self.child.unwrap_or_default()
    }

    /// The parent as last seen.
    #[must_use]
    pub fn parent(&self) -> ParentSight {
        self.parent.unwrap_or_default()
    }

    fn cut_between(&mut self, after: Height, to: Height, at_ms: u64) {
        let first = (after.0 / self.period).saturating_add(1);
        for number in first..=to.0 / self.period {
            if self.waiting.len() < WAITING_MAX {
                self.waiting
                    .insert(Height(number.saturating_mul(self.period)), Times { cut_ms: at_ms, certified_ms: None });
            }
        }
    }

    fn certified_up_to(&mut self, height: Height, at_ms: u64) {
        for times in self.waiting.range_mut(..=height).map(|(_, times)| times) {
            times.certified_ms.get_or_insert(at_ms);
        }
    }

    fn accept(&mut self, height: Height, at_ms: u64) -> Checkpoint {
        let later = self.waiting.split_off(&height.next());
        let times = std::mem::replace(&mut self.waiting, later).remove(&height);
        let checkpoint = Checkpoint {
            height,
            cut_ms: times.map(|times| times.cut_ms),
            certified_ms: times.and_then(|times| times.certified_ms),
            accepted_ms: at_ms,
        };
        self.accepted += 1;
        if let Some(duration) = checkpoint.cut_to_accepted() {
            self.cut_to_accepted.add(duration);
        }
        checkpoint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(height: u64) -> Option<Height> {
        (height > 0).then_some(Height(height))
    }

    impl Tracker {
        fn child_at(&mut self, height: u64, certified: u64, at_ms: u64) {
            self.saw_child(&ChildSight { height: Height(height), certified: some(certified) }, at_ms);
        }

        fn parent_at(&mut self, accepted: u64, at_ms: u64) -> Option<Checkpoint> {
            self.saw_parent(&ParentSight { height: Height(1), accepted: some(accepted) }, at_ms)
        }
    }

    #[test]
    fn a_checkpoint_is_timed_from_its_block_to_its_acceptance() {
        let mut tracker = Tracker::new(10);
        assert_eq!(tracker.parent_at(0, 0), None);
        for (height, certified, at_ms) in [(9, 0, 0), (10, 0, 100), (11, 10, 250)] {
            tracker.child_at(height, certified, at_ms);
        }
        assert_eq!(tracker.cut(), Some(Height(10)));
        let landed = tracker.parent_at(10, 700).unwrap();
        let expected = Checkpoint { height: Height(10), cut_ms: Some(100), certified_ms: Some(250), accepted_ms: 700 };
        assert_eq!(landed, expected);
        assert_eq!(landed.cut_to_accepted(), Some(Duration::from_millis(600)));
        assert_eq!(tracker.parent_at(10, 800), None, "told once");
        assert_eq!(tracker.accepted(), 1);
    }

    #[test]
    fn what_was_accepted_before_the_first_look_is_not_this_runs() {
        let mut tracker = Tracker::new(10);
        tracker.child_at(35, 30, 0);
        assert_eq!(tracker.parent_at(20, 0), None);
        let landed = tracker.parent_at(30, 100).unwrap();
        assert_eq!((landed.height, landed.cut_ms, landed.cut_to_accepted()), (Height(30), None, None));
        assert_eq!((tracker.accepted(), tracker.cut_to_accepted().count()), (1, 0));
    }

    #[test]
    fn a_skipped_checkpoint_is_stood_for_by_the_next() {
        let mut tracker = Tracker::new(10);
        tracker.parent_at(0, 0);
        tracker.child_at(5, 0, 0);
        tracker.child_at(31, 30, 100);
        assert_eq!(tracker.parent_at(20, 200).unwrap().height, Height(20));
        assert_eq!(tracker.parent_at(30, 300).unwrap().height, Height(30));
        assert_eq!(tracker.accepted(), 2);
        assert!(tracker.waiting.is_empty(), "10 waits no more");
    }

    #[test]
    fn a_parent_that_accepts_nothing_costs_bounded_memory() {
        let mut tracker = Tracker::new(1);
        tracker.child_at(1, 0, 0);
        tracker.child_at(1_000_000, 0, 1);
        assert_eq!(tracker.waiting.len(), WAITING_MAX);
    }
}
