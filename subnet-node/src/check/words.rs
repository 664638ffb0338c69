//! A block to run, and what running it gave.

use cid::Cid;
use tributary_fvm::{BlockEnv, BlockOutcome, ExecutionParams, Stats, Workers};

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

/// How the node ran a block. It changes no outcome, unless something is wrong; then it says where to look.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Execution {
    /// One transaction after the other, on one thread.
    InOrder,
    /// In lanes, or ahead of the turn.
    Parallel {
        /// On so many threads, which are several.
        workers: Workers,
        /// Whether lanes met or broke, or too many guesses were wrong, and the rest ran in order.
        gave_up: bool,
    },
}

impl Execution {
    /// Of a block that ran on these threads, and went like this.
    #[must_use]
    pub fn of(workers: Workers, stats: Stats) -> Self {
        if workers == Workers::ONE { Self::InOrder } else { Self::Parallel { workers, gave_up: stats.is_closed } }
    }

    /// The threads that it began on.
    #[must_use]
    pub const fn workers(self) -> Workers {
        match self {
            Self::InOrder => Workers::ONE,
            Self::Parallel { workers, .. } => workers,
        }
    }

    /// The way, as a word.
    #[must_use]
    pub const fn way(self) -> &'static str {
        match self {
            Self::InOrder => "in_order",
            Self::Parallel { gave_up: false, .. } => "parallel",
            Self::Parallel { gave_up: true, .. } => "parallel_then_in_order",
        }
    }
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
