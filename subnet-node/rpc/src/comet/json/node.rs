//! What a node says of itself, and who votes.

use std::net::SocketAddr;

use serde::Serialize;
use tributary_chain::tendermint::Time;
use tributary_chain::{BlockTime, Validator as ChainValidator, ValidatorAddress, ValidatorSet};
use tributary_primitives::Height;

use super::block::{app_hash, hash, time};
use super::{Int64, PublicKey};
use crate::comet::chain::{Card, Decided, Origin, Outline};

/// CometBFT's version whose answers these are: clients choose how to read them by it.
const COMETBFT_VERSION: &str = "0.38.0";
/// Tendermint's protocol between nodes, which this network does not speak. Source: CometBFT `version/version.go`, `P2PProtocol`.
const P2P_PROTOCOL: u64 = 8;
/// Tendermint's block protocol: the version in every header.
const BLOCK_PROTOCOL: u64 = 11;

/// Nothing but that there is an answer.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Empty {}

/// How a node is.
#[derive(Clone, Debug, Serialize)]
pub struct StatusAnswer {
    pub node_info: NodeInfo,
    pub sync_info: SyncInfo,
    pub validator_info: ValidatorInfo,
}

#[derive(Clone, Debug, Serialize)]
pub struct NodeInfo {
    protocol_version: ProtocolVersion,
    id: String,
    listen_addr: String,
    network: String,
    version: &'static str,
    channels: &'static str,
    moniker: String,
    other: Other,
}

#[derive(Clone, Debug, Serialize)]
struct ProtocolVersion {
    p2p: Int64<u64>,
    block: Int64<u64>,
    app: Int64<u64>,
}

#[derive(Clone, Debug, Serialize)]
struct Other {
    tx_index: &'static str,
    rpc_address: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct SyncInfo {
    latest_block_hash: String,
    latest_app_hash: String,
    latest_block_height: Int64<u64>,
    latest_block_time: String,
    earliest_block_hash: String,
    earliest_app_hash: String,
    earliest_block_height: Int64<u64>,
    earliest_block_time: String,
    catching_up: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct ValidatorInfo {
    address: String,
    pub_key: PublicKey,
    voting_power: Int64<u64>,
}

/// A page of a set.
#[derive(Clone, Debug, Serialize)]
pub struct ValidatorsAnswer {
    pub block_height: Int64<u64>,
    pub validators: Vec<Validator>,
    /// On this page.
    pub count: Int64<usize>,
    /// In the set.
    pub total: Int64<usize>,
}

/// Priorities decide who proposes in CometBFT; here every validator has its turn, and all are zero.
#[derive(Clone, Debug, Serialize)]
pub struct Validator {
    address: String,
    pub_key: PublicKey,
    voting_power: Int64<u64>,
    proposer_priority: Int64<u64>,
}

impl NodeInfo {
    pub fn of(card: &Card, origin: &Origin, rpc: SocketAddr) -> Self {
        Self {
            protocol_version: ProtocolVersion {
                p2p: Int64(P2P_PROTOCOL),
                block: Int64(BLOCK_PROTOCOL),
                app: Int64(origin.app_version),
            },
            id: hex::encode(card.id),
            listen_addr: card.listen.clone(),
            network: origin.chain_id.to_string(),
            version: COMETBFT_VERSION,
            channels: "",
            moniker: card.moniker.clone(),
            other: Other { tx_index: "off", rpc_address: format!("tcp://{rpc}") },
        }
    }
}

impl SyncInfo {
    pub fn of(
        (latest_height, latest): (Height, Option<&Decided<Outline>>),
        (earliest_height, earliest): (Height, Option<&Decided<Outline>>),
        catching_up: bool,
    ) -> Self {
        let ([latest_block_hash, latest_app_hash], latest_time) = looks(latest);
        let ([earliest_block_hash, earliest_app_hash], earliest_time) = looks(earliest);
        Self {
            latest_block_hash,
            latest_app_hash,
            latest_block_height: Int64(latest_height.0),
            latest_block_time: time(latest_time),
            earliest_block_hash,
            earliest_app_hash,
            earliest_block_height: Int64(earliest_height.0),
            earliest_block_time: time(earliest_time),
            catching_up,
        }
    }
}

/// Block hash and app hash of a block's header, and its time; of no block, nothing and 1970.
fn looks(decided: Option<&Decided<Outline>>) -> ([String; 2], Time) {
    let Some(Decided { reference, what }) = decided else {
        return ([String::new(), String::new()], BlockTime::EPOCH.to_tendermint());
    };
    ([hash(reference.block_id().hash), app_hash(&what.header.app_hash)], what.header.time)
}

impl ValidatorInfo {
    /// Without power outside of `set`.
    pub fn of(card: &Card, set: Option<&ValidatorSet>) -> Self {
        let address = card.key.address();
        let power = set.and_then(|set| set.get(&address)).map_or(0, |validator| validator.power.0);
        Self { address: address.to_string(), pub_key: (&card.key).into(), voting_power: Int64(power) }
    }
}

impl Validator {
    pub fn of((address, validator): &(ValidatorAddress, ChainValidator)) -> Self {
        Self {
            address: address.to_string(),
            pub_key: (&validator.public_key).into(),
            voting_power: Int64(validator.power.0),
            proposer_priority: Int64(0),
        }
    }
}
