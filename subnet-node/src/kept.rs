//! Proposals as they lie on disk until a block of their height is committed: the block, and this node's verdict on it.

use borsh::{BorshDeserialize, BorshSerialize};
use tributary_chain::{BlockRef, ValidatorAddress};
use tributary_consensus::Proposed;
use tributary_primitives::Height;
use tributary_store::{Store, StoreFatal, Survives, UndecidedBlock};

/// Most proposals kept of one height. One a round is usual; beyond this many, a height is in trouble that more do not mend.
const PROPOSALS_MAX: usize = 256;

/// A proposal that was judged here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What was proposed.
    pub proposed: Proposed,
    /// Whether it may be decided.
    pub valid: bool,
    /// The encoded block.
    pub bytes: Vec<u8>,
}

/// The value on disk; height, round and hash are its key.
#[derive(BorshSerialize, BorshDeserialize)]
struct Value {
    valid_round: Option<u32>,
    proposer: [u8; 20],
    block: BlockRef,
    valid: bool,
    bytes: Vec<u8>,
}

impl Kept {
    /// Writes it to `store`: it outlives this process.
    ///
    /// # Errors
    /// [`StoreFatal`].
    pub fn put(self, store: &Store) -> Result<(), StoreFatal> {
        let Self { proposed, valid, bytes } = self;
        let Proposed { height, round, valid_round, proposer, block } = proposed;
        let value = Value { valid_round, proposer: proposer.0, block, valid, bytes };
        let value = borsh::to_vec(&value).expect("writing to memory does not fail");
        store.put_undecided(height, round, &block.hash, &value, Survives::Process)
    }

    /// All proposals of `height` in `store`, by round.
    ///
    /// # Errors
    /// [`StoreFatal`].
    pub fn all(store: &Store, height: Height) -> Result<Vec<Self>, StoreFatal> {
        let undecided = store.undecided(height, PROPOSALS_MAX)?;
        Ok(undecided.into_iter().filter_map(|entry| Self::read(height, &entry)).collect())
    }

    /// The proposal of `block` for `height`.
    ///
    /// # Errors
    /// [`StoreFatal`].
    pub fn of(store: &Store, height: Height, block: &BlockRef) -> Result<Option<Self>, StoreFatal> {
        Ok(Self::all(store, height)?.into_iter().find(|kept| kept.proposed.block == *block))
    }

    /// One that does not read back is as good as one that never came.
    fn read(height: Height, entry: &UndecidedBlock) -> Option<Self> {
        let Value { valid_round, proposer, block, valid, bytes } = borsh::from_slice(&entry.bytes).ok()?;
        let proposer = ValidatorAddress(proposer);
        Some(Self { proposed: Proposed { height, round: entry.round, valid_round, proposer, block }, valid, bytes })
    }
}
