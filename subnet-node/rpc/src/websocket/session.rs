//! One connection, from its handshake to its end.
//!
//! | event | action |
//! |---|---|
//! | a message, with fewer than `websocket_calls_max` on their way | begin to answer it |
//! | as many are on their way | nothing is read until one is answered: the other side waits |
//! | an answer | send it, then begin with what it subscribed to |
//! | a notification | send it; only then the next one is made |
//! | nothing heard for two pings | end |
//! | what is sent is not taken in time | end |
//! | the node stops | end |
//!
//! All of it is one task: what a connection may hold is one message on its way out and the answers to the messages it was let send.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, SelectAll};
use futures::{FutureExt as _, SinkExt as _, StreamExt as _};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, interval_at, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};

use super::calls::{Calls, Subscribed};
use super::closing::{Closing, Socket};
use super::{Shared, Who, envelope};
use crate::batches::Batches;
use crate::clients::Asker;
use crate::config::RpcConfig;
use crate::permits::Permits;
use crate::subscriptions::Notifications;

/// A reader that takes fewer bytes in a second is as good as none.
const PACE_MIN: u64 = 64 << 10;

/// Bytes that are read at once, and held for each connection.
const READ_BYTES: usize = 4 << 10;

/// Room for what is sent beside an answer: pings, pongs, and a message's head.
const FRAMES_BYTES: usize = 64 << 10;

/// What became of a message.
struct Answered {
    /// `None` for a notification.
    message: Option<String>,
    opened: Vec<Notifications>,
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
    let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(connection), Role::Server, config).await;
    let traffic = shared.traffic.clone();
    let session = Session { shared, asker: who.asker.clone(), subscribed: Subscribed::default(), stop: stop.clone() };
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
}

impl Session {
    async fn converse(mut self, socket: &mut Socket) -> Result<Infallible, Closing> {
        let mut calls: FuturesUnordered<BoxFuture<'static, Answered>> = FuturesUnordered::new();
        let mut notifications: SelectAll<Notifications> = SelectAll::new();
        let ping_every = self.shared.config.websocket_ping_every;
        let mut pings = interval_at(Instant::now() + ping_every, ping_every);
        let mut heard = Instant::now();
        loop {
            let may_ask = calls.len() < self.shared.config.websocket_calls_max;
            if !may_ask {
                // Nobody listens to signs of life meanwhile.
                heard = Instant::now();
            }
            tokio::select! {
                () = stopped(&mut self.stop) => return Err(Closing::Stopping),
                Some(Answered { message, opened }) = calls.next() => {
                    if let Some(message) = message {
                        self.send(socket, Message::text(message)).await?;
                    }
                    notifications.extend(opened);
                }
                Some(notification) = notifications.next() => self.send(socket, Message::text(notification?)).await?,
                _ = pings.tick() => {
                    if heard.elapsed() > ping_every * 2 {
                        return Err(Closing::Silent);
                    }
                    self.send(socket, Message::Ping(Bytes::new())).await?;
                }
                message = socket.next(), if may_ask => {
                    heard = Instant::now();
                    if let Some(text) = self.text(message)? {
                        calls.push(self.answer(text));
                    }
                }
            }
        }
    }

    /// The text of a message; `None` for signs of life.
    fn text(&self, message: Option<Result<Message, Error>>) -> Result<Option<Utf8Bytes>, Closing> {
        match message {
            Some(Ok(Message::Text(text))) => Ok(Some(text)),
            // go-ethereum takes either kind.
            Some(Ok(Message::Binary(bytes))) => {
                let text = Utf8Bytes::try_from(bytes);
                text.map(Some).map_err(|_| Closing::Malformed("a message is JSON in UTF-8".to_owned()))
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
            Some(Ok(Message::Close(_))) | None => Err(Closing::Left),
            Some(Err(Error::Capacity(_))) => Err(Closing::TooLarge { most: self.shared.config.request_bytes_max }),
            Some(Err(why @ (Error::Protocol(_) | Error::Utf8(_)))) => Err(Closing::Malformed(why.to_string())),
            Some(Err(_)) => Err(Closing::Broken),
        }
    }

    fn answer(&self, text: Utf8Bytes) -> BoxFuture<'static, Answered> {
        let shared = Arc::clone(&self.shared);
        let calls = Calls::new(Arc::clone(&shared), Arc::clone(&self.subscribed));
        let batch_max = usize::try_from(shared.config.batch_max).unwrap_or(usize::MAX);
        let answer_bytes_max = usize::try_from(shared.config.response_bytes_max).unwrap_or(usize::MAX);
        let permits = Permits::new(calls.clone(), Arc::clone(&shared.rules), self.asker.clone());
        let service = Batches::new(permits, Arc::clone(&shared.submissions), answer_bytes_max);
        async move {
            let answer = envelope::answer(&text, batch_max, &service).await;
            let message = (!answer.is_notification()).then(|| String::from(Box::<str>::from(answer.into_json())));
            Answered { message, opened: calls.opened() }
        }
        .boxed()
    }

    async fn send(&mut self, socket: &mut Socket, message: Message) -> Result<(), Closing> {
        let stalled_max = self.shared.config.websocket_stalled_max;
        let bytes = u64::try_from(message.len()).unwrap_or(u64::MAX);
        let patience = stalled_max.saturating_add(Duration::from_secs(bytes / PACE_MIN));
        tokio::select! {
            sent = timeout(patience, socket.send(message)) => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(Closing::Broken),
                Err(_) => Err(Closing::Stalled(patience)),
            },
            () = stopped(&mut self.stop) => Err(Closing::Stopping),
        }
    }
}

/// Once the server stops, or is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stopped| *stopped).await;
}
