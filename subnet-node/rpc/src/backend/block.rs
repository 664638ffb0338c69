//! A block as the RPC shows it.

use alloy_primitives::Bloom;
use cid::Cid;
use tributary_fvm::receipt::Receipt;
use tributary_message::fvm::FIRST_BYTE;
use tributary_primitives::{EthAddress, Hash32, Height};

/// Nanoseconds in a second.
const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// The end of the chain, and what the next block will ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Height of the latest block; 0 before the first.
    pub height: Height,
    /// Its hash.
    pub hash: Hash32,
    /// Its time, nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// Gas it used.
    pub gas_used: u64,
    /// Gas it may have used.
    pub gas_limit: u64,
    /// Its base fee, attoTRB per unit of block gas.
    pub base_fee: u64,
    /// Base fee of the **next** block, attoTRB per unit of block gas: what a transaction sent now must pay.
    pub next_base_fee: u64,
}

/// A decided and executed block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockView {
    /// Its height.
    pub height: Height,
    /// Hash of its Tendermint header.
    pub hash: Hash32,
    /// Hash of the block before; zero for genesis.
    pub parent_hash: Hash32,
    /// Nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// Who proposed it and got the tips: COINBASE.
    pub proposer: EthAddress,
    /// PREVRANDAO of this block.
    pub prev_randao: Hash32,
    /// Root of the state **after** this block.
    pub state_root: Cid,
    /// The header's commitment to the transactions: Tendermint's `data_hash`.
    pub transactions_root: Hash32,
    /// Root of this block's receipts.
    pub receipts_root: Hash32,
    /// Base fee of this block, attoTRB per unit of block gas.
    pub base_fee: u64,
    /// Gas it may have used.
    pub gas_limit: u64,
    /// Gas it used.
    pub gas_used: u64,
    /// Bytes of the block as it travels.
    pub bytes: u64,
    /// In order of execution.
    pub transactions: Vec<Executed>,
}

/// What is known of a decided and executed block without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockSummary {
    /// Base fee of this block, attoTRB per unit of block gas.
    pub base_fee: u64,
    /// Gas it may have used.
    pub gas_limit: u64,
    /// Gas it used.
    pub gas_used: u64,
    /// [`logs_bloom`](crate::logs_bloom) of its receipts: no log of it is outside.
    pub logs_bloom: Bloom,
}

/// A transaction with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// The transaction as it travels.
    pub raw: Vec<u8>,
    /// What became of it; names it by hash.
    pub receipt: Receipt,
}

/// Where a transaction was executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionPosition {
    /// The block.
    pub height: Height,
    /// Position in the block, from 0.
    pub index: usize,
}

impl BlockView {
    /// The block's time as Ethereum counts it: whole seconds since the Unix epoch.
    #[must_use]
    pub const fn unix_seconds(&self) -> u64 {
        self.time_ns / NANOS_PER_SECOND
    }
}

impl Executed {
    /// Whether an Ethereum wallet signed this; if not, it is an FVM message.
    #[must_use]
    pub fn is_ethereum(&self) -> bool {
        self.raw.first() != Some(&FIRST_BYTE)
    }

    /// The transaction's hash.
    #[must_use]
    pub const fn hash(&self) -> Hash32 {
        self.receipt.transaction
    }
}
