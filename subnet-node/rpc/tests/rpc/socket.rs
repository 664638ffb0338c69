//! A client on a WebSocket that sees every frame.

use std::net::SocketAddr;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::fixture::Served;

/// A WebSocket, and the number of its next request.
pub struct Socket {
    pub stream: WebSocketStream<TcpStream>,
    next: u64,
}

impl Socket {
    /// Connects.
    pub async fn open(served: &Served) -> Self {
        Self::open_with(served, &[]).await.unwrap()
    }

    /// Connects with more headers; or the status of the refusal.
    pub async fn open_with(served: &Served, headers: &[(&'static str, &'static str)]) -> Result<Self, u16> {
        let address = served.server.local_addr();
        Self::over(TcpStream::connect(address).await.unwrap(), address, headers).await
    }

    /// Connects, and has the system hold few bytes that were not read.
    pub async fn narrow(served: &Served) -> Self {
        let (address, socket) = (served.server.local_addr(), TcpSocket::new_v4().unwrap());
        socket.set_recv_buffer_size(4_096).unwrap();
        Self::over(socket.connect(address).await.unwrap(), address, &[]).await.unwrap()
    }

    async fn over(
        connection: TcpStream,
        address: SocketAddr,
        headers: &[(&'static str, &'static str)],
    ) -> Result<Self, u16> {
        let mut request = format!("ws://{address}").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match client_async(request, connection).await {
            Ok((stream, _)) => Ok(Self { stream, next: 0 }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(why) => panic!("{why}"),
        }
    }

    /// Sends a request; its id.
    pub async fn send(&mut self, method: &str, parameters: Value) -> u64 {
        self.next += 1;
        let request = json!({ "jsonrpc": "2.0", "id": self.next, "method": method, "params": parameters });
        self.send_text(request.to_string()).await;
        self.next
    }

    pub async fn send_text(&mut self, text: impl Into<String>) {
        self.stream.send(Message::text(text.into())).await.unwrap();
    }

    /// The next message.
    pub async fn next(&mut self) -> Value {
        loop {
            match self.stream.next().await.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) => {}
                other => panic!("{other}"),
            }
        }
    }

    /// The result of a request, which must be the next message.
    pub async fn ask(&mut self, method: &str, parameters: Value) -> Value {
        let id = self.send(method, parameters).await;
        let answer = self.next().await;
        assert_eq!(answer["id"], id, "{answer}");
        assert!(answer.get("error").is_none(), "{answer}");
        answer["result"].clone()
    }

    /// Code and message of a refusal, which must be the next message.
    pub async fn refusal(&mut self, method: &str, parameters: Value) -> (i64, String) {
        let id = self.send(method, parameters).await;
        let answer = self.next().await;
        assert_eq!(answer["id"], id, "{answer}");
        refused(&answer)
    }

    /// The result of a notification, which must be the next message.
    pub async fn told(&mut self, subscription: &Value) -> Value {
        let note = self.next().await;
        let (jsonrpc, method, to) = (&note["jsonrpc"], &note["method"], &note["params"]["subscription"]);
        assert_eq!((jsonrpc, method, to), (&json!("2.0"), &json!("eth_subscription"), subscription), "{note}");
        note["params"]["result"].clone()
    }

    /// Reads to the end; code and reason of the close frame, if there was one.
    pub async fn closed(mut self) -> Option<(u16, String)> {
        let mut closed = None;
        while let Some(Ok(message)) = self.stream.next().await {
            if let Message::Close(Some(CloseFrame { code, reason })) = message {
                closed = Some((code.into(), reason.to_string()));
            }
        }
        closed
    }
}

/// Code and message of an answer that is a refusal.
pub fn refused(answer: &Value) -> (i64, String) {
    (answer["error"]["code"].as_i64().unwrap(), answer["error"]["message"].as_str().unwrap().to_owned())
}
