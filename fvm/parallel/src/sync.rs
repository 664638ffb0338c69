//! Locks, atomics and threads: the standard library's, or those of a model checker.
//!
//! `--cfg loom` explores every interleaving of the small parts, `--cfg shuttle` many of the whole; `make schedules` runs both.
#![allow(unused_imports, reason = "a model takes what it needs")]

#[cfg(not(any(loom, shuttle)))]
pub(crate) use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering, fence},
    },
    thread,
};

#[cfg(loom)]
pub(crate) use loom::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering, fence},
    },
    thread,
};

#[cfg(shuttle)]
pub(crate) use shuttle::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering, fence},
    },
    thread,
};

use std::sync::PoisonError;

/// Locks. A panic under a lock ends the block or is a guess that counts for nothing; either way what is locked stays whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
