//! What gossip counts. Each only grows; the node reads them when its metrics are asked for.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters since the start.
#[derive(Debug, Default)]
pub struct GossipMetrics {
    /// Transactions sent to peers, by this node.
    pub transactions_published: AtomicU64,
    /// Transactions handed to the application.
    pub transactions_received: AtomicU64,
    /// Messages sent to peers, by this node.
    pub messages_published: AtomicU64,
    /// Messages handed to the application.
    pub messages_received: AtomicU64,
    /// Messages the application accepted: forwarded.
    pub messages_accepted: AtomicU64,
    /// Messages the application rejected: not forwarded, the sender's score fell.
    pub messages_rejected: AtomicU64,
    /// Messages the application let go of: not forwarded.
    pub messages_ignored: AtomicU64,
    /// Verdicts that came when gossipsub had forgotten the message (after about 5 s): not forwarded.
    pub verdicts_late: AtomicU64,
    /// Messages from peers that were no message: not forwarded, the sender's score fell.
    pub messages_undecodable: AtomicU64,
    /// Messages from peers let go of because the application had too many to judge.
    pub dropped_outstanding: AtomicU64,
    /// Publications refused because too many waited.
    pub dropped_publications: AtomicU64,
    /// Messages of ours that no peer was there for.
    pub dropped_unheard: AtomicU64,
    /// Messages of ours that had been published a short while before.
    pub dropped_repeated: AtomicU64,
    /// Messages of ours that every peer's queue was too full for.
    pub dropped_congested: AtomicU64,
    /// Peers' comings and goings that the application did not read in time.
    pub dropped_peer_events: AtomicU64,
    /// Peers cut off for naming another chain.
    pub peers_refused: AtomicU64,
    /// Peers cut off for not naming their chain and topics in time.
    pub peers_silent: AtomicU64,
    /// Connections cut because the peer stopped answering.
    pub peers_unresponsive: AtomicU64,
    /// Dials of configured peers that did not work.
    pub dials_failed: AtomicU64,
}

/// Adds to a counter. Counters order nothing, so the weakest ordering is enough.
pub fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
}
