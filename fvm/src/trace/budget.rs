//! What one request has cost so far.
//!
//! Whoever records asks first. Once a limit is passed nothing more is recorded, the EVM stops at its next instruction and the kernel at
//! its next call, and whoever asked for the trace is told which limit it was.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{TraceLimits, TraceRejected};

/// Instructions from one look at the clock to the next: some tens of microseconds.
const LOOK_EVERY: u64 = 1_024;

/// Shared by the tracers of a request, of which one is at work.
#[derive(Debug)]
pub(crate) struct Budget {
    limits: TraceLimits,
    steps: AtomicU64,
    bytes: AtomicU64,
    exceeded: OnceLock<TraceRejected>,
}

impl Budget {
    pub(crate) const fn new(limits: TraceLimits) -> Self {
        Self { limits, steps: AtomicU64::new(0), bytes: AtomicU64::new(0), exceeded: OnceLock::new() }
    }

    /// The limit that was passed first.
    pub(crate) fn exceeded(&self) -> Option<TraceRejected> {
        self.exceeded.get().copied()
    }

    /// Takes one instruction; `false` when no more may be done.
    pub(super) fn take_step(&self) -> bool {
        let before = self.steps.fetch_add(1, Ordering::Relaxed);
        if before >= self.limits.steps_max {
            return self.exceed(TraceRejected::Steps(self.limits.steps_max));
        }
        if before.is_multiple_of(LOOK_EVERY) { self.look() } else { self.exceeded.get().is_none() }
    }

    /// Takes bytes of the answer; `false` when no more may be recorded.
    pub(crate) fn take_bytes(&self, bytes: usize) -> bool {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        // What is taken is less than 2^63 before any limit is passed, and a block of state less than 2^32.
        if self.bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) > self.limits.bytes_max {
            return self.exceed(TraceRejected::Bytes(self.limits.bytes_max));
        }
        self.exceeded.get().is_none()
    }

    /// Looks at the clock; `false` when no more may be done.
    pub(crate) fn look(&self) -> bool {
        if (self.limits.is_late)() {
            return self.exceed(TraceRejected::Late);
        }
        self.exceeded.get().is_none()
    }

    fn exceed(&self, why: TraceRejected) -> bool {
        // Only the first is told.
        let _ = self.exceeded.set(why);
        false
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use super::*;

    fn budget(steps_max: u64, bytes_max: u64, is_late: &Arc<AtomicBool>) -> Budget {
        let is_late = Arc::clone(is_late);
        Budget::new(TraceLimits { steps_max, bytes_max, is_late: Arc::new(move || is_late.load(Ordering::Relaxed)) })
    }

    #[test]
    fn what_is_within_the_limits_is_taken_and_one_more_is_not() {
        let late = Arc::default();
        let steps = budget(2, 0, &late);
        assert!(steps.take_step() && steps.take_step() && steps.exceeded().is_none());
        assert!(!steps.take_step());
        assert_eq!(steps.exceeded(), Some(TraceRejected::Steps(2)));

        let bytes = budget(0, 10, &late);
        assert!(bytes.take_bytes(4) && bytes.take_bytes(6));
        assert!(!bytes.take_bytes(1) && !bytes.take_bytes(0), "once is for good");
        assert_eq!(bytes.exceeded(), Some(TraceRejected::Bytes(10)));
    }

    #[test]
    fn the_first_limit_passed_is_the_one_told() {
        let late = Arc::default();
        let budget = budget(u64::MAX, 0, &late);
        assert!(budget.look());
        late.store(true, Ordering::Relaxed);
        assert!(!budget.take_step(), "the clock is looked at with the first instruction");
        assert!(!budget.take_bytes(1));
        assert_eq!(budget.exceeded(), Some(TraceRejected::Late));
    }
}
