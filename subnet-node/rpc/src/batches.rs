//! Answers the requests of a batch: one after the other, but submissions that follow each other all at once.
//!
//! ```text
//! read ─▶ read ─▶ ┌ submission ┐ ─▶ read ─▶ …
//!                 │ submission │
//!                 └ submission ┘
//! ```
//!
//! So a batch of a hundred transactions costs what taking in a hundred together costs, and a read still sees what the requests before it
//! in its batch did. The answers stand in the order of the requests.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::FuturesOrdered;
use jsonrpsee::BatchResponseBuilder;
use jsonrpsee::server::MethodResponse;
use jsonrpsee::server::middleware::rpc::{Batch, BatchEntry, Notification, Request, RpcServiceT};

/// Most submissions of one batch that are on their way at once, so that a batch does not fill the queue alone.
const AT_ONCE_MAX: usize = 128;

/// The service with batches answered so.
#[derive(Clone, Debug)]
pub struct Batches<S> {
    service: S,
    submissions: Arc<[&'static str]>,
    response_bytes_max: usize,
}

impl<S> Batches<S> {
    /// Answers with `service`, of whose methods `submissions` bring transactions. Answers to a batch have `response_bytes_max` bytes at
    /// most.
    pub const fn new(service: S, submissions: Arc<[&'static str]>, response_bytes_max: usize) -> Self {
        Self { service, submissions, response_bytes_max }
    }
}

impl<S> RpcServiceT for Batches<S>
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            BatchResponse = MethodResponse,
            NotificationResponse = MethodResponse,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        self.service.call(request)
    }

    fn notification<'a>(&self, notification: Notification<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        self.service.notification(notification)
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let Self { service, submissions, response_bytes_max } = self.clone();
        async move {
            let mut answers = BatchResponseBuilder::new_with_limit(response_bytes_max);
            let mut under_way = FuturesOrdered::new();
            let mut is_notified = false;
            for entry in batch {
                let may_overtake =
                    matches!(&entry, Ok(BatchEntry::Call(request)) if submissions.contains(&request.method_name()));
                let under_way_max = if may_overtake { AT_ONCE_MAX - 1 } else { 0 };
                while under_way.len() > under_way_max
                    && let Some(answer) = under_way.next().await
                {
                    if let Err(too_large) = answers.append(answer) {
                        return too_large;
                    }
                }
                let answer = match entry {
                    Ok(BatchEntry::Call(request)) if may_overtake => {
                        under_way.push_back(service.call(request));
                        continue;
                    }
                    Ok(BatchEntry::Call(request)) => service.call(request).await,
                    Ok(BatchEntry::Notification(notification)) => {
                        is_notified = true;
                        service.notification(notification).await;
                        continue;
                    }
                    Err(refused) => {
                        let (why, id) = refused.into_parts();
                        MethodResponse::error(id, why)
                    }
                };
                if let Err(too_large) = answers.append(answer) {
                    return too_large;
                }
            }
            while let Some(answer) = under_way.next().await {
                if let Err(too_large) = answers.append(answer) {
                    return too_large;
                }
            }
            if answers.is_empty() && is_notified {
                return MethodResponse::notification();
            }
            MethodResponse::from_batch(answers.finish())
        }
    }
}
