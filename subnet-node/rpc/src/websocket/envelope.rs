//! What is in a message: a request, a notification, or a batch of them.
//!
//! The text of a single request is dropped before that is answered; what its method needs of it has its own copy, which some let go of early
//! ([`room`](crate::room)). That of a batch is held until all are.
//!
//! Source: JSON-RPC 2.0; the refusals are jsonrpsee's (`server.rs`, `handle_rpc_call`), so that they are the same as over HTTP.

use std::borrow::Cow;

use jsonrpsee::helpers::prepare_error;
use jsonrpsee::server::MethodResponse;
use jsonrpsee::server::middleware::rpc::{Batch, BatchEntry, BatchEntryErr, Notification, Request};
use jsonrpsee::types::error::reject_too_big_batch_request;
use jsonrpsee::types::{ErrorCode, ErrorObject, Id, InvalidRequest};
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::clients::Asker;
use crate::room::Share;
use crate::service::Service;

/// Answers a message of `asker`, which has its room in `share`, with `service`.
pub async fn answer(
    text: Utf8Bytes,
    share: Share,
    batch_max: usize,
    asker: Option<&Asker>,
    service: &impl Service,
) -> MethodResponse {
    let message = text.trim_start();
    if message.starts_with('{') {
        let request = match entry(message, asker) {
            Some(BatchEntry::Call(request)) => alone(request, text.len(), share),
            Some(BatchEntry::Notification(notification)) => return service.notification(notification).await,
            None => {
                let (id, code) = prepare_error(message.as_bytes());
                return MethodResponse::error(id, ErrorObject::from(code));
            }
        };
        drop(text);
        return service.call(request).await;
    }
    let Ok(entries) = serde_json::from_str::<Vec<&RawValue>>(message) else {
        return MethodResponse::error(Id::Null, ErrorObject::from(ErrorCode::ParseError));
    };
    if entries.len() > batch_max {
        return MethodResponse::error(Id::Null, reject_too_big_batch_request(batch_max));
    }
    let entries = entries.into_iter().map(RawValue::get).map(|json| entry(json, asker).ok_or_else(|| no_entry(json)));
    service.batch(Batch::from(entries.collect())).await
}

/// A request that needs its message, of so many bytes, no more, with the room of what it has of it.
fn alone(request: Request<'_>, bytes: usize, share: Share) -> Request<'static> {
    let Request { id, method, params, mut extensions, .. } = request;
    let id_bytes = if let Id::Str(id) = &id { id.len() } else { 0 };
    let params_bytes = params.as_ref().map_or(0, |params| params.get().len());
    share.give_back(bytes.saturating_sub(id_bytes + method.len() + params_bytes));
    share.put_on_request(&mut extensions);
    let params = params.map(Cow::into_owned);
    let mut alone = Request::owned(method.into_owned(), params, id.into_owned());
    alone.extensions = extensions;
    alone
}

/// With who asks on it, as a request over HTTP has.
fn entry<'a>(json: &'a str, asker: Option<&Asker>) -> Option<BatchEntry<'a>> {
    if let Ok(mut request) = serde_json::from_str::<Request<'_>>(json) {
        if let Some(asker) = asker {
            request.extensions.insert(asker.clone());
        }
        return Some(BatchEntry::Call(request));
    }
    serde_json::from_str::<Notification<'_>>(json).ok().map(BatchEntry::Notification)
}

fn no_entry(json: &str) -> BatchEntryErr<'_> {
    let id = serde_json::from_str::<InvalidRequest<'_>>(json).map_or(Id::Null, |request| request.id);
    BatchEntryErr::new(id, ErrorCode::InvalidRequest.into())
}
