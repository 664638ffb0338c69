//! What one relayer may choose for itself: its patience, its purse, and how it backs off.

use std::time::Duration;

/// The law's numbers. No two relayers need the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Between two looks when nothing is to be done. 100 ms to [`WAIT_MAX`].
    pub poll: Duration,
    /// Shortest time between two transactions for one child, and the first back-off. 100 ms to [`WAIT_MAX`].
    pub pause: Duration,
    /// How long something must be wrong before it is tried again unchanged; longest back-off. [`Self::pause`] to [`WAIT_MAX`].
    pub patience: Duration,
    /// Parent blocks that may pass a transaction by before its fees rise. At least 1.
    pub stuck_blocks: u64,
    /// Most to offer, attoTRB per FVM gas.
    pub fee_cap_max: u128,
    /// FVM gas to reserve for a submission.
    pub gas_limit: u64,
}

/// Shortest wait a step may ask for.
pub const WAIT_MIN: Duration = Duration::from_millis(100);
/// Longest wait a step may ask for: a relayer looks at least this often.
pub const WAIT_MAX: Duration = Duration::from_secs(600);

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A block or two of a fast chain.
            poll: Duration::from_secs(1),
            pause: Duration::from_secs(1),
            patience: Duration::from_secs(30),
            // One block may have been proposed before the transaction arrived, the next may have been full by chance.
            stuck_blocks: 3,
            // A gigatto: at 500 FVM gas for one of Ethereum's gas, 500 gwei.
            fee_cap_max: 1_000_000_000,
            // A certificate of 256 validators: one pairing check, 256 point additions, a few IPLD blocks. Unused gas is not paid.
            gas_limit: 500_000_000,
        }
    }
}

impl Limits {
    /// How long to rest after attempt `attempt` had no effect: [`Self::pause`], doubled each time, at most [`Self::patience`].
    #[must_use]
    pub fn backoff(&self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        self.pause.saturating_mul(1 << doublings).min(self.patience).max(self.pause)
    }

    /// `wait` within [`WAIT_MIN`] and [`WAIT_MAX`].
    #[must_use]
    pub fn bounded(&self, wait: Duration) -> Duration {
        wait.clamp(WAIT_MIN, WAIT_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_doubles_up_to_patience() {
        let limits = Limits::default();
        let seconds: Vec<u64> =
            [0, 1, 2, 3, 5, 6, 40, u32::MAX].map(|attempt| limits.backoff(attempt).as_secs()).into();
        assert_eq!(seconds, [1, 1, 2, 4, 16, 30, 30, 30]);
    }

    #[test]
    fn no_wait_is_too_short_or_too_long() {
        let limits = Limits::default();
        assert_eq!(limits.bounded(Duration::ZERO), WAIT_MIN);
        assert_eq!(limits.bounded(Duration::MAX), WAIT_MAX);
    }
}
