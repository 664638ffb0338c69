//! Past transactions, run again to see what happened in them; and calls that nobody signed.
//!
//! ```text
//! state before the block ─▶ transactions before the first that is traced, as the block ran them
//!                        ─▶ those that are traced, by the runtime, each with a tracer in its journal
//! ```
//!
//! Even a plain transfer goes by the runtime here: what it leaves is the same, which a test holds, and only the runtime tells of it.

use std::ops::Range;
use std::sync::Arc;

use tributary_message::Transaction;

use super::view::View;
use super::{Executed, Executor, Folded, State, begin};
use crate::block::BlockEnv;
use crate::call::{CallOutcome, CallRequest, Leash};
use crate::error::ExecutorFatal;
use crate::evm::{Mode, Runner};
use crate::kernel::on_deep_stack;
use crate::overrides::Overrides;
use crate::trace::{Budget, Trace, TraceCallRejected, TraceRejected, TraceRequest, Traced, Tracer};

/// What a call would do, and what would happen in it: nothing if it could not be begun.
pub type TracedCall = (CallOutcome, Option<Trace>);

impl Executor {
    /// Runs the first transactions of the block `env` again on the `state` before it, up to the end of `traced`, and records those
    /// at the positions `traced`. Their receipts are the block's own.
    ///
    /// Cost: what the block cost up to there; an instruction that is recorded takes some ten times as long.
    ///
    /// # Errors
    /// [`ExecutorFatal`] when this node cannot go on; inner [`TraceRejected`] above a limit of the request.
    pub fn replay(
        &self,
        state: State,
        env: &BlockEnv,
        transactions: &[Transaction],
        traced: Range<usize>,
        request: &TraceRequest,
    ) -> Result<Result<Vec<Traced>, TraceRejected>, ExecutorFatal> {
        let _place = self.machine.enter_query();
        on_deep_stack(|| {
            let budget = Arc::new(Budget::new(request.limits.clone()));
            let replayed = self.replay_in_order(state, env, transactions, traced, request, &budget);
            within(&budget, replayed)
        })
    }

    fn replay_in_order(
        &self,
        state: State,
        env: &BlockEnv,
        transactions: &[Transaction],
        traced: Range<usize>,
        request: &TraceRequest,
        budget: &Arc<Budget>,
    ) -> Result<Vec<Traced>, ExecutorFatal> {
        let mut folded = Folded::new(begin(state, env)?, transactions.len());
        let mut evm = Runner::new(&self.machine, env, Mode::Transaction);
        let mut all = Vec::with_capacity(traced.len());
        for (index, transaction) in transactions.iter().enumerate().take(traced.end) {
            if !budget.look() {
                break;
            }
            let gas_left = env.gas_limit.saturating_sub(folded.gas_used);
            let view = View::InOrder(folded.state);
            let is_traced = traced.contains(&index);
            let (view, mut executed) = if is_traced {
                evm.trace_next(Tracer::new(request.wanted, Arc::clone(budget), env.proposer));
                self.execute_by_runtime(&mut evm, view, env, gas_left, transaction)?
            } else {
                self.execute(&mut evm, view, env, gas_left, transaction)?
            };
            folded.state = view.into_state()?;
            if is_traced {
                let gas = transaction.block_gas_limit(self.params().fvm_gas_per_gas);
                all.push(traced_of(&mut executed, gas));
            }
            folded.add(executed)?;
        }
        Ok(all)
    }

    /// Runs one call on `state` as [`Executor::call`] does, and records it.
    ///
    /// # Errors
    /// [`ExecutorFatal`] when this node cannot go on; inner [`TraceCallRejected`] above a limit of the request, or when there is no such
    /// state.
    pub fn trace_call(
        &self,
        state: State,
        env: &BlockEnv,
        overrides: &Overrides,
        call: &CallRequest,
        request: &TraceRequest,
    ) -> Result<Result<TracedCall, TraceCallRejected>, ExecutorFatal> {
        let _place = self.machine.enter_query();
        // The request's limits hold it, its time among them.
        let leash = Leash::default();
        on_deep_stack(|| {
            let scene = self.scene(env, overrides, &leash);
            let budget = Arc::new(Budget::new(request.limits.clone()));
            let tracer = Tracer::new(request.wanted, Arc::clone(&budget), scene.block().proposer);
            let called = match within(&budget, scene.call_traced(state, call, Some(tracer)))? {
                Ok(called) => called,
                Err(limit) => return Ok(Err(limit.into())),
            };
            Ok(called.map_err(TraceCallRejected::from).map(|(outcome, tracer)| {
                let trace = tracer.map(|tracer| tracer.finish(scene.block_gas_limit(call), outcome.gas_used));
                (outcome, trace)
            }))
        })
    }
}

/// What came of it, unless a limit was passed: then the limit, whatever came of it.
fn within<T>(budget: &Budget, done: Result<T, ExecutorFatal>) -> Result<Result<T, TraceRejected>, ExecutorFatal> {
    match budget.exceeded() {
        Some(why) => Ok(Err(why)),
        None => done.map(Ok),
    }
}

fn traced_of(executed: &mut Executed, gas: u64) -> Traced {
    let receipt = executed.receipt.clone();
    let trace = executed.tracer.take().map(|tracer| tracer.finish(gas, receipt.gas_used));
    Traced { receipt, trace }
}
