//! Serves the methods over HTTP and WebSocket on one port.
//!
//! ```text
//! socket ─▶ Host header allowed? ─▶ CORS ─▶ rate ─┬─▶ room ─▶ jsonrpsee: size, batch ─▶ permits ─▶ method ─▶ lane, or submissions ─▶ answer
//!                                                 ├─▶ GET of a name: CometBFT's ──────────────────▶ lane ────────────────────▶ answer
//!                                                 └─▶ WebSocket: room, size, batch ─▶ permits ─▶ method, or a subscription
//! ```

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderName;
use jsonrpsee::Methods as Module;
use jsonrpsee::server::middleware::http::HostFilterLayer;
use jsonrpsee::server::middleware::rpc::{RpcService, RpcServiceBuilder};
use jsonrpsee::server::{BatchRequestConfig, Server, ServerConfig, ServerHandle, stop_channel};
use tokio::net::{TcpListener, TcpStream};
use tower::layer::layer_fn;
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

use crate::announcements::Announcements;
use crate::backend::Backend;
use crate::batches::{self, BEGIN_MAX, Batches};
use crate::clients::{Clients, Connection};
use crate::comet::{self, Comet, UriLayer};
use crate::config::RpcConfig;
use crate::connection::{self, Bounds};
use crate::eth::TipCache;
use crate::filters::Filters;
use crate::gate::Gate;
use crate::intake::{self, Intake};
use crate::lane::Lane;
use crate::listener::listen;
use crate::methods::Methods;
use crate::node::Node;
use crate::permits::{Permits, Rules, Served};
use crate::room::Room;
use crate::subscriptions::Subscriptions;
use crate::traffic::Traffic;
use crate::websocket::{Shared, Upgrades, WebSockets};

/// How long [`RpcServer::stop`] waits for answers on their way before it leaves them.
const STOP_WAIT_MAX: Duration = Duration::from_secs(5);

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
    /// A list of methods with an entry that is none.
    #[error(
        "{0:?} is no method and no namespace; methods_allowed and methods_denied take names such as eth_call, and namespaces such as eth_* or cometbft_*"
    )]
    NoMethod(String),
    /// A header that no proxy could write.
    #[error("client header {0:?} is no header's name; write it as in x-forwarded-for")]
    BadHeader(String),
}

/// The RPC while it serves. Serves until it is stopped or dropped.
pub struct RpcServer {
    handle: ServerHandle,
    websockets: Arc<WebSockets>,
    address: SocketAddr,
}

impl fmt::Debug for RpcServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RpcServer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl RpcServer {
    /// Listens, and answers from `backend` and, as CometBFT would, from `comet` from now on; `traffic` tells of it. Runs on the
    /// current tokio runtime.
    ///
    /// # Errors
    /// [`RpcFatal`]; nothing was left listening.
    pub async fn start(
        config: RpcConfig,
        backend: Arc<dyn Backend>,
        comet: Arc<dyn comet::Chain>,
        traffic: Traffic,
    ) -> Result<Self, RpcFatal> {
        let (hosts, cors, header) =
            (hosts(&allowed_hosts(&config))?, cors(&config.cors_origins)?, header(&config.client_header)?);
        let (methods, limits) = (all_methods(), limits(&config));
        let served = Served::new(methods.names(), comet::names(), &config.methods_allowed, &config.methods_denied);
        let served = served.map_err(RpcFatal::NoMethod)?;
        let listener = TcpListener::bind(config.listen).await.map_err(|why| cannot_listen(config.listen, why))?;
        let address = listener.local_addr().map_err(|why| cannot_listen(config.listen, why))?;
        let (counters, bounds) = (Arc::clone(&traffic.methods), Bounds::of(&config));
        let clients = Arc::new(Clients::new(&config, header, traffic.clone()));
        let response_bytes_max = usize::try_from(config.response_bytes_max).unwrap_or(usize::MAX);
        let request_bytes_max = usize::try_from(config.request_bytes_max).unwrap_or(usize::MAX);
        let batch_max = usize::try_from(config.batch_max).unwrap_or(usize::MAX);
        let (requested, answered) = (Room::of_requests(request_bytes_max), Room::of_answers(response_bytes_max));
        let batches = Arc::new(batches::Bounds {
            submissions: methods.submissions(),
            response_bytes_max,
            begin_max: BEGIN_MAX,
            room: answered.clone(),
            clients: Arc::clone(&clients),
        });
        let filters = Filters::new(config.filters_max, config.filter_idle_max);
        let reads = Lane::new("reads", config.reads_max, config.waiting_max);
        let traces = Lane::new("traces", config.traces_max, config.waiting_max);
        let node = Arc::new(Node {
            backend,
            comet,
            config: config.clone(),
            served: served.clone(),
            tip_cache: TipCache::default(),
            filters,
        });
        let announcements = Arc::new(Announcements::new(Arc::clone(&node)));
        let comet = Comet::new(Arc::clone(&node), reads.clone(), Arc::clone(&counters), &served);
        let mut module = methods.into_module(Arc::clone(&announcements), &reads, &traces, &counters);
        comet.register(&mut module);
        let rules = Arc::new(Rules { served, clients: Arc::clone(&clients), counters: Arc::clone(&counters) });
        let websockets = Arc::new(WebSockets::new(Shared {
            methods: module.clone(),
            rules: Arc::clone(&rules),
            batches: Arc::clone(&batches),
            subscriptions: Subscriptions::new(announcements, traffic.clone()),
            counters,
            traffic: traffic.clone(),
            room: requested.clone(),
            config,
        }));

        let batches = move |service: Permits<RpcService>| Batches::new(service, Arc::clone(&batches));
        let permits = move |service: RpcService| Permits::new(service, Arc::clone(&rules));
        let rpc = RpcServiceBuilder::new().layer_fn(batches).layer_fn(permits);
        let (sessions, asking) = (Arc::clone(&websockets), Arc::clone(&clients));
        let gate = layer_fn(move |requests| Gate::new(requests, Arc::clone(&asking)));
        let upgrades = layer_fn(move |requests| Upgrades::new(requests, Arc::clone(&sessions)));
        let uris = UriLayer::new(comet, response_bytes_max, answered);
        let bounds_of_requests = intake::Bounds { room: requested, request_bytes_max, batch_max, traffic };
        let intake = layer_fn(move |requests| Intake::new(requests, bounds_of_requests.clone()));
        let http =
            tower::ServiceBuilder::new().layer(hosts).layer(cors).layer(gate).layer(upgrades).layer(uris).layer(intake);
        let server = Server::builder().set_config(limits).set_http_middleware(http).set_rpc_middleware(rpc);
        let (server, module, (stop, handle)) = (server.to_service_builder(), Module::from(module), stop_channel());
        let stopping = stop.clone();
        let serve = move |socket: TcpStream, connection: Connection| {
            let requests = server.clone().build(module.clone(), stop.clone());
            connection::serve(socket, connection, requests, bounds, stop.clone().shutdown())
        };
        tokio::spawn(listen(listener, clients, stopping, serve));
        tracing::info!(%address, "serving Ethereum JSON-RPC, the subnet namespace and CometBFT's RPC over HTTP and WebSocket");
        Ok(Self { handle, websockets, address })
    }

    /// Where it listens; the port is the real one if the configuration said 0.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, closes WebSockets, lets the answers on their way over HTTP go out, and returns. Waits at most five
    /// seconds.
    pub async fn stop(self) {
        // Stopping twice is the only way this can fail, and `self` is gone after the first.
        let _ = self.handle.stop();
        let stopped = async { tokio::join!(self.handle.stopped(), self.websockets.stop()) };
        if tokio::time::timeout(STOP_WAIT_MAX, stopped).await.is_err() {
            tracing::warn!(waited = ?STOP_WAIT_MAX, "left RPC connections that would not close");
        }
    }
}

/// The name of every method that is served.
pub(crate) fn method_names() -> impl Iterator<Item = &'static str> {
    all_methods().names().collect::<Vec<_>>().into_iter().chain(comet::names())
}

/// Every method of every namespace but CometBFT's.
pub(crate) fn all_methods() -> Methods {
    let mut methods = Methods::default();
    crate::eth::register(&mut methods);
    crate::debug::register(&mut methods);
    crate::subnet::register(&mut methods);
    methods
}

fn limits(config: &RpcConfig) -> ServerConfig {
    ServerConfig::builder()
        .max_connections(config.connections_max)
        .max_request_body_size(config.request_bytes_max)
        .max_response_body_size(config.response_bytes_max)
        .set_batch_request_config(BatchRequestConfig::Limit(config.batch_max))
        .http_only()
        .build()
}

/// Those that are set; else, where only this machine reaches the node, this machine's: a page that rebinds its name to it still asks by that name.
fn allowed_hosts(config: &RpcConfig) -> Vec<String> {
    let here = config.listen.ip().to_canonical();
    if !config.allowed_hosts.is_empty() || !here.is_loopback() {
        return config.allowed_hosts.clone();
    }
    // A machine has many such addresses.
    let own = if here.is_ipv6() { format!("[{here}]") } else { here.to_string() };
    ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).into_iter().chain([own]).collect()
}

/// All for none, and for `*`. `name` stands for any port of that host, since the port is the operator's to choose.
fn hosts(allowed: &[String]) -> Result<HostFilterLayer, RpcFatal> {
    if allowed.is_empty() || allowed.iter().any(|host| host == "*") {
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

/// None for an empty name.
fn header(name: &str) -> Result<Option<HeaderName>, RpcFatal> {
    let read = (!name.is_empty()).then(|| name.parse().map_err(|_| RpcFatal::BadHeader(name.to_owned())));
    read.transpose()
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
