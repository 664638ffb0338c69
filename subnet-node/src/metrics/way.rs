//! How long each step of a block's way takes, of the transactions in it, and of those who wait for it: histograms.
//!
//! ```text
//! waits ─▶ proposed ─▶ decided ─▶ committed ─▶ notified
//! ```

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tributary_rpc::{Spread, Traffic};

use super::Metrics;

/// The steps that this node counts.
pub(super) struct Way {
    proposal_wait_seconds: Histogram,
    propose_seconds: Histogram,
    decide_seconds: Histogram,
    pub(super) commit_seconds: Histogram,
    commit_wait_seconds: Histogram,
}

impl Way {
    /// All at zero, and in the registry; with what the RPC counts of its notifications.
    pub(super) fn new(registry: &mut Registry, rpc: &Traffic) -> Self {
        let proposal_wait_seconds = Histogram::new(exponential_buckets(0.001, 2.0, 20));
        let help = "From when a transaction began to wait to a proposal with it";
        registry.register("proposal_wait_seconds", help, proposal_wait_seconds.clone());
        let propose_seconds = Histogram::new(exponential_buckets(0.001, 2.0, 12));
        registry.register("propose_seconds", "Making the next block of what waits", propose_seconds.clone());
        let decide_seconds = Histogram::new(exponential_buckets(0.001, 2.0, 16));
        registry.register("decide_seconds", "From a valid proposal to its decision", decide_seconds.clone());
        let commit_seconds = Histogram::new(exponential_buckets(0.001, 2.0, 12));
        registry.register("commit_seconds", "Executing a block and writing it", commit_seconds.clone());
        let commit_wait_seconds = Histogram::new(exponential_buckets(0.001, 2.0, 12));
        let help = "What the next height waited for the block before to be committed";
        registry.register("commit_wait_seconds", help, commit_wait_seconds.clone());
        let help = "From a block's commit to a subscriber's notification of it";
        registry.register("notify_seconds", help, Notified(rpc.clone()));
        Self { proposal_wait_seconds, propose_seconds, decide_seconds, commit_seconds, commit_wait_seconds }
    }
}

/// How long notifications of blocks took, as the RPC counts it.
#[derive(Debug)]
struct Notified(Traffic);

impl EncodeMetric for Notified {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let Spread { times, total } = self.0.notified();
        let bound = |bound: Option<Duration>| bound.map_or(f64::MAX, |bound| bound.as_secs_f64());
        let buckets: Vec<_> = times.iter().map(|(within, times)| (bound(*within), *times)).collect();
        let times = times.iter().map(|(_, times)| times).sum();
        encoder.encode_histogram::<NoLabelSet>(total.as_secs_f64(), times, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

impl Metrics {
    /// Transactions of a block that was decided had waited here so long when the block was made, or found valid.
    pub fn waited_for_proposal(&self, waits: impl IntoIterator<Item = Duration>) {
        waits.into_iter().for_each(|waited| self.way.proposal_wait_seconds.observe(waited.as_secs_f64()));
    }

    /// This node made a proposal.
    pub fn proposed(&self, took: Duration) {
        self.way.propose_seconds.observe(took.as_secs_f64());
    }

    /// A proposal that was valid here was decided.
    pub fn decided(&self, took: Duration) {
        self.way.decide_seconds.observe(took.as_secs_f64());
    }

    /// The next height waited so long for a block to be committed.
    pub fn waited(&self, waited: Duration) {
        self.way.commit_wait_seconds.observe(waited.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text;

    use super::*;

    #[test]
    fn the_waits_for_proposals_and_the_time_to_notify_are_histograms_of_their_own() {
        let metrics = Metrics::new();
        metrics.waited_for_proposal([250, 500, 1_000].map(Duration::from_millis));
        let mut said = String::new();
        text::encode_registry(&mut said, &metrics.registry).unwrap();
        for line in [
            "# TYPE tributary_proposal_wait_seconds histogram",
            "tributary_proposal_wait_seconds_sum 1.75",
            "tributary_proposal_wait_seconds_count 3",
            "tributary_proposal_wait_seconds_bucket{le=\"0.512\"} 2",
            "# TYPE tributary_notify_seconds histogram",
            "tributary_notify_seconds_sum 0.0",
            "tributary_notify_seconds_count 0",
            "tributary_notify_seconds_bucket{le=\"0.512\"} 0",
            "tributary_notify_seconds_bucket{le=\"+Inf\"} 0",
        ] {
            assert!(said.lines().any(|said| said == line), "{line}: {said}");
        }
    }
}
