//! A block to run, and what running it gave.

use cid::Cid;
use tributary_fvm::{BlockEnv, BlockOutcome, ExecutionParams};

/// A block to run, and all that its outcome depends on beside the blocks of state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Root of the state before it.
    pub parent_root: Cid,
    /// What its transactions see of it.
    pub env: BlockEnv,
    /// What the chain's executor is made with.
    pub params: ExecutionParams,
    /// The block as it travelled.
    pub block: Vec<u8>,
}

/// What running a block gave: an outcome, or why there is none.
pub type Attempt = Result<BlockOutcome, String>;

/// Why a block cannot be run again now. None of it speaks against what was committed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayUnavailable {
    /// A block of state is not there.
    #[error("state block {0} is not there")]
    Missing(Box<Cid>),
    /// The store does not give a block of state.
    #[error("state block {cid} cannot be read: {why}")]
    Unreadable {
        /// The block.
        cid: Box<Cid>,
        /// What the store said.
        why: String,
    },
    /// The state before the block cannot be made again.
    #[error("the state before the block is not to be had: {0}")]
    NoState(String),
    /// The machine has no thread for it, or does not lower its priority.
    #[error("no thread to run on: {0}")]
    NoThread(String),
    /// The node stops, and nobody waits for the answer.
    #[error("the node is stopping")]
    Stopping,
}
