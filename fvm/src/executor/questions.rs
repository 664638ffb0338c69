//! What is asked of a state: it is run, answered and forgotten. No block comes of it.
//!
//! | question | runs |
//! |---|---|
//! | a call | once |
//! | an estimate of gas | until the least that is enough is found |
//! | an access list | until it stays as it is |
//! | a simulated block | each of its calls, on what those before it left |
//!
//! Traces are asked too, and are in `replay`. What this machine does not have for a question stops no node: see
//! [`ExecutorFatal::refused_by_the_machine`].

use super::query::{self, Scene};
use super::{Executor, State, access, simulate};
use crate::block::BlockEnv;
use crate::call::{Accessed, CallOutcome, CallRejected, CallRequest, EthereumCall, GasEstimate, Leash};
use crate::error::ExecutorFatal;
use crate::kernel::on_deep_stack;
use crate::overrides::Overrides;
use crate::simulation::{Simulated, SimulatedBlock, SimulationRejected};

impl Executor {
    /// Runs one call on `state` as if in the block `env`, that of the state or the one that comes next, with what its caller wants otherwise, and forgets what it changes. The store is
    /// read, never written to. Inner error: there is no such state, or `leash` was cut.
    ///
    /// # Errors
    /// [`ExecutorFatal`] as for [`Self::execute_block`].
    pub fn call(
        &self,
        state: State,
        env: &BlockEnv,
        overrides: &Overrides,
        call: &CallRequest,
        leash: &Leash,
    ) -> Result<Result<CallOutcome, CallRejected>, ExecutorFatal> {
        let _place = self.machine.enter_query();
        on_deep_stack(|| self.scene(env, overrides, leash).call(state, call))
    }

    /// The least gas limit with which the call goes well on the state that `open` gives, time and again; no more than a transaction may have,
    /// and of one that offers a price no more than its sender can pay for. Cost: two runs of it if all its gas comes back, some twenty else. Inner error: there is no such state, or `leash` was cut.
    ///
    /// # Errors
    /// [`ExecutorFatal`] as for [`Self::execute_block`], and what `open` says.
    pub fn estimate_gas<E: From<ExecutorFatal>>(
        &self,
        open: impl Fn() -> Result<State, E>,
        env: &BlockEnv,
        overrides: &Overrides,
        call: &CallRequest,
        leash: &Leash,
    ) -> Result<Result<GasEstimate, CallRejected>, E> {
        let scene = self.scene(env, overrides, leash);
        let mut most = scene.estimate_max(call);
        if let CallRequest::Ethereum(call) = call
            && call.pays()
        {
            match scene.payable(open()?, call).map_err(E::from)? {
                Ok(Some(payable)) => most = most.min(payable),
                Ok(None) => return Ok(Ok(GasEstimate::Never(query::poor()))),
                Err(rejected) => return Ok(Err(rejected)),
            }
        }
        let run = |call: &CallRequest| -> Result<_, Stopped<E>> {
            Stopped::unless_ran(self.call(open()?, env, overrides, call, leash).map_err(E::from)?)
        };
        Stopped::sort(query::estimate(most, call, run))
    }

    /// What the call reaches, so that a transaction may pay for it ahead (EIP-2930), on the state that `open` gives. What the call's own
    /// list names stays in it. Cost: two runs, sixteen at most. Inner error: there is no such state, or `leash` was cut.
    ///
    /// # Errors
    /// [`ExecutorFatal`] as for [`Self::execute_block`], and what `open` says.
    pub fn access_list<E: From<ExecutorFatal>>(
        &self,
        open: impl Fn() -> Result<State, E>,
        env: &BlockEnv,
        overrides: &Overrides,
        call: &EthereumCall,
        leash: &Leash,
    ) -> Result<Result<Accessed, CallRejected>, E> {
        let run = |call: &EthereumCall| -> Result<_, Stopped<E>> {
            let state = open()?;
            let _place = self.machine.enter_query();
            let ran = on_deep_stack(|| self.scene(env, overrides, leash).call_noting(state, call));
            Stopped::unless_ran(ran.map_err(E::from)?)
        };
        Stopped::sort(access::complete(call, run))
    }

    /// Runs a block of calls on `state`, which comes back as a draft for the next such block: no block of the chain can follow on it. The
    /// store is read, never written to. Inner error: it cannot be run, or `leash` was cut.
    ///
    /// # Errors
    /// [`ExecutorFatal`] as for [`Self::execute_block`].
    pub fn simulate(
        &self,
        state: State,
        block: &SimulatedBlock,
        leash: &Leash,
    ) -> Result<Result<(State, Vec<Simulated>), SimulationRejected>, ExecutorFatal> {
        let _place = self.machine.enter_query();
        on_deep_stack(|| simulate::simulate(&self.machine, state, block, leash))
    }

    pub(super) const fn scene<'a>(
        &'a self,
        env: &'a BlockEnv,
        overrides: &'a Overrides,
        leash: &'a Leash,
    ) -> Scene<'a> {
        Scene { machine: &self.machine, env, overrides, leash }
    }
}

/// Why several runs of one call are over before their time.
enum Stopped<E> {
    Rejected(CallRejected),
    Fatal(E),
}

impl<E> From<E> for Stopped<E> {
    fn from(fatal: E) -> Self {
        Self::Fatal(fatal)
    }
}

impl<E> Stopped<E> {
    fn unless_ran<T>(ran: Result<T, CallRejected>) -> Result<T, Self> {
        ran.map_err(Self::Rejected)
    }

    /// The caller's fault apart from ours.
    fn sort<T>(ended: Result<T, Self>) -> Result<Result<T, CallRejected>, E> {
        match ended {
            Ok(outcome) => Ok(Ok(outcome)),
            Err(Self::Rejected(rejected)) => Ok(Err(rejected)),
            Err(Self::Fatal(fatal)) => Err(fatal),
        }
    }
}
