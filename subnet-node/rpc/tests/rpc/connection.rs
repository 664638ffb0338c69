//! Connections that are held and not made use of. Each leaves the one place there is to the next.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tributary_rpc::RpcConfig;

use crate::fixture::{Served, hex, serve_with};
use crate::machine::contract;

/// Ends what is held too long; nothing else that these tests do.
const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(3_600);

/// Serves one connection at a time.
async fn serve_one(change: impl FnOnce(&mut RpcConfig)) -> Served {
    serve_with(|config| {
        config.sockets_max = 1;
        (config.idle_max, config.stalled_max) = (LONG, LONG);
        change(config);
    })
    .await
}

fn request(body: &Value, bytes: usize) -> String {
    format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {bytes}\r\n\r\n{body}"
    )
}

fn chain_id() -> String {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": [] });
    request(&body, body.to_string().len())
}

/// Sends `bytes`, and all that comes until the node hangs up.
async fn said_to(served: &Served, bytes: &str) -> String {
    let mut socket = TcpStream::connect(served.server.local_addr()).await.unwrap();
    socket.write_all(bytes.as_bytes()).await.unwrap();
    let mut said = String::new();
    socket.read_to_string(&mut said).await.unwrap();
    said
}

/// Whoever comes is served once the place is free.
async fn served_again(served: &Served) {
    loop {
        let mut socket = TcpStream::connect(served.server.local_addr()).await.unwrap();
        let mut status = [0; 12];
        // One that finds no place may be closed before it has said anything.
        let asked = async {
            socket.write_all(chain_id().as_bytes()).await?;
            socket.read_exact(&mut status).await
        };
        if asked.await.is_ok() && &status == b"HTTP/1.1 200" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn who_sends_no_request_or_half_a_head_is_hung_up_on() {
    let served = serve_one(|config| config.idle_max = SHORT).await;
    for (sent, answers) in [(String::new(), 0), (chain_id(), 1), (chain_id() + &chain_id() + "POST / HT", 2)] {
        let said = said_to(&served, &sent).await;
        assert_eq!(said.matches("0x7ab7").count(), answers, "{sent}: {said}");
        served_again(&served).await;
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let served = serve_one(|config| config.stalled_max = SHORT).await;
    let said = said_to(&served, &request(&json!([]), 100)).await;
    assert!(!said.starts_with("HTTP/1.1 200"), "{said}");
    served_again(&served).await;
}

#[tokio::test]
async fn an_answer_that_is_not_read_is_not_waited_for() {
    let served = serve_one(|config| {
        config.stalled_max = SHORT;
        config.request_bytes_max = 16 << 20;
    })
    .await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut socket = socket.connect(served.server.local_addr()).await.unwrap();
    // More than a socket holds comes back.
    let call = json!([{ "to": contract(7), "input": hex(vec![7; 2_000_000]) }]);
    let batch = json!(vec![json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": call }); 3]);
    socket.write_all(request(&batch, batch.to_string().len()).as_bytes()).await.unwrap();
    let mut status = [0; 12];
    socket.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    served_again(&served).await;
}
