//! What is open now, and what was cut off since the start. Numbers only: whoever exports metrics reads them when it is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The numbers of one server. Clones are of the same.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// WebSockets.
    pub websockets: Open,
    /// Subscriptions on them.
    pub subscriptions: Open,
    slow_readers: Arc<AtomicU64>,
}

impl Traffic {
    /// WebSockets closed since their reader did not keep up.
    #[must_use]
    pub fn slow_readers(&self) -> u64 {
        self.slow_readers.load(Ordering::Relaxed)
    }

    /// One more was closed.
    pub(crate) fn dropped_slow_reader(&self) {
        self.slow_readers.fetch_add(1, Ordering::Relaxed);
    }
}

/// How many of one kind are open.
#[derive(Clone, Debug, Default)]
pub struct Open(Arc<AtomicU64>);

impl Open {
    /// As of now.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// One more, until what is returned goes.
    pub(crate) fn one(&self) -> One {
        self.0.fetch_add(1, Ordering::Relaxed);
        One(Arc::clone(&self.0))
    }
}

/// Counts for as long as it lives.
#[derive(Debug)]
pub struct One(Arc<AtomicU64>);

impl Drop for One {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
