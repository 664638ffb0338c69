//! One connection, from its handshake to its end.
//!
//! | event | action |
//! |---|---|
//! | a message, with fewer than `websocket_calls_max` on their way | begin to answer it |
//! | as many are on their way | nothing is read until one is answered: the other side waits |
//! | a message that there was no room for (`frames`) | refuse it; the next may be smaller, or find room |
//! | an answer | send it, then begin with what it subscribed to; nothing is read while more are ready |
//! | the answer to the last of [`NO_REQUESTS_MAX`] messages one after the other in which there was no request | end |
//! | a notification | send it; only then the next one is made |
//! | nothing heard for two pings | end |
//! | what is sent is not taken in time | end |
//! | the node stops | end |
//!
//! All of it is one task: what a connection may hold is one message on its way in, one on its way out, and those it was let send or their
//! answers. All but the one on its way out, which was an answer or is one notification, have their rooms ([`room`](crate::room)). Answers are
//! made while something is sent: whoever reads slowly holds up nobody who waits behind one of them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, SelectAll};
use futures::{FutureExt as _, SinkExt as _, StreamExt as _};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use jsonrpsee::server::MethodResponse;
use jsonrpsee::types::{ErrorObjectOwned, Id};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, interval_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};

use super::calls::{Calls, Subscribed};
use super::closing::{Closing, Socket};
use super::envelope::{Answer, Asking};
use super::frames::Frames;
use super::{Shared, Who, envelope};
use crate::batches::Batches;
use crate::clients::Asker;
use crate::config::RpcConfig;
use crate::error::RpcRejected;
use crate::permits::Permits;
use crate::room::Share;
use crate::subscriptions::{Notification, Notifications};

/// Bytes that are read at once, and held for each connection.
const READ_BYTES: usize = 4 << 10;

/// Room for what is sent beside an answer: pings, pongs, and a message's head.
const FRAMES_BYTES: usize = 64 << 10;

/// Messages one after the other in which there is no request, before the other side is taken for one that speaks no JSON-RPC.
const NO_REQUESTS_MAX: u32 = 16;

/// What became of a message.
struct Answered {
    /// `None` for a notification.
    message: Option<String>,
    /// Whether there was a request or a notification in it, or it was not read.
    may_be_request: bool,
    opened: Vec<Notifications>,
    /// Its room, until it is sent.
    share: Option<Share>,
}

impl Answered {
    fn refused(why: RpcRejected) -> Self {
        let refusal = MethodResponse::error(Id::Null, ErrorObjectOwned::from(why));
        Self { message: Some(text_of(refusal)), may_be_request: true, opened: Vec::new(), share: None }
    }
}

fn text_of(answer: MethodResponse) -> String {
    String::from(Box::<str>::from(answer.into_json()))
}

/// Holds one connection until it ends. It has its `place` until then.
pub async fn serve(
    shared: Arc<Shared>,
    upgrade: OnUpgrade,
    who: Who,
    place: OwnedSemaphorePermit,
    stop: watch::Receiver<bool>,
) {
    // Who leaves during the handshake has no session.
    let Ok(connection) = upgrade.await else { return };
    let open = shared.traffic.websockets.one();
    let config = Some(limits(&shared.config));
    let (room, client) = (shared.room.clone(), Asker::client(who.asker.as_ref()));
    let frames = Frames::new(TokioIo::new(connection), READ_BYTES, room, client, shared.config.request_bytes_max);
    let mut socket = WebSocketStream::from_raw_socket(frames, Role::Server, config).await;
    let traffic = shared.traffic.clone();
    let session = Session::new(shared, who.asker.clone(), stop.clone());
    let Err(closing) = session.converse(&mut socket).await;
    if closing.is_slow_reader() {
        traffic.dropped_slow_reader();
    }
    tracing::debug!(why = %closing, "a WebSocket ends");
    closing.end(socket).await;
    // Who stops the server waits for the last of these.
    drop((open, who, place));
    drop(stop);
}

fn limits(config: &RpcConfig) -> WebSocketConfig {
    let message = usize::try_from(config.request_bytes_max).unwrap_or(usize::MAX);
    let answer = usize::try_from(config.response_bytes_max).unwrap_or(usize::MAX);
    WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(answer.saturating_add(FRAMES_BYTES))
        .max_message_size(Some(message))
        .max_frame_size(Some(message))
}

struct Session {
    shared: Arc<Shared>,
    asker: Option<Asker>,
    subscribed: Subscribed,
    stop: watch::Receiver<bool>,
    /// Messages that are being answered.
    calls: FuturesUnordered<BoxFuture<'static, Answered>>,
    /// Answers that are ready.
    ready: VecDeque<Answered>,
    /// Messages without a request since the last one with one.
    no_requests: u32,
    /// When the other side last gave a sign of life, as far as somebody listened.
    heard: Instant,
}

impl Session {
    fn new(shared: Arc<Shared>, asker: Option<Asker>, stop: watch::Receiver<bool>) -> Self {
        let (calls, ready, heard) = (FuturesUnordered::new(), VecDeque::new(), Instant::now());
        Self { shared, asker, subscribed: Subscribed::default(), stop, calls, ready, no_requests: 0, heard }
    }

    async fn converse(mut self, socket: &mut Socket) -> Result<Infallible, Closing> {
        let mut notifications: SelectAll<Notifications> = SelectAll::new();
        let ping_every = self.shared.config.websocket_ping_every;
        let mut pings = interval_at(Instant::now() + ping_every, ping_every);
        loop {
            while let Some(Answered { message, may_be_request, opened, share: _held }) = self.ready.pop_front() {
                if let Some(message) = message {
                    self.send(socket, Message::text(message)).await?;
                }
                notifications.extend(opened);
                self.no_requests = if may_be_request { 0 } else { self.no_requests.saturating_add(1) };
                if self.no_requests >= NO_REQUESTS_MAX {
                    return Err(Closing::NoRequests { messages: self.no_requests });
                }
            }
            let may_ask = self.calls.len() < self.shared.config.websocket_calls_max;
            if !may_ask {
                // Nobody listens meanwhile.
                self.heard = Instant::now();
            }
            tokio::select! {
                () = stopped(&mut self.stop) => return Err(Closing::Stopping),
                Some(answered) = self.calls.next() => self.ready.push_back(answered),
                Some(notification) = notifications.next() => self.tell(socket, notification?).await?,
                _ = pings.tick() => self.ping(socket, ping_every * 2).await?,
                message = socket.next(), if may_ask => {
                    self.heard = Instant::now();
                    if let Some(bytes) = self.bytes(message)? {
                        match socket.get_mut().taken() {
                            Ok(share) => self.calls.push(self.answer(text(bytes)?, share)),
                            Err(full) => self.refuse(full),
                        }
                    }
                }
            }
        }
    }

    /// How long it took is known once the socket has all of it.
    async fn tell(&mut self, socket: &mut Socket, notification: Notification) -> Result<(), Closing> {
        let Notification { message, block } = notification;
        self.send(socket, Message::text(message)).await?;
        if let Some(height) = block {
            self.shared.traffic.told_of(height);
        }
        Ok(())
    }

    async fn ping(&mut self, socket: &mut Socket, silent_max: Duration) -> Result<(), Closing> {
        if self.heard.elapsed() > silent_max {
            return Err(Closing::Silent);
        }
        self.send(socket, Message::Ping(Bytes::new())).await
    }

    fn refuse(&mut self, why: RpcRejected) {
        self.shared.traffic.refused_request();
        self.ready.push_back(Answered::refused(why));
    }

    /// What is in a message; `None` for signs of life.
    fn bytes(&self, message: Option<Result<Message, Error>>) -> Result<Option<Bytes>, Closing> {
        match message {
            // All are, from `frames`; and go-ethereum takes either kind.
            Some(Ok(Message::Binary(bytes))) => Ok(Some(bytes)),
            Some(Ok(Message::Text(text))) => Ok(Some(text.into())),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
            Some(Ok(Message::Close(_))) | None => Err(Closing::Left),
            Some(Err(Error::Capacity(_))) => Err(Closing::TooLarge { most: self.shared.config.request_bytes_max }),
            Some(Err(why @ (Error::Protocol(_) | Error::Utf8(_)))) => Err(Closing::Malformed(why.to_string())),
            Some(Err(_)) => Err(Closing::Broken),
        }
    }

    fn answer(&self, text: Utf8Bytes, share: Share) -> BoxFuture<'static, Answered> {
        let shared = Arc::clone(&self.shared);
        let calls = Calls::new(Arc::clone(&shared), Arc::clone(&self.subscribed));
        let batch_max = usize::try_from(shared.config.batch_max).unwrap_or(usize::MAX);
        let (asker, permits) = (self.asker.clone(), Permits::new(calls.clone(), Arc::clone(&shared.rules)));
        let service = Batches::new(permits, Arc::clone(&shared.batches));
        async move {
            let asking = Asking { asker: asker.as_ref(), clients: &shared.rules.clients };
            let answer = envelope::answer(text, share, batch_max, asking, &service).await;
            let Answer { mut response, has_request } = answer;
            let share = Share::of_answer(response.extensions_mut());
            let message = (!response.is_notification()).then(|| text_of(response));
            Answered { message, may_be_request: has_request, opened: calls.opened(), share }
        }
        .boxed()
    }

    async fn send(&mut self, socket: &mut Socket, message: Message) -> Result<(), Closing> {
        let (mut sending, begun) = (pin!(socket.send(message)), Instant::now());
        let sent = loop {
            tokio::select! {
                sent = &mut sending => break sent,
                () = stopped(&mut self.stop) => return Err(Closing::Stopping),
                Some(answered) = self.calls.next() => self.ready.push_back(answered),
            }
        };
        // Nobody listened meanwhile.
        self.heard += begun.elapsed();
        sent.map_err(|why| match why {
            // The connection looks after that: `pacing`.
            Error::Io(why) if why.kind() == io::ErrorKind::TimedOut => Closing::Stalled,
            _ => Closing::Broken,
        })
    }
}

fn text(bytes: Bytes) -> Result<Utf8Bytes, Closing> {
    Utf8Bytes::try_from(bytes).map_err(|_| Closing::Malformed("a message is JSON in UTF-8".to_owned()))
}

/// Once the server stops, or is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stopped| *stopped).await;
}
