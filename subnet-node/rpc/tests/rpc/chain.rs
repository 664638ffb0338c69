//! The chain, this node, and accounts.

use alloy_eips::eip7910::EthConfig;
use alloy_primitives::{U64, U256};
use alloy_rpc_types_eth::SyncStatus;
use serde_json::{Value, json};
use tributary_primitives::{EthAddress, Height};
use tributary_rpc::backend::SyncProgress;

use crate::fixture::{alice, bob, hex, serve, serve_root, signed};
use crate::machine::{CODE, EMITTER, REVERTER, contract};

#[tokio::test]
async fn a_node_says_who_it_is_in_ethereums_words() {
    let served = serve().await;
    for (method, answer) in [
        ("eth_chainId", json!("0x7ab7")),
        ("eth_blockNumber", json!("0x0")),
        ("eth_syncing", json!(false)),
        ("eth_accounts", json!([])),
        ("eth_blobBaseFee", json!("0x1")),
        ("net_version", json!("31415")),
        ("net_listening", json!(true)),
        ("net_peerCount", json!("0x3")),
        ("web3_clientVersion", json!("subnet-node/test")),
    ] {
        assert_eq!(served.ask::<Value>(method, json!([])).await, answer, "{method}");
    }
    let empty = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
    assert_eq!(served.ask::<String>("web3_sha3", json!(["0x"])).await, empty);
}

#[tokio::test]
async fn ethereums_rules_hold_from_genesis_on() {
    let served = serve().await;
    let mut config: Value = served.ask("eth_config", json!([])).await;
    serde_json::from_value::<EthConfig>(config.clone()).unwrap();
    let precompiles = config["current"]["precompiles"].take();
    let address = |last: &str| json!(format!("0x{last:0>40}"));
    assert_eq!((&precompiles["ECREC"], &precompiles["P256VERIFY"]), (&address("1"), &address("100")));
    assert_eq!(precompiles["CALL_ACTOR"], json!("0xfe00000000000000000000000000000000000003"));
    assert_eq!(precompiles.as_object().unwrap().len(), 23);
    let current = json!({
        "activationTime": 0,
        "blobSchedule": { "baseFeeUpdateFraction": 5_007_716, "max": 0, "target": 0 },
        "chainId": "0x7ab7",
        "forkId": "0x87f66588",
        "precompiles": null,
        "systemContracts": { "HISTORY_STORAGE_ADDRESS": "0x0000f90827f1c53a10cb7a02335b175320002935" },
    });
    assert_eq!(config, json!({ "current": current, "next": null, "last": null }));
}

#[tokio::test]
async fn a_node_that_is_behind_says_how_far() {
    let served = serve().await;
    served.ledger.fall_behind(SyncProgress { starting: Height(1), current: Height(2), highest: Height(9) });
    let SyncStatus::Info(progress) = served.ask("eth_syncing", json!([])).await else { panic!("behind, but says not") };
    assert_eq!((progress.current_block, progress.highest_block), (U256::from(2), U256::from(9)));
}

#[tokio::test]
async fn an_account_is_shown_at_every_height_that_is_kept() {
    let served = serve().await;
    let (alice, bob) = (alice().eth_address(), bob().eth_address());
    let mut gift = crate::fixture::unsigned(0, bob, &[]);
    gift.value = U256::from(5);
    served.send(&tributary_message::EthereumTransaction::sign(gift, &crate::fixture::alice())).await;
    let hash = served.ledger.make_block();
    for (block, balance, nonce) in [
        (json!("latest"), 5, 1),
        (json!("safe"), 5, 1),
        (json!("pending"), 5, 1),
        (json!("0x1"), 5, 1),
        (json!({"blockHash": hash}), 5, 1),
        (json!(hash), 5, 1),
        (json!(null), 5, 1),
        (json!("earliest"), 0, 0),
        (json!("0x0"), 0, 0),
    ] {
        assert_eq!(served.ask::<U256>("eth_getBalance", json!([bob, block])).await, U256::from(balance), "{block}");
        assert_eq!(
            served.ask::<U64>("eth_getTransactionCount", json!([alice, block])).await,
            U64::from(nonce),
            "{block}"
        );
    }
    assert_eq!(served.ask::<U256>("eth_getBalance", json!([EthAddress([0xee; 20])])).await, U256::ZERO, "nobody");
}

#[tokio::test]
async fn the_finalized_block_is_the_latest_that_the_parent_accepted_and_none_before_the_first() {
    let served = serve().await;
    let bob = bob().eth_address();
    (0..3).for_each(|_| {
        served.ledger.make_block();
    });
    for method in ["eth_getBlockByNumber", "eth_getBlockTransactionCountByNumber", "eth_getBlockReceipts"] {
        assert_eq!(served.ask::<Value>(method, json!(["finalized"])).await, Value::Null, "{method}");
    }
    let status = async || served.ask::<Value>("subnet_status", json!([])).await["finalized_height"].clone();
    assert_eq!(status().await, Value::Null);
    let asked = [
        ("eth_getBalance", json!([bob, "finalized"])),
        ("eth_call", json!([{"to": bob}, "finalized"])),
        ("eth_feeHistory", json!([1, "finalized"])),
        ("eth_getLogs", json!([{"fromBlock": "earliest", "toBlock": "finalized"}])),
        ("eth_getLogs", json!([{"fromBlock": "finalized"}])),
    ];
    for (method, params) in &asked {
        let refusal = served.refusal(method, params.clone()).await;
        assert_eq!(refusal.code, -32000, "{method}");
        assert!(refusal.message.starts_with("finalized block not found"), "{method}: {refusal:?}");
    }
    served.ledger.finalize(2);
    let block: Value = served.ask("eth_getBlockByNumber", json!(["finalized"])).await;
    assert_eq!((&block["number"], status().await), (&json!("0x2"), json!(2)), "{block}");
    for (method, params) in asked {
        drop(served.ask::<Value>(method, params).await);
    }
}

#[tokio::test]
async fn a_root_has_no_parent_to_wait_for_so_its_latest_block_is_finalized() {
    let served = serve_root().await;
    served.ledger.make_block();
    let block: Value = served.ask("eth_getBlockByNumber", json!(["finalized"])).await;
    assert_eq!(block["number"], "0x1");
    assert_eq!(served.ask::<Value>("subnet_status", json!([])).await["finalized_height"], Value::Null);
}

#[tokio::test]
async fn only_pending_counts_what_waits() {
    let served = serve().await;
    let alice = alice().eth_address();
    for nonce in [0, 1, 3] {
        served.send(&signed(nonce, contract(EMITTER), &[])).await;
    }
    for (block, nonce) in [("pending", 2), ("latest", 0)] {
        assert_eq!(
            served.ask::<U64>("eth_getTransactionCount", json!([alice, block])).await,
            U64::from(nonce),
            "{block}"
        );
    }
}

#[tokio::test]
async fn a_contract_shows_its_code_and_storage() {
    let served = serve().await;
    let at = contract(EMITTER);
    assert_eq!(served.ask::<String>("eth_getCode", json!([at, "latest"])).await, hex(CODE));
    assert_eq!(served.ask::<String>("eth_getCode", json!([alice().eth_address()])).await, "0x");
    for slot in ["0x7", "0x07", "0x0000000000000000000000000000000000000000000000000000000000000007"] {
        let word = served.ask::<String>("eth_getStorageAt", json!([at, slot, "latest"])).await;
        assert_eq!(word, format!("0x{:064x}", 7), "{slot}");
    }
}

#[tokio::test]
async fn slots_of_several_accounts_are_told_at_once_in_the_order_asked_for() {
    let served = serve().await;
    let (one, other) = (contract(EMITTER), contract(REVERTER));
    let word = |number: u16| format!("0x{number:064x}");
    let asked = json!({ one.to_string(): ["0x7", word(5), "0x7"], other.to_string(): [] });
    let told: Value = served.ask("eth_getStorageValues", json!([asked, "latest"])).await;
    assert_eq!(told, json!({ one.to_string(): [word(7), word(5), word(7)], other.to_string(): [] }));
    let many = |count: usize| json!([{ one.to_string(): vec!["0x1"; count] }]);
    served.ask::<Value>("eth_getStorageValues", many(1_024)).await;
    for (parameters, code, sentence) in
        [(json!([{}]), -32602, "invalid argument 0: empty request"), (many(1_025), -32005, "too many slots (max 1024)")]
    {
        let refusal = served.refusal("eth_getStorageValues", parameters).await;
        assert_eq!((refusal.code, refusal.message.as_str()), (code, sentence));
    }
}
