//! What gas costs.

use alloy_primitives::U128;
use alloy_rpc_types_eth::FeeHistory;
use serde_json::json;
use tributary_message::EthereumTransaction;

use crate::fixture::{Served, alice, hex, message, serve, unsigned};
use crate::ledger::BLOCK_GAS_LIMIT;
use crate::machine::{EMITTER, GAS, contract};

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
async fn a_messages_tip_is_counted_in_block_gas() {
    let served = serve().await;
    let sent = message(0, EMITTER, &[]);
    served.ask::<String>("subnet_sendMessage", json!([hex(sent.raw())])).await;
    served.ledger.make_block();
    assert_eq!(suggestions(&served).await.0, U128::from(500), "1 for each of 500 FVM gas in a block gas");
}
