//! Proposals as they lie on disk until a block of their height is committed: the block, and this node's verdict on it.

use borsh::{BorshDeserialize, BorshSerialize};
use tributary_chain::{BlockRef, ValidatorAddress};
use tributary_consensus::{Known, Proposed};
use tributary_primitives::{Hash32, Height};
use tributary_store::{Store, StoreFatal};

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
    /// Writes it to `store`, on the disk itself when it returns: only then may consensus be told of it, whose vote for it outlives a power loss.
    ///
    /// Blocks the thread: an fsync.
    ///
    /// # Errors
    /// [`StoreFatal`].
    pub fn put(self, store: &Store) -> Result<(), StoreFatal> {
        let Self { proposed, valid, bytes } = self;
        let Proposed { height, round, valid_round, proposer, block } = proposed;
        let value = Value { valid_round, proposer: proposer.0, block, valid, bytes };
        let value = borsh::to_vec(&value).expect("writing to memory does not fail");
        store.put_undecided(height, round, &block.hash, &value)
    }

    /// The proposal of `block` for `height`, whatever its round, however many there are.
    ///
    /// # Errors
    /// [`StoreFatal`].
    pub fn of(store: &Store, height: Height, block: &BlockRef) -> Result<Option<Self>, StoreFatal> {
        let mut named = Self::each(store, height, |_, hash| *hash == block.hash)?;
        named.find(|kept| kept.as_ref().map_or(true, |kept| kept.proposed.block == *block)).transpose()
    }

    /// What `proposer` proposed in this round.
    ///
    /// # Errors
    /// [`StoreFatal`].
    pub fn by(
        store: &Store,
        height: Height,
        round: u32,
        proposer: ValidatorAddress,
    ) -> Result<Option<Self>, StoreFatal> {
        let mut of_round = Self::each(store, height, |of, _| of == round)?;
        of_round.find(|kept| kept.as_ref().map_or(true, |kept| kept.proposed.proposer == proposer)).transpose()
    }

    /// All that was proposed in this round, and whether it may be decided.
    ///
    /// # Errors
    /// [`StoreFatal`].
    pub fn known(store: &Store, height: Height, round: u32) -> Result<Vec<Known>, StoreFatal> {
        let known = |Self { proposed, valid, .. }| Known { proposed, valid };
        Self::each(store, height, |of, _| of == round)?.map(|kept| kept.map(known)).collect()
    }

    /// The proposals of these rounds and hashes, by round. One block is in memory at a time.
    fn each(
        store: &Store,
        height: Height,
        is_one: impl Fn(u32, &Hash32) -> bool,
    ) -> Result<impl Iterator<Item = Result<Self, StoreFatal>>, StoreFatal> {
        let places = store.undecided(height)?.into_iter().filter(move |(round, hash)| is_one(*round, hash));
        let read = move |(round, hash)| {
            let value = store.undecided_block(height, round, &hash).transpose()?;
            value.map(|value| Self::read(height, round, &value)).transpose()
        };
        Ok(places.filter_map(read))
    }

    /// One that does not read back is as good as one that never came.
    fn read(height: Height, round: u32, value: &[u8]) -> Option<Self> {
        let Value { valid_round, proposer, block, valid, bytes } = borsh::from_slice(value).ok()?;
        let proposer = ValidatorAddress(proposer);
        Some(Self { proposed: Proposed { height, round, valid_round, proposer, block }, valid, bytes })
    }
}
