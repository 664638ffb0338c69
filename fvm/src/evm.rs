//! Ethereum's rules, by revm: the current mainnet (Osaka), gas to the unit.
//!
//! What differs from mainnet, each for a reason:
//!
//! | | here | why |
//! |---|---|---|
//! | tips | after the block's last transaction | see [`crate::fees`] |
//! | what is burnt | counted, at f099 | the sum of all balances never changes |
//! | blobs | refused before this; BLOBBASEFEE answers 1 | a subnet has no data availability layer |
//! | beacon roots (EIP-4788), requests to withdraw (EIP-7002) and to consolidate (EIP-7251) | no contracts: a call finds no code | a subnet has no beacon chain |
//! | PREVRANDAO | the header's `last_commit_hash` | the same |
//! | legacy transactions without a chain id (EIP-155) | refused before this | they could be replayed on another chain |
//! | transactions of more than 128 KiB | refused before this | the bound of Ethereum's pools, here for blocks too |
//! | calls to actors that are not contracts | the actor runs | one state, two runtimes; see `crossing` |
//! | masked ids of actors with an f410 address | nobody | one actor, one Ethereum address |
//!
//! | module | does |
//! |---|---|
//! | `env` | our block and transaction in revm's words |
//! | `handler` | the steps of a transaction that we change |
//! | `precompiles` | who answers a call: a precompiled contract, an actor, or the EVM |
//! | `moved` | precompiled contracts that a question wants elsewhere |
//! | `crossing` | from a contract to an actor, and back |
//! | `call_actor` | the precompiled contracts by which a contract calls any method of an actor |
//! | `nested` | from an actor to a contract, and back |
//! | `outcome` | results as exit codes |
//! | `watch` | tells a tracer what the EVM does |

pub(crate) mod abi;
mod call_actor;
mod crossing;
mod env;
mod handler;
mod moved;
pub(crate) mod nested;
mod outcome;
mod precompiles;
mod watch;

use std::sync::Arc;

use fvm_shared::econ::TokenAmount;
use revm::bytecode::opcode::JUMPDEST;
use revm::context::result::{EVMError, ExecutionResult, HaltReason, InvalidTransaction};
use revm::context::{BlockEnv as EvmBlock, CfgEnv, Context, Evm, LocalContext, TxEnv};
use revm::context_interface::Transaction as _;
use revm::context_interface::context::{ContextError, take_error};
use revm::handler::instructions::EthInstructions;
use revm::handler::{EthFrame, Handler};
use revm::inspector::InspectorHandler;
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::{Instruction, InstructionContext, InstructionResult};
use revm::primitives::hardfork::SpecId;
use tributary_primitives::EthAddress;
use tributary_wasm::MessageContext;

use crate::block::BlockEnv;
use crate::error::{ExecutorFatal, StateFatal};
use crate::journal::{Database, Journal};
use crate::kernel::{BlockContext, Course, Machine, Origin};
use crate::state::StateView;
use crate::trace::Tracer;

use crossing::Seat;
pub use env::TRANSACTION_GAS_MAX;
pub(crate) use env::{authorities, evm_address, rehearsed, simulated, transaction};
pub(crate) use moved::MovedPrecompiles;
pub(crate) use outcome::EvmOutcome;
use precompiles::Precompiles;
pub use precompiles::precompiled_contracts;
pub(crate) use precompiles::{INVOKE_EVM, is_ethereums, is_precompiled};
use watch::Watch;

/// The fork in force, from genesis on.
pub(crate) const SPEC: SpecId = SpecId::OSAKA;

/// What `JUMPDEST` costs.
const JUMPDEST_GAS: u16 = 1;

type EvmContext<V> = Context<EvmBlock, TxEnv, CfgEnv, Database<V>, Journal<V>, Seat<V>, LocalContext>;
/// Watched by `W`: nobody, and then nothing of it is compiled in, or [`Watch`].
type OurEvm<V, W = ()> =
    Evm<EvmContext<V>, W, EthInstructions<EthInterpreter, EvmContext<V>>, Precompiles, EthFrame<EthInterpreter>>;
type EvmResult = Result<ExecutionResult<HaltReason>, EvmError>;
type EvmError = EVMError<StateFatal, InvalidTransaction>;

/// Whether a transaction pays.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It is signed, uses up a nonce and pays for gas.
    Transaction,
    /// Nobody signed it, but it is as if: it uses up a nonce and pays for gas; only the caller's code does not matter.
    Rehearsal,
    /// Nobody signed it: nonce, code and funds of the caller do not matter, gas is free.
    Simulation,
}

/// Runs the transactions of a block, one after the other. Cost of making one: its instruction table, its stacks and its journal,
/// some microseconds, as much as a small transaction takes.
pub(crate) struct Runner<V: StateView> {
    machine: Arc<Machine<V>>,
    block: Arc<BlockContext>,
    mode: Mode,
    /// Holds no journal and no course between transactions.
    evm: OurEvm<V>,
    /// For the next transaction of either kind.
    idle: Option<Journal<V>>,
    /// Records the next transaction.
    tracer: Option<Box<Tracer>>,
}

impl<V: StateView> Runner<V> {
    pub(crate) fn new(machine: &Arc<Machine<V>>, env: &BlockEnv, mode: Mode) -> Self {
        let is_held = mode != Mode::Transaction;
        let evm = evm(env, Journal::vacant(), Seat::vacant(), TxEnv::default(), (), is_held);
        let block = Arc::new(BlockContext::new(env.clone(), machine.params().fvm_gas_per_gas));
        Self { machine: Arc::clone(machine), block, mode, evm, idle: None, tracer: None }
    }

    /// One message in execution in this block.
    pub(crate) fn course(&self, origin: Origin) -> Course<V> {
        Course::new(Arc::clone(&self.machine), Arc::clone(&self.block), origin)
    }

    /// What all messages share.
    pub(crate) const fn machine(&self) -> &Arc<Machine<V>> {
        &self.machine
    }

    /// A journal for one transaction on `view`.
    pub(crate) fn journal(&mut self, view: V) -> Journal<V> {
        let mut journal = self.idle.take().unwrap_or_else(Journal::idle);
        journal.begin(view, self.block.env().height);
        journal.trace(self.tracer.take());
        journal
    }

    /// The next transaction is recorded.
    pub(crate) fn trace_next(&mut self, tracer: Box<Tracer>) {
        self.tracer = Some(tracer);
    }

    /// Takes back a journal that is idle, for the next transaction.
    pub(crate) fn keep(&mut self, journal: Journal<V>) {
        self.idle = Some(journal);
    }

    /// Runs one on `journal`, which comes back with its changes; with none when the transaction is not valid.
    pub(crate) fn transact(
        &mut self,
        mut journal: Journal<V>,
        transaction: TxEnv,
    ) -> Result<(Journal<V>, Result<EvmOutcome, InvalidTransaction>), ExecutorFatal> {
        let origin = origin_of(&mut journal, self.block.env(), self.machine.params().fvm_gas_per_gas, &transaction)?;
        let seat = Seat::new(self.course(origin), journal.bottom());
        let (journal, result) = if journal.is_traced() {
            self.run_watched(journal, seat, transaction)
        } else {
            self.run(journal, seat, transaction)
        };
        match result {
            Ok(result) => Ok((journal, Ok(outcome::outcome_of(result)))),
            Err(EVMError::Transaction(why)) => Ok((journal, Err(why))),
            Err(EVMError::Database(fatal)) => Err(fatal.into()),
            Err(other) => Err(ExecutorFatal::Evm(other.to_string())),
        }
    }

    fn run(&mut self, mut journal: Journal<V>, seat: Seat<V>, transaction: TxEnv) -> (Journal<V>, EvmResult) {
        let context = &mut self.evm.ctx;
        context.tx = transaction;
        context.chain = seat;
        // Swapped, not replaced: the vacant journal is there again for the next.
        std::mem::swap(&mut context.journaled_state, &mut journal);
        let result = handler::Law::new(self.mode).run(&mut self.evm);
        let context = &mut self.evm.ctx;
        std::mem::swap(&mut context.journaled_state, &mut journal);
        (journal, take_error(&mut context.error).and(result))
    }

    /// The same steps on an EVM of its own, watched.
    fn run_watched(&self, journal: Journal<V>, seat: Seat<V>, transaction: TxEnv) -> (Journal<V>, EvmResult) {
        let is_held = self.mode != Mode::Transaction;
        let mut evm = evm(self.block.env(), journal, seat, transaction, Watch::default(), is_held);
        let result = handler::Law::new(self.mode).inspect_run(&mut evm);
        (evm.ctx.journaled_state, take_error(&mut evm.ctx.error).and(result))
    }
}

/// A machine over `journal`, in the block `env`, watched by `watch`; one that is held looks at its leash with every jump, and takes what gas
/// it is given.
fn evm<V: StateView, W>(
    env: &BlockEnv,
    journal: Journal<V>,
    seat: Seat<V>,
    transaction: TxEnv,
    watch: W,
    is_held: bool,
) -> OurEvm<V, W> {
    let mut context = env::context(env, journal, seat, transaction);
    let mut instructions = EthInstructions::new_mainnet_with_spec(SPEC);
    if is_held {
        // EIP-7825's cap is for what a block must hold.
        context.cfg.tx_gas_limit_cap = Some(u64::MAX);
        instructions.insert_instruction(JUMPDEST, Instruction::new(held_jumpdest), JUMPDEST_GAS);
    }
    OurEvm::new_with_inspector(context, watch, instructions, Precompiles::new(SPEC))
}

/// `JUMPDEST` where somebody may not wait any more: every loop has one.
fn held_jumpdest<V: StateView>(
    context: InstructionContext<'_, EvmContext<V>, EthInterpreter>,
) -> Result<(), InstructionResult> {
    if context.host.journaled_state.is_cut_off() {
        context.host.error = Err(ContextError::Db(StateFatal::CutOff));
        return Err(InstructionResult::FatalExternalError);
    }
    Ok(())
}

/// The sender as actors see it. One that never had an actor gets its id here; it pays, so it stays.
fn origin_of<V: StateView>(
    journal: &mut Journal<V>,
    env: &BlockEnv,
    fvm_gas_per_gas: u64,
    transaction: &TxEnv,
) -> Result<Origin, StateFatal> {
    let eth_address = EthAddress(transaction.caller.0.0);
    let gas_price = transaction.effective_gas_price(env.base_fee.into());
    let premium = gas_price.saturating_sub(env.base_fee.into()) / u128::from(fvm_gas_per_gas);
    let message = MessageContext {
        origin: journal.id_of(eth_address)?,
        nonce: transaction.nonce,
        gas_premium: TokenAmount::from_atto(premium),
    };
    Ok(Origin { message, address: eth_address.to_address(), eth_address, gas_price })
}
