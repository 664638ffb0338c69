//! What one node chooses for itself. What all nodes of a chain share is in its genesis instead.
//!
//! | module | is |
//! |---|---|
//! | here | the settings, as the template and a home's file write them |
//! | `load` | where they are read from, and which are refused |
//! | `parts` | what each part of the node makes of them |

mod load;
mod parts;

pub use load::ConfigRejected;

use std::net::SocketAddr;
use std::num::{NonZeroU64, NonZeroUsize};

use serde::{Deserialize, Serialize};
use tributary_service::logs::LogFormat;

use crate::history::law::History;

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
    /// Subscriptions of one client; 0 for any number.
    pub client_subscriptions_max: u32,
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
    /// How many of one sender that wait for a nonce that is missing.
    pub gapped_per_sender_max: usize,
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

#[cfg(test)]
mod tests;
