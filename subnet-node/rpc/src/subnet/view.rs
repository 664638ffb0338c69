//! The JSON of every answer of the `subnet_` namespace.
//!
//! These are words for clients too: each reads back from its own JSON. Those that a proof has are `tributary_proof`'s, so that who checks
//! one needs nothing of a node.

use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tributary_fvm::receipt::Event;
use tributary_message::FvmTransaction;
use tributary_primitives::{BlsPublicKey, EthAddress, Hash32, Height, SubnetId, VotingPower, cbor_cid_of};

pub use tributary_proof::json::{Actor, Certificate, Checkpoint, Link, Proof};

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

/// Answer of `subnet_getMessageReceipt`; also of Ethereum transactions. Names are Filecoin's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
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
    #[serde(rename = "Return")]
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

/// Answer of `subnet_waitMessage`, of either kind of transaction. Names are Filecoin's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MessageLookup {
    /// CID of the message; an Ethereum transaction has none.
    pub message: Option<String>,
    /// Hash of the transaction.
    pub hash: Hash32,
    /// What came of it.
    pub receipt: LookupReceipt,
    /// Height of the block it is in.
    pub height: Height,
    /// That block's hash.
    pub block_hash: Hash32,
    /// Position in the block, from 0.
    pub index: usize,
}

/// What came of a message, in [`MessageLookup`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LookupReceipt {
    /// Zero, or why nothing but the nonce and the fee changed.
    pub exit_code: u32,
    /// What it returned.
    #[serde(rename = "Return")]
    pub return_data: HexBytes,
    /// Gas used: the FVM's of a message, Ethereum's of an Ethereum transaction.
    pub gas_used: u64,
    /// Whether it did not run at all.
    pub skipped: bool,
}

/// How far a transaction got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It waits in this node's mempool.
    Admitted,
    /// It is in a block, which is final on this chain.
    Block,
    /// A checkpoint that carries the block is certified: more than two thirds of the validators' power signed it.
    Checkpoint,
    /// The parent accepted such a checkpoint, as far as this node knows.
    Accepted,
}

/// Answer of `subnet_messageStatus`, of either kind of transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageStatus {
    /// The transaction.
    pub hash: Hash32,
    /// How far it got.
    pub stage: Stage,
    /// How it waits, while it does.
    pub waiting: Option<Waiting>,
    /// What became of it, once it is in a block.
    pub receipt: Option<MessageReceipt>,
    /// Height of the first checkpoint that carries its block; none where none is cut.
    pub checkpoint_height: Option<Height>,
    /// Height of the latest certificate.
    pub certified_height: Option<Height>,
    /// The latest height that the parent holds a checkpoint of, if this node knows.
    pub finalized_height: Option<Height>,
}

/// How a transaction waits, in [`MessageStatus`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Who signed it.
    pub from: String,
    /// Its nonce.
    pub nonce: u64,
    /// The nonce of the sender's that it waits for and that nobody brought; none if it can run next, or after others that wait.
    pub missing_nonce: Option<u64>,
}

/// A message that waits, in the answer of `subnet_pendingMessages`. Names are Filecoin's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PendingMessage {
    /// What was signed.
    pub message: SignedFields,
    /// By whom.
    pub signature: SignatureView,
    /// CID of both: its name for Filecoin's tools.
    #[serde(rename = "CID")]
    pub cid: String,
    /// Digest of that CID: its name here.
    pub hash: Hash32,
}

/// A message as it is signed, in [`PendingMessage`], or is to be, in [`EstimatedMessage`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SignedFields {
    /// Always 0.
    pub version: u64,
    /// Whom it calls.
    pub to: String,
    /// Who sends it.
    pub from: String,
    /// The sender's nonce that it uses up.
    pub nonce: u64,
    /// What it moves, attoTRB.
    pub value: String,
    /// Most FVM gas it may use.
    pub gas_limit: u64,
    /// Most attoTRB it pays for a unit of that gas, the tip included.
    pub gas_fee_cap: String,
    /// Most of it that is a tip.
    pub gas_premium: String,
    /// Method number; 0 moves value and runs no code.
    pub method: u64,
    /// Parameters.
    pub params: HexBytes,
}

/// A signature, in [`PendingMessage`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SignatureView {
    /// 1: secp256k1, from an f1; 2: BLS, from an f3; 3: delegated, from an f410.
    #[serde(rename = "Type")]
    pub kind: u8,
    /// Of BLS a point of G2; of the others r, s and the recovery id.
    pub data: HexBytes,
}

impl From<&FvmTransaction> for PendingMessage {
    fn from(signed: &FvmTransaction) -> Self {
        let (message, signature) = (signed.message(), signed.signature());
        Self {
            message: SignedFields {
                version: message.version,
                to: message.to.to_string(),
                from: message.from.to_string(),
                nonce: message.sequence,
                value: atto(&message.value),
                gas_limit: message.gas_limit,
                gas_fee_cap: atto(&message.gas_fee_cap),
                gas_premium: atto(&message.gas_premium),
                method: message.method_num,
                params: HexBytes(message.params.to_vec()),
            },
            signature: SignatureView { kind: signature.kind().number(), data: HexBytes(signature.data().to_vec()) },
            cid: cbor_cid_of(&signed.hash().0).to_string(),
            hash: signed.hash(),
        }
    }
}

/// Answer of `subnet_call`. Names are those of Filecoin's `StateCall`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CallResult {
    /// How it would end.
    pub msg_rct: CallReceipt,
    /// Why it would change nothing, in words; empty if it would.
    pub error: String,
    /// What it would emit.
    pub events: Vec<EventView>,
}

/// How a call would end, in [`CallResult`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CallReceipt {
    /// Zero, or why it would change nothing.
    pub exit_code: u32,
    /// What it would return.
    #[serde(rename = "Return")]
    pub return_data: HexBytes,
    /// FVM gas it would use.
    pub gas_used: u64,
}

/// Answer of `subnet_traceMessage`, and a call within it: names are Filecoin's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ExecutionTrace {
    /// The call.
    pub msg: MessageTrace,
    /// How it ended.
    pub msg_rct: ReturnTrace,
    /// The calls that it made, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subcalls: Vec<Self>,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MessageTrace {
    /// Who calls.
    pub from: String,
    /// Whom; none where a contract was not made.
    pub to: Option<String>,
    /// In attoTRB.
    pub value: String,
    /// Method number; 0 moves value and runs no code.
    pub method: u64,
    /// Parameters; call data or init code of a call within the EVM.
    pub params: HexBytes,
    /// How they are to be read: an IPLD codec, 0 for none.
    pub params_codec: u64,
    /// FVM gas that it may use.
    pub gas_limit: u64,
    /// Whether it may change nothing.
    pub read_only: bool,
    /// The EVM's name of a call within the EVM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instruction: Option<String>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReturnTrace {
    /// Zero, or why what it did was undone.
    pub exit_code: u32,
    /// What it returned.
    pub r#return: HexBytes,
    /// How that is to be read: an IPLD codec, 0 for nothing.
    pub return_codec: u64,
    /// FVM gas that it used.
    pub gas_used: u64,
}

/// An event. Names are Filecoin's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
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
#[serde(rename_all = "PascalCase")]
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

/// Answer of `subnet_readState`. Names are Filecoin's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ActorState {
    /// In attoTRB.
    pub balance: String,
    /// CID of its code.
    pub code: String,
    /// CID of its state's root block.
    pub head: String,
    /// Next nonce.
    pub nonce: u64,
    /// What lies at the path below the root block, as DAG-JSON; none where nothing is.
    pub state: Option<Value>,
}

/// Answer of `subnet_estimateMessageGas`: the message as of Filecoin's `GasEstimateMessageGas`, and in its names. Its gas limit is the least that
/// is enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EstimatedMessage {
    /// The message.
    #[serde(flatten)]
    pub message: SignedFields,
    /// What a unit of FVM gas costs in the next block, attoTRB; the fee cap must not be below it when the block is made.
    pub base_fee: u64,
}

/// An amount as a decimal string of attoTRB.
pub(super) fn atto(amount: &TokenAmount) -> String {
    amount.atto().to_string()
}
