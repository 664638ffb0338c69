//! How many requests of each method were answered, and how.
//!
//! Counters only: whoever exports metrics reads them when it is asked. The names are the registered methods, so their number is
//! bounded whatever callers send.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::RpcRejected;

/// What was asked of one method since the server started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MethodCount {
    /// Answered with a result.
    pub answered: u64,
    /// Refused through the caller's doing.
    pub rejected: u64,
    /// Refused through the node's: busy, pruned, stopping or broken.
    pub unavailable: u64,
    /// Time spent on all of them, waiting included, in microseconds.
    pub total_us: u64,
}

#[derive(Debug, Default)]
struct Cell {
    answered: AtomicU64,
    rejected: AtomicU64,
    unavailable: AtomicU64,
    total_us: AtomicU64,
}

/// One cell for each method.
#[derive(Debug, Default)]
pub struct Counters(BTreeMap<&'static str, Cell>);

impl Counters {
    /// All at zero.
    pub fn new(methods: impl IntoIterator<Item = &'static str>) -> Self {
        Self(methods.into_iter().map(|name| (name, Cell::default())).collect())
    }

    /// Counts one request.
    pub fn count<T>(&self, method: &str, answer: &Result<T, RpcRejected>, took: Duration) {
        let Some(cell) = self.0.get(method) else { return };
        let outcome = match answer {
            Ok(_) => &cell.answered,
            Err(rejected) if rejected.is_ours() => &cell.unavailable,
            Err(_) => &cell.rejected,
        };
        outcome.fetch_add(1, Ordering::Relaxed);
        cell.total_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// What was counted so far, by method.
    pub fn read(&self) -> BTreeMap<&'static str, MethodCount> {
        let read = |cell: &Cell| MethodCount {
            answered: cell.answered.load(Ordering::Relaxed),
            rejected: cell.rejected.load(Ordering::Relaxed),
            unavailable: cell.unavailable.load(Ordering::Relaxed),
            total_us: cell.total_us.load(Ordering::Relaxed),
        };
        self.0.iter().map(|(name, cell)| (*name, read(cell))).collect()
    }
}
