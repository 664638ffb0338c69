//! From a contract to an actor, and back: one journal, one call stack, one meter.
//!
//! ```text
//! contract ─▶ EVM ── journal, course ─▶ kernel ─▶ actor ─▶ … ─▶ contract (`nested`) ─▶ …
//!              ◀──── journal, course ──
//! ```
//!
//! | | contract to actor | actor to contract |
//! |---|---|---|
//! | gas given | the call's, times the rate | all but a 64th of what is left, divided by the rate, rounded down |
//! | gas used | divided by the rate, rounded up | times the rate: exact |
//! | call data | 10 FVM gas a byte, as a block that is made of it, before it is looked at | the same, as parameters of every built-in actor |
//! | links in it | none: a contract opens no block, so it reaches none | none in the answer, for the same reason |
//! | refunds (EIP-3529) of contracts further up | come back here | wait in the journal for the EVM further down; none in an FVM message |
//! | depth | one more of the FVM's 1,024 | every open call of both runtimes counts against the EVM's 1,024 |
//! | changes | undone with the call, on both sides | likewise |
//!
//! The rate is the chain parameter `fvm_gas_per_gas`. Rounding up once for each crossing is the only gas that a transaction pays and
//! nobody used; it is less than one unit.

use fvm_shared::error::ExitCode;
use revm::context_interface::context::ContextError;
use revm::interpreter::{CallInputs, Gas, InstructionResult, InterpreterResult};
use revm::primitives::Bytes;
use tributary_wasm::{CallStack, GasTracker, Halt, HostFatal, SendOutcome, SyscallError, prices};

use super::EvmContext;
use super::abi::error_string;
use crate::error::StateFatal;
use crate::kernel::{Course, Kernel, Returned};
use crate::state::StateView;

/// What a running EVM keeps for the actors that its contracts call.
pub struct Seat<V: StateView> {
    /// Elsewhere while an actor runs.
    course: Option<Course<V>>,
    /// Where the EVM itself stands on the call stack.
    stack: CallStack,
}

impl<V: StateView> Seat<V> {
    pub(super) const fn new(course: Course<V>, stack: CallStack) -> Self {
        Self { course: Some(course), stack }
    }

    /// One that nobody sits on, while no transaction runs.
    pub(super) fn vacant() -> Self {
        Self { course: None, stack: CallStack::bottom() }
    }

    pub(super) fn into_course(self) -> Course<V> {
        self.course.expect("a course comes back from every crossing")
    }

    fn fvm_gas_per_gas(&self) -> u64 {
        self.course.as_ref().map(Course::fvm_gas_per_gas).expect("a course comes back from every crossing")
    }

    const fn take_course(&mut self) -> Course<V> {
        self.course.take().expect("a course comes back from every crossing")
    }
}

/// How a crossing ended.
pub(super) struct Crossed<T> {
    pub(super) result: Result<T, SyscallError>,
    gas: Gas,
}

/// Runs `act` in a kernel that has the journal while it runs, with the call's data and its gas. Before that the call pays for what it brings:
/// one that cannot is out of gas, and its data is not even copied. `None`: the call stack is too deep.
pub(super) fn cross<V: StateView, T>(
    context: &mut EvmContext<V>,
    inputs: &CallInputs,
    act: impl FnOnce(Box<Kernel<V>>, &[u8], CallStack, &mut GasTracker) -> Returned<V, T>,
) -> Option<Crossed<T>> {
    let stack = context.chain.stack.enter(0, 0)?;
    let rate = context.chain.fvm_gas_per_gas();
    let mut meter = GasTracker::new(inputs.gas_limit.saturating_mul(rate));
    let (result, refund) = match meter.charge(price(inputs.input.len())) {
        Ok(()) => run(context, inputs, |kernel, data| act(kernel, data, stack, &mut meter)),
        Err(out) => (Err(out.into()), 0),
    };

    let mut gas = Gas::new(inputs.gas_limit);
    if !gas.record_regular_cost(meter.used().as_milligas().div_ceil(tributary_wasm::Gas::new(rate).as_milligas())) {
        gas.spend_all();
    }
    gas.record_refund(refund);
    Some(Crossed { result, gas })
}

/// What a call with so much data pays ahead: a syscall, and a block of its data, which is copied no oftener than such a block's is.
fn price(data_bytes: usize) -> tributary_wasm::Gas {
    prices::SYSCALL + prices::block_create(u32::try_from(data_bytes).unwrap_or(u32::MAX), 0)
}

/// Runs `act` in a kernel; answers what is to be refunded, too.
fn run<V: StateView, T>(
    context: &mut EvmContext<V>,
    inputs: &CallInputs,
    act: impl FnOnce(Box<Kernel<V>>, &[u8]) -> Returned<V, T>,
) -> (Result<T, SyscallError>, i64) {
    let data = inputs.input.bytes(context);
    let course = context.chain.take_course();
    let mut kernel = Kernel::new(context.journaled_state.take_out(), course);
    let refund_before = kernel.journal().own().refund();

    let (kernel, result) = act(kernel, &data);

    let Kernel { journal, course } = *kernel;
    context.journaled_state = journal;
    context.chain.course = Some(course);
    let own = context.journaled_state.own();
    let refund = own.refund() - refund_before;
    own.set_refund(refund_before);
    if let Err(SyscallError::Halt(Halt::Fatal(HostFatal(why)))) = &result
        && let Some(StateFatal::Machine(why)) = why.downcast_ref::<StateFatal>()
    {
        // revm takes a text for what stops a call. What has to keep its type waits here until the EVM has ended.
        context.error = Err(ContextError::Db(StateFatal::Machine(why.clone())));
    }
    (result, refund)
}

impl<T> Crossed<T> {
    /// The call's end as its caller sees it. An error is this node's.
    pub(super) fn end(self, output: impl FnOnce(T) -> (InstructionResult, Bytes)) -> Result<InterpreterResult, String> {
        let Self { result, mut gas } = self;
        let (result, output) = match result {
            Ok(answer) => output(answer),
            Err(SyscallError::Rejected(why)) => (InstructionResult::Revert, error_string(&why.to_string())),
            Err(SyscallError::Halt(Halt::OutOfGas(_))) => {
                gas.spend_all();
                (InstructionResult::OutOfGas, Bytes::new())
            }
            Err(SyscallError::Halt(Halt::Fatal(fatal))) => return Err(format!("{:#}", fatal.0)),
        };
        // Only what stays is refunded.
        if !result.is_ok() {
            gas.set_refunded(0);
        }
        Ok(InterpreterResult { result, output, gas })
    }
}

/// Ends a call that could not be made, with all its gas left.
pub(super) fn refuse(inputs: &CallInputs, why: &str) -> InterpreterResult {
    InterpreterResult::new(InstructionResult::Revert, error_string(why), Gas::new(inputs.gas_limit))
}

/// What a contract gets of an actor's answer to `InvokeEVM`: the bytes, or a revert with them. An actor that aborts without a word
/// reverts with a sentence.
pub(super) fn bytes_of(outcome: SendOutcome) -> (InstructionResult, Bytes) {
    let SendOutcome { exit_code, return_block } = outcome;
    let data = return_block.map(|block| {
        let bytes: Result<fvm_ipld_encoding::BytesDe, _> = fvm_ipld_encoding::from_slice(block.data());
        // What is no CBOR byte string is handed on as it is.
        bytes.map_or_else(|_| Bytes::copy_from_slice(block.data()), |bytes| Bytes::from(bytes.0))
    });
    match (exit_code, data) {
        (ExitCode::OK, data) => (InstructionResult::Return, data.unwrap_or_default()),
        (_, Some(data)) => (InstructionResult::Revert, data),
        (code, None) => (InstructionResult::Revert, error_string(&format!("actor exited with code {}", code.value()))),
    }
}
