//! The genesis document: what a network starts from, as people write and read it.
//!
//! ```text
//! {
//!   "version": 1,
//!   "chain_name": "river-1",            Tendermint's chain id, name and revision
//!   "chain_id": 31415,                  Ethereum's (EIP-155)
//!   "subnet": "/r31415/f0100",          where it stands; a root is "/r" and its own chain_id
//!   "parent": "/r31415",                left out for a root
//!   "genesis_time": "2026-11-20T12:00:00Z",
//!   "validators": [ … ],                in the order of every certificate's bitmap
//!   "accounts": [ … ],                  in the order of their actor ids, from 100
//!   "code": [ … ],                      WASM that actors can be made of
//!   "cron": [ … ],                      whom every block calls at its end; left out when nobody
//!   "parameters": { … },
//!   "seal": { "genesis_id": "bafy…", "state_root": "bafy…" }
//! }
//! ```
//!
//! Without `seal` it is a draft. [`crate::verify`] holds the rules, [`crate::canonical`] the form that is hashed.

use base64::engine::general_purpose::STANDARD as BASE64;
use cid::Cid;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tributary_checkpoint::Candidate;
use tributary_primitives::{BlsPublicKey, BlsSignature, EthAddress, SubnetId, VotingPower, raw_cid};

use crate::parameters::ChainParameters;
use crate::time::GenesisTime;
use crate::verify::GenesisRejected;
use crate::words::{AccountAddress, ActorAddress, Balance, ConsensusPublicKey};

/// The version of document this code reads and writes.
pub const DOCUMENT_VERSION: u64 = 1;

/// Most bytes of a document, asked before it is parsed: room for 64 pieces of code and 65,536 accounts of usual size.
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A genesis document, draft or sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// [`DOCUMENT_VERSION`].
    pub version: u64,
    /// Tendermint's chain id: a name, a hyphen and a revision from 1, as in `river-1`. At most 50 characters.
    pub chain_name: String,
    /// Ethereum's chain id (EIP-155), which every Ethereum transaction signs.
    pub chain_id: u64,
    /// Where the network stands in the hierarchy.
    pub subnet: SubnetId,
    /// The network one level up; none for a root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SubnetId>,
    /// Time of the state before the first block. A draft may leave it out; `genesis seal` fills it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genesis_time: Option<GenesisTime>,
    /// The first validator set.
    #[serde(default)]
    pub validators: Vec<GenesisValidator>,
    /// Who holds tokens at the start.
    #[serde(default)]
    pub accounts: Vec<GenesisAccount>,
    /// WASM code that actors can be made of.
    #[serde(default)]
    pub code: Vec<GenesisCode>,
    /// Whom the chain calls at the end of every block, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cron: Vec<GenesisCronEntry>,
    /// The numbers all nodes share.
    #[serde(default)]
    pub parameters: ChainParameters,
    /// Written by `genesis seal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
}

/// A validator of the first set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisValidator {
    /// For people. At most 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Signs blocks.
    pub consensus_key: ConsensusPublicKey,
    /// Signs checkpoints.
    pub bls_key: BlsPublicKey,
    /// Proof that the holder of `bls_key` knows its secret.
    pub bls_possession: BlsSignature,
    /// Weight of its votes and of its checkpoint signatures.
    pub power: VotingPower,
    /// Where the tips of its blocks go. Without it they go to the zero address, which nobody holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reward_address: Option<EthAddress>,
}

impl GenesisValidator {
    /// What registers this validator with the parent.
    #[must_use]
    pub const fn candidate(&self) -> Candidate {
        Candidate { key: self.bls_key, possession: self.bls_possession, power: self.power }
    }

    /// Who gets the tips of this validator's blocks.
    #[must_use]
    pub fn tip_address(&self) -> EthAddress {
        self.reward_address.unwrap_or_default()
    }
}

/// An account that holds tokens at the start.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisAccount {
    /// `0x…`, `f410f…`, `f1…` or `f3…`.
    pub address: AccountAddress,
    /// attoTRB.
    pub balance: Balance,
}

/// A piece of WASM code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisCode {
    /// For people: 1 to 32 of a-z, 0-9 and hyphen.
    pub name: String,
    /// Raw codec, blake2b-256 of the code.
    #[serde(with = "cid_text")]
    pub cid: Cid,
    /// The module, in base64.
    #[serde(with = "base64_text")]
    pub wasm: Vec<u8>,
}

impl GenesisCode {
    /// Names `wasm` and its CID.
    #[must_use]
    pub fn new(name: &str, wasm: Vec<u8>) -> Self {
        Self { name: name.to_owned(), cid: raw_cid(&wasm), wasm }
    }
}

/// An actor that is called at the end of every block.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisCronEntry {
    /// `0x…`, `f410f…`, `f2…` or `f0…`. Until an actor is there the call fails, which harms nobody.
    pub receiver: ActorAddress,
    /// The method, called without value and parameters. 3844450837 calls a contract with empty call data.
    pub method: u64,
}

/// What a sealed document says of itself; [`Genesis::verify`] holds it to it.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// CID of the canonical form.
    #[serde(with = "cid_text")]
    pub genesis_id: Cid,
    /// Root of the first state tree.
    #[serde(with = "cid_text")]
    pub state_root: Cid,
}

impl Genesis {
    /// A draft of the network `subnet` without validators and accounts, with the checkpoint actor's code.
    #[must_use]
    pub fn draft(chain_name: &str, chain_id: u64, subnet: SubnetId) -> Self {
        let checkpoint = tributary_genesis_code::CHECKPOINT_ACTOR.to_vec();
        Self {
            version: DOCUMENT_VERSION,
            chain_name: chain_name.to_owned(),
            chain_id,
            parent: subnet.parent(),
            subnet,
            genesis_time: None,
            validators: Vec::new(),
            accounts: Vec::new(),
            code: vec![GenesisCode::new(tributary_genesis_code::CHECKPOINT_ACTOR_NAME, checkpoint)],
            cron: Vec::new(),
            parameters: ChainParameters::default(),
            seal: None,
        }
    }

    /// Reads a document. Unknown and doubled fields are refused, so that a misspelt one is not passed over.
    ///
    /// # Errors
    /// [`GenesisRejected::TooLarge`] before anything is parsed, [`GenesisRejected::NotADocument`] with line and column.
    pub fn from_json(json: &[u8]) -> Result<Self, GenesisRejected> {
        if json.len() > DOCUMENT_BYTES_MAX {
            return Err(GenesisRejected::TooLarge { bytes: json.len() });
        }
        serde_json::from_slice(json).map_err(|reason| GenesisRejected::NotADocument(reason.to_string()))
    }

    /// Writes the document as people read it: indented, one field a line.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self).expect("texts, numbers and lists of them");
        json.push('\n');
        json
    }

    /// What registers this network's validators with its parent, in the bitmap's order.
    #[must_use]
    pub fn candidates(&self) -> Vec<Candidate> {
        self.validators.iter().map(GenesisValidator::candidate).collect()
    }
}

/// A CID as its usual text.
mod cid_text {
    use super::{Cid, Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(cid: &Cid, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(cid)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cid, D::Error> {
        let text = String::deserialize(deserializer)?;
        Cid::try_from(text.as_str()).map_err(|reason| serde::de::Error::custom(format!("{text:?} is no CID: {reason}")))
    }
}

/// Bytes as base64, padded.
mod base64_text {
    use base64::Engine as _;

    use super::{BASE64, Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64.decode(text).map_err(|reason| serde::de::Error::custom(format!("no base64: {reason}")))
    }
}
