//! What waits in the mempool, in go-ethereum's shapes.

use alloy_primitives::{Address, TxKind, U256};
use alloy_rpc_types_eth::Transaction;
use serde_json::{Value, json};
use tributary_message::EthereumTransaction;

use crate::fixture::{Served, alice, bob, hex, message, serve, signed, unsigned};
use crate::machine::{EMITTER, contract};

/// Alice's, spelled as go-ethereum does.
fn alices() -> String {
    Address::from(alice().eth_address().0).to_checksum(None)
}

/// Nonces 0 and 2 of Alice's, and a message of her other account.
async fn served() -> Served {
    let served = serve().await;
    served.send(&signed(0, contract(EMITTER), b"\x00hello")).await;
    served.send(&signed(2, contract(EMITTER), &[])).await;
    served.ask::<Value>("subnet_sendMessage", json!([hex(message(0, EMITTER, &[]).raw())])).await;
    served
}

#[tokio::test]
async fn both_kinds_are_counted() {
    let served = served().await;
    let status: Value = served.ask("txpool_status", json!([])).await;
    assert_eq!(status, json!({"pending": "0x2", "queued": "0x1"}));
    served.ledger.make_block();
    let status: Value = served.ask("txpool_status", json!([])).await;
    assert_eq!(status, json!({"pending": "0x0", "queued": "0x0"}));
}

#[tokio::test]
async fn ethereums_are_shown_by_sender_and_nonce_as_they_wait() {
    let served = served().await;
    let content: Value = served.ask("txpool_content", json!([])).await;
    let of_alice: Value = served.ask("txpool_contentFrom", json!([alice().eth_address()])).await;
    for (half, nonce) in [("pending", "0"), ("queued", "2")] {
        let shown = &content[half][alices()][nonce];
        assert_eq!(&of_alice[half][nonce], shown, "{half}");
        let hash = shown["hash"].clone();
        let alone: Transaction = served.ask("eth_getTransactionByHash", json!([hash])).await;
        assert_eq!(serde_json::from_value::<Transaction>(shown.clone()).unwrap(), alone);
        assert_eq!((content[half].as_object().unwrap().len(), of_alice[half].as_object().unwrap().len()), (1, 1));
    }
    let nobodys: Value = served.ask("txpool_contentFrom", json!([bob().eth_address()])).await;
    assert_eq!(nobodys, json!({"pending": {}, "queued": {}}));
}

#[tokio::test]
async fn a_line_says_to_whom_how_much_and_at_which_price() {
    let served = served().await;
    let made = unsigned(1, contract(EMITTER), &[0x60]);
    let made = alloy_consensus::TxEip1559 { to: TxKind::Create, value: U256::from(5), ..made };
    served.send(&EthereumTransaction::sign(made, &alice())).await;
    let lines: Value = served.ask("txpool_inspect", json!([])).await;
    let to = Address::from(contract(EMITTER).0).to_checksum(None);
    let transfer = format!("{to}: 0 wei + 100000 gas × 5000 wei");
    let expected = json!({"0": transfer, "1": "contract creation: 5 wei + 100000 gas × 5000 wei", "2": transfer});
    assert_eq!(lines, json!({"pending": {alices(): expected}, "queued": {}}), "the gap is closed");
}

#[tokio::test]
async fn no_more_is_shown_than_the_bound_and_all_is_counted() {
    let served = serve().await;
    for nonce in 0..4_100 {
        served.send(&signed(nonce, contract(EMITTER), &[])).await;
    }
    let of_alice: Value = served.ask("txpool_contentFrom", json!([alice().eth_address()])).await;
    assert_eq!(of_alice["pending"].as_object().unwrap().len(), 4_096);
    let status: Value = served.ask("txpool_status", json!([])).await;
    assert_eq!(status["pending"], "0x1004");
}
