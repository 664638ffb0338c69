//! Our executor, in two layers: execution, and the root.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::U256;
use anyhow::{Context, Result, ensure};
use cid::Cid;
use fvm_shared::econ::TokenAmount;
use tributary_fvm::journal::changes::{ActorChange, Changes, ContractChange};
use tributary_fvm::state::{MemoryStore, Settled, StateView as _};
use tributary_fvm::{
    BlockEnv, BlockRun, CodeInstaller, ExecutionParams, Executor, Pace, State, StateFatal, Stats, Traffic, Workers,
};
use tributary_message::Transaction;
use tributary_primitives::{EthAddress, Hash32, Height};

use crate::clock::{Time, timed};
use crate::leaves::MemoryLeaves;
use crate::store::CountingStore;
use crate::world::CHAIN_ID;

/// The base fee of every block, in attoTRB.
pub const BASE_FEE: u64 = 1_000;
/// Who proposes every block.
pub const PROPOSER: EthAddress = EthAddress([0xbb; 20]);
/// Block gas: no block of a bench comes near.
pub const GAS_LIMIT: u64 = 1 << 50;
/// The time of every block.
pub const TIMESTAMP_S: u64 = 1_700_000_000;

/// The executor and the state it is at.
pub struct Ours {
    executor: Executor,
    way: Way,
    store: Arc<CountingStore>,
    leaves: Arc<MemoryLeaves>,
    root: Cid,
    state: Option<State>,
    height: u64,
}

/// How blocks run.
enum Way {
    /// On so many threads.
    On(Workers),
    /// As on a node that may use so many: the way that has been faster lately.
    Paced(Workers, Pace),
}

impl Way {
    const fn most(&self) -> Workers {
        let (Self::On(workers) | Self::Paced(workers, _)) = self;
        *workers
    }

    /// How the next block runs.
    fn choose(&mut self, traffic: &Traffic) -> Workers {
        match self {
            Self::On(workers) => *workers,
            Self::Paced(most, pace) => pace.choose(&traffic.at_most(*most)),
        }
    }

    fn ran(&mut self, traffic: &Traffic, workers: Workers, gas: u64, took: Time) {
        if let Self::Paced(most, pace) = self {
            pace.ran(&traffic.at_most(*most), workers, gas, Duration::from_nanos(took.wall));
        }
    }
}

/// What a block took and gave.
pub struct Ran {
    /// All transactions in order, their receipts made.
    pub execute: Time,
    /// The tree's changed nodes hashed and stored.
    pub commit: Time,
    /// One a transaction.
    pub run: BlockRun,
    /// How it went on several threads.
    pub stats: Stats,
    /// Bytes of the blocks that the commit wrote.
    pub written_bytes: u64,
    /// Keys of the state that the block changed.
    pub keys: u64,
}

impl Ours {
    /// On the state under `root`.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn new(store: Arc<MemoryStore>, root: &Cid, genesis_supply: TokenAmount) -> Result<Self> {
        let params = ExecutionParams {
            fvm_gas_per_gas: 500,
            genesis_supply,
            code_installer: CodeInstaller::Nobody,
            cron_entry_gas: 0,
        };
        let executor = Executor::with_workers(params, None, Workers::new(Workers::MAX))?;
        let store = Arc::new(CountingStore::new(store, None));
        let leaves = Arc::new(MemoryLeaves::of(Arc::clone(&store), root)?);
        let state = Some(executor.open_leaves(&store, root, leaves.clone())?);
        Ok(Self { executor, way: Way::On(Workers::ONE), store, leaves, root: *root, state, height: 0 })
    }

    /// Another one that is where this one is, and runs its blocks on as many threads. Both write to the same store.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn twin(&self, workers: Workers) -> Result<Self> {
        self.on(self.store.twin(), Way::On(workers))
    }

    /// Another one that is where this one is, and runs its blocks as a node does that may use so many threads. Both write to the same
    /// store.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn node(&self, workers: Workers) -> Result<Self> {
        self.on(self.store.twin(), Way::Paced(workers, Pace::default()))
    }

    /// Another one that is where this one is, and runs its blocks in order. What it writes goes with it.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn fork(&self) -> Result<Self> {
        self.on(self.store.fork(), Way::On(Workers::ONE))
    }

    fn on(&self, store: CountingStore, way: Way) -> Result<Self> {
        let (executor, store, leaves) = (self.executor.clone(), Arc::new(store), Arc::new(self.leaves.fork()));
        let state = Some(executor.open_leaves(&store, &self.root, leaves.clone())?);
        Ok(Self { executor, way, store, leaves, root: self.root, state, height: self.height })
    }

    /// Every block of state, but those under a fork, and the root as it is now.
    #[must_use]
    pub fn state(&self) -> (&Arc<MemoryStore>, &Cid) {
        (self.store.own(), &self.root)
    }

    /// Threads that its blocks run on, or may run on.
    #[must_use]
    pub const fn workers(&self) -> Workers {
        self.way.most()
    }

    /// Sets slots of a contract as one transaction of a set-up would, and commits that.
    ///
    /// # Errors
    /// When there is no such contract, or the state cannot be read.
    pub fn set_slots(&mut self, contract: EthAddress, slots: Vec<(U256, U256)>) -> Result<()> {
        let mut state = self.state.take().context("an earlier block failed")?;
        let id = state.resolve(&contract.to_address())?.context("the contract has an id")?;
        let actor = state.actor(id)?;
        let nonce = state.contract(id)?.context("the contract is one")?.nonce;
        let contract = Some(ContractChange { is_new: false, nonce, code: None, slots });
        state.apply(Changes { actors: vec![ActorChange { id, actor, contract }], ..Changes::default() })?;
        self.commit(state)?;
        Ok(())
    }

    /// Runs a block and commits it.
    ///
    /// # Errors
    /// When a transaction does not do well: it would be a measurement of something else.
    pub fn timed_block(&mut self, transactions: &[Transaction]) -> Result<Ran> {
        self.height += 1;
        let state = self.state.take().context("an earlier block failed")?;
        let env = env(self.height);
        let traffic = self.executor.traffic(transactions);
        let workers = self.way.choose(&traffic);
        let (ran, execute) = timed(|| self.executor.run_on(workers, state, &env, transactions));
        let (state, run, stats) = ran?;
        self.way.ran(&traffic, workers, run.gas_used, execute);
        let failed = run.receipts.iter().find(|receipt| !receipt.exit_code.is_success());
        ensure!(failed.is_none(), "a transaction failed: {failed:?}");
        let written_before = self.store.written_bytes();
        let (keys, commit) = self.commit(state)?;
        let written_bytes = self.store.written_bytes() - written_before;
        Ok(Ran { execute, commit, run, stats, written_bytes, keys: u64::try_from(keys)? })
    }

    /// Makes the root and hands over what is new; how many keys changed, and the time it took. What a node does to keep the leaves is not in it.
    fn commit(&mut self, mut state: State) -> Result<(usize, Time)> {
        let (settled, settle) = timed(|| state.settle());
        let Settled { root, leaves } = settled?;
        let keys = leaves.len();
        self.leaves.apply(leaves);
        let (saved, save) = timed(|| {
            state.save()?;
            state.forget();
            Ok::<_, StateFatal>(())
        });
        saved?;
        (self.root, self.state) = (root, Some(state));
        Ok((keys, settle + save))
    }

    /// Runs a block and commits it.
    ///
    /// # Errors
    /// As for [`Self::timed_block`].
    pub fn block(&mut self, transactions: &[Transaction]) -> Result<BlockRun> {
        Ok(self.timed_block(transactions)?.run)
    }
}

fn env(height: u64) -> BlockEnv {
    BlockEnv {
        height: Height(height),
        timestamp_s: TIMESTAMP_S,
        proposer: PROPOSER,
        base_fee: BASE_FEE,
        gas_limit: GAS_LIMIT,
        chain_id: CHAIN_ID,
        previous_hash: Hash32([0x11; 32]),
        prev_randao: Hash32([0x22; 32]),
    }
}
