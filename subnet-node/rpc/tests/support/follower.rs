//! A light client that knows a chain by CometBFT's RPC alone, read by Tendermint's own types and checked by its stock verifier.

use std::time::Duration;

use jsonrpsee::core::client::ClientT as _;
use jsonrpsee::core::params::ObjectParams;
use jsonrpsee::http_client::HttpClient;
use serde::Deserialize;
use serde_json::Value;
use tendermint_light_client_verifier::options::Options;
use tendermint_light_client_verifier::types::{TrustThreshold, TrustedBlockState, UntrustedBlockState};
use tendermint_light_client_verifier::{ProdVerifier, Verdict, Verifier as _};
use tributary_chain::LightBlock;
use tributary_chain::tendermint::block::signed_header::SignedHeader;
use tributary_chain::tendermint::{Time, account, validator};

/// Validators asked for at once: fewer than there are, so that there are pages.
const PER_PAGE: usize = 3;

#[derive(Deserialize)]
struct Commit {
    signed_header: SignedHeader,
}

#[derive(Deserialize)]
struct Page {
    validators: Vec<validator::Info>,
    total: String,
}

/// Asks `method` with these parameters by name; `None` leaves one out.
pub async fn ask<T: serde::de::DeserializeOwned>(client: &HttpClient, method: &str, named: &[(&str, u64)]) -> T {
    let mut parameters = ObjectParams::new();
    for (name, value) in named {
        parameters.insert(name, value.to_string()).unwrap();
    }
    client.request(method, parameters).await.unwrap_or_else(|why| panic!("{method} {named:?}: {why}"))
}

/// What is known of `height`.
pub async fn light_block(client: &HttpClient, height: u64) -> LightBlock {
    let Commit { signed_header } = ask(client, "commit", &[("height", height)]).await;
    let proposer = signed_header.header.proposer_address;
    LightBlock {
        signed_header,
        validators: validators(client, height, Some(proposer)).await,
        next_validators: validators(client, height + 1, None).await,
    }
}

async fn validators(client: &HttpClient, height: u64, proposer: Option<account::Id>) -> validator::Set {
    let mut validators = Vec::new();
    for page in 1.. {
        let per_page = u64::try_from(PER_PAGE).unwrap();
        let named = [("height", height), ("page", page), ("per_page", per_page)];
        let Page { validators: more, total } = ask(client, "validators", &named).await;
        assert!(more.len() <= PER_PAGE);
        validators.extend(more);
        if validators.len() == total.parse::<usize>().unwrap() {
            break;
        }
    }
    match proposer {
        Some(proposer) => validator::Set::with_proposer(validators, proposer).unwrap(),
        None => validator::Set::without_proposer(validators),
    }
}

/// The latest height.
pub async fn latest(client: &HttpClient) -> u64 {
    let status: Value = ask(client, "status", &[]).await;
    status["sync_info"]["latest_block_height"].as_str().unwrap().parse().unwrap()
}

/// Whether who trusts one block may trust another.
pub fn verify(trusted: &LightBlock, new: &LightBlock, now: Time) -> Verdict {
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
        now,
    )
}
