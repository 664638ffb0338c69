//! Our executor: a case is one block.

use std::sync::Arc;

use anyhow::Result;
use tributary_fvm::{BlockEnv, CodeInstaller, ExecutionParams, Executor, Receipt};
use tributary_message::Transaction;
use tributary_primitives::{EthAddress, Hash32, Height};

use crate::case::Case;
use crate::outcome::{After, Outcome, Seen};
use crate::store::Store;
use crate::world::{self, CHAIN_ID, HEIGHT, HISTORY, PREVIOUS_HASH, RANDOMNESS, SharedWorld, TIMESTAMP_S};

/// Our executor on a world.
pub struct Ours {
    executor: Executor,
    world: SharedWorld,
}

impl Ours {
    /// FVM gas is counted in the block's unit, so that any gas limit fits a block.
    ///
    /// # Errors
    /// When the engine cannot run here.
    pub fn new(world: SharedWorld) -> Result<Self> {
        let params = ExecutionParams {
            fvm_gas_per_gas: 1,
            genesis_supply: world.supply.clone(),
            code_installer: CodeInstaller::Nobody,
            cron_entry_gas: 0,
        };
        Ok(Self { executor: Executor::new(params, None)?, world })
    }

    /// Runs a case from the world's state.
    ///
    /// # Errors
    /// When the case cannot be signed or the state after it cannot be read.
    pub fn run(&self, case: &Case) -> Result<Outcome> {
        let signed = case.sign()?;
        let transactions: Vec<_> = signed.into_iter().map(|signed| Transaction::Fvm(Arc::new(signed))).collect();
        self.run_block(&transactions)
    }

    /// Runs a block from the world's state.
    ///
    /// # Errors
    /// When the state after it cannot be read.
    pub fn run_block(&self, transactions: &[Transaction]) -> Result<Outcome> {
        let store = Store::over(&self.world.ours);
        let shared = Arc::new(store.clone());
        match self.executor.execute_block(&shared, &self.world.root, &env(), transactions) {
            Ok(block) => Ok(Outcome::Ran {
                messages: block.receipts.into_iter().map(Seen::from).collect(),
                after: self.after(&store, &block.state_root)?,
            }),
            Err(fatal) => Ok(Outcome::Stopped(format!("{:#}", anyhow::Error::from(fatal)))),
        }
    }

    /// The history contract is put back: the reference has no such thing.
    fn after(&self, store: &Store, root: &cid::Cid) -> Result<After> {
        let mut tree = world::read_actors(store, root)?;
        if let Some(history) = tree.get(&world::key_of(HISTORY))?.cloned() {
            let history = fvm_shared::state::ActorState { state: self.world.history, ..history };
            tree.set(world::key_of(HISTORY), history)?;
        }
        After::read(store, tree)
    }
}

/// The block of every case: no base fee, no end to its gas.
#[must_use]
pub fn env() -> BlockEnv {
    BlockEnv {
        height: Height(HEIGHT),
        timestamp_s: TIMESTAMP_S,
        proposer: EthAddress([0xbb; 20]),
        base_fee: 0,
        gas_limit: u64::MAX,
        chain_id: CHAIN_ID,
        previous_hash: Hash32(PREVIOUS_HASH),
        prev_randao: Hash32(RANDOMNESS),
    }
}

impl From<Receipt> for Seen {
    fn from(receipt: Receipt) -> Self {
        let Receipt { exit_code, fvm_gas_used, return_data, events, skipped, .. } = receipt;
        Self {
            exit_code: exit_code.value(),
            return_data,
            gas_used: fvm_gas_used,
            events: events.into_iter().map(|event| (event.emitter, event.said.entries())).collect(),
            note: if skipped { "(skipped)".to_owned() } else { String::new() },
        }
    }
}
