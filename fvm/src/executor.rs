//! What a block, a call and an estimate are.
//!
//! ```text
//! execute_block:  open the parent's state ─▶ remember the parent's hash ─▶ each transaction in order
//!                 ─▶ cron's tick ─▶ burn base fees, pay tips and rewards ─▶ flush
//! call:           open the state ─▶ run without a signature, nonce or fee ─▶ forget
//! estimate_gas:   call with all the gas there may be, then search for the least that is enough
//! ```
//!
//! | module | does |
//! |---|---|
//! | `ethereum` | one Ethereum transaction |
//! | `fvm` | one FVM message |
//! | `plain` | a plain transfer of either kind, without a runtime |
//! | `tick` | what the chain itself calls at a block's end |
//! | `query` | calls and estimates |

mod ethereum;
mod fvm;
mod plain;
mod query;
#[cfg(test)]
mod tests;
mod tick;

use std::path::Path;
use std::sync::Arc;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::address::Address;
use revm::primitives::U256;
use tributary_message::Transaction;
use tributary_primitives::actors::{BURNT_FUNDS_ID, REWARD_ID};
use tributary_wasm::CodeRejected;

use crate::block::{BlockEnv, BlockOutcome, BlockRun, ExecutionParams};
use crate::call::{CallOutcome, CallRequest, GasEstimate};
use crate::error::{ExecutorFatal, StateFatal};
use crate::evm::{Mode, Runner};
use crate::journal::changes::Changes;
use crate::kernel::{Machine, on_deep_stack};
use crate::receipt::Receipt;
use crate::state::history::{self, HISTORY_ADDRESS};
use crate::state::{BlockState, SharedStore};

/// The state that blocks and calls run on. Boxed, since it travels through every transaction's journal.
pub type State = Box<BlockState<SharedStore>>;

/// Runs blocks. One for a node: it holds the WASM engine and every module it has compiled, and clones share them.
#[derive(Clone)]
pub struct Executor {
    machine: Arc<Machine<State>>,
}

/// What a transaction leaves behind for the block.
pub(crate) struct Executed {
    receipt: Receipt,
    changes: Changes,
    /// Base fees, and what destroyed contracts and actors held, in attoTRB.
    burnt: U256,
    /// In attoTRB.
    tip: U256,
}

impl Executed {
    fn skipped(receipt: Receipt) -> Self {
        Self { receipt, changes: Changes::default(), burnt: U256::ZERO, tip: U256::ZERO }
    }
}

impl Executor {
    /// An executor for a chain with these parameters. Compiled code is kept in the directory `code_cache`, if one is given, for the
    /// next executor to find.
    ///
    /// # Errors
    /// [`ExecutorFatal`] for a parameter out of bounds, or when the WASM engine cannot run on this machine.
    pub fn new(params: ExecutionParams, code_cache: Option<&Path>) -> Result<Self, ExecutorFatal> {
        if params.fvm_gas_per_gas == 0 {
            return Err(ExecutorFatal::Parameter("fvm_gas_per_gas is 0; it must be at least 1"));
        }
        Ok(Self { machine: Arc::new(Machine::new(params, code_cache)?) })
    }

    /// The parameters it was made with.
    #[must_use]
    pub fn params(&self) -> &ExecutionParams {
        self.machine.params()
    }

    /// Whether actors can be made of this module; genesis installs no other.
    ///
    /// Cost: compiling it, about 7 ms a KiB, spread over the cores.
    ///
    /// # Errors
    /// [`CodeRejected`] with the rule that it breaks.
    pub fn check_code(&self, wasm: &[u8]) -> Result<(), CodeRejected> {
        self.machine.check_code(wasm)
    }

    /// Runs `transactions` in order on the state under `parent`. New blocks of state are put into `store`, the root last.
    ///
    /// `store` is shared, since an actor in execution cannot borrow it: give a buffered store, and persist its buffer at once.
    ///
    /// # Errors
    /// [`ExecutorFatal`] when this node cannot go on; whatever a transaction does wrong is in its receipt.
    pub fn execute_block<B: Blockstore + Send + Sync + 'static>(
        &self,
        store: &Arc<B>,
        parent: &Cid,
        env: &BlockEnv,
        transactions: &[Transaction],
    ) -> Result<BlockOutcome, ExecutorFatal> {
        let (mut state, ran) = self.run_block(self.open(store, parent)?, env, transactions)?;
        let BlockRun { receipts, gas_used, cron_gas_used } = ran;
        Ok(BlockOutcome { state_root: state.flush()?, receipts, gas_used, cron_gas_used })
    }

    /// Opens the state under `root`, for [`Self::run_block`]. Cost: four blocks read.
    ///
    /// # Errors
    /// [`ExecutorFatal`] when a block of it is missing or malformed.
    pub fn open<B: Blockstore + Send + Sync + 'static>(
        &self,
        store: &Arc<B>,
        root: &Cid,
    ) -> Result<State, ExecutorFatal> {
        Ok(Box::new(BlockState::load(SharedStore::new(Arc::clone(store)), root)?))
    }

    /// Runs `transactions` in order on `state`, which comes back with what they changed: [`BlockState::flush`] gives the root, and
    /// the next block may go on from there, with all at hand that this one read.
    ///
    /// # Errors
    /// [`ExecutorFatal`] as for [`Self::execute_block`]; the state is gone.
    pub fn run_block(
        &self,
        state: State,
        env: &BlockEnv,
        transactions: &[Transaction],
    ) -> Result<(State, BlockRun), ExecutorFatal> {
        let _place = self.machine.enter();
        on_deep_stack(|| self.run_in_order(state, env, transactions))
    }

    fn run_in_order(
        &self,
        mut state: State,
        env: &BlockEnv,
        transactions: &[Transaction],
    ) -> Result<(State, BlockRun), ExecutorFatal> {
        remember_parent(&mut state, env)?;
        let mut evm = Runner::new(&self.machine, env, Mode::Transaction);
        let (mut gas_used, mut burnt, mut tips) = (0u64, U256::ZERO, U256::ZERO);
        let mut receipts = Vec::with_capacity(transactions.len());
        for transaction in transactions {
            let gas_left = env.gas_limit.saturating_sub(gas_used);
            let (view, executed) = self.execute(&mut evm, state, env, gas_left, transaction)?;
            state = view;
            state.apply(executed.changes)?;
            gas_used = gas_used.saturating_add(executed.receipt.gas_used);
            burnt += executed.burnt;
            tips += executed.tip;
            receipts.push(executed.receipt);
        }
        let (mut state, ticked) = tick::tick(&self.machine, state, env)?;
        let ticked = ticked.unwrap_or_default();
        state.apply(ticked.changes)?;
        pay(&mut state, env, burnt + ticked.burnt, tips)?;
        Ok((state, BlockRun { receipts, gas_used, cron_gas_used: ticked.gas_used }))
    }

    fn execute(
        &self,
        evm: &mut Runner<State>,
        mut view: State,
        env: &BlockEnv,
        gas_left: u64,
        transaction: &Transaction,
    ) -> Result<(State, Executed), ExecutorFatal> {
        let rate = self.params().fvm_gas_per_gas;
        let plain = match transaction {
            Transaction::Ethereum(transaction) => plain::ethereum(&mut view, env, gas_left, transaction)?,
            Transaction::Fvm(message) => plain::fvm(&mut view, env, rate, gas_left, message)?,
        };
        match plain {
            Some(executed) => Ok((view, executed)),
            None => self.execute_by_runtime(evm, view, env, gas_left, transaction),
        }
    }

    fn execute_by_runtime(
        &self,
        evm: &mut Runner<State>,
        view: State,
        env: &BlockEnv,
        gas_left: u64,
        transaction: &Transaction,
    ) -> Result<(State, Executed), ExecutorFatal> {
        match transaction {
            Transaction::Ethereum(transaction) => ethereum::execute(evm, view, env, gas_left, transaction),
            Transaction::Fvm(message) => fvm::execute(&self.machine, view, env, gas_left, message),
        }
    }

    /// Runs one call on the state under `root` as if in the block `env`, and forgets what it changes. Reads `store`, never writes.
    ///
    /// # Errors
    /// [`ExecutorFatal`] as for [`Self::execute_block`].
    pub fn call<B: Blockstore + Send + Sync + 'static>(
        &self,
        store: &Arc<B>,
        root: &Cid,
        env: &BlockEnv,
        call: &CallRequest,
    ) -> Result<CallOutcome, ExecutorFatal> {
        let _place = self.machine.enter();
        let state = self.open(store, root)?;
        on_deep_stack(|| query::call(&self.machine, state, env, call))
    }

    /// The least gas limit with which the call goes well. Cost: two runs of it if all its gas comes back, some twenty else.
    ///
    /// # Errors
    /// [`ExecutorFatal`] as for [`Self::execute_block`].
    pub fn estimate_gas<B: Blockstore + Send + Sync + 'static>(
        &self,
        store: &Arc<B>,
        root: &Cid,
        env: &BlockEnv,
        call: &CallRequest,
    ) -> Result<GasEstimate, ExecutorFatal> {
        query::estimate(env, self.params(), call, |call| self.call(store, root, env, call))
    }
}

impl std::fmt::Debug for Executor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor").field("params", self.params()).finish_non_exhaustive()
    }
}

/// Writes the parent's hash where EIP-2935 keeps it; the first block's parent is genesis.
fn remember_parent(state: &mut State, env: &BlockEnv) -> Result<(), StateFatal> {
    let Some(parent) = env.height.previous() else { return Ok(()) };
    if let Some(id) = state.cached_id(&HISTORY_ADDRESS.to_address())? {
        state.set_slot(id, history::slot_of(parent), U256::from_be_bytes(env.previous_hash.0))?;
    }
    Ok(())
}

/// Folds the block's fees in: the base fee is burnt, tips go to the proposer, and so does what the reward actor got.
fn pay(state: &mut State, env: &BlockEnv, burnt: U256, tips: U256) -> Result<(), StateFatal> {
    let tips = tips + state.empty(REWARD_ID)?;
    let proposer = env.proposer.to_address();
    // A masked id without an actor is nobody's: its tips are burnt rather than lost.
    let is_somebody = match env.proposer.as_actor_id() {
        Some(id) => state.cached_actor(id)?.is_some(),
        None => true,
    };
    let (burnt, tips) = if is_somebody { (burnt, tips) } else { (burnt + tips, U256::ZERO) };
    for (address, amount) in [(Address::new_id(BURNT_FUNDS_ID), burnt), (proposer, tips)] {
        if !amount.is_zero() {
            state.credit(&address, amount)?;
        }
    }
    Ok(())
}
