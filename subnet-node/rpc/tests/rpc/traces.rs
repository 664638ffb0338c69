//! What happens inside the transactions of the chain in memory: always the same, so that its JSON can be written down.
//!
//! ```text
//! CALL        sender ─▶ receiver       every event
//! ├─ CALL     receiver ─▶ actor 103    method 7, and ends with exit code 99
//! │  └─ STATICCALL  actor ─▶ emitter   reverts with "no"
//! └─ SELFDESTRUCT   receiver ─▶ burner
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::{Bytes, U256};
use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;
use tributary_fvm::call::{CallOutcome, EthereumCall};
use tributary_fvm::receipt::Receipt;
use tributary_fvm::trace::{
    AccountState, ActorCall, Encoded, Frame, FrameEnd, FrameKind, FrameLog, StateTrace, Step, Trace, TraceRejected,
    TraceRequest, Wanted,
};
use tributary_message::Transaction;
use tributary_primitives::{EthAddress, Hash32};

use crate::machine::{BURNER, EMITTER, GAS, contract};

/// An actor that is no contract.
pub const ACTOR: u64 = 103;
/// Bytes that every trace has, and instructions that it follows.
pub const BYTES: u64 = 2_000;
pub const STEPS: u64 = 3;

/// `Error("no")`, as Solidity encodes it.
pub fn no() -> Vec<u8> {
    let word = |last: u8| [&[0; 31][..], &[last]].concat();
    [&[0x08, 0xc3, 0x79, 0xa0][..], &word(32), &word(2), b"no", &[0; 30]].concat()
}

/// The limit that every trace passes, if there is one.
pub fn limit_passed(request: &TraceRequest) -> Option<TraceRejected> {
    let limits = &request.limits;
    if (limits.is_late)() {
        return Some(TraceRejected::Late);
    }
    if limits.steps_max < STEPS {
        return Some(TraceRejected::Steps(limits.steps_max));
    }
    (limits.bytes_max < BYTES).then_some(TraceRejected::Bytes(limits.bytes_max))
}

pub fn trace_of(wanted: Wanted, ran: &Transaction, receipt: &Receipt) -> Trace {
    let (from, to, input) = match ran {
        Transaction::Ethereum(one) => {
            use alloy_consensus::Transaction as _;
            (one.sender(), one.to(), one.envelope().input().clone())
        }
        Transaction::Fvm(one) => {
            let id = one.message().to.id().unwrap();
            let params = one.message().params.to_vec();
            (EthAddress::from_actor_id(1), Some(EthAddress::from_actor_id(id)), params.into())
        }
    };
    trace(wanted, from, to, input, receipt.exit_code, receipt.gas_used, receipt.events.len())
}

pub fn trace_of_call(wanted: Wanted, call: &EthereumCall, outcome: &CallOutcome) -> Trace {
    let input = call.input.clone().into();
    trace(wanted, call.from, call.to, input, outcome.exit_code, outcome.gas_used, outcome.events.len())
}

fn trace(
    wanted: Wanted,
    from: EthAddress,
    to: Option<EthAddress>,
    input: Bytes,
    exit_code: ExitCode,
    gas_used: u64,
    events: usize,
) -> Trace {
    match wanted {
        Wanted::Calls { only_top } => {
            let mut frames = frames(from, to, input, events);
            frames.truncate(if only_top { 1 } else { usize::MAX });
            (frames[0].gas, frames[0].gas_used) = (100_000, gas_used);
            frames[0].end = if exit_code.is_success() { FrameEnd::Good } else { FrameEnd::Stopped("out of gas") };
            Trace::Calls(frames)
        }
        Wanted::States(options) => Trace::States(states(from, options.is_diff)),
        Wanted::Selectors => Trace::Selectors(BTreeMap::from([(([0xa9, 0x05, 0x9c, 0xbb], 64), 2)])),
        Wanted::Nothing => Trace::Nothing,
        Wanted::Steps(options) => Trace::Steps { steps: steps(options.memory), output: input },
    }
}

fn frames(from: EthAddress, to: Option<EthAddress>, input: Bytes, events: usize) -> Vec<Frame> {
    let receiver = to.unwrap_or_default();
    let actor = EthAddress::from_actor_id(ACTOR);
    let logs = (0..events).map(|event| FrameLog { event, position: 2 }).collect();
    let params = Encoded { codec: 0x51, data: Arc::from([0x81, 7]) };
    let call = ActorCall {
        from: EMITTER,
        to: Address::new_id(ACTOR),
        method: 7,
        params: Some(params),
        read_only: false,
        gas: 5_000,
        gas_used: 2_001,
        exit_code: ExitCode::new(99),
        returned: None,
    };
    let (value, burner) = (Some(U256::from(5)), Some(contract(BURNER)));
    let mut top = Frame::new(FrameKind::Call, from, to, value, 0, input);
    top.logs = logs;
    let mut called = Frame::new(FrameKind::Call, receiver, Some(actor), Some(U256::ZERO), 10, vec![0x81, 7].into());
    (called.depth, called.gas_used, called.end) = (1, 5, FrameEnd::Exit(ExitCode::new(99)));
    called.actor = Some(Box::new(call));
    let mut asked = Frame::new(FrameKind::StaticCall, actor, Some(contract(EMITTER)), None, 4, Bytes::new());
    (asked.depth, asked.gas_used, asked.output, asked.end) = (2, 2, no().into(), FrameEnd::Reverted);
    let mut destroyed = Frame::new(FrameKind::SelfDestruct, receiver, burner, value, 0, Bytes::new());
    destroyed.depth = 1;
    vec![top, called, asked, destroyed]
}

fn states(from: EthAddress, is_diff: bool) -> StateTrace {
    let before = AccountState {
        balance: Some(U256::from(1_000)),
        nonce: Some(0),
        code: vec![0xfe].into(),
        code_hash: Some(Hash32([0xcc; 32])),
        storage: BTreeMap::from([(U256::from(1), U256::from(2))]),
    };
    let after = AccountState { nonce: Some(1), ..AccountState::default() };
    StateTrace { before: BTreeMap::from([(from, before)]), after: is_diff.then(|| BTreeMap::from([(from, after)])) }
}

fn steps(memory: bool) -> Vec<Step> {
    let step = Step {
        pc: 0,
        op: 0x60,
        gas: GAS,
        gas_cost: 3,
        depth: 1,
        error: None,
        stack: Some(vec![]),
        memory: memory.then(Bytes::new),
        storage: None,
        return_data: Bytes::new(),
        refund: 0,
    };
    let store = Step {
        pc: 2,
        op: 0x55,
        stack: Some(vec![U256::from(31), U256::from(1)]),
        memory: memory.then(|| vec![1; 64].into()),
        storage: Some(vec![(U256::from(1), U256::from(31))]),
        refund: 4_800,
        ..step.clone()
    };
    let broken = Step { pc: 3, op: 0x0c, error: Some("invalid opcode"), stack: None, ..step.clone() };
    vec![step, store, broken]
}
