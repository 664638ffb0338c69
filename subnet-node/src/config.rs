//! What one node chooses for itself: file, then environment, then flags; the later wins.
//!
//! | source | example |
//! |---|---|
//! | `HOME/config.toml` | `[rpc]` `listen = "0.0.0.0:8545"` |
//! | environment | `TRIBUTARY__RPC__LISTEN=0.0.0.0:8545` |
//! | flags | `--set rpc.listen=0.0.0.0:8545` |
//!
//! A key that is not known is refused with its name: a setting that is spelled wrong must not be silently without effect.
//! What all nodes of a chain share is in its genesis instead.

use std::net::SocketAddr;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{Environment, File, FileFormat};
use serde::{Deserialize, Serialize};
use tributary_fvm::Workers;
use tributary_gossip::GossipLimits;
use tributary_replica::mempool::MempoolLimits;
use tributary_rpc::RpcConfig;
use tributary_service::logs::LogFormat;
use tributary_store::StoreConfig;

use crate::history::law::{History, Keeping};

/// The file `subnet-node init` writes: every setting with its default, its unit and its reason.
pub const TEMPLATE: &str = include_str!("config.toml");

/// Everything one node may choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// Name in logs and metrics.
    pub moniker: String,
    /// Log lines.
    pub log: LogConfig,
    /// The engine's network.
    pub consensus: ConsensusConfig,
    /// The network of transactions and checkpoint shares.
    pub gossip: GossipConfig,
    /// The chain that checkpoints go to.
    pub parent: ParentConfig,
    /// JSON-RPC.
    pub rpc: RpcSettings,
    /// Health and metrics.
    pub service: ServiceConfig,
    /// How blocks are run.
    pub execution: ExecutionConfig,
    /// Transactions that wait.
    pub mempool: MempoolSettings,
    /// Memory and files of the store.
    pub storage: StorageConfig,
}

/// Log lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// For people or as JSON.
    pub format: LogFormat,
    /// What is logged.
    pub filter: String,
}

/// The engine's network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsensusConfig {
    /// Multiaddress to listen on.
    pub listen: String,
    /// Multiaddresses of the others.
    #[serde(default)]
    pub peers: Vec<String>,
    /// Whether to learn of more peers from those.
    pub discovery: bool,
    /// How long a block of this proposer may take to execute and write, in milliseconds; 0 for any time.
    pub block_time_budget_ms: u64,
}

/// The network of transactions and checkpoint shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GossipConfig {
    /// Multiaddress to listen on.
    pub listen: String,
    /// Multiaddresses of the others.
    #[serde(default)]
    pub peers: Vec<String>,
}

/// The chain that checkpoints go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParentConfig {
    /// URL of the JSON-RPC of a node there; empty for nobody who is asked.
    pub rpc: String,
}

/// JSON-RPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RpcSettings {
    /// Address and port.
    pub listen: SocketAddr,
    /// Connections open.
    pub sockets_max: usize,
    /// How long one over HTTP may send no request, in seconds.
    pub idle_s: NonZeroU64,
    /// How long a body may take to come, and what is sent to be taken, in seconds.
    pub stalled_s: NonZeroU64,
    /// Requests over HTTP at once.
    pub connections_max: u32,
    /// WebSockets at once.
    pub websockets_max: usize,
    /// Messages of one that are answered at once.
    pub websocket_calls_max: usize,
    /// How often one is pinged, in seconds.
    pub websocket_ping_s: NonZeroU64,
    /// Subscriptions of one.
    pub subscriptions_max: usize,
    /// Blocks that a subscription may be behind.
    pub subscription_blocks_behind_max: u64,
    /// Bytes of a request.
    pub request_bytes_max: u32,
    /// Bytes of an answer.
    pub response_bytes_max: u32,
    /// Requests in a batch.
    pub batch_max: u32,
    /// Reads that run at once.
    pub reads_max: NonZeroUsize,
    /// Reads, and submissions, that wait.
    pub waiting_max: usize,
    /// Gas of a call that changes nothing.
    pub call_gas_max: u64,
    /// How long one runs, in milliseconds.
    pub call_time_max_ms: NonZeroU64,
    /// Requests of one client in a second; 0 for any number.
    pub client_requests_per_s: u32,
    /// Requests of one at once.
    pub client_requests_burst: u32,
    /// Connections from one address; 0 for any number.
    pub client_connections_max: u32,
    /// The header in which a proxy says who asks.
    pub client_header: String,
    /// Methods that are served; empty for all.
    #[serde(default)]
    pub methods_allowed: Vec<String>,
    /// Methods that are not.
    #[serde(default)]
    pub methods_denied: Vec<String>,
    /// Traces that run at once.
    pub traces_max: NonZeroUsize,
    /// Instructions that one trace follows.
    pub trace_steps_max: u64,
    /// How long one trace may take, in seconds.
    pub trace_time_s: NonZeroU64,
    /// Blocks that one `eth_getLogs` reads.
    pub log_blocks_max: u64,
    /// Logs that it answers with.
    pub logs_max: usize,
    /// Filters kept.
    pub filters_max: usize,
    /// How long one is kept that nobody asks for, in seconds.
    pub filter_idle_s: u64,
    /// Web pages that may ask.
    #[serde(default)]
    pub cors_origins: Vec<String>,
    /// `Host` headers that are answered.
    #[serde(default)]
    pub allowed_hosts: Vec<String>,
}

/// Health and metrics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceConfig {
    /// Address and port.
    pub listen: SocketAddr,
}

/// How blocks are run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecutionConfig {
    /// Threads of one block; 0 for as many as the machine has cores.
    pub threads: u32,
    /// Blocks from one check to the next; 0 for none.
    pub self_check_every: u64,
}

/// Transactions that wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MempoolSettings {
    /// How many.
    pub transactions_max: usize,
    /// How many bytes.
    pub bytes_max: usize,
    /// How many of one sender.
    pub per_sender_max: u64,
    /// How long, in seconds.
    pub lifetime_s: u64,
}

/// Memory and files of the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageConfig {
    /// How much of the past is kept.
    pub history: History,
    /// Blocks from one writing of the state's trees to the next, at most.
    pub trees_every: NonZeroU64,
    /// Bytes of what was read.
    pub cache_bytes: usize,
    /// Bytes of what was written lately.
    pub write_buffer_bytes: usize,
    /// Files kept open.
    pub open_files_max: u16,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigRejected {
    /// There is no file.
    #[error("{path} is not there; `subnet-node init --home DIR` makes a home with it", path = .0.display())]
    Missing(PathBuf),
    /// A source is not readable, a key is not known, or a value is of the wrong kind.
    #[error("configuration: {0}")]
    Unusable(#[from] config::ConfigError),
    /// A flag `--set` without `=`.
    #[error("--set {0:?} must be KEY=VALUE, as in --set rpc.listen=0.0.0.0:8545")]
    NoValue(String),
    /// More threads than an executor takes.
    #[error(
        "execution.threads is {0}; a block runs on {most} threads at most, and 0 stands for as many as the machine has cores",
        most = Workers::MAX
    )]
    TooManyThreads(u32),
    /// Fewer blocks than a node keeps.
    #[error("storage.history is {blocks}; a node that writes trees every {trees_every} blocks keeps {least} at least")]
    TooLittleHistory {
        /// As many as are asked for.
        blocks: u64,
        /// Blocks from trees to trees.
        trees_every: NonZeroU64,
        /// As few as may be.
        least: u64,
    },
}

impl NodeConfig {
    /// Reads the template's defaults, then `file`, then the environment, then `overrides` (`key=value` each).
    ///
    /// # Errors
    /// [`ConfigRejected`] with the key and where it came from.
    pub fn load(file: &Path, overrides: &[String]) -> Result<Self, ConfigRejected> {
        if !file.exists() {
            return Err(ConfigRejected::Missing(file.to_owned()));
        }
        let environment = Environment::with_prefix("TRIBUTARY")
            .prefix_separator("__")
            .separator("__")
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key("consensus.peers")
            .with_list_parse_key("gossip.peers")
            .with_list_parse_key("rpc.methods_allowed")
            .with_list_parse_key("rpc.methods_denied")
            .with_list_parse_key("rpc.cors_origins")
            .with_list_parse_key("rpc.allowed_hosts");
        let mut sources = config::Config::builder()
            .add_source(File::from_str(TEMPLATE, FileFormat::Toml))
            .add_source(File::from(file).format(FileFormat::Toml))
            .add_source(environment);
        for setting in overrides {
            let (key, value) = setting.split_once('=').ok_or_else(|| ConfigRejected::NoValue(setting.clone()))?;
            sources = sources.set_override(key.trim(), value.trim())?;
        }
        let config: Self = sources.build()?.try_deserialize()?;
        if config.execution.threads > Workers::MAX {
            return Err(ConfigRejected::TooManyThreads(config.execution.threads));
        }
        let StorageConfig { history, trees_every, .. } = config.storage;
        let least = History::blocks_min(trees_every.get());
        match history {
            History::Blocks(blocks) if blocks < least => {
                Err(ConfigRejected::TooLittleHistory { blocks, trees_every, least })
            }
            _ => Ok(config),
        }
    }

    /// As the RPC wants it.
    #[must_use]
    pub fn rpc(&self) -> RpcConfig {
        let rpc = &self.rpc;
        RpcConfig {
            listen: rpc.listen,
            sockets_max: rpc.sockets_max,
            idle_max: Duration::from_secs(rpc.idle_s.get()),
            stalled_max: Duration::from_secs(rpc.stalled_s.get()),
            connections_max: rpc.connections_max,
            websockets_max: rpc.websockets_max,
            websocket_calls_max: rpc.websocket_calls_max,
            websocket_ping_every: Duration::from_secs(rpc.websocket_ping_s.get()),
            subscriptions_max: rpc.subscriptions_max,
            subscription_blocks_behind_max: rpc.subscription_blocks_behind_max,
            request_bytes_max: rpc.request_bytes_max,
            response_bytes_max: rpc.response_bytes_max,
            batch_max: rpc.batch_max,
            reads_max: rpc.reads_max.get(),
            waiting_max: rpc.waiting_max,
            call_gas_max: rpc.call_gas_max,
            call_time_max: Duration::from_millis(rpc.call_time_max_ms.get()),
            client_requests_per_s: rpc.client_requests_per_s,
            client_requests_burst: rpc.client_requests_burst,
            client_connections_max: rpc.client_connections_max,
            client_header: rpc.client_header.clone(),
            methods_allowed: rpc.methods_allowed.clone(),
            methods_denied: rpc.methods_denied.clone(),
            traces_max: rpc.traces_max.get(),
            trace_steps_max: rpc.trace_steps_max,
            trace_time_max: Duration::from_secs(rpc.trace_time_s.get()),
            log_blocks_max: rpc.log_blocks_max,
            logs_max: rpc.logs_max,
            filters_max: rpc.filters_max,
            filter_idle_max: Duration::from_secs(rpc.filter_idle_s),
            cors_origins: rpc.cors_origins.clone(),
            allowed_hosts: rpc.allowed_hosts.clone(),
        }
    }

    /// As the proposer wants it.
    #[must_use]
    pub fn block_time_budget(&self) -> Option<Duration> {
        let budget = Duration::from_millis(self.consensus.block_time_budget_ms);
        (!budget.is_zero()).then_some(budget)
    }

    /// As the executor wants it.
    #[must_use]
    pub fn workers(&self) -> Workers {
        match self.execution.threads {
            0 => Workers::of_this_machine(),
            threads => Workers::new(threads),
        }
    }

    /// As the mempool wants it.
    #[must_use]
    pub const fn mempool(&self) -> MempoolLimits {
        MempoolLimits {
            transactions_max: self.mempool.transactions_max,
            bytes_max: self.mempool.bytes_max,
            per_sender_max: self.mempool.per_sender_max,
            lifetime_ms: self.mempool.lifetime_s.saturating_mul(1_000),
        }
    }

    /// As the law of history wants it, on a chain that cuts a checkpoint every `period` blocks.
    #[must_use]
    pub const fn keeping(&self, period: Option<u64>) -> Keeping {
        let StorageConfig { history, trees_every, .. } = self.storage;
        Keeping { history, period, recent: History::blocks_min(trees_every.get()) }
    }

    /// As the store wants it.
    #[must_use]
    pub fn store(&self) -> StoreConfig {
        StoreConfig {
            cache_bytes: self.storage.cache_bytes,
            write_buffer_bytes: self.storage.write_buffer_bytes,
            open_files_max: self.storage.open_files_max,
            ..StoreConfig::default()
        }
    }

    /// As the gossip wants it.
    #[must_use]
    pub fn gossip_limits(&self) -> GossipLimits {
        GossipLimits::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, overrides: &[&str]) -> Result<NodeConfig, String> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("config.toml");
        std::fs::write(&file, text).unwrap();
        let overrides: Vec<_> = overrides.iter().map(|text| (*text).to_owned()).collect();
        NodeConfig::load(&file, &overrides).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn the_template_holds_every_default() {
        let config = load("", &[]).unwrap();
        assert_eq!(config.rpc(), RpcConfig::default());
        assert_eq!(config.mempool(), MempoolLimits::default());
        assert_eq!(config.store(), StoreConfig::default());
    }

    #[test]
    fn each_limit_of_the_rpc_is_the_one_that_was_set() {
        let file = r#"
            [rpc]
            listen = "127.0.0.1:1"
            sockets_max = 1
            idle_s = 7
            stalled_s = 5
            connections_max = 2
            websockets_max = 3
            websocket_calls_max = 4
            websocket_ping_s = 6
            subscriptions_max = 7
            subscription_blocks_behind_max = 8
            request_bytes_max = 9
            response_bytes_max = 10
            batch_max = 11
            reads_max = 12
            waiting_max = 13
            call_gas_max = 14
            call_time_max_ms = 15
            client_requests_per_s = 16
            client_requests_burst = 17
            client_connections_max = 18
            client_header = "x-real-ip"
            methods_allowed = ["eth_*", "net_*"]
            methods_denied = ["eth_call"]
            traces_max = 23
            trace_steps_max = 24
            trace_time_s = 25
            log_blocks_max = 19
            logs_max = 20
            filters_max = 21
            filter_idle_s = 22
            cors_origins = ["https://wallet.example"]
            allowed_hosts = ["rpc.example"]
        "#;
        let expected = RpcConfig {
            listen: "127.0.0.1:1".parse().unwrap(),
            sockets_max: 1,
            idle_max: Duration::from_secs(7),
            stalled_max: Duration::from_secs(5),
            connections_max: 2,
            websockets_max: 3,
            websocket_calls_max: 4,
            websocket_ping_every: Duration::from_secs(6),
            subscriptions_max: 7,
            subscription_blocks_behind_max: 8,
            request_bytes_max: 9,
            response_bytes_max: 10,
            batch_max: 11,
            reads_max: 12,
            waiting_max: 13,
            call_gas_max: 14,
            call_time_max: Duration::from_millis(15),
            client_requests_per_s: 16,
            client_requests_burst: 17,
            client_connections_max: 18,
            client_header: "x-real-ip".to_owned(),
            methods_allowed: vec!["eth_*".to_owned(), "net_*".to_owned()],
            methods_denied: vec!["eth_call".to_owned()],
            traces_max: 23,
            trace_steps_max: 24,
            trace_time_max: Duration::from_secs(25),
            log_blocks_max: 19,
            logs_max: 20,
            filters_max: 21,
            filter_idle_max: Duration::from_secs(22),
            cors_origins: vec!["https://wallet.example".to_owned()],
            allowed_hosts: vec!["rpc.example".to_owned()],
        };
        assert_eq!(load(file, &[]).unwrap().rpc(), expected);
    }

    #[test]
    fn zero_threads_are_those_of_the_machine() {
        for (setting, workers) in
            [("0", Workers::of_this_machine()), ("1", Workers::ONE), ("32", Workers::new(Workers::MAX))]
        {
            let config = load("", &[&format!("execution.threads={setting}")]).unwrap();
            assert_eq!(config.workers(), workers, "{setting}");
        }
    }

    #[test]
    fn history_is_a_word_or_a_number_from_any_source() {
        for (file, flag, history) in [
            ("", None, History::Archive),
            ("history = \"archive\"", None, History::Archive),
            ("history = \"checkpoints\"", None, History::Checkpoints),
            ("history = 100_000", None, History::Blocks(100_000)),
            ("history = 100_000", Some("storage.history=256"), History::Blocks(256)),
            ("", Some("storage.history=checkpoints"), History::Checkpoints),
        ] {
            let config = load(&format!("[storage]\n{file}\n"), flag.as_slice()).unwrap();
            assert_eq!(config.storage.history, history, "{file}, {flag:?}");
        }
    }

    #[test]
    fn zero_milliseconds_are_any_time() {
        for (setting, budget) in [("0", None), ("1", Some(Duration::from_millis(1)))] {
            let config = load("", &[&format!("consensus.block_time_budget_ms={setting}")]).unwrap();
            assert_eq!(config.block_time_budget(), budget);
        }
    }

    #[test]
    fn a_flag_wins_over_the_file() {
        let file = "moniker = \"a\"\n[rpc]\nlisten = \"127.0.0.1:1\"\n";
        let config = load(file, &["rpc.listen=127.0.0.1:2"]).unwrap();
        assert_eq!((config.moniker.as_str(), config.rpc.listen.port()), ("a", 2));
    }

    #[test]
    fn a_file_that_is_not_there_is_refused_with_what_makes_one() {
        let refusal = NodeConfig::load(Path::new("/nowhere/config.toml"), &[]).unwrap_err().to_string();
        assert!(refusal.contains("/nowhere/config.toml") && refusal.contains("subnet-node init"), "{refusal}");
    }

    #[test]
    fn each_bad_setting_is_refused_by_its_name() {
        for (file, overrides, reason) in [
            ("[rpc]\nlistne = 1\n", &[][..], "listne"),
            ("monicker = \"a\"\n", &[], "monicker"),
            ("[mempool]\nbytes_max = \"many\"\n", &[], "bytes_max"),
            ("[rpc]\nlisten = \"localhost\"\n", &[], "rpc.listen"),
            ("[rpc]\ncall_time_max_ms = 0\n", &[], "rpc.call_time_max_ms"),
            ("[rpc]\nreads_max = 0\n", &[], "rpc.reads_max"),
            ("[execution]\nthreads = 33\n", &[], "execution.threads is 33; a block runs on 32 threads at most"),
            ("", &["execution.threads=-1"], "execution.threads"),
            ("[execution]\nself_check_every = -1\n", &[], "execution.self_check_every"),
            (
                "[storage]\nhistory = \"all\"\n",
                &[],
                "storage.history is \"all\"; it must be \"archive\", \"checkpoints\", or a number",
            ),
            ("[storage]\nhistory = -1\n", &[], "storage.history must be \"archive\", \"checkpoints\", or a number"),
            (
                "",
                &["storage.history=127"],
                "storage.history is 127; a node that writes trees every 32 blocks keeps 128",
            ),
            ("[storage]\nhistory = 1000\ntrees_every = 501\n", &[], "keeps 1002 at least"),
            ("", &["rpc.listen"], "KEY=VALUE"),
            ("[rpc\n", &[], "config.toml"),
        ] {
            let refusal = load(file, overrides).unwrap_err();
            assert!(refusal.contains(reason), "{file:?}: {refusal}");
        }
    }
}
