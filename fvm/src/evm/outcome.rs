//! Results of the EVM as exit codes.
//!
//! | the EVM | exit code |
//! |---|---|
//! | stops, returns, destroys itself | 0 |
//! | reverts | 33 |
//! | runs out of gas | 7 `SYS_OUT_OF_GAS` |
//! | `INVALID` | 34 |
//! | an undefined instruction | 35 |
//! | stack underflow, overflow | 36, 37 |
//! | reads past what was returned | 38 |
//! | jumps where it may not | 39 |
//! | changes something in a read-only call | 25 `USR_READ_ONLY`, seen by actors alone |
//! | does not have the value it sends | 6 `SYS_INSUFFICIENT_FUNDS` |
//! | anything else that ends it | 34 |
//!
//! Source of 33 to 39: filecoin-project/builtin-actors, `actors/evm/src/lib.rs`.

use fvm_shared::error::ExitCode;
use revm::context_interface::result::{ExecutionResult, HaltReason};
use revm::interpreter::InstructionResult;
use tributary_primitives::EthAddress;

use crate::call::CallOutcome;
use crate::receipt::Event;

const REVERTED: ExitCode = ExitCode::new(33);
const INVALID_INSTRUCTION: ExitCode = ExitCode::new(34);
const UNDEFINED_INSTRUCTION: ExitCode = ExitCode::new(35);
const STACK_UNDERFLOW: ExitCode = ExitCode::new(36);
const STACK_OVERFLOW: ExitCode = ExitCode::new(37);
const ILLEGAL_MEMORY_ACCESS: ExitCode = ExitCode::new(38);
const BAD_JUMP: ExitCode = ExitCode::new(39);

/// How a transaction ended.
pub(crate) struct EvmOutcome {
    pub(crate) exit_code: ExitCode,
    pub(crate) gas_used: u64,
    /// The same before refunds.
    pub(crate) max_gas_used: u64,
    /// What was returned; of a contract that was made, its code.
    pub(crate) return_data: Vec<u8>,
    pub(crate) contract: Option<EthAddress>,
}

impl EvmOutcome {
    /// The outcome of a call that emitted `events`.
    pub(crate) fn into_call(self, events: Vec<Event>) -> CallOutcome {
        let Self { exit_code, gas_used, return_data, .. } = self;
        CallOutcome { exit_code, gas_used, fvm_gas_used: 0, return_data, events }
    }
}

pub(super) fn outcome_of(result: ExecutionResult<HaltReason>) -> EvmOutcome {
    let gas_used = result.tx_gas_used();
    let max_gas_used = result.gas().total_gas_spent().max(result.gas().floor_gas());
    let exit_code = exit_code(&result);
    let contract = result.created_address().map(|address| EthAddress(address.0.0));
    let return_data = result.into_output().map(|data| data.0.into()).unwrap_or_default();
    EvmOutcome { exit_code, gas_used, max_gas_used, return_data, contract }
}

fn exit_code(result: &ExecutionResult<HaltReason>) -> ExitCode {
    match result {
        ExecutionResult::Success { .. } => ExitCode::OK,
        ExecutionResult::Revert { .. } => REVERTED,
        ExecutionResult::Halt { reason, .. } => match reason {
            HaltReason::OutOfGas(_) => ExitCode::SYS_OUT_OF_GAS,
            HaltReason::OpcodeNotFound | HaltReason::NotActivated => UNDEFINED_INSTRUCTION,
            HaltReason::StackUnderflow => STACK_UNDERFLOW,
            HaltReason::StackOverflow => STACK_OVERFLOW,
            HaltReason::OutOfOffset => ILLEGAL_MEMORY_ACCESS,
            HaltReason::InvalidJump => BAD_JUMP,
            HaltReason::OutOfFunds => ExitCode::SYS_INSUFFICIENT_FUNDS,
            _ => INVALID_INSTRUCTION,
        },
    }
}

/// The same table for a call in the midst of a message.
pub(super) fn exit_code_of(result: InstructionResult) -> ExitCode {
    match result {
        ok if ok.is_ok() => ExitCode::OK,
        InstructionResult::Revert => REVERTED,
        InstructionResult::OutOfGas
        | InstructionResult::MemoryOOG
        | InstructionResult::MemoryLimitOOG
        | InstructionResult::PrecompileOOG
        | InstructionResult::InvalidOperandOOG
        | InstructionResult::ReentrancySentryOOG => ExitCode::SYS_OUT_OF_GAS,
        InstructionResult::OpcodeNotFound | InstructionResult::NotActivated => UNDEFINED_INSTRUCTION,
        InstructionResult::StackUnderflow => STACK_UNDERFLOW,
        InstructionResult::StackOverflow => STACK_OVERFLOW,
        InstructionResult::OutOfOffset => ILLEGAL_MEMORY_ACCESS,
        InstructionResult::InvalidJump => BAD_JUMP,
        InstructionResult::OutOfFunds => ExitCode::SYS_INSUFFICIENT_FUNDS,
        InstructionResult::StateChangeDuringStaticCall | InstructionResult::CallNotAllowedInsideStatic => {
            ExitCode::USR_READ_ONLY
        }
        _ => INVALID_INSTRUCTION,
    }
}
