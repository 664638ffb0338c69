//! A root network, a subnet and a relayer on this machine: every process a real one, under one supervisor.
//!
//! ```text
//! directory ─▶ parent ─▶ registration ─▶ child ─▶ relayer ─▶ load ─▶ watch until told to stop ─▶ stop in reverse
//! ```
//!
//! | module | is |
//! |---|---|
//! | [`plan`] | which processes with which settings (words) |
//! | [`layout`], [`ports`] | the directory and what is remembered in it; ports |
//! | [`keys`], [`genesis`] | who holds tokens, and both genesis documents |
//! | [`process`] | processes: started, watched, stopped |
//! | [`node`], [`message`] | questions to a node, and transactions for it |
//! | [`stages`] | one function for each arrow above |
//! | [`watch`] | checkpoints from the child to the parent (law) |
//! | [`looks`] | looks at both chains |
//! | [`load`], [`contract`] | the demo load |
//! | [`event`], [`view`], [`report`] | what is told, how, and the numbers |

pub mod contract;
pub mod event;
pub mod genesis;
pub mod keys;
pub mod layout;
pub mod load;
pub mod looks;
pub mod message;
pub mod node;
pub mod plan;
pub mod ports;
pub mod process;
pub mod report;
pub mod stages;
pub mod view;
pub mod watch;

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::timeout;
use tributary_service::stop::StopSignal;

use self::load::TPS_MAX;
use self::plan::VALIDATORS_MAX;
use self::stages::Devnet;

/// Options of `devnet`.
#[derive(Clone, Debug, clap::Args)]
pub struct DevnetArgs {
    /// Where everything is kept. A second run goes on with what is there.
    #[arg(long, value_name = "DIR", default_value = "./devnet")]
    pub data_dir: PathBuf,
    /// Forget the devnet that is there and make a new one. Refused for a directory that holds anything else.
    #[arg(long)]
    pub fresh: bool,
    /// Validators of the child [default: 4, or as many as there are]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(VALIDATORS_MAX)))]
    pub validators: Option<u16>,
    /// Validators of the parent [default: 4, or as many as there are]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(VALIDATORS_MAX)))]
    pub parent_validators: Option<u16>,
    /// Stop once the parent accepted so many checkpoints in this run.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub until_checkpoint: Option<u64>,
    /// Seconds that --until-checkpoint may take; then the run ends with an error.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    pub deadline_s: u64,
    /// One event a line on standard output, as JSON.
    #[arg(long)]
    pub json: bool,
    /// Send nothing to the child.
    #[arg(long)]
    pub no_load: bool,
    /// Transfers a second that the load sends, if the child keeps up.
    #[arg(long, value_name = "N", default_value_t = 5, conflicts_with = "no_load",
          value_parser = clap::value_parser!(u16).range(0..=i64::from(TPS_MAX)))]
    pub tps: u16,
}

/// The checkpoints asked for did not come in time.
#[derive(Debug, thiserror::Error)]
#[error("--deadline-s: the parent accepted {accepted} of {wanted} checkpoints in {seconds} s\n{tails}")]
pub struct DeadlineUnavailable {
    accepted: u64,
    wanted: u64,
    seconds: u64,
    tails: String,
}

/// Runs a devnet until a signal, until the checkpoints asked for are accepted, or until a process ends by itself.
///
/// # Errors
/// What kept it from starting or made it stop, with the ends of the logs that tell more. Whatever was started is stopped.
pub async fn run(args: DevnetArgs) -> anyhow::Result<()> {
    let mut stop = StopSignal::listen()?;
    let mut devnet = Devnet::prepare(&args)?;
    let ended = tokio::select! {
        signal = stop.wait() => Ok(signal.to_owned()),
        ended = live(&mut devnet, &args) => ended,
    };
    let reason = ended.as_ref().map_or_else(|_| "something went wrong".to_owned(), Clone::clone);
    let stopped = devnet.stop(reason).await;
    ended?;
    stopped
}

/// Lives until the end that was asked for, which may be none.
async fn live(devnet: &mut Devnet, args: &DevnetArgs) -> anyhow::Result<String> {
    let Some(wanted) = args.until_checkpoint else { return devnet.live(args, u64::MAX).await };
    match timeout(Duration::from_secs(args.deadline_s), devnet.live(args, wanted)).await {
        Ok(ended) => ended,
        Err(_) => {
            let (accepted, tails) = (devnet.accepted(), devnet.tails());
            Err(DeadlineUnavailable { accepted, wanted, seconds: args.deadline_s, tails }.into())
        }
    }
}
