//! Calls that are not run.

use tributary_fvm::OverridesRejected;

use super::ReadUnavailable;

/// Why there is no call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallRejected {
    /// No state can be as its caller wants it.
    #[error(transparent)]
    Overrides(#[from] OverridesRejected),
    /// The node cannot run it now.
    #[error(transparent)]
    Unavailable(#[from] ReadUnavailable),
}
