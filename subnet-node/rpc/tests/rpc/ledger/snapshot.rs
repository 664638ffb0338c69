//! A state of the chain: it is read, calls run in it, and so do blocks that are forgotten.

use std::time::Duration;

use fvm_shared::address::Address;
use tributary_fvm::call::{Accessed, AccessedAccount, CallOutcome, CallRequest, EthereumCall, GasEstimate, Leash};
use tributary_fvm::simulation::{CallInvalid, Simulated, SimulatedBlock, SimulationRejected};
use tributary_fvm::trace::{TraceCallRejected, TraceRequest};
use tributary_fvm::{Overrides, OverridesRejected, TracedCall};
use tributary_primitives::actors::BuiltinActor;
use tributary_primitives::{EthAddress, Hash32, Height};
use tributary_rpc::backend::{
    ActorView, CallRejected, Draft, ProveRejected, Ran, ReadUnavailable, SimulateRejected, StateView, Witnessed,
};
use tributary_witness::PartsOf;

use super::backend::witnessed;
use super::{BASE_FEE_MIN, Ledger, REFUND};
use crate::machine::{CODE, FVM_GAS_PER_GAS, GAS, LOOPER, State, actor, call, find};
use crate::traces::{limit_passed, trace_of_call};

/// A state of a ledger.
pub(super) struct Snapshot<'a> {
    pub(super) state: State,
    pub(super) ledger: &'a Ledger,
    /// The block that it is after.
    pub(super) height: Height,
    /// The one that calls run in.
    pub(super) called_in: Height,
}

impl Snapshot<'_> {
    /// Remembers where the call ran and what it was to find otherwise; there is no actor with an id from 4,000 on, and a price must reach the
    /// least base fee.
    fn begin(&self, request: &CallRequest, overrides: &Overrides) -> Result<(), tributary_fvm::CallRejected> {
        self.ledger.lock().overrides = overrides.clone();
        self.ledger.lock().called_in = self.called_in;
        if let CallRequest::Ethereum(one) = request
            && one.pays()
        {
            too_cheap(one, BASE_FEE_MIN)?;
        }
        let is_nobody = |account: &&EthAddress| account.as_actor_id().is_some_and(|id| id >= 4_000);
        let nobody = overrides.accounts.keys().find(is_nobody);
        nobody.map_or(Ok(()), |account| Err(OverridesRejected::Nobody(*account).into()))
    }

    fn outcome(&self, request: &CallRequest) -> CallOutcome {
        match request {
            CallRequest::Ethereum(one) => {
                self.ledger.lock().authorizations.clone_from(&one.authorizations);
                let to = one.to.map(|to| to.to_address());
                call(&self.state, to.as_ref(), &one.input, one.gas_limit.unwrap())
            }
            CallRequest::Fvm(one) => {
                call(&self.state, Some(&one.to), &one.params, one.gas_limit.unwrap() / FVM_GAS_PER_GAS)
            }
        }
    }
}

fn too_cheap(call: &EthereumCall, base_fee: u64) -> Result<(), CallInvalid> {
    let fee = call.max_fee_per_gas;
    if fee < base_fee.into() { Err(CallInvalid::Fee { sender: call.from, fee, base_fee }) } else { Ok(()) }
}

/// Runs until the leash is cut; how long it was.
fn wait_for(leash: &Leash) -> Duration {
    while !leash.is_cut() {
        std::thread::yield_now();
    }
    leash.length()
}

impl StateView for Snapshot<'_> {
    fn actor(&self, address: &Address) -> Result<Option<ActorView>, ReadUnavailable> {
        Ok(find(&self.state, address).cloned())
    }

    fn parts(&self, question: &PartsOf) -> Result<Witnessed, ProveRejected> {
        let inner = self.ledger.lock();
        witnessed(&inner.trees, &inner.roots[&self.height], question)
    }

    fn eth_code(&self, address: &EthAddress) -> Result<Vec<u8>, ReadUnavailable> {
        let evm = BuiltinActor::Evm.code();
        let is_contract = find(&self.state, &address.to_address()).is_some_and(|actor| actor.code == evm);
        Ok(if is_contract { CODE.to_vec() } else { vec![] })
    }

    fn eth_nonce(&self, address: &EthAddress) -> Result<u64, ReadUnavailable> {
        Ok(find(&self.state, &address.to_address()).map_or(0, |actor| actor.nonce))
    }

    fn eth_storage(&self, _: &EthAddress, slot: &[u8; 32]) -> Result<[u8; 32], ReadUnavailable> {
        Ok(*slot)
    }

    fn call(&self, request: &CallRequest, overrides: &Overrides, leash: &Leash) -> Result<CallOutcome, CallRejected> {
        self.begin(request, overrides)?;
        let to = match request {
            CallRequest::Ethereum(one) => one.to.map(|to| to.to_address()),
            CallRequest::Fvm(one) => Some(one.to),
        };
        if to == Some(LOOPER.to_address()) {
            return Err(tributary_fvm::CallRejected::CutOff(wait_for(leash)).into());
        }
        Ok(self.outcome(request))
    }

    fn trace_call(
        &self,
        request: &CallRequest,
        overrides: &Overrides,
        trace: &TraceRequest,
    ) -> Result<Result<TracedCall, TraceCallRejected>, ReadUnavailable> {
        if let Err(why) = self.begin(request, overrides) {
            return Ok(Err(why.into()));
        }
        if let Some(limit) = limit_passed(trace) {
            return Ok(Err(limit.into()));
        }
        let outcome = self.outcome(request);
        let CallRequest::Ethereum(one) = request else { panic!("messages are not traced before they ran") };
        let is_begun = one.gas_limit.unwrap() >= GAS;
        let trace = is_begun.then(|| trace_of_call(trace.wanted, one, &outcome));
        Ok(Ok((outcome, trace)))
    }

    fn estimate_gas(
        &self,
        request: &CallRequest,
        overrides: &Overrides,
        leash: &Leash,
    ) -> Result<GasEstimate, CallRejected> {
        let outcome = self.call(request, overrides, leash)?;
        let needed = if matches!(request, CallRequest::Fvm(_)) { GAS * FVM_GAS_PER_GAS } else { GAS };
        Ok(if outcome.exit_code.is_success() { GasEstimate::Enough(needed) } else { GasEstimate::Never(outcome) })
    }

    /// The call's own list, and slot 7 of the receiver.
    fn access_list(
        &self,
        request: &EthereumCall,
        overrides: &Overrides,
        leash: &Leash,
    ) -> Result<Accessed, CallRejected> {
        let outcome = self.call(&CallRequest::Ethereum(request.clone()), overrides, leash)?;
        let reached = request.to.map(|address| AccessedAccount { address, slots: vec![Hash32([7; 32])] });
        Ok(Accessed { list: request.access_list.iter().cloned().chain(reached).collect(), outcome })
    }

    fn draft(&self) -> Result<Box<dyn Draft<'_> + '_>, ReadUnavailable> {
        Ok(Box::new(Rehearsal { state: self.state.clone(), ledger: self.ledger }))
    }
}

/// Blocks that are forgotten. With validation a nonce must be the sender's next, and a price reach the base fee.
struct Rehearsal<'a> {
    state: State,
    ledger: &'a Ledger,
}

impl<'a> Draft<'a> for Rehearsal<'a> {
    fn run(self: Box<Self>, block: &SimulatedBlock, leash: &Leash) -> Result<Ran<'a>, SimulateRejected> {
        let Self { mut state, ledger } = *self;
        ledger.lock().simulated.push(block.clone());
        let (mut results, mut bytes_left) = (Vec::new(), block.bytes_max);
        for one in &block.calls {
            if one.call.to == Some(LOOPER) {
                return Err(SimulationRejected::CutOff(wait_for(leash)).into());
            }
            let sender = actor(&mut state, &one.call.from.to_address(), BuiltinActor::EthAccount);
            let (next, nonce) = (sender.nonce, one.nonce.unwrap_or(sender.nonce));
            if block.validation && nonce > next {
                let why = CallInvalid::NonceTooHigh { sender: one.call.from, got: nonce, next };
                return Err(SimulationRejected::from(why).into());
            }
            sender.nonce += 1;
            if block.validation && one.call.pays() {
                too_cheap(&one.call, block.env.base_fee).map_err(SimulationRejected::from)?;
            }
            let gas_limit = one.call.gas_limit.unwrap_or(block.env.gas_limit).min(block.gas_max);
            let to = one.call.to.map(|to| to.to_address());
            let outcome = call(&state, to.as_ref(), &one.call.input, gas_limit);
            let max_gas_used = outcome.gas_used + REFUND;
            let result = Simulated { nonce, gas_limit, max_gas_used, contract: None, outcome };
            bytes_left = bytes_left.checked_sub(result.bytes()).ok_or(SimulationRejected::TooLarge)?;
            results.push(result);
        }
        Ok((Box::new(Self { state, ledger }), results))
    }
}
