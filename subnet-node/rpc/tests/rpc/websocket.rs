//! WebSockets: what is asked on them, what bounds them, how they end.

use std::time::Duration;

use futures::StreamExt as _;
use jsonrpsee::core::client::ClientT as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::Message;
use tributary_rpc::RpcConfig;

use crate::fixture::{Served, hex, list, serve, serve_with};
use crate::machine::{LOOPER, contract};
use crate::serving::http;
use crate::socket::{Socket, refused};

#[tokio::test]
async fn what_is_asked_is_answered_as_over_http() {
    let served = serve().await;
    let mut socket = Socket::open(&served).await;
    assert_eq!(socket.ask("eth_chainId", json!([])).await, "0x7ab7");
    let block: Value = served.ask("eth_getBlockByNumber", json!(["0x0", false])).await;
    assert_eq!(socket.ask("eth_getBlockByNumber", json!(["0x0", false])).await, block);
    for (method, parameters) in [("eth_getBalance", json!([])), ("eth_chainId", json!([1])), ("no_such", json!([]))] {
        let over_http = served.refusal(method, parameters.clone()).await;
        let refusal = socket.refusal(method, parameters).await;
        assert_eq!(refusal, (over_http.code.into(), over_http.message), "{method}");
    }
    assert_eq!(served.traffic.methods()["eth_chainId"].answered, 1);
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_the_next_one_is_answered() {
    let served = serve_with(|config| config.batch_max = 2).await;
    let mut socket = Socket::open(&served).await;
    for (text, code) in [
        ("", -32700),
        ("{", -32700),
        ("nonsense", -32700),
        ("[", -32700),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"eth_chainId"}"#, -32600),
        ("[1,2,3]", -32010),
        ("[]", -32600),
    ] {
        socket.send_text(text).await;
        assert_eq!(refused(&socket.next().await).0, code, "{text}");
    }
    // Nobody waits for the answer to a notification.
    socket.send_text(r#"{"jsonrpc":"2.0","method":"eth_chainId"}"#).await;
    assert_eq!(socket.ask("eth_chainId", json!([])).await, "0x7ab7");
}

#[tokio::test]
async fn what_has_an_id_that_cannot_be_one_is_no_request_and_no_notification() {
    let served = serve().await;
    let mut socket = Socket::open(&served).await;
    let invalid = json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32600, "message": "Invalid request" } });
    let with = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"eth_chainId"}}"#);
    let head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json";
    let answer = async |text: &str| {
        let answer = http(served.server.local_addr(), head, text).await;
        let (status, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(status.starts_with("HTTP/1.1 200"), "{text}: {answer}");
        body.to_owned()
    };
    for id in ["{}", "[]", "[1]", "true", "false", "-1", "1.5", r#"1,"id":2"#] {
        let (alone, batch) = (with(id), format!("[{},{},7]", with("3"), with(id)));
        let told = json!([{ "jsonrpc": "2.0", "id": 3, "result": "0x7ab7" }, &invalid, &invalid]);
        for (text, told) in [(alone, &invalid), (batch, &told)] {
            assert_eq!(serde_json::from_str::<Value>(&answer(&text).await).unwrap(), *told, "{text}");
            socket.send_text(text.as_str()).await;
            assert_eq!(socket.next().await, *told, "{text}");
        }
    }
    for id in ["null", "0", r#""a""#] {
        let told = json!({ "jsonrpc": "2.0", "id": serde_json::from_str::<Value>(id).unwrap(), "result": "0x7ab7" });
        assert_eq!(serde_json::from_str::<Value>(&answer(&with(id)).await).unwrap(), told);
        socket.send_text(with(id)).await;
        assert_eq!(socket.next().await, told);
    }
    let list = r#"[["2.0","eth_chainId",null]]"#;
    assert_eq!(serde_json::from_str::<Value>(&answer(list).await).unwrap(), json!([&invalid]));
    socket.send_text(list).await;
    assert_eq!(socket.next().await, json!([&invalid]));
    let notification = r#"{"jsonrpc":"2.0","method":"eth_chainId","params":[{"id":{}}]}"#;
    // It has none of its own. What comes over HTTP gets a body, and this is jsonrpsee's for nothing.
    assert_eq!(answer(notification).await, "null");
    assert_eq!(answer(&format!("[{notification}]")).await, "null");
}

#[tokio::test]
async fn who_sends_no_request_again_and_again_is_told_to_leave() {
    let served = serve().await;
    let mut socket = Socket::open(&served).await;
    for text in ["nonsense", "{}", "[7]"] {
        for _ in 0..15 {
            socket.send_text(text).await;
            assert!(!socket.next().await.is_null());
        }
        assert_eq!(socket.ask("eth_chainId", json!([])).await, "0x7ab7", "it begins again with a request");
    }
    for _ in 0..16 {
        socket.send_text("nonsense").await;
    }
    let reason = "16 messages one after the other were no requests; send JSON-RPC 2.0";
    assert_eq!(socket.closed().await, Some((1008, reason.to_owned())));
}

#[tokio::test]
async fn a_batch_is_answered_in_its_order() {
    let served = serve().await;
    let mut socket = Socket::open(&served).await;
    let request = |id: u64, method: &str| json!({"jsonrpc": "2.0", "id": id, "method": method, "params": []});
    let batch = json!([request(3, "eth_chainId"), 7, request(1, "no_such"), request(2, "eth_blockNumber")]);
    socket.send_text(batch.to_string()).await;
    let answers = socket.next().await;
    let told = |answer: &Value| (answer["id"].clone(), answer["result"].clone(), answer["error"]["code"].clone());
    let told: Vec<_> = answers.as_array().unwrap().iter().map(told).collect();
    let none = Value::Null;
    assert_eq!(
        told,
        [
            (json!(3), json!("0x7ab7"), none.clone()),
            (none.clone(), none.clone(), json!(-32600)),
            (json!(1), none.clone(), json!(-32601)),
            (json!(2), json!("0x0"), none),
        ]
    );
}

/// A client's frame: its first two bytes, then a mask of zeros, then the payload.
fn frame(kind: u8, length: u8, payload: &[u8]) -> Vec<u8> {
    [&[kind, length][..], &[0; 4], payload].concat()
}

#[tokio::test]
async fn what_is_no_websocket_is_told_so() {
    let served = serve().await;
    for (bytes, reason) in [
        (vec![0x81, 0x02, b'{', b'}'], "unmasked"),
        (frame(0xc1, 0x80, &[]), "reserved"),
        (frame(0x83, 0x80, &[]), "invalid opcode: 3"),
        (frame(0x8b, 0x80, &[]), "invalid opcode: 11"),
        (frame(0x80, 0x80, &[]), "continue frame"),
        (frame(0x09, 0x80, &[]), "fragmented control"),
        (frame(0x81, 0x81, &[0xff]), "utf-8"),
        (frame(0x82, 0x81, &[0xff]), "utf-8"),
    ] {
        let mut socket = Socket::open(&served).await;
        socket.stream.get_mut().write_all(&bytes).await.unwrap();
        let (code, told) = socket.closed().await.unwrap();
        assert!(code == 1002 && told.to_lowercase().contains(reason), "{bytes:?}: {code} {told}");
    }
    assert_eq!(Socket::open(&served).await.ask("eth_chainId", json!([])).await, "0x7ab7");
}

#[tokio::test]
async fn a_message_has_a_size_whole_or_in_parts() {
    let served = serve_with(|config| config.request_bytes_max = 1_000).await;
    let whole = Message::text("x".repeat(1_001));
    let head = frame(0x01, 0xfe, &[]);
    let part = [&head[..2], &600_u16.to_be_bytes(), &[0; 4], &[b'x'; 600]].concat();
    let again = [&[0x00][..], &part[1..]].concat();
    for parts in [None, Some([part, again].concat())] {
        let mut socket = Socket::open(&served).await;
        match parts {
            None => futures::SinkExt::send(&mut socket.stream, whole.clone()).await.unwrap(),
            Some(parts) => socket.stream.get_mut().write_all(&parts).await.unwrap(),
        }
        let told = socket.closed().await;
        assert_eq!(told, Some((1009, "a message has 1000 bytes at most".to_owned())));
    }
    let mut socket = Socket::open(&served).await;
    let padded = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}}{}"#, " ".repeat(953));
    assert_eq!(padded.len(), 1_000);
    socket.send_text(padded).await;
    assert_eq!(socket.next().await["result"], "0x7ab7", "exactly the limit");
}

#[tokio::test]
async fn an_answer_has_a_size() {
    let served = serve_with(|config| config.response_bytes_max = 600).await;
    let mut socket = Socket::open(&served).await;
    assert_eq!(socket.refusal("eth_getBlockByNumber", json!(["0x0"])).await.0, -32008);
    assert_eq!(socket.ask("eth_chainId", json!([])).await, "0x7ab7");
}

#[tokio::test]
async fn more_websockets_than_allowed_are_refused_until_one_is_closed() {
    let served = serve_with(|config| config.websockets_max = 1).await;
    let mut first = Socket::open(&served).await;
    first.ask("eth_chainId", json!([])).await;
    assert_eq!(served.traffic.websockets.count(), 1);
    assert_eq!(Socket::open_with(&served, &[]).await.err(), Some(429));
    assert_eq!(served.ask::<String>("eth_chainId", json!([])).await, "0x7ab7", "others are not kept out");

    first.stream.close(None).await.unwrap();
    assert_eq!(first.closed().await, None, "it is answered in kind");
    // The node hangs up only once it has given the place back, but tells us so a moment before.
    let mut second = Err(429);
    while second.is_err() {
        second = Socket::open_with(&served, &[]).await.map(|_| ());
    }
}

#[tokio::test]
async fn a_page_may_ask_only_if_its_origin_is_allowed() {
    for (allowed, origin, answer) in [
        (vec![], None, None),
        (vec![], Some("https://a.example"), Some(403)),
        (vec!["https://a.example"], Some("https://a.example"), None),
        (vec!["https://a.example"], Some("https://b.example"), Some(403)),
        (vec!["*"], Some("https://b.example"), None),
    ] {
        let served = serve_with(|config| config.cors_origins = allowed.iter().map(ToString::to_string).collect()).await;
        let headers: Vec<_> = origin.iter().map(|origin| ("origin", *origin)).collect();
        assert_eq!(Socket::open_with(&served, &headers).await.err(), answer, "{allowed:?} {origin:?}");
    }
}

#[tokio::test]
async fn only_allowed_hosts_are_upgraded_and_only_a_handshake_is() {
    let served = serve_with(|config| config.allowed_hosts = vec!["node".to_owned()]).await;
    assert_eq!(Socket::open_with(&served, &[]).await.err(), Some(403));
    assert_eq!(Socket::open_with(&served, &[("host", "node")]).await.err(), None);
    assert_eq!(Socket::open_with(&served, &[("host", "node"), ("sec-websocket-version", "12")]).await.err(), Some(400));
}

/// A request whose answer is as large as it is.
fn echo(bytes: usize) -> Value {
    json!([{ "to": contract(7), "input": hex(vec![7; bytes]) }])
}

#[tokio::test]
async fn what_comes_faster_than_it_is_answered_waits_and_is_answered_all_the_same() {
    let served = serve_with(|config| config.websocket_calls_max = 1).await;
    let mut socket = Socket::open(&served).await;
    for _ in 0..50 {
        socket.send("eth_call", echo(100)).await;
    }
    for id in 1..=50 {
        assert_eq!(socket.next().await["id"], id, "one at a time, so in order");
    }
}

/// Waits until the node has closed a connection whose reader is too slow.
async fn dropped(served: &Served) {
    while served.traffic.slow_readers() == 0 || served.traffic.websockets.count() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn who_asks_and_never_reads_is_dropped() {
    let served = serve_with(|config| {
        config.websocket_calls_max = 2;
        config.stalled_max = Duration::from_millis(100);
    })
    .await;
    let mut socket = Socket::narrow(&served).await;
    let flood = async {
        // Ends when the node hangs up: it stops to read long before all is sent.
        loop {
            let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": echo(500_000) });
            if futures::SinkExt::send(&mut socket.stream, Message::text(request.to_string())).await.is_err() {
                break;
            }
        }
    };
    tokio::join!(flood, dropped(&served));
    assert_eq!(Socket::open(&served).await.ask("eth_chainId", json!([])).await, "0x7ab7");
}

/// A socket whose other side takes little. It has asked for so many large answers, of which none is made yet, since the one place for reads
/// is taken; and the node has heard all that.
async fn behind_a_long_read(served: &Served, large: &Value, count: usize) -> Socket {
    let mut socket = Socket::narrow(served).await;
    socket.send("eth_call", json!([{ "to": LOOPER }])).await;
    for _ in 0..count {
        socket.send("eth_call", large.clone()).await;
    }
    // That needs no place, so its answer tells.
    let last = socket.send("eth_subscribe", json!(["newHeads"])).await;
    while socket.next().await["id"] != last {}
    socket
}

#[tokio::test]
async fn who_asks_and_does_not_read_holds_up_nobody() {
    let served = serve_with(|config| {
        config.reads_max = 1;
        config.call_time_max = Duration::from_secs(3);
    })
    .await;
    // Each is more than a socket holds.
    let _socket = behind_a_long_read(&served, &echo(2_000_000), 3).await;
    assert_eq!(served.ask::<String>("eth_getBalance", json!([contract(9)])).await, "0x0");
    assert_eq!(served.traffic.slow_readers(), 0, "while nobody was dropped");
}

#[tokio::test]
async fn answers_that_nobody_reads_leave_room_for_small_ones_alone_until_they_go() {
    let served = serve_with(|config| {
        config.reads_max = 1;
        config.call_time_max = Duration::from_secs(3);
        config.response_bytes_max = 400_000;
        config.stalled_max = Duration::from_secs(3_600);
    })
    .await;
    // Room for sixteen of the largest: a socket holds ten or so, and the node would hold twenty.
    let large = echo(190_000);
    let socket = behind_a_long_read(&served, &large, 31).await;
    let answered = async || served.client.request::<Value, _>("eth_call", list(&large)).await;
    let mut full = String::new();
    // They were made before this one, and may not all have taken their room yet.
    for _ in 0..20 {
        if let Err(why) = answered().await {
            full = why.to_string();
            break;
        }
    }
    assert!(full.contains("-32005") && full.contains("there is no room for this answer"), "{full}");
    assert_eq!(served.ask::<String>("eth_getBalance", json!([contract(9)])).await, "0x0");
    drop(socket);
    while answered().await.is_err() {}
}

/// With room for sixteen of the largest messages, eight of them of one client, beside 16 KiB of each.
fn narrow(config: &mut RpcConfig) {
    config.request_bytes_max = 100_000;
    config.reads_max = 1;
    config.call_time_max = Duration::from_secs(3);
}

#[tokio::test]
async fn a_message_that_there_is_no_room_for_is_refused_and_the_websocket_goes_on() {
    let served = serve_with(narrow).await;
    let mut socket = Socket::open(&served).await;
    socket.send("eth_call", json!([{ "to": LOOPER }])).await;
    for _ in 0..12 {
        socket.send("eth_call", echo(45_000)).await;
    }
    for _ in 0..2 {
        let refused = socket.next().await;
        let sentence = refused["error"]["message"].as_str().unwrap();
        assert_eq!((&refused["id"], &refused["error"]["code"]), (&Value::Null, &json!(-32005)));
        assert!(sentence.starts_with("there is no room for this request"), "{sentence}");
    }
    assert_eq!(socket.ask("eth_chainId", json!([])).await, "0x7ab7");
    assert_eq!(served.traffic.refused_requests(), 2);
    let mut answered = Vec::new();
    for _ in 1..=11 {
        answered.push(socket.next().await["id"].as_u64().unwrap());
    }
    answered.sort_unstable();
    assert!(answered.iter().copied().eq(1..=11), "what was taken in is answered: {answered:?}");
    for _ in 0..20 {
        socket.ask("eth_call", echo(45_000)).await;
    }
}

#[tokio::test]
async fn who_waits_does_not_hold_what_it_asked_with() {
    let served = serve_with(narrow).await;
    let mut socket = Socket::open(&served).await;
    let (padding, hash) = (" ".repeat(90_000), json!(tributary_primitives::Hash32([7; 32])));
    let wait = |before: &str, within: &str| {
        let params = format!("[{within}{hash}, 60000]");
        format!(r#"{before}{{"jsonrpc":"2.0","id":1,"method":"subnet_waitMessage","params":{params}}}"#)
    };
    for count in 1..=20 {
        socket.send_text(if count % 2 == 0 { wait(&padding, "") } else { wait("", &padding) }).await;
        served.ledger.listened_to_by(count).await;
    }
    assert_eq!(socket.ask("eth_chainId", json!([])).await, "0x7ab7");
    assert_eq!(served.traffic.refused_requests(), 0);
    // A batch is held whole: there is room for ten.
    for count in 21..=30 {
        socket.send_text(format!("[{}]", wait("", &padding))).await;
        served.ledger.listened_to_by(count).await;
    }
    socket.send_text(format!("[{}]", wait("", &padding))).await;
    assert_eq!(refused(&socket.next().await).0, -32005);
}

#[tokio::test]
async fn who_answers_no_pings_is_dropped() {
    let served = serve_with(|config| config.websocket_ping_every = Duration::from_millis(20)).await;
    let mut socket = Socket::open(&served).await;
    socket.ask("eth_chainId", json!([])).await;
    let mut unread = Vec::new();
    socket.stream.get_mut().read_to_end(&mut unread).await.unwrap();
    let pings = unread.chunks(2).all(|frame| frame == [0x89, 0]);
    assert!(pings, "pings, and no close frame that nobody would read: {unread:?}");
    assert_eq!(served.traffic.slow_readers(), 0);
}

#[tokio::test]
async fn who_answers_pings_stays() {
    let served = serve_with(|config| config.websocket_ping_every = Duration::from_millis(100)).await;
    let mut socket = Socket::open(&served).await;
    for _ in 0..5 {
        assert!(matches!(socket.stream.next().await, Some(Ok(Message::Ping(_)))));
    }
}

#[tokio::test]
async fn a_stopped_server_says_goodbye() {
    let served = serve().await;
    let mut socket = Socket::open(&served).await;
    socket.ask("eth_subscribe", json!(["newHeads"])).await;
    let (told, ()) = tokio::join!(socket.closed(), served.server.stop());
    assert_eq!(told, Some((1001, "the node is stopping; ask another one".to_owned())));
    assert_eq!((served.traffic.websockets.count(), served.traffic.subscriptions.count()), (0, 0));
}
