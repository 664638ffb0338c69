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
//! [`Workers::pay`]. There are two ways. Where transactions fall apart into lanes that seem to have nothing to do with each other, each
//! worker runs a lane and the lanes are compared at the end; else everything runs ahead of its turn and is compared in its turn.
//!
//! | module | holds |
//! |---|---|
//! | `cells` | what transactions can collide in |
//! | `ground` | the state before the block, shared by the workers |
//! | `lanes` | which transactions seem to have nothing to do with each other |
//! | `speculation` | the cells as one transaction sees and writes them |

mod cells;
mod ground;
mod lanes;
mod speculation;

use std::collections::HashMap;

use fvm_shared::address::Address;
use tributary_message::Transaction;
use tributary_parallel::{Block, Done, Lanes, Ran, Settings, Stats, View as Cells};
use tributary_wasm::NATIVE_STACK_BYTES;

use self::ground::Ground;
pub(crate) use self::lanes::Meetings;
use self::speculation::Codes;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

    fn count(self) -> usize {
        usize::try_from(self.0).unwrap_or(1)
    }

    /// Transactions ahead of the frontier that may be executed.
    pub(super) fn window(self) -> usize {
        self.count() * WINDOW_PER_WORKER
    }

    /// Whether a block gains by several threads. A plain transfer takes two microseconds, less than handing it to a thread.
    pub(super) fn pay(self, transactions: &[Transaction]) -> bool {
        self.0 > 1
            && transactions.iter().filter(|transaction| is_call(transaction)).take(CALLS_MIN).count() == CALLS_MIN
    }
}

pub(super) fn is_call(transaction: &Transaction) -> bool {
    match transaction {
        Transaction::Ethereum(transaction) => !transaction.is_bare() || transaction.to().is_none(),
        Transaction::Fvm(transaction) => transaction.message().method_num != fvm_shared::METHOD_SEND,
    }
}

/// What is said beforehand of who depends on whom. None of it changes a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hints {
    /// What transactions say, and what earlier blocks of this executor showed: what a node goes by.
    Learnt,
    /// That transactions of one sender do.
    Senders,
    /// Nothing.
    Nothing,
    /// The lane of each transaction: those of two lanes are said to have nothing to do with each other. Lanes go round the workers.
    Lanes(Vec<usize>),
}

/// Runs a block's transactions on `workers` threads: all, or the first of them, and the rest is to be run in order. Where they run ahead
/// of their turn, as far as `window` ahead of the frontier; that changes no result.
pub(super) fn run(
    executor: &Executor,
    state: State,
    env: &BlockEnv,
    transactions: &[Transaction],
    (workers, window): (Workers, usize),
    hints: &Hints,
) -> Result<(Folded, Stats), ExecutorFatal> {
    let block = Parallel { executor, env, transactions, predecessors: Vec::new() };
    match block.lanes(workers.count(), hints) {
        Some(lanes) => block.in_lanes(state, &lanes),
        None => {
            let predecessors = if *hints == Hints::Nothing { Vec::new() } else { predecessors(transactions) };
            Parallel { predecessors, ..block }.ahead(state, workers.count(), window)
        }
    }
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

/// Block gas that must be left for a transaction to run.
pub(super) fn gas_limit(executor: &Executor, transaction: &Transaction) -> u64 {
    match transaction {
        Transaction::Ethereum(transaction) => transaction.gas_limit(),
        Transaction::Fvm(transaction) => {
            fees::block_gas(transaction.message().gas_limit, executor.params().fvm_gas_per_gas)
        }
    }
}

fn fold(ground: Ground, outputs: Vec<Executed>) -> Result<Folded, ExecutorFatal> {
    let mut folded = Folded::new(ground.into_state(), outputs.len());
    outputs.into_iter().try_for_each(|executed| folded.add(executed))?;
    Ok(folded)
}

struct Parallel<'a> {
    executor: &'a Executor,
    env: &'a BlockEnv,
    transactions: &'a [Transaction],
    /// Of each transaction; empty where nobody asks.
    predecessors: Vec<Option<usize>>,
}

impl Parallel<'_> {
    /// Lanes of transactions, if the hints give any.
    fn lanes(&self, most: usize, hints: &Hints) -> Option<Vec<Vec<usize>>> {
        match hints {
            Hints::Learnt => self.executor.meetings().plan(self.transactions, |index| self.gas_limit(index), most),
            Hints::Senders | Hints::Nothing => None,
            Hints::Lanes(lane_of) => {
                let mut lanes = vec![Vec::new(); most];
                lane_of.iter().enumerate().for_each(|(index, lane)| lanes[lane % most].push(index));
                Some(lanes)
            }
        }
    }

    /// Side by side, as far as lanes do not collide.
    fn in_lanes(&self, state: State, lanes: &[Vec<usize>]) -> Result<(Folded, Stats), ExecutorFatal> {
        let all = tributary_parallel::in_lanes(self, Ground::new(state), lanes, NATIVE_STACK_BYTES, 0);
        let Lanes { outputs, ground, ran, collisions, .. } = all;
        if !collisions.is_empty() {
            self.executor.meetings().learn(self.transactions, &collisions);
        }
        let is_closed = outputs.len() < self.transactions.len();
        let stats = Stats { speculated: ran, repeated: ran.saturating_sub(outputs.len()), is_closed };
        Ok((fold(ground, outputs)?, stats))
    }

    /// Each ahead of its turn.
    fn ahead(&self, state: State, threads: usize, window: usize) -> Result<(Folded, Stats), ExecutorFatal> {
        let settings = Settings { threads, stack_bytes: NATIVE_STACK_BYTES, window };
        let Done { outputs, ground, stats, .. } = tributary_parallel::execute(self, Ground::new(state), settings, 0)?;
        Ok((fold(ground, outputs)?, stats))
    }

    fn gas_limit(&self, index: usize) -> u64 {
        gas_limit(self.executor, &self.transactions[index])
    }
}

/// What a thread keeps from one transaction to the next.
struct Worker {
    runner: Runner<View>,
    codes: Codes,
}

impl Block for Parallel<'_> {
    type Ground = Ground;
    type Output = Executed;
    /// Block gas used so far.
    type Tally = u64;
    type Worker = Worker;
    type Fatal = ExecutorFatal;

    fn len(&self) -> usize {
        self.transactions.len()
    }

    fn after(&self, index: usize) -> Option<usize> {
        *self.predecessors.get(index)?
    }

    fn worker(&self) -> Worker {
        let runner = Runner::new(&self.executor.machine, self.env, Mode::Transaction);
        Worker { runner, codes: Codes::default() }
    }

    fn run(
        &self,
        worker: &mut Worker,
        index: usize,
        cells: Cells<Ground>,
        gas_used: Option<&u64>,
    ) -> Result<Ran<Self>, ExecutorFatal> {
        let gas_left = self.env.gas_limit.saturating_sub(gas_used.copied().unwrap_or_default());
        let view = View::Ahead(Box::new(Speculation::new(cells, std::mem::take(&mut worker.codes))));
        let transaction = &self.transactions[index];
        let (view, executed) = self.executor.execute(&mut worker.runner, view, self.env, gas_left, transaction)?;
        let View::Ahead(mut speculation) = view else {
            return Err(ExecutorFatal::Invariant("a worker's transaction came back with the block's state".to_owned()));
        };
        let writes = speculation.writes(&executed.changes)?;
        let (view, codes) = speculation.into_parts();
        worker.codes = codes;
        Ok(Ran { view, writes, output: executed })
    }

    fn fits(&self, gas_used: &u64, index: usize, _: &Executed) -> bool {
        self.gas_limit(index) <= self.env.gas_limit.saturating_sub(*gas_used)
    }

    fn count(&self, gas_used: &mut u64, executed: &Executed) {
        *gas_used = gas_used.saturating_add(executed.receipt.gas_used);
    }
}
