//! What is recorded of a transaction, event by event.
//!
//! ```text
//! enter ─▶ a frame opens      ┌ by the EVM: a call, a creation
//! exit  ─▶ it closes          └ by the kernel: an actor's call
//! ```
//!
//! | who calls whom | frames |
//! |---|---|
//! | contract, contract | one, the EVM's |
//! | contract, actor, like a contract | one, the EVM's; the kernel adds how the FVM has it ([`Tracer::name`]) |
//! | contract, actor, by the precompiled contract | two: the precompiled contract's, and below it the kernel's |
//! | actor, actor | one, the kernel's |
//! | actor, contract | one, the kernel's; the EVM adds call data and gas ([`Tracer::join_next`]) |
//! | actor, the Ethereum address manager | two: the kernel's, and below it the creation |
//!
//! Events are not told to the tracer: with each frame it sees how many the journal has. What is new belongs to the frame that was open, and a
//! revert takes its own back before its frame closes.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use alloy_primitives::{Bytes, U256};
use fvm_shared::error::ExitCode;
use revm::interpreter::{CallInputs, CallScheme, Interpreter, InterpreterResult};
use revm::primitives::Address;
use tributary_primitives::EthAddress;

use super::steps::Steps;
use super::words::end_of;
use super::{
    ActorCall, Budget, Encoded, Frame, FrameEnd, FrameKind, FrameLog, StateOptions, StateTrace, Trace, Wanted,
};

/// Bytes that JSON takes for the names and numbers of a frame, about, and for those of an actor's call.
const FRAME_BYTES: usize = 320;
const ACTOR_BYTES: usize = 220;
const LOG_BYTES: usize = 400;
const SELECTOR_BYTES: usize = 32;

/// Records one transaction.
#[derive(Debug)]
pub(crate) struct Tracer {
    budget: Arc<Budget>,
    recorder: Recorder,
    open: Vec<Open>,
    /// Whether the next frame of the EVM is the one that the kernel opened last.
    joins: bool,
    /// Events that the journal had when it was last looked at.
    events: usize,
    /// What the outermost frame returned.
    output: Bytes,
    /// Who gets the block's tips: part of every state trace.
    coinbase: EthAddress,
}

#[derive(Debug)]
enum Recorder {
    Calls { only_top: bool, frames: Vec<Frame> },
    States(StateOptions, StateTrace),
    Selectors(BTreeMap<([u8; 4], usize), u64>),
    Nothing,
    Steps(Steps),
}

/// A frame that has begun and not ended.
#[derive(Clone, Copy, Debug)]
enum Open {
    /// At this position.
    Frame(usize),
    /// The EVM's part of the one at this position.
    Joined(usize),
    /// Not recorded.
    Passed,
}

/// How an actor's call ended.
pub(crate) struct ActorEnd {
    pub(crate) end: FrameEnd,
    pub(crate) exit_code: ExitCode,
    pub(crate) returned: Option<Encoded>,
    /// FVM gas.
    pub(crate) gas_used: u64,
}

impl Tracer {
    pub(crate) fn new(wanted: Wanted, budget: Arc<Budget>, coinbase: EthAddress) -> Box<Self> {
        let recorder = match wanted {
            Wanted::Calls { only_top } => Recorder::Calls { only_top, frames: Vec::new() },
            Wanted::States(options) => Recorder::States(options, StateTrace::default()),
            Wanted::Selectors => Recorder::Selectors(BTreeMap::new()),
            Wanted::Nothing => Recorder::Nothing,
            Wanted::Steps(options) => Recorder::Steps(Steps::new(options)),
        };
        let (open, output) = (Vec::new(), Bytes::new());
        Box::new(Self { budget, recorder, open, joins: false, events: 0, output, coinbase })
    }

    /// What the request has cost so far.
    pub(crate) const fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// Who gets the block's tips.
    pub(crate) const fn coinbase(&self) -> EthAddress {
        self.coinbase
    }

    /// What is wanted of the accounts that took part, if anything.
    pub(crate) const fn wants_states(&self) -> Option<StateOptions> {
        match self.recorder {
            Recorder::States(options, _) => Some(options),
            _ => None,
        }
    }

    /// Whether call data is looked at.
    pub(crate) const fn wants_input(&self) -> bool {
        matches!(self.recorder, Recorder::Calls { .. } | Recorder::Selectors(_))
    }

    /// The accounts that took part, once the transaction is over.
    pub(crate) fn set_states(&mut self, states: StateTrace) {
        if let Recorder::States(_, kept) = &mut self.recorder {
            *kept = states;
        }
    }

    /// What was recorded of a transaction that could use so much block gas, and used so much.
    pub(crate) fn finish(self, gas: u64, gas_used: u64) -> Trace {
        match self.recorder {
            Recorder::Calls { mut frames, .. } => {
                if let Some(top) = frames.first_mut() {
                    (top.gas, top.gas_used) = (gas, gas_used);
                }
                Trace::Calls(frames)
            }
            Recorder::States(_, states) => Trace::States(states),
            Recorder::Selectors(counts) => Trace::Selectors(counts),
            Recorder::Nothing => Trace::Nothing,
            Recorder::Steps(steps) => Trace::Steps { steps: steps.steps, output: self.output },
        }
    }

    // Frames of the EVM.

    /// The next frame of the EVM is the one that the kernel opened last.
    pub(crate) const fn join_next(&mut self) {
        self.joins = true;
    }

    /// The EVM calls. `input` is the call data, if [`Self::wants_input`].
    pub(crate) fn call(&mut self, inputs: &CallInputs, input: Bytes, is_precompiled: bool, events: usize) {
        let (kind, from, to) = match inputs.scheme {
            CallScheme::Call => (FrameKind::Call, inputs.caller, inputs.target_address),
            CallScheme::StaticCall => (FrameKind::StaticCall, inputs.caller, inputs.target_address),
            CallScheme::CallCode => (FrameKind::CallCode, inputs.target_address, inputs.bytecode_address),
            CallScheme::DelegateCall => (FrameKind::DelegateCall, inputs.target_address, inputs.bytecode_address),
        };
        if let Recorder::Steps(steps) = &mut self.recorder {
            steps.enter();
        }
        if !is_precompiled {
            self.count(&input);
        }
        if mem::take(&mut self.joins) {
            return self.join(kind, inputs.gas_limit, input, events);
        }
        let value = (kind != FrameKind::StaticCall).then(|| inputs.value.get());
        self.enter(events, || Frame::new(kind, ours(from), Some(ours(to)), value, inputs.gas_limit, input));
    }

    /// The EVM makes a contract. Its address is known when it is made.
    pub(crate) fn create(
        &mut self,
        kind: FrameKind,
        from: Address,
        value: U256,
        gas: u64,
        code: &Bytes,
        events: usize,
    ) {
        if let Recorder::Steps(steps) = &mut self.recorder {
            steps.enter();
        }
        self.enter(events, || Frame::new(kind, ours(from), None, Some(value), gas, code.clone()));
    }

    /// The innermost frame of the EVM ended; `made` is the contract that it made.
    pub(crate) fn end(&mut self, result: &InterpreterResult, made: Option<Address>, events: usize) {
        if let Recorder::Steps(steps) = &mut self.recorder {
            steps.exit();
        }
        let InterpreterResult { result, output, gas } = result;
        let end = end_of(*result);
        let gas_used = if result.is_ok() || result.is_revert() { gas.total_gas_spent() } else { gas.limit() };
        // Go-ethereum tells what was returned, and what was reverted with; not what was lost.
        let output = if matches!(end, FrameEnd::Good | FrameEnd::Reverted) { output.clone() } else { Bytes::new() };
        self.exit(events, output.clone(), |frame| {
            (frame.output, frame.gas_used) = (output, gas_used);
            if !frame.is_joined {
                frame.end = end;
                frame.to = frame.to.or_else(|| made.filter(|_| end == FrameEnd::Good).map(ours));
            }
        });
    }

    /// A contract destroys itself; its frame ends next.
    pub(crate) fn destroy(&mut self, contract: Address, target: Address, value: U256, events: usize) {
        let (from, to) = (ours(contract), Some(ours(target)));
        self.enter(events, || Frame::new(FrameKind::SelfDestruct, from, to, Some(value), 0, Bytes::new()));
        self.exit(events, Bytes::new(), |_| ());
    }

    /// An instruction begins; `false` when the EVM is to stop.
    pub(crate) fn begin_step(&mut self, interpreter: &Interpreter) -> bool {
        if !self.budget.take_step() {
            return false;
        }
        if let Recorder::Steps(steps) = &mut self.recorder {
            steps.begin(interpreter, &self.budget);
        }
        self.budget.exceeded().is_none()
    }

    /// It ended.
    pub(crate) fn end_step(&mut self, interpreter: &mut Interpreter) {
        if let Recorder::Steps(steps) = &mut self.recorder {
            steps.end(interpreter, &self.budget);
        }
    }

    // Frames of the kernel.

    /// An actor is called: by an actor, by a contract through a precompiled contract, or by a message. `gas` is block gas.
    pub(crate) fn send(
        &mut self,
        from: EthAddress,
        to: Option<EthAddress>,
        value: U256,
        gas: u64,
        call: ActorCall,
        events: usize,
    ) {
        let (kind, value) = if call.read_only { (FrameKind::StaticCall, None) } else { (FrameKind::Call, Some(value)) };
        self.enter(events, || {
            let input = call.params.as_ref().map(|params| Bytes::copy_from_slice(&params.data)).unwrap_or_default();
            Frame { actor: Some(Box::new(call)), ..Frame::new(kind, from, to, value, gas, input) }
        });
    }

    /// It ended, having used so much block gas; `to` is known by now, if the receiver is there.
    pub(crate) fn sent(&mut self, to: Option<EthAddress>, gas_used: u64, ended: ActorEnd, events: usize) {
        let output = ended.returned.as_ref().map(|returned| Bytes::copy_from_slice(&returned.data)).unwrap_or_default();
        self.exit(events, output.clone(), |frame| {
            if !frame.is_joined {
                (frame.output, frame.gas_used) = (output, gas_used);
            }
            frame.to = frame.to.or(to);
            frame.end = ended.end;
            answered(frame, ended);
        });
    }

    /// The frame that is open calls an actor, as the FVM has it here.
    pub(crate) fn name(&mut self, call: ActorCall) {
        let is_room = self.budget.take_bytes(bytes_of(&call));
        if let Some(frame) = self.innermost().filter(|_| is_room) {
            frame.actor = Some(Box::new(call));
        }
    }

    /// The actor answered.
    pub(crate) fn named(&mut self, ended: ActorEnd) {
        if let Some(frame) = self.innermost() {
            answered(frame, ended);
        }
    }

    // All frames.

    fn enter(&mut self, events: usize, frame: impl FnOnce() -> Frame) {
        self.note_events(events);
        self.budget.look();
        let parent = match self.open.last() {
            Some(Open::Frame(at) | Open::Joined(at)) => Some(*at),
            Some(Open::Passed) => return self.open.push(Open::Passed),
            None => None,
        };
        let open = match &mut self.recorder {
            Recorder::Calls { only_top, frames } if parent.is_none() || !*only_top => {
                let depth = parent.map_or(0, |parent| frames[parent].depth + 1);
                let frame = Frame { depth, ..frame() };
                let actor = frame.actor.as_ref().map_or(0, |call| bytes_of(call));
                if self.budget.take_bytes(FRAME_BYTES + 2 * frame.input.len() + actor) {
                    if let Some(parent) = parent {
                        frames[parent].calls += 1;
                    }
                    frames.push(frame);
                    Open::Frame(frames.len() - 1)
                } else {
                    Open::Passed
                }
            }
            _ => Open::Passed,
        };
        self.open.push(open);
    }

    fn join(&mut self, kind: FrameKind, gas: u64, input: Bytes, events: usize) {
        self.note_events(events);
        let open = match (self.open.last(), &mut self.recorder) {
            (Some(Open::Frame(at)), Recorder::Calls { frames, .. }) if self.budget.take_bytes(2 * input.len()) => {
                let frame = &mut frames[*at];
                (frame.kind, frame.gas, frame.input, frame.is_joined) = (kind, gas, input, true);
                Open::Joined(*at)
            }
            _ => Open::Passed,
        };
        self.open.push(open);
    }

    fn exit(&mut self, events: usize, output: Bytes, end: impl FnOnce(&mut Frame)) {
        self.note_events(events);
        let open = self.open.pop();
        let is_room = self.budget.take_bytes(2 * output.len());
        if let (Recorder::Calls { frames, .. }, Some(Open::Frame(at) | Open::Joined(at))) = (&mut self.recorder, open)
            && is_room
        {
            end(&mut frames[at]);
            if frames[at].end != FrameEnd::Good {
                // What it emitted is undone, and what those below it did.
                frames[at..].iter_mut().for_each(|frame| frame.logs.clear());
            }
        }
        if self.open.is_empty() {
            self.output = output;
        }
    }

    /// Events that are new belong to the frame that is open.
    fn note_events(&mut self, events: usize) {
        let seen = mem::replace(&mut self.events, events);
        if seen >= events {
            return;
        }
        if !self.budget.take_bytes((events - seen).saturating_mul(LOG_BYTES)) {
            return;
        }
        if let Some(frame) = self.innermost() {
            let position = frame.calls;
            frame.logs.extend((seen..events).map(|event| FrameLog { event, position }));
        }
    }

    fn innermost(&mut self) -> Option<&mut Frame> {
        match (&mut self.recorder, self.open.last()) {
            (Recorder::Calls { frames, .. }, Some(Open::Frame(at) | Open::Joined(at))) => frames.get_mut(*at),
            _ => None,
        }
    }

    fn count(&mut self, input: &[u8]) {
        let Recorder::Selectors(counts) = &mut self.recorder else { return };
        let Some((selector, rest)) = input.split_first_chunk::<4>() else { return };
        let key = (*selector, rest.len());
        if counts.contains_key(&key) || self.budget.take_bytes(SELECTOR_BYTES) {
            *counts.entry(key).or_default() += 1;
        }
    }
}

fn answered(frame: &mut Frame, ended: ActorEnd) {
    if let Some(call) = &mut frame.actor {
        (call.exit_code, call.returned, call.gas_used) = (ended.exit_code, ended.returned, ended.gas_used);
    }
}

/// What JSON takes for an actor's call, about.
fn bytes_of(call: &ActorCall) -> usize {
    ACTOR_BYTES + call.params.as_ref().map_or(0, |params| 2 * params.data.len())
}

fn ours(address: Address) -> EthAddress {
    EthAddress(address.0.0)
}
