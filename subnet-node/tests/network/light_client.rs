//! Every decided height convinces a Tendermint light client that has never seen our code.

use std::sync::Arc;
use std::time::Duration;

use tendermint_light_client_verifier::options::Options;
use tendermint_light_client_verifier::types::{TrustThreshold, TrustedBlockState, UntrustedBlockState};
use tendermint_light_client_verifier::{ProdVerifier, Verdict, Verifier as _};
use tributary_chain::{LightBlock, tendermint};
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
    let header = &trusted.signed_header.header;
    ProdVerifier::default().verify_update_header(
        UntrustedBlockState {
            signed_header: &new.signed_header,
            validators: &new.validators,
            next_validators: Some(&new.next_validators),
        },
        TrustedBlockState {
            chain_id: &header.chain_id,
            header_time: header.time,
            height: header.height,
            next_validators: &trusted.next_validators,
            next_validators_hash: header.next_validators_hash,
        },
        &Options {
            trust_threshold: TrustThreshold::ONE_THIRD,
            trusting_period: Duration::from_secs(24 * 3_600),
            clock_drift: Duration::from_secs(5),
        },
        tendermint::Time::now(),
    )
}
