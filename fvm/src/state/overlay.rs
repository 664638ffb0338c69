//! The state of the block in execution: what the parent block left, under the changes of this block's transactions.
//!
//! ```text
//! transactions ─apply▶ changes ─settle▶ trees: root     ─save▶ nodes in the store
//!       ◀──reads── at hand                leaves changed ─────▶ where leaves are looked up (the caller)
//!                     ◀── leaves, or trees
//! ```
//!
//! Actors read and changed are kept decoded, so that a block reads each of them once. What is not at hand comes from leaves where
//! there are any, one read each, else from the trees. How a root comes of it is in `settling`.

pub(crate) mod beside;
mod cache;
mod codes;
mod contracts;
mod draft;
mod entries;
mod names;
mod reads;
mod settling;

use std::collections::BTreeSet;
use std::sync::Arc;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_encoding::BytesDe;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use revm::primitives::U256;
use tributary_primitives::actors::{BURNT_FUNDS_ID, BuiltinActor, ENTRIES_ID};
use tributary_primitives::{EntryKey, EthAddress, raw_cid};

use self::cache::Cache;
use self::codes::Codes;
use self::contracts::Contract;
use self::names::Names;
pub use self::settling::Settled;
use super::actor::Actor;
use super::contract::ContractHead;
use super::leaf::{Leaf, Reads, SharedLeaves, decode, decode_slot};
use super::tree::StateTree;
use super::{Map, read_cbor};
use crate::error::StateFatal;
use crate::journal::changes::{ActorChange, Changes, ContractChange, EntryChange};
use crate::money;

/// The state under the changes of a block.
pub struct BlockState<B> {
    store: B,
    trees: Trees<B>,
    /// Where it reads what is not at hand; without them from the trees.
    leaves: Option<Reads>,
    actors: Cache<ActorID, Option<Actor>>,
    contracts: Map<ActorID, Contract>,
    /// Contracts that the store does not have as they are now.
    unsaved: BTreeSet<ActorID>,
    /// Leaves of contracts that are no more.
    dropped: Vec<Leaf>,
    /// Entries read and entries changed, as the block has them by now.
    entries: Cache<(ActorID, EntryKey), Option<Arc<[u8]>>>,
    names: Names,
    new_names: Vec<(Address, ActorID)>,
    next_id: ActorID,
    /// The next id as the leaves have it.
    settled_next_id: ActorID,
    blocks: Map<Cid, Arc<[u8]>>,
    codes: Codes,
    /// Whether it is no state of the chain's, and is never settled.
    is_draft: bool,
}

/// The trees, which a state that only reads by leaves never opens.
enum Trees<B> {
    Closed(Cid),
    Open(Box<StateTree<B>>),
}

impl<B: Blockstore + Clone + Sync> Trees<B> {
    fn open(&mut self, store: &B) -> Result<&mut StateTree<B>, StateFatal> {
        if let Self::Closed(root) = self {
            *self = Self::Open(Box::new(StateTree::load(store.clone(), root)?));
        }
        match self {
            Self::Open(tree) => Ok(tree),
            Self::Closed(root) => Err(StateFatal::Invariant(format!("the state {root} was opened and is not open"))),
        }
    }
}

impl<B: Blockstore + Clone + Sync> BlockState<B> {
    /// Opens the state under `root`, which reads its trees.
    ///
    /// # Errors
    /// [`StateFatal`] when it cannot be read.
    pub fn load(store: B, root: &Cid) -> Result<Self, StateFatal> {
        Ok(Self::over(StateTree::load(store, root)?))
    }

    /// Opens the state under `root`, which reads its leaves: those after the block that made the root, and after each block that
    /// settles here those of that one. Cost: one read.
    ///
    /// # Errors
    /// [`StateFatal`] when they cannot be read.
    pub fn with_leaves(store: B, root: &Cid, leaves: SharedLeaves) -> Result<Self, StateFatal> {
        let leaves = Reads(leaves);
        let next_id = leaves.next_id()?;
        Ok(Self { leaves: Some(leaves), ..Self::new(store, Trees::Closed(*root), next_id) })
    }

    pub(crate) fn over(tree: StateTree<B>) -> Self {
        let (store, next_id) = (tree.store().clone(), tree.book().next_id());
        Self::new(store, Trees::Open(Box::new(tree)), next_id)
    }

    fn new(store: B, trees: Trees<B>, next_id: ActorID) -> Self {
        Self {
            store,
            trees,
            leaves: None,
            actors: Cache::default(),
            contracts: Map::default(),
            unsaved: BTreeSet::new(),
            dropped: Vec::new(),
            entries: Cache::default(),
            names: Names::default(),
            new_names: Vec::new(),
            next_id,
            settled_next_id: next_id,
            blocks: Map::default(),
            codes: Codes::default(),
            is_draft: false,
        }
    }

    /// From here on it reads these leaves, which are those of the state as it is now.
    pub fn read_leaves(&mut self, leaves: SharedLeaves) {
        self.leaves = Some(Reads(leaves));
    }

    /// Where its blocks lie.
    pub(crate) const fn store(&self) -> &B {
        &self.store
    }

    fn tree(&mut self) -> Result<&mut StateTree<B>, StateFatal> {
        self.trees.open(&self.store)
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
        for EntryChange { id, key, value } in changes.entries {
            self.entries.set((id, key), value);
        }
        changes.credits.into_iter().try_for_each(|(id, amount)| self.add(id, amount))
    }

    fn apply_actor(&mut self, change: ActorChange) -> Result<(), StateFatal> {
        if let Some(contract) = change.contract {
            self.apply_contract(change.id, contract)?;
        }
        let builtin = change.actor.as_ref().and_then(|actor| actor.head.code.builtin());
        if !matches!(builtin, Some(BuiltinActor::Evm | BuiltinActor::EthAccount)) {
            self.drop_contract(change.id)?;
        }
        self.set_actor(change.id, change.actor);
        Ok(())
    }

    fn apply_contract(&mut self, id: ActorID, change: ContractChange) -> Result<(), StateFatal> {
        let exists = self.load_contract(id)?;
        if change.is_new || !exists {
            // Leaves that a draft leaves behind are nobody's to clear.
            let old = self.contracts.get_mut(&id).filter(|_| !self.is_draft);
            let old = old.map(|old| old.all_slots(&self.store)).transpose()?;
            self.contracts.insert(id, Contract::new(old.unwrap_or_default()));
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
            contract.set_code(bytecode, hash, code.clone());
            if !bytes.is_empty() {
                self.blocks.insert(bytecode, Arc::from(bytes.as_ref()));
            }
            self.codes.insert(bytecode, code);
        }
        Ok(())
    }

    /// The actor is a contract no more, if it was one: its leaves go. No rule lets one with storage go that was there before its
    /// transaction (EIP-6780), so this reads nothing in practice.
    fn drop_contract(&mut self, id: ActorID) -> Result<(), StateFatal> {
        if self.load_contract(id)?
            && let Some(mut contract) = self.contracts.remove(&id)
            && !self.is_draft
        {
            let slots = contract.all_slots(&self.store)?;
            self.dropped.extend(slots.into_iter().map(|slot| Leaf::Slot(id, slot)).chain([Leaf::Contract(id)]));
            self.unsaved.remove(&id);
        }
        Ok(())
    }

    fn set_actor(&mut self, id: ActorID, actor: Option<Actor>) {
        self.actors.set(id, actor);
    }

    /// Gives the next id to the new actor with this name.
    fn name_next(&mut self, name: Address) -> ActorID {
        let id = self.next_id;
        self.next_id += 1;
        self.name(name, id);
        id
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
            self.actors.touch(id);
        }
        Ok(())
    }

    /// Adds to an actor's balance; makes a placeholder for an Ethereum address that never had an actor.
    pub(crate) fn credit(&mut self, address: &Address, amount: U256) -> Result<(), StateFatal> {
        let id = match self.cached_id(address)? {
            Some(id) => id,
            None => self.name_next(*address),
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
        self.actors.touch(id);
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

    /// Takes over the leaves that a block changed, as if it had been run.
    ///
    /// # Errors
    /// [`StateFatal`] for a leaf that is damaged, or a contract that cannot be read; the state is then good for nothing.
    pub fn apply_leaves(&mut self, changes: &[(Vec<u8>, Option<Vec<u8>>)]) -> Result<(), StateFatal> {
        let mut actors = Vec::new();
        for (key, value) in changes {
            let leaf = Leaf::of_key(key);
            let leaf = leaf.ok_or_else(|| StateFatal::Invariant(format!("{key:02x?} is no leaf's key")))?;
            match leaf {
                // Made again with the entries.
                Leaf::Actor(ENTRIES_ID) => {}
                // Contracts first, as long as the state knows them as they were.
                Leaf::Actor(id) => actors.push((id, leaf, value)),
                Leaf::Contract(id) => {
                    let head = value.as_ref().map(|head| decode(&leaf, head)).transpose()?;
                    self.known_contract(id)?.set_head(head);
                }
                Leaf::Slot(id, slot) => {
                    let value = value.as_ref().map(|value| decode_slot(&leaf, value)).transpose()?;
                    self.known_contract(id)?.set(slot, value.unwrap_or_default());
                }
                Leaf::Entry(id, key) => {
                    let value = value.as_ref().map(|value| decode::<BytesDe>(&leaf, value)).transpose()?;
                    self.entries.set((id, key), value.map(|value| Arc::from(value.0)));
                }
                Leaf::Name(name) => {
                    let id = value.as_ref().map(|id| decode(&leaf, id)).transpose()?;
                    self.name(name, id.ok_or_else(|| StateFatal::Invariant(format!("{name} lost its actor")))?);
                }
                Leaf::NextId => {
                    let next = value.as_ref().map(|id| decode(&leaf, id)).transpose()?;
                    self.next_id = self.next_id.max(next.unwrap_or_default());
                }
            }
        }
        for (id, leaf, value) in actors {
            let actor = value.as_ref().map(|actor| Actor::read(id, decode(&leaf, actor)?)).transpose()?;
            self.apply_actor(ActorChange { id, actor, contract: None })?;
        }
        Ok(())
    }

    fn known_contract(&mut self, id: ActorID) -> Result<&mut Contract, StateFatal> {
        self.load_contract(id)?;
        Ok(self.contracts.entry(id).or_insert_with(|| Contract::new(BTreeSet::new())))
    }

    /// Tokens burnt since genesis, in attoTRB.
    ///
    /// # Errors
    /// [`StateFatal`] when the state cannot be read.
    pub fn burnt(&mut self) -> Result<TokenAmount, StateFatal> {
        Ok(self.money(BURNT_FUNDS_ID)?.map_or_else(TokenAmount::default, |(_, burnt)| money::to_tokens(burnt)))
    }

    /// The contract as stored; `None` for any other actor.
    fn open(&mut self, id: ActorID) -> Result<Option<Contract>, StateFatal> {
        let Some(Actor { head, .. }) = self.known_actor(id)? else { return Ok(None) };
        let Some(head) = ContractHead::at(head.code.builtin(), &head.state).copied() else { return Ok(None) };
        let head = match &self.leaves {
            Some(leaves) => leaves.contract(id)?.ok_or_else(|| StateFatal::missing(&head))?,
            None => read_cbor(&self.store, &head, "contract head")?,
        };
        Ok(Some(Contract::stored(head)))
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
