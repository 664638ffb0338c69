//! The JSON of every answer of the `subnet_` namespace.
//!
//! These are words for clients too: each reads back from its own JSON. Those that a proof has are `tributary_proof`'s, so that who checks
//! one needs nothing of a node.

use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use serde::{Deserialize, Serialize};
use tributary_fvm::receipt::Event;
use tributary_primitives::{BlsPublicKey, EthAddress, Hash32, Height, SubnetId, VotingPower};

pub use tributary_proof::json::{Actor, Certificate, Checkpoint, Proof};

use crate::hex_bytes::HexBytes;

/// Answer of `subnet_status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Where the network stands in the hierarchy.
    pub subnet: SubnetId,
    /// Ethereum's chain id.
    pub chain_id: u64,
    /// Height of the latest block.
    pub height: Height,
    /// Its hash.
    pub block_hash: Hash32,
    /// Its time, milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// Base fee of the next block, attoTRB per unit of block gas.
    pub base_fee: u64,
    /// The same per unit of FVM gas, rounded up.
    pub fvm_base_fee: u64,
    /// Height of the latest certificate.
    pub certified_height: Option<Height>,
    /// The latest height that the parent holds a checkpoint of, if this node knows.
    pub finalized_height: Option<Height>,
    /// Peers connected.
    pub peers: u64,
    /// The greatest height that a peer told of, while this node is behind.
    pub syncing_to: Option<Height>,
    /// Program and version.
    pub client_version: String,
}

/// Answer of `subnet_genesis`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Genesis {
    /// CID of the genesis document: two nodes of one network answer the same.
    pub genesis_id: String,
    /// Hash of the block at height 0.
    pub block_hash: Hash32,
    /// Root of the first state.
    pub state_root: String,
    /// Where the network stands in the hierarchy.
    pub subnet: SubnetId,
    /// Tendermint's chain id.
    pub chain_name: String,
    /// Ethereum's chain id.
    pub chain_id: u64,
    /// Gas of a whole block.
    pub block_gas_limit: u64,
    /// Least base fee there can be, attoTRB per unit of block gas.
    pub base_fee_min: u64,
    /// FVM gas that weighs as much as one unit of block gas.
    pub fvm_gas_per_gas: u64,
    /// Blocks from one checkpoint to the next; 0 on a network that cuts none.
    pub checkpoint_period: u64,
}

/// Answer of `subnet_validators`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// The height that was asked about.
    pub height: Height,
    /// The number by which checkpoints name this set.
    pub configuration: u64,
    /// All power together.
    pub total_power: VotingPower,
    /// In the order of the certificates' bitmap.
    pub validators: Vec<Validator>,
}

/// A validator in [`Validators`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validator {
    /// Signs votes: ed25519, 32 bytes.
    pub consensus_key: HexBytes,
    /// Signs checkpoints: BLS, 48 bytes.
    pub checkpoint_key: BlsPublicKey,
    /// Gets the tips of the blocks it proposes.
    pub reward_address: EthAddress,
    /// Weight of its vote.
    pub power: VotingPower,
}

/// Answer of `subnet_getMessageReceipt`; also of Ethereum transactions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageReceipt {
    /// The transaction.
    pub hash: Hash32,
    /// Height of the block it is in.
    pub height: Height,
    /// That block's hash.
    pub block_hash: Hash32,
    /// Position in the block, from 0.
    pub index: usize,
    /// Zero, or why nothing but the nonce and the fee changed.
    pub exit_code: u32,
    /// What it returned.
    #[serde(rename = "return")]
    pub return_data: HexBytes,
    /// FVM gas used; zero for an Ethereum transaction.
    pub gas_used: u64,
    /// Block gas used.
    pub block_gas_used: u64,
    /// Paid per unit of gas, attoTRB: of FVM gas for a message, of block gas for an Ethereum transaction.
    pub effective_gas_price: String,
    /// Whether it did not run at all: its nonce or its sender's funds did not allow it.
    pub skipped: bool,
    /// All it emitted, of any shape.
    pub events: Vec<EventView>,
}

/// Answer of `subnet_call`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallResult {
    /// Zero, or why it would change nothing.
    pub exit_code: u32,
    /// What it would return.
    #[serde(rename = "return")]
    pub return_data: HexBytes,
    /// FVM gas it would use.
    pub gas_used: u64,
    /// What it would emit.
    pub events: Vec<EventView>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventView {
    /// Who emitted it: f0.
    pub emitter: String,
    /// The same as an Ethereum address.
    pub eth_address: EthAddress,
    /// What it says, in order.
    pub entries: Vec<EventEntry>,
}

/// An entry of an [`EventView`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventEntry {
    /// Hints for indexing: bit 0 the key, bit 1 the value.
    pub flags: u64,
    /// Its name.
    pub key: String,
    /// IPLD codec of the value; 0x55 is raw bytes.
    pub codec: u64,
    /// The value.
    pub value: HexBytes,
}

impl From<&Event> for EventView {
    fn from(event: &Event) -> Self {
        let entries = event.said.entries().into_iter().map(|entry| EventEntry {
            flags: entry.flags.bits(),
            key: entry.key,
            codec: entry.codec,
            value: HexBytes(entry.value),
        });
        Self {
            emitter: Address::new_id(event.emitter).to_string(),
            eth_address: event.address,
            entries: entries.collect(),
        }
    }
}

/// Answer of `subnet_estimateMessageGas`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GasNeeded {
    /// The least `gas_limit` that is enough, FVM gas.
    pub gas_limit: u64,
    /// What a unit of FVM gas costs in the next block, attoTRB; `gas_fee_cap` must not be below it when the block is made.
    pub base_fee: u64,
}

/// An amount as a decimal string of attoTRB.
pub(super) fn atto(amount: &TokenAmount) -> String {
    amount.atto().to_string()
}
