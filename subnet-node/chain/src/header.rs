//! The only header a height may have, made from what is known of the chain before it.
//!
//! | field | is |
//! |---|---|
//! | version | block 11, app as of genesis |
//! | chain_id, height, time, proposer_address | as given |
//! | last_block_id, last_commit_hash | the block before and the commit that the new block carries |
//! | data_hash | Merkle root over SHA-256 of each transaction |
//! | validators_hash, next_validators_hash | the sets of H and H + 1: so a change made in H counts from H + 2 |
//! | consensus_hash | SHA-256 of the protobuf of the block's limits |
//! | app_hash, last_results_hash | after H - 1 (see [`crate::state_height_of_header`]) |
//! | evidence_hash | of an empty list |
//!
//! Proposers call [`next_block`]; judges call [`next_header`] with what the block claims and compare.

use prost::Message;
use sha2::{Digest, Sha256};
use tendermint::block::header::Version;
use tendermint::block::{Commit, Header};
use tendermint_proto::v0_38::types as pb;
use tributary_primitives::{Hash32, Height};

use crate::app_state::AppHash;
use crate::block::Block;
use crate::block_ref::BlockRef;
use crate::chain_id::ChainId;
use crate::commit::tendermint_height;
use crate::keys::ValidatorAddress;
use crate::merkle;
use crate::time::BlockTime;
use crate::validators::ValidatorSet;

/// Tendermint's block protocol version. Source: CometBFT `version/version.go`, `BlockProtocol`.
const BLOCK_PROTOCOL: u64 = 11;

/// What is the same for every header of a chain. Fixed by genesis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderRules {
    /// The chain.
    pub chain_id: ChainId,
    /// Version of what transactions mean.
    pub app_version: u64,
    /// The first block is later than this.
    pub genesis_time: BlockTime,
    /// Most bytes of an encoded block; at most [`crate::block::BLOCK_BYTES_LIMIT`].
    pub block_bytes_max: usize,
    /// Most gas of a block's transactions together.
    pub block_gas_max: u64,
    /// How far a block may be ahead of the judge's clock, in milliseconds.
    pub clock_drift_ms: u64,
}

/// The block before, and who decided it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastBlock {
    /// Its name, with its time.
    pub reference: BlockRef,
    /// The set of its height.
    pub validators: ValidatorSet,
}

/// What is known of the chain when a block at `height` is made or judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The new block's height, from 1.
    pub height: Height,
    /// The block before; `None` at height 1.
    pub last: Option<LastBlock>,
    /// Who votes on the new block.
    pub validators: ValidatorSet,
    /// Who votes on the one after it.
    pub next_validators: ValidatorSet,
    /// After the block before.
    pub app_hash: AppHash,
    /// Of the block before.
    pub last_results_hash: Hash32,
}

impl Expected {
    /// The new block is later than this.
    #[must_use]
    pub fn time_before(&self, rules: &HeaderRules) -> BlockTime {
        self.last.as_ref().map_or(rules.genesis_time, |last| last.reference.time)
    }
}

/// Makes the block that `proposer` may propose at `time`. `last_commit` is [`None`] at height 1 only.
#[must_use]
pub fn next_block(
    rules: &HeaderRules,
    expected: &Expected,
    proposer: ValidatorAddress,
    time: BlockTime,
    transactions: Vec<Vec<u8>>,
    last_commit: Option<Commit>,
) -> Block {
    let header = next_header(rules, expected, proposer, time, &transactions, last_commit.as_ref());
    Block { header, transactions, last_commit }
}

/// The one header for these contents. Cost: two hashes a transaction and an entry of the commit.
#[must_use]
pub fn next_header(
    rules: &HeaderRules,
    expected: &Expected,
    proposer: ValidatorAddress,
    time: BlockTime,
    transactions: &[Vec<u8>],
    last_commit: Option<&Commit>,
) -> Header {
    Header {
        version: Version { block: BLOCK_PROTOCOL, app: rules.app_version },
        chain_id: rules.chain_id.as_tendermint().clone(),
        height: tendermint_height(expected.height),
        time: time.to_tendermint(),
        last_block_id: expected.last.as_ref().map(|last| last.reference.block_id()),
        last_commit_hash: Some(sha256(commit_hash(last_commit))),
        data_hash: Some(sha256(data_hash(transactions))),
        validators_hash: sha256(expected.validators.hash()),
        next_validators_hash: sha256(expected.next_validators.hash()),
        consensus_hash: sha256(consensus_hash(rules)),
        app_hash: expected.app_hash.to_tendermint(),
        last_results_hash: Some(sha256(expected.last_results_hash)),
        evidence_hash: Some(sha256(merkle::root(&NO_LEAVES))),
        proposer_address: proposer.to_tendermint(),
    }
}

const NO_LEAVES: [&[u8]; 0] = [];

pub(crate) const fn sha256(hash: Hash32) -> tendermint::Hash {
    tendermint::Hash::Sha256(hash.0)
}

/// Root over the protobuf of each entry, absent ones included. Source: CometBFT `types/block.go`, `Commit.Hash`.
pub(crate) fn commit_hash(commit: Option<&Commit>) -> Hash32 {
    let entries = commit.map(|commit| commit.signatures.as_slice()).unwrap_or_default();
    let leaves: Vec<_> = entries.iter().map(|entry| pb::CommitSig::from(entry.clone()).encode_to_vec()).collect();
    merkle::root(&leaves)
}

/// Root over SHA-256 of each transaction. Source: CometBFT `types/tx.go`, `Txs.Hash`.
pub(crate) fn data_hash(transactions: &[Vec<u8>]) -> Hash32 {
    let leaves: Vec<[u8; 32]> = transactions.iter().map(|transaction| Sha256::digest(transaction).into()).collect();
    merkle::root(&leaves)
}

/// SHA-256 of the limits' protobuf. Source: CometBFT `types/params.go`, `ConsensusParams.Hash`.
pub(crate) fn consensus_hash(rules: &HeaderRules) -> Hash32 {
    let params = pb::HashedParams {
        block_max_bytes: i64::try_from(rules.block_bytes_max).unwrap_or(i64::MAX),
        block_max_gas: i64::try_from(rules.block_gas_max).unwrap_or(i64::MAX),
    };
    Hash32(Sha256::digest(params.encode_to_vec()).into())
}
