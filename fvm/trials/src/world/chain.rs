//! A world's blocks as a node runs them: one after the other, in order or on threads, on a state that stays open between them.

use std::collections::BTreeMap;
use std::sync::Arc;

use cid::Cid;
use tributary_fvm::state::{LeafChanges, MemoryStore};
use tributary_fvm::{BlockEnv, BlockOutcome, BlockRun, Hints, State, Stats, Workers};
use tributary_message::Transaction;

use super::{EXECUTOR, Layered, Names, World};

/// An open state on a store of its own, above what the world started with.
pub struct Chain {
    store: Arc<Layered>,
    state: State,
}

/// What a block leaves behind.
#[derive(Debug, PartialEq, Eq)]
pub struct Left {
    /// Receipts, gas and root.
    pub outcome: BlockOutcome,
    /// Leaves that changed.
    pub leaves: LeafChanges,
    /// What the store has by then, beside what the world started with.
    pub stored: BTreeMap<Cid, Vec<u8>>,
}

impl World {
    /// Opens what the world started with.
    #[must_use]
    pub fn chain(&self) -> Chain {
        let store = Layered { below: Arc::clone(&self.store.below), own: MemoryStore::default() };
        let store = Arc::new(store);
        let state = EXECUTOR.open(&store, &self.root).unwrap();
        Chain { store, state }
    }
}

impl Chain {
    /// Runs a block on so many workers, whether or not that pays, and goes on from it.
    #[must_use]
    pub fn block(
        self,
        workers: Workers,
        hints: &Hints,
        env: &BlockEnv,
        transactions: &[Transaction],
    ) -> (Left, Stats, Self) {
        let Self { store, state } = self;
        let (mut state, run, stats) = EXECUTOR.run_hinted(workers, hints, state, env, transactions).unwrap();
        let settled = state.settle().unwrap();
        state.save().unwrap();
        state.forget();
        let BlockRun { receipts, gas_used, cron_gas_used } = run;
        let outcome = BlockOutcome { state_root: settled.root, receipts, gas_used, cron_gas_used };
        let stored = store.own.blocks().into_iter().collect();
        (Left { outcome, leaves: settled.leaves, stored }, stats, Self { store, state })
    }

    /// The world as this block left it, whose names are `names`.
    #[must_use]
    pub fn world(&self, left: &Left, names: Names) -> World {
        World { store: Arc::clone(&self.store), root: left.outcome.state_root, names }
    }

    /// The same, its state opened anew: it knows nothing but what the store has.
    #[must_use]
    pub fn reopened(self, left: &Left) -> Self {
        let state = EXECUTOR.open(&self.store, &left.outcome.state_root).unwrap();
        Self { store: self.store, state }
    }
}
