//! What must hold through kills, halts and restarts.

use std::fs;
use std::time::Duration;

use tempfile::TempDir;
use tributary_chain::BlockRef;
use tributary_consensus::Proposed;
use tributary_node::kept::Kept;
use tributary_node::ledger::Head;
use tributary_primitives::{Hash32, Height};

use crate::client::{Client, until};
use crate::ledger::{Decided, decided, leaves_at, ledger};
use crate::light_client::open;
use crate::network::Network;
use crate::wallet::Wallet;

/// Every node has the same block at `height`.
async fn agree(network: &Network, nodes: &[usize], height: u64) {
    let mut hashes = Vec::new();
    for at in nodes {
        let client = network.client(*at);
        client.reach(height).await;
        hashes.push(client.block_hash(height).await.unwrap());
    }
    assert!(hashes.windows(2).all(|pair| pair[0] == pair[1]), "height {height}: {hashes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn four_validators_commit_what_is_sent_to_any_of_them() {
    let network = Network::running(4);
    let mut wallet = Wallet::rich();
    network.client(0).reach(1).await;
    let mut last = 0;
    for at in 0..4 {
        let client = network.client(at);
        client.reach(1).await;
        (_, last) = wallet.transfer(&client).await;
    }
    agree(&network, &[0, 1, 2, 3], last).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_that_is_killed_under_load_catches_up() {
    let mut network = Network::running(4);
    let (mut wallet, client) = (Wallet::rich(), network.client(0));
    client.reach(1).await;
    wallet.transfer(&client).await;
    network.kill(3);
    let mut last = 0;
    for _ in 0..5 {
        (_, last) = wallet.transfer(&client).await;
    }
    network.start(3);
    agree(&network, &[0, 3], last).await;
    let (_, next) = wallet.transfer(&network.client(3)).await;
    agree(&network, &[0, 1, 2, 3], next).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lost_its_data_gets_it_back_from_its_peers() {
    let mut network = Network::running(4);
    let (mut wallet, client) = (Wallet::rich(), network.client(0));
    client.reach(1).await;
    let (first, height) = wallet.transfer(&client).await;
    network.kill(3);
    std::fs::remove_dir_all(network.home(3).data()).unwrap();
    let (_, last) = wallet.transfer(&client).await;
    network.start(3);
    agree(&network, &[0, 3], last).await;
    assert_eq!(network.client(3).block_of(&first).await, Some(height), "history is back too");
    let (_, next) = wallet.transfer(&network.client(3)).await;
    agree(&network, &[0, 1, 2, 3], next).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_without_a_quorum_halts_and_goes_on_when_one_returns() {
    let mut network = Network::running(4);
    let (mut wallet, client) = (Wallet::rich(), network.client(0));
    client.reach(1).await;
    wallet.transfer(&client).await;
    for at in [2, 3] {
        assert!(network.stop(at).success(), "a node that is asked to stop exits with 0");
    }
    let hash = wallet.send(&client).await;
    let halted = settle(&client).await;
    assert_eq!(client.block_of(&hash).await, None, "two of four decide nothing");
    network.start(2);
    until("the waiting transfer", async || client.block_of(&hash).await.is_some()).await;
    assert!(client.height().await.unwrap() > halted);
    network.start(3);
    agree(&network, &[0, 1, 2, 3], client.height().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_again_and_again_while_it_writes_trees_has_the_states_that_its_blocks_lead_to() {
    let mut network = Network::of(1);
    let config = network.home(0).config();
    let told = fs::read_to_string(&config).unwrap().replace("trees_every = 32", "trees_every = 1");
    fs::write(&config, told).unwrap();
    network.start(0);
    let (mut wallet, client) = (Wallet::rich(), network.client(0));
    let mut last = 1;
    for _ in 0..10 {
        client.reach(last).await;
        (_, last) = wallet.transfer(&client).await;
        // Its trees are being written, or are about to be.
        network.kill(0);
        network.start(0);
    }
    client.reach(last + 1).await;
    until("trees", async || network.metric(0, "tributary_trees_height") > last).await;
    assert!(network.metric(0, "tributary_trees_nodes_total") > 0);
    network.kill(0);

    let (killed, directory) = (open(&network), TempDir::new().unwrap());
    let copy = ledger(directory.path(), &network, 1_000);
    for height in (1..=killed.head().height.0).map(Height) {
        let Decided { certificate, bytes, block, transactions } = decided(&killed, height);
        copy.commit(certificate, &block, &bytes, &transactions).unwrap().expect("it is new");
        assert_eq!(copy.record_at(height).unwrap(), killed.record_at(height).unwrap(), "{height}");
        assert_eq!(leaves_at(&copy, height), leaves_at(&killed, height), "the state after {height}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_whose_node_was_killed_between_its_decision_and_its_commit_is_executed_when_the_node_starts() {
    let mut network = Network::running(1);
    let (mut wallet, client) = (Wallet::rich(), network.client(0));
    client.reach(1).await;
    let (transfer, _) = wallet.transfer(&client).await;
    assert!(network.stop(0).success());
    let (data, source) = (network.home(0).data(), open(&network));
    // Without its leaves, which hold the store.
    let last = Head { leaves: None, ..source.head().as_ref().clone() };
    let cut_short = data.with_extension("cut-short");
    let copy = ledger(&cut_short, &network, 1_000);
    for height in (1..last.height.0).map(Height) {
        let Decided { certificate, bytes, block, transactions } = decided(&source, height);
        copy.commit(certificate, &block, &bytes, &transactions).unwrap().expect("it is new");
    }
    let Decided { certificate, bytes, .. } = decided(&source, last.height);
    // Not of the round that a node which forgot its decision would begin with: it would make another block. And not of the first that
    // failed.
    let (round, block) = (certificate.round + 1_000, certificate.block);
    let proposer = copy.facts().validators.proposer(last.height, round);
    let proposed = Proposed { height: last.height, round, valid_round: None, proposer, block };
    for round in certificate.round + 1..round {
        let failed = BlockRef { hash: Hash32([7; 32]), ..block };
        let proposed = Proposed { round, block: failed, ..proposed };
        Kept { proposed, valid: true, bytes: Vec::new() }.put(copy.store()).unwrap();
    }
    Kept { proposed, valid: true, bytes }.put(copy.store()).unwrap();
    copy.decide(&certificate).unwrap();
    assert_eq!((copy.head().height.next(), copy.owed().unwrap()), (last.height, Some(certificate)));
    drop((copy, source));
    fs::remove_dir_all(&data).unwrap();
    fs::rename(cut_short, &data).unwrap();
    // Consensus had gone on to the next height: its log holds nothing of this one.
    fs::remove_dir_all(network.home(0).wal()).unwrap();

    network.start(0);
    client.reach(last.height.0).await;
    assert!(client.block_of(&transfer).await.is_some());
    let (_, next) = wallet.transfer(&client).await;
    assert!(next > last.height.0);
    assert!(network.stop(0).success());
    let again = open(&network);
    assert_eq!(again.certificate_at(last.height).unwrap(), last.certificate, "no other block took its place");
    assert_eq!(again.record_at(last.height).unwrap(), Some(last.record));
    assert_eq!(again.owed().unwrap(), None);
}

/// The height at which the chain stands, once it no longer moves: a block that was under way may still land.
async fn settle(client: &Client) -> u64 {
    let mut height = client.height().await.unwrap();
    loop {
        // Several heartbeats: a chain with a quorum would have moved.
        tokio::time::sleep(Duration::from_secs(4)).await;
        let now = client.height().await.unwrap();
        if now == height {
            return height;
        }
        height = now;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_committed_is_lost_when_all_are_killed_at_once() {
    let mut network = Network::running(4);
    let mut wallet = Wallet::rich();
    network.client(0).reach(1).await;
    let mut committed = Vec::new();
    for _ in 0..2 {
        for _ in 0..3 {
            let client = network.client(1);
            client.reach(1).await;
            let (hash, height) = wallet.transfer(&client).await;
            committed.push((hash, height, client.block_hash(height).await.unwrap()));
        }
        (0..4).for_each(|at| network.kill(at));
        (0..4).for_each(|at| network.start(at));
    }
    for at in 0..4 {
        let client = network.client(at);
        for (hash, height, block) in &committed {
            client.reach(*height).await;
            assert_eq!(client.block_of(hash).await, Some(*height), "node {at}");
            assert_eq!(client.block_hash(*height).await.as_ref(), Some(block), "node {at}");
        }
    }
    let client = network.client(2);
    let (_, next) = wallet.transfer(&client).await;
    agree(&network, &[0, 1, 2, 3], next).await;
}
