//! Calls that have no outcome.

use super::ReadUnavailable;

/// Why there is no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallRejected {
    /// It cannot be as its caller wants it, or took too long.
    #[error(transparent)]
    Call(#[from] tributary_fvm::CallRejected),
    /// The node cannot run it now.
    #[error(transparent)]
    Unavailable(#[from] ReadUnavailable),
}
