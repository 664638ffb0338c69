//! Filters: what changed since it was last asked for.

use std::time::Duration;

use alloy_primitives::B256;
use serde_json::{Value, json};
use tributary_rpc::Backend as _;

use crate::fixture::{Served, hex, log_input, message, serve, serve_with, signed};
use crate::ledger::ARRIVALS_KEPT;
use crate::machine::{EMITTER, contract};
use crate::socket::Socket;

async fn changes(served: &Served, name: &str) -> Vec<Value> {
    served.ask("eth_getFilterChanges", json!([name])).await
}

/// A block whose logs have the bytes of `data`, one each.
async fn block_with_logs(served: &Served, nonce: &mut u64, data: &str) {
    for byte in data.bytes() {
        served.send(&signed(*nonce, contract(EMITTER), &log_input(&[1], &[byte]))).await;
        *nonce += 1;
    }
    served.ledger.make_block();
}

fn data_of(logs: &[Value]) -> String {
    let byte = |log: &Value| u8::from_str_radix(&log["data"].as_str().unwrap()[2..], 16).unwrap();
    logs.iter().map(|log| char::from(byte(log))).collect()
}

#[tokio::test]
async fn every_block_is_told_once_and_in_order() {
    let served = serve().await;
    served.ledger.make_block();
    let name: String = served.ask("eth_newBlockFilter", json!([])).await;
    assert_eq!(changes(&served, &name).await, Vec::<Value>::new());
    let hashes: Vec<_> = (0..3).map(|_| json!(served.ledger.make_block())).collect();
    assert_eq!(changes(&served, &name).await, hashes);
    assert_eq!(changes(&served, &name).await, Vec::<Value>::new());
    let next = json!(served.ledger.make_block());
    assert_eq!(changes(&served, &name).await, [next]);
}

#[tokio::test]
async fn logs_are_told_once_and_all_of_them_when_asked_for() {
    let served = serve().await;
    let mut nonce = 0;
    block_with_logs(&served, &mut nonce, "a").await;
    let filter = json!({"fromBlock": "0x1", "address": contract(EMITTER), "topics": [B256::repeat_byte(1)]});
    let name: String = served.ask("eth_newFilter", json!([filter])).await;
    block_with_logs(&served, &mut nonce, "bc").await;
    block_with_logs(&served, &mut nonce, "d").await;
    assert_eq!(data_of(&changes(&served, &name).await), "bcd");
    assert_eq!(data_of(&changes(&served, &name).await), "");
    let all: Vec<Value> = served.ask("eth_getFilterLogs", json!([name])).await;
    let asked: Vec<Value> = served.ask("eth_getLogs", json!([filter])).await;
    assert_eq!((data_of(&all).as_str(), &all), ("abcd", &asked));
}

#[tokio::test]
async fn what_does_not_fit_comes_with_the_next_answer() {
    let served = serve_with(|config| {
        config.logs_max = 2;
        config.log_blocks_max = 2;
    })
    .await;
    let (logs, blocks): (String, String) =
        (served.ask("eth_newFilter", json!([{}])).await, served.ask("eth_newBlockFilter", json!([])).await);
    let mut nonce = 0;
    for data in ["abcde", "", "f"] {
        block_with_logs(&served, &mut nonce, data).await;
    }
    for expected in ["ab", "cd", "e", "f", ""] {
        assert_eq!(data_of(&changes(&served, &logs).await), expected);
    }
    for expected in [2, 1, 0] {
        assert_eq!(changes(&served, &blocks).await.len(), expected);
    }
}

#[tokio::test]
async fn logs_that_make_an_answer_too_large_come_one_by_one() {
    let served = serve_with(|config| config.response_bytes_max = 16_000).await;
    let name: String = served.ask("eth_newFilter", json!([{}])).await;
    for nonce in 0..3 {
        served.send(&signed(nonce, contract(EMITTER), &log_input(&[], &[7; 4_000]))).await;
    }
    served.ledger.make_block();
    for expected in [1, 1, 1, 0] {
        assert_eq!(changes(&served, &name).await.len(), expected);
    }
}

#[tokio::test]
async fn a_look_that_takes_too_long_ends_and_the_next_goes_on() {
    // No time at all: each looks at one block.
    let served = serve_with(|config| config.call_time_max = Duration::ZERO).await;
    let (logs, blocks): (String, String) =
        (served.ask("eth_newFilter", json!([{}])).await, served.ask("eth_newBlockFilter", json!([])).await);
    let mut nonce = 0;
    for data in ["ab", "", "c"] {
        block_with_logs(&served, &mut nonce, data).await;
    }
    for expected in ["ab", "", "c", ""] {
        assert_eq!(data_of(&changes(&served, &logs).await), expected);
    }
    for expected in [1, 1, 1, 0] {
        assert_eq!(changes(&served, &blocks).await.len(), expected);
    }
}

#[tokio::test]
async fn transactions_in_full_come_as_many_as_an_answer_holds_and_time_finds() {
    for (bytes_max, time_max) in [(16_000, Duration::from_secs(60)), (1 << 20, Duration::ZERO)] {
        let served =
            serve_with(|config| (config.response_bytes_max, config.call_time_max) = (bytes_max, time_max)).await;
        let full: String = served.ask("eth_newPendingTransactionFilter", json!([true])).await;
        for nonce in 0..2 {
            served.send(&signed(nonce, contract(7), &[1; 4_000])).await;
        }
        for expected in [1, 1, 0] {
            assert_eq!(changes(&served, &full).await.len(), expected, "{bytes_max} bytes, {time_max:?}");
        }
    }
}

#[tokio::test]
async fn a_filter_reads_no_block_that_has_none_of_its_logs() {
    let served = serve().await;
    let filter = json!({"fromBlock": "0x3", "topics": [B256::repeat_byte(1)]});
    let name: String = served.ask("eth_newFilter", json!([filter])).await;
    let mut nonce = 0;
    for data in ["a", "", "b", ""] {
        block_with_logs(&served, &mut nonce, data).await;
    }
    served.ledger.blocks_read();
    assert_eq!(data_of(&changes(&served, &name).await), "b");
    assert_eq!(served.ledger.blocks_read(), [3]);
}

#[tokio::test]
async fn ethereum_transactions_are_told_once_as_hashes_or_in_full() {
    let served = serve().await;
    let hashes: String = served.ask("eth_newPendingTransactionFilter", json!([])).await;
    let full: String = served.ask("eth_newPendingTransactionFilter", json!([true])).await;
    let sent = message(0, EMITTER, &log_input(&[2], b"c"));
    served.ask::<Value>("subnet_sendMessage", json!([hex(sent.raw())])).await;
    let hash = served.send(&signed(0, contract(7), &[])).await;
    assert_eq!(changes(&served, &hashes).await, [json!(hash)]);
    let shown: Value = served.ask("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!(changes(&served, &full).await, [shown]);
    for name in [hashes, full] {
        assert!(changes(&served, &name).await.is_empty());
    }
}

#[tokio::test]
async fn of_more_transactions_than_are_remembered_the_last_are_told() {
    let served = serve().await;
    let name: String = served.ask("eth_newPendingTransactionFilter", json!([])).await;
    let raw = |nonce: usize| signed(u64::try_from(nonce).unwrap(), contract(7), &[]).raw().to_vec();
    let submitted = served.ledger.submit((0..ARRIVALS_KEPT + 2).map(raw).collect());
    let last: Vec<_> = submitted[2..].iter().map(|hash| json!(hash.as_ref().unwrap())).collect();
    assert_eq!(changes(&served, &name).await, last);
}

#[tokio::test]
async fn a_filter_that_is_not_there_is_not_found() {
    let served = serve_with(|config| config.filter_idle_max = Duration::ZERO).await;
    let idle: String = served.ask("eth_newBlockFilter", json!([])).await;
    for name in [idle.as_str(), "0x1", "nonsense"] {
        for method in ["eth_getFilterChanges", "eth_getFilterLogs"] {
            let refusal = served.refusal(method, json!([name])).await;
            assert_eq!((refusal.code, refusal.message.as_str()), (-32000, "filter not found"), "{method} {name}");
        }
        assert!(!served.ask::<bool>("eth_uninstallFilter", json!([name])).await);
    }
}

#[tokio::test]
async fn a_filter_that_is_removed_is_gone_and_makes_room() {
    let served = serve_with(|config| config.filters_max = 1).await;
    let name: String = served.ask("eth_newBlockFilter", json!([])).await;
    let refusal = served.refusal("eth_newFilter", json!([{}])).await;
    let sentence = "too many filters: this node keeps 1 at most, of 16 addresses and topics together";
    assert_eq!((refusal.code, refusal.message.as_str()), (-32005, sentence));
    assert!(served.ask::<bool>("eth_uninstallFilter", json!([name])).await);
    assert_eq!(served.refusal("eth_getFilterChanges", json!([name])).await.message, "filter not found");
    let topics = |count: u8| (1..=count).map(|byte| hex([byte; 32])).collect::<Vec<_>>();
    let large = json!([{"address": [contract(100), contract(101)], "topics": [topics(8), null, topics(7)]}]);
    assert_eq!(served.refusal("eth_newFilter", large).await.message, sentence);
    let enough = json!([{"address": [contract(100), contract(101)], "topics": [topics(7), null, topics(7)]}]);
    served.ask::<String>("eth_newFilter", enough).await;
}

#[tokio::test]
async fn who_has_all_filters_loses_the_one_it_asked_for_least_lately_to_another_client() {
    let served = serve_with(|config| {
        config.filters_max = 3;
        config.client_header = "x-forwarded-for".to_owned();
    })
    .await;
    let mut greedy = Socket::open_with(&served, &[("x-forwarded-for", "192.0.2.7")]).await.unwrap();
    let mut names = vec![];
    for _ in 0..3 {
        names.push(greedy.ask("eth_newBlockFilter", json!([])).await);
    }
    assert_eq!(greedy.refusal("eth_newBlockFilter", json!([])).await.0, -32005, "it has all of them");
    let name: String = served.ask("eth_newFilter", json!([{}])).await;
    assert!(changes(&served, &name).await.is_empty());
    for (name, is_there) in names.iter().zip([false, true, true]) {
        assert_eq!(greedy.ask("eth_uninstallFilter", json!([name])).await, is_there, "{name}");
    }
}

#[tokio::test]
async fn only_a_filter_for_logs_has_logs() {
    let served = serve().await;
    for method in ["eth_newBlockFilter", "eth_newPendingTransactionFilter"] {
        let name: String = served.ask(method, json!([])).await;
        assert_eq!(served.refusal("eth_getFilterLogs", json!([name])).await.message, "filter not found", "{method}");
    }
}

#[tokio::test]
async fn who_missed_a_block_that_went_is_told_once_and_the_filter_is_gone() {
    let served = serve().await;
    let name: String = served.ask("eth_newBlockFilter", json!([])).await;
    served.ledger.make_block();
    served.ledger.make_block();
    served.ledger.prune_blocks_below(2);
    assert_eq!(served.refusal("eth_getFilterChanges", json!([name])).await.code, -32002);
    assert_eq!(served.refusal("eth_getFilterChanges", json!([name])).await.message, "filter not found");
}

#[tokio::test]
async fn a_filter_serves_over_either_transport() {
    let served = serve().await;
    let mut socket = Socket::open(&served).await;
    let name = socket.ask("eth_newBlockFilter", json!([])).await;
    let hash = json!(served.ledger.make_block());
    assert_eq!(changes(&served, name.as_str().unwrap()).await, [hash]);
    assert_eq!(socket.ask("eth_getFilterChanges", json!([name])).await, json!([]));
}
