//! Runs a dumped block again, in order and on threads, and says who was wrong. No home, no node, no network.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde_json::Value;
use tributary_fvm::state::MemoryStore;
use tributary_fvm::{Executor, Hints, Workers};

use super::Form;
use super::page::Page;
use crate::check::dump::Dump;
use crate::check::law::{Differences, Seen, Verdict, agree, differences, verdict};
use crate::check::recorder::Recorder;
use crate::check::replay::{Replayed, replay};
use crate::check::words::{Attempt, Case, ReplayUnavailable};

/// What the runs on threads go by, in turn: a node's way of sharing a block out depends on the blocks before it, which a dump does not have. So
/// what it may have done is done: lanes, and running ahead of the turn with and without a word on who depends on whom.
static WAYS: [Hints; 3] = [Hints::Learnt, Hints::Senders, Hints::Nothing];

/// Runs on threads unless more are asked for.
const TIMES: u32 = 10;
/// Most of them: an hour of large blocks.
const TIMES_MAX: i64 = 100_000;

/// Options of `replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The dump, such as HOME/dumps/block-7.
    #[arg(long, value_name = "DIR")]
    dump: PathBuf,
    /// Threads to run it on, 2 to 32; without, as many as the machine has cores, and at least two.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=i64::from(Workers::MAX)))]
    threads: Option<u32>,
    /// How often to run it on threads, in lanes and ahead of the turn by turns.
    #[arg(long, value_name = "M", default_value_t = TIMES, value_parser = clap::value_parser!(u32).range(1..=TIMES_MAX))]
    times: u32,
    #[command(flatten)]
    form: Form,
}

/// The dump does not hold all that the block reads, or this machine cannot run it.
#[derive(Debug, thiserror::Error)]
#[error("the dump cannot be run: {0}")]
pub struct DumpUnavailable(ReplayUnavailable);

/// Runs the dump; what came out, and the exit code that says it.
///
/// # Errors
/// What is wrong with the dump.
pub fn run(args: &ReplayArgs) -> anyhow::Result<(String, ExitCode)> {
    let dump = Dump::read(&args.dump)?;
    let workers = args.threads.map_or_else(at_least_two, Workers::new);
    let executor = Executor::with_workers(dump.case.params.clone(), None, workers)?;
    let store = Arc::new(dump.state);
    let in_order = attempt(once(&executor, &store, &dump.case, (Workers::ONE, &Hints::Nothing)), false)?;
    // Of the runs on threads that differ, the first is told, and how many they are.
    let (mut divided, mut divisions) = (None, 0_u32);
    for (_, hints) in (0..args.times).zip(WAYS.iter().cycle()) {
        let ran = attempt(once(&executor, &store, &dump.case, (workers, hints)), !dump.is_cut)?;
        if !agree(&ran, &in_order) {
            divisions += 1;
            divided.get_or_insert(ran);
        }
    }

    let verdict = verdict(&dump.live, &dump.in_order, &in_order, divided.as_slice());
    let differs = |attempt: Seen<'_>| list(&differences(attempt, in_order.as_ref()));
    let page = Page::default()
        .with("height", dump.case.env.height.0)
        .with("committed_way", dump.execution.way())
        .with("committed_threads", dump.execution.workers().threads())
        .with("threads", workers.threads())
        .with("times", args.times)
        .with("verdict", name(verdict))
        .with("meaning", verdict.to_string())
        .with("committed_differs", differs(Ok(&dump.live)))
        .with("check_differs", differs(dump.in_order.as_ref()))
        .with("threads_differ", divided.as_ref().map_or(Value::Null, |attempt| differs(attempt.as_ref())))
        .with("times_they_did", divisions);
    Ok((page.say(args.form.json), ExitCode::from(code(verdict))))
}

/// Also on a machine of one core.
fn at_least_two() -> Workers {
    Workers::new(Workers::of_this_machine().threads().max(2))
}

fn once(executor: &Executor, store: &Arc<MemoryStore>, case: &Case, (workers, hints): (Workers, &Hints)) -> Replayed {
    replay(executor, Recorder::new(Arc::clone(store), 0, Arc::default()), case, workers, hints)
}

/// The attempt, unless it says nothing about the block. Threads that read more than `has_all` that there is to read went astray.
fn attempt(replayed: Replayed, has_all: bool) -> Result<Attempt, DumpUnavailable> {
    match (replayed.attempt, replayed.unavailable) {
        (Err(_), Some(why)) if !(has_all && matches!(why, ReplayUnavailable::Missing(_))) => Err(DumpUnavailable(why)),
        (attempt, _) => Ok(attempt),
    }
}

/// `null` for none, as for people.
fn list(differences: &Differences) -> Value {
    let all = differences.all();
    if all.is_empty() { Value::Null } else { all.iter().map(ToString::to_string).collect() }
}

const fn name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Sound => "sound",
        Verdict::LiveWrong => "live_wrong",
        Verdict::CheckWrong => "check_wrong",
        Verdict::Divided => "divided",
    }
}

/// 1 and 2 are every command's: refused, and a wrong command line.
const fn code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Sound => 0,
        Verdict::LiveWrong => 3,
        Verdict::CheckWrong => 4,
        Verdict::Divided => 5,
    }
}
