//! The `tendermint-light-client` crate as others run it: its own client, by its own HTTP, on what nodes serve. No code of ours checks anything.
//!
//! It blocks the thread that it is on, and asks from threads of its own.

use std::net::SocketAddrV4;
use std::time::Duration;

use tendermint_light_client::builder::{LightClientBuilder, error as trusting_error};
use tendermint_light_client::components::io::IoErrorDetail;
use tendermint_light_client::errors::ErrorDetail;
use tendermint_light_client::instance::Instance;
use tendermint_light_client::store::memory::MemoryStore;
use tendermint_light_client::types::{Hash, Height, LightBlock, PeerId, TrustThreshold};
use tendermint_light_client::verifier::errors::VerificationErrorDetail;
use tendermint_light_client::verifier::options::Options;
use tendermint_rpc::HttpClient;
use tokio::task::spawn_blocking;
use tributary_primitives::SubnetId;

use crate::client::{Client, PATIENCE};
use crate::network::{CHAIN_ID, Network, Plan};
use crate::wallet::Wallet;

const OPTIONS: Options = Options {
    trust_threshold: TrustThreshold::ONE_THIRD,
    trusting_period: Duration::from_secs(24 * 3_600),
    clock_drift: Duration::from_secs(5),
};

/// What a light client calls the node that it asks. Nothing depends on it.
fn peer() -> PeerId {
    "0f".repeat(20).parse().unwrap()
}

fn served_by(rpc: SocketAddrV4) -> HttpClient {
    HttpClient::new(format!("http://{rpc}").as_str()).unwrap()
}

/// A light client of the node that serves there. It trusts block 1 if that has this hash.
fn trusting(rpc: SocketAddrV4, first: Hash) -> Result<Instance, Box<trusting_error::Error>> {
    let store = Box::new(MemoryStore::new());
    let client = LightClientBuilder::prod(peer(), served_by(rpc), store, OPTIONS, Some(PATIENCE));
    Ok(client.trust_primary_at(Height::from(1_u32), first).map_err(Box::new)?.build())
}

/// A light client of the node that serves there, which trusts a block that it was given.
fn trusting_block(rpc: SocketAddrV4, trusted: LightBlock) -> Instance {
    let store = Box::new(MemoryStore::new());
    let client = LightClientBuilder::prod(peer(), served_by(rpc), store, OPTIONS, Some(PATIENCE));
    client.trust_light_block(trusted).unwrap().build()
}

/// The block at `height`, if it follows from what is trusted.
fn verified(instance: &mut Instance, height: u64) -> Result<LightBlock, Box<ErrorDetail>> {
    let height = Height::try_from(height).unwrap();
    instance.light_client.verify_to_target(height, &mut instance.state).map_err(|why| Box::new(why.into_detail()))
}

/// The latest block, if it follows from what is trusted.
fn latest(instance: &mut Instance) -> Result<LightBlock, Box<ErrorDetail>> {
    instance.light_client.verify_to_highest(&mut instance.state).map_err(|why| Box::new(why.into_detail()))
}

/// Hash of the block at `height`, by Ethereum's methods.
async fn hash_of(client: &Client, height: u64) -> Hash {
    let hash = client.block_hash(height).await.unwrap();
    hash.trim_start_matches("0x").to_uppercase().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_light_client_crate_follows_every_node_in_one_step_and_block_by_block() {
    let network = Network::running(4);
    let (mut wallet, client) = (Wallet::rich(), network.client(0));
    client.reach(1).await;
    for _ in 0..4 {
        wallet.transfer(&client).await;
    }
    let head = client.height().await.unwrap();
    assert!(head > 4, "each transfer is in a block of its own");
    let (first, last) = (hash_of(&client, 1).await, hash_of(&client, head).await);
    for at in 0..4 {
        network.client(at).reach(head).await;
        let rpc = network.rpc(at);
        let follow = move || {
            let mut skipping = trusting(rpc, first).unwrap();
            let skipped = verified(&mut skipping, head).unwrap();
            let mut stepping = trusting(rpc, first).unwrap();
            for height in 2..head {
                assert_eq!(verified(&mut stepping, height).unwrap().height().value(), height);
            }
            (skipped, verified(&mut stepping, head).unwrap(), latest(&mut skipping).unwrap())
        };
        let (skipped, stepped, latest) = spawn_blocking(follow).await.unwrap();
        let hashes = [skipped, stepped].map(|block| block.signed_header.header.hash());
        assert_eq!(hashes, [last; 2], "node {at}");
        let height = latest.height().value();
        assert!(height >= head, "node {at}");
        client.reach(height).await;
        assert_eq!(latest.signed_header.header.hash(), hash_of(&client, height).await, "node {at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_light_client_crate_refuses_another_hash_a_height_to_come_another_chain_and_other_validators() {
    let network = Network::running(4);
    let (rpc, client) = (network.rpc(0), network.client(0));
    client.reach(2).await;
    let first = hash_of(&client, 1).await;
    let look = move || {
        let refused = trusting(rpc, Hash::Sha256([9; 32])).err().unwrap();
        let is_hash = matches!(refused.detail(), trusting_error::ErrorDetail::HashMismatch(_));
        assert!(is_hash, "another hash: {refused}");
        let mut instance = trusting(rpc, first).unwrap();
        // It knows that one by CometBFT's sentence.
        let refused = verified(&mut instance, 1_000_000).unwrap_err();
        let is_height =
            matches!(&*refused, ErrorDetail::Io(why) if matches!(why.source, IoErrorDetail::HeightTooHigh(_)));
        assert!(is_height, "a height to come: {refused:?}");
        verified(&mut instance, 1).unwrap()
    };
    let trusted = spawn_blocking(look).await.unwrap();
    for name in ["other-1", "test-1"] {
        let chain = (name, CHAIN_ID, SubnetId::root(CHAIN_ID));
        let mut other = Network::planned(Plan { chain, ..Plan::root(1) });
        other.start_all();
        other.client(0).reach(3).await;
        let (rpc, trusted) = (other.rpc(0), trusted.clone());
        let follow = move || latest(&mut trusting_block(rpc, trusted)).unwrap_err();
        let refused = spawn_blocking(follow).await.unwrap();
        let ErrorDetail::InvalidLightBlock(why) = &*refused else { panic!("{name}: {refused:?}") };
        let is_for_its_reason = match &why.source {
            VerificationErrorDetail::ChainIdMismatch(_) => name == "other-1",
            // Down to the block after the trusted one, whose validators that names.
            VerificationErrorDetail::InvalidNextValidatorSet(_) => name == "test-1",
            _ => false,
        };
        assert!(is_for_its_reason, "{name}: {refused:?}");
    }
}
