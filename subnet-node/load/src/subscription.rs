//! New blocks over a WebSocket: told of each, it is asked for on the same connection.
//!
//! ```text
//! eth_subscribe newHeads ─▶ a header ─▶ eth_getBlockByNumber ─▶ the block
//! ```
//!
//! So what is confirmed is confirmed when a client has seen the block with it, as it is where blocks are asked for.

use alloy_primitives::U64;
use futures::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::answer::Refusal;
use crate::client::{BlockAnswer, ClientUnavailable};
use crate::http::{ANSWER_TIMEOUT, Endpoint, broken};

/// Id of the request that subscribes.
const SUBSCRIBE: u64 = 0;

/// A subscription to the blocks of a node.
#[derive(Debug)]
pub struct NewBlocks {
    endpoint: Endpoint,
    socket: WebSocketStream<TcpStream>,
}

/// What a node sends: an answer, or a header that nobody asked for.
#[derive(Deserialize)]
struct Incoming<'a> {
    #[serde(default)]
    id: Option<u64>,
    #[serde(default, borrow)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<Refusal>,
    #[serde(default)]
    params: Option<Notice>,
}

#[derive(Deserialize)]
struct Notice {
    result: Head,
}

#[derive(Deserialize)]
struct Head {
    number: U64,
}

impl NewBlocks {
    /// To all blocks of the node at `endpoint` from now on.
    ///
    /// # Errors
    /// [`ClientUnavailable`].
    pub async fn subscribe(endpoint: &Endpoint) -> Result<Self, ClientUnavailable> {
        let open = async {
            let stream = endpoint.connect().await?;
            let (socket, _) =
                client_async(endpoint.websocket_url(), stream).await.map_err(|why| broken(endpoint, &why))?;
            let mut blocks = Self { endpoint: endpoint.clone(), socket };
            blocks.ask(SUBSCRIBE, "eth_subscribe", json!(["newHeads"])).await?;
            let text = blocks.text().await?;
            match blocks.read(&text)? {
                Incoming { id: Some(SUBSCRIBE), result: Some(_), .. } => Ok(blocks),
                incoming => Err(blocks.refused("eth_subscribe", incoming.error)),
            }
        };
        let late = |_| ClientUnavailable::Unreadable {
            endpoint: endpoint.to_string(),
            method: "eth_subscribe".to_owned(),
            why: format!("no answer over WebSocket within {} s", ANSWER_TIMEOUT.as_secs()),
        };
        timeout(ANSWER_TIMEOUT, open).await.map_err(late)?
    }

    /// The next block, whenever it comes.
    ///
    /// # Errors
    /// [`ClientUnavailable`]: no more will come.
    pub async fn next(&mut self) -> Result<BlockAnswer, ClientUnavailable> {
        loop {
            let text = self.text().await?;
            let incoming = self.read(&text)?;
            match incoming {
                Incoming { params: Some(Notice { result: Head { number } }), .. } => {
                    let number: u64 = number.to();
                    // Genesis is never told of, so no block has the id of the subscription.
                    self.ask(number, "eth_getBlockByNumber", json!([format!("{number:#x}"), false])).await?;
                }
                Incoming { result: Some(block), .. } => {
                    let block = serde_json::from_str(block.get());
                    return block.map_err(|why| self.unreadable("eth_getBlockByNumber", why.to_string()));
                }
                Incoming { error, .. } => return Err(self.refused("eth_getBlockByNumber", error)),
            }
        }
    }

    async fn ask(&mut self, id: u64, method: &str, params: Value) -> Result<(), ClientUnavailable> {
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let sent = self.socket.send(Message::text(request.to_string())).await;
        sent.map_err(|why| broken(&self.endpoint, &why).into())
    }

    async fn text(&mut self) -> Result<String, ClientUnavailable> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                Some(Ok(Message::Close(frame))) => {
                    let why = frame.map_or_else(String::new, |frame| frame.reason.to_string());
                    return Err(self.unreadable("eth_subscribe", format!("the node closed the WebSocket: {why}")));
                }
                // Signs of life are answered where they are read.
                Some(Ok(_)) => {}
                Some(Err(why)) => return Err(broken(&self.endpoint, &why).into()),
                None => return Err(self.unreadable("eth_subscribe", "the connection ended".to_owned())),
            }
        }
    }

    fn read<'a>(&self, text: &'a str) -> Result<Incoming<'a>, ClientUnavailable> {
        serde_json::from_str(text).map_err(|why| self.unreadable("eth_subscribe", why.to_string()))
    }

    fn refused(&self, method: &str, refusal: Option<Refusal>) -> ClientUnavailable {
        match refusal {
            Some(Refusal { code, message }) => ClientUnavailable::Refused {
                endpoint: self.endpoint.to_string(),
                method: method.to_owned(),
                message,
                code,
            },
            None => self.unreadable(method, "neither a result nor a refusal".to_owned()),
        }
    }

    fn unreadable(&self, method: &str, why: String) -> ClientUnavailable {
        ClientUnavailable::Unreadable { endpoint: self.endpoint.to_string(), method: method.to_owned(), why }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio_tungstenite::accept_async;

    use super::*;

    /// A node that says `lines`, one after each message that comes.
    async fn node(lines: Vec<Value>) -> Endpoint {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(async move {
            let mut socket = accept_async(listener.accept().await.unwrap().0).await.unwrap();
            for line in lines {
                let Some(Ok(Message::Text(_))) = socket.next().await else { return };
                for message in line.as_array().unwrap() {
                    socket.send(Message::text(message.to_string())).await.unwrap();
                }
            }
            socket.close(None).await.unwrap();
        });
        endpoint
    }

    fn head(number: &str) -> Value {
        json!({"jsonrpc": "2.0", "method": "eth_subscription", "params": {"subscription": "0x1", "result": {"number": number}}})
    }

    fn block(id: u64, gas: &str) -> Value {
        let block = json!({"transactions": [], "gasUsed": gas, "gasLimit": "0x9"});
        json!({"jsonrpc": "2.0", "id": id, "result": block})
    }

    #[tokio::test]
    async fn each_block_that_is_told_of_is_asked_for_until_the_node_leaves() {
        let subscribed = json!({"jsonrpc": "2.0", "id": 0, "result": "0x1"});
        let endpoint = node(vec![
            json!([subscribed, head("0x7")]),
            json!([head("0x8"), block(7, "0x1")]),
            json!([block(8, "0x2")]),
        ])
        .await;
        let mut blocks = NewBlocks::subscribe(&endpoint).await.unwrap();
        for gas in [1, 2] {
            assert_eq!(blocks.next().await.unwrap().gas_used.to::<u64>(), gas);
        }
        assert!(blocks.next().await.unwrap_err().to_string().contains("closed the WebSocket"));
    }

    #[tokio::test]
    async fn a_node_without_subscriptions_is_told_by_its_own_words() {
        let refused = json!({"jsonrpc": "2.0", "id": 0, "error": {"code": -32601, "message": "no such method"}});
        let endpoint = node(vec![json!([refused])]).await;
        let why = NewBlocks::subscribe(&endpoint).await.unwrap_err().to_string();
        assert!(why.contains("no such method") && why.contains("-32601"), "{why}");
    }
}
