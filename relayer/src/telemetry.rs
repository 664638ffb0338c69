//! What the relayer counts, in Prometheus' words.
//!
//! | metric | says |
//! |---|---|
//! | `tributary_relayer_child_height` | latest block of the child |
//! | `tributary_relayer_certified_height` | highest certificate of the child |
//! | `tributary_relayer_accepted_height` | latest checkpoint the parent accepted |
//! | `tributary_relayer_lag_blocks` | certified less accepted |
//! | `tributary_relayer_lag_seconds` | age of the oldest checkpoint that waits |
//! | `tributary_relayer_sender_balance_tokens` | what the sender holds, whole TRB rounded down |
//! | `tributary_relayer_seen_seconds` | when both chains last answered, seconds since 1970 |
//! | `tributary_relayer_events_total` | what happened, by `event` |
//!
//! All have the label `child`, the child's URL without what may be secret in it.

use std::sync::Arc;

use fvm_shared::econ::TokenAmount;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::look::Sight;

type Level = Gauge<i64>;

/// Something worth counting.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[allow(missing_docs, reason = "each name is the sentence")]
pub enum Event {
    /// A certificate was sent.
    Submitted,
    /// It was sent again for higher fees.
    Bumped,
    /// It was sent again as it was.
    Resent,
    /// It was not sent, or not taken.
    Refused,
    /// It got into a block and changed nothing.
    Ineffective,
    /// The parent did not answer.
    ParentUnavailable,
    /// The child did not answer.
    ChildUnavailable,
    /// The relayer stopped carrying for this child.
    Halted,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ChildLabel {
    child: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventLabel {
    child: String,
    event: Event,
}

/// All metrics of a relayer. Clones share their numbers.
#[derive(Clone, Debug)]
pub struct Metrics {
    child_height: Family<ChildLabel, Level>,
    certified_height: Family<ChildLabel, Level>,
    accepted_height: Family<ChildLabel, Level>,
    lag_blocks: Family<ChildLabel, Level>,
    lag_seconds: Family<ChildLabel, Level>,
    balance: Family<ChildLabel, Level>,
    seen_seconds: Family<ChildLabel, Level>,
    events: Family<EventLabel, Counter>,
    registry: Arc<Registry>,
}

impl Metrics {
    /// All numbers at zero, no child yet.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("tributary_relayer");
        let mut level = |name: &str, help: &str| {
            let family = Family::<ChildLabel, Level>::default();
            registry.register(name, help, family.clone());
            family
        };
        let child_height = level("child_height", "Latest block of the child");
        let certified_height = level("certified_height", "Height of the child's highest certificate");
        let accepted_height = level("accepted_height", "Height of the latest checkpoint the parent accepted");
        let lag_blocks = level("lag_blocks", "Child blocks between accepted and certified");
        let lag_seconds = level("lag_seconds", "Age of the oldest checkpoint that waits to be carried");
        let balance = level("sender_balance_tokens", "Whole tokens the sender holds on the parent, rounded down");
        let seen_seconds = level("seen_seconds", "When both chains last answered, seconds since 1970");
        let events = Family::<EventLabel, Counter>::default();
        registry.register("events", "What happened", events.clone());
        Self {
            child_height,
            certified_height,
            accepted_height,
            lag_blocks,
            lag_seconds,
            balance,
            seen_seconds,
            events,
            registry: Arc::new(registry),
        }
    }

    /// The metrics of one child, named as on the command line.
    #[must_use]
    pub fn of_child(&self, name: &str) -> ChildMetrics {
        ChildMetrics { all: self.clone(), label: ChildLabel { child: name.to_owned() } }
    }

    /// All numbers in the OpenMetrics text format.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).expect("a String takes every write");
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// The metrics of one child.
#[derive(Clone, Debug)]
pub struct ChildMetrics {
    all: Metrics,
    label: ChildLabel,
}

impl ChildMetrics {
    /// The child's name in labels and logs.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.label.child
    }

    /// Takes down what was seen at `unix_seconds`.
    pub fn saw(&self, sight: &Sight, unix_seconds: u64) {
        let set = |family: &Family<ChildLabel, Level>, number: u64| {
            family.get_or_create(&self.label).set(i64::try_from(number).unwrap_or(i64::MAX));
        };
        set(&self.all.child_height, sight.child.height.0);
        set(&self.all.certified_height, sight.child.certified_height().0);
        set(&self.all.accepted_height, sight.parent.accepted_height().0);
        set(&self.all.lag_blocks, sight.lag().blocks);
        set(&self.all.lag_seconds, sight.lag().seconds);
        set(&self.all.balance, whole_tokens(&sight.parent.balance));
        set(&self.all.seen_seconds, unix_seconds);
    }

    /// Counts one more `event`.
    pub fn count(&self, event: Event) {
        self.all.events.get_or_create(&EventLabel { child: self.label.child.clone(), event }).inc();
    }

    /// How often `event` was counted.
    #[must_use]
    pub fn counted(&self, event: Event) -> u64 {
        self.all.events.get_or_create(&EventLabel { child: self.label.child.clone(), event }).get()
    }

    /// Height of the latest accepted checkpoint that was seen, and seconds since 1970 when both chains last answered.
    #[must_use]
    pub fn last_seen(&self) -> (u64, u64) {
        let get = |family: &Family<ChildLabel, Level>| family.get_or_create(&self.label).get();
        let [accepted, seen] = [get(&self.all.accepted_height), get(&self.all.seen_seconds)];
        (u64::try_from(accepted).unwrap_or_default(), u64::try_from(seen).unwrap_or_default())
    }
}

fn whole_tokens(amount: &TokenAmount) -> u64 {
    u64::try_from(amount.atto() / TokenAmount::PRECISION).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counted_event_shows_with_its_child_and_its_name() {
        let metrics = Metrics::new();
        metrics.of_child("http://child:8545").count(Event::ParentUnavailable);
        let text = metrics.encode();
        let line = r#"tributary_relayer_events_total{child="http://child:8545",event="ParentUnavailable"} 1"#;
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn tokens_are_counted_whole() {
        assert_eq!(whole_tokens(&TokenAmount::from_whole(7)), 7);
        assert_eq!(whole_tokens(&(TokenAmount::from_whole(7) - TokenAmount::from_atto(1))), 6);
    }
}
