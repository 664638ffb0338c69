//! What is in a message: a request, a notification, or a batch of them.
//!
//! Source: JSON-RPC 2.0; the refusals are jsonrpsee's (`server.rs`, `handle_rpc_call`), so that they are the same as over HTTP.

use jsonrpsee::helpers::prepare_error;
use jsonrpsee::server::MethodResponse;
use jsonrpsee::server::middleware::rpc::{Batch, BatchEntry, BatchEntryErr, Notification, Request, RpcServiceT};
use jsonrpsee::types::error::reject_too_big_batch_request;
use jsonrpsee::types::{ErrorCode, ErrorObject, Id, InvalidRequest};
use serde_json::value::RawValue;

/// Answers a message with `service`.
pub async fn answer<S>(message: &str, batch_max: usize, service: &S) -> MethodResponse
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            BatchResponse = MethodResponse,
            NotificationResponse = MethodResponse,
        >,
{
    let message = message.trim_start();
    if message.starts_with('{') {
        return match entry(message) {
            Some(BatchEntry::Call(request)) => service.call(request).await,
            Some(BatchEntry::Notification(notification)) => service.notification(notification).await,
            None => {
                let (id, code) = prepare_error(message.as_bytes());
                MethodResponse::error(id, ErrorObject::from(code))
            }
        };
    }
    let Ok(entries) = serde_json::from_str::<Vec<&RawValue>>(message) else {
        return MethodResponse::error(Id::Null, ErrorObject::from(ErrorCode::ParseError));
    };
    if entries.len() > batch_max {
        return MethodResponse::error(Id::Null, reject_too_big_batch_request(batch_max));
    }
    let entries = entries.into_iter().map(RawValue::get).map(|json| entry(json).ok_or_else(|| no_entry(json)));
    service.batch(Batch::from(entries.collect())).await
}

fn entry(json: &str) -> Option<BatchEntry<'_>> {
    if let Ok(request) = serde_json::from_str::<Request<'_>>(json) {
        return Some(BatchEntry::Call(request));
    }
    serde_json::from_str::<Notification<'_>>(json).ok().map(BatchEntry::Notification)
}

fn no_entry(json: &str) -> BatchEntryErr<'_> {
    let id = serde_json::from_str::<InvalidRequest<'_>>(json).map_or(Id::Null, |request| request.id);
    BatchEntryErr::new(id, ErrorCode::InvalidRequest.into())
}
