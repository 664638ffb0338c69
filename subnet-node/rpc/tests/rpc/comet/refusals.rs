//! Each fault has its own sentence, in CometBFT's shape, and harms nobody.

use serde_json::{Value, json};

use crate::fixture::{serve, serve_blocks, serve_with};
use crate::serving::http;

#[tokio::test]
async fn a_bad_parameter_is_named() {
    let served = serve().await;
    for (uri, data) in [
        ("/block?height=five", "height: \"five\" is no 64-bit integer"),
        ("/block?height=0x5", "height: \"0x5\" is no 64-bit integer"),
        ("/block?height=1.5", "height: \"1.5\" is no 64-bit integer"),
        ("/block?height=9223372036854775808", "height: \"9223372036854775808\" is no 64-bit integer"),
        ("/block?height=-9223372036854775809", "height: \"-9223372036854775809\" is no 64-bit integer"),
        ("/block?height=%", "height: broken escape"),
        ("/validators?page=all", "page: \"all\" is no 64-bit integer"),
        ("/validators?per_page=1e3", "per_page: \"1e3\" is no 64-bit integer"),
        ("/blockchain?minHeight=1&maxHeight=x", "maxHeight: \"x\" is no 64-bit integer"),
        ("/block_by_hash?hash=0x12", "hash: \"0x12\" is no hash of 32 bytes, hex or base64"),
        ("/genesis_chunked?chunk=none", "chunk: \"none\" is no 64-bit integer"),
    ] {
        let (status, answer) = served.get(uri).await;
        let error = json!({"code": -32602, "message": "Invalid params", "data": data});
        assert_eq!((status, answer), (500, json!({"jsonrpc": "2.0", "id": -1, "error": error})), "{uri}");
    }
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused_in_comets_words() {
    let served = serve().await;
    for (uri, data) in [
        ("/block?height=0", "height must be greater than 0, but got 0"),
        ("/header?height=-1", "height must be greater than 0, but got -1"),
        ("/commit?height=-9223372036854775808", "height must be greater than 0, but got -9223372036854775808"),
        ("/commit?height=14", "height 14 must be less than or equal to the current blockchain height 13"),
        (
            "/block_results?height=9223372036854775807",
            "height 9223372036854775807 must be less than or equal to the current blockchain height 13",
        ),
        ("/validators?height=15", "height 15 must be less than or equal to the current blockchain height 14"),
        ("/validators?page=0", "page should be within [1, 1] range, given 0"),
        ("/validators?page=3&per_page=3", "page should be within [1, 2] range, given 3"),
        ("/validators?page=-9223372036854775808", "page should be within [1, 1] range, given -9223372036854775808"),
        ("/blockchain?minHeight=-1", "heights must be non-negative"),
        ("/blockchain?minHeight=5&maxHeight=4", "min height 5 can't be greater than max height 4"),
        ("/genesis_chunked?chunk=1", "there are 0 chunks, 1 is invalid"),
        ("/genesis_chunked?chunk=-1", "there are 0 chunks, -1 is invalid"),
    ] {
        let (status, answer) = served.get(uri).await;
        let error = json!({"code": -32603, "message": "Internal error", "data": data});
        assert_eq!((status, answer), (500, json!({"jsonrpc": "2.0", "id": -1, "error": error})), "{uri}");
    }
}

#[tokio::test]
async fn json_rpc_is_refused_alike_with_status_200() {
    let served = serve().await;
    for (method, params, code, data) in [
        ("block", json!({"height": "five"}), -32602, "height: \"five\" is no 64-bit integer"),
        (
            "block",
            json!({"height": [5]}),
            -32602,
            "height: invalid type: sequence, expected a 64-bit integer, as in \"5\"",
        ),
        ("block", json!(["0"]), -32603, "height must be greater than 0, but got 0"),
        ("block", json!(["5", "6"]), -32602, "too many arguments, want at most 1"),
        (
            "commit",
            json!({"height": 14}),
            -32603,
            "height 14 must be less than or equal to the current blockchain height 13",
        ),
        ("status", json!([1]), -32602, "too many arguments, want at most 0"),
    ] {
        let answer = served.post(&json!({"jsonrpc": "2.0", "id": "a", "method": method, "params": params})).await;
        let message = if code == -32602 { "Invalid params" } else { "Internal error" };
        let error = json!({"code": code, "message": message, "data": data});
        assert_eq!(answer, (200, json!({"jsonrpc": "2.0", "id": "a", "error": error})), "{method} {params}");
    }
}

#[tokio::test]
async fn a_parameter_that_is_not_known_is_passed_over() {
    let served = serve().await;
    let expected = served.get("/block?height=2").await;
    assert_eq!(served.get("/block?hight=7&height=2&_=1700000000").await, expected);
    let params = json!({"height": "2", "hight": {"a": ["7"]}});
    let (_, answer) = served.post(&json!({"jsonrpc": "2.0", "id": 1, "method": "block", "params": params})).await;
    assert_eq!(answer["result"], expected.1["result"]);
}

#[tokio::test]
async fn a_name_that_is_no_methods_is_not_found() {
    let served = serve().await;
    let address = served.server.local_addr();
    for path in ["/blocks", "/block/5", "/eth_chainId", "/subscribe", "/broadcast_tx_sync?tx=0x00", "//block"] {
        let answer = http(address, &format!("GET {path} HTTP/1.1\r\nhost: localhost"), "").await;
        assert!(answer.starts_with("HTTP/1.1 404") && answer.ends_with("404 page not found\n"), "{path}: {answer}");
    }
    for (method, sentence) in [
        // A client of CometBFT's gets CometBFT's words.
        ("subscribe", "Method not found"),
        ("broadcast_tx_sync", "Method not found"),
        ("abci_query", "Method not found"),
        ("blocks", "the method blocks does not exist/is not available"),
    ] {
        let (_, answer) = served.post(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": {}})).await;
        assert_eq!(answer["error"], json!({"code": -32601, "message": sentence}), "{method}");
    }
}

#[tokio::test]
async fn a_request_has_a_size() {
    let served = serve_with(|config| config.request_bytes_max = 2_000).await;
    let long = format!("/block?height={}", "1".repeat(1_100));
    let (status, answer) = served.get(&long).await;
    assert_eq!((status, &answer["error"]["code"]), (500, &json!(-32602)));
    assert_eq!(answer["error"]["data"], "query of 1107 bytes; at most 1024 are read");
    let large = json!({"jsonrpc": "2.0", "id": 1, "method": "block", "params": {"height": "1".repeat(2_000)}});
    assert_eq!(served.post(&large).await.0, 413);
    // The body of a GET request is not looked at, however long it says that it is.
    let head = "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 99999999999";
    assert!(http_as_is(served.server.local_addr(), head).await.starts_with("HTTP/1.1 200"));
}

/// Sends a request's head alone, and reads all of the answer.
async fn http_as_is(address: std::net::SocketAddr, head: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    socket.write_all(format!("{head}\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn an_answer_has_a_size() {
    let served = serve_with(|config| config.response_bytes_max = 600).await;
    assert_eq!(served.get("/health").await.0, 200);
    let (status, answer) = served.get("/block?height=2").await;
    let error = json!({"code": -32008, "message": "Response is too big", "data": "Exceeded max limit of 600"});
    assert_eq!((status, &answer["error"]), (500, &error));
    let (_, answer) = served.post(&json!({"jsonrpc": "2.0", "id": 1, "method": "block", "params": ["2"]})).await;
    assert_eq!(answer["error"]["code"], -32008);
}

#[tokio::test]
async fn a_busy_node_says_so() {
    let served = serve_with(|config| {
        config.reads_max = 0;
        config.waiting_max = 0;
    })
    .await;
    let (status, answer) = served.get("/status").await;
    let data =
        "the node is answering as many reads as it may and as many wait, in all or of this client; try again later";
    let error = json!({"code": -32603, "message": "Internal error", "data": data});
    assert_eq!((status, &answer["error"]), (500, &error));
    assert_eq!(served.traffic.methods()["status"].unavailable, 1);
}

#[tokio::test]
async fn what_was_pruned_is_refused_with_the_lowest_height_that_is_there() {
    let served = serve().await;
    served.comet.prune(5);
    for path in ["/block", "/header", "/commit", "/block_results", "/validators", "/consensus_params"] {
        assert_eq!(served.get(&format!("{path}?height=5")).await.0, 200, "{path}");
        let (status, answer) = served.get(&format!("{path}?height=4")).await;
        let data = "height 4 is not available, lowest height is 5";
        assert_eq!((status, &answer["error"]["data"]), (500, &json!(data)), "{path}");
    }
    let (_, answer) = served.get("/status").await;
    assert_eq!(answer["result"]["sync_info"]["earliest_block_height"], "5");
    let (_, answer) = served.get("/blockchain?minHeight=1&maxHeight=6").await;
    assert_eq!(answer["result"]["block_metas"].as_array().map(Vec::len), Some(2));
    assert_eq!(served.get("/blockchain?minHeight=1&maxHeight=4").await.0, 500);
}

#[tokio::test]
async fn a_chain_without_blocks_has_a_status_and_validators_and_no_block() {
    let served = serve_blocks(0).await;
    let (_, answer) = served.get("/status").await;
    let info = &answer["result"]["sync_info"];
    assert_eq!((&info["latest_block_height"], &info["latest_block_hash"]), (&json!("0"), &json!("")));
    assert_eq!(info["latest_block_time"], "1970-01-01T00:00:00Z");
    assert_eq!(served.get("/validators").await.1["result"]["block_height"], "1");
    for path in ["/block", "/header", "/commit", "/block_results"] {
        assert_eq!(served.get(path).await.1["error"]["data"], "no block has been decided yet", "{path}");
    }
    let beyond = "height 1 must be less than or equal to the current blockchain height 0";
    assert_eq!(served.get("/block?height=1").await.1["error"]["data"], beyond);
}

#[tokio::test]
async fn a_node_without_new_blocks_is_not_healthy() {
    let served = serve().await;
    served.comet.sicken("no block for 60 s");
    let (status, answer) = served.get("/health").await;
    assert_eq!((status, &answer["error"]["data"]), (500, &Value::from("no block for 60 s")));
}
