//! `/health`, `/ready` and `/metrics` over HTTP.
//!
//! | path | answers |
//! |---|---|
//! | `/health` | 200 while the program does its work; 503 and the reason when it must be restarted or looked at |
//! | `/ready` | 200 while it should get requests; 503 and the reason otherwise |
//! | `/metrics` | its numbers, in the OpenMetrics text format |
//!
//! Anything else is 404. A connection may send 8 KiB of headers within ten seconds; [`CONNECTIONS_MAX`] are served at once.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections served at once; a scraper and a prober need two.
pub const CONNECTIONS_MAX: usize = 32;
/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 8 * 1024;
/// Time for a request's head to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The content type of OpenMetrics.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a program tells about itself.
pub trait Status: Send + Sync + 'static {
    /// What is wrong, if anything is.
    ///
    /// # Errors
    /// A sentence for the operator.
    fn health(&self) -> Result<(), String>;

    /// Why it should get no requests now, if so.
    ///
    /// # Errors
    /// A sentence for the operator.
    fn ready(&self) -> Result<(), String>;

    /// All numbers in the OpenMetrics text format.
    fn metrics(&self) -> String;
}

/// The address cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for {purpose}: {why}; choose another address or stop what holds it")]
pub struct BindRejected {
    address: SocketAddr,
    purpose: &'static str,
    why: io::Error,
}

/// Binds `address` for `purpose`, which a refusal names.
///
/// # Errors
/// [`BindRejected`], such as a port in use.
pub async fn bind(address: SocketAddr, purpose: &'static str) -> Result<TcpListener, BindRejected> {
    TcpListener::bind(address).await.map_err(|why| BindRejected { address, purpose, why })
}

/// Serves on `listener` until `stop` resolves.
pub async fn serve(listener: TcpListener, status: Arc<dyn Status>, stop: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let accept = async {
        loop {
            let place = Arc::clone(&places).acquire_owned().await.expect("nobody closes the semaphore");
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(converse(stream, Arc::clone(&status), place))),
                Err(why) => {
                    // Out of file descriptors, or a client that left already: the next one may fare better.
                    tracing::debug!(%why, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    };
    tokio::select! {
        () = accept => {}
        () = stop => {}
    }
}

fn answer(status: &dyn Status, method: &Method, path: &str) -> Response<Full<Bytes>> {
    let told = |outcome: Result<(), String>| match outcome {
        Ok(()) => respond(StatusCode::OK, "text/plain", "ok\n".to_owned()),
        Err(complaint) => respond(StatusCode::SERVICE_UNAVAILABLE, "text/plain", complaint + "\n"),
    };
    match (method, path) {
        (&Method::GET, "/health") => told(status.health()),
        (&Method::GET, "/ready") => told(status.ready()),
        (&Method::GET, "/metrics") => respond(StatusCode::OK, OPEN_METRICS, status.metrics()),
        _ => respond(StatusCode::NOT_FOUND, "text/plain", "GET /health, /ready or /metrics\n".to_owned()),
    }
}

fn respond(status: StatusCode, content_type: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

async fn converse(stream: TcpStream, status: Arc<dyn Status>, _place: OwnedSemaphorePermit) {
    let service = service_fn(|request: Request<Incoming>| {
        let response = answer(status.as_ref(), request.method(), request.uri().path());
        async { Ok::<_, Infallible>(response) }
    });
    let conversation = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(why) = conversation.await {
        tracing::debug!(%why, "a connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    struct Halted;

    impl Status for Halted {
        fn health(&self) -> Result<(), String> {
            Err("halted; the log says why".to_owned())
        }

        fn ready(&self) -> Result<(), String> {
            Ok(())
        }

        fn metrics(&self) -> String {
            "blocks_total 7\n".to_owned()
        }
    }

    async fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn each_path_tells_its_own_and_nothing_else_is_served() {
        let listener = bind(([127, 0, 0, 1], 0).into(), "metrics").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener, Arc::new(Halted), std::future::pending()));
        for (path, status, body) in [
            ("/health", "503", "halted; the log says why"),
            ("/ready", "200", "ok"),
            ("/metrics", "200", "blocks_total 7"),
            ("/", "404", "GET /health"),
        ] {
            let answer = get(address, path).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(body), "{path}: {answer}");
        }
        server.abort();
    }

    #[tokio::test]
    async fn a_port_in_use_is_named_with_what_wanted_it() {
        let holder = bind(([127, 0, 0, 1], 0).into(), "metrics").await.unwrap();
        let address = holder.local_addr().unwrap();
        let refusal = bind(address, "metrics").await.unwrap_err().to_string();
        assert!(refusal.contains(&address.to_string()) && refusal.contains("for metrics"), "{refusal}");
    }
}
