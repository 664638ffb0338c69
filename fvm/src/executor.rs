//! What a block, a call and an estimate are.
//!
//! ```text
//! execute_block:  open the parent's state ─▶ remember the parent's hash ─▶ each transaction in order
//!                 ─▶ cron's tick ─▶ burn base fees, pay tips and rewards ─▶ flush
//! call:           open the state ─▶ run without a signature or nonce, and without a fee unless it offers one ─▶ forget
//! estimate_gas:   call with all the gas there may be, then search for the least that is enough
//! ```
//!
//! | module | does |
//! |---|---|
//! | `ethereum` | one Ethereum transaction |
//! | `fvm` | one FVM message |
//! | `plain` | a plain transfer of either kind, without a runtime |
//! | `parallel` | the transactions of a block on several threads, with the same results |
//! | `pace` | whether a block runs in order or on several threads |
//! | `view` | the state as a transaction finds it, in its turn or ahead of it |
//! | `tick` | what the chain itself calls at a block's end |
//! | `questions` | what is asked of a state: calls, estimates, access lists, simulated blocks |
//! | `query` | one call that nobody signed, and the search for its gas |
//! | `access` | what a call reaches, for a transaction to pay for ahead |
//! | `simulate` | a block of calls that is forgotten |
//! | `replay` | past transactions, run again to see what happened in them |

mod access;
mod ethereum;
mod fvm;
mod pace;
pub(crate) mod parallel;
mod plain;
mod query;
mod questions;
mod replay;
mod simulate;
#[cfg(test)]
mod tests;
mod tick;
pub(crate) mod view;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::address::Address;
use revm::primitives::U256;
use tributary_message::Transaction;
use tributary_parallel::Stats;
use tributary_primitives::actors::{BURNT_FUNDS_ID, REWARD_ID};
use tributary_wasm::CodeRejected;

pub use self::pace::{Pace, Traffic};
use self::parallel::Meetings;
pub use self::parallel::{Hints, Workers};
pub use self::replay::TracedCall;
use self::view::View;
use crate::block::{BlockEnv, BlockOutcome, BlockRun, ExecutionParams};
use crate::error::{ExecutorFatal, StateFatal};
use crate::evm::{Mode, Runner};
use crate::journal::changes::Changes;
use crate::kernel::{Machine, on_deep_stack};
use crate::receipt::Receipt;
use crate::state::history::{self, HISTORY_ADDRESS};
use crate::state::{BlockState, SharedLeaves, SharedStore};
use crate::trace::Tracer;

/// The state that blocks and calls run on. Boxed, since it travels through every transaction's journal.
pub type State = Box<BlockState<SharedStore>>;

/// Runs blocks. One for a node: it holds the WASM engine and every module it has compiled, and clones share them.
#[derive(Clone)]
pub struct Executor {
    machine: Arc<Machine<View>>,
    workers: Workers,
    meetings: Arc<Mutex<Meetings>>,
}

/// What a transaction leaves behind for the block.
pub(crate) struct Executed {
    receipt: Receipt,
    changes: Changes,
    /// Base fees, and what destroyed contracts and actors held, in attoTRB.
    burnt: U256,
    /// In attoTRB.
    tip: U256,
    /// Who recorded it, where somebody did.
    tracer: Option<Box<Tracer>>,
}

/// A block's transactions one after the other, and what they came to.
struct Folded {
    state: State,
    receipts: Vec<Receipt>,
    gas_used: u64,
    /// In attoTRB.
    burnt: U256,
    /// In attoTRB.
    tips: U256,
}

impl Folded {
    fn new(state: State, transactions: usize) -> Self {
        let receipts = Vec::with_capacity(transactions);
        Self { state, receipts, gas_used: 0, burnt: U256::ZERO, tips: U256::ZERO }
    }

    fn add(&mut self, executed: Executed) -> Result<(), StateFatal> {
        self.state.apply(executed.changes)?;
        self.gas_used = self.gas_used.saturating_add(executed.receipt.gas_used);
        self.burnt += executed.burnt;
        self.tips += executed.tip;
        self.receipts.push(executed.receipt);
        Ok(())
    }
}

impl Executed {
    fn skipped(receipt: Receipt) -> Self {
        Self { receipt, changes: Changes::default(), burnt: U256::ZERO, tip: U256::ZERO, tracer: None }
    }
}

impl Executor {
    /// An executor for a chain with these parameters, which runs transactions in order. Compiled code is kept in the directory
    /// `code_cache`, if one is given, for the next executor to find.
    ///
    /// # Errors
    /// [`ExecutorFatal`] for a parameter out of bounds, or when the WASM engine cannot run on this machine.
    pub fn new(params: ExecutionParams, code_cache: Option<&Path>) -> Result<Self, ExecutorFatal> {
        Self::with_workers(params, code_cache, Workers::ONE)
    }

    /// An executor that runs a block on several threads where that pays. Its results are those of one that runs in order.
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub fn with_workers(
        params: ExecutionParams,
        code_cache: Option<&Path>,
        workers: Workers,
    ) -> Result<Self, ExecutorFatal> {
        if params.fvm_gas_per_gas == 0 {
            return Err(ExecutorFatal::Parameter("fvm_gas_per_gas is 0; it must be at least 1"));
        }
        let machine = Arc::new(Machine::new(params, code_cache, workers.threads())?);
        Ok(Self { machine, workers, meetings: Arc::default() })
    }

    fn meetings(&self) -> MutexGuard<'_, Meetings> {
        self.meetings.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// [`ExecutorFatal`] if this machine cannot tell. Inner: [`CodeRejected`] with the rule that it breaks.
    pub fn check_code(&self, wasm: &[u8]) -> Result<Result<(), CodeRejected>, ExecutorFatal> {
        Ok(self.machine.check_code(wasm)?)
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

    /// Opens the state that `leaves` are the leaves of, for [`Self::call`]; blocks that actors wrote are in `store`. Cost: one read.
    ///
    /// # Errors
    /// [`ExecutorFatal`] when they cannot be read.
    pub fn open_leaves<B: Blockstore + Send + Sync + 'static>(
        &self,
        store: &Arc<B>,
        root: &Cid,
        leaves: SharedLeaves,
    ) -> Result<State, ExecutorFatal> {
        Ok(Box::new(BlockState::with_leaves(SharedStore::new(Arc::clone(store)), root, leaves)?))
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
        let workers = self.workers_for(transactions);
        self.run_on(workers, state, env, transactions).map(|(state, run, _)| (state, run))
    }

    /// What a block of these is before it runs, for [`Pace`]. Cost: a look at each.
    #[must_use]
    pub fn traffic(&self, transactions: &[Transaction]) -> Traffic {
        Traffic::of(self, transactions)
    }

    /// How many workers [`Self::run_block`] gives these: as many as it was made with where that pays, else one.
    fn workers_for(&self, transactions: &[Transaction]) -> Workers {
        if self.workers.pay(transactions) { self.workers } else { Workers::ONE }
    }

    /// Runs `transactions` on exactly so many workers, whether or not that pays, and says how it went; one runs them in order.
    ///
    /// # Errors
    /// [`ExecutorFatal`] as for [`Self::execute_block`]; the state is gone.
    pub fn run_on(
        &self,
        workers: Workers,
        state: State,
        env: &BlockEnv,
        transactions: &[Transaction],
    ) -> Result<(State, BlockRun, Stats), ExecutorFatal> {
        self.run_hinted(workers, &Hints::Learnt, state, env, transactions)
    }

    /// The same, going by these hints.
    ///
    /// # Errors
    /// [`ExecutorFatal`] as for [`Self::execute_block`]; the state is gone.
    pub fn run_hinted(
        &self,
        workers: Workers,
        hints: &Hints,
        state: State,
        env: &BlockEnv,
        transactions: &[Transaction],
    ) -> Result<(State, BlockRun, Stats), ExecutorFatal> {
        self.run_in_window((workers, workers.window()), hints, state, env, transactions)
    }

    /// The same, in a window of this many transactions ahead of the frontier: the widths that nodes have are one a number of workers, and
    /// no width changes a result.
    pub(crate) fn run_in_window(
        &self,
        (workers, window): (Workers, usize),
        hints: &Hints,
        state: State,
        env: &BlockEnv,
        transactions: &[Transaction],
    ) -> Result<(State, BlockRun, Stats), ExecutorFatal> {
        let _place = self.machine.enter_block();
        let begun = begin(state, env)?;
        let (folded, stats) = match workers {
            Workers::ONE => (Folded::new(begun, transactions.len()), Stats::default()),
            workers => parallel::run(self, begun, env, transactions, (workers, window), hints)?,
        };
        let (state, run) = on_deep_stack(|| self.end(self.run_in_order(folded, env, transactions)?, env))?;
        Ok((state, run, stats))
    }

    /// The specification: one transaction after the other, from the first that is not folded yet.
    fn run_in_order(
        &self,
        mut folded: Folded,
        env: &BlockEnv,
        transactions: &[Transaction],
    ) -> Result<Folded, ExecutorFatal> {
        let rest = &transactions[folded.receipts.len()..];
        if rest.is_empty() {
            return Ok(folded);
        }
        let mut evm = Runner::new(&self.machine, env, Mode::Transaction);
        for transaction in rest {
            let gas_left = env.gas_limit.saturating_sub(folded.gas_used);
            let (view, executed) = self.execute(&mut evm, View::InOrder(folded.state), env, gas_left, transaction)?;
            folded.state = view.into_state()?;
            folded.add(executed)?;
        }
        Ok(folded)
    }

    /// What follows the last transaction.
    fn end(&self, folded: Folded, env: &BlockEnv) -> Result<(State, BlockRun), ExecutorFatal> {
        let Folded { state, receipts, gas_used, burnt, tips } = folded;
        let (view, ticked) = tick::tick(&self.machine, View::InOrder(state), env)?;
        let (mut state, ticked) = (view.into_state()?, ticked.unwrap_or_default());
        state.apply(ticked.changes)?;
        pay(&mut state, env, burnt + ticked.burnt, tips)?;
        Ok((state, BlockRun { receipts, gas_used, cron_gas_used: ticked.gas_used }))
    }

    fn execute(
        &self,
        evm: &mut Runner<View>,
        mut view: View,
        env: &BlockEnv,
        gas_left: u64,
        transaction: &Transaction,
    ) -> Result<(View, Executed), ExecutorFatal> {
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
        evm: &mut Runner<View>,
        view: View,
        env: &BlockEnv,
        gas_left: u64,
        transaction: &Transaction,
    ) -> Result<(View, Executed), ExecutorFatal> {
        match transaction {
            Transaction::Ethereum(transaction) => ethereum::execute(evm, view, env, gas_left, transaction),
            Transaction::Fvm(message) => fvm::execute(evm, view, env, gas_left, message),
        }
    }
}

impl std::fmt::Debug for Executor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor").field("params", self.params()).finish_non_exhaustive()
    }
}

/// What comes before the first transaction: the parent's hash is written where EIP-2935 keeps it; the first block's parent is genesis.
fn begin(mut state: State, env: &BlockEnv) -> Result<State, StateFatal> {
    let Some(parent) = env.height.previous() else { return Ok(state) };
    if let Some(id) = state.cached_id(&HISTORY_ADDRESS.to_address())? {
        state.set_slot(id, history::slot_of(parent), U256::from_be_bytes(env.previous_hash.0))?;
    }
    Ok(state)
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
