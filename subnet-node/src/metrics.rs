//! What the node counts, in Prometheus' words.
//!
//! | metric | says |
//! |---|---|
//! | `tributary_height` | last committed block |
//! | `tributary_certified_height` | last certified checkpoint |
//! | `tributary_parent_accepted_height` | last checkpoint that the parent accepted, as far as this node knows |
//! | `tributary_parent_unreachable_total` | questions to the parent's node that got no answer of use |
//! | `tributary_parent_contradictions_total` | answers of it that went against this chain |
//! | `tributary_base_fee` | base fee of the next block, attoTRB per gas |
//! | `tributary_mempool_transactions`, `tributary_mempool_bytes` | what waits |
//! | `tributary_peers` | peers of consensus |
//! | `tributary_gossip_peers`, `tributary_gossip_received`, `tributary_gossip_rejected`, `tributary_gossip_dropped` | transactions and shares on the network |
//! | `tributary_transactions_total`, `tributary_gas_total` | executed since the start |
//! | `tributary_recovered_transactions_total` | transactions of which this node found out who signed them: each once, wherever it came from first |
//! | `tributary_fill_gas`, `tributary_fill_bytes` | what this node filled its last proposal to, at most |
//! | `tributary_proposal_wait_seconds` | from when a transaction began to wait here to when a block with it, which was then decided, was made here or found valid, histogram; of each that waited |
//! | `tributary_propose_seconds` | taking transactions from the mempool and making the next block of them, where it was this node's turn, histogram |
//! | `tributary_decide_seconds` | from a proposal that is valid here to its decision: the votes, and the way of both, histogram |
//! | `tributary_commit_seconds` | executing a block and writing it, histogram |
//! | `tributary_commit_wait_seconds` | what of it the next block waited for before it was made or judged, histogram |
//! | `tributary_notify_seconds` | from a block's commit to when a subscriber's socket has a notification of it, histogram; of each notification |
//! | `tributary_trees_height` | last block whose state's trees are on disk; those of later ones are made when they are needed |
//! | `tributary_trees_seconds` | writing trees, beside the blocks that follow, histogram |
//! | `tributary_trees_nodes_total`, `tributary_trees_bytes_total` | nodes of trees written since the start, and their bytes before compression |
//! | `tributary_parallel_blocks_total`, `tributary_abandoned_blocks_total` | blocks run on several threads, and those of them that were given up to one since too much collided |
//! | `tributary_ahead_transactions_total`, `tributary_repeated_transactions_total` | transactions run before their turn, and those of them that ran again in it |
//! | `tributary_checked_blocks_total`, `tributary_skipped_checks_total` | blocks that were run again in order and came out the same, and those that were due and not run |
//! | `tributary_history_oldest_block`, `tributary_history_oldest_state` | from where on blocks, and states, are kept |
//! | `tributary_pruned_blocks_total`, `tributary_pruned_states_total`, `tributary_pruned_bytes_total` | what went of the past, in bytes before compression |
//! | `tributary_collections_total`, `tributary_collection_seconds` | looks for state that nobody needs any more, and how long the last took |
//! | `tributary_collected_blocks_total`, `tributary_collected_bytes_total` | IPLD blocks that such looks deleted |
//! | `tributary_rpc_requests_total` | by `method` and `outcome`: answered, rejected through the caller's doing, unavailable through the node's; of methods that were asked |
//! | `tributary_rpc_seconds_total` | by `method`: time spent on them, waiting included |
//! | `tributary_rpc_websockets`, `tributary_rpc_subscriptions` | WebSockets, and subscriptions on them, that are open |
//! | `tributary_rpc_slow_readers_total` | WebSockets closed since their reader did not keep up |
//! | `tributary_rpc_limited_requests_total` | requests refused since their client asked faster than it may |
//! | `tributary_rpc_refused_connections_total` | connections refused since as many were open as may be, at all or from their address |
//! | `tributary_rpc_refused_requests_total` | requests refused since there was no room for their bytes |
//! | `tributary_refused_proposals_total`, `tributary_equivocations_total` | validators that broke a rule |
//!
//! The engine's own metrics follow them in the same text. `way` has the histograms of a block's way.

mod way;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tributary_fvm::Workers;
use tributary_gossip::GossipHandle;
use tributary_primitives::Height;
use tributary_replica::filling::Fill;
use tributary_rpc::Traffic;
use tributary_store::Kept;

use crate::history::collect::Collected;
use crate::history::prune::Pruned;
use crate::ledger::trees::Written;
use crate::ledger::{Committed, Head};
use way::Way;

/// A method, and what became of requests.
type Outcome = [(&'static str, &'static str); 2];
/// A method.
type Method = [(&'static str, &'static str); 1];

/// The node's numbers.
pub struct Metrics {
    registry: Registry,
    rpc_requests: Family<Outcome, Counter>,
    rpc_seconds: Family<Method, Counter<f64, AtomicU64>>,
    rpc: Traffic,
    height: Gauge,
    certified_height: Gauge,
    parent_accepted_height: Gauge,
    parent_unreachable: Counter,
    parent_contradictions: Counter,
    base_fee: Gauge,
    mempool_transactions: Gauge,
    mempool_bytes: Gauge,
    fill_gas: Gauge,
    fill_bytes: Gauge,
    peers: Gauge,
    gossip_peers: Gauge,
    gossip_received: Gauge,
    gossip_rejected: Gauge,
    gossip_dropped: Gauge,
    rpc_websockets: Gauge,
    rpc_subscriptions: Gauge,
    rpc_slow_readers: Counter,
    rpc_limited_requests: Counter,
    rpc_refused_connections: Counter,
    rpc_refused_requests: Counter,
    transactions: Counter,
    gas: Counter,
    recovered_transactions: Counter,
    way: Way,
    trees_height: Gauge,
    trees_seconds: Histogram,
    trees_nodes: Counter,
    trees_bytes: Counter,
    parallel_blocks: Counter,
    abandoned_blocks: Counter,
    ahead_transactions: Counter,
    repeated_transactions: Counter,
    checked_blocks: Counter,
    skipped_checks: Counter,
    history_oldest_block: Gauge,
    history_oldest_state: Gauge,
    pruned_blocks: Counter,
    pruned_states: Counter,
    pruned_bytes: Counter,
    collections: Counter,
    collection_seconds: Gauge,
    collected_blocks: Counter,
    collected_bytes: Counter,
    refused_proposals: Counter,
    equivocations: Counter,
}

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("tributary");
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let height = gauge("height", "Last committed block");
        let certified_height = gauge("certified_height", "Last certified checkpoint");
        let parent_accepted_height = gauge("parent_accepted_height", "Last checkpoint that the parent accepted");
        let base_fee = gauge("base_fee", "Base fee of the next block, attoTRB per gas");
        let mempool_transactions = gauge("mempool_transactions", "Transactions that wait");
        let mempool_bytes = gauge("mempool_bytes", "Bytes that wait");
        let fill_gas = gauge("fill_gas", "Gas that the last own proposal was filled to, at most");
        let fill_bytes = gauge("fill_bytes", "Bytes that the last own proposal was filled to, at most");
        let peers = gauge("peers", "Peers of consensus");
        let gossip_peers = gauge("gossip_peers", "Peers that listen to transactions and shares");
        let gossip_received = gauge("gossip_received", "Messages received since the start");
        let gossip_rejected = gauge("gossip_rejected", "Messages refused since the start");
        let gossip_dropped = gauge("gossip_dropped", "Messages dropped for lack of room since the start");
        let history_oldest_block = gauge("history_oldest_block", "Oldest block kept");
        let history_oldest_state = gauge("history_oldest_state", "Oldest block from which on every state is kept");
        let trees_height = gauge("trees_height", "Last block whose state's trees are on disk");
        let collection_seconds = gauge("collection_seconds", "How long the last look for unneeded state took");
        let rpc_websockets = gauge("rpc_websockets", "WebSockets that are open");
        let rpc_subscriptions = gauge("rpc_subscriptions", "Subscriptions on them");
        let mut counter = |name: &str, help: &str| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let transactions = counter("transactions", "Transactions executed since the start");
        let gas = counter("gas", "Gas used since the start");
        let recovered_transactions = counter("recovered_transactions", "Transactions whose sender was recovered");
        let trees_nodes = counter("trees_nodes", "Nodes of the state's trees written since the start");
        let trees_bytes = counter("trees_bytes", "Bytes of these, before compression");
        let parallel_blocks = counter("parallel_blocks", "Blocks run on several threads");
        let abandoned_blocks = counter("abandoned_blocks", "Of these, given up to one thread");
        let ahead_transactions = counter("ahead_transactions", "Transactions run before their turn");
        let repeated_transactions = counter("repeated_transactions", "Of these, run again in their turn");
        let checked_blocks = counter("checked_blocks", "Blocks run again in order, with the same outcome");
        let skipped_checks = counter("skipped_checks", "Blocks that were due to be run again and were not");
        let pruned_blocks = counter("pruned_blocks", "Blocks that went");
        let pruned_states =
            counter("pruned_states", "Blocks that stayed, and whose state went or is only in its trees");
        let pruned_bytes = counter("pruned_bytes", "Bytes of history that went, before compression");
        let collections = counter("collections", "Looks for unneeded state");
        let collected_blocks = counter("collected_blocks", "IPLD blocks that they deleted");
        let collected_bytes = counter("collected_bytes", "Bytes of these, before compression");
        let rpc_slow_readers = counter("rpc_slow_readers", "WebSockets closed since their reader did not keep up");
        let rpc_limited_requests =
            counter("rpc_limited_requests", "Requests refused since their client asked faster than it may");
        let rpc_refused_connections =
            counter("rpc_refused_connections", "Connections refused since as many were open as may be");
        let rpc_refused_requests =
            counter("rpc_refused_requests", "Requests refused since there was no room for their bytes");
        let parent_unreachable = counter("parent_unreachable", "Questions to the parent without an answer of use");
        let parent_contradictions =
            counter("parent_contradictions", "Answers of the parent's node that went against this chain");
        let refused_proposals = counter("refused_proposals", "Proposals refused");
        let equivocations = counter("equivocations", "Validators that said two things at once");
        let (rpc_requests, rpc_seconds) = (Family::default(), Family::default());
        registry.register("rpc_requests", "Requests of a method, by what became of them", rpc_requests.clone());
        registry.register("rpc_seconds", "Time spent on a method", rpc_seconds.clone());
        let rpc = Traffic::default();
        let way = Way::new(&mut registry, &rpc);
        let trees_seconds = Histogram::new(exponential_buckets(0.001, 2.0, 16));
        registry.register("trees_seconds", "Writing the state's trees, beside the chain", trees_seconds.clone());
        Self {
            registry,
            rpc_requests,
            rpc_seconds,
            rpc,
            height,
            certified_height,
            parent_accepted_height,
            parent_unreachable,
            parent_contradictions,
            base_fee,
            mempool_transactions,
            mempool_bytes,
            fill_gas,
            fill_bytes,
            peers,
            gossip_peers,
            gossip_received,
            gossip_rejected,
            gossip_dropped,
            rpc_websockets,
            rpc_subscriptions,
            rpc_slow_readers,
            rpc_limited_requests,
            rpc_refused_connections,
            rpc_refused_requests,
            transactions,
            gas,
            recovered_transactions,
            way,
            trees_height,
            trees_seconds,
            trees_nodes,
            trees_bytes,
            parallel_blocks,
            abandoned_blocks,
            ahead_transactions,
            repeated_transactions,
            checked_blocks,
            skipped_checks,
            history_oldest_block,
            history_oldest_state,
            pruned_blocks,
            pruned_states,
            pruned_bytes,
            collections,
            collection_seconds,
            collected_blocks,
            collected_bytes,
            refused_proposals,
            equivocations,
        }
    }

    /// What the RPC counts.
    #[must_use]
    pub const fn rpc(&self) -> &Traffic {
        &self.rpc
    }

    /// A block was executed and written.
    pub fn committed(&self, committed: &Committed, transactions: usize) {
        let Committed { head, workers, stats, took, .. } = committed;
        self.rpc.committed(head.height);
        self.transactions.inc_by(count(transactions));
        self.gas.inc_by(head.record.gas_used);
        self.way.commit_seconds.observe(took.as_secs_f64());
        self.parallel_blocks.inc_by((*workers != Workers::ONE).into());
        self.abandoned_blocks.inc_by(stats.is_closed.into());
        self.ahead_transactions.inc_by(count(stats.speculated));
        self.repeated_transactions.inc_by(count(stats.repeated));
    }

    /// The trees of the state after the block at `height` are on disk, and no later ones.
    pub fn has_trees(&self, height: Height) {
        set(&self.trees_height, height.0);
    }

    /// The trees of a state were written.
    pub fn wrote_trees(&self, written: &Written) {
        self.has_trees(written.height);
        self.trees_seconds.observe(written.took.as_secs_f64());
        self.trees_nodes.inc_by(count(written.nodes));
        self.trees_bytes.inc_by(count(written.bytes));
    }

    /// So many transactions were read, and their senders recovered.
    pub fn recovered(&self, transactions: usize) {
        self.recovered_transactions.inc_by(count(transactions));
    }

    /// A proposal of this node was filled to this.
    pub fn filled(&self, fill: Fill) {
        set(&self.fill_gas, fill.gas);
        set(&self.fill_bytes, count(fill.bytes));
    }

    /// A block was run again, with the same outcome.
    pub fn checked(&self) {
        self.checked_blocks.inc();
    }

    /// A block was due to be run again and was not.
    pub fn skipped_check(&self) {
        self.skipped_checks.inc();
    }

    /// This is kept of the past.
    pub fn keeps(&self, kept: Kept) {
        set(&self.history_oldest_block, kept.blocks.0);
        set(&self.history_oldest_state, kept.states.0);
    }

    /// What was not kept went.
    pub fn pruned(&self, pruned: &Pruned) {
        self.keeps(pruned.kept);
        self.pruned_blocks.inc_by(pruned.blocks);
        self.pruned_states.inc_by(pruned.states);
        self.pruned_bytes.inc_by(pruned.deleted.bytes);
    }

    /// Unneeded state was looked for, and went.
    pub fn collected(&self, collected: &Collected, took: Duration) {
        self.collections.inc();
        set(&self.collection_seconds, took.as_secs());
        self.collected_blocks.inc_by(collected.deleted.entries);
        self.collected_bytes.inc_by(collected.deleted.bytes);
    }

    /// The parent accepted the checkpoint at `height`.
    pub fn accepted(&self, height: Height) {
        set(&self.parent_accepted_height, height.0);
    }

    /// The parent's node gave no answer of use.
    pub fn parent_is_away(&self) {
        self.parent_unreachable.inc();
    }

    /// What the parent's node said goes against this chain.
    pub fn parent_contradicts(&self) {
        self.parent_contradictions.inc();
    }

    /// A proposal broke a rule.
    pub fn refused_proposal(&self) {
        self.refused_proposals.inc();
    }

    /// A validator said two things at once.
    pub fn equivocation(&self) {
        self.equivocations.inc();
    }

    /// What the RPC counted by now.
    fn read_rpc(&self) {
        set(&self.rpc_websockets, self.rpc.websockets.count());
        set(&self.rpc_subscriptions, self.rpc.subscriptions.count());
        self.rpc_slow_readers.inner().store(self.rpc.slow_readers(), Ordering::Relaxed);
        self.rpc_limited_requests.inner().store(self.rpc.limited_requests(), Ordering::Relaxed);
        self.rpc_refused_connections.inner().store(self.rpc.refused_connections(), Ordering::Relaxed);
        self.rpc_refused_requests.inner().store(self.rpc.refused_requests(), Ordering::Relaxed);
        for (method, count) in self.rpc.methods() {
            let outcomes =
                [("answered", count.answered), ("rejected", count.rejected), ("unavailable", count.unavailable)];
            if outcomes.iter().all(|(_, requests)| *requests == 0) {
                continue;
            }
            for (outcome, requests) in outcomes {
                let requested = self.rpc_requests.get_or_create(&[("method", method), ("outcome", outcome)]);
                requested.inner().store(requests, Ordering::Relaxed);
            }
            let seconds = Duration::from_micros(count.total_us).as_secs_f64();
            self.rpc_seconds.get_or_create(&[("method", method)]).inner().store(seconds.to_bits(), Ordering::Relaxed);
        }
    }

    /// All numbers in the OpenMetrics text format.
    #[must_use]
    pub fn encode(
        &self,
        head: &Head,
        transactions: usize,
        bytes: usize,
        certified: Height,
        peers: u64,
        gossip: &GossipHandle,
    ) -> String {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let network = gossip.metrics();
        set(&self.height, head.height.0);
        set(&self.certified_height, certified.0);
        set(&self.base_fee, head.record.next_base_fee);
        set(&self.mempool_transactions, count(transactions));
        set(&self.mempool_bytes, count(bytes));
        set(&self.peers, peers);
        set(&self.gossip_peers, count(gossip.peer_count()));
        set(&self.gossip_received, read(&network.messages_received));
        set(&self.gossip_rejected, read(&network.messages_rejected));
        set(&self.gossip_dropped, read(&network.dropped_outstanding) + read(&network.dropped_publications));
        self.read_rpc();
        let mut text = String::new();
        text::encode_registry(&mut text, &self.registry).expect("a String takes every write");
        // The engine's text ends with the end-of-file mark that must stand last.
        text + &tributary_consensus::metrics_text()
    }
}

fn set(gauge: &Gauge, number: u64) {
    gauge.set(i64::try_from(number).unwrap_or(i64::MAX));
}

fn count(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
