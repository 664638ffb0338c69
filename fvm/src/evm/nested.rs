//! From an actor to a contract, and back: one call, or one creation, in the midst of a message.
//!
//! The value of a call was moved by the kernel; a creation moves its own. What crosses, and at which rate, is told in `crossing`.

use fvm_shared::error::ExitCode;
use revm::bytecode::Bytecode;
use revm::context::{Cfg, JournalTr};
use revm::context_interface::CreateScheme;
use revm::context_interface::context::take_error;
use revm::context_interface::result::EVMError;
use revm::handler::{FrameResult, Handler};
use revm::inspector::InspectorHandler;
use revm::interpreter::interpreter_action::FrameInit;
use revm::interpreter::{
    CallInput, CallInputs, CallScheme, CallValue, CreateInputs, FrameInput, InterpreterResult, SharedMemory,
};
use revm::primitives::{B256, Bytes, U256};
use tributary_primitives::EthAddress;
use tributary_wasm::{CallStack, Gas, GasTracker, HostFatal};

use super::crossing::Seat;
use super::env::{evm_address, of_origin};
use super::handler::Law;
use super::{EvmError, Mode, OurEvm, Watch, outcome};
use crate::error::StateFatal;
use crate::journal::Journal;
use crate::kernel::{Kernel, Returned, fatal};
use crate::state::StateView;

/// What an actor asks of the EVM.
pub(crate) struct Entry {
    /// Who asks.
    pub(crate) caller: EthAddress,
    pub(crate) value: U256,
    pub(crate) read_only: bool,
    /// The place of the call on the call stack.
    pub(crate) stack: CallStack,
    pub(crate) what: What,
}

/// A call or a creation.
pub(crate) enum What {
    Call { contract: EthAddress, input: Vec<u8> },
    Create { address: EthAddress, init_code: Vec<u8> },
}

/// How it ended: what a contract returned or reverted with. Nothing for a creation that went well.
pub(crate) struct Left {
    pub(crate) exit_code: ExitCode,
    pub(crate) output: Vec<u8>,
}

/// Runs it.
pub(crate) fn enter<V: StateView>(kernel: Box<Kernel<V>>, entry: Entry, gas: &mut GasTracker) -> Returned<V, Left> {
    let rate = Gas::new(kernel.course.fvm_gas_per_gas()).as_milligas();
    let available = gas.available().as_milligas();
    let gas_limit = (available - available / 64) / rate;
    let Kernel { mut journal, course } = *kernel;
    journal.warm_coinbase_account(evm_address(course.env().proposer));
    let depth = journal.depth();
    let frame = match frame(&mut journal, &entry, gas_limit) {
        Ok(frame) => frame,
        Err(broken) => return (Box::new(Kernel { journal, course }), Err(fatal(broken))),
    };
    let transaction = of_origin(course.origin());
    let env = course.env().clone();
    let is_call = matches!(entry.what, What::Call { .. });
    let tracer = journal.tracer().map(|(tracer, _)| tracer);
    let is_traced = tracer.is_some();
    // A call is the kernel's frame, which is open already; a creation is one of its own.
    if let Some(tracer) = tracer.filter(|_| is_call) {
        tracer.join_next();
    }
    let is_held = journal.is_asked();
    let seat = Seat::new(course, entry.stack);
    let (mut kernel, result) = if is_traced {
        let evm = super::evm(&env, journal, seat, transaction, Watch::default(), is_held);
        run(evm, depth, frame, |evm, frame| Law::new(Mode::Transaction).inspect_run_exec_loop(evm, frame))
    } else {
        let evm = super::evm(&env, journal, seat, transaction, (), is_held);
        run(evm, depth, frame, |evm, frame| Law::new(Mode::Transaction).run_exec_loop(evm, frame))
    };
    let result = match result {
        Ok(result) => result,
        Err(EVMError::Database(broken)) => return (kernel, Err(fatal(broken))),
        Err(other) => return (kernel, Err(HostFatal(anyhow::anyhow!("{other}")).into())),
    };
    let left = settle(&mut kernel, &result, rate, gas);
    (kernel, left)
}

/// Runs `frame` on a machine that is made for it, and takes the machine apart.
fn run<V: StateView, W>(
    mut evm: OurEvm<V, W>,
    depth: usize,
    frame: FrameInput,
    run: impl FnOnce(&mut OurEvm<V, W>, FrameInit) -> Result<FrameResult, EvmError>,
) -> (Box<Kernel<V>>, Result<FrameResult, EvmError>) {
    let mut memory = SharedMemory::new_with_buffer(evm.ctx.local.shared_memory_buffer.clone());
    memory.set_memory_limit(evm.ctx.cfg.memory_limit());
    let result = run(&mut evm, FrameInit { depth, memory, frame_input: frame });
    // revm raises what stopped a frame in the frame that called it, or at the transaction's end: this frame has neither.
    let result = take_error(&mut evm.ctx.error).and(result);
    (Box::new(Kernel { journal: evm.ctx.journaled_state, course: evm.ctx.chain.into_course() }), result)
}

fn frame<V: StateView>(journal: &mut Journal<V>, entry: &Entry, gas_limit: u64) -> Result<FrameInput, StateFatal> {
    let caller = evm_address(entry.caller);
    Ok(match &entry.what {
        What::Call { contract, input } => {
            let contract = evm_address(*contract);
            FrameInput::Call(Box::new(CallInputs {
                input: CallInput::Bytes(Bytes::copy_from_slice(input)),
                return_memory_offset: 0..0,
                gas_limit,
                reservoir: 0,
                bytecode_address: contract,
                known_bytecode: code_of(journal, contract)?,
                target_address: contract,
                caller,
                value: CallValue::Apparent(entry.value),
                scheme: if entry.read_only { CallScheme::StaticCall } else { CallScheme::Call },
                is_static: entry.read_only,
                charged_new_account_state_gas: false,
            }))
        }
        What::Create { address, init_code } => {
            let scheme = CreateScheme::Custom { address: evm_address(*address) };
            let init_code = Bytes::copy_from_slice(init_code);
            FrameInput::Create(Box::new(CreateInputs::new(caller, scheme, entry.value, init_code, gas_limit, 0)))
        }
    })
}

/// The code that a call of an account runs: its own, or its delegate's (EIP-7702).
fn code_of<V: StateView>(
    journal: &mut Journal<V>,
    account: revm::primitives::Address,
) -> Result<(B256, Bytecode), StateFatal> {
    let code = |journal: &mut Journal<V>, account| {
        let info = &journal.load_account_with_code(account)?.data.info;
        Ok::<_, StateFatal>((info.code_hash, info.code.clone().unwrap_or_default()))
    };
    let own = code(journal, account)?;
    match own.1.eip7702_address() {
        Some(delegate) => code(journal, delegate),
        None => Ok(own),
    }
}

/// Charges what was used, and keeps what is to be refunded.
fn settle<V: StateView>(
    kernel: &mut Kernel<V>,
    frame: &FrameResult,
    rate: u64,
    gas: &mut GasTracker,
) -> Result<Left, tributary_wasm::SyscallError> {
    let InterpreterResult { result, output, gas: evm_gas } = match frame {
        FrameResult::Call(outcome) => &outcome.result,
        FrameResult::Create(outcome) => &outcome.result,
    };
    let is_refused = !result.is_ok() && !result.is_revert();
    let used = if is_refused { evm_gas.limit() } else { evm_gas.total_gas_spent() };
    gas.charge(Gas::from_milligas(used.saturating_mul(rate)))?;
    if result.is_ok() {
        let own = kernel.journal().own();
        own.set_refund(own.refund().saturating_add(evm_gas.refunded()));
    }
    let is_code = matches!(frame, FrameResult::Create(_)) && result.is_ok();
    let output = if is_code { Vec::new() } else { output.to_vec() };
    Ok(Left { exit_code: outcome::exit_code_of(*result), output })
}
