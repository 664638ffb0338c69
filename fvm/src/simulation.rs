//! Blocks that are run to see what would become of them, one after the other on one draft.
//!
//! ```text
//! state after a block ─▶ accounts as the caller wants them ─▶ calls ─▶ fees ─▶ the same again for the next block ─▶ … ─▶ forgotten
//! ```
//!
//! A simulated block runs Ethereum calls as a block runs transactions: each finds what those before it changed. Nobody signed them, so
//! any account may send. With *validation* nonces must fit and gas is paid for; without, nonces are whatever they are and gas is free. The
//! cron actor does not tick.
//!
//! Source: go-ethereum, `eth_simulateV1`.

use std::time::Duration;

use revm::primitives::{B256, U256, b256};
use tributary_primitives::EthAddress;

use crate::block::BlockEnv;
use crate::call::{CallOutcome, EthereumCall};
use crate::overrides::{AccountOverrides, OverridesRejected};
use crate::receipt::Event;

/// Who emits the logs by which moved tokens are traced: ERC-7528's address of a chain's own token. No actor has it.
pub const TOKEN_ADDRESS: EthAddress = EthAddress([0xee; 20]);

/// The first topic of such a log: keccak-256 of `Transfer(address,address,uint256)`, as of an ERC-20 token.
pub const TRANSFER_TOPIC: B256 = b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// Bytes of a log in JSON beside its data, at most: an address, four topics, where it stands, and the names of all that.
const LOG_BYTES: usize = 1_024;
/// Bytes of JSON for one in hex.
const HEX_BYTES: usize = 2;
/// Bytes of JSON for one in a text, at most.
const ESCAPE_BYTES: usize = 6;

/// A block to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedBlock {
    /// The block. Its base fee is zero where nobody pays one, unless it is wanted otherwise.
    pub env: BlockEnv,
    /// Accounts that are otherwise from this block on.
    pub accounts: AccountOverrides,
    /// What runs, in order.
    pub calls: Vec<SimulatedCall>,
    /// Whether nonces must fit and gas is paid for.
    pub validation: bool,
    /// Whether moved tokens are told by logs of [`TOKEN_ADDRESS`], in order with all others.
    pub trace_transfers: bool,
    /// Ethereum gas that the calls may use together, beside the block's limit.
    pub gas_max: u64,
    /// [Bytes](Simulated::bytes) that what became of the calls may have together: nothing more is run once they have more.
    pub bytes_max: usize,
}

/// A call in a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SimulatedCall {
    /// What is called. Without a gas limit of its own it may use what is left in the block. What it offers for gas is paid with validation.
    pub call: EthereumCall,
    /// Its nonce; `None` for the sender's next.
    pub nonce: Option<u64>,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulated {
    /// The nonce that it had.
    pub nonce: u64,
    /// The gas limit that it had.
    pub gas_limit: u64,
    /// Gas that it used before any came back: as much as it needs at least.
    pub max_gas_used: u64,
    /// The contract that it made.
    pub contract: Option<EthAddress>,
    /// What it did.
    pub outcome: CallOutcome,
}

impl Simulated {
    /// Bytes to count for what it returned and emitted, as an answer in JSON writes it: hex, and beside each log's data its place and topics. What
    /// a call returned that did not end well may be written in words too, each byte as `\u0000` is.
    ///
    /// Cost: a look at each event.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let CallOutcome { exit_code, return_data, events, .. } = &self.outcome;
        let per_byte = if exit_code.is_success() { HEX_BYTES } else { HEX_BYTES + ESCAPE_BYTES };
        let of_event = |event: &Event| {
            let data = event.said.as_log().map_or(0, |log| log.data.len());
            LOG_BYTES.saturating_add(data.saturating_mul(HEX_BYTES))
        };
        let returned = return_data.len().saturating_mul(per_byte);
        events.iter().map(of_event).fold(returned, usize::saturating_add)
    }
}

/// Why a block cannot be run. Its caller's doing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimulationRejected {
    /// No state can be as it is wanted.
    #[error(transparent)]
    Overrides(#[from] OverridesRejected),
    /// One of its calls may not run.
    #[error("{0}")]
    Call(#[from] CallInvalid),
    /// It, and what was simulated before it, ran for longer than its [`Leash`](crate::Leash) was.
    #[error("the simulation was cut off after {0:?}")]
    CutOff(Duration),
    /// What its calls returned and emitted has more [bytes](Simulated::bytes) than are left for it.
    #[error(
        "what the calls of one simulation return and emit is more than an answer may hold; simulate fewer of them at once"
    )]
    TooLarge,
}

/// Why a call may not run, in go-ethereum's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallInvalid {
    /// Its nonce is used up.
    #[error("nonce too low: address {sender}, tx: {got} state: {next}")]
    NonceTooLow {
        /// Who sends it.
        sender: EthAddress,
        /// Its nonce.
        got: u64,
        /// The sender's next.
        next: u64,
    },
    /// Its nonce is not its turn.
    #[error("nonce too high: address {sender}, tx: {got} state: {next}")]
    NonceTooHigh {
        /// Who sends it.
        sender: EthAddress,
        /// Its nonce.
        got: u64,
        /// The sender's next.
        next: u64,
    },
    /// The sender does not have value and gas.
    #[error("insufficient funds for gas * price + value: address {sender} have {balance} want {cost}")]
    Funds {
        /// Who sends it.
        sender: EthAddress,
        /// What it has, in attoTRB.
        balance: U256,
        /// What it needs; held to 2^256 less one.
        cost: U256,
    },
    /// It has less gas than a call costs before it does anything.
    #[error("intrinsic gas too low: have {have}, want {want}")]
    IntrinsicGas {
        /// Its gas.
        have: u64,
        /// What is needed.
        want: u64,
    },
    /// It may use more gas than there is left in its block.
    #[error("block gas limit reached: {asked} >= {limit}")]
    BlockGas {
        /// Gas that the block would use at most with this call.
        asked: u64,
        /// Gas of the block.
        limit: u64,
    },
    /// Calls before it have used all gas that this simulation has.
    #[error("the calls of one simulation may use {0} gas together, and there is not enough of it left for this one")]
    AllGas(u64),
    /// It makes a contract of more init code than is allowed (EIP-3860).
    #[error("max initcode size exceeded: code size {0}")]
    InitCode(usize),
    /// It does not pay the base fee.
    #[error("max fee per gas less than block base fee: address {sender}, maxFeePerGas: {fee}, baseFee: {base_fee}")]
    Fee {
        /// Who sends it.
        sender: EthAddress,
        /// Most it pays.
        fee: u128,
        /// What the block asks.
        base_fee: u64,
    },
    /// It would tip more than it pays.
    #[error(
        "max priority fee per gas higher than max fee per gas: address {sender}, maxPriorityFeePerGas: {tip}, maxFeePerGas: {fee}"
    )]
    Tip {
        /// Who sends it.
        sender: EthAddress,
        /// Most it tips.
        tip: u128,
        /// Most it pays.
        fee: u128,
    },
    /// Any other rule of transactions that it breaks.
    #[error("{0}")]
    Rule(String),
}
