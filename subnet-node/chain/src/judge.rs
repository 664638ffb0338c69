//! Judges one block: is it the one that may follow?
//!
//! ```text
//! block
//!   ├─ of this height and chain?                  no ─▶ Height, ChainId
//!   ├─ later than the last, not in the future?    no ─▶ TimeNotLater, TimeAhead, TimeOutOfRange
//!   ├─ by the proposer, who is a validator?       no ─▶ Proposer, ProposerNotValidator
//!   ├─ carries a commit exactly when it must?     no ─▶ NoLastCommit, UnexpectedLastCommit
//!   ├─ each field of the header as expected?      no ─▶ Version … EvidenceHash
//!   ├─ last commit by a quorum of the last set?   no ─▶ LastCommit
//!   └─ accepted
//! ```
//!
//! Cheap questions first, signatures last. What the transactions mean is not asked here: that is the replica's.

use tendermint::block::Header;
use tributary_primitives::Height;

use crate::block::Block;
use crate::commit::{CommitRejected, check_commit};
use crate::header::{Expected, HeaderRules, next_header};
use crate::keys::ValidatorAddress;
use crate::time::BlockTime;

/// Why a block may not follow. One variant for each rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it; `want` is ours and `got` the block's")]
pub enum BlockRejected {
    #[error("block of height {got}, expected {want}")]
    Height { got: u64, want: Height },
    #[error("block of chain {got}, expected {want}")]
    ChainId { got: String, want: String },
    #[error("block time {got} is not after {before}")]
    TimeNotLater { got: BlockTime, before: BlockTime },
    #[error("block time {got} is more than {drift_ms} ms ahead of {now}")]
    TimeAhead { got: BlockTime, now: BlockTime, drift_ms: u64 },
    #[error("block time {0} is outside of the years 1970 to 2554")]
    TimeOutOfRange(String),
    #[error("block by {got}, whose turn it is not: expected {want}")]
    Proposer { got: ValidatorAddress, want: ValidatorAddress },
    #[error("block by {0}, who is not in the validator set")]
    ProposerNotValidator(ValidatorAddress),
    #[error("block without the commit of the block before")]
    NoLastCommit,
    #[error("first block with a commit of a block before")]
    UnexpectedLastCommit,
    #[error("header has another protocol version than this chain")]
    Version,
    #[error("header names another last block")]
    LastBlockId,
    #[error("header's last_commit_hash is not of the commit in the block")]
    LastCommitHash,
    #[error("header's data_hash is not of the transactions in the block")]
    DataHash,
    #[error("header's validators_hash is not of this height's validators")]
    ValidatorsHash,
    #[error("header's next_validators_hash is not of the next height's validators")]
    NextValidatorsHash,
    #[error("header's consensus_hash is not of this chain's limits")]
    ConsensusHash,
    #[error("header's app_hash is not of the state after the block before")]
    AppHash,
    #[error("header's last_results_hash is not of the results of the block before")]
    LastResultsHash,
    #[error("header's evidence_hash is not of an empty list")]
    EvidenceHash,
    #[error("the commit of the block before does not prove it: {0}")]
    LastCommit(#[source] CommitRejected),
}

/// Whether `block` may follow what is `expected`, for a judge whose clock says `now`.
///
/// `proposer` is whose turn it was; `None` for a block that a quorum already decided, learned by block sync: there the round it was first
/// proposed in is not known, and any validator may have proposed it. Cost: hashes of the whole block, and one signature
/// check a signer of the last commit.
///
/// # Errors
/// [`BlockRejected`], the first rule that is broken.
pub fn judge_block(
    rules: &HeaderRules,
    expected: &Expected,
    proposer: Option<ValidatorAddress>,
    now: BlockTime,
    block: &Block,
) -> Result<(), BlockRejected> {
    check_place(rules, expected, &block.header)?;
    let time = check_time(rules, expected, now, &block.header)?;
    let author = check_proposer(expected, proposer, &block.header)?;
    check_commit_is_due(expected, block)?;
    let want = next_header(rules, expected, author, time, &block.transactions, block.last_commit.as_ref());
    compare(&block.header, &want)?;
    check_last_commit(rules, expected, block)
}

fn check_place(rules: &HeaderRules, expected: &Expected, header: &Header) -> Result<(), BlockRejected> {
    if header.height.value() != expected.height.0 {
        return Err(BlockRejected::Height { got: header.height.value(), want: expected.height });
    }
    if header.chain_id != *rules.chain_id.as_tendermint() {
        return Err(BlockRejected::ChainId { got: header.chain_id.to_string(), want: rules.chain_id.to_string() });
    }
    Ok(())
}

fn check_time(
    rules: &HeaderRules,
    expected: &Expected,
    now: BlockTime,
    header: &Header,
) -> Result<BlockTime, BlockRejected> {
    let got = BlockTime::from_tendermint(header.time)
        .ok_or_else(|| BlockRejected::TimeOutOfRange(header.time.to_rfc3339()))?;
    let before = expected.time_before(rules);
    if got <= before {
        return Err(BlockRejected::TimeNotLater { got, before });
    }
    let drift_ms = rules.clock_drift_ms;
    if got > now.after(std::time::Duration::from_millis(drift_ms)) {
        return Err(BlockRejected::TimeAhead { got, now, drift_ms });
    }
    Ok(got)
}

fn check_proposer(
    expected: &Expected,
    proposer: Option<ValidatorAddress>,
    header: &Header,
) -> Result<ValidatorAddress, BlockRejected> {
    let got = ValidatorAddress::from(header.proposer_address);
    if let Some(want) = proposer.filter(|want| *want != got) {
        return Err(BlockRejected::Proposer { got, want });
    }
    expected.validators.get(&got).map(|_| got).ok_or(BlockRejected::ProposerNotValidator(got))
}

fn check_commit_is_due(expected: &Expected, block: &Block) -> Result<(), BlockRejected> {
    match (&expected.last, &block.last_commit) {
        (Some(_), None) => Err(BlockRejected::NoLastCommit),
        (None, Some(_)) => Err(BlockRejected::UnexpectedLastCommit),
        (Some(_), Some(_)) | (None, None) => Ok(()),
    }
}

fn compare(got: &Header, want: &Header) -> Result<(), BlockRejected> {
    let rules = [
        (got.version == want.version, BlockRejected::Version),
        (got.last_block_id == want.last_block_id, BlockRejected::LastBlockId),
        (got.last_commit_hash == want.last_commit_hash, BlockRejected::LastCommitHash),
        (got.data_hash == want.data_hash, BlockRejected::DataHash),
        (got.validators_hash == want.validators_hash, BlockRejected::ValidatorsHash),
        (got.next_validators_hash == want.next_validators_hash, BlockRejected::NextValidatorsHash),
        (got.consensus_hash == want.consensus_hash, BlockRejected::ConsensusHash),
        (got.app_hash == want.app_hash, BlockRejected::AppHash),
        (got.last_results_hash == want.last_results_hash, BlockRejected::LastResultsHash),
        (got.evidence_hash == want.evidence_hash, BlockRejected::EvidenceHash),
    ];
    rules.into_iter().find(|(kept, _)| !kept).map_or(Ok(()), |(_, broken)| Err(broken))
}

fn check_last_commit(rules: &HeaderRules, expected: &Expected, block: &Block) -> Result<(), BlockRejected> {
    let (Some(last), Some(commit), Some(height)) = (&expected.last, &block.last_commit, expected.height.previous())
    else {
        return Ok(());
    };
    check_commit(&rules.chain_id, commit, height, &last.reference, &last.validators).map_err(BlockRejected::LastCommit)
}

#[cfg(test)]
mod tests;
