//! Answers requests alone and in batches: those of a batch one after the other, but submissions that follow each other all at once.
//!
//! ```text
//! read ─▶ read ─▶ ┌ submission ┐ ─▶ read ─▶ …
//!                 │ submission │
//!                 └ submission ┘
//! ```
//!
//! So a batch of a hundred transactions costs what taking in a hundred together costs, and a read still sees what the requests before it
//! in its batch did. The answers stand in the order of the requests.
//!
//! | a batch that | is answered |
//! |---|---|
//! | has no room for as many refusals as it has requests ([`room`](crate::room)) | with -32005 alone, before any of them begins |
//! | takes longer than [`BEGIN_MAX`] | with -32005 for each request that did not begin by then |
//! | has an answer that there is no room for | with -32005 in its place |
//! | has an entry that is no request, of a client that asks too fast ([`clients`](crate::clients)) | with -32005 in its place |
//! | has an entry that is one but for its id, which is none of JSON-RPC's ([`ids`](crate::intake::ids)) | with -32600 in its place, and so is one alone |
//! | has an answer larger than may be | with -32011 alone |

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::{Either, ready};
use futures::stream::FuturesOrdered;
use jsonrpsee::BatchResponseBuilder;
use jsonrpsee::server::MethodResponse;
use jsonrpsee::server::middleware::rpc::{Batch, BatchEntry, Notification, Request, RpcServiceT};
use jsonrpsee::types::{ErrorCode, ErrorObject, ErrorObjectOwned, Id};

use crate::awaiting::PATIENCE_MAX;
use crate::clients::{Asker, Client, Clients};
use crate::error::RpcRejected;
use crate::gate;
use crate::intake::ids::Ids;
use crate::room::{Room, Share, bytes_of};
use crate::service::Service;

/// Most submissions of one batch that are on their way at once, so that a batch does not fill the queue alone.
const AT_ONCE_MAX: usize = 128;

/// Bytes of a refusal or of a submission's answer, but for what its request brought: the room that each request of a batch has from the start.
const SHORT_BYTES: usize = 256;

/// How long requests of a batch begin: as long as one of them may wait. So it is answered after twice that, and what the last one reads.
pub const BEGIN_MAX: Duration = PATIENCE_MAX;

/// How batches are answered.
#[derive(Clone)]
pub struct Bounds {
    /// Methods that bring transactions and do not wait for them.
    pub submissions: Arc<[&'static str]>,
    /// Most bytes of the answers to one batch.
    pub response_bytes_max: usize,
    /// How long its requests begin.
    pub begin_max: Duration,
    /// Where answers wait until they are sent.
    pub room: Room,
    /// Who asks, and how fast each may.
    pub clients: Arc<Clients>,
}

/// The service with requests and batches answered so.
#[derive(Clone)]
pub struct Batches<S> {
    service: S,
    bounds: Arc<Bounds>,
}

impl<S> Batches<S> {
    /// Answers with `service`.
    pub const fn new(service: S, bounds: Arc<Bounds>) -> Self {
        Self { service, bounds }
    }
}

/// The answers to a batch, as they come.
struct Answers {
    gathered: BatchResponseBuilder,
    share: Share,
}

impl Answers {
    /// With room for so many that are short.
    ///
    /// # Errors
    /// What the batch is answered with instead.
    fn new(bounds: &Bounds, client: Client, count: usize) -> Result<Self, MethodResponse> {
        let gathered = BatchResponseBuilder::new_with_limit(bounds.response_bytes_max);
        let share = bounds.room.share(client);
        share.grow(count.saturating_mul(SHORT_BYTES)).map_err(|full| refusal(Id::Null, full))?;
        Ok(Self { gathered, share })
    }

    /// The answer to the request `id`, or that there is no room for it.
    ///
    /// # Errors
    /// As [`Self::add_short`].
    fn add(&mut self, id: Id<'_>, answer: MethodResponse) -> Result<(), MethodResponse> {
        match self.share.grow(bytes_of(&answer).saturating_sub(SHORT_BYTES)) {
            Ok(()) => self.gathered.append(answer),
            Err(full) => self.add_short(refusal(id, full)),
        }
    }

    /// A refusal, or the answer to a submission, which was taken whether its sender hears of it or not.
    ///
    /// # Errors
    /// What the batch is answered with instead: it is larger than may be.
    fn add_short(&mut self, answer: MethodResponse) -> Result<(), MethodResponse> {
        self.gathered.append(answer)
    }

    fn finish(self) -> MethodResponse {
        let mut answer = MethodResponse::from_batch(self.gathered.finish());
        self.share.put_on_answer(answer.extensions_mut());
        answer
    }
}

fn refusal(id: Id<'_>, why: RpcRejected) -> MethodResponse {
    MethodResponse::error(id, ErrorObjectOwned::from(why))
}

/// The answer to a request whose id cannot be one.
fn of_no_id() -> MethodResponse {
    MethodResponse::error(Id::Null, ErrorObject::from(ErrorCode::InvalidRequest))
}

impl<S> Batches<S>
where
    S: Service,
{
    /// # Errors
    /// What the batch is answered with instead.
    async fn each(&self, mut batch: Batch<'_>) -> Result<MethodResponse, MethodResponse> {
        // On no entry of a batch that came over HTTP, if none is a request.
        let asker = batch.extensions().get::<Asker>().cloned().or_else(gate::asker);
        let client = Asker::client(asker.as_ref());
        let (mut answers, mut under_way) = (Answers::new(&self.bounds, client, batch.len())?, FuturesOrdered::new());
        let (begun, mut is_notified) = (Instant::now(), false);
        for (position, entry) in batch.into_iter().enumerate() {
            let is_over = position > 0 && begun.elapsed() >= self.bounds.begin_max;
            let may_overtake =
                !is_over && matches!(&entry, Ok(BatchEntry::Call(request)) if self.is_submission(request));
            let under_way_max = if may_overtake { AT_ONCE_MAX - 1 } else { 0 };
            while under_way.len() > under_way_max
                && let Some(answer) = under_way.next().await
            {
                answers.add_short(answer)?;
            }
            match entry {
                Ok(BatchEntry::Call(request)) if is_over => {
                    answers.add_short(refusal(request.id(), RpcRejected::BatchOver(self.bounds.begin_max)))?;
                }
                Ok(BatchEntry::Call(request)) if may_overtake => under_way.push_back(self.service.call(request)),
                Ok(BatchEntry::Call(request)) => {
                    let id = request.id().into_owned();
                    answers.add(id, self.service.call(request).await)?;
                }
                Ok(BatchEntry::Notification(request)) if Ids::has(request.extensions(), position) => {
                    answers.add_short(match self.bounds.clients.count_if_known(asker.as_ref()) {
                        Ok(()) => of_no_id(),
                        Err(too_fast) => refusal(Id::Null, too_fast),
                    })?;
                }
                Ok(BatchEntry::Notification(notification)) => {
                    is_notified = true;
                    self.service.notification(notification).await;
                }
                Err(refused) => {
                    let (why, id) = refused.into_parts();
                    answers.add_short(match self.bounds.clients.count_if_known(asker.as_ref()) {
                        Ok(()) => MethodResponse::error(id, why),
                        Err(too_fast) => refusal(id, too_fast),
                    })?;
                }
            }
        }
        while let Some(answer) = under_way.next().await {
            answers.add_short(answer)?;
        }
        if answers.gathered.is_empty() && is_notified {
            return Ok(MethodResponse::notification());
        }
        Ok(answers.finish())
    }

    fn is_submission(&self, request: &Request<'_>) -> bool {
        self.bounds.submissions.contains(&request.method_name())
    }
}

impl<S> RpcServiceT for Batches<S>
where
    S: Service + Clone,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let client = Asker::client_in(request.extensions());
        let (id, share) = (request.id().into_owned(), self.bounds.room.share(client));
        let answering = self.service.call(request);
        async move {
            let mut answer = answering.await;
            match share.grow(bytes_of(&answer)) {
                Ok(()) => share.put_on_answer(answer.extensions_mut()),
                Err(full) => answer = refusal(id, full),
            }
            answer
        }
    }

    fn notification<'a>(&self, notification: Notification<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        // Whoever sent it alone was counted when it came.
        if Ids::has(notification.extensions(), 0) {
            return Either::Left(ready(of_no_id()));
        }
        Either::Right(self.service.notification(notification))
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let batches = self.clone();
        async move { batches.each(batch).await.unwrap_or_else(|refusal| refusal) }
    }
}

#[cfg(test)]
mod tests;
