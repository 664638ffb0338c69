//! The state of the block in execution: the tree as the parent block left it, under the changes of this block's transactions.
//!
//! Actors read and changed are kept decoded, so that a block reads each of them once. Nothing is written to the store before
//! [`BlockState::flush`], which sets what changed in ascending order of ids and slots: the root depends on no map's order.

mod contracts;
mod reads;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::state::ActorState;
use revm::bytecode::Bytecode;
use revm::primitives::U256;
use tributary_primitives::actors::BuiltinActor;
use tributary_primitives::{EthAddress, raw_cid};

use self::contracts::Contract;
use super::actor::Actor;
use super::contract::{ContractHead, Storage};
use super::hash_threads;
use super::read_cbor;
use super::tree::StateTree;
use crate::error::StateFatal;
use crate::journal::changes::{ActorChange, Changes, ContractChange};

/// Actors, names, slots and codes that stay decoded from one block to the next; with more, the next block starts from the store.
/// By the size of its parts each takes 200 to 500 bytes: half a GiB at most.
const KEPT_MAX: usize = 1_000_000;

/// Nodes that stay at hand: so many of the actors, of the names, and of all contracts together. Some 3 KiB each in the first, 1 KiB
/// in the others.
const NODES_MAX: usize = 100_000;

/// The tree under the changes of a block.
pub struct BlockState<B> {
    tree: StateTree<B>,
    actors: Map<ActorID, Option<Actor>>,
    /// Actors that are not as the tree has them.
    changed: BTreeSet<ActorID>,
    contracts: Map<ActorID, Contract>,
    names: Map<Address, Option<ActorID>>,
    new_names: Vec<(Address, ActorID)>,
    next_id: ActorID,
    blocks: BTreeMap<Cid, Arc<[u8]>>,
    bytecodes: Map<Cid, Bytecode>,
}

/// A map whose order nobody sees. Keys come from strangers, so each process hashes with a seed of its own.
type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

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
            actors: Map::default(),
            changed: BTreeSet::new(),
            contracts: Map::default(),
            names: Map::default(),
            new_names: Vec::new(),
            blocks: BTreeMap::new(),
            bytecodes: Map::default(),
        }
    }

    /// Where its blocks lie.
    pub(crate) const fn store(&self) -> &B {
        self.tree.store()
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
        self.next_id = self.next_id.max(changes.next_id.unwrap_or_default());
        changes.actors.into_iter().try_for_each(|change| self.apply_actor(change))?;
        changes.credits.into_iter().try_for_each(|(id, amount)| self.add(id, amount))
    }

    fn apply_actor(&mut self, change: ActorChange) -> Result<(), StateFatal> {
        if let Some(contract) = change.contract {
            self.apply_contract(change.id, contract)?;
        }
        let builtin = change.actor.as_ref().and_then(|actor| BuiltinActor::from_code(&actor.head.code));
        if !matches!(builtin, Some(BuiltinActor::Evm | BuiltinActor::EthAccount)) {
            self.contracts.remove(&change.id);
        }
        self.set_actor(change.id, change.actor);
        Ok(())
    }

    fn apply_contract(&mut self, id: ActorID, change: ContractChange) -> Result<(), StateFatal> {
        if change.is_new || !self.load_contract(id)? {
            self.contracts.insert(id, Contract::new());
        }
        let Some(contract) = self.contracts.get_mut(&id) else { return Ok(()) };
        if contract.head.nonce != change.nonce {
            Arc::make_mut(&mut contract.head).nonce = change.nonce;
        }
        for (slot, value) in change.slots {
            contract.set(slot, value);
        }
        if let Some((hash, code)) = change.code {
            let bytes = code.original_bytes();
            let bytecode = raw_cid(&bytes);
            let head = Arc::make_mut(&mut contract.head);
            head.bytecode = bytecode;
            head.code_hash = hash.0;
            if !bytes.is_empty() {
                self.blocks.insert(bytecode, Arc::from(bytes.as_ref()));
            }
            self.bytecodes.insert(bytecode, code);
        }
        Ok(())
    }

    fn set_actor(&mut self, id: ActorID, actor: Option<Actor>) {
        self.actors.insert(id, actor);
        self.changed.insert(id);
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
            self.changed.insert(id);
        }
        Ok(())
    }

    /// Adds to an actor's balance; makes a placeholder for an Ethereum address that never had an actor.
    pub(crate) fn credit(&mut self, address: &Address, amount: U256) -> Result<(), StateFatal> {
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
            Actor::new(BuiltinActor::Placeholder, delegated)
        });
        let actor = Actor { balance: actor.balance + amount, ..actor };
        self.set_actor(id, Some(actor));
        Ok(())
    }

    /// Adds to the balance of an actor that is there.
    fn add(&mut self, id: ActorID, amount: U256) -> Result<(), StateFatal> {
        let actor = self.known_actor(id)?.as_mut();
        let actor = actor.ok_or_else(|| StateFatal::Invariant(format!("actor {id} is credited and does not exist")))?;
        actor.balance += amount;
        self.changed.insert(id);
        Ok(())
    }

    /// Takes all that an actor holds, and answers how much.
    pub(crate) fn empty(&mut self, id: ActorID) -> Result<U256, StateFatal> {
        let Some(actor) = self.cached_actor(id)?.filter(|actor| !actor.balance.is_zero()) else {
            return Ok(U256::ZERO);
        };
        let held = actor.balance;
        self.set_actor(id, Some(Actor { balance: U256::ZERO, ..actor }));
        Ok(held)
    }

    /// Writes the block's changes to the store and answers the new root. What was read and written stays at hand for the next
    /// block, unless it is more than a million actors, names and slots.
    ///
    /// # Errors
    /// [`StateFatal`] when the store does not take them; the state is then good for nothing.
    pub fn flush(&mut self) -> Result<Cid, StateFatal> {
        for (cid, block) in std::mem::take(&mut self.blocks) {
            self.tree.store().put_keyed(&cid, &block).map_err(StateFatal::tree)?;
        }
        let changed = std::mem::take(&mut self.changed);
        self.flush_contracts(&changed)?;
        let actor = |id| self.actors.get(&id).map(|actor| (id, actor.as_ref().map(ActorState::from)));
        self.tree.set_actors(changed.into_iter().filter_map(actor))?;
        self.tree.book_mut().insert(&std::mem::take(&mut self.new_names))?;
        self.tree.book_mut().advance_to(self.next_id);
        let root = self.tree.flush()?;
        self.forget(&root)?;
        Ok(root)
    }

    /// Brings the contracts among the changed actors up to date, all of them hashed together.
    fn flush_contracts(&mut self, changed: &BTreeSet<ActorID>) -> Result<(), StateFatal> {
        let mut contracts: Vec<_> = changed.iter().filter_map(|id| Some((*id, self.contracts.remove(id)?))).collect();
        let store = self.tree.store();
        contracts.iter_mut().try_for_each(|(_, contract)| contract.settle(store))?;
        let threads = hash_threads();
        Storage::hash(contracts.iter_mut().map(|(_, contract)| contract.storage()), threads);
        for (id, mut contract) in contracts {
            let Some(Some(actor)) = self.actors.get_mut(&id) else { continue };
            let state = contract.flush(store, actor, threads)?;
            Arc::make_mut(&mut actor.head).state = state;
            // An account that delegates no more has no contract.
            if !contract.is_empty() {
                self.contracts.insert(id, contract);
            }
        }
        Ok(())
    }

    /// Gives memory back: nodes first, and everything when what is decoded is too much.
    fn forget(&mut self, root: &Cid) -> Result<(), StateFatal> {
        self.tree.evict(NODES_MAX);
        let nodes: usize = self.contracts.values_mut().map(|contract| contract.storage().resident()).sum();
        if nodes > NODES_MAX {
            // Each gives in proportion to what it has.
            let share = |resident: usize| resident * (NODES_MAX / 2) / nodes;
            self.contracts.values_mut().map(Contract::storage).for_each(|all| all.evict(share(all.resident())));
        }
        if self.kept() > KEPT_MAX {
            *self = Self::load(self.tree.store().clone(), root)?;
        }
        Ok(())
    }

    /// How many actors, names, slots and codes are kept decoded.
    fn kept(&self) -> usize {
        let slots: usize = self.contracts.values().map(Contract::kept).sum();
        self.actors.len() + self.names.len() + self.bytecodes.len() + slots
    }

    /// The contract as stored; `None` for any other actor.
    fn open(&mut self, id: ActorID) -> Result<Option<Contract>, StateFatal> {
        let Some(Actor { head, .. }) = self.known_actor(id)? else { return Ok(None) };
        let Some(head) = ContractHead::at(&head.code, &head.state).copied() else { return Ok(None) };
        let head = read_cbor(self.tree.store(), &head, "contract head")?;
        Contract::open(self.tree.store(), head).map(Some)
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
