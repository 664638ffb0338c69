//! Calls that change nothing, and estimates.

use serde_json::json;

use crate::fixture::{Refusal, bob, hex, serve, serve_with};
use crate::machine::{BURNER, GAS, REVERTER, contract};

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
        json!({"from": bob().eth_address(), "to": to, "input": "0x1234", "gas": "0xffffff", "value": "0x0"}),
        json!({"to": to, "input": "0x1234", "maxFeePerGas": "0x5", "maxPriorityFeePerGas": "0x1", "chainId": "0x7ab7"}),
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
async fn a_call_without_enough_gas_runs_out_of_it() {
    let served = serve().await;
    let refusal = served.refusal("eth_call", json!([{"to": bob().eth_address(), "gas": "0x1"}])).await;
    assert_eq!((refusal.code, refusal.message.as_str()), (-32000, "out of gas (exit code 7)"));
}
