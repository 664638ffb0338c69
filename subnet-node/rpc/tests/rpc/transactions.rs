//! Transactions on their way, and their receipts.

use alloy_consensus::{Transaction as _, TxEip2930, TxLegacy};
use alloy_primitives::{Address, TxKind};
use alloy_rpc_types_eth::{Transaction, TransactionReceipt};
use serde_json::{Value, json};
use tributary_message::EthereumTransaction;

use crate::fixture::{alice, hex, log_input, message, serve, serve_with, signed, unsigned};
use crate::ledger::CHAIN_ID;
use crate::machine::{EMITTER, GAS, REVERTER, contract};

#[tokio::test]
async fn a_transaction_waits_and_then_has_a_place() {
    let served = serve().await;
    let sent = signed(0, contract(EMITTER), b"\x00hello");
    assert_eq!(served.send(&sent).await, sent.hash());
    let waiting: Transaction = served.ask("eth_getTransactionByHash", json!([sent.hash()])).await;
    assert_eq!((waiting.block_hash, waiting.transaction_index), (None, None));
    assert_eq!(served.ask::<Value>("eth_getTransactionReceipt", json!([sent.hash()])).await, Value::Null);

    let block = served.ledger.make_block();
    let placed: Transaction = served.ask("eth_getTransactionByHash", json!([sent.hash()])).await;
    assert_eq!(
        (placed.block_hash.unwrap().0, placed.block_number, placed.transaction_index),
        (block.0, Some(1), Some(0))
    );
    assert_eq!(placed.inner.signer(), Address::from(alice().eth_address().0));
    assert_eq!((placed.nonce(), placed.input().as_ref()), (0, &b"\x00hello"[..]));
    assert_eq!(placed.effective_gas_price, Some(1_010), "base fee and tip");
    assert_eq!(placed.inner.inner(), waiting.inner.inner());
}

#[tokio::test]
async fn a_transaction_is_given_back_as_it_was_signed() {
    let served = serve().await;
    let sent = signed(0, contract(EMITTER), b"\x00hello");
    served.send(&sent).await;
    let bytes = json!(hex(sent.raw()));
    assert_eq!(served.ask::<Value>("eth_getRawTransactionByHash", json!([sent.hash()])).await, bytes, "waiting");
    let other = message(0, EMITTER, &[]);
    let message = served.ask::<Value>("subnet_sendMessage", json!([hex(other.raw())])).await;
    assert_eq!(served.ask::<Value>("eth_getRawTransactionByHash", json!([message])).await, Value::Null, "waiting");
    let block = served.ledger.make_block();
    for (method, parameters, found) in [
        ("eth_getRawTransactionByHash", json!([sent.hash()]), &bytes),
        ("debug_getRawTransaction", json!([sent.hash()]), &bytes),
        ("eth_getRawTransactionByHash", json!([message]), &Value::Null),
        ("eth_getRawTransactionByBlockNumberAndIndex", json!(["0x1", "0x0"]), &bytes),
        ("eth_getRawTransactionByBlockNumberAndIndex", json!(["0x1", "0x1"]), &Value::Null),
        ("eth_getRawTransactionByBlockHashAndIndex", json!([block, "0x0"]), &bytes),
    ] {
        assert_eq!(served.ask::<Value>(method, parameters.clone()).await, *found, "{method} {parameters}");
    }
}

#[tokio::test]
async fn each_type_of_a_wallet_keeps_its_type_in_transaction_and_receipt() {
    let served = serve().await;
    let to = TxKind::Call(Address::from(contract(EMITTER).0));
    let legacy = TxLegacy { chain_id: Some(CHAIN_ID), gas_price: 2_000, gas_limit: 30_000, to, ..TxLegacy::default() };
    let listed =
        TxEip2930 { chain_id: CHAIN_ID, nonce: 1, gas_price: 2_000, gas_limit: 30_000, to, ..TxEip2930::default() };
    let sent = [
        (EthereumTransaction::sign(legacy, &alice()), "0x0"),
        (EthereumTransaction::sign(listed, &alice()), "0x1"),
        (signed(2, contract(EMITTER), &[]), "0x2"),
    ];
    for (transaction, _) in &sent {
        served.send(transaction).await;
    }
    served.ledger.make_block();
    for (transaction, kind) in sent {
        for method in ["eth_getTransactionByHash", "eth_getTransactionReceipt"] {
            let shown: Value = served.ask(method, json!([transaction.hash()])).await;
            assert_eq!(shown["type"], kind, "{method}");
        }
        served.ask::<Transaction>("eth_getTransactionByHash", json!([transaction.hash()])).await;
        served.ask::<TransactionReceipt>("eth_getTransactionReceipt", json!([transaction.hash()])).await;
    }
}

#[tokio::test]
async fn receipts_count_gas_and_logs_through_the_block() {
    let served = serve().await;
    let sent = [
        signed(0, contract(EMITTER), &log_input(&[1], b"a")),
        signed(1, contract(REVERTER), b"no"),
        signed(2, contract(EMITTER), &log_input(&[2, 3], b"b")),
    ];
    for transaction in &sent {
        served.send(transaction).await;
    }
    let between = message(0, EMITTER, &log_input(&[4], b"c"));
    served.ask::<Value>("subnet_sendMessage", json!([hex(between.raw())])).await;
    let last = signed(3, contract(EMITTER), &log_input(&[], b"d"));
    served.send(&last).await;
    let block = served.ledger.make_block();

    for (transaction, position, status, log_indices) in [
        (&sent[0], 0, true, vec![0]),
        (&sent[1], 1, false, vec![]),
        (&sent[2], 2, true, vec![1]),
        (&last, 4, true, vec![3]),
    ] {
        let receipt: TransactionReceipt = served.ask("eth_getTransactionReceipt", json!([transaction.hash()])).await;
        assert_eq!((receipt.status(), receipt.transaction_index), (status, Some(position)));
        assert_eq!((receipt.gas_used, receipt.effective_gas_price), (GAS, 1_010));
        assert_eq!(receipt.inner.cumulative_gas_used(), (position + 1) * GAS, "the message counts");
        assert_eq!((receipt.block_hash.unwrap().0, receipt.block_number), (block.0, Some(1)));
        let indices = receipt.inner.logs().iter().map(|log| log.log_index.unwrap()).collect::<Vec<_>>();
        assert_eq!(indices, log_indices);
        assert!(receipt.inner.logs().iter().all(|log| log.transaction_hash.unwrap().0 == transaction.hash().0));
    }
}

#[tokio::test]
async fn a_contract_that_was_made_is_named_in_its_receipt() {
    let served = serve().await;
    let mut creation = unsigned(0, contract(EMITTER), &[0x60]);
    creation.to = TxKind::Create;
    let creation = EthereumTransaction::sign(creation, &alice());
    served.send(&creation).await;
    served.ledger.make_block();
    let receipt: TransactionReceipt = served.ask("eth_getTransactionReceipt", json!([creation.hash()])).await;
    assert_eq!((receipt.contract_address, receipt.to), (Some(Address::repeat_byte(0xcc)), None));
}

#[tokio::test]
async fn a_skipped_transaction_has_a_receipt_without_gas() {
    let served = serve().await;
    served.send(&signed(0, contract(EMITTER), b"\x00one")).await;
    let loser = signed(0, contract(EMITTER), b"\x00other");
    served.send(&loser).await;
    served.ledger.make_block();
    let receipt: TransactionReceipt = served.ask("eth_getTransactionReceipt", json!([loser.hash()])).await;
    assert_eq!((receipt.status(), receipt.gas_used, receipt.inner.cumulative_gas_used()), (false, 0, GAS));
}

#[tokio::test]
async fn an_fvm_message_is_no_ethereum_transaction_though_it_is_in_the_block() {
    let served = serve().await;
    let sent = message(0, EMITTER, &[]);
    let name = served.ask::<Value>("subnet_sendMessage", json!([hex(sent.raw())])).await;
    assert_eq!(served.ask::<Value>("eth_getTransactionByHash", json!([name])).await, Value::Null, "waiting");
    served.ledger.make_block();
    for method in ["eth_getTransactionByHash", "eth_getTransactionReceipt"] {
        assert_eq!(served.ask::<Value>(method, json!([name])).await, Value::Null, "{method}");
    }
    assert_eq!(served.ask::<Value>("subnet_getMessageReceipt", json!([name])).await["Index"], 0);
}

#[tokio::test]
async fn who_waits_for_a_transaction_gets_its_receipt_with_the_block_that_has_it() {
    let served = serve().await;
    let sent = signed(0, contract(EMITTER), b"\x00hello");
    let asked = served.ask::<TransactionReceipt>("eth_sendRawTransactionSync", json!([hex(sent.raw()), 60_000]));
    let made = async {
        while served.ask::<Value>("eth_getTransactionByHash", json!([sent.hash()])).await.is_null() {}
        // It is in no block yet, and the next head has it.
        served.ledger.make_block();
    };
    let (receipt, ()) = tokio::join!(asked, made);
    assert_eq!((receipt.transaction_hash.0, receipt.block_number), (sent.hash().0, Some(1)));
}

#[tokio::test]
async fn who_waited_too_long_learns_the_hash_and_may_ask_again() {
    let served = serve().await;
    let sent = signed(0, contract(EMITTER), b"\x00hello");
    let refusal = served.refusal("eth_sendRawTransactionSync", json!([hex(sent.raw()), "0x1"])).await;
    assert_eq!((refusal.code, refusal.data), (4, Some(sent.hash().to_string())), "{}", refusal.message);
    assert!(refusal.message.contains("was not processed in 1 ms"), "{}", refusal.message);
    served.ledger.make_block();
    let receipt: TransactionReceipt = served.ask("eth_sendRawTransactionSync", json!([hex(sent.raw())])).await;
    assert_eq!(receipt.transaction_hash.0, sent.hash().0, "it ran meanwhile");
    let other = signed(0, contract(EMITTER), b"\x00another");
    let refusal = served.refusal("eth_sendRawTransactionSync", json!([hex(other.raw())])).await;
    assert_eq!((refusal.code, refusal.message.as_str()), (-32000, "nonce too low: next nonce 1, tx nonce 0"));
}

#[tokio::test]
async fn who_brings_a_transaction_that_waits_for_another_is_told_so_at_once() {
    let served = serve().await;
    let sent = signed(1, contract(EMITTER), b"\x00hello");
    for known in [false, true] {
        let refusal = served.refusal("eth_sendRawTransactionSync", json!([hex(sent.raw()), 60_000])).await;
        assert_eq!((refusal.code, refusal.data), (5, Some(sent.hash().to_string())), "{known}");
        assert!(refusal.message.contains("due to a missing nonce: 0 of its sender"), "{}", refusal.message);
    }
    served.send(&signed(0, contract(EMITTER), b"\x00hello")).await;
    let refusal = served.refusal("eth_sendRawTransactionSync", json!([hex(sent.raw()), 1])).await;
    assert_eq!(refusal.code, 4, "now it waits for a block alone");
}

#[tokio::test]
async fn a_node_too_busy_to_read_tells_who_waits_all_the_same() {
    let served = serve_with(|config| {
        config.reads_max = 0;
        config.waiting_max = 0;
    })
    .await;
    let sent = signed(0, contract(EMITTER), b"\x00hello");
    let brought = served.ask::<TransactionReceipt>("eth_sendRawTransactionSync", json!([hex(sent.raw()), 60_000]));
    let named = served.ask::<Value>("subnet_waitMessage", json!([sent.hash(), 60_000]));
    let made = async {
        served.ledger.listened_to_by(2).await;
        while served.ledger.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        served.ledger.make_block();
    };
    let (receipt, found, ()) = tokio::join!(brought, named, made);
    assert_eq!((receipt.block_number, &found["Height"]), (Some(1), &json!(1)));
}

#[tokio::test]
async fn a_wait_for_nothing_is_refused_and_brings_nothing() {
    let served = serve().await;
    let sent = signed(0, contract(EMITTER), b"\x00hello");
    for timeout in [json!("soon"), json!(-1)] {
        let refusal = served.refusal("eth_sendRawTransactionSync", json!([hex(sent.raw()), timeout])).await;
        assert_eq!(refusal.code, -32602, "{timeout}: {}", refusal.message);
    }
    assert!(served.ask::<Value>("eth_getTransactionByHash", json!([sent.hash()])).await.is_null());
    let refusal = served.refusal("eth_sendRawTransactionSync", json!(["0x00"])).await;
    assert_eq!(refusal.code, served.refusal("eth_sendRawTransaction", json!(["0x00"])).await.code);
}
