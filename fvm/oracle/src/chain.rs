//! The reference going on from block to block, its time taken.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::state::ActorState;
use tributary_bench::clock::timed;
use tributary_message::Transaction;
use tributary_primitives::EthAddress;

use crate::ethereum;
use crate::outcome::Seen;
use crate::reference::Reference;
use crate::store::Store;
use crate::world::{World, read_actors};

/// The reference, and the state it is at.
pub struct Chain {
    reference: Reference,
    store: Store,
    root: Cid,
}

/// What a block took, in CPU nanoseconds, and gave.
pub struct Ran {
    /// The state opened, all messages in order.
    pub execute: u64,
    /// The tree's changed nodes hashed and stored.
    pub flush: u64,
    /// One a transaction; what a call of Ethereum's returned is as Ethereum has it.
    pub seen: Vec<Seen>,
}

impl Chain {
    /// On the world's state.
    ///
    /// # Errors
    /// When the engine cannot run here.
    pub fn new(world: World) -> Result<Self> {
        let (store, root) = (Store::over(&world.theirs), world.root);
        Ok(Self { reference: Reference::new(Arc::new(world))?, store, root })
    }

    /// Runs a block and flushes it.
    ///
    /// # Errors
    /// When a message does not do well: it would be a measurement of something else.
    pub fn block(&mut self, transactions: &[Transaction]) -> Result<Ran> {
        let messages = transactions.iter().map(ethereum::message).collect::<Result<Vec<_>>>()?;
        let (ran, execute) = timed(|| self.reference.run_on(&self.store, &self.root, messages));
        let (applied, open) = ran?;
        let failed = applied.iter().find(|applied| !applied.msg_receipt.exit_code.is_success());
        ensure!(failed.is_none(), "a message of the reference's failed: {failed:?}");
        let (root, flush) = timed(|| open.flush());
        self.root = root?;
        let seen = transactions.iter().zip(applied).map(|(transaction, applied)| ethereum::seen(transaction, applied));
        Ok(Ran { execute: execute.cpu, flush: flush.cpu, seen: seen.collect::<Result<_>>()? })
    }

    /// The actor at an Ethereum address.
    ///
    /// # Errors
    /// As for [`actor_at`].
    pub fn actor_at(&self, address: EthAddress) -> Result<ActorState> {
        actor_at(&self.store, &self.root, address)
    }
}

/// The actor at an Ethereum address, under a state root. Cost: a walk through all actors.
///
/// # Errors
/// When there is none, or a block is missing.
pub fn actor_at<S: Blockstore + Clone>(store: &S, root: &Cid, address: EthAddress) -> Result<ActorState> {
    let mut found = None;
    read_actors(store, root)?.for_each(|_, actor| {
        if actor.delegated_address == Some(address.to_address()) {
            found = Some(actor.clone());
        }
        Ok(())
    })?;
    found.with_context(|| format!("nobody is at {address}"))
}
