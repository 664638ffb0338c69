//! What stops the node: its store is broken, or a rule of ours.
//!
//! Nothing here is a transaction's fault. What a transaction does wrong is an exit code in its receipt.

use cid::Cid;
use revm::database_interface::DBErrorMarker;
use tributary_trees::TreeFatal;
use tributary_wasm::HostFatal;

/// The state cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateFatal {
    /// A block that the state root reaches is not in the store.
    #[error("state block {0} is missing from the store; restore the data folder or sync it again")]
    Missing(Box<Cid>),
    /// A block of state does not decode as what it must be.
    #[error("state block {cid} is no {what}: {why}")]
    Malformed {
        /// The block.
        cid: Box<Cid>,
        /// What it should hold.
        what: &'static str,
        /// Why it does not.
        why: String,
    },
    /// The store, or a tree over it, cannot go on.
    #[error("state store: {0}")]
    Store(String),
    /// Nobody waits for the call any more. No fault of anybody's, and never of a block.
    #[error("the call was cut off")]
    CutOff,
    /// This machine does not get from its operating system what running an actor takes: memory, most likely.
    #[error("{0}; give the node more memory, or raise its limits (ulimit -v, vm.max_map_count), and start it again")]
    Machine(String),
    /// The tree would hold what it must never hold.
    #[error("state invariant broken: {0}")]
    Invariant(String),
}

impl DBErrorMarker for StateFatal {}

impl StateFatal {
    /// What the machine refused, with a type that comes through both runtimes.
    pub(crate) fn refused(HostFatal(why): &HostFatal) -> Self {
        Self::Machine(format!("{why:#}"))
    }

    pub(crate) fn missing(cid: &Cid) -> Self {
        Self::Missing(Box::new(*cid))
    }

    pub(crate) fn malformed(cid: &Cid, what: &'static str, why: impl std::fmt::Display) -> Self {
        Self::Malformed { cid: Box::new(*cid), what, why: why.to_string() }
    }

    /// A tree's own complaint, such as a missing or malformed node.
    pub(crate) fn tree(why: impl std::fmt::Display) -> Self {
        Self::Store(why.to_string())
    }
}

impl From<TreeFatal> for StateFatal {
    fn from(fatal: TreeFatal) -> Self {
        match fatal {
            TreeFatal::Missing(cid) => Self::Missing(cid),
            TreeFatal::Malformed { cid, why } => Self::malformed(&cid, "tree node", why),
            other => Self::tree(other),
        }
    }
}

impl From<StateFatal> for HostFatal {
    fn from(fatal: StateFatal) -> Self {
        Self(fatal.into())
    }
}

/// A block cannot be executed on this node.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorFatal {
    /// The state cannot be read or written.
    #[error(transparent)]
    State(#[from] StateFatal),
    /// The WASM engine, or the host under it, cannot go on.
    #[error(transparent)]
    Host(#[from] HostFatal),
    /// A number that genesis fixed is out of its bounds.
    #[error("execution parameter {0}")]
    Parameter(&'static str),
    /// The EVM stopped for a reason that is no transaction's.
    #[error("the EVM cannot go on: {0}")]
    Evm(String),
    /// The machine gives no thread to run on.
    #[error("no thread to execute on: {0}")]
    Thread(String),
    /// Money was made from nothing, or another law of ours does not hold.
    #[error("execution invariant broken: {0}")]
    Invariant(String),
}

impl ExecutorFatal {
    /// What this machine does not have, memory most likely or a thread, if that is all it is. No block can go without, so there the node
    /// stops; of a question nothing is kept, so it is enough to refuse that one. May be had later.
    #[must_use]
    pub fn refused_by_the_machine(&self) -> Option<&str> {
        match self {
            Self::State(StateFatal::Machine(why)) | Self::Thread(why) => Some(why),
            Self::Host(HostFatal(why)) => match why.downcast_ref::<StateFatal>() {
                Some(StateFatal::Machine(why)) => Some(why),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether a law of ours did not hold, rather than a disk or a machine. On a state that somebody made up that is their doing.
    pub(crate) fn is_a_law(&self) -> bool {
        match self {
            Self::State(state) => matches!(state, StateFatal::Invariant(_)),
            // What has no type of its own any more is told apart by nothing; of a broken disk the next block tells.
            Self::Host(HostFatal(why)) => {
                why.downcast_ref::<StateFatal>().is_none_or(|state| matches!(state, StateFatal::Invariant(_)))
            }
            Self::Evm(_) | Self::Invariant(_) => true,
            Self::Parameter(_) | Self::Thread(_) => false,
        }
    }
}
