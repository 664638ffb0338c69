//! When to look at a chain again: a WebSocket rings at every block, and a clock where there is none.
//!
//! A bell tells nothing but that something came. What came is asked for over HTTP, in order, from a place in the chain: so a
//! connection that breaks, and a node that is stopped and started, lose nothing, and watching by polling is the same code.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::node::WebSocketAddress;

/// Time that a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The clock beside a WebSocket that rings: blocks come at least so often to be looked for.
const BESIDE_WEBSOCKET: Duration = Duration::from_secs(5);
/// Before a WebSocket that broke is made again; doubled each time it breaks at once.
const AGAIN_MIN: Duration = Duration::from_secs(1);
/// The longest such wait.
const AGAIN_MAX: Duration = Duration::from_secs(30);
/// Most bytes of a message: a header has less than two KiB.
const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// Rings when it is time to look again.
#[derive(Debug)]
pub struct Bell {
    rung: Arc<Notify>,
    is_listening: Arc<AtomicBool>,
    poll: Duration,
    listener: Option<JoinHandle<()>>,
}

impl Bell {
    /// Of the WebSocket there, if there is one; else, and while it is broken, every `poll`.
    #[must_use]
    pub fn hung(websocket: Option<WebSocketAddress>, poll: Duration) -> Self {
        let (rung, is_listening) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let listener = websocket.map(|address| {
            let (rung, is_listening) = (Arc::clone(&rung), Arc::clone(&is_listening));
            tokio::spawn(async move { listen(&address, &rung, &is_listening).await })
        });
        Self { rung, is_listening, poll, listener }
    }

    /// Waits until it is time to look again.
    pub async fn wait(&self) {
        let most = if self.is_listening.load(Ordering::Relaxed) { BESIDE_WEBSOCKET } else { self.poll };
        // Rung or not, it is time.
        drop(timeout(most, self.rung.notified()).await);
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        if let Some(listener) = &self.listener {
            listener.abort();
        }
    }
}

/// Listens, and again after every end, until it is aborted.
async fn listen(address: &WebSocketAddress, rung: &Notify, is_listening: &AtomicBool) {
    let mut again = AGAIN_MIN;
    loop {
        // Why it ended matters to nobody: the clock goes on meanwhile, and HTTP tells what is wrong.
        let heard = session(address, rung, is_listening).await.unwrap_or_default();
        is_listening.store(false, Ordering::Relaxed);
        rung.notify_one();
        again = if heard { AGAIN_MIN } else { (again * 2).min(AGAIN_MAX) };
        tokio::time::sleep(again).await;
    }
}

/// One connection from its beginning to its end; whether it ever rang. `None` for one that could not be made.
async fn session(address: &WebSocketAddress, rung: &Notify, is_listening: &AtomicBool) -> Option<bool> {
    let connect = async {
        let stream = TcpStream::connect((address.host.as_str(), address.port)).await.ok()?;
        let config = WebSocketConfig::default().max_message_size(Some(MESSAGE_BYTES_MAX));
        let (mut socket, _) = client_async_with_config(address.url.as_str(), stream, Some(config)).await.ok()?;
        let subscribe = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"] });
        socket.send(Message::text(subscribe.to_string())).await.ok()?;
        Some(socket)
    };
    let mut socket = timeout(CONNECT_TIMEOUT, connect).await.ok()??;
    let mut heard = false;
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        let said: Value = serde_json::from_str(&text).ok()?;
        if said.get("error").is_some() {
            break;
        }
        // The first is the subscription's name, the others are heads: all are a reason to look.
        is_listening.store(true, Ordering::Relaxed);
        heard = true;
        rung.notify_one();
    }
    Some(heard)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::net::TcpListener;
    use tokio_tungstenite::accept_async;

    use super::*;

    const NEVER: Duration = Duration::from_secs(3_600);

    async fn address(listener: &TcpListener) -> WebSocketAddress {
        let port = listener.local_addr().unwrap().port();
        WebSocketAddress { url: format!("ws://127.0.0.1:{port}/"), host: "127.0.0.1".to_owned(), port }
    }

    #[tokio::test]
    async fn a_head_rings_long_before_the_clock() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let bell = Bell::hung(Some(address(&listener).await), NEVER);
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = accept_async(stream).await.unwrap();
        let asked = socket.next().await.unwrap().unwrap().into_text().unwrap();
        assert!(asked.contains("newHeads"), "{asked}");
        for text in [
            r#"{"jsonrpc":"2.0","id":1,"result":"0x1"}"#,
            r#"{"jsonrpc":"2.0","method":"eth_subscription","params":{}}"#,
        ] {
            socket.send(Message::text(text)).await.unwrap();
            bell.wait().await;
        }
        // The end of the connection is a reason to look, too, and from then on the clock is the one for no connection.
        drop(socket);
        bell.wait().await;
    }

    #[tokio::test]
    async fn without_a_websocket_the_clock_rings() {
        let started = Instant::now();
        let bell = Bell::hung(None, Duration::from_millis(20));
        bell.wait().await;
        bell.wait().await;
        assert!(started.elapsed() >= Duration::from_millis(40));
    }
}
