//! A stock verifier follows the chain by what is served.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use tendermint_light_client_verifier::Verdict;
use tributary_chain::tendermint::AppHash;

use super::follower::{ask, latest, light_block, verify};
use crate::fixture::serve;

#[tokio::test]
async fn a_light_client_follows_step_by_step_and_skipping_across_changes_of_the_validators() {
    let served = serve().await;
    let now = served.comet.time().to_tendermint();
    let mut blocks = Vec::new();
    for height in 1..=latest(&served.client).await {
        blocks.push(light_block(&served.client, height).await);
    }
    let sets: Vec<_> = blocks.iter().map(|block| block.validators.hash()).collect();
    assert!(sets.windows(2).filter(|pair| pair[0] != pair[1]).count() >= 3, "the validators change");
    for pair in blocks.windows(2) {
        assert_eq!(verify(&pair[0], &pair[1], now), Verdict::Success, "next to each other");
    }
    // Two of four validators are left after two changes: more than a third of the power.
    for pair in blocks.windows(7) {
        assert_ne!(pair[0].validators.hash(), pair[6].validators.hash());
        assert_eq!(verify(&pair[0], &pair[6], now), Verdict::Success, "skipping");
    }
    let (first, last) = (&blocks[0], &blocks[blocks.len() - 1]);
    assert!(matches!(verify(first, last, now), Verdict::NotEnoughTrust(_)), "nobody is left");
}

#[tokio::test]
async fn a_light_client_refuses_what_was_changed_on_the_way() {
    let served = serve().await;
    let now = served.comet.time().to_tendermint();
    let (trusted, new) = (light_block(&served.client, 1).await, light_block(&served.client, 2).await);
    assert_eq!(verify(&trusted, &new, now), Verdict::Success);
    let mut forged = new.clone();
    forged.signed_header.header.app_hash = AppHash::try_from(vec![9; 32]).unwrap();
    assert_ne!(verify(&trusted, &forged, now), Verdict::Success, "another state");
    let mut forged = new;
    forged.validators = trusted.next_validators.clone();
    forged.validators.validators.pop();
    assert_ne!(verify(&trusted, &forged, now), Verdict::Success, "another set");
}

#[tokio::test]
async fn a_header_commits_to_what_the_block_before_came_to() {
    let served = serve().await;
    let genesis: Value = ask(&served.client, "genesis", &[]).await;
    let mut app_hash = genesis["genesis"]["app_hash"].clone();
    for height in 1..=latest(&served.client).await {
        let header: Value = ask(&served.client, "header", &[("height", height)]).await;
        assert_eq!(header["header"]["app_hash"], app_hash, "{height}");
        let results: Value = ask(&served.client, "block_results", &[("height", height)]).await;
        let bytes = BASE64.decode(results["app_hash"].as_str().unwrap()).unwrap();
        app_hash = hex::encode_upper(bytes).into();
    }
}
