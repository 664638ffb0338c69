//! Two signatures of one validator that cannot both be honest.

use borsh::{BorshDeserialize, BorshSerialize};
use tributary_primitives::Height;

use crate::block_ref::BlockRef;
use crate::chain_id::ChainId;
use crate::keys::{ConsensusPublicKey, ConsensusSignature, ValidatorAddress};
use crate::sign_bytes::{self, VoteKind};

/// One of two conflicting messages.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct SignedClaim {
    /// What was signed: kind and contents.
    pub claim: Claim,
    /// The validator's signature over it.
    pub signature: ConsensusSignature,
}

/// What a validator says at most once at a height and round.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// A vote for a block, or for none.
    Vote(VoteKind, Option<BlockRef>),
    /// A proposal of a block, locked in a round if any.
    Proposal(BlockRef, Option<u32>),
}

/// A validator said two things at one height and round. Proof against the key, with no more context than the chain id.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Equivocation {
    /// Who.
    pub validator: ValidatorAddress,
    /// At which height.
    pub height: Height,
    /// In which round.
    pub round: u32,
    /// What was seen first.
    pub first: SignedClaim,
    /// What was seen second.
    pub second: SignedClaim,
}

impl Equivocation {
    /// Whether `key` belongs to the accused and signed both, and both are of one kind and differ. Cost: two signature checks.
    #[must_use]
    pub fn is_proved(&self, chain: &ChainId, key: &ConsensusPublicKey) -> bool {
        let conflict = match (&self.first.claim, &self.second.claim) {
            (Claim::Vote(first, _), Claim::Vote(second, _)) => first == second,
            (Claim::Proposal(..), Claim::Proposal(..)) => true,
            (Claim::Vote(..), Claim::Proposal(..)) | (Claim::Proposal(..), Claim::Vote(..)) => false,
        };
        conflict
            && self.first.claim != self.second.claim
            && key.address() == self.validator
            && [&self.first, &self.second].into_iter().all(|said| self.is_signed(chain, key, said))
    }

    fn is_signed(&self, chain: &ChainId, key: &ConsensusPublicKey, said: &SignedClaim) -> bool {
        let bytes = match &said.claim {
            Claim::Vote(kind, block) => sign_bytes::vote(chain, *kind, self.height, self.round, block.as_ref()),
            Claim::Proposal(block, valid_round) => {
                sign_bytes::proposal(chain, self.height, self.round, *valid_round, block)
            }
        };
        key.verifies(&bytes, &said.signature)
    }
}

impl BorshSerialize for Claim {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        match self {
            Self::Vote(VoteKind::Prevote, block) => (0_u8, block).serialize(writer),
            Self::Vote(VoteKind::Precommit, block) => (1_u8, block).serialize(writer),
            Self::Proposal(block, valid_round) => (2_u8, block, valid_round).serialize(writer),
        }
    }
}

impl BorshDeserialize for Claim {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        match u8::deserialize_reader(reader)? {
            0 => Ok(Self::Vote(VoteKind::Prevote, BorshDeserialize::deserialize_reader(reader)?)),
            1 => Ok(Self::Vote(VoteKind::Precommit, BorshDeserialize::deserialize_reader(reader)?)),
            2 => {
                let (block, valid_round) = BorshDeserialize::deserialize_reader(reader)?;
                Ok(Self::Proposal(block, valid_round))
            }
            _ => Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "no such kind of claim")),
        }
    }
}

impl BorshSerialize for Equivocation {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        (self.validator, self.height.0, self.round).serialize(writer)?;
        [&self.first, &self.second].into_iter().try_for_each(|said| (said.claim, said.signature).serialize(writer))
    }
}

impl BorshDeserialize for Equivocation {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        let (validator, height, round) = BorshDeserialize::deserialize_reader(reader)?;
        let mut said = || -> std::io::Result<SignedClaim> {
            let (claim, signature) = BorshDeserialize::deserialize_reader(reader)?;
            Ok(SignedClaim { claim, signature })
        };
        Ok(Self { validator, height: Height(height), round, first: said()?, second: said()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Chain;

    #[test]
    fn two_votes_prove_it_and_anything_less_does_not() {
        let chain = Chain::of(2);
        let (id, key) = (&chain.rules.chain_id, &chain.keys[0]);
        let (a, b) = (chain.first_block().1, chain.second_block().1);
        let vote = |kind, block: Option<BlockRef>| SignedClaim {
            claim: Claim::Vote(kind, block),
            signature: key.sign(&sign_bytes::vote(id, kind, Height(5), 1, block.as_ref())),
        };
        let said = |first, second| Equivocation {
            validator: key.public_key().address(),
            height: Height(5),
            round: 1,
            first,
            second,
        };
        let (first, second) = (vote(VoteKind::Precommit, Some(a)), vote(VoteKind::Precommit, Some(b)));
        let proof = said(first, second);
        assert!(proof.is_proved(id, &key.public_key()));
        assert!(said(first, vote(VoteKind::Precommit, None)).is_proved(id, &key.public_key()));
        assert_eq!(borsh::from_slice::<Equivocation>(&borsh::to_vec(&proof).unwrap()).unwrap(), proof);

        assert!(!said(first, first).is_proved(id, &key.public_key()), "the same vote twice");
        assert!(
            !said(first, vote(VoteKind::Prevote, Some(b))).is_proved(id, &key.public_key()),
            "two steps of one round"
        );
        assert!(!proof.is_proved(id, &chain.keys[1].public_key()), "another key");
        assert!(!proof.is_proved(&"other-1".parse().unwrap(), &key.public_key()), "another chain");
        assert!(!Equivocation { round: 2, ..proof }.is_proved(id, &key.public_key()), "another round");
    }
}
