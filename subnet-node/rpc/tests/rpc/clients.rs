//! What one client may have of a node: how fast it asks, how many connections, which methods.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tributary_rpc::{MethodCount, RpcConfig};

use crate::fixture::{Served, serve, serve_with};
use crate::machine::LOOPER;
use crate::serving::http;
use crate::socket::{Socket, refused};

/// Requests in a flood: far more than are answered while it lasts.
const FLOOD: usize = 50;

/// Three requests at once, and one a second.
fn slow(config: &mut RpcConfig) {
    config.client_requests_per_s = 1;
    config.client_requests_burst = 3;
}

fn request(id: usize, method: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": []})
}

/// Head and body of the answer to a POST with this header.
async fn post(served: &Served, header: &str, body: &Value) -> (String, Value) {
    let head = format!("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{header}");
    let answer = http(served.server.local_addr(), &head, &body.to_string()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), serde_json::from_str(body).unwrap_or_default())
}

/// Asks in one batch, as this client, until it has nothing left; how many of the last batch were answered.
async fn flood(served: &Served, header: &str) -> usize {
    let batch: Value = (0..FLOOD).map(|id| request(id, "eth_chainId")).collect();
    loop {
        let (head, answers) = post(served, header, &batch).await;
        if head.starts_with("HTTP/1.1 429") {
            continue;
        }
        let answers = answers.as_array().unwrap().clone();
        let answered = answers.iter().filter(|answer| answer["result"] == "0x7ab7").count();
        let limited = answers.iter().filter(|answer| answer["error"]["code"] == -32005).count();
        assert_eq!(answered + limited, FLOOD, "{answers:?}");
        return answered;
    }
}

#[tokio::test]
async fn a_batch_is_as_many_requests_as_it_holds() {
    let served = serve_with(slow).await;
    let answered = flood(&served, "x-none: 0").await;
    assert!((3..FLOOD).contains(&answered), "{answered}");
    let count = served.traffic.methods()["eth_chainId"];
    assert_eq!(
        (count.answered, count.rejected),
        (answered.try_into().unwrap(), (FLOOD - answered).try_into().unwrap())
    );
    assert_eq!(served.traffic.limited_requests(), count.rejected);
}

#[tokio::test]
async fn who_asks_too_fast_is_told_when_to_come_again() {
    let served = serve_with(slow).await;
    let (head, body) = loop {
        flood(&served, "x-none: 0").await;
        let (head, body) = post(&served, "x-none: 0", &request(1, "eth_chainId")).await;
        if head.starts_with("HTTP/1.1 429") {
            break (head, body);
        }
    };
    assert!(head.to_lowercase().contains("retry-after: 1"), "{head}");
    assert_eq!((&body["id"], &body["error"]["code"]), (&Value::Null, &json!(-32005)));
    let message = body["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("too many requests: 1 a second are answered, 3 at once; ask again in "), "{message}");
    loop {
        flood(&served, "x-none: 0").await;
        let answer = http(served.server.local_addr(), "GET /health HTTP/1.1\r\nhost: localhost", "").await;
        if answer.starts_with("HTTP/1.1 429") {
            break;
        }
    }
}

#[tokio::test]
async fn one_client_keeps_no_other_out() {
    let served = serve_with(|config| {
        slow(config);
        config.client_header = "x-forwarded-for".to_owned();
    })
    .await;
    flood(&served, "x-forwarded-for: 192.0.2.8, 192.0.2.7").await;
    let (head, body) = post(&served, "x-forwarded-for: 192.0.2.8", &request(1, "eth_chainId")).await;
    assert!(head.starts_with("HTTP/1.1 200") && body["result"] == "0x7ab7", "{head}");
}

#[tokio::test]
async fn what_is_no_request_is_counted_as_one_in_a_batch_and_on_a_websocket() {
    for entry in
        [json!(7), json!({"jsonrpc": "2.0", "id": 1}), json!({"jsonrpc": "1.0", "id": 1, "method": "eth_chainId"})]
    {
        let batch = Value::from(vec![entry.clone(); FLOOD]);
        let served = serve_with(slow).await;
        let (_, over_http) = post(&served, "x-none: 0", &batch).await;
        let served = serve_with(slow).await;
        let mut socket = Socket::open(&served).await;
        socket.send_text(batch.to_string()).await;
        for answers in [over_http, socket.next().await] {
            let codes =
                |code: i32| answers.as_array().unwrap().iter().filter(|answer| answer["error"]["code"] == code).count();
            assert!(codes(-32600) >= 3 && codes(-32005) > 0, "{entry}: {answers}");
            assert_eq!(codes(-32600) + codes(-32005), FLOOD);
        }
    }
    for text in ["{", "nonsense", "{}", "[]"] {
        let served = serve_with(slow).await;
        let mut socket = Socket::open(&served).await;
        let mut limited = 0;
        for _ in 0..15 {
            socket.send_text(text).await;
            limited += u32::from(refused(&socket.next().await).0 == -32005);
        }
        assert!((1..=12).contains(&limited), "{text}: {limited}");
    }
    let (served, mut limited) = (serve_with(slow).await, 0);
    let head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json";
    for _ in 0..15 {
        limited += u32::from(http(served.server.local_addr(), head, "{").await.starts_with("HTTP/1.1 429"));
    }
    assert!((1..=12).contains(&limited), "{limited}");
}

#[tokio::test]
async fn notifications_are_counted_though_nobody_answers_them() {
    let notification = json!({"jsonrpc": "2.0", "method": "eth_chainId", "params": []});
    let batch: Value = (0..FLOOD).map(|_| notification.clone()).chain([request(1, "eth_chainId")]).collect();
    let served = serve_with(slow).await;
    let (_, answers) = post(&served, "x-none: 0", &batch).await;
    assert_eq!(
        (answers.as_array().map(Vec::len), &answers[0]["error"]["code"]),
        (Some(1), &json!(-32005)),
        "{answers}"
    );

    let served = serve_with(slow).await;
    let mut socket = Socket::open(&served).await;
    socket.send_text(batch.to_string()).await;
    assert_eq!(socket.next().await[0]["error"]["code"], -32005);
    for _ in 0..FLOOD {
        socket.send_text(notification.to_string()).await;
    }
    assert_eq!(socket.refusal("eth_chainId", json!([])).await.0, -32005);
    assert!(served.traffic.limited_requests() > 50, "those of the messages alone too");
}

#[tokio::test]
async fn requests_on_a_websocket_are_counted_one_by_one_and_it_stays_open() {
    let served = serve_with(slow).await;
    let mut socket = Socket::open(&served).await;
    for _ in 0..FLOOD {
        socket.send("eth_chainId", json!([])).await;
    }
    let mut limited = 0;
    for _ in 0..FLOOD {
        let answer = socket.next().await;
        if answer["result"] != "0x7ab7" {
            assert_eq!(refused(&answer).0, -32005, "{answer}");
            limited += 1;
        }
    }
    assert!((1..=FLOOD - 3).contains(&limited), "{limited}");
}

#[tokio::test]
async fn an_address_has_as_many_connections_as_it_may_and_others_have_theirs() {
    let served = serve_with(|config| config.client_connections_max = 2).await;
    let address = served.server.local_addr();
    let (first, mut second) = (Socket::open(&served).await, Socket::open(&served).await);
    let mut told = String::new();
    TcpStream::connect(address).await.unwrap().read_to_string(&mut told).await.unwrap();
    assert!(told.starts_with("HTTP/1.1 429") && told.contains("as many connections are open"), "{told}");
    assert_eq!(served.traffic.refused_connections(), 1);

    let elsewhere = TcpSocket::new_v4().unwrap();
    elsewhere.bind((Ipv4Addr::new(127, 0, 0, 2), 0).into()).unwrap();
    let elsewhere = elsewhere.connect(address).await.unwrap();
    assert!(elsewhere.peer_addr().is_ok(), "another address");
    assert_eq!(second.ask("eth_chainId", json!([])).await, "0x7ab7", "those that are open are served");

    drop(first);
    // The node finds out a moment later. Until then who writes may find the connection gone.
    let body = request(1, "eth_chainId").to_string();
    let head = "POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json";
    let asked = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let mut told = String::new();
    while !told.contains("0x7ab7") {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let _ = socket.write_all(asked.as_bytes()).await;
        told.clear();
        let _ = socket.read_to_string(&mut told).await;
    }
}

#[tokio::test]
async fn what_is_denied_is_served_nowhere() {
    let denied = ["eth_call", "net_*", "cometbft_*", "eth_subscribe"];
    let served = serve_with(|config| config.methods_denied = denied.map(str::to_owned).to_vec()).await;
    for method in ["eth_call", "net_version", "status", "eth_subscribe"] {
        let refusal = served.refusal(method, json!([])).await;
        let sentence = match method {
            // A client of CometBFT's knows this one.
            "status" => "Method not found".to_owned(),
            _ => format!("the method {method} does not exist/is not available"),
        };
        assert_eq!((refusal.code, refusal.message), (-32601, sentence.clone()), "{method}");
        let mut socket = Socket::open(&served).await;
        assert_eq!(socket.refusal(method, json!([])).await, (-32601, sentence), "{method}");
        let count = served.traffic.methods()[method];
        assert_eq!(count, MethodCount { rejected: 2, total_us: 0, ..MethodCount::default() }, "{method}");
    }
    assert!(
        http(served.server.local_addr(), "GET /status HTTP/1.1\r\nhost: localhost", "")
            .await
            .starts_with("HTTP/1.1 404")
    );
    let (_, answers) = post(&served, "x-none: 0", &json!([request(1, "net_version"), request(2, "eth_chainId")])).await;
    assert_eq!((&answers[0]["error"]["code"], &answers[1]["result"]), (&json!(-32601), &json!("0x7ab7")));
}

#[tokio::test]
async fn a_method_that_is_not_there_is_counted_as_any_other_request() {
    let served = serve_with(slow).await;
    let batch: Value = (0..FLOOD).map(|id| request(id, "no_such")).collect();
    let (_, answers) = post(&served, "x-none: 0", &batch).await;
    let codes = |code: i32| answers.as_array().unwrap().iter().filter(|answer| answer["error"]["code"] == code).count();
    assert!(codes(-32601) >= 3 && codes(-32005) > 0, "{answers}");
    assert_eq!(codes(-32601) + codes(-32005), FLOOD);
}

#[tokio::test]
async fn what_is_allowed_is_all_that_is_served() {
    let served = serve_with(|config| {
        config.methods_allowed = vec!["eth_*".to_owned(), "status".to_owned()];
        config.methods_denied = vec!["eth_sendRawTransaction".to_owned()];
    })
    .await;
    assert_eq!(served.ask::<String>("eth_chainId", json!([])).await, "0x7ab7");
    for method in ["subnet_status", "eth_sendRawTransaction", "health"] {
        assert_eq!(served.refusal(method, json!([])).await.code, -32601, "{method}");
    }
    assert_eq!(served.get("/status").await.0, 200);
}

#[tokio::test]
async fn a_console_is_told_the_namespaces_that_are_served() {
    let all = ["debug", "eth", "net", "rpc", "subnet", "txpool", "web3"];
    for (allowed, denied, told) in [
        (&[][..], &[][..], &all[..]),
        (&[], &["net_*", "debug_*", "subnet_*", "eth_call"], &["eth", "rpc", "txpool", "web3"]),
        (&["eth_chainId", "rpc_modules", "cometbft_*"], &[], &["eth", "rpc"]),
    ] {
        let words = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        let served = serve_with(|config| {
            (config.methods_allowed, config.methods_denied) = (words(allowed), words(denied));
        })
        .await;
        let expected: Value = told.iter().map(|name| ((*name).to_owned(), json!("1.0"))).collect();
        assert_eq!(served.ask::<Value>("rpc_modules", json!([])).await, expected);
    }
}

#[tokio::test]
async fn nobody_is_limited_unless_the_operator_says_so() {
    let served = serve().await;
    assert_eq!(flood(&served, "x-none: 0").await, FLOOD);
    assert_eq!((served.traffic.limited_requests(), served.traffic.refused_connections()), (0, 0));
}

#[tokio::test]
async fn who_asks_for_much_keeps_no_other_from_a_place() {
    let served = serve_with(|config| {
        config.client_header = "x-forwarded-for".to_owned();
        (config.reads_max, config.waiting_max) = (1, 10);
        config.call_time_max = Duration::from_secs(2);
    })
    .await;
    let mut socket = Socket::open_with(&served, &[("x-forwarded-for", "192.0.2.7")]).await.unwrap();
    socket.send("eth_call", json!([{ "to": LOOPER }])).await;
    for _ in 0..8 {
        socket.send("eth_gasPrice", json!([])).await;
    }
    for _ in 0..3 {
        let (code, sentence) = refused(&socket.next().await);
        assert!(code == -32005 && sentence.contains("as many wait, in all or of this client"), "{sentence}");
    }
    let (_, answer) = post(&served, "x-forwarded-for: 192.0.2.8", &request(1, "eth_gasPrice")).await;
    assert!(answer["result"].is_string(), "{answer}");
}
