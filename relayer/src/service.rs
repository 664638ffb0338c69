//! What the relayer tells over HTTP, on top of [`tributary_service::http`].
//!
//! | path | answers |
//! |---|---|
//! | `/health`, `/ready` | 200 while every child is carried for and both chains answered lately; 503 and the reason otherwise |
//! | `/metrics` | the numbers of [`crate::telemetry`] |

use std::time::Duration;

use tributary_service::http::Status;

use crate::clock::Clock;
use crate::telemetry::{ChildMetrics, Event, Metrics};

/// What the service tells about.
#[derive(Clone, Debug)]
pub struct Told<K> {
    /// All metrics.
    pub metrics: Metrics,
    /// One for each child.
    pub children: Vec<ChildMetrics>,
    /// Tells how old the last look is.
    pub clock: K,
    /// How old it may be.
    pub stale_after: Duration,
}

impl<K: Clock> Told<K> {
    /// What is wrong; `None` if nothing is.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        self.children.iter().find_map(|child| {
            if child.counted(Event::Halted) > 0 {
                return Some(format!("{}: halted; the log says why", child.name()));
            }
            let (_, seen) = child.last_seen();
            let silent = self.clock.unix_seconds().saturating_sub(seen);
            (silent > self.stale_after.as_secs()).then(|| match seen {
                0 => format!("{}: the chains have not answered yet", child.name()),
                _ => format!("{}: a chain has not answered for {silent} s", child.name()),
            })
        })
    }
}

impl<K: Clock + 'static> Status for Told<K> {
    fn health(&self) -> Result<(), String> {
        self.complaint().map_or(Ok(()), Err)
    }

    fn ready(&self) -> Result<(), String> {
        self.health()
    }

    fn metrics(&self) -> String {
        self.metrics.encode()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    fn told(metrics: &Metrics) -> Told<SystemClock> {
        Told {
            children: vec![metrics.of_child("http://child")],
            metrics: metrics.clone(),
            clock: SystemClock::start(),
            stale_after: Duration::from_secs(60),
        }
    }

    #[test]
    fn chains_that_never_answered_are_a_complaint_and_metrics_are_told_all_the_same() {
        let metrics = Metrics::new();
        let told = told(&metrics);
        metrics.of_child("http://child").count(Event::Submitted);
        assert!(told.health().unwrap_err().contains("have not answered yet"));
        assert!(told.metrics().contains("event=\"Submitted\"} 1"));
    }

    #[test]
    fn a_halted_child_is_a_complaint() {
        let metrics = Metrics::new();
        metrics.of_child("http://child").count(Event::Halted);
        assert!(told(&metrics).complaint().unwrap().contains("halted"));
    }
}
