//! Real engines over loopback, in one process: they decide, catch up, follow, and stop as they should.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod harness;

use harness::{Fault, Network, Node};
use tributary_consensus::{EngineFatal, EngineStopped};
use tributary_primitives::Height;

#[tokio::test(flavor = "multi_thread")]
async fn four_validators_decide_and_a_stock_light_client_follows() {
    let network = Network::of(4);
    let mut nodes = network.start_all().await;
    for node in &mut nodes {
        node.until_decided(Height(12)).await;
    }
    assert!(nodes[0].peers().await >= Some(3));
    network.stop_all(nodes).await;
    for height in (1..=12).map(Height) {
        let blocks: Vec<_> = network.disks().iter().map(|disk| disk.block(height)).collect();
        assert!(blocks.windows(2).all(|pair| pair[0] == pair[1]), "all decided the same at height {height}");
    }
    for disk in network.disks() {
        assert!(network.verify_with_light_client(&disk) >= 12);
    }
    assert!(tributary_consensus::metrics_text().contains("validator-0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_that_was_away_catches_up_and_takes_part_again() {
    let network = Network::of(4);
    let mut nodes = network.start_all().await;
    nodes[3].until_decided(Height(2)).await;
    nodes.pop().unwrap().stop().await;
    let missed = Height(network.disk(3).tip().0 + 5);
    nodes[0].until_decided(missed).await;

    let mut returned = network.start(3).await;
    returned.until_told_of(missed).await;
    returned.until_decided(missed).await;
    // It proposes again: a whole turn of the others passes with a block of its own in it.
    let now = returned.decided();
    nodes[0].until_decided(Height(now.0 + 12)).await;
    let own = network.disk(0).proposed_by(network.address(3), now);
    assert!(own > 0, "the returned validator's turns are not lost");
    nodes.push(returned);
    network.stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_decides_the_same_blocks() {
    let network = Network::of(4);
    let mut nodes = network.start_all().await;
    let mut follower = network.start_follower().await;
    follower.until_decided(Height(8)).await;
    nodes[0].until_decided(Height(8)).await;
    for height in (1..=8).map(Height) {
        assert_eq!(follower.disk().block(height), network.disk(0).block(height));
    }
    network.verify_with_light_client(follower.disk());
    follower.stop().await;
    network.stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_that_proposes_invalid_blocks_costs_rounds_and_no_more() {
    let network = Network::of(4);
    network.disk(2).fault(Fault::ProposesWrongAppHash);
    let mut nodes = network.start_all().await;
    for node in &mut nodes {
        node.until_decided(Height(6)).await;
    }
    network.stop_all(nodes).await;
    assert_eq!(network.disk(0).proposed_by(network.address(2), Height(0)), 0, "none of its blocks was decided");
    assert!(network.disk(0).rounds_lost() > 0, "its turns were");
    network.verify_with_light_client(&network.disk(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decided_block_whose_bytes_are_lost_comes_back_by_sync() {
    let network = Network::of(4);
    network.disk(1).fault(Fault::LosesBody { height: Height(3), taken: true });
    let mut nodes = network.start_all().await;
    for node in &mut nodes[..2] {
        node.until_decided(Height(6)).await;
    }
    assert_eq!(network.disk(1).block(Height(3)), network.disk(0).block(Height(3)));
    assert!(network.disk(1).lost_a_body(), "the fault has happened");
    network.stop_all(nodes).await;
}

/// Its log has none of its votes any more, so whether it voted at that height must be known from elsewhere. It is its own turn there: what it
/// proposed before it cannot know either.
#[tokio::test(flavor = "multi_thread")]
async fn a_validator_started_again_without_a_block_it_decided_signs_nothing_there_until_it_is_sent_that_block() {
    let network = Network::of(4);
    let lost = network.turn_of(1, Height(3));
    network.disk(1).fault(Fault::LosesBody { height: lost, taken: false });
    let mut nodes = network.start_all().await;
    network.until_sitting_out(1).await;
    for _ in 0..2 {
        nodes.remove(1).stop().await;
        nodes.insert(1, network.start(1).await);
        nodes[1].until_voted().await;
        assert!(!network.has_signed(1), "it signed at {lost} again");
        assert_eq!((network.disk(1).tip(), nodes[1].decided()), (lost.previous().unwrap(), lost.previous().unwrap()));
    }
    let missed = nodes[0].decided();
    network.disk(1).fault(Fault::None);
    nodes[1].until_decided(missed).await;
    for height in (lost.0..=missed.0).map(Height) {
        assert_eq!(network.disk(1).block(height), network.disk(0).block(height), "{height}");
    }
    // It takes part again: some turns of the others pass with a block of its own in them.
    let now = nodes[0].decided();
    nodes[0].until_decided(Height(now.0 + 16)).await;
    assert!(network.disk(0).proposed_by(network.address(1), now) > 0, "its turns are not lost");
    network.stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_chain_rests_until_transactions_wait() {
    let network = Network::of(4).on_demand();
    let mut nodes = network.start_all().await;
    for node in &mut nodes {
        node.until_held().await;
    }
    let quiet = nodes.iter().map(Node::decided).max().unwrap();
    for node in &mut nodes {
        node.submit(b"hello");
    }
    for node in &mut nodes {
        node.until_decided(quiet.next()).await;
        node.until_held().await;
    }
    assert!(network.disk(0).transactions().contains(&b"hello".to_vec()));
    network.stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_validator_that_sees_a_transaction_wakes_the_others() {
    let network = Network::of(4).on_demand();
    let mut nodes = network.start_all().await;
    for node in &mut nodes {
        node.until_held().await;
    }
    let quiet = nodes.iter().map(Node::decided).max().unwrap();
    nodes[0].submit(b"only one knows");
    for node in &mut nodes {
        node.until_decided(quiet.next()).await;
    }
    network.stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_application_stops_the_engine_and_nothing_forbids_a_restart() {
    let network = Network::of(4);
    network.disk(0).fault(Fault::DiskFull);
    let stopped = network.start(0).await.stopped().await;
    assert!(matches!(stopped, EngineStopped::Fatal(EngineFatal::Application(_))), "{stopped}");
    assert!(!stopped.must_stay_down());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_write_ahead_log_halts_the_engine_and_it_must_stay_down() {
    let network = Network::of(4);
    let mut alone = network.start(0).await;
    alone.until_voted().await;
    alone.stop().await;
    network.damage_wal(0);
    let stopped = network.start(0).await.stopped().await;
    assert!(matches!(stopped, EngineStopped::Fatal(EngineFatal::SafetyHalt)), "{stopped}");
    assert!(stopped.must_stay_down());
}
