//! The certificate that decided a block, and the commit that the next block carries.
//!
//! ```text
//! CommitCertificate (which signatures, in any order)   ──to_commit──▶   Commit (one entry a validator, in the set's order)
//! ```
//!
//! Nodes hold different certificates for one block, since each stops at the two thirds it saw first. The one in the next
//! block's `last_commit` is the chain's. Every signature's timestamp is the block's own time: nothing else was signed.

use borsh::{BorshDeserialize, BorshSerialize};
use tendermint::block::{Commit, CommitSig};
use tributary_primitives::{Height, VALIDATORS_MAX, VotingPower};

use crate::block_ref::BlockRef;
use crate::chain_id::ChainId;
use crate::keys::{ConsensusSignature, ValidatorAddress};
use crate::sign_bytes::{self, VoteKind};
use crate::validators::ValidatorSet;

/// More than two thirds of power precommitted this block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitCertificate {
    /// The block's height.
    pub height: Height,
    /// The round that decided.
    pub round: u32,
    /// The block.
    pub block: BlockRef,
    /// Precommits for it, each validator at most once, at most [`VALIDATORS_MAX`].
    pub signatures: Vec<(ValidatorAddress, ConsensusSignature)>,
}

/// Most bytes of a certificate in borsh.
pub const CERTIFICATE_BYTES_MAX: usize = 8 + 4 + crate::block_ref::BLOCK_REF_BYTES + 4 + VALIDATORS_MAX * 84;

/// Why a commit does not prove that a block was decided.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitRejected {
    /// Of another height.
    #[error("commit of height {got}, expected {want}")]
    Height {
        /// The commit's.
        got: u64,
        /// The block's.
        want: Height,
    },
    /// For another block.
    #[error("commit names another block than {0}")]
    Block(BlockRef),
    /// Not one entry a validator.
    #[error("commit of {got} entries for {want} validators")]
    Length {
        /// Entries.
        got: usize,
        /// Validators.
        want: usize,
    },
    /// A vote for no block does not belong here: certificates do not carry them.
    #[error("entry {0} is a vote for no block")]
    NilVote(usize),
    /// The entry of one validator in the place of another.
    #[error("entry {0} is not of the validator at this place")]
    Validator(usize),
    /// A timestamp other than the block's time.
    #[error("entry {0} has another time than the block")]
    Time(usize),
    /// Not the validator's signature.
    #[error("entry {0} has a signature that does not verify")]
    Signature(usize),
    /// Too few signed.
    #[error("signed by {signed} of {total} power, which is not more than two thirds")]
    NoQuorum {
        /// Power that signed.
        signed: VotingPower,
        /// Power there is.
        total: VotingPower,
    },
}

impl CommitCertificate {
    /// Tendermint's commit: one entry for each of `validators`, in order, absent where the certificate has none.
    ///
    /// Signatures of strangers are left out. Cost: validators × signatures comparisons.
    #[must_use]
    pub fn to_commit(&self, validators: &ValidatorSet) -> Commit {
        Commit {
            height: tendermint_height(self.height),
            round: i32::try_from(self.round).unwrap_or(i32::MAX).try_into().expect("not negative"),
            block_id: self.block.block_id(),
            signatures: validators.with_addresses().map(|(address, _)| self.entry_of(address)).collect(),
        }
    }

    fn entry_of(&self, address: &ValidatorAddress) -> CommitSig {
        match self.signatures.iter().find(|(signer, _)| signer == address) {
            None => CommitSig::BlockIdFlagAbsent,
            Some((_, signature)) => CommitSig::BlockIdFlagCommit {
                validator_address: address.to_tendermint(),
                timestamp: self.block.time.to_tendermint(),
                signature: tendermint::Signature::new(signature.0).expect("64 bytes"),
            },
        }
    }

    /// Checks the certificate against the set of its height. Cost: one signature check a signer.
    ///
    /// # Errors
    /// [`CommitRejected`] as of [`check_commit`].
    pub fn check(&self, chain: &ChainId, validators: &ValidatorSet) -> Result<(), CommitRejected> {
        check_commit(chain, &self.to_commit(validators), self.height, &self.block, validators)
    }
}

/// Whether `commit` proves that `validators` decided `block` at `height`.
///
/// Cheap questions first; all signatures are checked, not only enough of them. Cost: about 50 µs a signature.
///
/// # Errors
/// [`CommitRejected`], one variant for each rule.
pub fn check_commit(
    chain: &ChainId,
    commit: &Commit,
    height: Height,
    block: &BlockRef,
    validators: &ValidatorSet,
) -> Result<(), CommitRejected> {
    if commit.height.value() != height.0 {
        return Err(CommitRejected::Height { got: commit.height.value(), want: height });
    }
    if commit.block_id != block.block_id() {
        return Err(CommitRejected::Block(*block));
    }
    if commit.signatures.len() != validators.len() {
        return Err(CommitRejected::Length { got: commit.signatures.len(), want: validators.len() });
    }
    let round = commit.round.value();
    let message = sign_bytes::vote(chain, VoteKind::Precommit, height, round, Some(block));
    let signed = signed_power(commit, block, validators, &message)?;
    let total = validators.total_power();
    if !signed.is_quorum_of(total) {
        return Err(CommitRejected::NoQuorum { signed, total });
    }
    Ok(())
}

fn signed_power(
    commit: &Commit,
    block: &BlockRef,
    validators: &ValidatorSet,
    message: &[u8],
) -> Result<VotingPower, CommitRejected> {
    let mut signed = VotingPower(0);
    for (place, (entry, (address, validator))) in commit.signatures.iter().zip(validators.with_addresses()).enumerate()
    {
        let CommitSig::BlockIdFlagCommit { validator_address, timestamp, signature } = entry else {
            if entry.is_nil() {
                return Err(CommitRejected::NilVote(place));
            }
            continue;
        };
        if ValidatorAddress::from(*validator_address) != *address {
            return Err(CommitRejected::Validator(place));
        }
        if *timestamp != block.time.to_tendermint() {
            return Err(CommitRejected::Time(place));
        }
        let signature = signature.as_ref().and_then(|signature| ConsensusSignature::from_bytes(signature.as_bytes()));
        if !signature.is_some_and(|signature| validator.public_key.verifies(message, &signature)) {
            return Err(CommitRejected::Signature(place));
        }
        signed = [signed, validator.power].into_iter().sum();
    }
    Ok(signed)
}

/// Tendermint's heights end at `i64::MAX`; no chain gets there.
pub(crate) fn tendermint_height(height: Height) -> tendermint::block::Height {
    tendermint::block::Height::try_from(height.0.min(i64::MAX.unsigned_abs())).expect("at most i64::MAX")
}

impl BorshSerialize for CommitCertificate {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        (self.height.0, self.round, self.block).serialize(writer)?;
        self.signatures.serialize(writer)
    }
}

impl BorshDeserialize for CommitCertificate {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        let (height, round, block) = <(u64, u32, BlockRef)>::deserialize_reader(reader)?;
        let count = usize::try_from(u32::deserialize_reader(reader)?).unwrap_or(usize::MAX);
        if count > VALIDATORS_MAX {
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "more signatures than validators may be"));
        }
        let mut signatures = Vec::with_capacity(count);
        for _ in 0..count {
            signatures.push(BorshDeserialize::deserialize_reader(reader)?);
        }
        Ok(Self { height: Height(height), round, block, signatures })
    }
}

#[cfg(test)]
mod tests;
