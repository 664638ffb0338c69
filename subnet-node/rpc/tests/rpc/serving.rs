//! The socket: limits, CORS, hosts, counters, stopping.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jsonrpsee::core::client::ClientT as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tributary_rpc::{MethodCount, RpcConfig, RpcFatal, RpcServer, Traffic};

use crate::comet::chain::CometChain;
use crate::fixture::{serve, serve_with};
use crate::ledger::Ledger;
use crate::machine::LOOPER;

const CHAIN_ID_REQUEST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}"#;

/// Sends one HTTP request as it is and reads all of the answer.
pub async fn http(address: SocketAddr, head: &str, body: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!("{head}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

fn post(host: &str) -> String {
    format!("POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json")
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let served = serve().await;
    let taken = served.server.local_addr();
    let config = RpcConfig { listen: taken, ..RpcConfig::default() };
    let refused = RpcServer::start(config, Arc::new(Ledger::new(&[])), Arc::new(CometChain::of(1)), Traffic::default())
        .await
        .unwrap_err();
    assert!(matches!(refused, RpcFatal::AddressInUse(address) if address == taken), "{refused}");
    assert!(refused.to_string().contains(&taken.to_string()));
}

#[tokio::test]
async fn settings_that_could_never_match_are_refused_at_start() {
    for (change, part) in [
        (RpcConfig { cors_origins: vec!["a\nb".to_owned()], ..RpcConfig::default() }, "CORS origin \"a\\nb\""),
        (RpcConfig { allowed_hosts: vec!["a b".to_owned()], ..RpcConfig::default() }, "allowed host \"a b\""),
        (RpcConfig { client_header: "a b".to_owned(), ..RpcConfig::default() }, "client header \"a b\""),
        (RpcConfig { methods_allowed: vec!["eth_cal".to_owned()], ..RpcConfig::default() }, "\"eth_cal\" is no method"),
        (
            RpcConfig { methods_denied: vec!["engine_*".to_owned()], ..RpcConfig::default() },
            "\"engine_*\" is no method",
        ),
    ] {
        let refused =
            RpcServer::start(change, Arc::new(Ledger::new(&[])), Arc::new(CometChain::of(1)), Traffic::default())
                .await
                .unwrap_err();
        assert!(refused.to_string().contains(part), "{refused}");
    }
}

#[tokio::test]
async fn a_stopped_server_lets_go_of_its_port() {
    let served = serve().await;
    let address = served.server.local_addr();
    assert_eq!(served.ask::<String>("eth_chainId", json!([])).await, "0x7ab7");
    served.server.stop().await;
    drop(served.client);
    let again = RpcConfig { listen: address, ..RpcConfig::default() };
    RpcServer::start(again, Arc::new(Ledger::new(&[])), Arc::new(CometChain::of(1)), Traffic::default()).await.unwrap();
}

#[tokio::test]
async fn requests_and_batches_have_a_size() {
    let served = serve_with(|config| {
        config.request_bytes_max = 1_000;
        config.batch_max = 2;
    })
    .await;
    let address = served.server.local_addr();
    let large = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"web3_sha3","params":["0x{}"]}}"#, "00".repeat(600));
    let answer = http(address, &post("localhost"), &large).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("-32007"), "{answer}");

    let batch = |size: usize| format!("[{}]", vec![CHAIN_ID_REQUEST; size].join(","));
    let answer = http(address, &post("localhost"), &batch(2)).await;
    assert_eq!(answer.matches("0x7ab7").count(), 2, "{answer}");
    let answer = http(address, &post("localhost"), &batch(3)).await;
    assert!(answer.contains("-32010") && !answer.contains("0x7ab7"), "{answer}");
}

#[tokio::test]
async fn a_batch_of_transactions_is_answered_in_order_and_a_read_after_them_sees_them() {
    let served = serve().await;
    let to = crate::machine::contract(100);
    let (first, second) = (crate::fixture::signed(0, to, &[]), crate::fixture::signed(1, to, &[]));
    let alice = crate::fixture::hex(crate::fixture::alice().eth_address().0);
    let hex = |transaction: &tributary_message::EthereumTransaction| crate::fixture::hex(transaction.raw());
    let count = json!(["eth_getTransactionCount", [alice, "pending"]]);
    let calls = [
        count.clone(),
        json!(["eth_sendRawTransaction", [hex(&first)]]),
        json!(["eth_sendRawTransaction", ["0x05"]]),
        json!(["eth_sendRawTransaction", [1]]),
        json!(["subnet_sendMessage", [hex(&second)]]),
        json!(["eth_sendRawTransaction", [hex(&first)]]),
        count,
    ];
    let request =
        |(id, call): (usize, &Value)| json!({ "jsonrpc": "2.0", "id": id, "method": call[0], "params": call[1] });
    let batch: Vec<_> = calls.iter().enumerate().map(request).collect();
    let answer = http(served.server.local_addr(), &post("localhost"), &json!(batch).to_string()).await;
    let answers: Vec<Value> = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let told = |answer: &Value| (answer["id"].clone(), answer["result"].clone(), answer["error"]["code"].clone());
    let expected = [
        (json!(0), json!("0x0"), Value::Null),
        (json!(1), json!(first.hash()), Value::Null),
        (json!(2), Value::Null, json!(-32000)),
        (json!(3), Value::Null, json!(-32602)),
        (json!(4), json!(second.hash()), Value::Null),
        (json!(5), Value::Null, json!(-32000)),
        (json!(6), json!("0x2"), Value::Null),
    ];
    assert_eq!(answers.iter().map(told).collect::<Vec<_>>(), expected);
}

/// A wait for a transaction that nobody brings, in so many bytes.
fn padded_wait(bytes: usize) -> String {
    let hash = tributary_primitives::Hash32([7; 32]);
    let wait = json!({ "jsonrpc": "2.0", "id": 7, "method": "subnet_waitMessage", "params": [hash, 60_000] });
    let wait = wait.to_string();
    let padding = " ".repeat(bytes - wait.len());
    wait + &padding
}

#[tokio::test]
async fn requests_have_room_until_they_are_answered_and_who_finds_none_is_told_so() {
    // Room for sixteen of the largest, eight of them of one client; 16 KiB of each are free.
    let served = serve_with(|config| config.request_bytes_max = 100_000).await;
    let address = served.server.local_addr();
    let mut waiting = Vec::new();
    for count in 1..=10 {
        waiting.push(tokio::spawn(async move { http(address, &post("localhost"), &padded_wait(90_000)).await }));
        served.ledger.listened_to_by(count).await;
    }
    assert_eq!(served.traffic.refused_requests(), 0);
    let large = padded_wait(90_000);
    let chunks =
        large.as_bytes().chunks(1_000).map(|chunk| format!("3e8\r\n{}\r\n", std::str::from_utf8(chunk).unwrap()));
    for (header, body) in [
        (format!("content-length: {}", large.len()), large.clone()),
        ("transfer-encoding: chunked".to_owned(), chunks.collect::<String>() + "0\r\n\r\n"),
    ] {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let next = format!("{}\r\nconnection: close\r\ncontent-length: {}", post("localhost"), CHAIN_ID_REQUEST.len());
        let asked = format!("{}\r\n{header}\r\n\r\n{body}{next}\r\n\r\n{CHAIN_ID_REQUEST}", post("localhost"));
        socket.write_all(asked.as_bytes()).await.unwrap();
        let mut told = String::new();
        socket.read_to_string(&mut told).await.unwrap();
        assert!(
            told.starts_with("HTTP/1.1 503") && told.contains("retry-after: 1") && told.contains("-32005"),
            "{told}"
        );
        assert!(told.contains("there is no room for this request") && told.contains("0x7ab7"), "and goes on: {told}");
    }
    assert_eq!(served.traffic.refused_requests(), 2);
    for waits in waiting {
        waits.abort();
    }
    // The node finds out a moment later that nobody waits.
    let read = large.replace("subnet_waitMessage", "subnet_messageStatus");
    while !http(address, &post("localhost"), &read).await.starts_with("HTTP/1.1 200") {}
}

#[tokio::test]
async fn answers_have_a_size() {
    let served = serve_with(|config| config.response_bytes_max = 600).await;
    assert_eq!(served.ask::<String>("eth_chainId", json!([])).await, "0x7ab7");
    let refusal = served.refusal("eth_getBlockByNumber", json!(["0x0"])).await;
    assert_eq!((refusal.code, refusal.message.as_str()), (-32008, "Response is too big"));
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let served = serve().await;
    let address = served.server.local_addr();
    for (head, body, part) in [
        (post("localhost"), "{", "-32700"),
        (post("localhost"), r#"{"jsonrpc":"2.0","id":1}"#, "-32600"),
        (post("localhost"), r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":{"a":1}}"#, "non-array args"),
        (post("localhost").replace("application/json", "text/plain"), CHAIN_ID_REQUEST, "HTTP/1.1 415"),
        (post("localhost").replace("POST", "PUT"), CHAIN_ID_REQUEST, "HTTP/1.1 405"),
    ] {
        let answer = http(address, &head, body).await;
        assert!(answer.contains(part), "{body}: {answer}");
    }
}

#[tokio::test]
async fn only_allowed_hosts_are_answered() {
    let served = serve_with(|config| config.allowed_hosts = vec!["localhost".to_owned(), "node:1".to_owned()]).await;
    for (host, status) in
        [("localhost", 200), ("localhost:8545", 200), ("node:1", 200), ("node:2", 403), ("evil.example", 403)]
    {
        let answer = http(served.server.local_addr(), &post(host), CHAIN_ID_REQUEST).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{host}: {answer}");
    }
}

#[tokio::test]
async fn a_node_that_only_this_machine_reaches_is_asked_by_this_machines_names_unless_others_are_set() {
    let rebound = "evil.example:8545";
    for (listen, allowed, hosts) in [
        ("127.0.0.1:0", vec![], [("localhost:8545", 200), ("127.0.0.1", 200), ("[::1]:8545", 200), (rebound, 403)]),
        ("127.0.0.2:0", vec![], [("127.0.0.2:8545", 200), ("localhost", 200), ("127.0.0.3", 403), (rebound, 403)]),
        ("127.0.0.1:0", vec!["node"], [("node:8545", 200), ("node", 200), ("localhost", 403), (rebound, 403)]),
        ("127.0.0.1:0", vec!["*"], [("node:8545", 200), ("[::1]", 200), ("localhost", 200), (rebound, 200)]),
        ("0.0.0.0:0", vec![], [("node:8545", 200), ("127.0.0.1", 200), ("localhost", 200), (rebound, 200)]),
    ] {
        let served = serve_with(|config| {
            config.listen = listen.parse().unwrap();
            config.allowed_hosts = allowed.iter().map(ToString::to_string).collect();
        })
        .await;
        for (host, status) in hosts {
            let answer = http(served.server.local_addr(), &post(host), CHAIN_ID_REQUEST).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{listen} {allowed:?} {host}: {answer}");
        }
    }
}

#[tokio::test]
async fn only_pages_of_allowed_origins_may_read() {
    for (allowed, origin, header) in [
        (vec![], "https://a.example", None),
        (vec!["https://a.example"], "https://a.example", Some("https://a.example")),
        (vec!["https://a.example"], "https://b.example", None),
        (vec!["*"], "https://b.example", Some("*")),
    ] {
        let served = serve_with(|config| config.cors_origins = allowed.iter().map(ToString::to_string).collect()).await;
        let head = format!("{}\r\norigin: {origin}", post("localhost"));
        let answer = http(served.server.local_addr(), &head, CHAIN_ID_REQUEST).await;
        let found = answer.lines().find_map(|line| line.strip_prefix("access-control-allow-origin: "));
        assert_eq!(found, header, "{allowed:?} {origin}");
    }
}

#[tokio::test]
async fn a_node_too_busy_to_read_still_takes_transactions() {
    let served = serve_with(|config| {
        config.reads_max = 0;
        config.waiting_max = 0;
    })
    .await;
    let refusal = served.refusal("eth_gasPrice", json!([])).await;
    assert_eq!(refusal.code, -32005);
    let sentence =
        "the node is answering as many reads as it may and as many wait, in all or of this client; try again later";
    assert_eq!(refusal.message, sentence);
    for known in ["eth_chainId", "eth_blockNumber", "eth_syncing", "net_version", "web3_clientVersion"] {
        served.ask::<Value>(known, json!([])).await;
    }
    served.send(&crate::fixture::signed(0, crate::machine::contract(100), &[])).await;
}

#[tokio::test]
async fn more_requests_in_flight_than_allowed_are_refused_until_one_is_answered() {
    let served = serve_with(|config| {
        config.connections_max = 1;
        config.call_time_max = Duration::from_secs(2);
    })
    .await;
    let address = served.server.local_addr();
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [{"to": LOOPER}]}).to_string();
    let long = tokio::spawn(async move {
        loop {
            let answer = http(address, &post("localhost"), &call).await;
            // It may come while another is in flight.
            if !answer.starts_with("HTTP/1.1 429") {
                break answer;
            }
        }
    });
    while http(address, &post("localhost"), CHAIN_ID_REQUEST).await.starts_with("HTTP/1.1 200") {
        assert!(!long.is_finished(), "two were answered at once");
    }
    let refused = http(address, &post("localhost"), CHAIN_ID_REQUEST).await;
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    assert!(long.await.unwrap().contains("execution aborted (timeout = 2s)"));
    assert_eq!(served.ask::<String>("eth_chainId", json!([])).await, "0x7ab7");
}

#[tokio::test]
async fn every_request_is_counted_by_method_and_outcome() {
    let served = serve().await;
    served.ask::<String>("eth_chainId", json!([])).await;
    served.ask::<String>("eth_chainId", json!([])).await;
    served.refusal("eth_chainId", json!([1])).await;
    served.refusal("eth_getBalance", json!([])).await;
    served.client.request::<Value, _>("no_such", jsonrpsee::rpc_params![]).await.unwrap_err();
    let counters = served.traffic.methods();
    let outcomes = |name: &str| {
        let MethodCount { answered, rejected, unavailable, .. } = counters[name];
        (answered, rejected, unavailable)
    };
    assert_eq!((outcomes("eth_chainId"), outcomes("eth_getBalance")), ((2, 1, 0), (0, 1, 0)));
    assert!(!counters.contains_key("no_such"), "callers cannot add names");
}
