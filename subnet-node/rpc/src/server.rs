//! Serves the methods over HTTP and WebSocket on one port.
//!
//! ```text
//! socket ─▶ Host header allowed? ─▶ CORS ─▶ jsonrpsee: size, batch, method ─▶ lane, or submissions ─▶ answer
//! ```

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jsonrpsee::server::middleware::http::HostFilterLayer;
use jsonrpsee::server::middleware::rpc::RpcServiceBuilder;
use jsonrpsee::server::{BatchRequestConfig, PingConfig, Server, ServerConfig, ServerHandle};
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

use crate::backend::Backend;
use crate::batches::Batches;
use crate::config::RpcConfig;
use crate::counters::{Counters, MethodCount};
use crate::eth::TipCache;
use crate::methods::Methods;
use crate::node::Node;

/// How long [`RpcServer::stop`] waits for answers on their way before it leaves them.
const STOP_WAIT_MAX: Duration = Duration::from_secs(5);

/// How often an open WebSocket is asked whether anybody is still there.
const PING_EVERY: Duration = Duration::from_secs(30);

/// Why the RPC cannot be served at all.
#[derive(Debug, thiserror::Error)]
pub enum RpcFatal {
    /// Another process listens there.
    #[error("RPC address {0} is in use; stop the program that listens there or choose another port")]
    AddressInUse(SocketAddr),
    /// The address cannot be listened on.
    #[error("RPC cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// A CORS origin that no browser would send.
    #[error("CORS origin {0:?} is no header value; write it as in https://wallet.example, or * for all")]
    BadOrigin(String),
    /// A host name that no URL could have.
    #[error("allowed host {host:?} is no host name: {reason}")]
    BadHost {
        /// As configured.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The RPC while it serves. Serves until it is stopped or dropped.
#[derive(Debug)]
pub struct RpcServer {
    handle: ServerHandle,
    address: SocketAddr,
    counters: Arc<Counters>,
}

impl RpcServer {
    /// Listens, and answers from `backend` from now on. Runs on the current tokio runtime.
    ///
    /// # Errors
    /// [`RpcFatal`]; nothing was left listening.
    pub async fn start(config: RpcConfig, backend: Arc<dyn Backend>) -> Result<Self, RpcFatal> {
        let http = tower::ServiceBuilder::new().layer(hosts(&config.allowed_hosts)?).layer(cors(&config.cors_origins)?);
        let listen = config.listen;
        let (methods, response_bytes_max) =
            (all_methods(), usize::try_from(config.response_bytes_max).unwrap_or(usize::MAX));
        let submissions = methods.submissions();
        let batches = move |service| Batches::new(service, Arc::clone(&submissions), response_bytes_max);
        let rpc = RpcServiceBuilder::new().layer_fn(batches);
        let server = Server::builder().set_config(limits(&config)).set_http_middleware(http).set_rpc_middleware(rpc);
        let server = server.build(listen).await;
        let server = server.map_err(|why| cannot_listen(listen, why))?;
        let address = server.local_addr().map_err(|why| cannot_listen(listen, why))?;

        let counters = Arc::new(Counters::new(methods.names()));
        let node = Node { backend, config, tip_cache: TipCache::default() };
        let handle = server.start(methods.into_module(node, &counters));
        tracing::info!(%address, "serving Ethereum JSON-RPC and the subnet namespace over HTTP and WebSocket");
        Ok(Self { handle, address, counters })
    }

    /// Where it listens; the port is the real one if the configuration said 0.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// What was asked so far, by method.
    #[must_use]
    pub fn counters(&self) -> BTreeMap<&'static str, MethodCount> {
        self.counters.read()
    }

    /// Takes no more connections, lets the answers on their way go out, and returns. Waits at most five seconds.
    pub async fn stop(self) {
        // Stopping twice is the only way this can fail, and `self` is gone after the first.
        let _ = self.handle.stop();
        if tokio::time::timeout(STOP_WAIT_MAX, self.handle.stopped()).await.is_err() {
            tracing::warn!(waited = ?STOP_WAIT_MAX, "left RPC connections that would not close");
        }
    }
}

/// Every method of every namespace.
pub(crate) fn all_methods() -> Methods {
    let mut methods = Methods::default();
    crate::eth::register(&mut methods);
    crate::subnet::register(&mut methods);
    methods
}

fn limits(config: &RpcConfig) -> ServerConfig {
    ServerConfig::builder()
        .max_connections(config.connections_max)
        .max_request_body_size(config.request_bytes_max)
        .max_response_body_size(config.response_bytes_max)
        .set_batch_request_config(BatchRequestConfig::Limit(config.batch_max))
        // There is nothing to subscribe to.
        .max_subscriptions_per_connection(0)
        .enable_ws_ping(PingConfig::new().ping_interval(PING_EVERY).inactive_limit(PING_EVERY * 2))
        .build()
}

/// `name` stands for any port of that host, since the port is the operator's to choose.
fn hosts(allowed: &[String]) -> Result<HostFilterLayer, RpcFatal> {
    if allowed.is_empty() {
        return Ok(HostFilterLayer::disable());
    }
    for host in allowed {
        HostFilterLayer::new([with_port(host).as_str()])
            .map_err(|why| RpcFatal::BadHost { host: host.clone(), reason: why.to_string() })?;
    }
    HostFilterLayer::new(allowed.iter().map(|host| with_port(host)))
        .map_err(|why| RpcFatal::BadHost { host: allowed.join(", "), reason: why.to_string() })
}

fn with_port(host: &str) -> String {
    // An IPv6 address has colons of its own, inside brackets.
    let after_address = host.rsplit_once(']').map_or(host, |(_, rest)| rest);
    if after_address.contains(':') { host.to_owned() } else { format!("{host}:*") }
}

fn cors(origins: &[String]) -> Result<CorsLayer, RpcFatal> {
    let layer = CorsLayer::new();
    if origins.is_empty() {
        return Ok(layer);
    }
    let layer = layer.allow_methods(Any).allow_headers(Any);
    if origins.iter().any(|origin| origin == "*") {
        return Ok(layer.allow_origin(Any));
    }
    let values = origins.iter().map(|origin| origin.parse().map_err(|_| RpcFatal::BadOrigin(origin.clone())));
    Ok(layer.allow_origin(AllowOrigin::list(values.collect::<Result<Vec<_>, _>>()?)))
}

fn cannot_listen(address: SocketAddr, source: io::Error) -> RpcFatal {
    match source.kind() {
        io::ErrorKind::AddrInUse => RpcFatal::AddressInUse(address),
        _ => RpcFatal::Listen { address, source },
    }
}
