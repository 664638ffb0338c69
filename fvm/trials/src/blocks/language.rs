//! What two blocks are filled with. Messages are those of [`calls`](crate::calls::language).

use arbitrary::Arbitrary;

use crate::calls::language::{Data, Limit, Message, Nonce, Target};
use crate::world::Who;

/// Two blocks, one on top of the other.
#[derive(Arbitrary, Clone, Debug)]
pub struct Trial {
    /// Of each block.
    pub gas: BlockGas,
    /// Half of it says how many, a sixth what hints they go by; an odd number, that they go by each kind.
    pub threads: u8,
    /// Of the first block.
    pub first: Vec<Pattern>,
    /// Of the second one; without any it is filled as the first one is, with the nonces that follow.
    pub second: Vec<Pattern>,
}

impl Trial {
    /// What the block with this number is filled with.
    #[must_use]
    pub fn patterns(&self, number: usize) -> &[Pattern] {
        if number == 0 || self.second.is_empty() { &self.first } else { &self.second }
    }
}

/// How much gas a block has.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum BlockGas {
    /// More than it can use.
    Plenty,
    /// So many thousands, and one: a large block ends early.
    Part(u16),
}

/// Transactions that come again and again.
#[derive(Arbitrary, Clone, Debug)]
pub struct Pattern {
    /// After the first time, how often.
    pub again: u8,
    /// What is sent each time.
    pub sent: Vec<Sent>,
}

/// A transaction of a pattern.
#[derive(Arbitrary, Clone, Debug)]
pub struct Sent {
    /// In the first turn.
    pub what: What,
    /// How it moves on.
    pub steps: Steps,
}

/// By how much numbers grow from turn to turn. They start again after `ring` turns, and one.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct Steps {
    /// The sender's: all of the crowd stand in a circle, first those that have names.
    pub from: u8,
    /// Of accounts, authorities, actors, contracts, ids and new addresses.
    pub whom: u8,
    /// Of slots, entries, roots and the last of any bytes.
    pub cell: u8,
    /// Turns, less one.
    pub ring: u8,
}

/// What is sent.
#[derive(Arbitrary, Clone, Debug)]
pub enum What {
    /// As in `calls`.
    Message(Message),
    /// A set-code transaction.
    Delegation(Delegation),
}

/// Somebody delegates by another's transaction, and is called. Source: EIP-7702.
#[derive(Arbitrary, Clone, Debug)]
pub struct Delegation {
    /// Who sends it; with an f1 account, nobody.
    pub from: Who,
    /// Whose Ethereum address delegates. That of a key with an f1 account has no actor before.
    pub authority: Who,
    /// To whom; precompile 0 ends it.
    pub to: Target,
    /// What the authority is called with.
    pub data: Data,
    /// How much gas it may use.
    pub gas: Limit,
    /// Whether the authority's nonce is wrong.
    pub nonce: Nonce,
}
