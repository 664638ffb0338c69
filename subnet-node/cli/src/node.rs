//! A node that is asked by JSON-RPC over HTTP, bounded in time and size.

use std::time::Duration;

use alloy_primitives::Bytes;
use clap::Args;
use jsonrpsee::core::ClientError;
use jsonrpsee::core::client::ClientT as _;
use jsonrpsee::http_client::{HttpClient, HttpClientBuilder};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::http::Uri;
use tributary_primitives::SubnetId;

use crate::wire::Status;

/// Most bytes of a question: a message of 512 KiB in hex, and what stands around it.
const REQUEST_BYTES_MAX: u32 = 2 * 1024 * 1024;
/// How a node's sentence begins when one answer would be too much, of logs or of blocks. Source: reth, `EthFilterError`.
pub const TOO_MUCH: &str = "query exceeds";
/// An answer that is larger than the node may send. Source: jsonrpsee, `OVERSIZED_RESPONSE_CODE`.
const OVERSIZED: i32 = -32008;
/// Most characters of a URL that are shown again.
const SHOWN_CHARACTERS_MAX: usize = 64;

/// Which node, and how it is asked.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct NodeArgs {
    /// The node's JSON-RPC
    #[arg(long, value_name = "URL", env = "TRIBUTARY_RPC", default_value = "http://127.0.0.1:8545")]
    pub rpc: String,
    /// The chain that is meant: nothing is signed or asked on another one
    #[arg(long, value_name = "NUMBER", env = "TRIBUTARY_CHAIN_ID")]
    pub chain_id: Option<u64>,
    /// Time that the node has for an answer
    #[arg(long, value_name = "SECONDS", env = "TRIBUTARY_TIMEOUT", default_value_t = 30)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=600))]
    pub timeout: u64,
    /// Most bytes of an answer
    #[arg(long, value_name = "BYTES", env = "TRIBUTARY_RESPONSE_BYTES_MAX", default_value_t = 16 << 20)]
    #[arg(value_parser = clap::value_parser!(u32).range(1_024..=1 << 30))]
    pub response_bytes_max: u32,
}

/// What a node answered instead of a result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{method}: {message}")]
pub struct Refusal {
    /// What was asked.
    pub method: String,
    /// JSON-RPC's number.
    pub code: i32,
    /// The node's sentence.
    pub message: String,
    /// What a contract that reverted returned.
    pub data: Vec<u8>,
}

/// Why there is no answer of use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeUnavailable {
    /// No URL of a node.
    #[error("{url:?} is no URL of a node: {why}; it looks like http://127.0.0.1:8545")]
    NotAUrl {
        /// What was given, cut short.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// Nobody there, or the connection broke.
    #[error("{url} does not answer ({why}); is a node running there? Name another by --rpc or TRIBUTARY_RPC")]
    NoAnswer {
        /// Who was asked.
        url: String,
        /// What the transport says.
        why: String,
    },
    /// Somebody there, and slow.
    #[error("{url} did not answer {method} within {seconds} s; give it more time by --timeout")]
    Slow {
        /// Who was asked.
        url: String,
        /// What was asked.
        method: String,
        /// How long it had.
        seconds: u64,
    },
    /// More than is taken.
    #[error(
        "{url}: the answer to {method} has more than {bytes} bytes; take more by --response-bytes-max, or ask for less"
    )]
    TooLarge {
        /// Who was asked.
        url: String,
        /// What was asked.
        method: String,
        /// How many are taken.
        bytes: u32,
    },
    /// Not what the method gives.
    #[error("{url}: the answer to {method} cannot be read ({why}); is it a Tributary node of this version?")]
    Unreadable {
        /// Who was asked.
        url: String,
        /// What was asked.
        method: String,
        /// What is wrong with it.
        why: String,
    },
    /// Another chain than is meant.
    #[error("{url} is a node of chain {is}, and --chain-id says {meant}; nothing was done")]
    OtherChain {
        /// Who was asked.
        url: String,
        /// What it says.
        is: u64,
        /// What was meant.
        meant: u64,
    },
    /// Another network than is meant.
    #[error("{url} is a node of {is}, and {meant} is meant; nothing was done")]
    OtherSubnet {
        /// Who was asked.
        url: String,
        /// What it says.
        is: SubnetId,
        /// What was meant.
        meant: SubnetId,
    },
    /// It answered that it will not.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl NodeUnavailable {
    /// Whether less of the same might be answered: more than the node tells at once, or than is taken here. A node that is busy is
    /// another matter, although it says so by the same number.
    #[must_use]
    pub fn is_too_much(&self) -> bool {
        match self {
            Self::TooLarge { .. } => true,
            Self::Refused(refusal) => refusal.code == OVERSIZED || refusal.message.starts_with(TOO_MUCH),
            _ => false,
        }
    }
}

/// A node's answer.
pub type Answer<T> = Result<T, NodeUnavailable>;

/// A node's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    url: String,
    scheme: String,
    host: String,
    port: Option<u16>,
    path: String,
}

impl Endpoint {
    /// `http://HOST:PORT/PATH`, or `https`.
    ///
    /// # Errors
    /// [`NodeUnavailable::NotAUrl`].
    pub fn parse(url: &str) -> Answer<Self> {
        let bad = |why: &str| {
            let url = url.chars().take(SHOWN_CHARACTERS_MAX).collect();
            NodeUnavailable::NotAUrl { url, why: why.to_owned() }
        };
        let uri: Uri = url.parse().map_err(|_| bad("it is no URL"))?;
        let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme));
        let scheme = scheme.ok_or_else(|| bad("it must start with http:// or https://"))?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| bad("it names no host"))?;
        Ok(Self {
            url: url.to_owned(),
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            port: uri.port_u16(),
            path: uri.path_and_query().map_or_else(String::new, ToString::to_string),
        })
    }

    /// For people: scheme, host and port. Users, paths and queries may hold secrets.
    #[must_use]
    pub fn name(&self) -> String {
        let port = self.port.map_or_else(String::new, |port| format!(":{port}"));
        format!("{}://{}{port}", self.scheme, self.host)
    }

    /// Where the same node serves WebSockets; `None` for `https`, whose socket is not spoken here.
    #[must_use]
    pub fn websocket(&self) -> Option<WebSocketAddress> {
        (self.scheme == "http").then(|| {
            let port = self.port.unwrap_or(80);
            let host = self.host.trim_matches(['[', ']']).to_owned();
            WebSocketAddress { url: format!("ws://{}:{port}{}", self.host, self.path), host, port }
        })
    }
}

/// Where a WebSocket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSocketAddress {
    /// The whole of it.
    pub url: String,
    /// Whom to connect to.
    pub host: String,
    /// And where.
    pub port: u16,
}

/// A node that can be asked.
#[derive(Clone, Debug)]
pub struct Node {
    client: HttpClient,
    endpoint: Endpoint,
    args: NodeArgs,
}

impl NodeArgs {
    /// A client for it. Connects at the first question.
    ///
    /// # Errors
    /// [`NodeUnavailable::NotAUrl`].
    pub fn node(&self) -> Answer<Node> {
        let endpoint = Endpoint::parse(&self.rpc)?;
        let timeout = Duration::from_secs(self.timeout);
        let client = HttpClientBuilder::new()
            .request_timeout(timeout)
            .connect_timeout(timeout)
            .max_response_size(self.response_bytes_max)
            .max_request_size(REQUEST_BYTES_MAX)
            .build(&endpoint.url)
            .map_err(|why| NodeUnavailable::NotAUrl { url: endpoint.name(), why: why.to_string() })?;
        Ok(Node { client, endpoint, args: self.clone() })
    }

    /// The same, of another node.
    #[must_use]
    pub fn at(&self, rpc: &str) -> Self {
        Self { rpc: rpc.to_owned(), chain_id: None, ..self.clone() }
    }
}

impl Node {
    /// Asks `method` with these parameters, by position.
    ///
    /// # Errors
    /// [`NodeUnavailable`], here and below.
    pub async fn ask<T: DeserializeOwned>(&self, method: &str, params: &[Value]) -> Answer<T> {
        self.client.request(method, params).await.map_err(|why| self.unavailable(method, why))
    }

    /// Time that it has for an answer.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        Duration::from_secs(self.args.timeout)
    }

    /// Where it is.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Who it is and how far, if it is of the chain that is meant.
    pub async fn status(&self) -> Answer<Status> {
        let status: Status = self.ask("subnet_status", &[]).await?;
        match self.args.chain_id {
            Some(meant) if meant != status.chain_id => {
                Err(NodeUnavailable::OtherChain { url: self.endpoint.name(), is: status.chain_id, meant })
            }
            _ => Ok(status),
        }
    }

    /// What is wrong when the node answers with something else than its method gives.
    #[must_use]
    pub fn unreadable(&self, method: &str, why: &dyn std::fmt::Display) -> NodeUnavailable {
        NodeUnavailable::Unreadable { url: self.endpoint.name(), method: method.to_owned(), why: why.to_string() }
    }

    /// Refuses a node that is not of this network.
    pub async fn expect_subnet(&self, subnet: &SubnetId) -> Answer<Status> {
        let status = self.status().await?;
        match status.subnet == *subnet {
            true => Ok(status),
            false => {
                let url = self.endpoint.name();
                Err(NodeUnavailable::OtherSubnet { url, is: status.subnet, meant: subnet.clone() })
            }
        }
    }

    fn unavailable(&self, method: &str, why: ClientError) -> NodeUnavailable {
        let (url, method) = (self.endpoint.name(), method.to_owned());
        match why {
            ClientError::Call(error) => {
                let data = error.data().and_then(|data| serde_json::from_str::<Bytes>(data.get()).ok());
                let data = data.map_or_else(Vec::new, |data| data.to_vec());
                NodeUnavailable::Refused(Refusal {
                    method,
                    code: error.code(),
                    message: error.message().to_owned(),
                    data,
                })
            }
            ClientError::RequestTimeout => NodeUnavailable::Slow { url, method, seconds: self.args.timeout },
            ClientError::ParseError(why) => NodeUnavailable::Unreadable { url, method, why: why.to_string() },
            ClientError::Transport(why) => {
                let why = causes(&*why);
                let says = |words: &[&str]| words.iter().any(|word| why.contains(word));
                if says(&["too big", "too large"]) {
                    NodeUnavailable::TooLarge { url, method, bytes: self.args.response_bytes_max }
                } else if says(&["Malformed"]) {
                    NodeUnavailable::Unreadable { url, method, why: "it is no JSON-RPC".to_owned() }
                } else {
                    NodeUnavailable::NoAnswer { url, why }
                }
            }
            other => NodeUnavailable::NoAnswer { url, why: other.to_string() },
        }
    }
}

/// A block's number, as `eth_` methods take it.
#[must_use]
pub fn quantity(number: u64) -> Value {
    json!(format!("{number:#x}"))
}

/// What the transport says: the innermost cause says most.
fn causes(why: &(dyn std::error::Error + 'static)) -> String {
    let mut causes: Vec<_> = std::iter::successors(Some(why), |why| why.source()).map(ToString::to_string).collect();
    causes.dedup();
    causes.join(": ")
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::trouble::{Kind, Trouble};

    fn args(rpc: String) -> NodeArgs {
        NodeArgs { rpc, chain_id: None, timeout: 1, response_bytes_max: 1_024 }
    }

    /// A server that answers one request with `body`, or never.
    async fn server(body: Option<String>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4_096];
            let _ = stream.read(&mut request).await.unwrap();
            let Some(body) = body else { return std::future::pending().await };
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        });
        url
    }

    fn result(result: &Value) -> Option<String> {
        Some(json!({ "jsonrpc": "2.0", "id": 0, "result": result }).to_string())
    }

    async fn trouble(node: NodeArgs) -> Trouble {
        node.node().unwrap().status().await.unwrap_err().into()
    }

    #[tokio::test]
    async fn each_way_to_get_no_answer_is_told_apart_and_says_what_to_do() {
        let nobody = {
            let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            format!("http://{}", taken.local_addr().unwrap())
        };
        let other_chain = json!({"subnet": "/r7", "chain_id": 7, "height": 1, "base_fee": 1, "fvm_base_fee": 1,
            "certified_height": null, "finalized_height": null});
        let no_method = "the method subnet_status does not exist/is not available";
        let refusal = json!({"jsonrpc": "2.0", "id": 0, "error": {"code": -32601, "message": no_method}});
        for (node, kind, says) in [
            (args(nobody), Kind::Unreachable, "is a node running there?"),
            (args(server(None).await), Kind::Unreachable, "--timeout"),
            (args(server(result(&json!("x".repeat(2_000)))).await), Kind::Unreachable, "--response-bytes-max"),
            (args(server(result(&json!({"height": "x"}))).await), Kind::Unreachable, "cannot be read"),
            (args(server(Some("nonsense".to_owned())).await), Kind::Unreachable, "cannot be read"),
            (args(server(Some(refusal.to_string())).await), Kind::Refused, no_method),
            (
                NodeArgs { chain_id: Some(8), ..args(server(result(&other_chain)).await) },
                Kind::Refused,
                "node of chain 7, and --chain-id says 8",
            ),
        ] {
            let trouble = trouble(node).await;
            assert!(trouble.kind == kind && trouble.message.contains(says), "{says}: {trouble:?}");
        }
    }

    #[test]
    fn what_is_too_much_at_once_is_no_node_that_is_busy() {
        let refused = |code: i32, message: &str| {
            let (method, message) = ("eth_getLogs".to_owned(), message.to_owned());
            NodeUnavailable::Refused(Refusal { method, code, message, data: Vec::new() })
        };
        let (url, method) = ("http://node".to_owned(), "eth_getLogs".to_owned());
        for (why, is_too_much) in [
            (refused(-32005, "query exceeds max results 20000, retry with the range 1-7"), true),
            (refused(-32005, "query exceeds max results 1, narrow it by address or topics"), true),
            (refused(-32005, "query exceeds max block range 4"), true),
            (refused(-32008, "Response is too big"), true),
            (refused(-32005, "the node is answering as many reads as it may; try again later"), false),
            (refused(-32602, "invalid argument 0: no hex"), false),
            (NodeUnavailable::TooLarge { url: url.clone(), method: method.clone(), bytes: 1_024 }, true),
            (NodeUnavailable::Slow { url, method, seconds: 1 }, false),
        ] {
            assert_eq!(why.is_too_much(), is_too_much, "{why}");
        }
    }

    #[test]
    fn an_address_is_read_and_its_secrets_are_not_shown() {
        for (url, name, socket) in [
            ("http://127.0.0.1:8545", "http://127.0.0.1:8545", Some("ws://127.0.0.1:8545/")),
            ("http://node", "http://node", Some("ws://node:80/")),
            ("http://[::1]:1/rpc?key=secret", "http://[::1]:1", Some("ws://[::1]:1/rpc?key=secret")),
            ("https://user:secret@node.example/x", "https://node.example", None),
        ] {
            let endpoint = Endpoint::parse(url).unwrap();
            assert_eq!(endpoint.name(), name);
            assert_eq!(endpoint.websocket().map(|socket| socket.url), socket.map(str::to_owned));
        }
        assert_eq!(Endpoint::parse("http://[::1]:1").unwrap().websocket().unwrap().host, "::1");
        for url in ["", "127.0.0.1:8545", "ws://127.0.0.1", "http://", "not a url"] {
            assert!(matches!(Endpoint::parse(url), Err(NodeUnavailable::NotAUrl { .. })), "{url}");
        }
    }
}
