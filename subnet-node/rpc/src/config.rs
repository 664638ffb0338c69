//! What a node's operator may choose of the RPC. Every number bounds something that callers could else grow.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// How the RPC serves. Each node may choose its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcConfig {
    /// Where to listen; HTTP and WebSocket share the port. Port 0 takes any free one.
    pub listen: SocketAddr,
    /// Most connections open, idle ones and WebSockets among them.
    pub sockets_max: usize,
    /// How long a connection over HTTP is kept that sends no request, or not all of its head.
    pub idle_max: Duration,
    /// How long a request's body may take to come, and what is sent to be taken, on a WebSocket too; beside a second for each 64 KiB.
    pub stalled_max: Duration,
    /// Most requests in flight over HTTP.
    pub connections_max: u32,
    /// Most WebSockets open.
    pub websockets_max: usize,
    /// Most messages of one WebSocket that are being answered; while there are as many, no more is read from it.
    pub websocket_calls_max: usize,
    /// How often the other side of a WebSocket is asked whether it is there, at least a millisecond. It is closed when it is silent for twice as long.
    pub websocket_ping_every: Duration,
    /// Most subscriptions of one WebSocket.
    pub subscriptions_max: usize,
    /// Most blocks that a subscription may be behind the head.
    pub subscription_blocks_behind_max: u64,
    /// Most bytes of one request or batch. Of those that are being read or answered there may be sixteen times as many, over all connections.
    pub request_bytes_max: u32,
    /// Most bytes of one answer or batch of answers. Of those that are not sent yet there may be sixteen times as many, over all connections.
    pub response_bytes_max: u32,
    /// Most requests in a batch.
    pub batch_max: u32,
    /// Most reads that run at once.
    pub reads_max: usize,
    /// Most reads, most traces and most submissions that wait for a place; of reads and of traces one client's no more than it leaves to others.
    pub waiting_max: usize,
    /// Most gas of one call or estimate, in block gas; for an FVM message times the chain's `fvm_gas_per_gas`.
    pub call_gas_max: u64,
    /// Most instructions of the EVM that one trace follows. Its bytes are bounded by `response_bytes_max`.
    pub trace_steps_max: u64,
    /// How long one trace may take, the transactions before it included.
    pub trace_time_max: Duration,
    /// Most traces that run at once; each takes one of the places that calls run in.
    pub traces_max: usize,
    /// Most blocks that `eth_getLogs` and one look at a filter go through.
    pub log_blocks_max: u64,
    /// Most logs that they answer with, or block and transaction hashes.
    pub logs_max: usize,
    /// Most filters kept, of all callers, with sixteen times as many addresses and topics together. When there are as many, who has the most makes
    /// room for another client.
    pub filters_max: usize,
    /// How long a filter is kept after it was last asked for.
    pub filter_idle_max: Duration,
    /// Longest that one call runs, or an estimate, access list or simulation with all its runs; or that a look at many blocks goes on to the
    /// next: for logs, a filter or a history of fees.
    pub call_time_max: Duration,
    /// Requests that one client may send in a second, on all of its connections; 0 for any number. A batch is as many as it holds.
    pub client_requests_per_s: u32,
    /// Requests that it may send at once after a pause, at least 1.
    pub client_requests_burst: u32,
    /// Most connections open from one address, WebSockets among them; 0 for any number.
    pub client_connections_max: u32,
    /// Most subscriptions of one client, on all of its WebSockets, with sixteen times as many addresses, topics and hashes together; 0 for any number.
    pub client_subscriptions_max: u32,
    /// The header in which a proxy in front tells who asks, as in `x-forwarded-for`: the last address in it counts. Empty for a node that is
    /// asked directly, where anybody could write it.
    pub client_header: String,
    /// Methods that are served, by name or by namespace as in `eth_*`; none for all. `cometbft_*` stands for CometBFT's.
    pub methods_allowed: Vec<String>,
    /// Methods that are not, though they are allowed.
    pub methods_denied: Vec<String>,
    /// Web pages that may ask, as in `https://wallet.example`; `*` for all, none for no page at all.
    pub cors_origins: Vec<String>,
    /// Values of the `Host` header that are answered, as `name` for any port or `name:port`; `*` for all. None for this machine's (`localhost`,
    /// `127.0.0.1`, `[::1]` and the address itself) where `listen` is an address of this machine alone, else for all. Guards a node on a
    /// developer's machine against pages that rebind a DNS name to it.
    pub allowed_hosts: Vec<String>,
}

impl Default for RpcConfig {
    /// Serves this machine alone on port 8545.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8545)),
            // Of 1,024 file descriptors, which a process often has, the store takes up to 512 and the networks some.
            sockets_max: 384,
            // Longer than clients keep a connection, so that it is they who close it.
            idle_max: Duration::from_secs(120),
            // Networks pause for seconds; a reader that pauses for longer holds what is sent to it.
            stalled_max: Duration::from_secs(30),
            connections_max: 512,
            websockets_max: 256,
            websocket_calls_max: 32,
            // Proxies cut what is silent for a minute.
            websocket_ping_every: Duration::from_secs(30),
            subscriptions_max: 64,
            // Some ten seconds of a chain that does nothing but make blocks.
            subscription_blocks_behind_max: 1_024,
            // Room for a batch of a dozen of the largest Ethereum transactions, or of three of the largest messages: 128 KiB are 256 KiB of hex,
            // 512 KiB are 1 MiB.
            request_bytes_max: 4 << 20,
            response_bytes_max: 32 << 20,
            batch_max: 1_000,
            // Reads are bound by processor and disk; more at once only make each slower.
            reads_max: 8,
            waiting_max: 1_024,
            call_gas_max: 50_000_000,
            // A whole transaction of cheap instructions, and more.
            trace_steps_max: 10_000_000,
            // go-ethereum's.
            trace_time_max: Duration::from_secs(5),
            // Calls must find a place too: there are eight.
            traces_max: 2,
            log_blocks_max: 10_000,
            logs_max: 20_000,
            // A filter is a few hundred bytes, and its criteria: sixteen addresses and topics, one with another.
            filters_max: 1_024,
            // go-ethereum's.
            filter_idle_max: Duration::from_secs(300),
            // go-ethereum's.
            call_time_max: Duration::from_secs(5),
            // A node on its owner's machine is asked by its owner.
            client_requests_per_s: 0,
            client_requests_burst: 1_000,
            client_connections_max: 0,
            // Sixteen WebSockets with as many as each may have; of those that all WebSockets could have one in sixteen.
            client_subscriptions_max: 1_024,
            client_header: String::new(),
            methods_allowed: Vec::new(),
            methods_denied: Vec::new(),
            cors_origins: Vec::new(),
            allowed_hosts: Vec::new(),
        }
    }
}
