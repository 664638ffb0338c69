//! Subscriptions: what is told, to whom, in which order, and until when.

use std::time::Duration;

use alloy_primitives::B256;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tributary_primitives::Height;
use tributary_rpc::Backend as _;
use tributary_rpc::backend::SyncProgress;

use crate::fixture::{Served, hex, log_input, message, serve, serve_with, signed};
use crate::ledger::ARRIVALS_KEPT;
use crate::machine::{EMITTER, contract};
use crate::socket::Socket;

async fn header(served: &Served, height: u64) -> Value {
    let mut block: Value = served.ask("eth_getBlockByNumber", json!([format!("{height:#x}"), false])).await;
    for of_the_block in ["size", "transactions", "uncles", "withdrawals"] {
        block.as_object_mut().unwrap().remove(of_the_block);
    }
    block
}

#[tokio::test]
async fn every_block_is_told_once_and_in_order_however_many_came_at_once() {
    let served = serve().await;
    served.ledger.make_block();
    let (mut first, mut second) = (Socket::open(&served).await, Socket::open(&served).await);
    let id = first.ask("eth_subscribe", json!(["newHeads"])).await;
    for _ in 0..40 {
        served.ledger.make_block();
    }
    for height in 2..=41 {
        assert_eq!(first.told(&id).await, header(&served, height).await);
    }
    let late = second.ask("eth_subscribe", json!(["newHeads"])).await;
    served.ledger.make_block();
    assert_eq!(second.told(&late).await["number"], "0x2a", "it begins where it was subscribed to");
    assert_eq!(first.told(&id).await["number"], "0x2a");
}

#[tokio::test]
async fn how_long_notifications_of_blocks_took_is_counted_once_the_node_says_when_it_commits() {
    let served = serve().await;
    let counted = || served.traffic.notified().times.iter().map(|(_, times)| times).sum::<u64>();
    let mut socket = Socket::open(&served).await;
    let heads = socket.ask("eth_subscribe", json!(["newHeads"])).await;
    served.ledger.make_block();
    assert_eq!(socket.told(&heads).await["number"], "0x1");
    // Whatever follows on the same socket comes after the last notification was counted, or not.
    socket.ask("eth_chainId", json!([])).await;
    assert_eq!(counted(), 0, "the node did not say");

    served.traffic.committed(Height(1));
    let logs = socket.ask("eth_subscribe", json!(["logs"])).await;
    let waiting = socket.ask("eth_subscribe", json!(["newPendingTransactions"])).await;
    for nonce in 0..2 {
        served.send(&signed(nonce, contract(EMITTER), &log_input(&[1], b"a"))).await;
        socket.told(&waiting).await;
    }
    served.traffic.committed(Height(2));
    served.ledger.make_block();
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(socket.next().await["params"]["subscription"].clone());
    }
    assert_eq!(told.iter().filter(|id| **id == logs).count(), 2, "{told:?}");
    socket.ask("eth_chainId", json!([])).await;
    assert_eq!(counted(), 3, "a header and two logs; none of what waits");
}

#[tokio::test]
async fn subscriptions_have_names_of_their_own_and_end_one_by_one() {
    let served = serve().await;
    let mut socket = Socket::open(&served).await;
    let first = socket.ask("eth_subscribe", json!(["newHeads"])).await;
    let second = socket.ask("eth_subscribe", json!(["newHeads"])).await;
    assert_ne!(first, second);
    assert!(first.as_str().unwrap().starts_with("0x"));
    assert_eq!(served.traffic.subscriptions.count(), 2);

    assert_eq!(socket.ask("eth_unsubscribe", json!([first])).await, true);
    let gone = (-32000, "subscription not found".to_owned());
    assert_eq!(socket.refusal("eth_unsubscribe", json!([first])).await, gone, "it is gone");
    served.ledger.make_block();
    served.ledger.make_block();
    assert_eq!(socket.told(&second).await["number"], "0x1");
    assert_eq!(socket.told(&second).await["number"], "0x2", "nothing is told to the first");
    assert_eq!(served.traffic.subscriptions.count(), 1);
}

#[tokio::test]
async fn nobody_ends_a_subscription_of_somebody_else() {
    let served = serve().await;
    let (mut alice, mut mallory) = (Socket::open(&served).await, Socket::open(&served).await);
    let id = alice.ask("eth_subscribe", json!(["newHeads"])).await;
    let gone = (-32000, "subscription not found".to_owned());
    assert_eq!(mallory.refusal("eth_unsubscribe", json!([id])).await, gone);
    served.ledger.make_block();
    assert_eq!(alice.told(&id).await["number"], "0x1");
}

#[tokio::test]
async fn what_cannot_be_subscribed_to_is_refused_in_go_ethereums_words() {
    let served = serve().await;
    let mut socket = Socket::open(&served).await;
    for (parameters, code, message) in [
        (json!([]), -32602, "expected subscription name as first argument"),
        (json!([7]), -32602, "expected subscription name as first argument"),
        (json!({}), -32602, "non-array args: parameters go by position, as a list"),
        (json!(["newBlocks"]), -32601, "no \"newBlocks\" subscription in eth namespace"),
        (json!(["newHeads", true]), -32602, "too many arguments, want at most 1"),
    ] {
        assert_eq!(socket.refusal("eth_subscribe", parameters).await, (code, message.to_owned()));
    }
    for (parameters, code, message) in [
        (json!([]), -32602, "missing value for required argument 0"),
        (json!([7]), -32602, "invalid argument 0: invalid type: integer `7`, expected a string"),
        (json!(["0x1"]), -32000, "subscription not found"),
    ] {
        assert_eq!(socket.refusal("eth_unsubscribe", parameters).await, (code, message.to_owned()));
    }
    assert_eq!(served.traffic.methods()["eth_subscribe"].rejected, 5);
}

#[tokio::test]
async fn over_http_nothing_is_subscribed_to() {
    let served = serve().await;
    let refusal = served.refusal("eth_subscribe", json!(["newHeads"])).await;
    assert_eq!((refusal.code, refusal.message.as_str()), (-32601, "notifications not supported"));
    let refusal = served.refusal("eth_unsubscribe", json!(["0x1"])).await;
    assert_eq!((refusal.code, refusal.message.as_str()), (-32000, "subscription not found"));
}

#[tokio::test]
async fn a_connection_has_so_many_subscriptions_and_no_more() {
    let served = serve_with(|config| config.subscriptions_max = 1).await;
    let mut socket = Socket::open(&served).await;
    let first = socket.ask("eth_subscribe", json!(["newHeads"])).await;
    let refusal = socket.refusal("eth_subscribe", json!(["newHeads"])).await;
    assert_eq!(refusal, (-32005, "too many subscriptions: a connection has 1 at most".to_owned()));
    socket.ask("eth_unsubscribe", json!([first])).await;
    socket.ask("eth_subscribe", json!(["newHeads"])).await;
    Socket::open(&served).await.ask("eth_subscribe", json!(["newHeads"])).await;
}

#[tokio::test]
async fn a_client_has_so_many_subscriptions_on_all_its_connections_until_it_closes_one() {
    let served = serve_with(|config| {
        config.client_subscriptions_max = 3;
        config.client_header = "x-forwarded-for".to_owned();
    })
    .await;
    let greedy = [("x-forwarded-for", "192.0.2.7")];
    let mut first = Socket::open_with(&served, &greedy).await.unwrap();
    let mut second = Socket::open_with(&served, &greedy).await.unwrap();
    for _ in 0..2 {
        first.ask("eth_subscribe", json!(["newHeads"])).await;
    }
    let id = second.ask("eth_subscribe", json!(["logs"])).await;
    let full = (-32005, "too many subscriptions: a client has 3 at most, on all its connections".to_owned());
    for socket in [&mut first, &mut second] {
        assert_eq!(socket.refusal("eth_subscribe", json!(["newHeads"])).await, full);
    }
    Socket::open(&served).await.ask("eth_subscribe", json!(["newHeads"])).await;

    second.ask("eth_unsubscribe", json!([id])).await;
    second.ask("eth_subscribe", json!(["newHeads"])).await;
    assert_eq!(second.refusal("eth_subscribe", json!(["newHeads"])).await, full, "what was given back is taken");
    first.stream.close(None).await.unwrap();
    assert_eq!(first.closed().await, None);
    // The node finds out a moment later.
    let mut taken = 0;
    while taken < 2 {
        let id = second.send("eth_subscribe", json!(["newHeads"])).await;
        let answer = second.next().await;
        assert_eq!(answer["id"], id);
        taken += usize::from(answer.get("result").is_some());
    }
    assert_eq!(second.refusal("eth_subscribe", json!(["newHeads"])).await, full);
}

#[tokio::test]
async fn a_clients_subscriptions_have_so_many_addresses_and_topics() {
    let served = serve_with(|config| config.client_subscriptions_max = 1).await;
    let mut socket = Socket::open(&served).await;
    let addresses = |count: u8| json!({"address": (1..=count).map(|byte| hex([byte; 20])).collect::<Vec<_>>()});
    let reason = "those of a client have 16 addresses, topics and hashes at most, on all its connections";
    let refusal = (-32005, format!("too many subscriptions: {reason}"));
    assert_eq!(socket.refusal("eth_subscribe", json!(["logs", addresses(17)])).await, refusal);
    socket.ask("eth_subscribe", json!(["logs", addresses(16)])).await;
}

#[tokio::test]
async fn what_a_batch_subscribes_to_is_told_after_its_answer() {
    let served = serve().await;
    let mut socket = Socket::open(&served).await;
    let request = |id: u64, method: &str, parameters: Value| json!({"jsonrpc": "2.0", "id": id, "method": method, "params": parameters});
    let raw = hex(signed(0, contract(7), &[]).raw());
    // The block is decided while the batch is being answered.
    let batch = json!([
        request(1, "eth_subscribe", json!(["newHeads"])),
        request(2, "eth_sendRawTransactionSync", json!([raw])),
    ]);
    socket.send_text(batch.to_string()).await;
    while served.ledger.waiting() == 0 {
        tokio::task::yield_now().await;
    }
    served.ledger.make_block();
    let answers = socket.next().await;
    assert_eq!(answers[1]["result"]["blockNumber"], "0x1");
    assert_eq!(socket.told(&answers[0]["result"]).await["number"], "0x1");
}

#[tokio::test]
async fn who_falls_too_far_behind_is_told_so_and_dropped() {
    let served = serve_with(|config| config.subscription_blocks_behind_max = 3).await;
    let mut socket = Socket::open(&served).await;
    let id = socket.ask("eth_subscribe", json!(["newHeads"])).await;
    for _ in 0..4 {
        served.ledger.make_block();
    }
    for height in 1..=4 {
        assert_eq!(socket.told(&id).await["number"], format!("{height:#x}"), "exactly the limit");
    }
    for _ in 0..5 {
        served.ledger.make_block();
    }
    let reason = "reads too slowly: a subscription is 4 blocks behind, 3 are allowed; subscribe again";
    assert_eq!(socket.closed().await, Some((1008, reason.to_owned())));
    assert_eq!(served.traffic.slow_readers(), 1);
}

async fn data_of(socket: &mut Socket, id: &Value) -> String {
    let data = socket.told(id).await["data"].as_str().unwrap().to_owned();
    String::from_utf8(::hex::decode(&data[2..]).unwrap()).unwrap()
}

#[tokio::test]
async fn logs_are_told_one_by_one_to_whoever_asked_for_them() {
    let served = serve().await;
    let (emitter, one) = (contract(EMITTER), B256::repeat_byte(1));
    let mut socket = Socket::open(&served).await;
    let all = socket.ask("eth_subscribe", json!(["logs"])).await;
    let mut picky = Socket::open(&served).await;
    let filter = json!({"address": emitter, "topics": [one], "fromBlock": "0x2"});
    let some = picky.ask("eth_subscribe", json!(["logs", filter])).await;
    for nonce in [0, 2] {
        served.send(&signed(nonce, emitter, &log_input(&[1, 2], b"a"))).await;
        served.send(&signed(nonce + 1, emitter, &log_input(&[2], b"b"))).await;
        served.ledger.make_block();
    }
    for (height, data) in [(1, "a"), (1, "b"), (2, "a"), (2, "b")] {
        assert_eq!(data_of(&mut socket, &all).await, data, "{height}");
    }
    let told = picky.told(&some).await;
    let asked: Value = served.ask("eth_getLogs", json!([{"fromBlock": "0x2", "topics": [one]}])).await;
    assert_eq!(json!([told]), asked);
}

#[tokio::test]
async fn logs_that_no_new_block_has_are_refused() {
    let served = serve().await;
    let mut socket = Socket::open(&served).await;
    for (filter, code, message) in [
        (json!({"fromBlock": "pending"}), -32602, "pending logs are not supported"),
        (json!({"fromBlock": "0x2", "toBlock": "0x1"}), -32602, "invalid argument 1: invalid block range params"),
        (json!(7), -32602, "invalid argument 1: invalid type: integer `7`, expected Filter object"),
    ] {
        assert_eq!(socket.refusal("eth_subscribe", json!(["logs", filter])).await, (code, message.to_owned()));
    }
    let many: Vec<String> = (0..1_001).map(|number: u32| format!("0x{number:040x}")).collect();
    let refusal = socket.refusal("eth_subscribe", json!(["logs", {"address": many}])).await;
    assert_eq!(refusal.1, "invalid argument 1: exceed max addresses: at most 1000");
}

#[tokio::test]
async fn receipts_are_told_a_block_at_once_and_nothing_of_a_block_without_any() {
    let served = serve().await;
    let (emitter, mut sockets) = (contract(EMITTER), Vec::new());
    for parameters in [
        json!(["transactionReceipts"]),
        json!(["transactionReceipts", null]),
        json!(["transactionReceipts", {}]),
        json!(["transactionReceipts", { "transactionHashes": null }]),
        json!(["transactionReceipts", { "transactionHashes": [] }]),
    ] {
        let mut socket = Socket::open(&served).await;
        let id = socket.ask("eth_subscribe", parameters).await;
        sockets.push((socket, id));
    }
    served.ledger.make_block();
    served.send(&signed(0, emitter, &log_input(&[1], b"a"))).await;
    let between = message(0, EMITTER, &log_input(&[2], b"b"));
    served.ask::<Value>("subnet_sendMessage", json!([hex(between.raw())])).await;
    served.send(&signed(1, emitter, &log_input(&[3], b"c"))).await;
    served.ledger.make_block();
    served.send(&signed(2, emitter, &log_input(&[], b"won"))).await;
    served.send(&signed(2, emitter, &log_input(&[], b"lost"))).await;
    served.ledger.make_block();
    for (height, all, ran) in [("0x2", 2, 2), ("0x3", 2, 1)] {
        let mut receipts: Vec<Value> = served.ask("eth_getBlockReceipts", json!([height])).await;
        assert_eq!(receipts.len(), all);
        // One that was skipped may run later, so nobody is told of it.
        receipts.truncate(ran);
        for (socket, id) in &mut sockets {
            assert_eq!(socket.told(id).await, json!(receipts), "{height}");
        }
    }
}

#[tokio::test]
async fn receipts_of_transactions_that_are_named_are_told_and_no_others() {
    let served = serve().await;
    let sent = [0, 1, 2, 3].map(|nonce| signed(nonce, contract(EMITTER), &log_input(&[1], b"a")));
    let mut socket = Socket::open(&served).await;
    let named = json!([sent[1].hash(), sent[3].hash(), sent[1].hash()]);
    let id = socket.ask("eth_subscribe", json!(["transactionReceipts", { "transactionHashes": named }])).await;
    for block in [&sent[..2], &sent[2..3], &sent[3..]] {
        for transaction in block {
            served.send(transaction).await;
        }
        served.ledger.make_block();
    }
    for transaction in [&sent[1], &sent[3]] {
        let receipt: Value = served.ask("eth_getTransactionReceipt", json!([transaction.hash()])).await;
        assert_eq!(socket.told(&id).await, json!([receipt]));
    }
}

#[tokio::test]
async fn receipts_that_cannot_be_asked_for_are_refused() {
    let served = serve_with(|config| config.client_subscriptions_max = 13).await;
    let mut socket = Socket::open(&served).await;
    let hashes =
        |count: u8| json!({ "transactionHashes": (1..=count).map(|byte| hex([byte; 32])).collect::<Vec<_>>() });
    let excess = "exceed max number of transaction hashes allowed per transactionReceipts subscription: at most 200";
    for (parameters, code, part) in [
        (json!(["transactionReceipts", hashes(201)]), -32602, excess),
        (json!(["transactionReceipts", { "transactionHashes": ["0x12"] }]), -32602, "hex of 2 digits"),
        (json!(["transactionReceipts", { "transactionHashes": [null] }]), -32602, "invalid argument 1: "),
        (json!(["transactionReceipts", { "hashes": [] }]), -32602, "unknown field `hashes`"),
        (json!(["transactionReceipts", 7]), -32602, "invalid argument 1: invalid type: integer `7`"),
        (json!(["transactionReceipts", {}, 1]), -32602, "too many arguments, want at most 2"),
    ] {
        let (told, sentence) = socket.refusal("eth_subscribe", parameters.clone()).await;
        assert!(told == code && sentence.contains(part), "{parameters}: {told} {sentence}");
    }
    // Thirteen subscriptions have 208 of them.
    socket.ask("eth_subscribe", json!(["transactionReceipts", hashes(200)])).await;
    let (code, _) = socket.refusal("eth_subscribe", json!(["transactionReceipts", hashes(9)])).await;
    assert_eq!(code, -32005);
    socket.ask("eth_subscribe", json!(["transactionReceipts", hashes(8)])).await;
}

#[tokio::test]
async fn ethereum_transactions_are_told_as_they_begin_to_wait() {
    let served = serve().await;
    let mut socket = Socket::open(&served).await;
    let hashes = socket.ask("eth_subscribe", json!(["newPendingTransactions"])).await;
    let mut whole = Socket::open(&served).await;
    let full = whole.ask("eth_subscribe", json!(["newPendingTransactions", true])).await;
    let sent = message(0, EMITTER, &log_input(&[2], b"c"));
    served.ask::<Value>("subnet_sendMessage", json!([hex(sent.raw())])).await;
    for nonce in 0..3 {
        let hash = served.send(&signed(nonce, contract(7), &[])).await;
        assert_eq!(socket.told(&hashes).await, json!(hash), "and not the FVM message before");
        let shown: Value = served.ask("eth_getTransactionByHash", json!([hash])).await;
        assert_eq!(whole.told(&full).await, shown);
    }
}

#[tokio::test]
async fn a_transaction_that_many_are_told_of_in_full_is_looked_for_once() {
    let served = serve().await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        let mut socket = Socket::open(&served).await;
        let id = socket.ask("eth_subscribe", json!(["newPendingTransactions", true])).await;
        sockets.push((socket, id));
    }
    served.ledger.looked_for();
    for nonce in 0..3 {
        let hash = served.send(&signed(nonce, contract(7), &[])).await;
        for (socket, id) in &mut sockets {
            assert_eq!(socket.told(id).await["hash"], json!(hash));
        }
        assert_eq!(served.ledger.looked_for(), [hash]);
    }
}

#[tokio::test]
async fn who_misses_transactions_is_told_so_and_dropped() {
    let served = serve().await;
    let mut socket = Socket::open(&served).await;
    socket.ask("eth_subscribe", json!(["newPendingTransactions"])).await;
    let raw = |nonce: usize| signed(u64::try_from(nonce).unwrap(), contract(7), &[]).raw().to_vec();
    // All at once: nobody else gets a turn meanwhile.
    assert!(served.ledger.submit((0..ARRIVALS_KEPT + 1).map(raw).collect()).iter().all(Result::is_ok));
    let reason = "reads too slowly: a subscription missed 1 transactions; subscribe again";
    assert_eq!(socket.closed().await, Some((1008, reason.to_owned())));
    assert_eq!(served.traffic.slow_readers(), 1);
}

#[tokio::test]
async fn whether_the_node_follows_is_told_at_once_and_at_every_change() {
    let served = serve().await;
    let mut socket = Socket::open(&served).await;
    let id = socket.ask("eth_subscribe", json!(["syncing"])).await;
    assert_eq!(socket.told(&id).await, false);
    served.ledger.fall_behind(SyncProgress { starting: Height(1), current: Height(2), highest: Height(9) });
    let told = socket.told(&id).await;
    let status: Value = served.ask("eth_syncing", json!([])).await;
    assert_eq!(told, json!({ "syncing": true, "status": status }));
    served.ledger.catch_up();
    assert_eq!(socket.told(&id).await, false);
}

#[tokio::test]
async fn who_subscribes_and_never_reads_is_dropped_and_blocks_go_on() {
    let served = serve_with(|config| {
        config.stalled_max = Duration::from_millis(100);
        config.subscription_blocks_behind_max = u64::MAX;
    })
    .await;
    let mut sleeper = Socket::narrow(&served).await;
    sleeper.ask("eth_subscribe", json!(["logs"])).await;
    let mut reader = Socket::open(&served).await;
    let heads = reader.ask("eth_subscribe", json!(["newHeads"])).await;
    let mut height = 0_u64;
    while served.traffic.slow_readers() == 0 {
        served.send(&signed(height, contract(EMITTER), &log_input(&[], &[7; 50_000]))).await;
        height += 1;
        served.ledger.make_block();
        assert_eq!(reader.told(&heads).await["number"], format!("{height:#x}"));
    }
    assert_eq!(served.traffic.subscriptions.count(), 1, "the reader's");
    let mut unread = Vec::new();
    let _ = sleeper.stream.get_mut().read_to_end(&mut unread).await;
    assert!(!unread.is_empty(), "what was sent before is not lost");
}
