//! Blocks of calls that are run to see what would become of them.

use alloy_consensus::constants::EMPTY_WITHDRAWALS;
use alloy_consensus::{Transaction as _, Typed2718 as _};
use alloy_eips::eip4895::Withdrawals;
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{Address, B256, Bloom, Bytes, U256, keccak256};
use alloy_rpc_types_eth::simulate::{SimCallResult, SimulatedBlock as Answer};
use serde_json::{Value, json};
use tributary_fvm::fees::next_base_fee;
use tributary_fvm::{AccountOverride, BlockEnv};
use tributary_primitives::{EthAddress, Hash32, Height};

use crate::fixture::{Served, alice, bob, hex, log_input, serve, serve_with};
use crate::ledger::{BASE_FEE_MIN, BLOCK_GAS_LIMIT, CHAIN_ID, REFUND};
use crate::machine::{BURNER, EMITTER, GAS, REVERTER, contract};

async fn simulate(served: &Served, simulation: Value) -> Vec<Answer> {
    served.ask("eth_simulateV1", json!([simulation, "latest"])).await
}

fn calls(calls: Value) -> Value {
    json!({"blockStateCalls": [{"calls": calls}]})
}

#[tokio::test]
async fn a_block_says_what_became_of_each_call_and_shows_it_as_a_transaction() {
    let served = serve().await;
    let tip = served.ledger.make_block();
    let from = alice().eth_address();
    let request = calls(json!([
        {"from": from, "to": contract(EMITTER), "input": hex(log_input(&[1, 2], b"data"))},
        {"from": from, "to": contract(REVERTER), "input": "0x01", "nonce": "0x9"},
        {"from": bob().eth_address(), "to": contract(BURNER), "gas": "0x5300"},
        {"to": contract(EMITTER), "input": hex(log_input(&[3], b""))},
    ]));
    let answers = simulate(&served, request).await;
    let [Answer { inner: block, calls }] = &answers[..] else { panic!("{answers:?}") };
    let header = &block.header;
    assert_eq!((header.number, header.timestamp), (2, 1_700_000_001), "one more than the tip, a second later");
    assert_eq!((header.parent_hash, header.hash), (B256::new(tip.0), header.inner.hash_slow()));
    assert_eq!((header.gas_used, header.gas_limit), (3 * GAS + 0x5300, BLOCK_GAS_LIMIT));
    assert_eq!((header.base_fee_per_gas, header.state_root), (Some(0), B256::ZERO));
    assert!(header.size.unwrap() > U256::from(500));
    assert_eq!((header.withdrawals_root, header.requests_hash), (Some(EMPTY_WITHDRAWALS), Some(EMPTY_REQUESTS_HASH)));
    assert_eq!((header.blob_gas_used, header.excess_blob_gas), (Some(0), Some(0)));
    assert_eq!(
        (header.parent_beacon_block_root, &block.withdrawals),
        (Some(B256::ZERO), &Some(Withdrawals::default()))
    );

    let hashes: Vec<_> = block.transactions.hashes().collect();
    let statuses: Vec<_> = calls.iter().map(|call| (call.status, call.gas_used, call.logs.len())).collect();
    assert_eq!(statuses, [(true, GAS, 1), (false, GAS, 0), (false, 0x5300, 0), (true, GAS, 1)]);
    assert!(calls.iter().all(|call| call.max_used_gas == Some(call.gas_used + REFUND)), "before refunds");
    let log = &calls[3].logs[0];
    assert_eq!((log.log_index, log.transaction_index, log.block_hash), (Some(1), Some(3), Some(header.hash)));
    assert_eq!((log.transaction_hash, log.block_number), (Some(hashes[3]), Some(2)));
    assert_eq!(log.topics(), [B256::repeat_byte(3)]);
    let bloom: Bloom = calls.iter().flat_map(|call| &call.logs).map(|log| &log.inner).collect();
    assert_eq!(header.logs_bloom, bloom);
    let ends: Vec<_> = calls
        .iter()
        .map(|call: &SimCallResult| call.error.as_ref().map(|why| (why.code, why.message.as_str(), why.data.clone())))
        .collect();
    let reverted = Some(Bytes::from(vec![1]));
    let expected =
        [None, Some((3, "execution reverted", reverted)), Some((-32015, "out of gas (exit code 7)", None)), None];
    assert_eq!(ends, expected);
}

#[tokio::test]
async fn transactions_are_shown_whole_if_wanted() {
    let served = serve().await;
    let request = json!({"blockStateCalls": [{"calls": [
        {"from": alice().eth_address(), "to": contract(EMITTER), "value": "0x7", "nonce": "0x5", "gas": "0xffff",
         "maxFeePerGas": "0x9", "maxPriorityFeePerGas": "0x2", "input": "0x01",
         "accessList": [{"address": contract(EMITTER), "storageKeys": [hex([1; 32])]}]},
        {"input": "0x02", "gasPrice": "0x4"},
        {"to": contract(EMITTER), "input": "0x03", "authorizationList": [
            {"chainId": "0x0", "address": contract(REVERTER), "nonce": "0x5", "yParity": "0x1", "r": "0x1", "s": "0x2"}]},
    ]}], "returnFullTransactions": true});
    let answers = simulate(&served, request).await;
    let block = &answers[0].inner;
    let [one, two, three] = block.transactions.as_transactions().unwrap() else { panic!("{block:?}") };
    assert_eq!((one.inner.signer(), one.nonce(), one.gas_limit()), (Address::new(alice().eth_address().0), 5, 0xffff));
    assert_eq!((one.max_fee_per_gas(), one.max_priority_fee_per_gas(), one.value()), (9, Some(2), U256::from(7)));
    assert_eq!((one.access_list().unwrap().len(), one.chain_id()), (1, Some(CHAIN_ID)));
    assert_eq!((one.block_hash, one.transaction_index), (Some(block.header.hash), Some(0)));
    assert_eq!((two.to(), two.nonce(), two.max_fee_per_gas()), (None, 0, 4));
    let authorizations = three.authorization_list().unwrap();
    assert_eq!((one.ty(), two.ty(), three.ty()), (2, 2, 4));
    assert_eq!((authorizations.len(), authorizations[0].nonce, authorizations[0].y_parity()), (1, 5, 1));
    for transaction in [two, three] {
        let encoded = alloy_eips::Encodable2718::encoded_2718(transaction.inner.inner());
        assert_eq!(*transaction.inner.tx_hash(), keccak256(encoded));
    }
}

#[tokio::test]
async fn blocks_follow_on_each_other_and_run_where_and_on_what_was_wanted() {
    let served = serve().await;
    served.ledger.make_block();
    let someone = EthAddress([9; 20]);
    let request = json!({"blockStateCalls": [
        {"stateOverrides": {someone.to_string(): {"balance": "0x7"}}, "calls": [{"to": contract(EMITTER), "input": "0x05"}]},
        {"blockOverrides": {"number": "0x4", "time": "0x7000000000", "feeRecipient": someone, "gasLimit": "0xfffff",
                            "prevRandao": hex([5; 32]), "baseFeePerGas": "0x8"}},
        {},
    ], "traceTransfers": true});
    let answers = simulate(&served, request).await;
    let heights: Vec<_> = answers.iter().map(|answer| answer.inner.header.number).collect();
    assert_eq!(heights, [2, 3, 4, 5], "a gap is filled");
    for pair in answers.windows(2) {
        assert_eq!(pair[1].inner.header.parent_hash, pair[0].inner.header.hash);
    }
    let blocks = served.ledger.simulated();
    let balance = Some(fvm_shared::econ::TokenAmount::from_atto(7));
    let wanted = AccountOverride { balance, ..AccountOverride::default() };
    assert_eq!(blocks[0].accounts.iter().collect::<Vec<_>>(), [(&someone, &wanted)]);
    assert!(blocks[1].accounts.is_empty() && blocks[1].calls.is_empty());
    let expected = BlockEnv {
        height: Height(4),
        timestamp_s: 0x70_0000_0000,
        proposer: someone,
        base_fee: 8,
        gas_limit: 0xf_ffff,
        chain_id: CHAIN_ID,
        previous_hash: Hash32(answers[1].inner.header.hash.0),
        prev_randao: Hash32([5; 32]),
    };
    assert_eq!(blocks[2].env, expected);
    let last = BlockEnv {
        height: Height(5),
        timestamp_s: 0x70_0000_0001,
        base_fee: 0,
        previous_hash: Hash32(answers[2].inner.header.hash.0),
        ..expected
    };
    assert_eq!(blocks[3].env, last, "the rest stays as it was made");
    assert!(blocks.iter().all(|block| block.trace_transfers && !block.validation));
    let (first, second) = (blocks[0].gas_max, blocks[1].gas_max);
    assert_eq!((first, second), (50_000_000, 50_000_000 - GAS), "gas is for all of them together");
}

#[tokio::test]
async fn with_validation_fees_are_the_chains_and_nonces_must_fit() {
    let served = serve().await;
    let from = alice().eth_address();
    let request = json!({"blockStateCalls": [
        {"calls": [{"from": from, "to": contract(EMITTER), "input": "0x05", "nonce": "0x0"}]},
        {"calls": [{"from": from, "to": contract(EMITTER), "input": "0x05", "nonce": "0x1"}]},
    ], "validation": true});
    let answers = simulate(&served, request).await;
    let fees: Vec<_> = answers.iter().map(|answer| answer.inner.header.base_fee_per_gas.unwrap()).collect();
    let second = next_base_fee(BASE_FEE_MIN, GAS, BLOCK_GAS_LIMIT, BASE_FEE_MIN);
    assert_eq!(fees, [BASE_FEE_MIN, second]);
    let mut request = calls(json!([{"from": from, "to": contract(EMITTER), "nonce": "0x1"}]));
    simulate(&served, request.clone()).await;
    request["validation"] = json!(true);
    let refusal = served.refusal("eth_simulateV1", json!([request])).await;
    let sentence = format!("nonce too high: address {from}, tx: 1 state: 0");
    assert_eq!((refusal.code, refusal.message), (-38011, sentence));
    let mut cheap = calls(json!([{"from": from, "to": contract(EMITTER), "gasPrice": "0x3e7"}]));
    simulate(&served, cheap.clone()).await;
    cheap["validation"] = json!(true);
    let refusal = served.refusal("eth_simulateV1", json!([cheap])).await;
    let sentence =
        format!("max fee per gas less than block base fee: address {from}, maxFeePerGas: 999, baseFee: 1000");
    assert_eq!((refusal.code, refusal.message), (-38012, sentence));
}

#[tokio::test]
async fn what_cannot_be_simulated_is_refused_with_its_own_code() {
    let served = serve_with(|config| config.call_gas_max = 1_000_000).await;
    let block = |overrides: Value| json!({"blockStateCalls": [{"blockOverrides": overrides}]});
    let to = contract(EMITTER).to_string();
    let many = vec![json!({}); 257];
    let crowded = vec![json!({"to": to}); 1_025];
    for (simulation, code, part) in [
        (json!({}), -32602, "empty input"),
        (json!({"blockStateCalls": []}), -32602, "empty input"),
        (json!({"blockStateCalls": many}), -38026, "too many blocks"),
        (calls(json!(crowded)), -38026, "too many calls: 1025"),
        (block(json!({"number": "0x0"})), -38020, "block numbers must be in order: 0 <= 0"),
        (block(json!({"number": "0x101"})), -38026, "too many blocks"),
        (block(json!({"time": "0x1"})), -38021, "block timestamps must be in order: 1 <= 1700000000"),
        (block(json!({"difficulty": "0x1"})), -32602, "difficulty"),
        (json!({"blockStateCalls": [{"stateOverrides": {&to: {"state": {}, "stateDiff": {}}}}]}), -32602, "has both"),
        (json!({"blockStateCalls": [{"call": []}]}), -32602, "unknown field `call`"),
        (json!({"blockStateCalls": [{}], "validate": true}), -32602, "unknown field `validate`"),
        (calls(json!([{"to": to, "gasPrice": "0x1", "maxFeePerGas": "0x1"}])), -32602, "both gasPrice and"),
        (calls(json!([{"to": to, "chainId": "0x1"}])), -32602, "have=1, want=31415"),
    ] {
        let refusal = served.refusal("eth_simulateV1", json!([simulation])).await;
        assert!(refusal.code == code && refusal.message.contains(part), "{simulation}: {refusal:?}");
    }
    let refusal = served.refusal("eth_simulateV1", json!([calls(json!([])), "0x5"])).await;
    assert_eq!((refusal.code, refusal.message.as_str()), (-32000, "header not found"));
}

#[tokio::test]
async fn what_all_blocks_return_and_emit_fits_one_answer() {
    let served = serve_with(|config| config.response_bytes_max = 20_000).await;
    let returns = |bytes: usize| json!({"to": EthAddress([9; 20]), "input": hex(vec![0; bytes])});
    let emits = json!({"to": contract(EMITTER), "input": hex(log_input(&[1], &[7; 100]))});
    // Of each block what is left by those before it.
    simulate(&served, json!({"blockStateCalls": [{"calls": [returns(1_000), emits]}, {"calls": [returns(500)]}, {}]}))
        .await;
    let left: Vec<_> = served.ledger.simulated().iter().map(|block| block.bytes_max).collect();
    assert_eq!(left, [20_000, 20_000 - 2_000 - 1_024 - 200, 20_000 - 2_000 - 1_024 - 200 - 1_000]);
    for blocks in [
        json!([{"calls": [returns(4_000), returns(4_000), returns(4_000)]}]),
        json!([{"calls": [returns(4_000)]}, {"calls": [returns(4_000)]}, {"calls": [returns(4_000)]}]),
    ] {
        let refusal = served.refusal("eth_simulateV1", json!([{"blockStateCalls": blocks}])).await;
        let sentence = "what the calls of one simulation return and emit is more than an answer may hold; simulate fewer of them at once";
        assert_eq!((refusal.code, refusal.message.as_str()), (-38026, sentence));
    }
}
