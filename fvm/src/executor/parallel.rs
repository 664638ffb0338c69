//! A block on several threads: what its transactions collide in, and how the parts of this crate take their places in
//! [`tributary_parallel`].
//!
//! ```text
//! transactions ─▶ workers   each with an EVM of its own; one engine for all
//!                   │ reads  Speculation: cells as the transactions before leave them, else the ground
//!                   │ writes changes, cell by cell
//!                   ▼
//!                 committer: in order ─▶ receipts and changes ─▶ BlockState, as if they had run one after the other
//! ```
//!
//! Execution in order is the specification; this is a faster way to the same receipts and the same state. It is not always faster: see
//! [`Workers::pay`].
//!
//! | module | holds |
//! |---|---|
//! | `cells` | what transactions can collide in |
//! | `ground` | the state before the block, shared by the workers |
//! | `speculation` | the cells as one transaction sees and writes them |

mod cells;
mod ground;
mod speculation;

use std::collections::HashMap;

use fvm_shared::address::Address;
use tributary_message::Transaction;
use tributary_parallel::{Block, Done, Ran, Settings, Stats, View as Cells};
use tributary_wasm::NATIVE_STACK_BYTES;

use self::ground::Ground;
pub(crate) use self::speculation::Speculation;
use super::view::View;
use super::{Executed, Executor, Folded, State};
use crate::block::BlockEnv;
use crate::error::ExecutorFatal;
use crate::evm::{Mode, Runner};
use crate::fees;

/// Transactions for each worker that may be executed ahead of the frontier: enough that nobody waits for one that is long.
const WINDOW_PER_WORKER: usize = 16;

/// Calls of code below which a block is run in order: threads cost more than they bring.
const CALLS_MIN: usize = 64;

/// How many threads a block may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workers(u32);

impl Workers {
    /// More reserve addresses that a process does not have.
    pub const MAX: u32 = 32;

    /// In order, on one thread.
    pub const ONE: Self = Self(1);

    /// This many, held to between one and [`Self::MAX`].
    #[must_use]
    pub fn new(threads: u32) -> Self {
        Self(threads.clamp(1, Self::MAX))
    }

    /// As many as the machine has cores for.
    #[must_use]
    pub fn of_this_machine() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        Self::new(u32::try_from(cores).unwrap_or(Self::MAX))
    }

    /// How many.
    #[must_use]
    pub const fn threads(self) -> u32 {
        self.0
    }

    /// Whether a block gains by several threads. A plain transfer takes two microseconds, less than handing it to a thread.
    pub(super) fn pay(self, transactions: &[Transaction]) -> bool {
        self.0 > 1
            && transactions.iter().filter(|transaction| is_call(transaction)).take(CALLS_MIN).count() == CALLS_MIN
    }
}

fn is_call(transaction: &Transaction) -> bool {
    match transaction {
        Transaction::Ethereum(transaction) => !transaction.is_bare() || transaction.to().is_none(),
        Transaction::Fvm(transaction) => transaction.message().method_num != fvm_shared::METHOD_SEND,
    }
}

/// Runs a block's transactions on `workers` threads.
pub(super) fn run(
    executor: &Executor,
    state: State,
    env: &BlockEnv,
    transactions: &[Transaction],
    workers: Workers,
) -> Result<(Folded, Stats), ExecutorFatal> {
    let block = Parallel { executor, env, transactions, predecessors: predecessors(transactions) };
    let threads = usize::try_from(workers.threads()).unwrap_or(1);
    let window = threads * WINDOW_PER_WORKER;
    let settings = Settings { threads, stack_bytes: NATIVE_STACK_BYTES, window };
    let Done { outputs, ground, stats, .. } = tributary_parallel::execute(&block, Ground::new(state), settings, 0)?;
    let mut folded = Folded::new(ground.into_state(), outputs.len());
    outputs.into_iter().try_for_each(|executed| folded.add(executed))?;
    Ok((folded, stats))
}

/// For each transaction the one before it of the same sender: it needs that one's nonce.
fn predecessors(transactions: &[Transaction]) -> Vec<Option<usize>> {
    let mut last = HashMap::<Address, usize, foldhash::fast::RandomState>::default();
    transactions.iter().enumerate().map(|(index, transaction)| last.insert(sender(transaction), index)).collect()
}

fn sender(transaction: &Transaction) -> Address {
    match transaction {
        Transaction::Ethereum(transaction) => transaction.sender().to_address(),
        Transaction::Fvm(transaction) => transaction.message().from,
    }
}

struct Parallel<'a> {
    executor: &'a Executor,
    env: &'a BlockEnv,
    transactions: &'a [Transaction],
    predecessors: Vec<Option<usize>>,
}

impl Parallel<'_> {
    /// Block gas that must be left for a transaction to run.
    fn gas_limit(&self, index: usize) -> u64 {
        match &self.transactions[index] {
            Transaction::Ethereum(transaction) => transaction.gas_limit(),
            Transaction::Fvm(transaction) => {
                fees::block_gas(transaction.message().gas_limit, self.executor.params().fvm_gas_per_gas)
            }
        }
    }
}

impl Block for Parallel<'_> {
    type Ground = Ground;
    type Output = Executed;
    /// Block gas used so far.
    type Tally = u64;
    type Worker = Runner<View>;
    type Fatal = ExecutorFatal;

    fn len(&self) -> usize {
        self.transactions.len()
    }

    fn after(&self, index: usize) -> Option<usize> {
        self.predecessors[index]
    }

    fn worker(&self) -> Runner<View> {
        Runner::new(&self.executor.machine, self.env, Mode::Transaction)
    }

    fn run(
        &self,
        worker: &mut Runner<View>,
        index: usize,
        cells: Cells<Ground>,
        gas_used: Option<&u64>,
    ) -> Result<Ran<Self>, ExecutorFatal> {
        let gas_left = self.env.gas_limit.saturating_sub(gas_used.copied().unwrap_or_default());
        let view = View::Ahead(Box::new(Speculation::new(cells)));
        let (view, executed) = self.executor.execute(worker, view, self.env, gas_left, &self.transactions[index])?;
        let View::Ahead(mut speculation) = view else {
            return Err(ExecutorFatal::Invariant("a worker's transaction came back with the block's state".to_owned()));
        };
        let writes = speculation.writes(&executed.changes)?;
        Ok(Ran { view: speculation.into_cells(), writes, output: executed })
    }

    fn fits(&self, gas_used: &u64, index: usize, _: &Executed) -> bool {
        self.gas_limit(index) <= self.env.gas_limit.saturating_sub(*gas_used)
    }

    fn count(&self, gas_used: &mut u64, executed: &Executed) {
        *gas_used = gas_used.saturating_add(executed.receipt.gas_used);
    }
}
