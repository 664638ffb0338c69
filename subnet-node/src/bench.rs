//! `bench`: what a network takes from its clients, end to end. The generator is `tributary-load`; here are the command and the
//! network that it starts.
//!
//! ```text
//! network ─▶ set-up ─▶ sign ─▶ measure ─▶ report
//!  ▲                    └── once for each round, the networks in turn
//!  └─ started for this ([`network`]), or running already
//! ```

pub mod args;
pub mod network;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::watch;
use tributary_genesis_code::counter_actor_cid;
use tributary_load::accounts::{Account, senders};
use tributary_load::check::{check, sample};
use tributary_load::client::Client;
use tributary_load::drive::{Progress, drive};
use tributary_load::figures::Figures;
use tributary_load::flight::Flight;
use tributary_load::report::{Ended, NetworkUsed, Report, Run};
use tributary_load::setup::{Ground, Network, prepare};
use tributary_load::usage::own_cpu;
use tributary_load::words::{Hundredths, Load};
use tributary_load::{sign, usage};
use tributary_service::stop::StopSignal;

pub use self::args::BenchArgs;
use self::args::Plan;
use self::network::Started;

/// Some transaction was refused, failed, or is in no block.
const UNCLEAN: u8 = 2;
/// Stopped by a signal: what a shell says of Ctrl-C.
const STOPPED: u8 = 130;

/// Measures what `args` say. The table goes to standard output, all else to standard error.
///
/// # Errors
/// What kept it from being measured.
pub async fn run(args: BenchArgs) -> anyhow::Result<ExitCode> {
    let plan = args.plan()?;
    let (wish, stop) = watch::channel(false);
    let mut signals = StopSignal::listen()?;
    let measured = async {
        let mut started = match &plan.start {
            Some(start) => Some(Started::start(start, &plan, &stop).await?),
            None => None,
        };
        let measured = measure(&plan, started.as_mut(), &stop).await;
        if let Some(started) = started {
            started.stop().await;
        }
        measured
    };
    tokio::pin!(measured);
    let report = loop {
        tokio::select! {
            report = &mut measured => break report,
            _ = signals.wait() => {
                eprintln!("stopping");
                // Whoever listens is in this very future.
                wish.send_replace(true);
            }
        }
    };
    conclude(&plan, report, *stop.borrow())
}

fn conclude(plan: &Plan, report: anyhow::Result<Report>, is_stopped: bool) -> anyhow::Result<ExitCode> {
    let report = match report {
        Err(why) if is_stopped => {
            eprintln!("subnet-node: stopped before anything was measured ({why:#})");
            return Ok(ExitCode::from(STOPPED));
        }
        report => report?,
    };
    std::io::stdout().write_all(report.table().as_bytes()).context("standard output")?;
    if let Some(path) = &plan.json {
        std::fs::write(path, report.json()).with_context(|| path.display().to_string())?;
    }
    if is_stopped {
        return Ok(ExitCode::from(STOPPED));
    }
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(UNCLEAN) })
}

/// One network of the plan.
struct Side<'a> {
    network: Network,
    validators: Option<u16>,
    /// Its processes, where they are ours.
    started: Option<&'a mut Started>,
    ground: Option<Ground>,
}

async fn measure(plan: &Plan, started: Option<&mut Started>, stop: &watch::Receiver<bool>) -> anyhow::Result<Report> {
    let senders = senders(plan.senders);
    let mut sides = sides(plan, started);
    for side in &mut sides {
        let name = side.network.name.clone();
        let tell = |what: &str| eprintln!("{name}: {what}");
        let ground = prepare(&side.network, plan.workload, &senders, stop, tell).await;
        side.ground = Some(ground.with_context(|| name.clone())?);
    }
    let mut runs = Vec::new();
    for round in 1..=plan.rounds {
        for side in &mut sides {
            if *stop.borrow() {
                break;
            }
            runs.push(run_once(plan, side, &senders, round, stop).await.with_context(|| side.network.name.clone())?);
        }
    }
    anyhow::ensure!(!runs.is_empty(), "a signal came first");
    Ok(Report::of(runs))
}

fn sides<'a>(plan: &Plan, started: Option<&'a mut Started>) -> Vec<Side<'a>> {
    let first = match started {
        Some(started) => {
            let (nodes, purse) = (started.nodes(), Account::of(network::purse()));
            let network = Network { name: plan.name.clone(), nodes, purse, counter: Some(counter_actor_cid()) };
            Side { network, validators: Some(started.validators()), started: Some(started), ground: None }
        }
        None => other(&plan.running),
    };
    std::iter::once(first).chain(plan.peers.iter().map(other)).collect()
}

/// A network that runs already.
fn other<'a>(running: &args::Running) -> Side<'a> {
    let args::Running { name, nodes, key } = running;
    let purse = Account::of(key.clone());
    let network = Network { name: name.clone(), nodes: nodes.clone(), purse, counter: None };
    Side { network, validators: None, started: None, ground: None }
}

/// Signs a load for `side`, sends it, and looks at what came of it.
async fn run_once(
    plan: &Plan,
    side: &mut Side<'_>,
    senders: &[Account],
    round: u32,
    stop: &watch::Receiver<bool>,
) -> anyhow::Result<Run> {
    let ground = side.ground.as_ref().context("it was prepared")?;
    let (network, name) = (&side.network, &side.network.name);
    let (deed, terms, nonces) = ground.terms(network, senders).await?;
    eprintln!("{name}: signing {} transactions", plan.transactions);
    let load = tokio::task::block_in_place(|| sign::load(&deed, terms, senders, &nonces, plan.transactions))?;
    let load = Arc::new(load);
    let before = match &mut side.started {
        Some(started) => Some(started.measure()?),
        None => None,
    };
    let own_before = own_cpu();
    let tell = |progress: Progress| eprintln!("{name} {round}: {}", told(progress));
    let flight = drive(&network.nodes, Arc::clone(&load), plan.rules(), stop.clone(), tell).await?;
    let client_cpu = own_cpu().saturating_sub(own_before);
    let after = match &mut side.started {
        Some(started) => Some(started.measure()?),
        None => None,
    };
    let hashes: Vec<_> = confirmed(&flight, &load);
    let mut client = Client::of(network.nodes[0].clone());
    let checked = check(&mut client, load.kind, &sample(&hashes, plan.receipts)).await?;
    let figures = Figures::of(&flight);
    let network_used = before.zip(after).map(|(before, after)| used(&before, after, figures.confirmed));
    let run = Run {
        network: name.clone(),
        round,
        client_version: ground.client_version.clone(),
        chain_id: ground.chain_id,
        nodes: network.nodes.len(),
        validators: side.validators,
        workload: plan.workload,
        pace: plan.pace,
        batch: plan.batch,
        connections: plan.connections,
        senders: plan.senders,
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        ended: ended(&flight),
        figures,
        retries: 0,
        unanswered: 0,
        first_silence: None,
        errors: 0,
        first_error: None,
        checked,
        client_cpu_ms: u64::try_from(client_cpu.as_millis()).unwrap_or(u64::MAX),
        network_used,
    };
    let run = run.with_trouble(flight.trouble());
    if plan.is_cut_short(&run.figures) && run.ended == Ended::Landed {
        eprintln!(
            "{name} {round}: all that was signed is in blocks before --duration is over; sign more with --rate-max"
        );
    }
    Ok(run)
}

fn confirmed(flight: &Flight, load: &Load) -> Vec<tributary_primitives::Hash32> {
    let records = flight.records().iter().zip(&load.transactions);
    records.filter(|(record, _)| record.confirmed_us.is_some()).map(|(_, signed)| signed.hash).collect()
}

const fn ended(flight: &Flight) -> Ended {
    match (flight.is_stopped(), flight.is_landed()) {
        (true, _) => Ended::Stopped,
        (false, true) => Ended::Landed,
        (false, false) => Ended::Stalled,
    }
}

fn used(before: &network::Measured, after: network::Measured, confirmed: u64) -> NetworkUsed {
    let processes: Vec<usage::Usage> =
        after.processes.into_iter().zip(&before.processes).map(|(after, before)| after.since(before)).collect();
    let cpu_ms: u64 = processes.iter().map(|usage| usage.cpu_ms).sum();
    NetworkUsed {
        cpu_us_per_transaction: Hundredths::ratio(cpu_ms.saturating_mul(1_000), confirmed),
        disk_bytes_per_transaction: Hundredths::ratio(after.disk_bytes.saturating_sub(before.disk_bytes), confirmed),
        processes,
    }
}

fn told(progress: Progress) -> String {
    let Progress { elapsed, confirmed, confirmed_lately, on_their_way, retried, refused } = progress;
    let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    let tps = Hundredths::per_second(confirmed, micros);
    let trouble = match (retried, refused) {
        (0, 0) => String::new(),
        (retried, refused) => format!("; {retried} sent again, {refused} refused"),
    };
    format!(
        "{} s: {confirmed} confirmed, {tps} a second ({confirmed_lately} in the last), {on_their_way} in flight{trouble}",
        elapsed.as_secs()
    )
}
