//! What is open now, what was cut off since the start, and what was asked. Numbers only: whoever exports metrics reads them when it is asked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tributary_primitives::Height;

use crate::counters::{Counters, MethodCount};
use crate::durations::Spread;
use crate::notified::Notified;
use crate::server::method_names;

/// The numbers of one server. Clones are of the same.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// WebSockets.
    pub websockets: Open,
    /// Subscriptions on them.
    pub subscriptions: Open,
    slow_readers: Arc<AtomicU64>,
    limited_requests: Arc<AtomicU64>,
    refused_connections: Arc<AtomicU64>,
    refused_requests: Arc<AtomicU64>,
    notified: Arc<Notified>,
    pub(crate) methods: Arc<Counters>,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            websockets: Open::default(),
            subscriptions: Open::default(),
            slow_readers: Arc::default(),
            limited_requests: Arc::default(),
            refused_connections: Arc::default(),
            refused_requests: Arc::default(),
            notified: Arc::default(),
            methods: Arc::new(Counters::new(method_names())),
        }
    }
}

impl Traffic {
    /// WebSockets closed since their reader did not keep up.
    #[must_use]
    pub fn slow_readers(&self) -> u64 {
        self.slow_readers.load(Ordering::Relaxed)
    }

    /// What was asked so far, by method.
    #[must_use]
    pub fn methods(&self) -> BTreeMap<&'static str, MethodCount> {
        self.methods.read()
    }

    /// Requests refused since their client asked too fast.
    #[must_use]
    pub fn limited_requests(&self) -> u64 {
        self.limited_requests.load(Ordering::Relaxed)
    }

    /// Connections refused since their address had as many as it may.
    #[must_use]
    pub fn refused_connections(&self) -> u64 {
        self.refused_connections.load(Ordering::Relaxed)
    }

    /// Requests over HTTP, and messages on WebSockets, refused since there was no room for their bytes.
    #[must_use]
    pub fn refused_requests(&self) -> u64 {
        self.refused_requests.load(Ordering::Relaxed)
    }

    /// The node has committed the block at `height`, which is above all before: who listens is told of it from now on.
    pub fn committed(&self, height: Height) {
        self.notified.committed(height);
    }

    /// How long notifications of blocks took, from the commit to when the subscriber's socket had all of one.
    #[must_use]
    pub fn notified(&self) -> Spread {
        self.notified.read()
    }

    /// A socket has all of a notification of the block at `height`.
    pub(crate) fn told_of(&self, height: Height) {
        self.notified.told_of(height);
    }

    /// One more was refused.
    pub(crate) fn refused_request(&self) {
        self.refused_requests.fetch_add(1, Ordering::Relaxed);
    }

    /// One more was refused.
    pub(crate) fn limited_request(&self) {
        self.limited_requests.fetch_add(1, Ordering::Relaxed);
    }

    /// One more was refused.
    pub(crate) fn refused_connection(&self) {
        self.refused_connections.fetch_add(1, Ordering::Relaxed);
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
