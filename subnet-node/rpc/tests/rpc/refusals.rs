//! Each fault has its own code and its own sentence.

use alloy_consensus::{SignableTransaction as _, TxLegacy};
use alloy_eips::Encodable2718 as _;
use alloy_primitives::{Signature, U256};
use fvm_shared::address::Address;
use serde_json::{Value, json};
use tributary_crypto::SecpSecretKey;
use tributary_message::EthereumTransaction;
use tributary_message::fvm::Signature as MessageSignature;
use tributary_primitives::EthAddress;

use crate::fixture::{Served, alice, bob, hex, message, serve, signed, unsigned, unsigned_message};
use crate::ledger::CHAIN_ID;
use crate::machine::{EMITTER, contract};
use crate::socket::Socket;

async fn each_is_refused(served: &Served, rows: Vec<(&str, Value, i32, &str)>) {
    for (method, parameters, code, sentence) in rows {
        let refusal = served.refusal(method, parameters.clone()).await;
        assert_eq!((refusal.code, refusal.message.as_str()), (code, sentence), "{method} {parameters}");
    }
}

#[tokio::test]
async fn a_bad_argument_is_named_by_position_and_fault() {
    let served = serve().await;
    let someone = json!(alice().eth_address());
    let short = "0x1234";
    each_is_refused(
        &served,
        vec![
            ("eth_getBalance", json!([]), -32602, "missing value for required argument 0"),
            ("eth_getBalance", json!([null]), -32602, "missing value for required argument 0"),
            ("eth_chainId", json!([1]), -32602, "too many arguments, want at most 0"),
            ("eth_getBalance", json!([someone, "latest", 1]), -32602, "too many arguments, want at most 2"),
            ("eth_getBalance", json!(["f39f"]), -32602, "invalid argument 0: hex must start with 0x"),
            ("eth_getBalance", json!([short]), -32602, "invalid argument 0: hex of 4 digits where 40 are needed"),
            ("eth_getBalance", json!([7]), -32602, "invalid argument 0: invalid type: integer `7`, expected a string"),
            ("eth_getBalance", json!([someone, "newest"]), -32602, "invalid argument 1: hex string without 0x prefix"),
            ("eth_getBlockByHash", json!([short]), -32602, "invalid argument 0: hex of 4 digits where 64 are needed"),
            (
                "eth_getBlockByNumber",
                json!(["0x0", "yes"]),
                -32602,
                "invalid argument 1: invalid type: string \"yes\", expected a boolean",
            ),
            ("eth_sendRawTransaction", json!(["0x0"]), -32602, "invalid argument 0: hex string of odd length"),
            ("eth_sendRawTransaction", json!(["02"]), -32602, "invalid argument 0: hex string without 0x prefix"),
            (
                "web3_sha3",
                json!(["0xzz"]),
                -32602,
                "invalid argument 0: invalid hex string: Invalid character 'z' at position 0",
            ),
            ("eth_getStorageAt", json!([someone, "0x"]), -32602, "invalid argument 1: empty hex string"),
            ("eth_feeHistory", json!(["0x1", "latest", [101]]), -32000, "invalid reward percentile: 101.000000"),
            (
                "eth_getLogs",
                json!([{"fromBlock": "0x2", "toBlock": "0x1"}]),
                -32602,
                "invalid argument 0: invalid block range params: 2 is above 1",
            ),
            ("subnet_checkpoints", json!([0, 257]), -32602, "invalid argument 1: a limit of 257; it must be 1 to 256"),
            ("subnet_checkpoints", json!([0, 0]), -32602, "invalid argument 1: a limit of 0; it must be 1 to 256"),
            ("subnet_checkpoints", json!([0]), -32602, "missing value for required argument 1"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_request_object_with_a_fault_is_refused_for_it() {
    let served = serve().await;
    let to = contract(EMITTER);
    for (method, parameters, part) in [
        ("eth_call", json!([{"to": to, "data": "0x01", "input": "0x02"}]), "both \"data\" and \"input\""),
        ("eth_call", json!([{"to": to, "gasPrice": "0x1", "maxFeePerGas": "0x1"}]), "both gasPrice and"),
        ("eth_call", json!([{"to": to, "maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2"}]), "maxFeePerGas (1) <"),
        ("eth_call", json!([{"to": to, "chainId": "0x1"}]), "have=1, want=31415"),
        ("eth_call", json!([{"to": to, "maxFeePerBlobGas": "0x1"}]), "EIP-4844"),
        ("eth_call", json!([{"to": to, "authorizationList": []}]), "EIP-7702 transaction with empty auth list"),
        ("eth_call", json!([{"to": to, "authorizationList": [{}]}]), "missing field"),
        (
            "eth_estimateGas",
            json!([{"input": "0x00", "authorizationList": [authorization()]}]),
            "EIP-7702 transaction cannot be used to create contract",
        ),
        (
            "eth_simulateV1",
            json!([{"blockStateCalls": [{"calls": [{"authorizationList": [authorization()]}]}]}]),
            "EIP-7702 transaction cannot be used to create contract",
        ),
        ("eth_getLogs", json!([{"adress": to}]), "unknown field `adress`"),
        ("eth_getLogs", json!([{"topics": [null, null, null, null, null]}]), "exceeded maximum topics"),
        ("eth_getLogs", json!([{"address": vec![to; 1]}, 1]), "too many arguments"),
        ("subnet_call", json!([{"from": "f00", "to": "f0100", "input": "0x"}]), "unknown field `input`"),
        ("subnet_call", json!([{"from": "f00"}]), "missing field `to`"),
        ("subnet_call", json!([{"from": "f00", "to": "f5"}]), "is no address such as"),
        ("subnet_getActor", json!(["0x12"]), "hex of 2 digits where 40 are needed"),
        ("subnet_sendMessage", json!(["!"]), "neither 0x and hex nor base64"),
    ] {
        let refusal = served.refusal(method, parameters.clone()).await;
        assert!(refusal.code == -32602 && refusal.message.contains(part), "{method} {parameters}: {refusal:?}");
    }
}

fn authorization() -> Value {
    json!({"chainId": "0x0", "address": contract(EMITTER), "nonce": "0x0", "yParity": "0x0", "r": "0x1", "s": "0x1"})
}

#[tokio::test]
async fn more_authorizations_than_a_transaction_could_pay_for_are_refused() {
    let served = serve().await;
    let request = json!({"to": contract(EMITTER), "authorizationList": vec![authorization(); 671]});
    let sentence = "671 authorizations; at most 670 are taken, since one transaction's gas pays for no more";
    let simulation = json!({"blockStateCalls": [{"calls": [request]}]});
    for (method, parameters) in
        [("eth_call", json!([request])), ("eth_estimateGas", json!([request])), ("eth_simulateV1", json!([simulation]))]
    {
        each_is_refused(&served, vec![(method, parameters, -32005, sentence)]).await;
    }
}

#[tokio::test]
async fn what_a_call_cannot_find_otherwise_is_refused_for_it() {
    let served = serve().await;
    let to = contract(EMITTER).to_string();
    let (word, nobody) = (format!("0x{}", "11".repeat(32)), EthAddress::from_actor_id(4_000).to_string());
    for (accounts, part) in [
        (json!({"0x01": {}}), "invalid string length"),
        (json!([]), "invalid type: sequence, expected a map"),
        (json!({&to: 1}), "invalid type: integer `1`"),
        (json!({&to: {"balanc": "0x1"}}), "unknown field `balanc`"),
        (json!({&to: {"balance": format!("0x1{}", "0".repeat(64))}}), "invalid"),
        (json!({&to: {"nonce": format!("0x1{}", "0".repeat(16))}}), "invalid"),
        (json!({&to: {"code": "0x0"}}), "hex string of odd length"),
        (json!({&to: {"state": {"0x1": word}}}), "invalid"),
        (json!({&to: {"state": {}, "stateDiff": {}}}), "has both 'state' and 'stateDiff'"),
        (json!({&to: {"movePrecompileToAddress": "0x01"}}), "invalid string length"),
        (json!({&nobody: {"balance": "0x1"}}), "there is no such actor"),
    ] {
        for method in ["eth_call", "eth_estimateGas", "eth_createAccessList"] {
            let refusal = served.refusal(method, json!([{"to": to}, "latest", accounts])).await;
            let is_named = refusal.message.starts_with("invalid argument 2: ") && refusal.message.contains(part);
            assert!(refusal.code == -32602 && is_named, "{method} {accounts}: {refusal:?}");
        }
    }
    for (block, part) in [
        (json!({"height": "0x1"}), "unknown field `height`"),
        (json!({"number": format!("0x1{}", "0".repeat(16))}), "number 18446744073709551616 is above 2^64 - 1"),
        (json!({"baseFeePerGas": format!("0x1{}", "0".repeat(16))}), "baseFeePerGas 18446744073709551616 is above"),
        (json!({"difficulty": "0x1"}), "difficulty: there is no proof of work"),
        (json!({"blobBaseFee": "0x2"}), "blobBaseFee: blobs (EIP-4844) have no meaning"),
        (json!({"beaconRoot": word}), "beaconRoot: a subnet has no beacon chain"),
        (json!({"withdrawals": [{}]}), "withdrawals: there are none"),
        (json!({"blockHash": {"0x1": word}}), "blockHash: hashes of past blocks cannot be overridden"),
    ] {
        for method in ["eth_call", "eth_estimateGas"] {
            let refusal = served.refusal(method, json!([{"to": to}, "latest", {}, block])).await;
            let is_named = refusal.message.starts_with("invalid argument 3: ") && refusal.message.contains(part);
            assert!(refusal.code == -32602 && is_named, "{method} {block}: {refusal:?}");
        }
    }
    let refusal = served.refusal("eth_createAccessList", json!([{"to": to}, "latest", {}, {}])).await;
    assert_eq!(refusal.message, "too many arguments, want at most 3");
}

#[tokio::test]
async fn what_a_message_cannot_find_otherwise_is_refused_for_it() {
    let served = serve().await;
    let stranger = SecpSecretKey::from_bytes(&[9; 32]).unwrap().f1_address().to_string();
    let (emitter, many) = (contract(EMITTER).to_string(), format!("0x{}", "11".repeat(65)));
    for (accounts, part) in [
        (json!({"f5": {}}), "is no address such as"),
        (json!({"f0100": {"balanc": "1"}}), "unknown field `balanc`"),
        (json!({"f0100": {"balance": "0x1"}}), "decimal string of attoTRB"),
        (json!({"f0100": {"nonce": "0x1"}}), "invalid type: string"),
        (json!({"f0100": {"slots": {&many: "0x1"}}}), "a storage slot of 130 hex digits"),
        (json!({"f0100": {"entries": {"0x": "0x1"}}}), "odd length"),
        (json!({"f0100": {"entries": {"0x": "0x01"}}}), "a key has 1 to 64 bytes, not 0"),
        (json!({"f0100": {"entries": {&many: null}}}), "a key has 1 to 64 bytes, not 65"),
        (json!({&stranger: {"balance": "1"}}), "only an Ethereum account can be made for a call"),
        (json!({"f0100": {}, &emitter: {}}), "is an account that is overridden under another address too"),
        (json!({"f04000": {"balance": "1"}}), "there is no such actor"),
    ] {
        for method in ["subnet_call", "subnet_estimateMessageGas"] {
            let refusal = served.refusal(method, json!([{"from": "f00", "to": "f0100"}, null, accounts])).await;
            let is_named = refusal.message.starts_with("invalid argument 2: ") && refusal.message.contains(part);
            assert!(refusal.code == -32602 && is_named, "{method} {accounts}: {refusal:?}");
        }
    }
    for (block, part) in [
        (json!({"epoch": 7}), "unknown field `epoch`"),
        (json!({"number": format!("0x1{}", "0".repeat(16))}), "is above 2^64 - 1"),
        (json!({"difficulty": 1}), "there is no proof of work"),
    ] {
        for method in ["subnet_call", "subnet_estimateMessageGas"] {
            let refusal = served.refusal(method, json!([{"from": "f00", "to": "f0100"}, null, null, block])).await;
            let is_named = refusal.message.starts_with("invalid argument 3: ") && refusal.message.contains(part);
            assert!(refusal.code == -32602 && is_named, "{method} {block}: {refusal:?}");
        }
    }
    let keys = (0..16_385).map(|key| (format!("0x{key:04x}"), Value::Null)).collect::<serde_json::Map<_, _>>();
    let names = (0..1_025).map(|id| (format!("f0{id}"), json!({}))).collect::<serde_json::Map<_, _>>();
    for (accounts, sentence) in [
        (json!(names), "1025 accounts are overridden; at most 1024 may be"),
        (json!({"f0100": {"entries": keys}}), "16385 slots and entries are overridden; at most 16384 may be"),
        (
            json!({"f0100": {"code": format!("0x{}", "00".repeat(131_073))}}),
            "account f0100: code of 131073 bytes; at most 131072 are taken",
        ),
    ] {
        let refusal = served.refusal("subnet_call", json!([{"from": "f00", "to": "f0100"}, null, accounts])).await;
        assert_eq!((refusal.code, refusal.message.as_str()), (-32005, sentence));
    }
}

#[tokio::test]
async fn more_overrides_than_a_node_takes_are_refused() {
    let served = serve().await;
    let to = contract(EMITTER).to_string();
    let address = |number: usize| format!("0x{number:040x}");
    let slots = |count: usize| (0..count).map(|slot| (format!("0x{slot:064x}"), json!(format!("0x{slot:064x}"))));
    let account = |count| json!({"stateDiff": slots(count).collect::<serde_json::Map<_, _>>()});
    let accounts = (0..1_025).map(|number| (address(number), json!({}))).collect::<serde_json::Map<_, _>>();
    for (accounts, sentence) in [
        (json!(accounts), "1025 accounts are overridden; at most 1024 may be"),
        (
            json!({address(1): account(16_000), address(2): account(385)}),
            "16385 slots are overridden; at most 16384 may be",
        ),
        (
            json!({&to: {"code": format!("0x{}", "00".repeat(131_073))}}),
            "code of 131073 bytes; at most 131072 are taken",
        ),
    ] {
        let refusal = served.refusal("eth_call", json!([{"to": to}, "latest", accounts])).await;
        assert!(refusal.code == -32005 && refusal.message.ends_with(sentence), "{refusal:?}");
    }
    let most = json!({address(1): account(16_384), address(2): {"code": format!("0x{}", "00".repeat(131_072))}});
    assert_eq!(
        served.ask::<String>("eth_call", json!([{"to": address(9), "data": "0x12"}, "latest", most])).await,
        "0x12"
    );
}

#[tokio::test]
async fn a_filter_with_too_many_alternatives_is_refused() {
    let served = serve().await;
    let many: Vec<String> = (0..1_001).map(|number: u32| format!("0x{number:040x}")).collect();
    let refusal = served.refusal("eth_getLogs", json!([{"address": many}])).await;
    assert_eq!(refusal.message, "invalid argument 0: exceed max addresses: at most 1000");
}

#[tokio::test]
async fn a_block_or_state_that_is_not_there_is_told_apart() {
    let served = serve().await;
    for _ in 0..3 {
        served.ledger.make_block();
    }
    served.ledger.prune_states_below(2);
    let someone = json!(alice().eth_address());
    let nowhere = format!("0x{}", "99".repeat(32));
    let pruned = "the state after block 1 is not kept on this node; from block 2 on, every one is";
    each_is_refused(
        &served,
        vec![
            ("eth_getBalance", json!([someone, "0x4"]), -32000, "header not found"),
            ("eth_getBalance", json!([someone, {"blockHash": nowhere}]), -32000, "header not found"),
            ("eth_getBalance", json!([someone, "0x1"]), -32002, pruned),
            ("eth_call", json!([{}, "0x1"]), -32002, pruned),
            ("subnet_getActor", json!(["f0100", 1]), -32002, pruned),
            ("eth_feeHistory", json!(["0x1", "0x9"]), -32000, "request beyond head block: requested 9, head 3"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_transaction_is_refused_in_go_ethereums_words() {
    let served = serve().await;
    let sign = |transaction| EthereumTransaction::sign(transaction, &alice()).raw().to_vec();
    let to = contract(EMITTER);
    let known = signed(0, to, b"\x00known");
    served.send(&known).await;
    served.ledger.make_block();
    let waits = signed(1, to, b"\x00waits");
    served.send(&waits).await;

    let wrong_chain = alloy_consensus::TxEip1559 { chain_id: 5, ..unsigned(1, to, &[]) };
    let cheap = alloy_consensus::TxEip1559 { max_fee_per_gas: 999, ..unsigned(1, to, &[]) };
    let greedy = alloy_consensus::TxEip1559 { max_priority_fee_per_gas: 5_001, ..unsigned(1, to, &[]) };
    let last = alloy_consensus::TxEip1559 { nonce: u64::MAX, ..unsigned(1, to, &[]) };
    let unprotected = EthereumTransaction::sign(TxLegacy::default(), &alice()).raw().to_vec();
    let poor = EthereumTransaction::sign(unsigned(0, to, &[]), &bob()).raw().to_vec();
    let mut garbled = message(0, EMITTER, &[]).raw().to_vec();
    *garbled.last_mut().unwrap() ^= 1;
    let mut from_an_actor = unsigned_message(0, EMITTER, &[]);
    from_an_actor.from = Address::new_actor(b"a");
    let from_an_actor = fvm_ipld_encoding::to_vec(&(from_an_actor, MessageSignature::Secp256k1([1; 65]))).unwrap();
    for (raw, start) in [
        (waits.raw().to_vec(), "already known: 0x"),
        (known.raw().to_vec(), "nonce too low: next nonce 1, tx nonce 0"),
        (sign(cheap), "transaction underpriced: max fee per gas 999, minimum needed 1000"),
        (poor, "insufficient funds for gas * price + value: balance 0, tx cost 500000000, overshot 500000000"),
        (sign(wrong_chain), "invalid sender: invalid chain id for signer: have 5 want 31415"),
        (sign(greedy), "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: 5001"),
        (sign(last), "nonce has max value"),
        (unprotected, "only replay-protected (EIP-155) transactions allowed over RPC"),
        (vec![0x03, 0x01], "transaction type not supported: blob"),
        (vec![0x05], "transaction type not supported"),
        (vec![0x02, 0xc0], "transaction is not the RLP of its type"),
        (vec![], "transaction is empty"),
        (vec![0xc0; 131_073], "oversized data: transaction size 131073, limit 131072"),
        (vec![0x82; 131_073], "message is not the DAG-CBOR tuple"),
        (vec![0x82; 524_289], "oversized data: transaction size 524289, limit 524288"),
        (garbled, "message signature is not f1"),
        (from_an_actor, "message is from f2"),
    ] {
        for method in ["eth_sendRawTransaction", "subnet_sendMessage"] {
            let refusal = served.refusal(method, json!([hex(&raw)])).await;
            assert!(refusal.code == -32000 && refusal.message.starts_with(start), "{start}: {refusal:?}");
        }
    }
}

/// A transaction with this signature, as it travels.
fn with_signature(r: U256, s: U256, parity: bool) -> Vec<u8> {
    unsigned(1, contract(EMITTER), &[]).into_signed(Signature::new(r, s, parity)).encoded_2718()
}

#[tokio::test]
async fn a_transaction_that_nobody_signed_or_not_so_is_refused_in_go_ethereums_words() {
    let served = serve().await;
    let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    let (order, unsigned) = (U256::from_str_radix(order, 16).unwrap(), unsigned(1, contract(EMITTER), &[]));
    let good = alice().sign(unsigned.signature_hash().0);
    let [r, s] = [0, 32].map(|at| U256::from_be_slice(&good[at..at + 32]));
    let is_odd = good[64] == 1;
    assert_eq!(with_signature(r, s, is_odd), signed(1, contract(EMITTER), &[]).raw(), "the fault is each row's own");
    let no_sender = "invalid sender: invalid transaction v, r, s values";
    let legacy = alloy_consensus::TxLegacy { chain_id: Some(CHAIN_ID), gas_limit: 100_000, ..TxLegacy::default() };
    let mut without = vec![0x02];
    unsigned.encode_for_signing(&mut without);
    for (raw, start) in [
        (with_signature(U256::ZERO, U256::ZERO, false), no_sender),
        (with_signature(r, U256::ZERO, is_odd), no_sender),
        (with_signature(U256::ZERO, s, is_odd), no_sender),
        (with_signature(order, s, is_odd), no_sender),
        (with_signature(r, order, is_odd), no_sender),
        (with_signature(r, order - s, !is_odd), no_sender),
        (legacy.into_signed(Signature::new(U256::ZERO, U256::ZERO, false)).encoded_2718(), no_sender),
        // Not signed at all: the fields of a signature are not there.
        (without[1..].to_vec(), "transaction is not the RLP of its type"),
        // Signed, but over something else: whoever that makes the sender has nothing.
        (with_signature(r, s, !is_odd), "insufficient funds for gas * price + value"),
    ] {
        let refusal = served.refusal("eth_sendRawTransaction", json!([hex(&raw)])).await;
        assert!(refusal.code == -32000 && refusal.message.starts_with(start), "{start}: {refusal:?}");
    }
}

#[tokio::test]
async fn a_quantity_that_is_negative_or_too_large_or_none_is_refused_where_it_stands() {
    let served = serve().await;
    let someone = json!(alice().eth_address());
    let (over_64, over_256) = (format!("0x1{}", "0".repeat(16)), format!("0x1{}", "0".repeat(64)));
    let no_prefix = "hex string without 0x prefix";
    for (quantity, reason) in
        [("-0x1", no_prefix), ("-1", no_prefix), ("1", no_prefix), ("0x-1", "invalid digit"), (&over_64, "too large")]
    {
        for (method, parameters, position) in [
            ("eth_getBalance", json!([someone, quantity]), 1),
            ("eth_getTransactionCount", json!([someone, quantity]), 1),
            ("eth_call", json!([{}, quantity]), 1),
            ("eth_getBlockByNumber", json!([quantity, false]), 0),
            ("eth_getLogs", json!([{ "fromBlock": quantity }]), 0),
            ("eth_getLogs", json!([{ "toBlock": quantity }]), 0),
            ("eth_feeHistory", json!(["0x1", quantity]), 1),
        ] {
            let refusal = served.refusal(method, parameters.clone()).await;
            let start = format!("invalid argument {position}: ");
            let is_named = refusal.message.starts_with(&start) && refusal.message.contains(reason);
            assert!(refusal.code == -32602 && is_named, "{method} {parameters}: {refusal:?}");
        }
    }
    for (member, quantity, bytes) in [
        ("gas", "-0x1", 8),
        ("gas", &*over_64, 8),
        ("nonce", "-0x1", 8),
        ("nonce", &*over_64, 8),
        ("chainId", &*over_64, 8),
        ("gasPrice", "-0x1", 16),
        ("gasPrice", &*over_256, 16),
        ("maxFeePerGas", &*over_256, 16),
        ("value", "-0x1", 32),
        ("value", &*over_256, 32),
    ] {
        let mut request = json!({ "to": contract(EMITTER) });
        request[member] = json!(quantity);
        let sentence =
            format!("invalid argument 0: invalid value: string {quantity:?}, expected a {bytes} byte hex string");
        let methods = ["eth_call", "eth_estimateGas", "eth_createAccessList", "debug_traceCall"];
        let mut asked: Vec<_> = methods.map(|method| (method, json!([request]))).into();
        asked.push(("eth_simulateV1", json!([{ "blockStateCalls": [{ "calls": [request] }] }])));
        for (method, parameters) in asked {
            each_is_refused(&served, vec![(method, parameters, -32602, &sentence)]).await;
        }
    }
}

#[tokio::test]
async fn a_method_that_is_not_there_is_not_found() {
    let served = serve().await;
    let mut socket = Socket::open(&served).await;
    for method in ["eth_sendTransaction", "debug_getRawBlock", "subnet_", ""] {
        let sentence = format!("the method {method} does not exist/is not available");
        let refusal = served.refusal(method, json!([])).await;
        assert_eq!((refusal.code, refusal.message.as_str()), (-32601, sentence.as_str()), "{method}");
        assert_eq!(socket.refusal(method, json!([])).await, (-32601, sentence.clone()), "{method}");
        let batch = json!([{"jsonrpc": "2.0", "id": 1, "method": method, "params": []}]);
        let (_, answers) = served.post(&batch).await;
        assert_eq!(answers, json!([{"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": sentence}}]));
    }
    let endless = "é".repeat(10_000);
    let refusal = served.refusal(&endless, json!([])).await;
    assert_eq!(refusal.message, format!("the method {} does not exist/is not available", "é".repeat(64)));
}
