//! The state of the block in execution: the tree as the parent block left it, under the changes of this block's transactions.
//!
//! Actors read and changed are kept decoded, so that a block reads each of them once. Nothing is written to the store before
//! [`BlockState::flush`], which sets what changed in ascending order of ids and slots: the root depends on no map's order.

mod contracts;
mod reads;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::state::ActorState;
use revm::bytecode::Bytecode;
use revm::primitives::U256;
use tributary_primitives::actors::BuiltinActor;
use tributary_primitives::{EthAddress, raw_cid};

use self::contracts::Contract;
use super::tree::StateTree;
use crate::error::StateFatal;
use crate::journal::changes::{ActorChange, Changes, ContractChange};

/// The tree under the changes of a block.
pub struct BlockState<B> {
    tree: StateTree<B>,
    actors: BTreeMap<ActorID, Cached>,
    contracts: BTreeMap<ActorID, Contract<B>>,
    names: HashMap<Address, Option<ActorID>>,
    new_names: Vec<(Address, ActorID)>,
    next_id: ActorID,
    blocks: BTreeMap<Cid, Arc<[u8]>>,
    bytecodes: HashMap<Cid, Bytecode>,
}

/// An actor as the block has it by now.
struct Cached {
    actor: Option<ActorState>,
    is_changed: bool,
}

impl<B: Blockstore + Clone> BlockState<B> {
    /// Opens the state under `root`.
    ///
    /// # Errors
    /// [`StateFatal`] when it cannot be read.
    pub fn load(store: B, root: &Cid) -> Result<Self, StateFatal> {
        Ok(Self::over(StateTree::load(store, root)?))
    }

    pub(crate) fn over(tree: StateTree<B>) -> Self {
        Self {
            next_id: tree.book().next_id(),
            tree,
            actors: BTreeMap::new(),
            contracts: BTreeMap::new(),
            names: HashMap::new(),
            new_names: Vec::new(),
            blocks: BTreeMap::new(),
            bytecodes: HashMap::new(),
        }
    }

    /// Takes over what a transaction changed, or what a tool sets up.
    ///
    /// # Errors
    /// [`StateFatal`] when a contract that changes cannot be read.
    pub fn apply(&mut self, changes: Changes) -> Result<(), StateFatal> {
        self.blocks.extend(changes.blocks);
        for (name, id) in changes.names {
            self.name(name, id);
        }
        self.next_id = self.next_id.max(changes.next_id);
        changes.actors.into_iter().try_for_each(|change| self.apply_actor(change))
    }

    fn apply_actor(&mut self, change: ActorChange) -> Result<(), StateFatal> {
        if let Some(contract) = change.contract {
            self.apply_contract(change.id, contract)?;
        }
        if change.actor.is_none() {
            self.contracts.remove(&change.id);
        }
        self.actors.insert(change.id, Cached { actor: change.actor, is_changed: true });
        Ok(())
    }

    fn apply_contract(&mut self, id: ActorID, change: ContractChange) -> Result<(), StateFatal> {
        if change.is_new || !self.load_contract(id)? {
            self.contracts.insert(id, Contract::new(self.tree.store().clone())?);
        }
        let Some(contract) = self.contracts.get_mut(&id) else { return Ok(()) };
        contract.is_changed = true;
        contract.head.nonce = change.nonce;
        for (slot, value) in change.slots {
            contract.set(slot, value);
        }
        if let Some((hash, code)) = change.code {
            let bytes = code.original_bytes();
            let bytecode = raw_cid(&bytes);
            contract.head.bytecode = bytecode;
            contract.head.code_hash = hash.0;
            if !bytes.is_empty() {
                self.blocks.insert(bytecode, Arc::from(bytes.as_ref()));
            }
            self.bytecodes.insert(bytecode, code);
        }
        Ok(())
    }

    fn name(&mut self, name: Address, id: ActorID) {
        self.names.insert(name, Some(id));
        self.new_names.push((name, id));
    }

    /// Sets one slot of a contract that exists; of any other actor, nothing.
    pub(crate) fn set_slot(&mut self, id: ActorID, slot: U256, value: U256) -> Result<(), StateFatal> {
        if self.load_contract(id)? {
            if let Some(contract) = self.contracts.get_mut(&id) {
                contract.set(slot, value);
            }
            if let Some(cached) = self.actors.get_mut(&id) {
                cached.is_changed = true;
            }
        }
        Ok(())
    }

    /// Adds to an actor's balance; makes a placeholder for an Ethereum address that never had an actor.
    pub(crate) fn credit(&mut self, address: &Address, amount: &TokenAmount) -> Result<(), StateFatal> {
        let id = match self.cached_id(address)? {
            Some(id) => id,
            None => {
                let id = self.next_id;
                self.next_id += 1;
                self.name(*address, id);
                id
            }
        };
        let actor = self.cached_actor(id)?.unwrap_or_else(|| {
            let delegated = EthAddress::from_address(address).filter(|eth| eth.as_actor_id().is_none());
            let delegated = delegated.map(|eth| eth.to_address());
            ActorState::new_empty(BuiltinActor::Placeholder.code(), delegated)
        });
        let actor = ActorState { balance: &actor.balance + amount, ..actor };
        self.actors.insert(id, Cached { actor: Some(actor), is_changed: true });
        Ok(())
    }

    /// Writes the block's changes to the store and answers the new root.
    ///
    /// # Errors
    /// [`StateFatal`] when the store does not take them.
    pub fn flush(mut self) -> Result<Cid, StateFatal> {
        for (cid, block) in &self.blocks {
            self.tree.store().put_keyed(cid, block).map_err(StateFatal::tree)?;
        }
        for (id, contract) in &mut self.contracts {
            let Some(cached) = self.actors.get_mut(id) else { continue };
            if let (true, Some(actor)) = (contract.is_changed, &mut cached.actor) {
                actor.state = contract.flush(self.tree.store(), &actor.code)?;
                cached.is_changed = true;
            }
        }
        for (id, cached) in self.actors {
            if cached.is_changed {
                self.tree.set_actor(id, cached.actor)?;
            }
        }
        for (name, id) in &self.new_names {
            self.tree.book_mut().insert(name, *id)?;
        }
        self.tree.book_mut().advance_to(self.next_id);
        self.tree.flush()
    }

    /// The contract as stored; `None` for any other actor.
    fn open(&mut self, id: ActorID) -> Result<Option<Contract<B>>, StateFatal> {
        let Some(actor) = self.cached_actor(id)? else { return Ok(None) };
        let Some(head) = self.tree.head_of(&actor)? else { return Ok(None) };
        Contract::open(self.tree.store().clone(), head).map(Some)
    }

    /// Whether there is a contract, now kept decoded.
    fn load_contract(&mut self, id: ActorID) -> Result<bool, StateFatal> {
        if !self.contracts.contains_key(&id) {
            let Some(contract) = self.open(id)? else { return Ok(false) };
            self.contracts.insert(id, contract);
        }
        Ok(true)
    }
}
