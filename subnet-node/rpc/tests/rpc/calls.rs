//! Calls that change nothing, and estimates.

use std::collections::BTreeMap;
use std::time::Duration;

use alloy_eips::eip2930::{AccessList, AccessListItem, AccessListResult};
use alloy_eips::eip7702::{Authorization, SignedAuthorization};
use alloy_primitives::{Address, B256, U256};
use fvm_shared::econ::TokenAmount;
use serde_json::{Value, json};
use tributary_fvm::{AccountOverride, BlockOverrides, Overrides, StorageOverride};
use tributary_primitives::{EthAddress, Hash32, Height};

use crate::fixture::{Refusal, bob, hex, serve, serve_with};
use crate::machine::{BURNER, GAS, LOOPER, REVERTER, contract};

/// `Error("no")` as Solidity encodes it.
fn solidity_error() -> Vec<u8> {
    let word = |last: u8| [&[0; 31][..], &[last]].concat();
    [&[0x08, 0xc3, 0x79, 0xa0][..], &word(32), &word(2), b"no", &[0; 30]].concat()
}

#[tokio::test]
async fn a_call_returns_what_the_contract_returns() {
    let served = serve().await;
    let to = bob().eth_address();
    for request in [
        json!({"to": to, "data": "0x1234"}),
        json!({"to": to, "input": "0x1234"}),
        json!({"to": to, "data": "0x1234", "input": "0x1234"}),
        json!({"from": bob().eth_address(), "to": to, "input": "0x1234", "gas": "0x3938700", "value": "0x0"}),
        json!({"to": to, "input": "0x1234", "maxFeePerGas": "0x3e8", "maxPriorityFeePerGas": "0x1", "chainId": "0x7ab7"}),
        json!({"to": to, "input": "0x1234", "gasPrice": "0x3e8"}),
        json!({"input": "0x1234"}),
    ] {
        for block in [json!("latest"), json!("pending"), json!({"blockNumber": "0x0"}), json!(null)] {
            assert_eq!(served.ask::<String>("eth_call", json!([request, block])).await, "0x1234", "{request}");
        }
        assert_eq!(served.ask::<String>("eth_estimateGas", json!([request])).await, format!("{GAS:#x}"), "{request}");
        assert_eq!(served.ask::<String>("eth_call", json!([request, "latest", {}])).await, "0x1234", "no overrides");
    }
}

#[tokio::test]
async fn a_revert_has_go_ethereums_code_its_reason_and_its_bytes() {
    let served = serve().await;
    for method in ["eth_call", "eth_estimateGas"] {
        for (data, message) in [
            (solidity_error(), "execution reverted: no"),
            (vec![1, 2, 3, 4], "execution reverted"),
            (vec![], "execution reverted"),
        ] {
            let request = json!([{"to": contract(REVERTER), "input": hex(&data)}]);
            let expected = Refusal { code: 3, message: message.to_owned(), data: Some(hex(&data)) };
            assert_eq!(served.refusal(method, request).await, expected, "{method}");
        }
    }
}

#[tokio::test]
async fn a_call_that_burns_its_gas_is_told_apart_from_a_revert() {
    let served = serve_with(|config| config.call_gas_max = 1_000_000).await;
    let request = json!([{"to": contract(BURNER), "gas": "0xffffffffff"}]);
    let refusal = served.refusal("eth_call", request.clone()).await;
    assert_eq!((refusal.code, refusal.message.as_str(), refusal.data), (-32000, "out of gas (exit code 7)", None));
    let refusal = served.refusal("eth_estimateGas", request).await;
    assert_eq!((refusal.code, refusal.message.as_str()), (-32000, "gas required exceeds allowance (1000000)"));
}

#[tokio::test]
async fn a_call_has_the_gas_that_it_asks_for_held_to_what_the_node_gives_one() {
    let served = serve().await;
    for (gas, held) in [(json!(null), 50_000_000), (json!("0x1312d00"), 20_000_000), (json!("0x3938700"), 50_000_000)] {
        let request = json!({"to": contract(BURNER), "gas": gas});
        let trace: Value = served.ask("debug_traceCall", json!([request, "latest"])).await;
        assert_eq!(trace["gas"], json!(held), "{gas}");
    }
}

#[tokio::test]
async fn a_call_runs_in_the_block_that_is_named_and_at_pending_in_the_next() {
    let served = serve().await;
    served.ledger.make_block();
    let tip = served.ledger.make_block();
    let (to, none) = (bob().eth_address(), json!(null));
    for (block, height) in [
        (&none, 2),
        (&json!("latest"), 2),
        (&json!("safe"), 2),
        (&json!(tip), 2),
        (&json!({"blockHash": tip}), 2),
        (&json!("0x1"), 1),
        (&json!("earliest"), 0),
        (&json!("pending"), 3),
    ] {
        for method in ["eth_call", "eth_estimateGas", "eth_createAccessList", "debug_traceCall"] {
            served.ask::<Value>(method, json!([{"to": to}, block])).await;
            assert_eq!(served.ledger.called_in(), height, "{method} {block}");
        }
    }
    for (block, height) in [(&none, 2), (&json!(1), 1), (&json!(0), 0)] {
        for method in ["subnet_call", "subnet_estimateMessageGas"] {
            served.ask::<Value>(method, json!([{"from": "f00", "to": to}, block])).await;
            assert_eq!(served.ledger.called_in(), height, "{method} {block}");
        }
    }
}

#[tokio::test]
async fn a_price_that_does_not_reach_the_base_fee_is_refused_in_go_ethereums_words() {
    let served = serve().await;
    let from = bob().eth_address();
    for (price, fee) in [(json!({"gasPrice": "0x3e7"}), 999), (json!({"maxFeePerGas": "0x5"}), 5)] {
        let mut request = json!({"from": from, "to": from});
        request.as_object_mut().unwrap().extend(price.as_object().unwrap().clone());
        for method in ["eth_call", "eth_estimateGas", "eth_createAccessList", "debug_traceCall"] {
            let refusal = served.refusal(method, json!([request])).await;
            let sentence =
                format!("max fee per gas less than block base fee: address {from}, maxFeePerGas: {fee}, baseFee: 1000");
            assert_eq!((refusal.code, refusal.message), (-32000, sentence), "{method} {price}");
        }
    }
}

#[tokio::test]
async fn a_call_without_enough_gas_runs_out_of_it() {
    let served = serve().await;
    let refusal = served.refusal("eth_call", json!([{"to": bob().eth_address(), "gas": "0x1"}])).await;
    assert_eq!((refusal.code, refusal.message.as_str()), (-32000, "out of gas (exit code 7)"));
}

#[tokio::test]
async fn what_a_call_is_to_find_otherwise_reaches_the_state_that_it_runs_on() {
    let served = serve().await;
    let (one, other, word) = (EthAddress([1; 20]), EthAddress([2; 20]), |byte: u8| Hash32([byte; 32]));
    let accounts = json!({
        one.to_string(): {
            "balance": "0x7", "nonce": "0x8", "code": "0x60", "stateDiff": {hex([3; 32]): hex([4; 32])},
            "movePrecompileToAddress": EthAddress([3; 20]),
        },
        other.to_string(): {"balance": null, "state": {}},
    });
    let slots = BTreeMap::from([(word(3), word(4))]);
    let expected = BTreeMap::from([
        (
            one,
            AccountOverride {
                balance: Some(TokenAmount::from_atto(7)),
                nonce: Some(8),
                code: Some(vec![0x60]),
                storage: StorageOverride::With(slots),
                precompile_to: Some(EthAddress([3; 20])),
                ..AccountOverride::default()
            },
        ),
        (other, AccountOverride { storage: StorageOverride::Only(BTreeMap::new()), ..AccountOverride::default() }),
    ]);
    let block = json!({
        "number": "0x10", "time": "0x11", "gasLimit": "0x12", "feeRecipient": one, "prevRandao": hex([5; 32]),
        "baseFeePerGas": "0x13", "difficulty": "0x0", "blobBaseFee": "0x1", "beaconRoot": hex([0; 32]), "withdrawals": [],
    });
    let older = json!({
        "blockNumber": "0x10", "timestamp": "0x11", "gasLimit": "0x12", "coinbase": one, "random": hex([5; 32]), "baseFee": "0x13",
    });
    let otherwise = BlockOverrides {
        height: Some(Height(16)),
        timestamp_s: Some(17),
        gas_limit: Some(18),
        proposer: Some(one),
        prev_randao: Some(word(5)),
        base_fee: Some(19),
    };
    let request = json!({"to": bob().eth_address()});
    for method in ["eth_call", "eth_estimateGas"] {
        for block in [&block, &older] {
            served.ask::<String>(method, json!([request, "latest", accounts, block])).await;
            let both = Overrides { accounts: expected.clone(), block: otherwise.clone() };
            assert_eq!(served.ledger.overrides(), both, "{method}");
        }
        for nothing in [json!([request, "latest", null, null]), json!([request, null, {}, {}]), json!([request])] {
            served.ask::<String>(method, nothing).await;
            assert_eq!(served.ledger.overrides(), Overrides::default(), "{method}");
        }
    }
    served.ask::<AccessListResult>("eth_createAccessList", json!([request, "latest", accounts])).await;
    assert_eq!(served.ledger.overrides(), Overrides { accounts: expected, ..Overrides::default() });
}

#[tokio::test]
async fn authorizations_reach_the_call_as_wallets_write_them() {
    let served = serve().await;
    let to = bob().eth_address();
    let written = json!({
        "chainId": "0x7ab7", "address": contract(REVERTER), "nonce": "0x1", "yParity": "0x1", "r": hex([1; 32]), "s": "0x2",
    });
    // Before they agreed on a name, wallets called the parity v.
    let older = json!({
        "chainId": "0x0", "address": contract(BURNER), "nonce": "0x0", "v": "0x0", "r": "0x3", "s": "0x4",
    });
    let authorization = |chain_id: u64, id: u64, nonce| Authorization {
        chain_id: U256::from(chain_id),
        address: Address::new(contract(id).0),
        nonce,
    };
    let [one, two, four] = [B256::repeat_byte(1).into(), U256::from(2), U256::from(4)];
    let expected = vec![
        SignedAuthorization::new_unchecked(authorization(31_415, REVERTER, 1), 1, one, two),
        SignedAuthorization::new_unchecked(authorization(0, BURNER, 0), 0, U256::from(3), four),
    ];
    for method in ["eth_call", "eth_estimateGas", "eth_createAccessList"] {
        let request = json!({"to": to, "type": "0x4", "authorizationList": [written, older]});
        served.ask::<Value>(method, json!([request, "latest"])).await;
        assert_eq!(served.ledger.authorizations(), expected, "{method}");
        served.ask::<Value>(method, json!([{"to": to, "authorizationList": null}])).await;
        assert_eq!(served.ledger.authorizations(), [], "{method}");
    }
    let most = json!({"to": to, "authorizationList": vec![written; 670]});
    served.ask::<String>("eth_call", json!([most])).await;
}

#[tokio::test]
async fn an_access_list_tells_what_a_call_reaches_what_it_uses_and_how_it_ends() {
    let served = serve().await;
    let item = |address: EthAddress, byte: u8| AccessListItem {
        address: Address::new(address.0),
        storage_keys: vec![B256::repeat_byte(byte)],
    };
    let to = bob().eth_address();
    let given = json!([{"address": contract(BURNER), "storageKeys": [hex([9; 32])]}]);
    let answer: AccessListResult =
        served.ask("eth_createAccessList", json!([{"to": to, "accessList": given}, "latest"])).await;
    let access_list = AccessList(vec![item(contract(BURNER), 9), item(to, 7)]);
    assert_eq!(answer, AccessListResult { access_list, gas_used: U256::from(GAS), error: None });

    let request = json!([{"to": contract(REVERTER), "input": hex(solidity_error())}]);
    let answer: AccessListResult = served.ask("eth_createAccessList", request).await;
    assert_eq!(answer.access_list, AccessList(vec![item(contract(REVERTER), 7)]));
    assert_eq!(answer.error.as_deref(), Some("execution reverted: no"));

    let made: Value = served.ask("eth_createAccessList", json!([{"input": "0x00"}])).await;
    assert_eq!(
        made,
        json!({"accessList": [], "gasUsed": format!("{GAS:#x}")}),
        "an error is left out where there is none"
    );
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_cut_off_and_its_place_is_free_again() {
    let served = serve_with(|config| {
        config.call_time_max = Duration::from_millis(20);
        config.reads_max = 1;
    })
    .await;
    let (ethereum, fvm) = (json!([{"to": LOOPER}]), json!([{"from": "f00", "to": LOOPER}]));
    let simulation =
        json!([{"blockStateCalls": [{"calls": [{"to": bob().eth_address()}]}, {"calls": [{"to": LOOPER}]}]}]);
    for (method, request, code) in [
        ("eth_call", &ethereum, -32000),
        ("eth_estimateGas", &ethereum, -32000),
        ("eth_createAccessList", &ethereum, -32000),
        ("eth_simulateV1", &simulation, -38026),
        ("subnet_call", &fvm, -32000),
        ("subnet_estimateMessageGas", &fvm, -32000),
    ] {
        let refusal = served.refusal(method, request.clone()).await;
        let expected = (code, "execution aborted (timeout = 20ms)");
        assert_eq!((refusal.code, refusal.message.as_str()), expected, "{method}");
    }
    assert_eq!(served.ask::<String>("eth_call", json!([{"to": bob().eth_address(), "input": "0x12"}])).await, "0x12");
}
