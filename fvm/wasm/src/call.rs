//! One invocation of an actor: prepare, run, say how it ended.
//!
//! | the guest | exit code | data |
//! |---|---|---|
//! | returns a handle | 0 | the block, or none for handle 0 |
//! | returns a handle that is none | 11 `SYS_MISSING_RETURN` | – |
//! | calls `vm.exit` with 0 or 16 and above | that | the block given |
//! | calls `vm.exit` with 1–15 | 9 `SYS_ILLEGAL_EXIT_CODE` | the block given |
//! | calls `vm.exit` with a handle that is none | 11 `SYS_MISSING_RETURN` | – |
//! | traps; overflows its stack; cannot be instantiated | 4 `SYS_ILLEGAL_INSTRUCTION` | – |
//! | uses up the gas | none: [`Halt::OutOfGas`] | – |
//! | meets a broken host, or a machine without the memory that it was granted | none: [`Halt::Fatal`] | – |
//!
//! Out of gas goes first: a guest without gas traps like any other, and is told apart by its counter.

use std::mem;

use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use fvm_shared::sys::BlockId;
use fvm_shared::{ActorID, MethodNum};
use wasmtime::{Instance, Store, Trap};

use crate::block::Block;
use crate::code::Code;
use crate::engine::{Engine, is_the_machines};
use crate::error::{Halt, HostFatal};
use crate::gas::GasTracker;
use crate::host::Host;
use crate::prices;
use crate::registry::{BlockRegistry, NO_BLOCK};
use crate::running::{CallContext, Guest, Running, refill, settle};
use crate::stack::CallStack;

/// A call of an actor's code. The receiver is resolved and the value moved already.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The actor that runs.
    pub receiver: ActorID,
    /// The actor that called it.
    pub caller: ActorID,
    /// Method number, not 0.
    pub method: MethodNum,
    /// Value that came with the call, in attoTRB.
    pub value: TokenAmount,
    /// Parameters, if any.
    pub params: Option<Block>,
    /// Whether nothing may change.
    pub read_only: bool,
    /// The call's place: [`CallStack::bottom`] for the message's own, [`crate::Send::stack`] for a send's.
    pub stack: CallStack,
}

/// How an invocation ended that ran to an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvocationOutcome {
    /// Zero, or why what it did must be undone.
    pub exit_code: ExitCode,
    /// What it returned; an actor that aborts may return data too.
    pub return_block: Option<Block>,
    /// What it said when it aborted, or what stopped it: for people, never part of the chain.
    pub message: Option<String>,
}

/// Runs one invocation and gives the host back.
///
/// Charges `gas` for the invocation, the instance's memory, all that runs, and the return value. Undoing
/// what the actor did, when the exit code is not zero or the result is an error, is the caller's
/// transaction. The calling thread must have [`crate::NATIVE_STACK_BYTES`] of stack for a whole call stack.
///
/// [`Halt::OutOfGas`] passes up to the frame with a gas limit; for the message itself it is exit code 7.
/// Cost beside the guest's own work: about 4 µs.
pub fn invoke<H: Host>(
    engine: &Engine<H>,
    code: &Code<H>,
    host: H,
    gas: &mut GasTracker,
    invocation: Invocation,
) -> (H, Result<InvocationOutcome, Halt>) {
    let Invocation { receiver, caller, method, value, params, read_only, stack } = invocation;
    let links = params.as_ref().map_or(0, |params| params.links().len());
    if let Err(out) = gas.charge(prices::invocation(links)) {
        return (host, Err(out.into()));
    }
    let mut registry = BlockRegistry::default();
    let params = params.map_or(Ok(NO_BLOCK), |params| registry.put_reachable(params));
    let params = params.expect("an empty registry has room");

    let call = CallContext { receiver, caller, method, value, read_only, stack };
    let running = Running::new(host, mem::take(gas), registry, call);
    let mut store = Store::new(engine.wasmtime(), running);
    store.limiter(|running| &mut running.limits);
    let end = run(code, &mut store, params);
    let (host, tracker, registry) = store.into_data().into_parts();
    *gas = tracker;

    let outcome = judge(end, &registry).and_then(|outcome| {
        if let Some(block) = &outcome.return_block {
            gas.charge(prices::invocation_return(stack.depth(), block.size(), block.links().len()))?;
        }
        Ok(outcome)
    });
    if let Ok(InvocationOutcome { exit_code, message: Some(message), .. }) = &outcome {
        tracing::trace!(receiver, method, %exit_code, message, "actor aborted");
    }
    (host, outcome)
}

/// Why a guest stopped before it returned.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Abort {
    /// It exited, or trapped.
    #[error("exit with code {code}: {message}")]
    Exit { code: ExitCode, message: String, block: BlockId },
    /// It runs no further, and neither does its caller.
    #[error(transparent)]
    Halt(#[from] Halt),
}

impl Abort {
    fn illegal(message: String) -> Self {
        Self::Exit { code: ExitCode::SYS_ILLEGAL_INSTRUCTION, message, block: NO_BLOCK }
    }
}

fn run<H: Host>(code: &Code<H>, store: &mut Store<Running<H>>, params: BlockId) -> Result<BlockId, Abort> {
    store.data_mut().gas.charge(prices::memory(code.memory_bytes_min)).map_err(Halt::from)?;
    let instance = instantiate(code, store)?;
    let guest = guest(code, store, &instance)?;
    store.data_mut().set_guest(guest);
    let invoke = instance
        .get_module_export(&mut *store, &code.invoke)
        .and_then(wasmtime::Extern::into_func)
        .and_then(|invoke| invoke.typed::<u32, u32>(&*store).ok())
        .ok_or_else(|| fatal("invoke was there when the code was loaded"))?;
    refill(&mut *store)?;
    let returned = invoke.call(&mut *store, params);
    settle(&mut *store)?;
    returned.map_err(abort_of)
}

/// An instance, or whose fault it is that there is none: a refusal of memory or a trap of the module's
/// own data segments is the actor's; anything else is the machine's, and must not become a receipt.
fn instantiate<H: Host>(code: &Code<H>, store: &mut Store<Running<H>>) -> Result<Instance, Abort> {
    code.pre.instantiate(&mut *store).map_err(|why| {
        let is_the_actors = store.data().limits.has_refused() || why.downcast_ref::<Trap>().is_some();
        if is_the_actors && !is_the_machines(&why) {
            Abort::illegal(format!("no instance: {why}"))
        } else {
            fatal_by("no instance", &why)
        }
    })
}

fn guest<H: Host>(code: &Code<H>, store: &mut Store<Running<H>>, instance: &Instance) -> Result<Guest, Abort> {
    let mut export = |export| instance.get_module_export(&mut *store, export);
    let memory = export(&code.memory).and_then(wasmtime::Extern::into_memory);
    let gas = export(&code.gas).and_then(wasmtime::Extern::into_global);
    let stack = export(&code.stack).and_then(wasmtime::Extern::into_global);
    match (memory, gas, stack) {
        (Some(memory), Some(gas), Some(stack)) => Ok(Guest { memory, gas, stack }),
        _ => Err(fatal("the exports were there when the code was loaded")),
    }
}

/// What an error that came through wasmtime was: our own abort, or a trap.
fn abort_of(error: wasmtime::Error) -> Abort {
    let error = match error.downcast::<Abort>() {
        Ok(abort) => return abort,
        Err(error) => error,
    };
    match error.downcast_ref::<Trap>() {
        Some(
            trap @ (Trap::MemoryOutOfBounds
            | Trap::TableOutOfBounds
            | Trap::IndirectCallToNull
            | Trap::BadSignature
            | Trap::IntegerOverflow
            | Trap::IntegerDivisionByZero
            | Trap::BadConversionToInteger
            | Trap::UnreachableCodeReached
            | Trap::HeapMisaligned
            | Trap::NullReference),
        ) => Abort::illegal(trap.to_string()),
        // The limiter should have struck first on every machine; a receipt is still better than a halt.
        Some(trap @ Trap::StackOverflow) => {
            tracing::error!("a guest overflowed the native stack below its counted limit");
            Abort::illegal(trap.to_string())
        }
        _ => fatal_by("the guest stopped for no reason of its own", &error),
    }
}

/// What wasmtime says that is no guest's doing, the machine's refusals apart from all else.
fn fatal_by(what: &str, why: &wasmtime::Error) -> Abort {
    let said = format!("{what}: {why:#}");
    if is_the_machines(why) { Abort::Halt(Halt::Fatal(HostFatal::refused(said))) } else { fatal(said) }
}

fn fatal(why: impl std::fmt::Display) -> Abort {
    Abort::Halt(Halt::Fatal(HostFatal(anyhow::anyhow!("{why}"))))
}

fn judge(end: Result<BlockId, Abort>, registry: &BlockRegistry) -> Result<InvocationOutcome, Halt> {
    let (exit_code, block, message) = match end {
        Ok(block) => (ExitCode::OK, block, None),
        Err(Abort::Exit { code, message, block }) => (code, block, Some(message)),
        Err(Abort::Halt(halt)) => return Err(halt),
    };
    Ok(match registry.get_optional(block) {
        Ok(block) => InvocationOutcome { exit_code, return_block: block.cloned(), message },
        Err(missing) => InvocationOutcome {
            exit_code: ExitCode::SYS_MISSING_RETURN,
            return_block: None,
            message: Some(missing.to_string()),
        },
    })
}
