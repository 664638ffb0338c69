//! The chain, this node, and accounts.

use alloy_primitives::{U64, U256};
use alloy_rpc_types_eth::SyncStatus;
use serde_json::{Value, json};
use tributary_primitives::{EthAddress, Height};
use tributary_rpc::backend::SyncProgress;

use crate::fixture::{alice, bob, hex, serve, signed};
use crate::machine::{CODE, EMITTER, contract};

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
        (json!("finalized"), 5, 1),
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
    served.ledger.finalize(0);
    assert_eq!(
        served.ask::<U256>("eth_getBalance", json!([bob, "finalized"])).await,
        U256::ZERO,
        "not on the parent yet"
    );
    assert_eq!(served.ask::<U256>("eth_getBalance", json!([EthAddress([0xee; 20])])).await, U256::ZERO, "nobody");
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
