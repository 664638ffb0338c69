//! The options of `bench`, and the plan that they make.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use tributary_crypto::SecpSecretKey;
use tributary_load::figures::Figures;
use tributary_load::flight::Rules;
use tributary_load::http::Endpoint;
use tributary_load::words::{Confirm, Pace, SENDERS_MAX, TRANSACTIONS_MAX};
use tributary_load::workload::Workload;
use tributary_primitives::Hash32;
use tributary_relayer::key::{KeyFileRejected, read_key};

use super::network::Start;
use crate::devnet::plan::VALIDATORS_MAX;

/// Transactions of one request, where nothing else is said.
const BATCH: u32 = 50;
/// Most transactions of one request: what our own node takes where nothing else is set.
const BATCH_MAX: i64 = 1_000;
/// Most connections.
const CONNECTIONS_MAX: i64 = 256;
/// Longest run.
const DURATION_S_MAX: u64 = 86_400;

/// Options of `bench`.
#[derive(Clone, Debug, clap::Args)]
pub struct BenchArgs {
    /// A node of a network that runs; may be given several times, for several nodes of one network [default: start one]
    #[arg(long, value_name = "URL", conflicts_with = "validators", requires = "key")]
    pub rpc: Vec<Endpoint>,
    /// Who pays for the set-up on --rpc: a private key in hex, or a file with one
    #[arg(long, value_name = "KEY", env = "TRIBUTARY_KEY", hide_env_values = true)]
    pub key: Option<String>,
    /// Start a root network of so many validators here, in a temporary folder that is removed after [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(VALIDATORS_MAX)))]
    pub validators: Option<u16>,
    /// A parameter of the started network's genesis, as in block_gas_limit=100000000; may be given several times
    #[arg(long = "parameter", value_name = "NAME=VALUE", conflicts_with = "rpc")]
    pub parameters: Vec<String>,
    /// A setting of every node of the started network, as in mempool.transactions_max=100000; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", conflicts_with = "rpc")]
    pub settings: Vec<String>,
    /// What the network is called in the report
    #[arg(long, value_name = "NAME", default_value = "tributary")]
    pub name: String,
    /// Another network to measure in turn with the first, as in anvil=http://127.0.0.1:8545; may be given several times
    #[arg(long = "peer", value_name = "NAME=URL", requires = "peer_key")]
    pub peers: Vec<String>,
    /// Who pays for the set-up on the peers
    #[arg(long, value_name = "KEY")]
    pub peer_key: Option<String>,
    /// How often each network is measured
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,
    /// What the transactions do
    #[arg(long, value_enum, default_value_t = Workload::Transfer)]
    pub workload: Workload,
    /// Whether the next transaction waits for earlier ones (closed) or for the clock (open)
    #[arg(long = "loop", value_enum, default_value_t = LoopArg::Closed)]
    pub pace: LoopArg,
    /// Closed loop: transactions handed in and in no block, at most
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub in_flight: u64,
    /// Open loop: transactions a second
    #[arg(long, value_name = "TPS", required_if_eq("pace", "open"), value_parser = clap::value_parser!(u64).range(1..))]
    pub rate: Option<u64>,
    /// Accounts that send in turn
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=i64::from(SENDERS_MAX)))]
    pub senders: u32,
    /// Seconds during which transactions are sent; what is on its way then is waited for
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=DURATION_S_MAX))]
    pub duration: u64,
    /// Send so many transactions, however long it takes
    #[arg(long, value_name = "N", conflicts_with = "duration", value_parser = clap::value_parser!(u32).range(1..))]
    pub transactions: Option<u32>,
    /// Closed loop with --duration: sign so many transactions for each second of it
    #[arg(long, value_name = "TPS", default_value_t = 8_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub rate_max: u64,
    /// What confirms a transaction, and so what ends its latency
    #[arg(long, value_enum, default_value_t = ConfirmArg::Poll)]
    pub confirm: ConfirmArg,
    /// Transactions of one request; 1 for single calls [default: 50; 1 with --confirm sync]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=BATCH_MAX))]
    pub batch: Option<u32>,
    /// Connections, over all nodes, each with one request on its way
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=CONNECTIONS_MAX))]
    pub connections: u32,
    /// Receipts that are looked at after each run, evenly spread; 0 for all
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub receipts: u32,
    /// Write everything there, too
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// What confirms a transaction.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConfirmArg {
    /// Its block, which is asked for over HTTP every few milliseconds
    Poll,
    /// Its block, of which a WebSocket tells (eth_subscribe newHeads)
    Subscription,
    /// The answer of eth_sendRawTransactionSync, for which a connection waits: give as many --connections as are to be in flight
    Sync,
}

/// What the next transaction waits for.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub enum LoopArg {
    /// Earlier transactions
    Closed,
    /// The clock
    Open,
}

/// What is measured, and how.
#[derive(Debug)]
pub struct Plan {
    /// The network to start; none where one runs.
    pub start: Option<Start>,
    /// The network that runs; of no use where one is started.
    pub running: Running,
    /// The first network's name.
    pub name: String,
    /// The others.
    pub peers: Vec<Running>,
    /// Runs on each.
    pub rounds: u32,
    /// What is sent.
    pub workload: Workload,
    /// How fast.
    pub pace: Pace,
    /// What confirms it.
    pub confirm: Confirm,
    /// By whom.
    pub senders: u32,
    /// Signed for each run.
    pub transactions: usize,
    /// Transactions of one request.
    pub batch: usize,
    /// Connections.
    pub connections: usize,
    /// Receipts that are looked at.
    pub receipts: usize,
    /// Where the document goes.
    pub json: Option<PathBuf>,
    duration_s: Option<u64>,
}

/// A network that runs.
#[derive(Clone, Debug)]
pub struct Running {
    /// Its name.
    pub name: String,
    /// Its nodes.
    pub nodes: Vec<Endpoint>,
    /// Who pays.
    pub key: SecpSecretKey,
}

/// The options make no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanRejected {
    /// Not a name and an address.
    #[error("--peer {0:?} must be NAME=URL, as in --peer anvil=http://127.0.0.1:8545{1}")]
    Peer(String, String),
    /// A name that is taken.
    #[error("--peer {0}: the first network is called that; give one of them another name")]
    Name(String),
    /// Neither a key nor a file with one.
    #[error("{0}: neither 32 bytes in hex that are a private key, nor a key file: {1}")]
    Key(&'static str, KeyFileRejected),
    /// The workload needs actors.
    #[error(
        "--workload {0} calls WASM actors, which are there only on a network that is started here: leave --rpc and --peer out"
    )]
    NoActors(Workload),
    /// The workload needs a receiver.
    #[error("--workload {0} needs somebody to receive: give it 2 --senders or more")]
    Alone(Workload),
    /// A synchronous call takes one transaction.
    #[error("--confirm sync hands in one Ethereum transaction a call: leave --batch out")]
    Batch,
    /// A synchronous call takes Ethereum's.
    #[error(
        "--confirm sync hands in one Ethereum transaction a call, and --workload {0} has FVM messages: leave one of them out"
    )]
    Messages(Workload),
    /// More than fits the memory.
    #[error(
        "{0} transactions would have to be signed; at most {TRANSACTIONS_MAX} are: choose a shorter --duration or a lower --rate or --rate-max"
    )]
    TooMany(u64),
}

impl BenchArgs {
    /// The plan.
    ///
    /// # Errors
    /// [`PlanRejected`].
    pub fn plan(self) -> Result<Plan, PlanRejected> {
        let workload = self.check_workload()?;
        let pace = match (self.pace, self.rate) {
            (LoopArg::Open, Some(rate)) => Pace::Open { rate },
            (LoopArg::Closed, _) | (LoopArg::Open, None) => Pace::Closed { in_flight: self.in_flight },
        };
        let confirm = match self.confirm {
            ConfirmArg::Poll => Confirm::Poll,
            ConfirmArg::Subscription => Confirm::Subscription,
            ConfirmArg::Sync => Confirm::Sync,
        };
        let is_sync = confirm == Confirm::Sync;
        if is_sync && workload.has_messages() {
            return Err(PlanRejected::Messages(workload));
        }
        if is_sync && self.batch.is_some_and(|batch| batch > 1) {
            return Err(PlanRejected::Batch);
        }
        let batch = self.batch.unwrap_or(if is_sync { 1 } else { BATCH });
        let start = self.rpc.is_empty().then(|| Start {
            validators: self.validators.unwrap_or(1),
            parameters: self.parameters.clone(),
            settings: self.settings.clone(),
        });
        let key = match &self.key {
            Some(key) if start.is_none() => key_of("--key", key)?,
            _ => super::network::purse(),
        };
        Ok(Plan {
            running: Running { name: self.name.clone(), nodes: self.rpc.clone(), key },
            peers: self.read_peers()?,
            transactions: self.count(pace)?,
            duration_s: self.transactions.is_none().then_some(self.duration),
            start,
            name: self.name,
            rounds: self.rounds,
            workload,
            pace,
            confirm,
            senders: self.senders,
            batch: size(batch),
            connections: size(self.connections),
            receipts: NonZeroU32::new(self.receipts).map_or(usize::MAX, |most| size(most.get())),
            json: self.json,
        })
    }

    /// The workload, which the networks and the senders must be able to do.
    fn check_workload(&self) -> Result<Workload, PlanRejected> {
        let workload = self.workload;
        if workload.needs_actors() && !(self.rpc.is_empty() && self.peers.is_empty()) {
            return Err(PlanRejected::NoActors(workload));
        }
        if workload.pairs().is_some() && self.senders < 2 {
            return Err(PlanRejected::Alone(workload));
        }
        Ok(workload)
    }

    /// Transactions to sign for one run.
    fn count(&self, pace: Pace) -> Result<usize, PlanRejected> {
        let rate = match pace {
            Pace::Closed { .. } => self.rate_max,
            Pace::Open { rate } => rate,
        };
        let count = self.transactions.map_or_else(|| self.duration.saturating_mul(rate), u64::from);
        usize::try_from(count).ok().filter(|count| *count <= TRANSACTIONS_MAX).ok_or(PlanRejected::TooMany(count))
    }

    /// The peers, each with all the nodes that were named under its name.
    fn read_peers(&self) -> Result<Vec<Running>, PlanRejected> {
        let Some(key) = &self.peer_key else { return Ok(Vec::new()) };
        let key = key_of("--peer-key", key)?;
        let mut peers: Vec<Running> = Vec::new();
        for text in &self.peers {
            let rejected = |why: String| PlanRejected::Peer(text.clone(), why);
            let (name, url) = text.split_once('=').ok_or_else(|| rejected(String::new()))?;
            let node: Endpoint = url.parse().map_err(|why| rejected(format!(": {why}")))?;
            if name == self.name {
                return Err(PlanRejected::Name(name.to_owned()));
            }
            match peers.iter_mut().find(|peer| peer.name == name) {
                Some(peer) => peer.nodes.push(node),
                None => peers.push(Running { name: name.to_owned(), nodes: vec![node], key: key.clone() }),
            }
        }
        Ok(peers)
    }
}

impl Plan {
    /// How a load is sent.
    #[must_use]
    pub fn rules(&self) -> Rules {
        let duration_us = self.duration_s.map(|seconds| seconds.saturating_mul(1_000_000));
        Rules { pace: self.pace, batch_max: self.batch, lanes: self.connections, confirm: self.confirm, duration_us }
    }

    /// Whether a closed loop had no more to send before its time was over.
    #[must_use]
    pub fn is_cut_short(&self, figures: &Figures) -> bool {
        let is_closed = matches!(self.pace, Pace::Closed { .. });
        is_closed && self.duration_s.is_some() && usize::try_from(figures.submitted) == Ok(self.transactions)
    }
}

/// A key as it was given: itself, or the file with it.
fn key_of(flag: &'static str, text: &str) -> Result<SecpSecretKey, PlanRejected> {
    let prefixed = if text.starts_with("0x") { text.to_owned() } else { format!("0x{text}") };
    let typed = prefixed.parse::<Hash32>().ok().and_then(|bytes| SecpSecretKey::from_bytes(&bytes.0).ok());
    typed.map_or_else(|| read_key(Path::new(text)).map_err(|why| PlanRejected::Key(flag, why)), Ok)
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
