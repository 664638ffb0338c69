//! The options of `bench`, and the plan that they make.
//!
//! Who pays is never an argument, which every process on the machine can read:
//!
//! | for | file | environment: a file, or a private key in hex |
//! |---|---|---|
//! | `--rpc` | `--key-file` | `TRIBUTARY_KEY` |
//! | `--peer` | `--peer-key-file` | `TRIBUTARY_PEER_KEY` |

use std::ffi::OsString;
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
/// Environment variable with the key for `--rpc`.
const KEY: &str = "TRIBUTARY_KEY";
/// The same for `--peer`.
const PEER_KEY: &str = "TRIBUTARY_PEER_KEY";
/// Longest run.
const DURATION_S_MAX: u64 = 86_400;

/// Options of `bench`.
#[derive(Clone, Debug, clap::Args)]
pub struct BenchArgs {
    /// A node of a network that runs; may be given several times, for several nodes of one network [default: start one]
    #[arg(long, value_name = "URL", conflicts_with = "validators")]
    pub rpc: Vec<Endpoint>,
    /// Who pays for the set-up on --rpc: a key file, {"secp256k1": "0x…"}, readable by its owner alone [default: TRIBUTARY_KEY, such a file or a private key in hex]
    #[arg(long, value_name = "FILE", requires = "rpc")]
    pub key_file: Option<PathBuf>,
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
    #[arg(long = "peer", value_name = "NAME=URL")]
    pub peers: Vec<String>,
    /// Who pays for the set-up on the peers: a key file [default: TRIBUTARY_PEER_KEY, such a file or a private key in hex]
    #[arg(long, value_name = "FILE", requires = "peers")]
    pub peer_key_file: Option<PathBuf>,
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
    /// Nobody pays.
    #[error(
        "{network} needs somebody who pays: name a key file by {flag}, or set {variable} to one or to a private key in hex"
    )]
    NoKey {
        /// What was asked for.
        network: &'static str,
        /// How a file is named.
        flag: &'static str,
        /// Where else it is looked for.
        variable: &'static str,
    },
    /// A key where a file is meant. It is not told again.
    #[error(
        "{0} takes the path of a key file: a private key is never an argument, which every process on the machine can read"
    )]
    Argument(&'static str),
    /// Digits that are none. They are not told: they may be most of a key.
    #[error("{0} is no private key, which has 64 digits in hex, nor the path of a key file")]
    Key(&'static str),
    /// No file with a key.
    #[error("{0}: {1}")]
    KeyFile(&'static str, KeyFileRejected),
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
    /// The plan, with the keys that the environment has where no file is named.
    ///
    /// # Errors
    /// [`PlanRejected`].
    pub fn plan(self) -> Result<Plan, PlanRejected> {
        self.plan_in(of_environment)
    }

    fn plan_in(self, environment: impl Fn(&str) -> Option<OsString>) -> Result<Plan, PlanRejected> {
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
        let key = match &start {
            Some(_) => super::network::purse(),
            None => payer("--rpc", ("--key-file", self.key_file.as_deref()), KEY, &environment)?,
        };
        Ok(Plan {
            running: Running { name: self.name.clone(), nodes: self.rpc.clone(), key },
            peers: self.read_peers(&environment)?,
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
    fn read_peers(&self, environment: &impl Fn(&str) -> Option<OsString>) -> Result<Vec<Running>, PlanRejected> {
        if self.peers.is_empty() {
            return Ok(Vec::new());
        }
        let key = payer("--peer", ("--peer-key-file", self.peer_key_file.as_deref()), PEER_KEY, environment)?;
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

/// Who pays on `network`: the key of the file that a flag names, or else what the environment has.
fn payer(
    network: &'static str,
    (flag, file): (&'static str, Option<&Path>),
    variable: &'static str,
    environment: &impl Fn(&str) -> Option<OsString>,
) -> Result<SecpSecretKey, PlanRejected> {
    if let Some(file) = file {
        if file.to_str().is_some_and(|text| key_of(text).is_some()) {
            return Err(PlanRejected::Argument(flag));
        }
        return read_key(file).map_err(|why| PlanRejected::KeyFile(flag, why));
    }
    let set = environment(variable).filter(|set| !set.is_empty());
    let set = set.ok_or(PlanRejected::NoKey { network, flag, variable })?;
    match set.to_str().filter(|text| digits(text).bytes().all(|digit| digit.is_ascii_hexdigit())) {
        Some(text) => key_of(text).ok_or(PlanRejected::Key(variable)),
        None => read_key(Path::new(&set)).map_err(|why| PlanRejected::KeyFile(variable, why)),
    }
}

/// The private key that these digits are.
fn key_of(text: &str) -> Option<SecpSecretKey> {
    let bytes: Hash32 = format!("0x{}", digits(text)).parse().ok()?;
    SecpSecretKey::from_bytes(&bytes.0).ok()
}

fn digits(text: &str) -> &str {
    text.strip_prefix("0x").unwrap_or(text)
}

fn of_environment(variable: &str) -> Option<OsString> {
    std::env::var_os(variable)
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
