//! What happened inside a transaction: what may be asked of a trace, and what it answers.
//!
//! ```text
//! TraceRequest ─▶ Executor::replay, Executor::trace_call
//!                   │  the tracer goes with the journal, from runtime to runtime
//!                   │     EVM      each call, creation and instruction (evm::watch)
//!                   │     kernel   each call between actors (kernel::traced)
//!                   ▼
//!                 Trace: frames, states, selectors or steps
//! ```
//!
//! A trace is taken by the very path that a block takes, so it cannot tell another story than the receipt. Where nobody traces, the EVM
//! runs without an inspector, and a call between actors asks one question more: whether somebody does.
//!
//! A trace belongs to no block, and so it may end where a node's own limits are: [`TraceRejected`].
//!
//! | module | holds |
//! |---|---|
//! | `budget` | what one request has cost so far |
//! | `tracer` | what is recorded, event by event |
//! | `steps` | the EVM's instructions, recorded |
//! | `words` | how the EVM's ends are told |

mod budget;
mod steps;
mod tracer;
mod words;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use alloy_primitives::{Bytes, U256};
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::error::{ErrorNumber, ExitCode};
use revm::bytecode::opcode::OpCode;
use tributary_primitives::{EthAddress, Hash32};

use crate::call::CallRejected;
use crate::receipt::Receipt;

pub(crate) use budget::Budget;
pub(crate) use tracer::{ActorEnd, Tracer};

/// What is asked of a trace.
#[derive(Clone, Debug)]
pub struct TraceRequest {
    /// What is to be recorded.
    pub wanted: Wanted,
    /// What it may cost.
    pub limits: TraceLimits,
}

/// What a trace records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Calls, creations and self-destructions.
    Calls {
        /// The transaction's own call alone, without those below it.
        only_top: bool,
    },
    /// The accounts that took part, as they were before.
    States(StateOptions),
    /// How often which function was called, by the first four bytes and the length of the call data.
    Selectors,
    /// Nothing: whether it can be run again.
    Nothing,
    /// The EVM's instructions.
    Steps(StepOptions),
}

/// What is told of accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateOptions {
    /// Only what changed, before and after.
    pub is_diff: bool,
    /// Whether code is left out.
    pub without_code: bool,
    /// Whether storage is left out.
    pub without_storage: bool,
    /// Whether accounts are told that were empty before.
    pub with_empty: bool,
}

/// What is told of each instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepOptions {
    /// The stack before it.
    pub stack: bool,
    /// The memory before it.
    pub memory: bool,
    /// Of an instruction that reads or writes storage, what the trace knows of the contract's.
    pub storage: bool,
    /// What the last call returned.
    pub return_data: bool,
    /// How many are told, the first ones; zero for all.
    pub count_max: usize,
}

/// What one request may cost, however many transactions it traces.
#[derive(Clone)]
pub struct TraceLimits {
    /// Instructions of the EVM.
    pub steps_max: u64,
    /// Bytes of the answer, as JSON would have it.
    pub bytes_max: u64,
    /// Whether it has taken too long. The executor has no clock, so who asks brings one.
    pub is_late: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl fmt::Debug for TraceLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { steps_max, bytes_max, is_late: _ } = self;
        f.debug_struct("TraceLimits")
            .field("steps_max", steps_max)
            .field("bytes_max", bytes_max)
            .finish_non_exhaustive()
    }
}

/// A trace would be more than its limits allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraceRejected {
    /// Too many instructions.
    #[error("the trace follows more than {0} instructions; trace less at once, or ask a node that allows more")]
    Steps(u64),
    /// Too large.
    #[error("the trace has more than {0} bytes; leave parts of it out, or ask a node that allows more")]
    Bytes(u64),
    /// Too slow.
    #[error("execution timeout: the trace takes longer than it may")]
    Late,
}

/// Why there is no trace of a call. The caller's doing; nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraceCallRejected {
    /// It would be more than its limits allow.
    #[error(transparent)]
    Limit(#[from] TraceRejected),
    /// It has no outcome.
    #[error(transparent)]
    Call(#[from] CallRejected),
}

/// A transaction that was run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// What became of it.
    pub receipt: Receipt,
    /// What happened in it; nothing did in one that was skipped.
    pub trace: Option<Trace>,
}

/// What was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trace {
    /// Each frame before those below it; the first is the transaction's own call. Never empty.
    Calls(Vec<Frame>),
    /// Accounts.
    States(StateTrace),
    /// Calls by the first four bytes of their data, and how many bytes follow.
    Selectors(BTreeMap<([u8; 4], usize), u64>),
    /// Nothing.
    Nothing,
    /// Instructions.
    Steps {
        /// In order of execution.
        steps: Vec<Step>,
        /// What the transaction's own call returned: a contract's code, if it made one.
        output: Bytes,
    },
}

/// A call, a creation or a self-destruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Frames that it is within; 0 for the transaction's own call.
    pub depth: usize,
    /// What it is.
    pub kind: FrameKind,
    /// Who acts.
    pub from: EthAddress,
    /// On whom; nobody where a creation failed, or where no such actor is.
    pub to: Option<EthAddress>,
    /// What moves, in attoTRB, or is seen as moving; `None` where nothing can.
    pub value: Option<U256>,
    /// Gas that it may use, in block gas.
    pub gas: u64,
    /// Gas that it used, in block gas.
    pub gas_used: u64,
    /// Call data, init code, or an actor's parameters.
    pub input: Bytes,
    /// What it returned or reverted with: of a creation the code.
    pub output: Bytes,
    /// How it ended.
    pub end: FrameEnd,
    /// What it emitted; nothing where what it did was undone.
    pub logs: Vec<FrameLog>,
    /// The call as the FVM has it; `None` for one within the EVM.
    pub actor: Option<Box<ActorCall>>,
    /// Frames right below it so far.
    calls: usize,
    /// Whether the EVM answered an actor's call: then input, output and gas are the EVM's.
    is_joined: bool,
}

impl Frame {
    /// One that is not within another, has done nothing yet and ended as it should.
    #[must_use]
    pub const fn new(
        kind: FrameKind,
        from: EthAddress,
        to: Option<EthAddress>,
        value: Option<U256>,
        gas: u64,
        input: Bytes,
    ) -> Self {
        Self {
            depth: 0,
            kind,
            from,
            to,
            value,
            gas,
            gas_used: 0,
            input,
            output: Bytes::new(),
            end: FrameEnd::Good,
            logs: Vec::new(),
            actor: None,
            calls: 0,
            is_joined: false,
        }
    }
}

/// Kinds of frames, by the EVM's names for them. An actor calls by `CALL`, read-only by `STATICCALL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// `CALL`
    Call,
    /// `CALLCODE`
    CallCode,
    /// `DELEGATECALL`
    DelegateCall,
    /// `STATICCALL`
    StaticCall,
    /// `CREATE`
    Create,
    /// `CREATE2`
    Create2,
    /// `SELFDESTRUCT`
    SelfDestruct,
}

impl FrameKind {
    /// As go-ethereum writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Call => "CALL",
            Self::CallCode => "CALLCODE",
            Self::DelegateCall => "DELEGATECALL",
            Self::StaticCall => "STATICCALL",
            Self::Create => "CREATE",
            Self::Create2 => "CREATE2",
            Self::SelfDestruct => "SELFDESTRUCT",
        }
    }
}

/// How a frame ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameEnd {
    /// As it should.
    Good,
    /// A contract reverted.
    Reverted,
    /// The EVM stopped it; in go-ethereum's words.
    Stopped(&'static str),
    /// An actor's exit code, which is not zero.
    Exit(ExitCode),
    /// The call could not be made.
    Refused(ErrorNumber),
}

/// An event of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLog {
    /// Position among the transaction's events: the receipt has the event.
    pub event: usize,
    /// Frames right below this one that were before it.
    pub position: usize,
}

/// A call between actors, as the FVM has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorCall {
    /// Who calls.
    pub from: ActorID,
    /// Whom, as the caller named it.
    pub to: Address,
    /// Method number; 0 moves value and runs no code.
    pub method: u64,
    /// Parameters, if any.
    pub params: Option<Encoded>,
    /// Whether it may change nothing.
    pub read_only: bool,
    /// FVM gas that it may use.
    pub gas: u64,
    /// FVM gas that it used, rounded up.
    pub gas_used: u64,
    /// Zero, or why what it did was undone.
    pub exit_code: ExitCode,
    /// What it returned, if anything.
    pub returned: Option<Encoded>,
}

/// Bytes, and how they are to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// IPLD codec: `0x51` for CBOR, `0x71` for DAG-CBOR, `0x55` for plain bytes.
    pub codec: u64,
    /// The bytes.
    pub data: Arc<[u8]>,
}

/// Accounts that took part in a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateTrace {
    /// As they were before: all that took part, or for a difference those that changed.
    pub before: BTreeMap<EthAddress, AccountState>,
    /// For a difference, what became of them: only what is another than before.
    pub after: Option<BTreeMap<EthAddress, AccountState>>,
}

/// What is told of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountState {
    /// In attoTRB.
    pub balance: Option<U256>,
    /// Of a contract its own; of anyone else the actor's.
    pub nonce: Option<u64>,
    /// As the EVM sees it; empty for none.
    pub code: Bytes,
    /// Its keccak-256; `None` where there is no code.
    pub code_hash: Option<Hash32>,
    /// Slots that were read or written.
    pub storage: BTreeMap<U256, U256>,
}

/// One instruction of the EVM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its place in the code.
    pub pc: usize,
    /// Its first byte.
    pub op: u8,
    /// Gas before it.
    pub gas: u64,
    /// Gas that it took, what it gives to a call among it, but not what it gives to a creation. One that ran out of gas took all.
    pub gas_cost: u64,
    /// Calls that it is within, from 1; those of actors count.
    pub depth: usize,
    /// Why it could not be done.
    pub error: Option<&'static str>,
    /// The stack before it, the top last.
    pub stack: Option<Vec<U256>>,
    /// The memory before it.
    pub memory: Option<Bytes>,
    /// What the trace knows of the contract's storage, after it.
    pub storage: Option<Vec<(U256, U256)>>,
    /// What the last call returned.
    pub return_data: Bytes,
    /// Gas to be given back at the transaction's end, before it.
    pub refund: u64,
}

impl Step {
    /// The instruction's name; `None` for a byte that is none.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        OpCode::new(self.op).map(|op| op.as_str())
    }
}
