//! One HTTP connection that stays open, with one request on its way at a time.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::http::request::Builder;
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Time that an answer may take.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Where a node listens: `http://HOST:PORT/PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    host: String,
    port: u16,
    authority: String,
    path: String,
}

/// A text is no address of a node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointRejected {
    /// Not an absolute address.
    #[error("{0:?} is no address like http://127.0.0.1:8545")]
    NotAUrl(String),
    /// `https`, `ws` and the like.
    #[error("{0:?}: only http:// is spoken; measure beside the node, not through what stands before it")]
    NotHttp(String),
}

impl std::str::FromStr for Endpoint {
    type Err = EndpointRejected;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let not_a_url = || EndpointRejected::NotAUrl(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| not_a_url())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(not_a_url()) };
        if scheme != "http" {
            return Err(EndpointRejected::NotHttp(text.to_owned()));
        }
        Ok(Self {
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: authority.to_string(),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        })
    }
}

impl Endpoint {
    /// A new connection to it. Requests are written whole: waiting for more would only add to every latency.
    pub(crate) async fn connect(&self) -> Result<TcpStream, HttpUnavailable> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(|why| broken(self, &why))?;
        stream.set_nodelay(true).map_err(|why| broken(self, &why))?;
        Ok(stream)
    }

    /// Where it takes WebSockets: its own port, as every node of ours has it, and every other with one port for both.
    pub(crate) fn websocket_url(&self) -> String {
        format!("ws://{}{}", self.authority, self.path)
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = if self.path == "/" { "" } else { &self.path };
        write!(f, "http://{}{path}", self.authority)
    }
}

/// Nothing of use came back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpUnavailable {
    /// Nobody listens, or the connection broke.
    #[error("{endpoint}: {why}")]
    Broken {
        /// Where.
        endpoint: String,
        /// What the system says.
        why: String,
    },
    /// The node is there and does not answer.
    #[error("{0}: no answer within {seconds} s", seconds = ANSWER_TIMEOUT.as_secs())]
    Slow(String),
    /// It answers, but not this.
    #[error("{endpoint}: HTTP status {status}")]
    Status {
        /// Where.
        endpoint: String,
        /// What it says instead.
        status: StatusCode,
    },
}

/// A connection, made at the first question and again after it broke.
#[derive(Debug)]
pub struct Connection {
    endpoint: Endpoint,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    /// To this node. Nothing is sent yet.
    #[must_use]
    pub const fn to(endpoint: Endpoint) -> Self {
        Self { endpoint, open: None }
    }

    /// The node's address.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Asks for what lies at the endpoint, by GET.
    ///
    /// # Errors
    /// [`HttpUnavailable`].
    pub async fn get(&mut self) -> Result<Bytes, HttpUnavailable> {
        let request = Request::get(self.endpoint.path.as_str());
        self.answer(request, Vec::new()).await
    }

    /// Sends `body` by POST and waits for the answer's.
    ///
    /// # Errors
    /// [`HttpUnavailable`]; the next question makes a new connection.
    pub async fn ask(&mut self, body: Vec<u8>) -> Result<Bytes, HttpUnavailable> {
        let request = Request::post(self.endpoint.path.as_str()).header(CONTENT_TYPE, "application/json");
        self.answer(request, body).await
    }

    async fn answer(&mut self, request: Builder, body: Vec<u8>) -> Result<Bytes, HttpUnavailable> {
        let answer = match timeout(ANSWER_TIMEOUT, self.exchange(request, body)).await {
            Ok(answer) => answer,
            Err(_) => Err(HttpUnavailable::Slow(self.endpoint.to_string())),
        };
        if answer.is_err() {
            self.open = None;
        }
        answer
    }

    async fn exchange(&mut self, request: Builder, body: Vec<u8>) -> Result<Bytes, HttpUnavailable> {
        let request = request
            .header(HOST, self.endpoint.authority.as_str())
            .body(Full::new(Bytes::from(body)))
            .map_err(|why| broken(&self.endpoint, &why))?;
        let endpoint = self.endpoint.clone();
        let answer = self.connected().await?.send_request(request).await.map_err(|why| broken(&endpoint, &why))?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(|why| broken(&endpoint, &why))?.to_bytes();
        if status.is_success() {
            return Ok(body);
        }
        Err(HttpUnavailable::Status { endpoint: endpoint.to_string(), status })
    }

    async fn connected(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, HttpUnavailable> {
        let is_usable = match &mut self.open {
            Some(open) => open.ready().await.is_ok(),
            None => false,
        };
        if !is_usable {
            self.open = Some(self.connect().await?);
        }
        Ok(self.open.as_mut().expect("it was made above where there was none"))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, HttpUnavailable> {
        let stream = self.endpoint.connect().await?;
        let (open, driver) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|why| broken(&self.endpoint, &why))?;
        // It ends with the connection; what breaks it is told to whoever waits for an answer.
        tokio::spawn(async move { drop(driver.await) });
        Ok(open)
    }
}

pub(crate) fn broken(endpoint: &Endpoint, why: &dyn std::error::Error) -> HttpUnavailable {
    let causes = std::iter::successors(Some(why), |why| why.source()).map(ToString::to_string);
    HttpUnavailable::Broken { endpoint: endpoint.to_string(), why: causes.collect::<Vec<_>>().join(": ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_host_port_and_path() {
        for (text, host, port, shown) in [
            ("http://127.0.0.1:8545", "127.0.0.1", 8545, "http://127.0.0.1:8545"),
            ("http://localhost", "localhost", 80, "http://localhost"),
            ("http://[::1]:8545/rpc?key=1", "::1", 8545, "http://[::1]:8545/rpc?key=1"),
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!((endpoint.host.as_str(), endpoint.port, endpoint.to_string().as_str()), (host, port, shown));
        }
        for text in ["", "127.0.0.1:8545", "/rpc", "not a url"] {
            assert!(matches!(text.parse::<Endpoint>(), Err(EndpointRejected::NotAUrl(_))), "{text}");
        }
        for text in ["https://node.example", "ws://127.0.0.1:8546"] {
            assert!(matches!(text.parse::<Endpoint>(), Err(EndpointRejected::NotHttp(_))), "{text}");
        }
    }

    #[tokio::test]
    async fn nobody_there_is_told_with_the_address() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", taken.local_addr().unwrap());
        drop(taken);
        let why = Connection::to(address.parse().unwrap()).ask(Vec::new()).await.unwrap_err().to_string();
        assert!(why.starts_with(&address) && why.contains("refused"), "{why}");
    }
}
