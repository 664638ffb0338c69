//! The EVM's instructions, recorded one by one.
//!
//! What is told of an instruction is what was before it: it is written down when it begins. What it took, and what storage it saw, is known
//! when it ended.

use std::collections::BTreeMap;

use alloy_primitives::{Bytes, U256};
use revm::interpreter::interpreter_types::{InputsTr, Jumps, LegacyBytecode, LoopControl, ReturnData};
use revm::interpreter::{FrameInput, Interpreter, InterpreterAction};
use revm::primitives::AddressMap;

use super::budget::Budget;
use super::words::fault_of;
use super::{Step, StepOptions};

const SLOAD: u8 = 0x54;
const SSTORE: u8 = 0x55;

/// Bytes that JSON takes for the names and numbers of a step, for a word of memory, and for a slot, about.
const STEP_BYTES: usize = 96;
const WORD_BYTES: usize = 69;
const SLOT_BYTES: usize = 138;

/// What is recorded so far.
#[derive(Debug)]
pub(super) struct Steps {
    options: StepOptions,
    pub(super) steps: Vec<Step>,
    /// What was seen of each contract's storage.
    storage: AddressMap<BTreeMap<U256, U256>>,
    /// Whether the last step is that of the instruction in execution.
    is_open: bool,
    /// The slot that it reads or writes, and the value that it writes.
    slot: Option<(U256, Option<U256>)>,
    /// Gas to be given back by what is below each open frame of the EVM, when it was opened.
    refunds: Vec<i64>,
    /// The same, of all together by now.
    refund: i64,
}

impl Steps {
    pub(super) fn new(options: StepOptions) -> Self {
        Self {
            options,
            steps: Vec::new(),
            storage: AddressMap::default(),
            is_open: false,
            slot: None,
            refunds: Vec::new(),
            refund: 0,
        }
    }

    /// A frame of the EVM begins.
    pub(super) fn enter(&mut self) {
        self.refunds.push(self.refund);
    }

    /// The innermost frame ended; whose it was goes on, and knows what is given back.
    pub(super) fn exit(&mut self) {
        self.refund = self.refunds.pop().unwrap_or_default();
    }

    /// An instruction begins.
    pub(super) fn begin(&mut self, interpreter: &Interpreter, budget: &Budget) {
        self.is_open = false;
        self.refund = self.refunds.last().copied().unwrap_or_default() + interpreter.gas.refunded();
        if self.options.count_max != 0 && self.steps.len() >= self.options.count_max {
            return;
        }
        // Code of no bytes ends by a `STOP` that nobody wrote; go-ethereum does not run it.
        if interpreter.bytecode.bytecode_len() == 0 {
            return;
        }
        let step = self.step(interpreter);
        self.slot = if self.options.storage { slot_of(step.op, interpreter.stack.data()) } else { None };
        if budget.take_bytes(bytes_of(&step)) {
            self.steps.push(step);
            self.is_open = true;
        }
    }

    fn step(&self, interpreter: &Interpreter) -> Step {
        let StepOptions { stack, memory, return_data, .. } = self.options;
        let memory = memory.then(|| Bytes::copy_from_slice(&interpreter.memory.context_memory()));
        let return_data = if return_data { interpreter.return_data.buffer().clone() } else { Bytes::new() };
        Step {
            pc: interpreter.bytecode.pc(),
            op: interpreter.bytecode.opcode(),
            gas: interpreter.gas.remaining(),
            gas_cost: 0,
            depth: interpreter.input.depth() + 1,
            error: None,
            stack: stack.then(|| interpreter.stack.data().clone()),
            memory,
            storage: None,
            return_data,
            refund: u64::try_from(self.refund).unwrap_or_default(),
        }
    }

    /// The instruction ended.
    pub(super) fn end(&mut self, interpreter: &mut Interpreter, budget: &Budget) {
        self.refund = self.refunds.last().copied().unwrap_or_default() + interpreter.gas.refunded();
        let Some(step) = self.steps.last_mut().filter(|_| self.is_open) else { return };
        self.is_open = false;
        // What a call may use is part of its cost with go-ethereum, what a creation may use is not.
        let given = match interpreter.bytecode.action() {
            Some(InterpreterAction::NewFrame(FrameInput::Create(inputs))) => inputs.gas_limit(),
            _ => 0,
        };
        step.gas_cost = step.gas.saturating_sub(interpreter.gas.remaining()).saturating_sub(given);
        step.error = interpreter.bytecode.instruction_result().and_then(fault_of);
        let Some((slot, value)) = self.slot.take().filter(|_| step.error.is_none()) else { return };
        // What was read lies where the slot's number was.
        let Some(value) = value.or_else(|| interpreter.stack.data().last().copied()) else { return };
        let known = self.storage.entry(interpreter.input.target_address()).or_default();
        known.insert(slot, value);
        if budget.take_bytes(known.len() * SLOT_BYTES) {
            step.storage = Some(known.iter().map(|(slot, value)| (*slot, *value)).collect());
        }
    }
}

/// The slot that an instruction reads or writes, and the value that it writes.
fn slot_of(op: u8, stack: &[U256]) -> Option<(U256, Option<U256>)> {
    match (op, stack) {
        (SLOAD, [.., slot]) => Some((*slot, None)),
        (SSTORE, [.., value, slot]) => Some((*slot, Some(*value))),
        _ => None,
    }
}

/// What JSON takes for a step, about, but for storage.
fn bytes_of(step: &Step) -> usize {
    let word = |word: &U256| word.bit_len().div_ceil(4).max(1) + 5;
    let stack: usize = step.stack.iter().flatten().map(word).sum();
    let memory = step.memory.as_ref().map_or(0, |memory| memory.len().div_ceil(32) * WORD_BYTES);
    STEP_BYTES + stack + memory + 2 * step.return_data.len()
}
