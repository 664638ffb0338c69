//! What gas costs.

use std::time::Duration;

use alloy_consensus::TxEip1559;
use alloy_primitives::U128;
use alloy_rpc_types_eth::FeeHistory;
use serde_json::{Value, json};
use tributary_message::EthereumTransaction;

use crate::fixture::{Served, alice, hex, message, serve, serve_with, unsigned};
use crate::ledger::BLOCK_GAS_LIMIT;
use crate::machine::{BURNER, EMITTER, GAS, contract};

async fn block_with_tips(served: &Served, first_nonce: u64, tips: &[u128]) {
    for (nonce, tip) in (first_nonce..).zip(tips) {
        let mut transaction = unsigned(nonce, contract(EMITTER), &[]);
        transaction.max_priority_fee_per_gas = *tip;
        served.send(&EthereumTransaction::sign(transaction, &alice())).await;
    }
    served.ledger.make_block();
}

async fn suggestions(served: &Served) -> (U128, U128) {
    (served.ask("eth_maxPriorityFeePerGas", json!([])).await, served.ask("eth_gasPrice", json!([])).await)
}

#[tokio::test]
async fn the_suggestion_follows_the_tips_that_were_paid() {
    let served = serve().await;
    assert_eq!(suggestions(&served).await, (U128::ZERO, U128::from(1_000)), "nobody competes");
    block_with_tips(&served, 0, &[1, 9, 5]).await;
    assert_eq!(suggestions(&served).await, (U128::from(5), U128::from(1_005)));
    assert_eq!(suggestions(&served).await, (U128::from(5), U128::from(1_005)), "and is kept");
    block_with_tips(&served, 3, &[40, 40, 40]).await;
    assert_eq!(suggestions(&served).await.0, U128::from(40));
}

#[tokio::test]
async fn a_suggested_price_is_enough_for_the_latest_block_and_for_the_next() {
    let served = serve().await;
    let full = TxEip1559 { gas_limit: 16_000_000, ..unsigned(0, contract(BURNER), &[]) };
    served.send(&EthereumTransaction::sign(full, &alice())).await;
    for (next, suggested) in [(1_008, 1_018), (1_000, 1_018), (1_000, 1_010)] {
        served.ledger.make_block();
        assert_eq!(served.ask::<U128>("eth_baseFee", json!([])).await, U128::from(next));
        assert_eq!(
            served.ask::<U128>("eth_gasPrice", json!([])).await,
            U128::from(suggested),
            "above the higher of both"
        );
    }
}

#[tokio::test]
async fn a_history_has_a_fee_more_than_it_has_blocks() {
    let served = serve().await;
    block_with_tips(&served, 0, &[1, 9]).await;
    served.ledger.make_block();
    let history: FeeHistory = served.ask("eth_feeHistory", json!(["0x2", "latest", [0, 100]])).await;
    assert_eq!((history.oldest_block, history.base_fee_per_gas.as_slice()), (1, &[1_000, 1_000, 1_000][..]));
    let ratio = 2.0 * f64::from(u32::try_from(GAS).unwrap()) / f64::from(u32::try_from(BLOCK_GAS_LIMIT).unwrap());
    assert_eq!(history.gas_used_ratio, [ratio, 0.0]);
    assert_eq!(history.reward, Some(vec![vec![1, 9], vec![0, 0]]));

    for (count, newest, oldest, blocks) in [
        (json!(9), "latest", 0, 3),
        (json!("0x1"), "0x1", 1, 1),
        (json!(1), "earliest", 0, 1),
        (json!(0), "latest", 0, 0),
    ] {
        let history: FeeHistory = served.ask("eth_feeHistory", json!([count, newest])).await;
        assert_eq!((history.oldest_block, history.gas_used_ratio.len(), history.reward), (oldest, blocks, None));
    }
}

#[tokio::test]
async fn a_history_has_a_price_of_blobs_that_nobody_sends_and_rewards_only_where_they_are_asked_for() {
    let served = serve().await;
    block_with_tips(&served, 0, &[1, 9]).await;
    let history: Value = served.ask("eth_feeHistory", json!(["0x2", "latest", []])).await;
    let members = json!({
        "oldestBlock": "0x0",
        "baseFeePerGas": history["baseFeePerGas"],
        "gasUsedRatio": history["gasUsedRatio"],
        "baseFeePerBlobGas": ["0x1", "0x1", "0x1"],
        "blobGasUsedRatio": [0.0, 0.0],
    });
    assert_eq!(history, members);
    assert_eq!(served.ask::<Value>("eth_feeHistory", json!(["0x2", "latest"])).await, history);
    assert_eq!(served.ask::<Value>("eth_feeHistory", json!(["0x1", "latest", [50]])).await["reward"], json!([["0x1"]]));
}

#[tokio::test]
async fn a_messages_tip_is_counted_in_block_gas() {
    let served = serve().await;
    let sent = message(0, EMITTER, &[]);
    served.ask::<String>("subnet_sendMessage", json!([hex(sent.raw())])).await;
    served.ledger.make_block();
    assert_eq!(suggestions(&served).await.0, U128::from(500), "1 for each of 500 FVM gas in a block gas");
}

#[tokio::test]
async fn a_history_takes_no_longer_than_a_call_and_reads_blocks_for_rewards_alone() {
    // No time at all: the first block is looked at, and no more.
    let served = serve_with(|config| config.call_time_max = Duration::ZERO).await;
    block_with_tips(&served, 0, &[1, 9]).await;
    served.ledger.make_block();
    for parameters in [json!(["0x3", "latest"]), json!(["0x2", "0x1", [50]])] {
        let refusal = served.refusal("eth_feeHistory", parameters).await;
        assert_eq!(
            (refusal.code, refusal.message.as_str()),
            (-32005, "query exceeds max time 0ns, retry with a count of 1")
        );
    }
    for (rewards, read) in [(json!(null), vec![]), (json!([50]), vec![1])] {
        served.ledger.blocks_read();
        let history: FeeHistory = served.ask("eth_feeHistory", json!(["0x1", "0x1", rewards])).await;
        assert_eq!((history.oldest_block, history.base_fee_per_gas.len()), (1, 2));
        assert_eq!(served.ledger.blocks_read(), read, "{rewards}");
    }
}
