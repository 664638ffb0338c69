//! Takes connections in, as many as may be, at all and of one address.

use std::sync::Arc;
use std::time::Duration;

use jsonrpsee::server::StopHandle;
use tokio::net::{TcpListener, TcpStream};

use crate::clients::{Clients, Connection, NoPlace};

/// What who finds no place is told, if it fits into the socket.
const NONE_AT_ALL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-type: text/plain\r\ncontent-length: 68\r\nconnection: close\r\n\r\n\
    as many connections are open as this node takes in; try again later\n";

/// What who has too many connections is told.
const TOO_MANY: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\n\
    content-type: text/plain\r\ncontent-length: 81\r\nconnection: close\r\n\r\n\
    as many connections are open from this address as may be; close one or try again\n";

/// Pause after the system gave none, as when there is no file descriptor left.
const NONE_LEFT_PAUSE: Duration = Duration::from_millis(50);

/// Serves every connection by `serve`, until `stop` says so.
pub async fn listen<F>(
    listener: TcpListener,
    clients: Arc<Clients>,
    stop: StopHandle,
    serve: impl Fn(TcpStream, Connection) -> F,
) where
    F: Future<Output = Result<(), hyper::Error>> + Send + 'static,
{
    let mut stopped = std::pin::pin!(stop.shutdown());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stopped => return,
        };
        let (socket, from) = match accepted {
            Ok(accepted) => accepted,
            Err(why) => {
                tracing::debug!(%why, "no RPC connection");
                tokio::time::sleep(NONE_LEFT_PAUSE).await;
                continue;
            }
        };
        let connection = match clients.connect(from) {
            Ok(connection) => connection,
            Err(why) => {
                // Who does not hear it sees the connection closed.
                let _ = socket.try_write(refusal(why));
                continue;
            }
        };
        // One that broke meanwhile is found out when it is served.
        let _ = socket.set_nodelay(true);
        let serving = serve(socket, connection);
        tokio::spawn(async move {
            if let Err(why) = serving.await {
                tracing::debug!(%why, "an RPC connection broke");
            }
        });
    }
}

const fn refusal(why: NoPlace) -> &'static [u8] {
    match why {
        NoPlace::AtAll => NONE_AT_ALL,
        NoPlace::OfAddress => TOO_MANY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_as_long_as_it_says() {
        for said in [NoPlace::AtAll, NoPlace::OfAddress].map(refusal) {
            let said = std::str::from_utf8(said).unwrap();
            let (head, body) = said.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("content-length: {}", body.len())), "{}", body.len());
        }
    }
}
