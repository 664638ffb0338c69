//! Strangers that do their worst: the chain goes on, and everybody gets an answer.

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
/// How often each stranger that knows no JSON-RPC sends each kind of nonsense.
const NONSENSE: usize = 10;
/// How deep the nonsense is nested, and how long it says that it is.
const DEPTH: usize = 100_000;
const OVERSIZE_BYTES: usize = 64 << 20;

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
        // The first of two calls may use all the gas that there is for both.
        (
            "eth_simulateV1",
            json!([simulation]),
            ENDS.into_iter().chain(["not enough of it left"]).map(str::to_owned).collect(),
        ),
        ("eth_getLogs", json!([{"fromBlock": "0x0", "toBlock": "latest"}]), vec![logged.to_owned()]),
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

/// What is no request that any method could answer, and what it is refused with: a status, or a code.
fn nonsense() -> Vec<(String, &'static str)> {
    let request = |method: Value, params: Value| {
        json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
    };
    let balance = |params: Value| request(json!("eth_getBalance"), params);
    vec![
        (String::new(), "-32700"),
        ("{".to_owned(), "-32700"),
        ("nonsense".to_owned(), "-32700"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":["#.to_owned(), "-32700"),
        ("\u{0}".repeat(1_000), "-32700"),
        ("[".repeat(DEPTH), "-32700"),
        ("{\"a\":".repeat(DEPTH), "-32700"),
        ("[]".to_owned(), "-32600"),
        (request(json!(7), json!([])), "-32600"),
        (r#"{"jsonrpc":"1.0","id":1,"method":"eth_chainId"}"#.to_owned(), "-32600"),
        (request(json!("no_such"), json!([])), "-32601"),
        (balance(json!({"address": 7})), "-32602"),
        (balance(json!([7, [], {}])), "-32602"),
        (balance(json!(["0x".to_owned() + &"f".repeat(1 << 20)])), "-32602"),
        (request(json!("eth_sendRawTransaction"), json!([{"raw": "0x"}])), "-32602"),
        (request(json!("eth_sendRawTransaction"), json!(["0xff"])), "-32000"),
        (request(json!("eth_getLogs"), json!([{"fromBlock": "-0x1"}])), "-32602"),
        (request(json!("subnet_call"), json!([[[]]])), "-32602"),
    ]
}

/// Posts a body that says it is this long, on a connection of its own; all of the answer.
fn post(rpc: SocketAddrV4, body: &str, length: usize) -> String {
    let mut socket = TcpStream::connect(rpc).unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {rpc}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    );
    // A node that has heard enough hangs up, and its answer is there all the same.
    let _ = socket.write_all(head.as_bytes()).and_then(|()| socket.write_all(body.as_bytes()));
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_that_send_nonsense_are_refused_one_by_one_and_do_not_stop_a_chain() {
    let network = Network::running(1);
    let (mut wallet, client) = (Wallet::rich(), network.client(0));
    client.reach(1).await;
    let (rpc, before) = (network.rpc(0), client.height().await.unwrap());
    let stranger = move || {
        let mut refused = 0;
        for _ in 0..NONSENSE {
            for (body, why) in nonsense() {
                let (answer, shown) = (post(rpc, &body, body.len()), &body[..body.len().min(80)]);
                assert!(answer.contains(why), "{shown}: {answer}");
                refused += 1;
            }
            let answer = post(rpc, "[", OVERSIZE_BYTES);
            assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
            refused += 1;
        }
        refused
    };
    let strangers: Vec<_> = (0..STRANGERS).map(|_| tokio::task::spawn_blocking(stranger)).collect();
    for _ in 0..TRANSFERS {
        wallet.transfer(&client).await;
    }
    assert!(client.height().await.unwrap() >= before + TRANSFERS, "each has a block of its own");
    for stranger in strangers {
        assert_eq!(stranger.await.unwrap(), NONSENSE * (nonsense().len() + 1));
    }
    wallet.transfer(&client).await;
}
