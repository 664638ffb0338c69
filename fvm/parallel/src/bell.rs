//! Sleeping until something happened.
//!
//! Who changes what others may wait for changes it first, and rings then. Between what each says and what it looks at stands a
//! fence: either the sleeper sees the change, or the ringer sees the sleeper.

use crate::sync::{AtomicUsize, Condvar, Mutex, Ordering, fence, lock};

/// Wakes whoever sleeps.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    sleepers: AtomicUsize,
    asleep: Mutex<()>,
    bell: Condvar,
}

impl Bell {
    /// Sleeps until `is_ready`.
    pub(crate) fn wait_until(&self, is_ready: impl Fn() -> bool) {
        if is_ready() {
            return;
        }
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let mut asleep = lock(&self.asleep);
        while !is_ready() {
            asleep = self.bell.wait(asleep).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        drop(asleep);
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
    }

    /// Has every sleeper look again. Cost when nobody sleeps: a fence and a load.
    pub(crate) fn ring(&self) {
        fence(Ordering::SeqCst);
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            drop(lock(&self.asleep));
            self.bell.notify_all();
        }
    }
}
