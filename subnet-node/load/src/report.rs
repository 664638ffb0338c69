//! What is said of the runs: a table to read, a document for machines.

use std::fmt;

use serde::Serialize;

use crate::agreement::Agreement;
use crate::check::Checked;
use crate::figures::{Figures, median};
use crate::flight::Trouble;
use crate::stages::Stages;
use crate::usage::Usage;
use crate::words::{Confirm, Hundredths, Pace};
use crate::workload::Workload;

/// One run on one network.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Run {
    /// The network's name.
    pub network: String,
    /// Which time this network was measured, from 1.
    pub round: u32,
    /// What its first node calls itself.
    pub client_version: String,
    /// Ethereum's chain id.
    pub chain_id: u64,
    /// Nodes that transactions were handed to.
    pub nodes: usize,
    /// Validators; none where that is not known.
    pub validators: Option<u16>,
    /// What was sent.
    pub workload: Workload,
    /// How fast.
    #[serde(flatten)]
    pub pace: Pace,
    /// What confirmed a transaction.
    pub confirm: Confirm,
    /// Transactions of one request at most.
    pub batch: usize,
    /// Connections.
    pub connections: usize,
    /// Senders.
    pub senders: u32,
    /// Cores of this machine.
    pub cores: usize,
    /// Why it ended.
    pub ended: Ended,
    /// What came of it.
    #[serde(flatten)]
    pub figures: Figures,
    /// Sent again because the node said later.
    pub retries: u64,
    /// Sent again because no answer came.
    pub unanswered: u64,
    /// Why the first request had no answer.
    pub first_silence: Option<String>,
    /// Refused.
    pub errors: u64,
    /// Why the first was.
    pub first_error: Option<String>,
    /// What the receipts say.
    pub checked: Checked,
    /// What the nodes have at one height, once it was over; none where there is one node.
    pub agreement: Option<Agreement>,
    /// What this program used, in milliseconds of CPU time.
    pub client_cpu_ms: u64,
    /// What the network's processes used; none where it was not started for this.
    pub network_used: Option<NetworkUsed>,
}

/// What a network that was started for this used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NetworkUsed {
    /// Each of its processes.
    pub processes: Vec<Usage>,
    /// CPU time of all, in microseconds a transaction.
    pub cpu_us_per_transaction: Hundredths,
    /// What their directories grew by, in bytes a transaction: of all nodes together.
    pub disk_bytes_per_transaction: Hundredths,
    /// Where the time went.
    pub stages: Stages,
}

/// Why a run ended.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// All that was signed is in a block, or its time was over and the rest landed.
    Landed,
    /// Nothing moved any more.
    #[default]
    Stalled,
    /// Somebody wanted it to.
    Stopped,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Landed => "when all had landed",
            Self::Stalled => "when nothing moved any more",
            Self::Stopped => "by a signal",
        })
    }
}

impl Run {
    /// Whether every transaction that was taken is in a block and went well, none was refused, and the nodes agree.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.ended == Ended::Landed
            && self.errors == 0
            && self.figures.unconfirmed == 0
            && self.checked.failed == 0
            && self.figures.confirmed > 0
            && self.agreement.as_ref().is_none_or(|agreement| agreement.agree)
    }

    /// Takes over what went other than wished.
    #[must_use]
    pub fn with_trouble(self, trouble: &Trouble) -> Self {
        Self {
            retries: trouble.retried,
            unanswered: trouble.unanswered,
            first_silence: trouble.first_silence.clone(),
            errors: trouble.refused,
            first_error: trouble.first_refusal.as_ref().map(|why| format!("{} (code {})", why.message, why.code)),
            ..self
        }
    }
}

/// All runs, and how the networks compare.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// In the order in which they ran.
    pub runs: Vec<Run>,
    /// One row for each network but the first.
    pub ratios: Vec<Ratio>,
}

/// The first network beside another: the medians of their rounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ratio {
    /// The first.
    pub network: String,
    /// The other.
    pub peer: String,
    /// Its sustained rate over the other's: above 1.00 it confirms more.
    pub tps: Hundredths,
    /// Its middle latency over the other's: below 1.00 it is quicker.
    pub latency_p50: Hundredths,
}

impl Report {
    /// Of these runs.
    #[must_use]
    pub fn of(runs: Vec<Run>) -> Self {
        let mut names: Vec<&str> = Vec::new();
        for run in &runs {
            if !names.contains(&run.network.as_str()) {
                names.push(&run.network);
            }
        }
        let ratios = names.iter().skip(1).filter_map(|peer| ratio(&runs, names[0], peer)).collect();
        Self { ratios, runs }
    }

    /// Whether every run is clean.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.runs.iter().all(Run::is_clean)
    }

    /// For machines: JSON, indented.
    ///
    /// # Panics
    /// Never: it holds numbers, texts and lists of them.
    #[must_use]
    pub fn json(&self) -> String {
        format!("{}\n", serde_json::to_string_pretty(self).expect("numbers, texts and lists of them"))
    }

    /// To read: one column a run, in Markdown.
    #[must_use]
    pub fn table(&self) -> String {
        let columns: Vec<Vec<(&str, String)>> = self.runs.iter().map(rows).collect();
        let labels: Vec<&str> = columns.first().into_iter().flatten().map(|(label, _)| *label).collect();
        let mut lines = Vec::with_capacity(labels.len() + 4);
        for (place, label) in labels.iter().enumerate() {
            let cells = columns.iter().map(|column| column[place].1.as_str());
            let line: Vec<_> = std::iter::once(*label).chain(cells).collect();
            lines.push(line);
        }
        let mut text = aligned(&lines);
        for ratio in &self.ratios {
            let Ratio { network, peer, tps, latency_p50 } = ratio;
            text.push_str(&format!(
                "\n{network} beside {peer}: {tps} times the rate, {latency_p50} times the p50 latency\n"
            ));
        }
        text
    }
}

fn ratio(runs: &[Run], network: &str, peer: &str) -> Option<Ratio> {
    let of = |name: &str, figure: fn(&Run) -> Option<u64>| {
        median(runs.iter().filter(|run| run.network == name).filter_map(figure).collect())
    };
    let tps = |run: &Run| Some(run.figures.tps.0);
    let p50 = |run: &Run| Some(run.figures.latency?.p50_us);
    Some(Ratio {
        network: network.to_owned(),
        peer: peer.to_owned(),
        tps: Hundredths::ratio(of(network, tps)?, of(peer, tps)?),
        latency_p50: Hundredths::ratio(of(network, p50)?, of(peer, p50)?),
    })
}

/// Lines of Markdown, the second a rule under the first.
fn aligned(lines: &[Vec<&str>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let cells = line.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 => format!(" {cell:<width$} "),
            _ => format!(" {cell:>width$} "),
        });
        text.push_str(&format!("|{}|\n", cells.collect::<Vec<_>>().join("|")));
        if number == 0 {
            let rules = widths.iter().enumerate().map(|(column, width)| {
                let end = if column == 0 { "-" } else { ":" };
                format!("{}{end}", "-".repeat(width + 1))
            });
            text.push_str(&format!("|{}|\n", rules.collect::<Vec<_>>().join("|")));
        }
    }
    text
}

/// What is said of a run, line by line. Every run has the same lines.
fn rows(run: &Run) -> Vec<(&'static str, String)> {
    let figures = &run.figures;
    let latency = |of: fn(&crate::figures::Latency) -> u64| or_none(figures.latency.as_ref().map(of).map(human));
    let used = run.network_used.as_ref();
    let each = |of: fn(&Usage) -> String| or_none(used.map(|used| listed(used.processes.iter().map(of))));
    let stage = |of: fn(&Stages) -> Option<u64>| or_none(used.and_then(|used| of(&used.stages)).map(human));
    vec![
        ("network", format!("{} {}", run.network, run.round)),
        ("client", run.client_version.clone()),
        ("chain id", run.chain_id.to_string()),
        ("validators", or_none(run.validators.map(|validators| validators.to_string()))),
        ("cores", run.cores.to_string()),
        ("workload", format!("{}, {} senders", run.workload, run.senders)),
        ("loop", run.pace.to_string()),
        ("confirmed by", run.confirm.to_string()),
        ("batch", format!("{} on {} connections", run.batch, run.connections)),
        ("ended", run.ended.to_string()),
        ("confirmed", format!("{} of {}", figures.confirmed, figures.submitted)),
        ("seconds", figures.seconds.to_string()),
        ("transactions a second", figures.tps.to_string()),
        ("median of whole seconds", or_none(figures.tps_window_median.map(|tps| tps.to_string()))),
        ("latency p50", latency(|latency| latency.p50_us)),
        ("latency p95", latency(|latency| latency.p95_us)),
        ("latency p99", latency(|latency| latency.p99_us)),
        ("latency max", latency(|latency| latency.max_us)),
        ("late at most", or_none(figures.late_max_us.map(human))),
        ("a transaction is taken in in", stage(|stages| stages.admission_us)),
        ("it waits for a proposal", stage(|stages| stages.wait_us)),
        ("a proposal is made in", stage(|stages| stages.proposal_us)),
        ("it is decided in", stage(|stages| stages.decision_us)),
        ("it is executed and written in", stage(|stages| stages.commit_us)),
        ("subscribers are notified in", stage(|stages| stages.notification_us)),
        ("blocks", figures.blocks.count.to_string()),
        ("transactions a block", figures.blocks.transactions_mean.to_string()),
        ("gas used of the limit", format!("{} %", figures.blocks.fill_percent)),
        ("gas a second", format!("{} million", figures.blocks.mgas_per_second)),
        ("block interval", format!("{} ms", figures.blocks.interval_ms_mean)),
        ("blocks too dear for the load", figures.blocks.too_dear.to_string()),
        ("told to come later", run.retries.to_string()),
        ("turned away", figures.turned_away.to_string()),
        ("without an answer", counted(run.unanswered, run.first_silence.as_deref())),
        ("refused", counted(run.errors, run.first_error.as_deref())),
        ("in no block", figures.unconfirmed.to_string()),
        ("receipts that failed", format!("{} of {}", run.checked.failed, run.checked.receipts)),
        ("nodes with one block and state", or_none(run.agreement.as_ref().map(Agreement::to_string))),
        ("client CPU", human(run.client_cpu_ms.saturating_mul(1_000))),
        ("node CPU", each(|usage| human(usage.cpu_ms.saturating_mul(1_000)))),
        ("node CPU a transaction", or_none(used.map(|used| format!("{} µs", used.cpu_us_per_transaction)))),
        ("node peak memory", each(|usage| format!("{} MiB", usage.rss_peak_bytes >> 20))),
        ("disk a transaction", or_none(used.map(|used| format!("{} bytes", used.disk_bytes_per_transaction)))),
    ]
}

fn or_none(text: Option<String>) -> String {
    text.unwrap_or_else(|| "–".to_owned())
}

fn listed(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(", ")
}

/// A number, and why the first, cut to what fits a table.
fn counted(count: u64, first: Option<&str>) -> String {
    const SHOWN: usize = 60;
    match first {
        None => count.to_string(),
        Some(why) => format!("{count}: {}", why.chars().take(SHOWN).collect::<String>().replace('|', "/")),
    }
}

/// A duration for people: `870 µs`, `34.5 ms`, `2.41 s`.
#[must_use]
pub fn human(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        _ => format!("{}.{:02} s", micros / 1_000_000, micros % 1_000_000 / 10_000),
    }
}

#[cfg(test)]
mod tests;
