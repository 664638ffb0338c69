//! Runs a block once more. Nothing that it writes is kept.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use fvm_ipld_blockstore::Blockstore;
use tributary_chain::Block;
use tributary_fvm::{BlockOutcome, BlockRun, Executor, ExecutorFatal, Hints, Workers};
use tributary_message::Transaction;
use tributary_store::Buffered;

use super::recorder::{Recorded, Recorder};
use super::words::{Attempt, Case, ReplayUnavailable};

/// What came of running a block once more.
#[derive(Debug)]
pub struct Replayed {
    /// Its outcome, or why there is none.
    pub attempt: Attempt,
    /// What kept it from being run, if anything did. It may have come through nevertheless.
    pub unavailable: Option<ReplayUnavailable>,
    /// What it read of the state.
    pub read: Recorded,
}

/// Runs the case on exactly so many threads, going by these hints, from its bytes on.
///
/// A panic is an attempt without outcome, like any other. Cost: that of the block and 30 µs a transaction, whose
/// signatures are checked again.
pub fn replay<B: Blockstore + Send + Sync + 'static>(
    executor: &Executor,
    state: Recorder<B>,
    case: &Case,
    workers: Workers,
    hints: &Hints,
) -> Replayed {
    let state = Arc::new(state);
    // What is written goes into this buffer, and with it.
    let buffer = Arc::new(Buffered::new(Arc::clone(&state)));
    let ran = catch_unwind(AssertUnwindSafe(|| run(executor, &buffer, case, workers, hints)));
    let (read, unread) = state.take();
    let unavailable = unread.or_else(|| no_thread(ran.as_ref().ok()?));
    let attempt = match ran {
        Ok(ran) => ran.map_err(|why| format!("{why:#}")),
        Err(panic) => Err(format!("it panicked: {}", said(panic.as_ref()))),
    };
    Replayed { attempt, unavailable, read }
}

fn no_thread(ran: &anyhow::Result<BlockOutcome>) -> Option<ReplayUnavailable> {
    let fatal = ran.as_ref().err()?.downcast_ref::<ExecutorFatal>()?;
    Some(ReplayUnavailable::NoThread(fatal.refused_by_the_machine()?.to_owned()))
}

fn run<B: Blockstore + Send + Sync + 'static>(
    executor: &Executor,
    store: &Arc<Buffered<B>>,
    case: &Case,
    workers: Workers,
    hints: &Hints,
) -> anyhow::Result<BlockOutcome> {
    let block = Block::decode(&case.block, case.block.len())?;
    let decode = |raw: &Vec<u8>| Transaction::decode(raw, case.env.chain_id);
    let transactions = block.transactions.iter().map(decode).collect::<Result<Vec<_>, _>>()?;
    let state = executor.open(store, &case.parent_root)?;
    let (mut state, ran, _) = executor.run_hinted(workers, hints, state, &case.env, &transactions)?;
    let BlockRun { receipts, gas_used, cron_gas_used } = ran;
    Ok(BlockOutcome { state_root: state.flush()?, receipts, gas_used, cron_gas_used })
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let literal = panic.downcast_ref::<&str>().copied();
    literal.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}
