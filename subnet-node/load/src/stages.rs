//! Where a transaction's time goes, as the nodes tell it in their metrics: the stages of its way, each as a mean over a run.
//!
//! | stage | from | to | metric |
//! |---|---|---|---|
//! | admission | the call is read | it waits in the mempool, and is answered | `tributary_rpc_seconds_total` of the method, over the requests answered |
//! | wait | it waits in a node's mempool | a block with it, which is then decided, was made there or found valid | `tributary_proposal_wait_seconds` |
//! | proposal | a validator's turn comes | its block is made and kept | `tributary_propose_seconds` |
//! | decision | the proposal is found valid | two thirds have voted for it | `tributary_decide_seconds` |
//! | commit | it is decided | it is executed and written | `tributary_commit_seconds` |
//! | notification | it is written | a subscriber's socket has a notification of its block | `tributary_notify_seconds` |
//!
//! The proposal is a part of the wait, and the proposer's alone; the other stages are of all validators. Nobody is notified where nobody
//! subscribes. What is left of a latency are the ways between client and node, and what the client asks for once it was notified.

use std::time::Duration;

use serde::Serialize;

/// What a node's metrics call the time spent in a stage, and how often it was passed.
const NAMES: [(&str, &str); 6] = [
    (
        r#"tributary_rpc_seconds_total{method="eth_sendRawTransaction"}"#,
        r#"tributary_rpc_requests_total{method="eth_sendRawTransaction",outcome="answered"}"#,
    ),
    ("tributary_proposal_wait_seconds_sum", "tributary_proposal_wait_seconds_count"),
    ("tributary_propose_seconds_sum", "tributary_propose_seconds_count"),
    ("tributary_decide_seconds_sum", "tributary_decide_seconds_count"),
    ("tributary_commit_seconds_sum", "tributary_commit_seconds_count"),
    ("tributary_notify_seconds_sum", "tributary_notify_seconds_count"),
];

/// What nodes have counted so far, all of them together.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted([Passed; NAMES.len()]);

#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
struct Passed {
    micros: u64,
    times: u64,
}

/// The stages, in microseconds on average; none of what nobody passed.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stages {
    /// Taking a transaction in.
    pub admission_us: Option<u64>,
    /// Waiting until a block is proposed with it.
    pub wait_us: Option<u64>,
    /// Making a block.
    pub proposal_us: Option<u64>,
    /// Voting on it.
    pub decision_us: Option<u64>,
    /// Executing it and writing it.
    pub commit_us: Option<u64>,
    /// Telling a subscriber of it.
    pub notification_us: Option<u64>,
}

impl Counted {
    /// With what one more node says in the OpenMetrics text format.
    #[must_use]
    pub fn with(mut self, metrics: &str) -> Self {
        for (passed, (seconds, times)) in self.0.iter_mut().zip(NAMES) {
            let seconds = value(metrics, seconds).and_then(|text| text.parse().ok());
            let micros =
                seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default().as_micros();
            passed.micros = passed.micros.saturating_add(u64::try_from(micros).unwrap_or(u64::MAX));
            passed.times =
                passed.times.saturating_add(value(metrics, times).and_then(|text| text.parse().ok()).unwrap_or(0));
        }
        self
    }

    /// What came on top of `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Stages {
        let mean = |stage: usize| {
            let (before, after) = (before.0[stage], self.0[stage]);
            after.micros.saturating_sub(before.micros).checked_div(after.times.saturating_sub(before.times))
        };
        let [admission_us, wait_us, proposal_us, decision_us, commit_us, notification_us] =
            [0, 1, 2, 3, 4, 5].map(mean);
        Stages { admission_us, wait_us, proposal_us, decision_us, commit_us, notification_us }
    }
}

fn value<'a>(metrics: &'a str, name: &str) -> Option<&'a str> {
    metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_is_read_from_the_metric_that_is_its_own() {
        let stages = ["proposal_wait", "propose", "decide", "commit", "notify"].iter().zip(1..);
        let lines = stages.map(|(stage, seconds)| {
            format!("tributary_{stage}_seconds_sum {seconds}.0\ntributary_{stage}_seconds_count 2\n")
        });
        let expected = Stages {
            admission_us: None,
            wait_us: Some(500_000),
            proposal_us: Some(1_000_000),
            decision_us: Some(1_500_000),
            commit_us: Some(2_000_000),
            notification_us: Some(2_500_000),
        };
        assert_eq!(Counted::default().with(&lines.collect::<String>()).since(&Counted::default()), expected);
    }

    #[test]
    fn means_are_of_what_came_on_top_over_all_nodes() {
        let node = |seconds: &str, times: u64| {
            format!(
                "# HELP tributary_decide_seconds From a valid proposal\ntributary_decide_seconds_sum {seconds}\n\
                 tributary_decide_seconds_count {times}\ntributary_decide_seconds_bucket{{le=\"0.001\"}} 1\n\
                 tributary_rpc_requests_total{{method=\"eth_sendRawTransaction\",outcome=\"answered\"}} {times}\n\
                 tributary_rpc_requests_total{{method=\"eth_sendRawTransaction\",outcome=\"rejected\"}} 9\n\
                 tributary_rpc_seconds_total{{method=\"eth_sendRawTransaction\"}} {seconds}\n# EOF\n"
            )
        };
        let before = Counted::default().with(&node("1.0", 10)).with(&node("0.5", 5));
        let after = Counted::default().with(&node("1.75", 12)).with(&node("0.75", 7));
        let expected = Stages { admission_us: Some(250_000), decision_us: Some(250_000), ..Stages::default() };
        assert_eq!(after.since(&before), expected);
        assert_eq!(after.since(&after), Stages::default(), "nothing was passed");
        assert_eq!(Counted::default().with("nonsense\ntributary_decide_seconds_sum -1").0, Counted::default().0);
    }
}
