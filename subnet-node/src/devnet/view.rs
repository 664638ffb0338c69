//! Shows events to whoever watches.
//!
//! | standard output | gets |
//! |---|---|
//! | anything, with `--json` | one JSON object a line |
//! | a terminal | lines for what happened, and a few below that are drawn anew |
//! | a file, a pipe | lines alone |

use std::collections::VecDeque;
use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use tributary_primitives::Height;

use super::event::{Account, Event, Progress};
use super::load::LoadView;
use super::report::{Report, Summary, human};
use super::watch::Checkpoint;

/// Where to, and in which form.
pub struct View<W> {
    out: W,
    form: Form,
}

enum Form {
    Json,
    Lines,
    Live(Box<Screen>),
}

/// What is drawn anew.
#[derive(Default)]
struct Screen {
    progress: Option<Progress>,
    load: Option<LoadView>,
    /// Confirmed transactions at the time of the earlier looks.
    confirmed: VecDeque<(u64, u64)>,
    checkpoint: Option<Checkpoint>,
    rows: usize,
}

/// The rate of transactions is that of this time.
const RATE_WINDOW_MS: u64 = 5_000;

impl View<io::Stdout> {
    /// For standard output as it is.
    #[must_use]
    pub fn of_stdout(json: bool) -> Self {
        let out = io::stdout();
        let form = match (json, out.is_terminal()) {
            (true, _) => Form::Json,
            (false, true) => Form::Live(Box::default()),
            (false, false) => Form::Lines,
        };
        Self { out, form }
    }
}

impl<W: Write> View<W> {
    /// How often progress is worth showing.
    #[must_use]
    pub const fn pace(&self) -> Duration {
        match self.form {
            Form::Json => Duration::from_secs(1),
            Form::Lines => Duration::from_secs(5),
            Form::Live(_) => Duration::from_millis(250),
        }
    }

    /// Shows `event`.
    ///
    /// # Errors
    /// Those of the output: nobody reads it any more.
    pub fn show(&mut self, event: &Event) -> io::Result<()> {
        match &mut self.form {
            Form::Json => {
                let line = serde_json::to_string(event).expect("texts, numbers and lists of them");
                writeln!(self.out, "{line}")?;
            }
            Form::Lines => lines(event).iter().try_for_each(|line| writeln!(self.out, "{line}"))?,
            Form::Live(screen) => screen.show(event, &mut self.out)?,
        }
        self.out.flush()
    }
}

impl Screen {
    fn show(&mut self, event: &Event, out: &mut impl Write) -> io::Result<()> {
        match event {
            // Drawn with the progress that follows.
            Event::Load(load) => self.load = Some(load.clone()),
            Event::Checkpoint(checkpoint) => self.checkpoint = Some(*checkpoint),
            Event::Progress(progress) => {
                self.progress = Some(progress.clone());
                self.erase(out)?;
                self.draw(out)?;
            }
            _ => {
                self.erase(out)?;
                lines(event).iter().try_for_each(|line| writeln!(out, "{line}"))?;
            }
        }
        Ok(())
    }

    /// Goes back over what was drawn.
    fn erase(&mut self, out: &mut impl Write) -> io::Result<()> {
        match std::mem::take(&mut self.rows) {
            0 => Ok(()),
            rows => write!(out, "\x1b[{rows}F\x1b[J"),
        }
    }

    /// Long lines are cut by the terminal instead of wrapped, or going back would miscount.
    fn draw(&mut self, out: &mut impl Write) -> io::Result<()> {
        let rows = self.rows();
        write!(out, "\x1b[?7l")?;
        rows.iter().try_for_each(|row| writeln!(out, "{row}"))?;
        write!(out, "\x1b[?7h")?;
        self.rows = rows.len();
        Ok(())
    }

    fn rows(&mut self) -> Vec<String> {
        let Some(progress) = self.progress.clone() else { return Vec::new() };
        let mut rows = vec![
            String::new(),
            format!("  parent       block {}", progress.parent_height),
            format!("  child        block {}", progress.child_height),
            format!(
                "  checkpoints  cut {}  ▶ certified {}  ▶ accepted {}   ({} in this run)",
                shown(progress.cut),
                shown(progress.certified),
                shown(progress.accepted),
                progress.accepted_count
            ),
        ];
        if let Some(took) = self.checkpoint.and_then(|checkpoint| checkpoint.cut_to_accepted()) {
            rows.push(format!("               the latest took {} from cut to accepted", human_ms(took)));
        }
        if let Some(load) = self.load.clone() {
            let rate = self.rate_tenths(progress.at_ms, load.confirmed);
            let latency =
                load.submit_to_receipt.map(|latency| format!("   submit to receipt {}", shown_latency(latency)));
            rows.push(format!(
                "  load         {}.{} tx/s   {} confirmed, {} failed{}",
                rate / 10,
                rate % 10,
                load.confirmed,
                load.failed,
                latency.unwrap_or_default()
            ));
            rows.push(format!("               {}", callers(&load)));
            rows.extend(load.last_failure.map(|why| format!("               last failure: {why}")));
        }
        rows
    }

    /// Tenths of a transaction a second over the last [`RATE_WINDOW_MS`].
    fn rate_tenths(&mut self, at_ms: u64, confirmed: u64) -> u64 {
        self.confirmed.push_back((at_ms, confirmed));
        while self.confirmed.front().is_some_and(|(then, _)| at_ms.saturating_sub(*then) > RATE_WINDOW_MS) {
            self.confirmed.pop_front();
        }
        let (then, before) = self.confirmed.front().copied().unwrap_or((at_ms, confirmed));
        (confirmed - before).saturating_mul(10_000).checked_div(at_ms - then).unwrap_or_default()
    }
}

/// What a person reads about `event`.
fn lines(event: &Event) -> Vec<String> {
    match event {
        Event::Started { data_dir, resumed, parent_validators, validators, moved_ports } => {
            let verb = if *resumed { "goes on" } else { "is made" };
            let moved = moved_ports.iter().map(|(from, to)| format!("port {from} is taken; {to} stands in for it"));
            let first = format!("a devnet {verb} in {}", data_dir.display());
            let second = format!(
                "starting {parent_validators} parent and {validators} child validators; logs are in {}",
                data_dir.join("logs").display()
            );
            [first, second].into_iter().chain(moved).collect()
        }
        Event::Ready { network, subnet, chain_id, rpc } => {
            let first = format!("{network} {subnet} makes blocks; chain id {chain_id}");
            std::iter::once(first).chain(rpc.iter().map(|url| format!("  {url}"))).collect()
        }
        Event::Registered { subnet, height: Some(height) } => {
            vec![format!("child registered as {subnet} in parent block {height}")]
        }
        Event::Registered { subnet, height: None } => {
            vec![format!("child is registered as {subnet} since an earlier run")]
        }
        Event::Accounts { warning, accounts } => {
            let account = |account: &Account| format!("  {}  key {}", account.address, account.secret);
            let first = format!("accounts with tokens on both networks; {warning}");
            std::iter::once(first).chain(accounts.iter().map(account)).collect()
        }
        Event::Progress(progress) => vec![format!(
            "parent {}, child {}; checkpoints: cut {}, certified {}, accepted {}",
            progress.parent_height,
            progress.child_height,
            shown(progress.cut),
            shown(progress.certified),
            shown(progress.accepted)
        )],
        Event::Load(load) => load_lines(load),
        Event::Checkpoint(checkpoint) => {
            let took = checkpoint.cut_to_accepted().map(|took| format!(", {} after it was cut", human_ms(took)));
            vec![format!("parent accepted checkpoint {}{}", checkpoint.height, took.unwrap_or_default())]
        }
        Event::Stopped { reason, report } => {
            std::iter::once(format!("stopped: {reason}")).chain(totals(report)).collect()
        }
    }
}

fn load_lines(load: &LoadView) -> Vec<String> {
    let latency = load.submit_to_receipt.map(|latency| format!("; submit to receipt {}", shown_latency(latency)));
    let first = format!(
        "load: {} confirmed, {} failed{}; {}",
        load.confirmed,
        load.failed,
        latency.unwrap_or_default(),
        callers(load)
    );
    let failure = load.last_failure.iter().map(|why| format!("load: last failure: {why}"));
    std::iter::once(first).chain(failure).collect()
}

fn callers(load: &LoadView) -> String {
    let counter = load.counter.as_ref().map(|counter| format!("{} at {}", counter.actor, counter.counted));
    let tally_calls = load.tally_calls.map(|calls| calls.to_string());
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    format!("WASM counter {}, Solidity calls {}", or_none(counter), or_none(tally_calls))
}

fn totals(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(latency) = report.submit_to_receipt {
        let (confirmed, failed) = (report.confirmed, report.failed);
        lines.push(format!(
            "  transactions  {confirmed} confirmed, {failed} failed; submit to receipt {}",
            shown_latency(latency)
        ));
    }
    let cut_to_accepted = report
        .cut_to_accepted
        .map(|took| format!("; cut to accepted p50 {}, max {}", human(took.p50_us), human(took.max_us)));
    lines.push(format!("  checkpoints   {} accepted{}", report.accepted, cut_to_accepted.unwrap_or_default()));
    if !report.killed.is_empty() {
        lines.push(format!("  killed        {}: did not stop when asked to", report.killed.join(", ")));
    }
    lines
}

fn shown(height: Option<Height>) -> String {
    height.map_or_else(|| "–".to_owned(), |height| height.to_string())
}

fn shown_latency(latency: Summary) -> String {
    format!("p50 {}, p99 {}", human(latency.p50_us), human(latency.p99_us))
}

fn human_ms(duration: Duration) -> String {
    human(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(at_ms: u64, child: u64) -> Event {
        Event::Progress(Progress { at_ms, child_height: Height(child), ..Progress::default() })
    }

    fn load(confirmed: u64) -> Event {
        Event::Load(LoadView { confirmed, ..LoadView::default() })
    }

    fn shown(form: Form, events: &[Event]) -> String {
        let mut view = View { out: Vec::new(), form };
        events.iter().for_each(|event| view.show(event).unwrap());
        String::from_utf8(view.out).unwrap()
    }

    #[test]
    fn each_json_line_is_one_object() {
        let text = shown(Form::Json, &[progress(0, 1), load(3), progress(1_000, 2)]);
        let events: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(events.len(), 3);
        assert_eq!((&events[0]["event"], &events[2]["child_height"]), (&"progress".into(), &2.into()));
    }

    #[test]
    fn a_pipe_gets_no_control_sequences() {
        let text = shown(Form::Lines, &[progress(0, 1), load(3)]);
        assert!(text.contains("child 1") && text.contains("3 confirmed") && !text.contains('\x1b'), "{text}");
    }

    #[test]
    fn a_terminal_is_drawn_over_what_was_drawn_before() {
        let once = shown(Form::Live(Box::default()), &[progress(0, 1)]);
        let rows = once.matches('\n').count();
        let twice = shown(Form::Live(Box::default()), &[progress(0, 1), progress(250, 2)]);
        assert!(twice.starts_with(&once));
        assert!(twice.contains(&format!("\x1b[{rows}F\x1b[J")), "{twice:?}");
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let mut screen = Screen::default();
        assert_eq!(screen.rate_tenths(0, 0), 0);
        assert_eq!(screen.rate_tenths(1_000, 5), 50);
        assert_eq!(screen.rate_tenths(5_000, 25), 50);
        assert_eq!(screen.rate_tenths(10_000, 25), 0, "only what is within the window counts");
    }
}
