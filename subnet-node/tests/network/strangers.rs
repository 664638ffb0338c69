//! Readers that do their worst: the chain goes on, and everybody gets an answer.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddrV4, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::client::until;
use crate::network::Network;
use crate::wallet::Wallet;

/// Each kind of stranger, at once: with calls alone more than a node runs.
const STRANGERS: usize = 12;
/// WebSockets of which nothing is read.
const SLEEPERS: usize = 8;
const TRANSFERS: u64 = 10;

/// A contract that jumps for ever.
const LOOPER: &str = "0x1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f";

/// What a call that never ends is answered: as its gas or its time is over first.
const ENDS: [&str; 2] = ["out of gas", "execution aborted"];

/// Reads that cost a node as much as it lets them, and what each may be answered. The transaction `logged` made the chain's only log.
fn worst(logged: &str) -> [(&'static str, Value, Vec<String>); 3] {
    let code = json!({LOOPER: {"code": "0x5b5f56"}});
    let simulation =
        json!({"blockStateCalls": [{"stateOverrides": code, "calls": [{"to": LOOPER}]}, {"calls": [{"to": LOOPER}]}]});
    [
        ("eth_call", json!([{"to": LOOPER, "gas": "0xffffffff"}, "latest", code]), ENDS.map(str::to_owned).into()),
        ("eth_simulateV1", json!([simulation]), ENDS.map(str::to_owned).into()),
        ("eth_getLogs", json!([{"fromBlock": "0x0", "toBlock": "0xffffffff"}]), vec![logged.to_owned()]),
    ]
}

/// A WebSocket that is told of every block, and of which nothing more is read.
fn sleeper(rpc: SocketAddrV4) -> TcpStream {
    let mut socket = TcpStream::connect(rpc).unwrap();
    let handshake = format!(
        "GET / HTTP/1.1\r\nhost: {rpc}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    socket.write_all(handshake.as_bytes()).unwrap();
    let mut status = [0; 12];
    socket.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 101");
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}).to_string();
    // A text frame whose mask is zero.
    let head = [0x81, 0x80 | u8::try_from(request.len()).unwrap(), 0, 0, 0, 0];
    socket.write_all(&[&head[..], request.as_bytes()].concat()).unwrap();
    socket
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_do_their_worst_do_not_stop_a_chain() {
    let network = Network::running(1);
    let (mut wallet, client) = (Wallet::rich(), network.client(0));
    client.reach(1).await;
    let logged = wallet.log(&client).await;
    let sleepers: Vec<_> = (0..SLEEPERS).map(|_| sleeper(network.rpc(0))).collect();
    let is_over = Arc::new(AtomicBool::new(false));
    let answers: [Arc<AtomicU64>; 3] = Default::default();
    let mut strangers = Vec::new();
    for ((method, params, expected), count) in worst(&logged).into_iter().zip(&answers) {
        for _ in 0..STRANGERS {
            let (client, params, expected) = (network.client(0), params.clone(), expected.clone());
            let (is_over, count) = (Arc::clone(&is_over), Arc::clone(count));
            strangers.push(tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let answer = client.ask(method, params.clone()).await;
                    let answer = answer.map_or_else(|refusal| refusal, |answer| answer.to_string());
                    assert!(expected.iter().any(|one| answer.contains(one)), "{method}: {answer}");
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
    }
    let answered = || answers.iter().map(|count| count.load(Ordering::Relaxed)).min().unwrap();
    until("strangers to be at it", async || answered() > 0).await;
    let before = (answered(), client.height().await.unwrap());
    for _ in 0..TRANSFERS {
        wallet.transfer(&client).await;
    }
    assert!(client.height().await.unwrap() >= before.1 + TRANSFERS, "each has a block of its own");
    until("more answers", async || answered() > before.0).await;
    is_over.store(true, Ordering::Relaxed);
    for stranger in strangers {
        stranger.await.unwrap();
    }
    assert_eq!(network.metric(0, "tributary_rpc_websockets"), u64::try_from(SLEEPERS).unwrap());
    drop(sleepers);
    until("nobody", async || network.metric(0, "tributary_rpc_websockets") == 0).await;
}
