//! The methods as one connection sees them: those of HTTP, and subscriptions, which are the connection's own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures::StreamExt as _;
use futures::stream::{AbortHandle, abortable};
use jsonrpsee::core::server::ResponsePayload;
use jsonrpsee::server::MethodResponse;
use jsonrpsee::server::middleware::rpc::{Batch, Notification, Request, RpcServiceT};
use jsonrpsee::types::{ErrorCode, ErrorObject, ErrorObjectOwned, Id};
use jsonrpsee::{ConnectionId, MethodCallback};
use serde::Serialize;

use super::Shared;
use crate::arguments::Arguments;
use crate::clients::{self, Asker, Client};
use crate::error::RpcRejected;
use crate::id;
use crate::subscriptions::{Notifications, Subscription};

/// What ends each subscription of a connection, and its place among its client's, by its name.
pub type Subscribed = Arc<Mutex<BTreeMap<String, (AbortHandle, clients::Subscribed)>>>;

/// What one message may do. Clones share what it subscribed to.
#[derive(Clone)]
pub struct Calls {
    shared: Arc<Shared>,
    subscribed: Subscribed,
    opened: Arc<Mutex<Vec<Notifications>>>,
}

impl Calls {
    /// For a message on a connection with these subscriptions.
    pub fn new(shared: Arc<Shared>, subscribed: Subscribed) -> Self {
        Self { shared, subscribed, opened: Arc::default() }
    }

    /// The notifications of what the message subscribed to. They must not be sent before its answer, which names the subscriptions.
    pub fn opened(self) -> Vec<Notifications> {
        std::mem::take(&mut lock(&self.opened))
    }

    fn subscribe(&self, client: Client, parameters: Option<&str>) -> Result<String, RpcRejected> {
        let subscription = Subscription::read(parameters)?;
        let mut subscribed = lock(&self.subscribed);
        let most = self.shared.config.subscriptions_max;
        if subscribed.len() >= most {
            return Err(RpcRejected::AboveLimit(format!("too many subscriptions: a connection has {most} at most")));
        }
        let (id, place) = (id::new(), self.shared.rules.clients.subscribe(client, subscription.weight())?);
        let (notifications, end) = abortable(self.shared.subscriptions.open(subscription, id.clone()));
        subscribed.insert(id.clone(), (end, place));
        lock(&self.opened).push(notifications.boxed());
        Ok(id)
    }

    /// Names of other connections' subscriptions are not known here.
    fn unsubscribe(&self, parameters: Option<&str>) -> Result<bool, RpcRejected> {
        let (id,) = <(String,)>::read(parameters)?;
        let (end, _place) = lock(&self.subscribed).remove(&id).ok_or(RpcRejected::NoSubscription)?;
        end.abort();
        Ok(true)
    }

    fn count<T: Serialize + Clone>(
        &self,
        method: &'static str,
        id: Id<'_>,
        answer: impl FnOnce() -> Result<T, RpcRejected>,
    ) -> MethodResponse {
        let started = Instant::now();
        let answer = answer();
        self.shared.counters.count(method, &answer, started.elapsed());
        match answer {
            Ok(result) => MethodResponse::response(id, ResponsePayload::success(result), self.answer_bytes_max()),
            Err(refused) => MethodResponse::error(id, ErrorObjectOwned::from(refused)),
        }
    }

    fn answer_bytes_max(&self) -> usize {
        usize::try_from(self.shared.config.response_bytes_max).unwrap_or(usize::MAX)
    }
}

impl RpcServiceT for Calls {
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, mut request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let calls = self.clone();
        async move {
            let parameters = request.params();
            match request.method_name() {
                "eth_subscribe" => calls.count("eth_subscribe", request.id(), || {
                    calls.subscribe(Asker::client_in(request.extensions()), parameters.as_str())
                }),
                "eth_unsubscribe" => {
                    calls.count("eth_unsubscribe", request.id(), || calls.unsubscribe(parameters.as_str()))
                }
                method => match calls.shared.methods.method(method) {
                    Some(MethodCallback::Async(method)) => {
                        let (id, parameters) = (request.id().into_owned(), parameters.into_owned());
                        let extensions = std::mem::take(request.extensions_mut());
                        // The method may let go of its own.
                        drop(request);
                        method(id, parameters, ConnectionId::default(), calls.answer_bytes_max(), extensions).await
                    }
                    // Every method is registered as an asynchronous one.
                    Some(_) | None => MethodResponse::error(request.id(), ErrorObject::from(ErrorCode::MethodNotFound)),
                },
            }
        }
    }

    fn notification<'a>(&self, _: Notification<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        std::future::ready(MethodResponse::notification())
    }

    fn batch<'a>(&self, _: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        // `Batches` stands in front, and takes a batch apart.
        std::future::ready(MethodResponse::error(Id::Null, ErrorObject::from(ErrorCode::InternalError)))
    }
}

/// Whole after every use, so a thread that panicked elsewhere harms nothing here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
