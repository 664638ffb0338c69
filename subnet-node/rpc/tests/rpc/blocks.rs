//! Blocks, read by alloy's own types.

use alloy_consensus::ReceiptEnvelope;
use alloy_consensus::constants::EMPTY_WITHDRAWALS;
use alloy_eips::Decodable2718 as _;
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{B256, Bytes, U64};
use alloy_rpc_types_eth::{Block, BlockTransactions, TransactionReceipt};
use serde_json::{Value, json};

use crate::fixture::{Served, log_input, message, serve, signed};
use crate::machine::{EMITTER, GAS, contract};

/// Two Ethereum transactions with an FVM message between them, each of which emits a log.
async fn a_mixed_block(served: &Served) -> [B256; 3] {
    let first = signed(0, contract(EMITTER), &log_input(&[1], b"a"));
    let middle = message(0, EMITTER, &log_input(&[2], b"b"));
    let last = signed(1, contract(EMITTER), &log_input(&[3], b"c"));
    served.send(&first).await;
    served.ask::<B256>("subnet_sendMessage", json!([crate::fixture::hex(middle.raw())])).await;
    served.send(&last).await;
    served.ledger.make_block();
    [first.hash(), middle.hash(), last.hash()].map(|hash| B256::new(hash.0))
}

#[tokio::test]
async fn a_block_lists_all_hashes_and_shows_in_full_what_a_wallet_signed() {
    let served = serve().await;
    let hashes = a_mixed_block(&served).await;
    let brief: Block = served.ask("eth_getBlockByNumber", json!(["0x1", false])).await;
    assert_eq!(brief.transactions, BlockTransactions::Hashes(hashes.to_vec()));
    assert_eq!(served.ask::<Block>("eth_getBlockByNumber", json!(["latest"])).await, brief);
    assert_eq!(served.ask::<Block>("eth_getBlockByHash", json!([brief.header.hash, false])).await, brief);

    let full: Block = served.ask("eth_getBlockByNumber", json!(["0x1", true])).await;
    let shown = full.transactions.as_transactions().unwrap();
    let places = shown.iter().map(|one| (*one.inner.tx_hash(), one.transaction_index)).collect::<Vec<_>>();
    assert_eq!(places, [(hashes[0], Some(0)), (hashes[2], Some(2))], "an index counts FVM messages too");
}

#[tokio::test]
async fn a_header_shows_the_chain_in_ethereums_fields() {
    let served = serve().await;
    a_mixed_block(&served).await;
    let genesis: Block = served.ask("eth_getBlockByNumber", json!(["earliest"])).await;
    let Block { header, uncles, .. } = served.ask::<Block>("eth_getBlockByNumber", json!(["latest"])).await;
    assert_eq!((header.number, header.parent_hash, header.timestamp), (1, genesis.header.hash, 1_700_000_000));
    assert_eq!((header.gas_used, header.gas_limit, header.base_fee_per_gas), (3 * GAS, 30_000_000, Some(1_000)));
    assert_eq!((header.beneficiary.0[0], header.mix_hash.0[0], uncles.len()), (0xbb, 0x44, 0));
    let receipts: Vec<TransactionReceipt> = served.ask("eth_getBlockReceipts", json!(["latest"])).await;
    for receipt in &receipts {
        let bloom = *receipt.inner.logs_bloom();
        assert_eq!(header.logs_bloom & bloom, bloom, "a block's bloom covers those of its receipts");
    }
    let topic_of_message = alloy_primitives::BloomInput::Raw(&[2; 32]);
    assert!(header.logs_bloom.contains_input(topic_of_message), "and the logs of FVM messages");
    assert_eq!(genesis.header.logs_bloom, alloy_primitives::Bloom::ZERO);
}

#[tokio::test]
async fn a_header_is_shown_alone_as_it_is_in_its_block() {
    let served = serve().await;
    a_mixed_block(&served).await;
    for number in ["latest", "0x0"] {
        let mut block: Value = served.ask("eth_getBlockByNumber", json!([number, false])).await;
        for of_the_body in ["transactions", "uncles", "withdrawals", "size"] {
            block.as_object_mut().unwrap().remove(of_the_body).unwrap();
        }
        assert_eq!(served.ask::<Value>("eth_getHeaderByNumber", json!([number])).await, block, "{number}");
        assert_eq!(served.ask::<Value>("eth_getHeaderByHash", json!([block["hash"]])).await, block, "{number}");
    }
}

#[tokio::test]
async fn receipts_of_a_block_are_told_as_ethereum_encodes_them_too() {
    let served = serve().await;
    a_mixed_block(&served).await;
    let shown: Vec<TransactionReceipt> = served.ask("eth_getBlockReceipts", json!(["0x1"])).await;
    let encoded: Vec<Bytes> = served.ask("debug_getRawReceipts", json!(["0x1"])).await;
    let decode = |bytes: &Bytes| ReceiptEnvelope::decode_2718(&mut &bytes[..]).unwrap();
    let expected: Vec<_> = shown.into_iter().map(|receipt| receipt.inner.into_primitives_receipt()).collect();
    assert_eq!(encoded.iter().map(decode).collect::<Vec<_>>(), expected);
    assert_eq!(encoded[0][0], 2, "its type");
}

#[tokio::test]
async fn receipts_of_a_block_are_those_of_its_ethereum_transactions() {
    let served = serve().await;
    let hashes = a_mixed_block(&served).await;
    let all: Vec<TransactionReceipt> = served.ask("eth_getBlockReceipts", json!(["0x1"])).await;
    let mut single = Vec::new();
    for hash in [hashes[0], hashes[2]] {
        single.push(served.ask::<TransactionReceipt>("eth_getTransactionReceipt", json!([hash])).await);
    }
    assert_eq!(all, single);
}

#[tokio::test]
async fn transactions_are_counted_and_found_by_their_place() {
    let served = serve().await;
    let hashes = a_mixed_block(&served).await;
    let block: Block = served.ask("eth_getBlockByNumber", json!(["latest"])).await;
    let name = json!(block.header.hash);
    for (method, place) in
        [("eth_getBlockTransactionCountByNumber", json!("0x1")), ("eth_getBlockTransactionCountByHash", name.clone())]
    {
        assert_eq!(served.ask::<U64>(method, json!([place])).await, U64::from(3), "{method}");
    }
    for (method, place) in
        [("eth_getTransactionByBlockNumberAndIndex", json!("0x1")), ("eth_getTransactionByBlockHashAndIndex", name)]
    {
        for (index, hash) in
            [("0x0", json!(hashes[0])), ("0x1", json!(null)), ("0x2", json!(hashes[2])), ("0x3", json!(null))]
        {
            let found: Value = served.ask(method, json!([place, index])).await;
            assert_eq!(found.get("hash").cloned().unwrap_or_default(), hash, "{method} {index}");
        }
    }
}

#[tokio::test]
async fn no_block_has_uncles_withdrawals_or_blobs_and_says_so() {
    let served = serve().await;
    a_mixed_block(&served).await;
    let block: Value = served.ask("eth_getBlockByNumber", json!(["0x1", false])).await;
    for (field, empty) in [
        ("withdrawals", json!([])),
        ("withdrawalsRoot", json!(EMPTY_WITHDRAWALS)),
        ("blobGasUsed", json!("0x0")),
        ("excessBlobGas", json!("0x0")),
        ("parentBeaconBlockRoot", json!(B256::ZERO)),
        ("requestsHash", json!(EMPTY_REQUESTS_HASH)),
    ] {
        assert_eq!(block[field], empty, "{field}");
    }
    for (method, place) in
        [("eth_getUncleCountByBlockNumber", json!("0x1")), ("eth_getUncleCountByBlockHash", block["hash"].clone())]
    {
        assert_eq!(served.ask::<Value>(method, json!([place])).await, "0x0", "{method}");
    }
}

#[tokio::test]
async fn what_does_not_exist_is_null() {
    let served = serve().await;
    let nowhere = json!(B256::repeat_byte(9));
    for (method, parameters) in [
        ("eth_getBlockByNumber", json!(["0x9", true])),
        ("eth_getBlockByHash", json!([nowhere, false])),
        ("eth_getHeaderByNumber", json!(["0x9"])),
        ("eth_getHeaderByHash", json!([nowhere])),
        ("debug_getRawReceipts", json!(["0x9"])),
        ("debug_getRawTransaction", json!([nowhere])),
        ("eth_getBlockTransactionCountByNumber", json!(["0x9"])),
        ("eth_getBlockTransactionCountByHash", json!([nowhere])),
        ("eth_getBlockReceipts", json!(["0x9"])),
        ("eth_getUncleCountByBlockNumber", json!(["0x9"])),
        ("eth_getUncleCountByBlockHash", json!([nowhere])),
        ("eth_getUncleByBlockNumberAndIndex", json!(["0x0", "0x0"])),
        ("eth_getUncleByBlockHashAndIndex", json!([nowhere, "0x0"])),
        ("eth_getRawTransactionByHash", json!([nowhere])),
        ("eth_getRawTransactionByBlockNumberAndIndex", json!(["0x9", "0x0"])),
        ("eth_getRawTransactionByBlockHashAndIndex", json!([nowhere, "0x0"])),
        ("eth_getTransactionByHash", json!([nowhere])),
        ("eth_getTransactionByBlockNumberAndIndex", json!(["0x9", "0x0"])),
        ("eth_getTransactionByBlockHashAndIndex", json!([nowhere, "0x0"])),
        ("eth_getTransactionReceipt", json!([nowhere])),
        ("subnet_getMessageReceipt", json!([nowhere])),
        ("subnet_getActor", json!(["f0999"])),
        ("subnet_resolve", json!(["f0999"])),
        ("subnet_certificate", json!([2])),
        ("subnet_latestCertificate", json!([])),
        ("subnet_validators", json!([9])),
    ] {
        assert_eq!(served.ask::<Value>(method, parameters).await, Value::Null, "{method}");
    }
}
