//! One connection over HTTP/1.1, from its first byte to its last, or to its upgrade.
//!
//! | event | action |
//! |---|---|
//! | a request | answer it |
//! | no head of a request within `idle_max` of the answer before, or of the beginning | end |
//! | a body, or what is sent, stalls | end: [`pacing`](crate::pacing) |
//! | the server stops | end after the answer that is on its way |
//!
//! An answer keeps its room ([`room`](crate::room)) until its last byte is sent.
//!
//! HTTP/1.1 alone: a WebSocket begins with it, and HTTP/2 without TLS is spoken by nobody who asks here. A proxy may speak HTTP/2 before.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use jsonrpsee::core::BoxError;
use jsonrpsee::server::{HttpBody, HttpRequest, HttpResponse};
use tokio::net::TcpStream;
use tower::{Service, service_fn};

use crate::clients::Connection;
use crate::config::RpcConfig;
use crate::pacing::{PacedBody, PacedSocket};
use crate::room::Share;

/// Bytes of a request's head, and of what is read or written at once: room for the longest URI that hyper takes (64 KiB), since CometBFT's
/// requests carry transactions there.
const BUFFER_BYTES_MAX: usize = 128 << 10;

/// How long it may do nothing.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    idle_max: Duration,
    stalled_max: Duration,
}

impl Bounds {
    /// As configured.
    pub const fn of(config: &RpcConfig) -> Self {
        Self { idle_max: config.idle_max, stalled_max: config.stalled_max }
    }
}

/// Serves `socket` by `requests` until it ends, or `stop` says so. Each request has `connection` with it.
pub async fn serve<S>(
    socket: TcpStream,
    connection: Connection,
    mut requests: S,
    Bounds { idle_max, stalled_max }: Bounds,
    stop: impl Future<Output = ()>,
) -> Result<(), hyper::Error>
where
    S: Service<HttpRequest, Response = HttpResponse, Error = BoxError> + Clone,
{
    let requests = service_fn(move |request: HttpRequest<Incoming>| {
        let mut request = request.map(|body| HttpBody::new(PacedBody::new(body, stalled_max)));
        request.extensions_mut().insert(connection.clone());
        let answering = requests.call(request);
        async move { answering.await.map(with_its_room).map_err(io::Error::other) }
    });
    let socket = TokioIo::new(PacedSocket::new(socket, stalled_max));
    let conversation = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(idle_max)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(socket, TowerToHyperService::new(requests))
        .with_upgrades();
    let (mut conversation, stop) = (std::pin::pin!(conversation), std::pin::pin!(stop));
    tokio::select! {
        ended = conversation.as_mut() => return ended,
        () = stop => conversation.as_mut().graceful_shutdown(),
    }
    conversation.await
}

/// The answer, whose bytes hold what goes with it.
fn with_its_room(mut answer: HttpResponse) -> HttpResponse {
    match Share::of_answer(answer.extensions_mut()) {
        Some(share) => answer.map(|body| HttpBody::new(Roomed { body, share })),
        None => answer,
    }
}

/// A body that has room. The room is its bytes': hyper drops a body before it has sent it.
struct Roomed {
    body: HttpBody,
    share: Share,
}

impl Body for Roomed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let held = |bytes| Bytes::from_owner(Held { bytes, _share: self.share.clone() });
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(held))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Bytes of such a body.
struct Held {
    bytes: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;
    use crate::clients::Client;
    use crate::room::Room;

    #[tokio::test]
    async fn an_answer_has_its_room_until_its_last_byte_is_sent() {
        let (room, large) = (Room::of_answers(2_048), vec![7; 30_000]);
        let grown = || {
            let share = room.share(Client::at([192, 0, 2, 1].into()));
            share.grow(large.len()).map(|()| share)
        };
        let mut answer = HttpResponse::new(HttpBody::from(large.clone()));
        grown().unwrap().put_on_answer(answer.extensions_mut());
        let mut body = with_its_room(answer).into_body();
        assert_eq!(body.size_hint().exact(), Some(30_000));
        let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await.unwrap().unwrap();
        drop(body);
        let bytes = frame.into_data().unwrap();
        assert!(bytes == large && grown().is_err());
        drop(bytes);
        assert!(grown().is_ok());
    }
}
