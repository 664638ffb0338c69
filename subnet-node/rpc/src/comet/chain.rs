//! What CometBFT's methods ask of the node, in the words of its consensus.
//!
//! As with [`Backend`](crate::Backend), every method is synchronous, may read the disk, and runs on the lane of reads.

use std::sync::Arc;

use tributary_chain::tendermint::block::{Commit, Header};
use tributary_chain::{
    AppHash, Block, BlockRef, BlockTime, ChainId, ConsensusPublicKey, TransactionResult, ValidatorSet,
};
use tributary_fvm::receipt::Event;
use tributary_primitives::{Hash32, Height};

use crate::backend::ReadUnavailable;

/// The chain of blocks, commits and validator sets.
///
/// A block is *decided* here once it is also executed and on disk. `None` is what this node does not have: not yet, or not any more.
pub trait Chain: Send + Sync + 'static {
    /// Who this node is. The same for as long as the process lives.
    fn card(&self) -> &Card;

    /// What the chain started from. The same for as long as the process lives.
    fn origin(&self) -> &Origin;

    /// Which blocks are here.
    ///
    /// # Errors
    /// [`ReadUnavailable`].
    fn extent(&self) -> Result<Extent, ReadUnavailable>;

    /// Whether the node knows itself to be behind the others.
    fn is_catching_up(&self) -> bool;

    /// Whether blocks come.
    ///
    /// # Errors
    /// Why they do not, as a sentence.
    fn health(&self) -> Result<(), String>;

    /// The height of the block whose header has this hash.
    ///
    /// # Errors
    /// [`ReadUnavailable`].
    fn height_of(&self, hash: &Hash32) -> Result<Option<Height>, ReadUnavailable>;

    /// The block at `height`, whole.
    ///
    /// # Errors
    /// [`ReadUnavailable`].
    fn block(&self, height: Height) -> Result<Option<Decided<Block>>, ReadUnavailable>;

    /// The block at `height` without its transactions. Cost: as of a look at its header.
    ///
    /// # Errors
    /// [`ReadUnavailable`].
    fn outline(&self, height: Height) -> Result<Option<Decided<Outline>>, ReadUnavailable>;

    /// The commit of the block at `height` by those signatures that this node saw first, which may be others than the chain's: those
    /// are in the next block.
    ///
    /// # Errors
    /// [`ReadUnavailable`].
    fn seen_commit(&self, height: Height) -> Result<Option<Commit>, ReadUnavailable>;

    /// Who votes at `height`. Known up to the height after the latest.
    ///
    /// # Errors
    /// [`ReadUnavailable`].
    fn validators(&self, height: Height) -> Result<Option<ValidatorSet>, ReadUnavailable>;

    /// What executing the block at `height` came to.
    ///
    /// # Errors
    /// [`ReadUnavailable`].
    fn results(&self, height: Height) -> Result<Option<Results>, ReadUnavailable>;
}

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The first 20 bytes of SHA-256 of the key it has in the network, as CometBFT names nodes.
    pub id: [u8; 20],
    /// Its name in logs.
    pub moniker: String,
    /// Where consensus listens, as a multiaddress.
    pub listen: String,
    /// What it signs votes with, should it be in the set.
    pub key: ConsensusPublicKey,
}

/// What a chain started from and never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The chain.
    pub chain_id: ChainId,
    /// Time of the state before the first block.
    pub time: BlockTime,
    /// Who votes on the first block.
    pub validators: ValidatorSet,
    /// Of the state before the first block.
    pub app_hash: AppHash,
    /// Version of what transactions mean; stands in every header.
    pub app_version: u64,
    /// Most bytes of an encoded block.
    pub block_bytes_max: u64,
    /// Most gas of a block's transactions together, in block gas.
    pub block_gas_max: u64,
    /// The genesis document, JSON without spaces.
    pub document: Arc<str>,
}

/// Which blocks a node has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The lowest height whose block is kept; at least 1.
    pub lowest: Height,
    /// The latest decided height; 0 before the first.
    pub latest: Height,
}

/// A block's name, and what was asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided<T> {
    /// What votes name.
    pub reference: BlockRef,
    /// What was asked.
    pub what: T,
}

/// A block without its transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// What is hashed and voted on.
    pub header: Header,
    /// Who signed the block before; `None` in the first block only.
    pub last_commit: Option<Commit>,
    /// How many transactions the block holds.
    pub transactions: usize,
    /// Bytes of the whole block, encoded.
    pub bytes: usize,
}

/// What executing a block came to: what the **next** header commits to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Results {
    /// One for each of the block's transactions, in order, with its events.
    pub transactions: Vec<(TransactionResult, Vec<Event>)>,
    /// Of the state after the block.
    pub app_hash: AppHash,
}
