//! When the next height may start: blocks on demand.
//!
//! ```text
//! a block was decided
//!   ├─ we only follow, or are catching up?       ─▶ go at once
//!   ├─ less than interval_min since it began?    ─▶ wait for the rest of it
//!   ├─ transactions wait?                        ─▶ go
//!   ├─ a validator already works on the next?    ─▶ go
//!   ├─ heartbeat since it began?                 ─▶ go
//!   └─ wait for the rest of the heartbeat
//! ```
//!
//! A block begins with its height's first round here. So the interval runs while it is voted on, and while it is executed and written, which
//! goes on beside the hold: a block that takes longer than the interval is followed at once.
//!
//! A height that is held costs nothing: no votes, no proposals, no timeouts. Every validator measures `interval_min` on its own, so one that
//! starts early is joined no sooner; a quorum is needed for a block, hence nobody alone makes the chain run faster.
//! Followers send nothing when a height starts, so holding theirs would only delay them.

use std::time::Duration;

/// How long a height is held, as the chain wants it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Pacing {
    /// At least this long from the beginning of one block to that of the next.
    pub interval_min: Duration,
    /// An empty block is made when this long has passed.
    pub heartbeat: Duration,
}

/// What is known while a height is held.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Pace {
    pacing: Pacing,
    at_once: bool,
    wanted: bool,
}

/// What to do with a held height.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Start it.
    Go,
    /// Look again after this long, or when something was heard.
    Wait(Duration),
}

/// Why nothing is to be held at all.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A validator at the tip: holds.
    AtTip,
    /// Does not vote at the next height.
    Following,
    /// The last block came by block sync: there may be more.
    CatchingUp,
}

impl Pace {
    /// A height is held. `transactions_wait` as the application says.
    #[must_use]
    pub const fn new(pacing: Pacing, standing: Standing, transactions_wait: bool) -> Self {
        let at_once = !matches!(standing, Standing::AtTip);
        Self { pacing, at_once, wanted: transactions_wait }
    }

    /// Transactions wait, or a validator was heard working on the held height.
    pub const fn want(&mut self) {
        self.wanted = true;
    }

    /// Whether someone already wants the block.
    #[must_use]
    pub const fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// What to do `elapsed` after the last block began here.
    #[must_use]
    pub fn step(&self, elapsed: Duration) -> Step {
        let until = match (self.at_once, self.wanted) {
            (true, _) => Duration::ZERO,
            (false, true) => self.pacing.interval_min,
            (false, false) => self.pacing.heartbeat.max(self.pacing.interval_min),
        };
        match until.saturating_sub(elapsed) {
            Duration::ZERO => Step::Go,
            rest => Step::Wait(rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn each_row_of_the_law() {
        let pacing = Pacing { interval_min: ms(100), heartbeat: ms(5_000) };
        for (standing, wanted, elapsed, step) in [
            (Standing::Following, false, 0, Step::Go),
            (Standing::CatchingUp, false, 0, Step::Go),
            (Standing::AtTip, true, 0, Step::Wait(ms(100))),
            (Standing::AtTip, true, 99, Step::Wait(ms(1))),
            (Standing::AtTip, true, 100, Step::Go),
            (Standing::AtTip, false, 100, Step::Wait(ms(4_900))),
            (Standing::AtTip, false, 4_999, Step::Wait(ms(1))),
            (Standing::AtTip, false, 5_000, Step::Go),
        ] {
            let pace = Pace::new(pacing, standing, wanted);
            assert_eq!(pace.step(ms(elapsed)), step, "{standing:?}, wanted {wanted}, {elapsed} ms");
        }
    }

    #[test]
    fn a_wish_ends_the_wait_but_not_the_interval() {
        let mut pace = Pace::new(Pacing { interval_min: ms(100), heartbeat: ms(5_000) }, Standing::AtTip, false);
        pace.want();
        assert_eq!(pace.step(ms(40)), Step::Wait(ms(60)));
        assert_eq!(pace.step(ms(100)), Step::Go);
    }

    #[test]
    fn a_heartbeat_shorter_than_the_interval_does_not_undercut_it() {
        let pace = Pace::new(Pacing { interval_min: ms(100), heartbeat: ms(10) }, Standing::AtTip, false);
        assert_eq!(pace.step(ms(50)), Step::Wait(ms(50)));
    }

    proptest::proptest! {
        /// Waiting as long as told is enough: a loop over steps cannot spin.
        #[test]
        fn waiting_as_told_ends_in_go(interval in 0_u64..10_000, heartbeat in 0_u64..10_000, elapsed in 0_u64..20_000, wanted: bool) {
            let pace = Pace::new(Pacing { interval_min: ms(interval), heartbeat: ms(heartbeat) }, Standing::AtTip, wanted);
            if let Step::Wait(rest) = pace.step(ms(elapsed)) {
                proptest::prop_assert!(rest > Duration::ZERO);
                proptest::prop_assert_eq!(pace.step(ms(elapsed) + rest), Step::Go);
            }
        }
    }
}
