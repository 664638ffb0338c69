//! GET requests: a method's name as path, its parameters as query.
//!
//! ```text
//! request ─▶ GET, not the beginning of a WebSocket, a path below /?   no ─▶ JSON-RPC, as everything else
//!               │ yes
//!               ├─ a method's name?   no ─▶ 404
//!               └─ yes ─▶ answered ─▶ 200, or refused ─▶ 500; the same JSON as of JSON-RPC, with id -1
//! ```
//!
//! The body of such a request is never read. Source: CometBFT `rpc/jsonrpc/server/http_uri_handler.go`.

use std::pin::Pin;
use std::task::{Context, Poll};

use jsonrpsee::server::{HttpBody, HttpRequest, HttpResponse};
use jsonrpsee::types::ErrorObjectOwned;
use serde::Serialize;
use serde_json::value::RawValue;
use tower::{Layer, Service};

use super::refusal::in_comets_shape;
use super::{Comet, Endpoint, parameters};
use crate::clients::{Asker, Client};
use crate::error::RpcRejected;
use crate::room::Room;

/// The id of answers to requests that have none.
const URI_ID: i8 = -1;

/// Answers GET requests before they reach a server of JSON-RPC.
#[derive(Clone)]
pub struct UriLayer {
    comet: Comet,
    response_bytes_max: usize,
    room: Room,
}

impl UriLayer {
    /// Answers by `comet`, in `response_bytes_max` bytes at most that have their place in `room`.
    pub const fn new(comet: Comet, response_bytes_max: usize, room: Room) -> Self {
        Self { comet, response_bytes_max, room }
    }
}

impl<S> Layer<S> for UriLayer {
    type Service = Uris<S>;

    fn layer(&self, inner: S) -> Uris<S> {
        Uris { inner, layer: self.clone() }
    }
}

/// The server of JSON-RPC, behind what answers GET requests.
#[derive(Clone)]
pub struct Uris<S> {
    inner: S,
    layer: UriLayer,
}

impl<S, B> Service<HttpRequest<B>> for Uris<S>
where
    S: Service<HttpRequest<B>, Response = HttpResponse>,
    S::Error: 'static,
    S::Future: Send + 'static,
{
    type Response = HttpResponse;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: HttpRequest<B>) -> Self::Future {
        let Some(name) = name_in(&request) else { return Box::pin(self.inner.call(request)) };
        let Some(endpoint) = self.layer.comet.endpoints.get(name).cloned() else {
            return Box::pin(async {
                Ok(response(404, "text/plain; charset=utf-8", "404 page not found\n".to_owned()))
            });
        };
        let list = parameters::from_query(request.uri().query(), endpoint.parameters);
        let (layer, client) = (self.layer.clone(), Asker::client_in(request.extensions()));
        Box::pin(async move { Ok(layer.answer(&endpoint, list, client).await) })
    }
}

/// The path without its slash, if this is a GET request for one.
fn name_in<B>(request: &HttpRequest<B>) -> Option<&str> {
    let is_upgrade = request.headers().contains_key("upgrade");
    let name = request.uri().path().strip_prefix('/').filter(|name| !name.is_empty());
    name.filter(|_| request.method() == "GET" && !is_upgrade)
}

/// An answer to a request without an id.
#[derive(Serialize)]
struct Envelope<'a> {
    jsonrpc: &'static str,
    id: i8,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a ErrorObjectOwned>,
}

impl UriLayer {
    async fn answer(&self, endpoint: &Endpoint, list: Result<String, RpcRejected>, client: Client) -> HttpResponse {
        match self.comet.answer(endpoint, list, client).await {
            Ok(result) if result.get().len() <= self.response_bytes_max => self.sent(&result, client),
            Ok(_) => json(500, None, Some(&too_large(self.response_bytes_max))),
            Err(refused) => json(500, None, Some(&refused)),
        }
    }

    fn sent(&self, result: &RawValue, client: Client) -> HttpResponse {
        let share = self.room.share(client);
        if let Err(full) = share.grow(result.get().len()) {
            return json(500, None, Some(&in_comets_shape(&full, &[])));
        }
        let mut response = json(200, Some(result), None);
        share.put_on_answer(response.extensions_mut());
        response
    }
}

/// In the words of the server of JSON-RPC.
fn too_large(bytes_max: usize) -> ErrorObjectOwned {
    let data = format!("Exceeded max limit of {bytes_max}");
    ErrorObjectOwned::owned(jsonrpsee::types::error::OVERSIZED_RESPONSE_CODE, "Response is too big", Some(data))
}

fn json(status: u16, result: Option<&RawValue>, error: Option<&ErrorObjectOwned>) -> HttpResponse {
    let envelope = Envelope { jsonrpc: "2.0", id: URI_ID, result, error };
    let body = serde_json::to_string(&envelope).expect("JSON within strings and numbers has a JSON form");
    response(status, "application/json", body)
}

fn response(status: u16, content_type: &'static str, body: String) -> HttpResponse {
    HttpResponse::builder()
        .status(status)
        .header("content-type", content_type)
        .body(HttpBody::from(body))
        .expect("a known status and a fixed header")
}
