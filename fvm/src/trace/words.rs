//! How the EVM's ends are told: in go-ethereum's words.
//!
//! Source: go-ethereum, `core/vm/errors.go`.

use revm::interpreter::InstructionResult;

use super::FrameEnd;

/// How a frame of the EVM ended.
pub(super) const fn end_of(result: InstructionResult) -> FrameEnd {
    match result {
        ok if ok.is_ok() => FrameEnd::Good,
        InstructionResult::Revert => FrameEnd::Reverted,
        other => FrameEnd::Stopped(words(other)),
    }
}

/// Why an instruction could not be done; `None` for one that was.
pub(super) const fn fault_of(result: InstructionResult) -> Option<&'static str> {
    match end_of(result) {
        FrameEnd::Stopped(words) => Some(words),
        _ => None,
    }
}

const fn words(result: InstructionResult) -> &'static str {
    match result {
        InstructionResult::OutOfGas
        | InstructionResult::MemoryOOG
        | InstructionResult::MemoryLimitOOG
        | InstructionResult::PrecompileOOG
        | InstructionResult::ReentrancySentryOOG => "out of gas",
        InstructionResult::InvalidOperandOOG => "gas uint64 overflow",
        InstructionResult::CallTooDeep => "max call depth exceeded",
        InstructionResult::OutOfFunds => "insufficient balance for transfer",
        InstructionResult::CreateCollision => "contract address collision",
        InstructionResult::CreateContractSizeLimit => "max code size exceeded",
        InstructionResult::CreateInitCodeSizeLimit => "max initcode size exceeded",
        InstructionResult::CreateContractStartingWithEF => "invalid code: must not begin with 0xef",
        InstructionResult::InvalidJump => "invalid jump destination",
        InstructionResult::CallNotAllowedInsideStatic | InstructionResult::StateChangeDuringStaticCall => {
            "write protection"
        }
        InstructionResult::OutOfOffset => "return data out of bounds",
        InstructionResult::NonceOverflow => "nonce uint64 overflow",
        InstructionResult::OpcodeNotFound | InstructionResult::NotActivated => "invalid opcode",
        InstructionResult::InvalidFEOpcode => "invalid opcode: INVALID",
        InstructionResult::StackUnderflow => "stack underflow",
        InstructionResult::StackOverflow => "stack limit reached 1024 (1023)",
        InstructionResult::PrecompileError => "invalid input of a precompiled contract",
        _ => "execution stopped",
    }
}
