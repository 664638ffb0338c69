//! `bench`: what a network takes from its clients, end to end. The generator is `tributary-load`; here are the command and the
//! network that it starts.
//!
//! ```text
//! network ─▶ set-up ─▶ sign ─▶ send ─▶ check ─▶ compare ─▶ report
//!  ▲                    └─────── once a round ───────┘
//!  └─ started for this, or running already
//! ```
//!
//! | module | is |
//! |---|---|
//! | [`args`] | the options, and the plan that they make |
//! | [`network`] | a network that is started for a measurement |
//! | [`mod@measure`] | the networks of a plan, measured in turn |

pub mod args;
pub mod measure;
pub mod network;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use tokio::sync::watch;
use tributary_load::report::Report;
use tributary_service::stop::StopSignal;

pub use self::args::BenchArgs;
use self::args::Plan;
use self::measure::measure;
use self::network::Started;

/// Some transaction was refused, failed, or is in no block; or nodes do not agree.
const UNCLEAN: u8 = 7;
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
    let measured = live(&plan, &stop);
    tokio::pin!(measured);
    let report = loop {
        tokio::select! {
            report = &mut measured => break report,
            _ = signals.wait() => {
                eprintln!("stopping");
                wish.send_replace(true);
            }
        }
    };
    conclude(&plan, report, *stop.borrow())
}

/// Starts the network, if there is one to start, and stops it again whatever came of the measurement.
async fn live(plan: &Plan, stop: &watch::Receiver<bool>) -> anyhow::Result<Report> {
    let Some(start) = &plan.start else { return measure(plan, None, stop).await };
    let mut started = Started::start(start, plan.senders, stop).await?;
    let report = measure(plan, Some(&mut started), stop).await;
    started.stop().await;
    report
}

fn conclude(plan: &Plan, report: anyhow::Result<Report>, is_stopped: bool) -> anyhow::Result<ExitCode> {
    let report = match report {
        Err(why) if is_stopped => {
            eprintln!("stopped before anything was measured: {why:#}");
            return Ok(ExitCode::from(STOPPED));
        }
        report => report?,
    };
    std::io::stdout().write_all(report.table().as_bytes()).context("standard output")?;
    if let Some(path) = &plan.json {
        std::fs::write(path, report.json()).with_context(|| path.display().to_string())?;
    }
    Ok(match (is_stopped, report.is_clean()) {
        (true, _) => ExitCode::from(STOPPED),
        (false, true) => ExitCode::SUCCESS,
        (false, false) => ExitCode::from(UNCLEAN),
    })
}
