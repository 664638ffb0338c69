//! What the chain started from.

use serde::Serialize;
use serde_json::value::RawValue;
use tributary_chain::{Validator as ChainValidator, ValidatorAddress};

use super::block::{app_hash, time};
use super::{Base64, Int64, PublicKey};
use crate::comet::chain::Origin;

/// The document, as JSON.
#[derive(Debug, Serialize)]
pub struct GenesisAnswer {
    pub genesis: Box<RawValue>,
}

/// A part of the document's JSON.
#[derive(Clone, Debug, Serialize)]
pub struct ChunkAnswer {
    chunk: Int64<i64>,
    total: Int64<usize>,
    data: Base64<Vec<u8>>,
}

/// The numbers all nodes share, at a height.
#[derive(Clone, Debug, Serialize)]
pub struct ConsensusParamsAnswer {
    pub block_height: Int64<u64>,
    pub consensus_params: ConsensusParams,
}

/// CometBFT's genesis document. The chain's own is its `app_state`.
#[derive(Debug, Serialize)]
pub struct GenesisDoc<'a> {
    genesis_time: String,
    chain_id: &'a str,
    initial_height: Int64<u64>,
    consensus_params: ConsensusParams,
    validators: Vec<GenesisValidator>,
    app_hash: String,
    app_state: &'a RawValue,
}

#[derive(Clone, Debug, Serialize)]
struct GenesisValidator {
    address: String,
    pub_key: PublicKey,
    power: Int64<u64>,
    name: &'static str,
}

/// `block` is what the headers' `consensus_hash` is the hash of.
#[derive(Clone, Debug, Serialize)]
pub struct ConsensusParams {
    block: BlockParams,
    evidence: EvidenceParams,
    validator: ValidatorParams,
    version: VersionParams,
    abci: AbciParams,
}

#[derive(Clone, Debug, Serialize)]
struct BlockParams {
    max_bytes: Int64<u64>,
    max_gas: Int64<u64>,
}

/// Blocks have no room for CometBFT's evidence; the ages are the least that CometBFT allows.
#[derive(Clone, Debug, Serialize)]
struct EvidenceParams {
    max_age_num_blocks: Int64<u64>,
    max_age_duration: Int64<u64>,
    max_bytes: Int64<u64>,
}

#[derive(Clone, Debug, Serialize)]
struct ValidatorParams {
    pub_key_types: [&'static str; 1],
}

#[derive(Clone, Debug, Serialize)]
struct VersionParams {
    app: Int64<u64>,
}

#[derive(Clone, Debug, Serialize)]
struct AbciParams {
    vote_extensions_enable_height: Int64<u64>,
}

impl ChunkAnswer {
    pub fn of(chunk: i64, total: usize, data: &[u8]) -> Self {
        Self { chunk: Int64(chunk), total: Int64(total), data: Base64(data.to_vec()) }
    }
}

impl ConsensusParams {
    pub fn of(origin: &Origin) -> Self {
        Self {
            block: BlockParams { max_bytes: Int64(origin.block_bytes_max), max_gas: Int64(origin.block_gas_max) },
            evidence: EvidenceParams { max_age_num_blocks: Int64(1), max_age_duration: Int64(1), max_bytes: Int64(0) },
            validator: ValidatorParams { pub_key_types: ["ed25519"] },
            version: VersionParams { app: Int64(origin.app_version) },
            abci: AbciParams { vote_extensions_enable_height: Int64(0) },
        }
    }
}

impl<'a> GenesisDoc<'a> {
    /// `None` for a document that is no JSON.
    pub fn of(origin: &'a Origin) -> Option<Self> {
        Some(Self {
            genesis_time: time(origin.time.to_tendermint()),
            chain_id: origin.chain_id.as_str(),
            initial_height: Int64(1),
            consensus_params: ConsensusParams::of(origin),
            validators: origin.validators.with_addresses().map(GenesisValidator::of).collect(),
            app_hash: app_hash(&origin.app_hash.to_tendermint()),
            app_state: serde_json::from_str(&origin.document).ok()?,
        })
    }
}

impl GenesisValidator {
    fn of((address, validator): &(ValidatorAddress, ChainValidator)) -> Self {
        let (pub_key, power) = ((&validator.public_key).into(), Int64(validator.power.0));
        Self { address: address.to_string(), pub_key, power, name: "" }
    }
}
