//! Refuses requests over HTTP, and upgrades, of clients that ask too fast, before anything in them is read.
//!
//! ```text
//! request ─▶ its client asked too fast?   yes ─▶ 429, when to come again, and JSON-RPC's own refusal (-32005)
//!               │ no
//!               └─▶ with its asker's name on it
//! ```
//!
//! What else is in it, as in a batch or on a WebSocket, is counted one by one (`permits`). A name is on each request of JSON-RPC; whose a batch is
//! in which none is a request, the task that answers it knows ([`asker`]).

use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::{Either, Ready, ready};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use jsonrpsee::server::{HttpBody, HttpRequest, HttpResponse};
use jsonrpsee::types::ErrorObjectOwned;
use serde_json::json;
use tokio::task::futures::TaskLocalFuture;
use tower::Service;

use crate::clients::{Asker, Clients, Connection};
use crate::error::RpcRejected;

tokio::task_local! {
    /// Who sent the request over HTTP that this task answers.
    static ASKER: Option<Asker>;
}

/// Who sent the request over HTTP that is being answered; none where it is not known, or on a WebSocket.
pub fn asker() -> Option<Asker> {
    ASKER.try_with(Clone::clone).ok().flatten()
}

/// What is behind the gate.
#[derive(Clone)]
pub struct Gate<S> {
    requests: S,
    clients: Arc<Clients>,
}

impl<S> Gate<S> {
    /// A gate before `requests`.
    pub const fn new(requests: S, clients: Arc<Clients>) -> Self {
        Self { requests, clients }
    }

    fn admit(&self, request: &mut HttpRequest) -> Result<Option<Asker>, RpcRejected> {
        // Every request has one: the listener puts it there.
        let Some(connection) = request.extensions().get::<Connection>() else { return Ok(None) };
        let asker = self.clients.admit(connection, request.headers())?;
        request.extensions_mut().insert(asker.clone());
        Ok(Some(asker))
    }
}

impl<S> Service<HttpRequest> for Gate<S>
where
    S: Service<HttpRequest, Response = HttpResponse>,
{
    type Response = HttpResponse;
    type Error = S::Error;
    type Future = Either<TaskLocalFuture<Option<Asker>, S::Future>, Ready<Result<HttpResponse, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.requests.poll_ready(context)
    }

    fn call(&mut self, mut request: HttpRequest) -> Self::Future {
        match self.admit(&mut request) {
            Ok(asker) => Either::Left(ASKER.scope(asker, self.requests.call(request))),
            Err(refused) => Either::Right(ready(Ok(refusal(StatusCode::TOO_MANY_REQUESTS, refused)))),
        }
    }
}

/// The answer to a request that was not read: JSON-RPC's own refusal, and when to come again.
pub fn refusal(status: StatusCode, refused: RpcRejected) -> HttpResponse {
    let seconds = match &refused {
        RpcRejected::TooFast { wait, .. } => wait.as_secs().saturating_add(1),
        _ => 1,
    };
    let error = ErrorObjectOwned::from(refused);
    let body = json!({ "jsonrpc": "2.0", "id": null, "error": error });
    let mut response = HttpResponse::new(HttpBody::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}
