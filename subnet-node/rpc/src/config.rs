//! What a node's operator may choose of the RPC. Every number bounds something that callers could else grow.

use std::net::{Ipv4Addr, SocketAddr};

/// How the RPC serves. Each node may choose its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcConfig {
    /// Where to listen; HTTP and WebSocket share the port. Port 0 takes any free one.
    pub listen: SocketAddr,
    /// Most requests in flight over HTTP and open WebSockets together.
    pub connections_max: u32,
    /// Most bytes of one request or batch.
    pub request_bytes_max: u32,
    /// Most bytes of one answer or batch of answers.
    pub response_bytes_max: u32,
    /// Most requests in a batch.
    pub batch_max: u32,
    /// Most reads that run at once.
    pub reads_max: usize,
    /// Most reads, and most submissions, that wait for a place.
    pub waiting_max: usize,
    /// Most gas of one call or estimate, in block gas; for an FVM message times the chain's `fvm_gas_per_gas`.
    pub call_gas_max: u64,
    /// Most blocks that `eth_getLogs` reads.
    pub log_blocks_max: u64,
    /// Most logs that `eth_getLogs` answers with.
    pub logs_max: usize,
    /// Web pages that may ask, as in `https://wallet.example`; `*` for all, none for no page at all.
    pub cors_origins: Vec<String>,
    /// Values of the `Host` header that are answered, as `name` for any port or `name:port`; none for all. Guards a node on a
    /// developer's machine against pages that rebind a DNS name to it.
    pub allowed_hosts: Vec<String>,
}

impl Default for RpcConfig {
    /// Serves this machine alone on port 8545.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8545)),
            connections_max: 512,
            // Room for a batch of a dozen of the largest transactions: 128 KiB are 256 KiB of hex.
            request_bytes_max: 4 << 20,
            response_bytes_max: 32 << 20,
            batch_max: 1_000,
            // Reads are bound by processor and disk; more at once only make each slower.
            reads_max: 8,
            waiting_max: 1_024,
            call_gas_max: 50_000_000,
            log_blocks_max: 10_000,
            logs_max: 20_000,
            cors_origins: Vec::new(),
            allowed_hosts: Vec::new(),
        }
    }
}
