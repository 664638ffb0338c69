//! The JSON of every method, pinned: as CometBFT v0.38 writes it, field by field.

use serde_json::{Value, json};
use tributary_chain::tendermint::block::signed_header::SignedHeader;
use tributary_chain::tendermint::block::{Commit, Header};

use super::follower::ask;
use crate::fixture::{Served, serve};

/// What is asked in a URI, and the result.
const PINNED: &[(&str, &str)] = &[
    ("health", "{}"),
    ("status", include_str!("pinned/status.json")),
    ("header?height=1", include_str!("pinned/header-1.json")),
    ("header?height=3", include_str!("pinned/header-3.json")),
    ("block?height=1", include_str!("pinned/block-1.json")),
    ("block?height=2", include_str!("pinned/block-2.json")),
    ("block_results?height=1", include_str!("pinned/block_results-1.json")),
    ("block_results?height=2", include_str!("pinned/block_results-2.json")),
    ("commit?height=2", include_str!("pinned/commit-2.json")),
    ("commit?height=13", include_str!("pinned/commit-13.json")),
    ("blockchain?minHeight=1&maxHeight=2", include_str!("pinned/blockchain.json")),
    ("validators?height=3", include_str!("pinned/validators-3.json")),
    ("validators?height=3&page=2&per_page=3", include_str!("pinned/validators-3-page-2.json")),
    ("consensus_params?height=3", include_str!("pinned/consensus_params.json")),
    ("genesis", include_str!("pinned/genesis.json")),
    ("genesis_chunked?chunk=0", include_str!("pinned/genesis_chunked.json")),
];

/// The same question in JSON-RPC.
async fn posted(served: &Served, uri: &str) -> Value {
    let (method, query) = uri.split_once('?').unwrap_or((uri, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let named: Vec<_> = pairs.map(|(name, value)| (name, value.parse().unwrap())).collect();
    ask(&served.client, method, &named).await
}

#[tokio::test]
async fn every_answer_is_as_pinned_by_uri_and_by_json_rpc() {
    let served = serve().await;
    for (uri, pinned) in PINNED {
        let result: Value = serde_json::from_str(pinned).unwrap();
        let (status, answer) = served.get(&format!("/{uri}")).await;
        assert_eq!(status, 200, "{uri}");
        assert_eq!(answer, json!({"jsonrpc": "2.0", "id": -1, "result": result}), "{uri}");
        assert_eq!(posted(&served, uri).await, result, "{uri}");
    }
}

#[tokio::test]
async fn what_a_caller_leaves_out_is_the_latest() {
    let served = serve().await;
    for (short, long) in [
        ("/header", "/header?height=13"),
        ("/block?height=", "/block?height=%2213%22"),
        ("/commit", "/commit?height=13"),
        ("/block_results", "/block_results?height=13"),
        ("/validators", "/validators?height=14&page=1&per_page=30"),
        ("/consensus_params", "/consensus_params?height=14"),
        ("/blockchain", "/blockchain?minHeight=1&maxHeight=99"),
        ("/genesis_chunked", "/genesis_chunked?chunk=0"),
    ] {
        let (answer, expected) = (served.get(short).await, served.get(long).await);
        assert_eq!(answer.0, 200, "{short}");
        assert_eq!(answer, expected, "{short}");
    }
}

#[tokio::test]
async fn a_block_is_found_by_its_hash_in_every_spelling_and_a_hash_of_nothing_is_no_error() {
    let served = serve().await;
    let block = served.get("/block?height=2").await;
    let header = served.get("/header?height=2").await;
    let hash = block.1["result"]["block_id"]["hash"].as_str().unwrap().to_owned();
    for spelled in [hash.clone(), format!("0x{hash}"), format!("%22{}%22", hash.to_lowercase())] {
        assert_eq!(served.get(&format!("/block_by_hash?hash={spelled}")).await, block, "{spelled}");
        assert_eq!(served.get(&format!("/header_by_hash?hash={spelled}")).await, header, "{spelled}");
    }
    let nothing = json!({"block_id": {"hash": "", "parts": {"total": 0, "hash": ""}}, "block": null});
    for uri in ["/block_by_hash", &format!("/block_by_hash?hash={}", "ee".repeat(32))] {
        assert_eq!(served.get(uri).await.1["result"], nothing, "{uri}");
    }
    let nowhere = format!("/header_by_hash?hash={}", "ee".repeat(32));
    assert_eq!(served.get(&nowhere).await.1["result"], json!({"header": null}));
}

#[tokio::test]
async fn tendermints_own_types_read_what_is_served_and_come_to_the_same_hashes() {
    let served = serve().await;
    for height in 1..=13 {
        let block: Value = ask(&served.client, "block", &[("height", height)]).await;
        let header: Header = serde_json::from_value(block["block"]["header"].clone()).unwrap();
        assert_eq!(json!(header.hash()), block["block_id"]["hash"], "{height}");
        if height > 1 {
            let last: Commit = serde_json::from_value(block["block"]["last_commit"].clone()).unwrap();
            let commit: Value = ask(&served.client, "commit", &[("height", height - 1)]).await;
            let signed: SignedHeader = serde_json::from_value(commit["signed_header"].clone()).unwrap();
            assert_eq!(*signed.commit(), last, "the canonical commit is in the next block");
            assert_eq!(header.last_block_id, Some(last.block_id));
        }
    }
}

#[tokio::test]
async fn a_chain_of_blocks_is_told_of_twenty_at_a_time() {
    let served = crate::fixture::serve_blocks(45).await;
    for (uri, heights) in [
        ("/blockchain", 26..=45),
        ("/blockchain?minHeight=3", 26..=45),
        ("/blockchain?minHeight=3&maxHeight=10", 3..=10),
        ("/blockchain?maxHeight=30", 11..=30),
        ("/blockchain?minHeight=45&maxHeight=9000000000", 45..=45),
    ] {
        let (_, answer) = served.get(uri).await;
        let metas = answer["result"]["block_metas"].as_array().unwrap();
        let told: Vec<u64> =
            metas.iter().map(|meta| meta["header"]["height"].as_str().unwrap().parse().unwrap()).collect();
        assert_eq!(told, heights.rev().collect::<Vec<_>>(), "{uri}");
    }
}
