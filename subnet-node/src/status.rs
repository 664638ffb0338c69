//! How this node is doing: what `/health`, `/ready` and `/metrics` say.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tributary_gossip::GossipHandle;
use tributary_primitives::Height;
use tributary_rpc::backend::SyncProgress;
use tributary_service::http;

use crate::checkpoints::Checkpoints;
use crate::ledger::Ledger;
use crate::metrics::Metrics;
use crate::pool::Pool;

/// A chain that makes no block for this many heartbeats has lost its quorum, or this node has lost the chain.
const SILENT_HEARTBEATS: u32 = 6;

/// Everything there is to tell.
pub struct Status {
    ledger: Arc<Ledger>,
    pool: Arc<Pool>,
    checkpoints: Arc<Checkpoints>,
    gossip: GossipHandle,
    metrics: Arc<Metrics>,
    consensus_peers: AtomicU64,
    sync: Mutex<Option<SyncProgress>>,
    stopping: AtomicBool,
    started: SystemTime,
}

impl Status {
    /// Tells about these.
    #[must_use]
    pub fn new(
        ledger: Arc<Ledger>,
        pool: Arc<Pool>,
        checkpoints: Arc<Checkpoints>,
        gossip: GossipHandle,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            ledger,
            pool,
            checkpoints,
            gossip,
            metrics,
            consensus_peers: AtomicU64::new(0),
            sync: Mutex::new(None),
            stopping: AtomicBool::new(false),
            started: SystemTime::now(),
        }
    }

    /// Peers of consensus, as last seen.
    #[must_use]
    pub fn peers(&self) -> u64 {
        self.consensus_peers.load(Ordering::Relaxed)
    }

    /// Takes down how many peers consensus has, and the height that a validator last proposed for.
    pub fn saw(&self, peers: usize, proposed: Height) {
        self.consensus_peers.store(u64::try_from(peers).unwrap_or(u64::MAX), Ordering::Relaxed);
        let mut sync = self.sync.lock().unwrap_or_else(PoisonError::into_inner);
        *sync = behind(*sync, self.ledger.head().height, proposed);
    }

    /// How far this node is behind the others; `None` when it follows them.
    #[must_use]
    pub fn syncing(&self) -> Option<SyncProgress> {
        let sync = *self.sync.lock().unwrap_or_else(PoisonError::into_inner);
        sync.map(|sync| SyncProgress { current: self.ledger.head().height, ..sync })
    }

    /// From now on the node asks for no more requests.
    pub fn stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// How long no block came; counted from the start before the first.
    fn silence(&self) -> Duration {
        let block = UNIX_EPOCH + Duration::from_nanos(self.ledger.head().record.time_ns);
        SystemTime::now().duration_since(block.max(self.started)).unwrap_or_default()
    }
}

/// How far a node at `head` is behind, when a validator proposed for the height `proposed`; `before` is the answer before.
///
/// Who proposes for a height has all below it. Others may be a block ahead for a moment without any fault; two is behind.
fn behind(before: Option<SyncProgress>, head: Height, proposed: Height) -> Option<SyncProgress> {
    let highest = proposed.previous()?;
    let is_behind = highest.0 > head.0.saturating_add(1);
    is_behind.then(|| SyncProgress { starting: before.map_or(head, |before| before.starting), current: head, highest })
}

impl http::Status for Status {
    fn health(&self) -> Result<(), String> {
        let (silence, heartbeat) = (self.silence(), self.ledger.facts().pacing().heartbeat);
        if silence <= heartbeat * SILENT_HEARTBEATS {
            return Ok(());
        }
        let peers = self.peers();
        Err(format!(
            "no block for {} s: the chain has no quorum, or this node has lost it ({peers} peers)",
            silence.as_secs()
        ))
    }

    fn ready(&self) -> Result<(), String> {
        if self.stopping.load(Ordering::Relaxed) {
            return Err("the node is stopping".to_owned());
        }
        let others = self.ledger.facts().validators.len() > 1;
        if others && self.peers() == 0 {
            return Err("no peers yet".to_owned());
        }
        if let Some(SyncProgress { current, highest, .. }) = self.syncing() {
            return Err(format!("catching up: at block {current} of {highest}"));
        }
        self.health()
    }

    fn metrics(&self) -> String {
        let (transactions, bytes) = self.pool.size();
        self.metrics.encode(
            &self.ledger.head(),
            transactions,
            bytes,
            self.checkpoints.certified(),
            self.peers(),
            &self.gossip,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_behind_from_two_blocks_on_and_remembers_where_it_started() {
        let sync = |starting, current, highest| {
            Some(SyncProgress { starting: Height(starting), current: Height(current), highest: Height(highest) })
        };
        for (before, head, proposed, expected) in [
            (None, 0, 0, None),
            (None, 7, 8, None),
            (None, 7, 9, None),
            (None, 7, 10, sync(7, 7, 9)),
            (sync(7, 7, 9), 8, 12, sync(7, 8, 11)),
            (sync(7, 8, 11), 11, 12, None),
        ] {
            assert_eq!(behind(before, Height(head), Height(proposed)), expected, "{head} of {proposed}");
        }
    }
}
