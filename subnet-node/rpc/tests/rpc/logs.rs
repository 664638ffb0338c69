//! `eth_getLogs`: the matrix of filters, and its bounds.

use std::time::Duration;

use alloy_primitives::B256;
use alloy_rpc_types_eth::{Block, Log};
use serde_json::{Value, json};

use crate::fixture::{Served, hex, log_input, message, serve, serve_with, signed};
use crate::machine::{EMITTER, contract};

/// Four blocks: 1 logs `a` with topics 1 and 2, then `b` with topic 1; 2 logs nothing; 3 logs `c` with topic 2 from an FVM message,
/// then an event of another shape; 4 logs `d` without topics.
async fn four_blocks(served: &Served) {
    served.send(&signed(0, contract(EMITTER), &log_input(&[1, 2], b"a"))).await;
    served.send(&signed(1, contract(EMITTER), &log_input(&[1], b"b"))).await;
    served.ledger.make_block();
    served.ledger.make_block();
    let sent = message(0, EMITTER, &log_input(&[2], b"c"));
    served.ask::<Value>("subnet_sendMessage", json!([hex(sent.raw())])).await;
    served.send(&signed(2, contract(EMITTER), &[0xff])).await;
    served.ledger.make_block();
    served.send(&signed(3, contract(EMITTER), &log_input(&[], b"d"))).await;
    served.ledger.make_block();
}

async fn data_of(served: &Served, filter: &Value) -> String {
    let logs: Vec<Log> = served.ask("eth_getLogs", json!([filter])).await;
    logs.iter().map(|log| String::from_utf8(log.inner.data.data.to_vec()).unwrap()).collect()
}

#[tokio::test]
async fn a_filter_finds_what_it_names_and_nothing_else() {
    let served = serve().await;
    four_blocks(&served).await;
    let [one, two] = [1, 2].map(B256::repeat_byte);
    let (emitter, other) = (json!(contract(EMITTER)), json!(contract(7)));
    let all = |more: Value| {
        let mut filter = json!({"fromBlock": "earliest", "toBlock": "latest"});
        filter.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        filter
    };
    for (filter, found) in [
        (all(json!({})), "abcd"),
        (json!({}), "d"),
        (json!({"fromBlock": "0x1", "toBlock": "0x1"}), "ab"),
        (json!({"fromBlock": "0x1", "toBlock": "0x3"}), "abc"),
        (json!({"fromBlock": "0x2", "toBlock": "0x2"}), ""),
        (json!({"fromBlock": "0x4", "toBlock": "0x4"}), "d"),
        (json!({"fromBlock": "0x3", "toBlock": "safe"}), "cd"),
        (all(json!({"address": emitter})), "abcd"),
        (all(json!({"address": other})), ""),
        (all(json!({"address": [other, emitter]})), "abcd"),
        (all(json!({"address": []})), "abcd"),
        (all(json!({"topics": []})), "abcd"),
        (all(json!({"topics": [one]})), "ab"),
        (all(json!({"topics": [two]})), "c"),
        (all(json!({"topics": [[one, two]]})), "abc"),
        (all(json!({"topics": [null]})), "abc"),
        (all(json!({"topics": [null, null]})), "a"),
        (all(json!({"topics": [null, two]})), "a"),
        (all(json!({"topics": [one, two]})), "a"),
        (all(json!({"topics": [one, one]})), ""),
        (all(json!({"topics": [one, null]})), "a"),
        (all(json!({"topics": [one, null, null]})), ""),
        (all(json!({"address": emitter, "topics": [two]})), "c"),
        (all(json!({"address": other, "topics": [two]})), ""),
    ] {
        assert_eq!(data_of(&served, &filter).await, found, "{filter}");
    }
}

#[tokio::test]
async fn blocks_that_are_not_there_yet_have_no_logs_and_are_not_left_out_without_a_word() {
    let served = serve().await;
    four_blocks(&served).await;
    let beyond = "block range extends beyond current head block: requested 5, head 4";
    let the_wrong_way = "invalid argument 0: invalid block range params: 5 is above 4";
    for (filter, message) in [
        (json!({"fromBlock": "0x4", "toBlock": "0x5"}), beyond),
        (json!({"fromBlock": "0x5", "toBlock": "0x5"}), beyond),
        (json!({"toBlock": "0x5"}), beyond),
        (json!({"fromBlock": "0x5"}), the_wrong_way),
        (json!({"fromBlock": "0x5", "toBlock": "latest"}), the_wrong_way),
        (json!({"fromBlock": "0x5", "toBlock": "0x4"}), the_wrong_way),
    ] {
        let refusal = served.refusal("eth_getLogs", json!([filter])).await;
        assert_eq!((refusal.code, refusal.message.as_str()), (-32602, message), "{filter}");
    }
    // Who waits for them may say so: a filter is for blocks that are yet to come.
    let name: String = served.ask("eth_newFilter", json!([{"fromBlock": "0x5", "toBlock": "0x6"}])).await;
    let refusal = served.refusal("eth_getFilterLogs", json!([name])).await;
    assert_eq!(refusal.message, "block range extends beyond current head block: requested 6, head 4");
    for nonce in 4..7 {
        served.send(&signed(nonce, contract(EMITTER), &log_input(&[], b"a"))).await;
        served.ledger.make_block();
    }
    let found: Vec<Log> = served.ask("eth_getFilterLogs", json!([name])).await;
    assert_eq!(found.iter().map(|log| log.block_number).collect::<Vec<_>>(), [Some(5), Some(6)]);
    assert_eq!(served.ask::<Vec<Log>>("eth_getFilterChanges", json!([name])).await, found);
}

#[tokio::test]
async fn logs_of_what_is_not_decided_are_refused_wherever_pending_stands() {
    let served = serve().await;
    four_blocks(&served).await;
    for filter in [
        json!({"fromBlock": "pending"}),
        json!({"toBlock": "pending"}),
        json!({"fromBlock": "0x4", "toBlock": "pending"}),
        json!({"fromBlock": "pending", "toBlock": "latest"}),
        json!({"fromBlock": "pending", "toBlock": "pending"}),
        json!({"fromBlock": "pending", "toBlock": "0x5"}),
    ] {
        for method in ["eth_getLogs", "eth_newFilter"] {
            let refusal = served.refusal(method, json!([filter])).await;
            let told = (refusal.code, refusal.message.as_str());
            assert_eq!(told, (-32602, "pending logs are not supported"), "{method} {filter}");
        }
    }
}

#[tokio::test]
async fn a_block_may_be_named_by_hash() {
    let served = serve().await;
    four_blocks(&served).await;
    let block: Block = served.ask("eth_getBlockByNumber", json!(["0x1"])).await;
    assert_eq!(data_of(&served, &json!({"blockHash": block.header.hash})).await, "ab");
    let refusal = served.refusal("eth_getLogs", json!([{"blockHash": B256::repeat_byte(9)}])).await;
    assert_eq!((refusal.code, refusal.message.as_str()), (-32000, "header not found"));
}

#[tokio::test]
async fn a_log_knows_its_place() {
    let served = serve().await;
    four_blocks(&served).await;
    let logs: Vec<Log> = served.ask("eth_getLogs", json!([{"fromBlock": "0x1", "toBlock": "0x3"}])).await;
    let places = logs.iter().map(|log| (log.block_number, log.transaction_index, log.log_index)).collect::<Vec<_>>();
    assert_eq!(places, [(Some(1), Some(0), Some(0)), (Some(1), Some(1), Some(1)), (Some(3), Some(0), Some(0))]);
    assert!(logs.iter().all(|log| !log.removed && log.block_timestamp.is_some() && log.transaction_hash.is_some()));
}

#[tokio::test]
async fn more_than_the_node_allows_is_refused_with_what_would_fit() {
    let served = serve_with(|config| {
        config.log_blocks_max = 4;
        config.logs_max = 2;
    })
    .await;
    four_blocks(&served).await;
    for (filter, message) in [
        (json!({"fromBlock": "0x0", "toBlock": "0x4"}), "query exceeds max block range 4"),
        (json!({"fromBlock": "0x1", "toBlock": "0x4"}), "query exceeds max results 2, retry with the range 1-2"),
    ] {
        let refusal = served.refusal("eth_getLogs", json!([filter])).await;
        assert_eq!((refusal.code, refusal.message.as_str()), (-32005, message));
    }
    assert_eq!(data_of(&served, &json!({"fromBlock": "0x1", "toBlock": "0x2"})).await, "ab", "exactly the limit");
}

#[tokio::test]
async fn more_logs_in_one_block_than_allowed_ask_for_a_narrower_filter() {
    let served = serve_with(|config| config.logs_max = 1).await;
    four_blocks(&served).await;
    let refusal = served.refusal("eth_getLogs", json!([{"fromBlock": "0x1", "toBlock": "0x1"}])).await;
    assert_eq!(refusal.message, "query exceeds max results 1, narrow it by address or topics");
}

#[tokio::test]
async fn more_bytes_than_an_answer_holds_are_refused_with_what_would_fit() {
    let served = serve_with(|config| config.response_bytes_max = 16_000).await;
    for nonce in 0..2 {
        served.send(&signed(nonce, contract(EMITTER), &log_input(&[1], &[b'x'; 4_000]))).await;
        served.ledger.make_block();
    }
    let refusal = served.refusal("eth_getLogs", json!([{"fromBlock": "0x0", "toBlock": "0x2"}])).await;
    let message = "query exceeds max response size 16000 bytes, retry with the range 0-1";
    assert_eq!((refusal.code, refusal.message.as_str()), (-32005, message));
    for filter in [json!({"fromBlock": "0x0", "toBlock": "0x1"}), json!({"fromBlock": "0x2"})] {
        assert_eq!(data_of(&served, &filter).await.len(), 4_000, "{filter}");
    }
}

#[tokio::test]
async fn more_time_than_a_look_may_take_is_refused_with_what_would_fit() {
    // None at all: the first block is looked at, and no more.
    let served = serve_with(|config| config.call_time_max = Duration::ZERO).await;
    four_blocks(&served).await;
    for (filter, fitting) in [
        (json!({"fromBlock": "0x1", "toBlock": "0x4"}), "1-1"),
        (json!({"fromBlock": "0x2", "toBlock": "0x3", "address": contract(7)}), "2-2"),
    ] {
        let refusal = served.refusal("eth_getLogs", json!([filter])).await;
        let message = format!("query exceeds max time 0ns, retry with the range {fitting}");
        assert_eq!((refusal.code, refusal.message), (-32005, message), "{filter}");
    }
    assert_eq!(data_of(&served, &json!({"fromBlock": "0x1", "toBlock": "0x1"})).await, "ab");
}

#[tokio::test]
async fn a_block_whose_bloom_excludes_a_filter_is_not_read() {
    let served = serve().await;
    four_blocks(&served).await;
    let [one, two, three] = [1, 2, 3].map(B256::repeat_byte);
    for (more, read) in [
        (json!({}), vec![1, 3, 4]),
        (json!({"topics": [null]}), vec![1, 3, 4]),
        (json!({"address": contract(EMITTER)}), vec![1, 3, 4]),
        (json!({"address": contract(7)}), vec![]),
        (json!({"topics": [one]}), vec![1]),
        (json!({"topics": [[two, three]]}), vec![1, 3]),
        (json!({"topics": [two, one]}), vec![1]),
        (json!({"topics": [null, three]}), vec![]),
        (json!({"address": contract(7), "topics": [one]}), vec![]),
    ] {
        let mut filter = json!({"fromBlock": "0x0", "toBlock": "0x4"});
        filter.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        served.ledger.blocks_read();
        data_of(&served, &filter).await;
        assert_eq!(served.ledger.blocks_read(), read, "{filter}");
    }
}
