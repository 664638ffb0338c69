//! How an approved transaction is sent, and how its end is told to who approved it last.

use fvm_ipld_encoding::{CBOR, RawBytes};
use fvm_shared::ActorID;
use fvm_shared::error::{ErrorNumber, ExitCode};
use tributary_wasm::{Block, GasTracker, Send, SendOutcome, SyscallError, SyscallRejected};

use super::Refusal;
use super::words::{ApproveReturn, Transaction};
use crate::kernel::Kernel;
use crate::state::StateView;

/// Sends an approved transaction, if there is one, and tells how it ended.
pub(super) fn perform<V: StateView>(
    kernel: Box<Kernel<V>>,
    receiver: ActorID,
    send: &Send,
    transaction: Option<Transaction>,
    gas: &mut GasTracker,
) -> (Box<Kernel<V>>, Result<ApproveReturn, Refusal>) {
    let Some(transaction) = transaction else { return (kernel, Ok(ended(false, ExitCode::OK, None))) };
    match sent(receiver, send, transaction) {
        Ok(send) => {
            let (kernel, result) = kernel.call(send, gas);
            (kernel, told(result))
        }
        Err(code) => (kernel, Ok(ended(true, code, None))),
    }
}

/// The call that a transaction stands for, or the exit code of one that cannot be made.
fn sent(receiver: ActorID, send: &Send, transaction: Transaction) -> Result<Send, ExitCode> {
    let Transaction { to, value, method, params, .. } = transaction;
    let impossible = ExitCode::USR_ASSERTION_FAILED;
    let stack = send.stack.enter(0, 0).ok_or(impossible)?;
    let params = (!params.is_empty()).then(|| Block::new(CBOR, params.bytes())).transpose();
    let params = params.map_err(|_| impossible)?;
    Ok(Send { from: receiver, to, method, params, value, read_only: send.read_only, gas_limit: None, stack })
}

fn told(result: Result<SendOutcome, SyscallError>) -> Result<ApproveReturn, Refusal> {
    match result {
        Ok(SendOutcome { exit_code, return_block }) => Ok(ended(true, as_told(exit_code), return_block)),
        Err(SyscallError::Rejected(rejected)) => Ok(ended(true, code_of(&rejected), None)),
        Err(SyscallError::Halt(halt)) => Err(Refusal::Halt(halt)),
    }
}

fn ended(applied: bool, code: ExitCode, returned: Option<Block>) -> ApproveReturn {
    let ret = returned.map(|block| RawBytes::new(block.data().to_vec())).unwrap_or_default();
    ApproveReturn { applied, code, ret }
}

/// How a call's exit code is told: the system's own are not an actor's to pass on.
///
/// Source: filecoin-project/builtin-actors, `runtime/src/actor_error.rs`, `ActorError::checked`.
fn as_told(code: ExitCode) -> ExitCode {
    match code {
        ExitCode::OK => ExitCode::OK,
        ExitCode::SYS_MISSING_RETURN | ExitCode::SYS_ILLEGAL_INSTRUCTION | ExitCode::SYS_ILLEGAL_EXIT_CODE => {
            ExitCode::USR_UNSPECIFIED
        }
        code if code.is_system_error() => ExitCode::USR_ASSERTION_FAILED,
        code => code,
    }
}

/// The exit code of a call that could not be made.
///
/// Source: filecoin-project/builtin-actors, `runtime/src/builtin/shared.rs`, `SendError`.
pub(super) const fn code_of(rejected: &SyscallRejected) -> ExitCode {
    match rejected.number {
        ErrorNumber::NotFound => ExitCode::USR_UNSPECIFIED,
        ErrorNumber::InsufficientFunds => ExitCode::USR_INSUFFICIENT_FUNDS,
        ErrorNumber::ReadOnly => ExitCode::USR_READ_ONLY,
        _ => ExitCode::USR_ASSERTION_FAILED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_code_of_the_systems_is_told_as_one_of_an_actors() {
        for (code, told) in [(0, 0), (4, 23), (9, 23), (11, 23), (5, 24), (7, 24), (10, 24), (16, 16), (99, 99)] {
            assert_eq!(as_told(ExitCode::new(code)), ExitCode::new(told), "{code}");
        }
    }

    #[test]
    fn a_call_that_could_not_be_made_is_told_by_why() {
        for (number, told) in [
            (ErrorNumber::NotFound, ExitCode::USR_UNSPECIFIED),
            (ErrorNumber::InsufficientFunds, ExitCode::USR_INSUFFICIENT_FUNDS),
            (ErrorNumber::ReadOnly, ExitCode::USR_READ_ONLY),
            (ErrorNumber::LimitExceeded, ExitCode::USR_ASSERTION_FAILED),
        ] {
            assert_eq!(code_of(&SyscallRejected::new(number, "no")), told);
        }
    }
}
