//! WebSocket, on the port of HTTP.
//!
//! ```text
//! request ─▶ an upgrade?  no ─▶ HTTP
//!              │ yes
//!              ├─ from a page that may not ask?   ─▶ 403
//!              ├─ as many open as may be?         ─▶ 429
//!              ├─ no handshake of RFC 6455?       ─▶ 400
//!              └─▶ 101, and a session
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `session` | one connection from its handshake to its end |
//! | `frames` | messages as they come, while there is room for them |
//! | `calls` | the methods, and subscriptions beside them |
//! | `envelope` | what is in a message: a request, a notification, a batch |
//! | `closing` | why a connection ends, and how the other side is told |
//!
//! jsonrpsee has a WebSocket of its own. It answers as many requests of a connection at once as come, keeps a connection whose other side reads
//! nothing, loses its place in the stream after a message that is too large, and closes without a reason; so only its methods serve here.

mod calls;
mod closing;
mod envelope;
mod frames;
mod session;

use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::{Either, Ready, ready};
use hyper::StatusCode;
use hyper::header::ORIGIN;
use jsonrpsee::Methods;
use jsonrpsee::server::{HttpBody, HttpRequest, HttpResponse, ws};
use tokio::sync::{Semaphore, watch};
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tower::Service;

use crate::batches;
use crate::clients::{Asker, Connection};
use crate::config::RpcConfig;
use crate::counters::Counters;
use crate::permits::Rules;
use crate::room::Room;
use crate::subscriptions::Subscriptions;
use crate::traffic::Traffic;

pub use closing::Closing;

/// What every session has at hand.
pub struct Shared {
    pub methods: Methods,
    pub rules: Arc<Rules>,
    /// How requests are answered, and batches of them.
    pub batches: Arc<batches::Bounds>,
    pub subscriptions: Subscriptions,
    pub counters: Arc<Counters>,
    pub traffic: Traffic,
    /// Where messages are held.
    pub room: Room,
    pub config: RpcConfig,
}

/// Who is on the other side.
pub struct Who {
    asker: Option<Asker>,
    /// The connection keeps its place among its address' as long as the session lasts.
    _connection: Option<Connection>,
}

/// All sessions of a server.
pub struct WebSockets {
    shared: Arc<Shared>,
    places: Arc<Semaphore>,
    stop: watch::Sender<bool>,
}

impl WebSockets {
    /// None yet.
    pub fn new(shared: Shared) -> Self {
        let places = Arc::new(Semaphore::new(shared.config.websockets_max));
        Self { shared: Arc::new(shared), places, stop: watch::Sender::new(false) }
    }

    /// Tells every session to close, and returns once all have.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        self.stop.closed().await;
    }

    /// Answers an upgrade, and begins a session if it is taken.
    fn upgrade(&self, mut request: HttpRequest) -> HttpResponse {
        if !self.may_ask(&request) {
            return refusal(
                StatusCode::FORBIDDEN,
                "this page may not ask; rpc.cors_origins of the node names those that may\n",
            );
        }
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return refusal(StatusCode::TOO_MANY_REQUESTS, "as many WebSockets are open as may be; try again later\n");
        };
        match create_response_with_body(&request, HttpBody::empty) {
            Ok(response) => {
                let upgrade = hyper::upgrade::on(&mut request);
                let who = Who {
                    asker: request.extensions().get::<Asker>().cloned(),
                    _connection: request.extensions().get::<Connection>().cloned(),
                };
                tokio::spawn(session::serve(Arc::clone(&self.shared), upgrade, who, place, self.stop.subscribe()));
                response
            }
            Err(why) => refusal(StatusCode::BAD_REQUEST, format!("{why}\n")),
        }
    }

    /// Browsers let any page open a WebSocket to any host and leave it to the server whom to answer; programs send no origin.
    fn may_ask(&self, request: &HttpRequest) -> bool {
        let Some(origin) = request.headers().get(ORIGIN) else { return true };
        let allowed = &self.shared.config.cors_origins;
        allowed.iter().any(|allowed| allowed == "*" || allowed.as_bytes() == origin.as_bytes())
    }
}

fn refusal(status: StatusCode, sentence: impl Into<String>) -> HttpResponse {
    let mut response = HttpResponse::new(HttpBody::from(sentence.into()));
    *response.status_mut() = status;
    response
}

/// Lets upgrades out of the way of requests over HTTP.
#[derive(Clone)]
pub struct Upgrades<S> {
    requests: S,
    websockets: Arc<WebSockets>,
}

impl<S> Upgrades<S> {
    /// Upgrades to `websockets`, everything else to `requests`.
    pub const fn new(requests: S, websockets: Arc<WebSockets>) -> Self {
        Self { requests, websockets }
    }
}

impl<S> Service<HttpRequest> for Upgrades<S>
where
    S: Service<HttpRequest, Response = HttpResponse>,
{
    type Response = HttpResponse;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<HttpResponse, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.requests.poll_ready(context)
    }

    fn call(&mut self, request: HttpRequest) -> Self::Future {
        if ws::is_upgrade_request(&request) {
            return Either::Right(ready(Ok(self.websockets.upgrade(request))));
        }
        Either::Left(self.requests.call(request))
    }
}
