//! What is in a message: a request, a notification, or a batch of them.
//!
//! The text of a single request is dropped before that is answered; what its method needs of it has its own copy, which some let go of early
//! ([`room`](crate::room)). That of a batch is held until all are.
//!
//! What is none of these is refused, and counted as a request all the same: reading it costs as much.
//!
//! Source: JSON-RPC 2.0; the refusals are jsonrpsee's (`server.rs`, `handle_rpc_call`), and of an id that cannot be one those of
//! [`batches`](crate::batches), so that they are the same as over HTTP.

use std::borrow::Cow;

use jsonrpsee::helpers::prepare_error;
use jsonrpsee::server::MethodResponse;
use jsonrpsee::server::middleware::rpc::{Batch, BatchEntry, BatchEntryErr, Notification, Request};
use jsonrpsee::types::error::reject_too_big_batch_request;
use jsonrpsee::types::{ErrorCode, ErrorObject, ErrorObjectOwned, Id, InvalidRequest};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::clients::{Asker, Clients};
use crate::room::Share;
use crate::service::Service;

/// Who asks, if that is known, among all who do.
pub struct Asking<'a> {
    pub asker: Option<&'a Asker>,
    pub clients: &'a Clients,
}

/// What a message is answered with.
pub struct Answer {
    pub response: MethodResponse,
    /// Whether there was a request or a notification in it.
    pub has_request: bool,
}

/// Answers a message of who asks, which has its room in `share`, with `service`.
pub async fn answer(
    text: Utf8Bytes,
    share: Share,
    batch_max: usize,
    asking: Asking<'_>,
    service: &impl Service,
) -> Answer {
    let (message, asker) = (text.trim_start(), asking.asker);
    if message.starts_with('{') {
        let request = match entry(message, asker) {
            Some(BatchEntry::Call(request)) => alone(request, text.len(), share),
            Some(BatchEntry::Notification(notification)) => {
                return Answer { response: service.notification(notification).await, has_request: true };
            }
            None => {
                let (id, code) = fault_of(message);
                return Answer { response: asking.refuse(id, code.into()), has_request: false };
            }
        };
        drop(text);
        return Answer { response: service.call(request).await, has_request: true };
    }
    let Ok(entries) = serde_json::from_str::<Vec<&RawValue>>(message) else {
        return Answer { response: asking.refuse(Id::Null, ErrorCode::ParseError.into()), has_request: false };
    };
    if entries.is_empty() {
        return Answer { response: asking.refuse(Id::Null, ErrorCode::InvalidRequest.into()), has_request: false };
    }
    if entries.len() > batch_max {
        let response = asking.refuse(Id::Null, reject_too_big_batch_request(batch_max));
        return Answer { response, has_request: true };
    }
    let entries = entries.into_iter().map(RawValue::get).map(|json| entry(json, asker).ok_or_else(|| no_entry(json)));
    let entries: Vec<_> = entries.collect();
    let has_request = entries.iter().any(Result::is_ok);
    let mut batch = Batch::from(entries);
    if let Some(asker) = asker {
        batch.extensions_mut().insert(asker.clone());
    }
    Answer { response: service.batch(batch).await, has_request }
}

impl Asking<'_> {
    /// The refusal, or that whoever asks is too fast.
    fn refuse(&self, id: Id<'_>, why: ErrorObject<'_>) -> MethodResponse {
        match self.clients.count_if_known(self.asker) {
            Ok(()) => MethodResponse::error(id, why),
            Err(too_fast) => MethodResponse::error(id, ErrorObjectOwned::from(too_fast)),
        }
    }
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

/// Why what is no entry is none. With an id that cannot be one it has all that a notification has.
fn fault_of(json: &str) -> (Id<'_>, ErrorCode) {
    match serde_json::from_str::<Notification<'_>>(json) {
        Ok(_) => (Id::Null, ErrorCode::InvalidRequest),
        Err(_) => prepare_error(json.as_bytes()),
    }
}

/// What a notification must not have.
#[derive(Deserialize)]
struct Named {
    id: Option<IgnoredAny>,
}

/// With who asks on it, as a request over HTTP has.
fn entry<'a>(json: &'a str, asker: Option<&Asker>) -> Option<BatchEntry<'a>> {
    if let Ok(mut request) = serde_json::from_str::<Request<'_>>(json) {
        if let Some(asker) = asker {
            request.extensions.insert(asker.clone());
        }
        return Some(BatchEntry::Call(request));
    }
    let mut notification = serde_json::from_str::<Notification<'_>>(json).ok()?;
    // One `null` alone is an id, so a request; several are nothing.
    let Ok(Named { id: None }) = serde_json::from_str(json) else { return None };
    if let Some(asker) = asker {
        notification.extensions.insert(asker.clone());
    }
    Some(BatchEntry::Notification(notification))
}

fn no_entry(json: &str) -> BatchEntryErr<'_> {
    let id = serde_json::from_str::<InvalidRequest<'_>>(json).map_or(Id::Null, |request| request.id);
    BatchEntryErr::new(id, ErrorCode::InvalidRequest.into())
}
