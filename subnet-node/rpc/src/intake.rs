//! Takes the bodies of requests over HTTP in while there is room for them ([`room`](crate::room)).
//!
//! ```text
//! request ─▶ room for as many bytes as it says, or for those that come if it does not say?   yes ─▶ answered; then they are given back
//!                │ no
//!                └─▶ the rest of it is read and dropped ─▶ 503, when to come again, and JSON-RPC's own refusal (-32005)
//! ```
//!
//! Who asks hears the refusal only once its request is sent: that is why the rest is read. What is larger than a request may be is not taken in
//! here at all; it is refused by who reads it. Which requests in it have an id goes with it ([`ids`]).

pub mod ids;

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::StatusCode;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use jsonrpsee::core::BoxError;
use jsonrpsee::server::{HttpBody, HttpRequest, HttpResponse};
use tokio::sync::oneshot;
use tower::Service;

use crate::clients::Asker;
use crate::error::RpcRejected;
use crate::gate;
use crate::room::{Room, Share};
use crate::traffic::Traffic;

use ids::{Ids, Reader};

/// What every request has at hand.
#[derive(Clone)]
pub struct Bounds {
    /// Where requests are held.
    pub room: Room,
    /// Most bytes of one.
    pub request_bytes_max: usize,
    /// Most requests of a batch.
    pub batch_max: usize,
    /// Counts those that are refused.
    pub traffic: Traffic,
}

/// What answers requests, behind what takes them in.
#[derive(Clone)]
pub struct Intake<S> {
    requests: S,
    bounds: Bounds,
}

impl<S> Intake<S> {
    /// In front of `requests`.
    pub const fn new(requests: S, bounds: Bounds) -> Self {
        Self { requests, bounds }
    }
}

impl<S> Service<HttpRequest> for Intake<S>
where
    S: Service<HttpRequest, Response = HttpResponse>,
    S::Error: 'static,
    S::Future: Send + 'static,
{
    type Response = HttpResponse;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.requests.poll_ready(context)
    }

    fn call(&mut self, mut request: HttpRequest) -> Self::Future {
        let Bounds { room, request_bytes_max, batch_max, traffic } = self.bounds.clone();
        let share = room.share(Asker::client_in(request.extensions()));
        let (refuse, refused) = oneshot::channel();
        let ids = Ids::default();
        request.extensions_mut().insert(ids.clone());
        let reader = Reader::new(ids, batch_max);
        let request =
            request.map(|body| HttpBody::new(Taken::new(body, share.clone(), reader, request_bytes_max, refuse)));
        let answering = self.requests.call(request);
        Box::pin(async move {
            // Who reads the body holds its text until then.
            let _held = share;
            tokio::select! {
                answer = answering => answer,
                Ok(full) = refused => {
                    traffic.refused_request();
                    Ok(gate::refusal(StatusCode::SERVICE_UNAVAILABLE, full))
                }
            }
        })
    }
}

/// A body, of which each byte has its room before it is handed on.
struct Taken {
    body: HttpBody,
    share: Share,
    reader: Reader,
    /// Whether there was room for all of it at once.
    is_held: bool,
    refused: Option<RpcRejected>,
    /// Bytes that are still read of one that is refused.
    rest_max: usize,
    refuse: Option<oneshot::Sender<RpcRejected>>,
}

impl Taken {
    fn new(
        body: HttpBody,
        share: Share,
        reader: Reader,
        bytes_max: usize,
        refuse: oneshot::Sender<RpcRejected>,
    ) -> Self {
        let told = body.size_hint().exact().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        let told = told.filter(|bytes| *bytes <= bytes_max);
        let refused = told.and_then(|bytes| share.grow(bytes).err());
        Self { body, share, reader, is_held: told.is_some(), refused, rest_max: bytes_max, refuse: Some(refuse) }
    }

    /// # Errors
    /// [`RpcRejected::NoRoomToRead`].
    fn take(&self, bytes: usize) -> Result<(), RpcRejected> {
        match &self.refused {
            Some(full) => Err(full.clone()),
            None if self.is_held => Ok(()),
            None => self.share.grow(bytes),
        }
    }
}

impl Body for Taken {
    type Data = Bytes;
    type Error = BoxError;

    /// Pending for ever, once it was told that there is no room: nobody waits for the body any more.
    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        while self.refuse.is_some() {
            let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
            let (bytes, is_end) = match &frame {
                Some(Ok(frame)) => (frame.data_ref().map_or(0, Bytes::len), false),
                Some(Err(_)) | None => (0, true),
            };
            let Err(full) = self.take(bytes) else {
                if let Some(Ok(frame)) = &frame
                    && let Some(bytes) = frame.data_ref()
                {
                    self.reader.read(bytes);
                }
                return Poll::Ready(frame);
            };
            self.rest_max = self.rest_max.saturating_sub(bytes);
            if (is_end || self.rest_max == 0)
                && let Some(refuse) = self.refuse.take()
            {
                // Who is gone needs no answer.
                let _ = refuse.send(full);
            } else {
                self.refused = Some(full);
            }
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.refused.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
