//! How this node is doing: what `/health`, `/ready` and `/metrics` say.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tributary_gossip::GossipHandle;
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
            stopping: AtomicBool::new(false),
            started: SystemTime::now(),
        }
    }

    /// Peers of consensus, as last seen.
    #[must_use]
    pub fn peers(&self) -> u64 {
        self.consensus_peers.load(Ordering::Relaxed)
    }

    /// Takes down how many peers consensus has.
    pub fn saw_peers(&self, peers: usize) {
        self.consensus_peers.store(u64::try_from(peers).unwrap_or(u64::MAX), Ordering::Relaxed);
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
