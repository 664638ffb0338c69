//! Time, as the loop needs it: a trait, so that a simulation can stand in.

use std::future::Future;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::view::Moment;

/// Tells the time and waits.
pub trait Clock: Send + Sync {
    /// How long this clock has run.
    fn now(&self) -> Moment;

    /// Seconds since 1970 on the wall; 0 before.
    fn unix_seconds(&self) -> u64;

    /// Returns after `wait`.
    fn sleep(&self, wait: Duration) -> impl Future<Output = ()> + Send;
}

/// The machine's clock.
#[derive(Copy, Clone, Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        self.started.elapsed()
    }

    fn unix_seconds(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    async fn sleep(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
    }
}
