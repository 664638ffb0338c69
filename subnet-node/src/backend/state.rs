//! The state after one block: read, run calls on, and drafted on.

use std::sync::Arc;

use fvm_shared::address::Address;
use tributary_fvm::simulation::SimulatedBlock;
use tributary_fvm::{
    Accessed, BlockEnv, CallOutcome, CallRequest, EthereumCall, GasEstimate, Leash, Overrides, ReadState, StateTree,
    TraceCallRejected, TraceRequest, TracedCall,
};
use tributary_primitives::{EthAddress, Hash32, Height};
use tributary_rpc::backend::{ActorView, Draft, ProveRejected, Ran, SimulateRejected, Witnessed};
use tributary_rpc::{CallRejected, ReadUnavailable, StateView};
use tributary_witness::PartsOf;

use super::NodeBackend;
use crate::ledger::past::PastStore;
use crate::ledger::{Head, LedgerFatal};

impl NodeBackend {
    /// The state after `head`'s block.
    pub(super) fn state_after(&self, head: Arc<Head>, vantage: Vantage) -> Result<State<'_>, ReadUnavailable> {
        let (height, root) = (head.height, &head.record.state_root);
        let trees = head.leaves.is_none().then(|| self.trees(height, root)).transpose()?;
        let state: Box<dyn ReadState + Send + Sync> = match &trees {
            Some(trees) => Box::new(StateTree::load(Arc::clone(trees), root).map_err(self.unreadable(height))?),
            None => self.ledger.state(&head).map_err(self.unreadable(height))?,
        };
        Ok(State { node: self, head, trees, state, vantage })
    }
}

/// The block that calls on a state find themselves in.
#[derive(Copy, Clone)]
pub(super) enum Vantage {
    /// The state's own, after its last transaction.
    Own,
    /// The one that comes next, as far as it is known.
    Next,
}

/// The state after one block.
pub(super) struct State<'a> {
    node: &'a NodeBackend,
    head: Arc<Head>,
    /// What is read, if not leaves.
    trees: Option<PastStore>,
    state: Box<dyn ReadState + Send + Sync>,
    vantage: Vantage,
}

impl State<'_> {
    /// The same state, to run a call on.
    fn open(&self) -> Result<tributary_fvm::State, LedgerFatal> {
        let ledger = &self.node.ledger;
        match &self.trees {
            Some(trees) => Ok(ledger.executor().open(trees, &self.head.record.state_root)?),
            None => ledger.open_state(&self.head),
        }
    }

    /// What calls run in.
    fn env(&self) -> Result<BlockEnv, ReadUnavailable> {
        let ledger = &self.node.ledger;
        match self.vantage {
            Vantage::Own => ledger.own_env(&self.head, &*self.state).map_err(self.node.unreadable(self.head.height)),
            Vantage::Next => Ok(ledger.pending_env(&self.head)),
        }
    }
}

impl StateView for State<'_> {
    fn actor(&self, address: &Address) -> Result<Option<ActorView>, ReadUnavailable> {
        let actor = self.state.actor_at(address).map_err(self.node.unreadable(self.head.height))?;
        Ok(actor.map(|(id, actor)| ActorView {
            id,
            code: actor.code,
            state: actor.state,
            nonce: actor.sequence,
            balance: actor.balance,
            delegated: actor.delegated_address,
        }))
    }

    fn parts(&self, question: &PartsOf) -> Result<Witnessed, ProveRejected> {
        self.node.witnessed(self.head.height, &self.head.record.state_root, question)
    }

    fn eth_code(&self, address: &EthAddress) -> Result<Vec<u8>, ReadUnavailable> {
        self.state.code(&address.to_address()).map_err(self.node.unreadable(self.head.height))
    }

    fn eth_nonce(&self, address: &EthAddress) -> Result<u64, ReadUnavailable> {
        self.state.nonce(&address.to_address()).map_err(self.node.unreadable(self.head.height))
    }

    fn eth_storage(&self, address: &EthAddress, slot: &[u8; 32]) -> Result<[u8; 32], ReadUnavailable> {
        Ok(self.state.storage(&address.to_address(), &Hash32(*slot)).map_err(self.node.unreadable(self.head.height))?.0)
    }

    fn call(&self, request: &CallRequest, overrides: &Overrides, leash: &Leash) -> Result<CallOutcome, CallRejected> {
        let ledger = &self.node.ledger;
        let state = self.open().map_err(self.node.unreadable(self.head.height))?;
        let called = ledger.executor().call(state, &self.env()?, overrides, request, leash);
        Ok(called.map_err(self.node.unanswered(self.head.height))??)
    }

    fn trace_call(
        &self,
        call: &CallRequest,
        overrides: &Overrides,
        request: &TraceRequest,
    ) -> Result<Result<TracedCall, TraceCallRejected>, ReadUnavailable> {
        let ledger = &self.node.ledger;
        let state = self.open().map_err(self.node.unreadable(self.head.height))?;
        let traced = ledger.executor().trace_call(state, &self.env()?, overrides, call, request);
        traced.map_err(self.node.unanswered(self.head.height))
    }

    fn estimate_gas(
        &self,
        request: &CallRequest,
        overrides: &Overrides,
        leash: &Leash,
    ) -> Result<GasEstimate, CallRejected> {
        let ledger = &self.node.ledger;
        let open = || self.open();
        let estimated = ledger.executor().estimate_gas(open, &self.env()?, overrides, request, leash);
        Ok(estimated.map_err(self.node.unanswered(self.head.height))??)
    }

    fn access_list(
        &self,
        request: &EthereumCall,
        overrides: &Overrides,
        leash: &Leash,
    ) -> Result<Accessed, CallRejected> {
        let ledger = &self.node.ledger;
        let open = || self.open();
        let listed = ledger.executor().access_list(open, &self.env()?, overrides, request, leash);
        Ok(listed.map_err(self.node.unanswered(self.head.height))??)
    }

    fn draft(&self) -> Result<Box<dyn Draft<'_> + '_>, ReadUnavailable> {
        let (node, height) = (self.node, self.head.height);
        let state = self.open().map_err(node.unreadable(height))?;
        Ok(Box::new(StateDraft { node, height, state }))
    }
}

/// The state after one block, and after blocks that were simulated on it.
struct StateDraft<'a> {
    node: &'a NodeBackend,
    height: Height,
    state: tributary_fvm::State,
}

impl<'a> Draft<'a> for StateDraft<'a> {
    fn run(self: Box<Self>, block: &SimulatedBlock, leash: &Leash) -> Result<Ran<'a>, SimulateRejected> {
        let Self { node, height, state } = *self;
        let ran = node.ledger.executor().simulate(state, block, leash).map_err(node.unanswered(height))?;
        let (state, results) = ran?;
        Ok((Box::new(Self { node, height, state }), results))
    }
}
