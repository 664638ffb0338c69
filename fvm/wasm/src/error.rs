//! How a syscall can end other than well, by whose fault it is.
//!
//! | type | whose fault | what happens |
//! |---|---|---|
//! | [`SyscallRejected`] | the calling actor's | it gets the error number and runs on |
//! | [`Halt::OutOfGas`] | the sender's | the call unwinds to the frame whose gas limit was hit |
//! | [`Halt::Fatal`] | the node's | the whole message unwinds to the executor; there is no receipt |

use std::borrow::Cow;

use fvm_shared::error::ErrorNumber;

use crate::gas::OutOfGas;

/// The actor asked for something it cannot have; nothing changed, and it is told the number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} ({number})")]
pub struct SyscallRejected {
    /// What the actor sees.
    pub number: ErrorNumber,
    /// What a person debugging the actor sees.
    pub reason: Cow<'static, str>,
}

impl SyscallRejected {
    /// A rejection with its reason, a clause without a full stop.
    pub fn new(number: ErrorNumber, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { number, reason: reason.into() }
    }
}

/// The node cannot run this message: its disk is broken, or an invariant of ours, or its machine lacks what that takes.
#[derive(Debug, thiserror::Error)]
#[error("the host cannot go on: {0:#}")]
pub struct HostFatal(#[from] pub anyhow::Error);

/// The operating system refused something, memory most likely.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

impl HostFatal {
    /// The machine does not have what this takes: `why`.
    pub(crate) fn refused(why: String) -> Self {
        Self(Refused(why).into())
    }

    /// Whether the operating system refused something, memory most likely: nothing is broken, and another machine would have gone on.
    #[must_use]
    pub fn is_the_machines(&self) -> bool {
        self.0.is::<Refused>()
    }
}

/// Why a call unwinds instead of returning.
#[derive(Debug, thiserror::Error)]
pub enum Halt {
    /// A gas limit is hit. The frame that set it sees exit code 7; without one the whole message does.
    #[error(transparent)]
    OutOfGas(#[from] OutOfGas),
    /// The node is broken.
    #[error(transparent)]
    Fatal(#[from] HostFatal),
}

/// How a syscall can end other than well.
#[derive(Debug, thiserror::Error)]
pub enum SyscallError {
    /// The actor is told and runs on.
    #[error(transparent)]
    Rejected(#[from] SyscallRejected),
    /// The actor runs no further.
    #[error(transparent)]
    Halt(#[from] Halt),
}

impl From<OutOfGas> for SyscallError {
    fn from(out: OutOfGas) -> Self {
        Self::Halt(Halt::OutOfGas(out))
    }
}

impl From<HostFatal> for SyscallError {
    fn from(fatal: HostFatal) -> Self {
        Self::Halt(Halt::Fatal(fatal))
    }
}

/// Shorthand for a syscall's body: `rejected(NotFound, "…")`.
pub(crate) fn rejected(number: ErrorNumber, reason: impl Into<Cow<'static, str>>) -> SyscallError {
    SyscallRejected::new(number, reason).into()
}
