//! Every decided height convinces a Tendermint light client that has never seen our code.

#[path = "../../rpc/tests/support/follower.rs"]
mod follower;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jsonrpsee::http_client::{HttpClient, HttpClientBuilder};
use serde_json::{Value, json};
use tendermint_light_client_verifier::Verdict;
use tributary_chain::{LightBlock, TransactionResult, results_hash, tendermint};
use tributary_fvm::Executor;
use tributary_node::facts::ChainFacts;
use tributary_node::ledger::Ledger;
use tributary_primitives::Height;
use tributary_store::{ChainIdentity, Store, StoreConfig};

use crate::ledger::trees;
use crate::network::Network;
use crate::wallet::Wallet;

#[tokio::test(flavor = "multi_thread")]
async fn every_decided_height_passes_the_light_client() {
    let mut network = Network::running(4);
    let (mut wallet, client) = (Wallet::rich(), network.client(0));
    client.reach(1).await;
    for _ in 0..4 {
        wallet.transfer(&client).await;
    }
    for at in 0..4 {
        assert!(network.stop(at).success());
    }
    let ledger = open(&network);
    let head = ledger.head().height;
    let blocks: Vec<_> = (1..=head.0).map(|height| light_block(&ledger, Height(height))).collect();
    assert!(blocks.len() >= 4);
    for pair in blocks.windows(2) {
        assert_eq!(verify(&pair[0], &pair[1]), Verdict::Success, "next to each other");
        assert_eq!(verify(&blocks[0], &pair[1]), Verdict::Success, "from the first");
    }
    let mut forged = blocks[blocks.len() - 1].clone();
    forged.signed_header.header.app_hash = tendermint::AppHash::try_from(vec![9; 32]).unwrap();
    assert_ne!(verify(&blocks[0], &forged), Verdict::Success, "another state");
}

/// The chain as node 0 left it on its disk.
pub fn open(network: &Network) -> Ledger {
    let facts = Arc::new(ChainFacts::of(network.genesis()).unwrap());
    let identity = ChainIdentity { genesis: facts.genesis_id, format: tributary_node::run::STORE_FORMAT };
    let store = Store::open(&network.home(0).data(), &StoreConfig::default(), &identity).unwrap();
    let executor = Executor::new(facts.execution(), None).unwrap();
    Ledger::open(facts, store, executor, network.genesis(), trees(1)).unwrap()
}

fn light_block(ledger: &Ledger, height: Height) -> LightBlock {
    let (_, block) = ledger.block_at(height).unwrap().unwrap();
    let certificate = ledger.certificate_at(height).unwrap().unwrap();
    let validators = &ledger.facts().validators;
    LightBlock::new(block.header, &certificate, validators, validators).unwrap()
}

fn verify(trusted: &LightBlock, new: &LightBlock) -> Verdict {
    follower::verify(trusted, new, tendermint::Time::now())
}

/// A height's results as they are served, as far as a header commits to them.
fn results_in(answer: &Value) -> Vec<TransactionResult> {
    let gas = |value: &Value| value.as_str().unwrap().parse().unwrap();
    let read = |result: &Value| TransactionResult {
        code: result["code"].as_u64().unwrap().try_into().unwrap(),
        data: result["data"].as_str().map(|data| BASE64.decode(data).unwrap()).unwrap_or_default(),
        gas_wanted: gas(&result["gas_wanted"]),
        gas_used: gas(&result["gas_used"]),
    };
    answer["txs_results"].as_array().map(|results| results.iter().map(read).collect()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_light_client_follows_a_network_from_outside_with_nothing_but_what_each_node_serves() {
    let network = Network::running(4);
    let (mut wallet, client) = (Wallet::rich(), network.client(0));
    client.reach(1).await;
    for _ in 0..4 {
        wallet.transfer(&client).await;
    }
    wallet.call(&client).await;
    let (nodes, height) =
        ([0, 1, 2, 3].map(|at| served_by(&network, at)), follower::latest(&served_by(&network, 0)).await);
    for at in 0..4 {
        network.client(at).reach(height).await;
    }
    let mut blocks = Vec::new();
    for (height, node) in (1..=height).zip(nodes.iter().cycle()) {
        blocks.push(follower::light_block(node, height).await);
    }
    for pair in blocks.windows(2) {
        assert_eq!(verify(&pair[0], &pair[1]), Verdict::Success, "next to each other");
        assert_eq!(verify(&blocks[0], &pair[1]), Verdict::Success, "from the first");
    }

    let genesis: Value = follower::ask(&nodes[0], "genesis", &[]).await;
    let (mut app_hash, mut transactions) = (genesis["genesis"]["app_hash"].clone(), 0);
    let mut results = Vec::new();
    for (height, block) in (1..=height).zip(&blocks) {
        let header = &block.signed_header.header;
        assert_eq!(json!(header.app_hash.to_string()), app_hash, "the state after {}", height - 1);
        let expected = tendermint::Hash::Sha256(results_hash(&results).0);
        assert_eq!(header.last_results_hash, Some(expected), "the results of {}", height - 1);
        let answer: Value = follower::ask(&nodes[1], "block_results", &[("height", height)]).await;
        results = results_in(&answer);
        app_hash = json!(hex::encode_upper(BASE64.decode(answer["app_hash"].as_str().unwrap()).unwrap()));
        let whole: Value = follower::ask(&nodes[2], "block", &[("height", height)]).await;
        assert_eq!(whole["block_id"]["hash"], json!(header.hash().to_string()));
        assert_eq!(whole["block"]["data"]["txs"].as_array().unwrap().len(), results.len());
        transactions += results.len();
    }
    assert!(transactions >= 4, "there are results to speak of");
}

/// Asks node `at` as a client that knows no more than where it serves.
fn served_by(network: &Network, at: usize) -> HttpClient {
    HttpClientBuilder::default().build(format!("http://{}", network.rpc(at))).unwrap()
}
