//! The tree of actors as stored: read by anyone, written by [`super::BlockState`] and by genesis.

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_encoding::from_slice;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::state::{ActorState, StateInfo0, StateRoot, StateTreeVersion};
use revm::primitives::U256;
use tributary_primitives::actors::{BuiltinActor, ENTRIES_ID, INIT_ID};
use tributary_primitives::{EntryKey, Hash32, cbor_cid};
use tributary_trees::Hamt;

use super::contract::{ContractHead, Storage};
use super::entries::{self, Entries};
use super::init::AddressBook;
use super::leaf::{Leaf, encode, slot_value};
use super::reader::ReadState;
use super::{read_block, read_cbor, tree_threads, write_block, write_cbor};
use crate::error::StateFatal;

/// The state under one root.
///
/// `B` is a handle on the store that is cheap to clone, such as a reference or an `Arc`.
#[derive(Debug)]
pub struct StateTree<B> {
    store: B,
    actors: Hamt,
    book: AddressBook<B>,
    /// Once they are needed.
    entries: Option<Entries>,
}

/// What a block came to in the trees.
pub(crate) struct Settled {
    /// The new root.
    pub(crate) root: Cid,
    /// Of the actors whose state the trees make, init and entries, those that changed; `None` for one that is no more.
    pub(crate) made: Vec<(ActorID, Option<ActorState>)>,
}

impl<B: Blockstore + Clone + Sync> StateTree<B> {
    /// An empty tree for genesis to fill.
    pub(crate) fn new(store: B, chain_name: String, next_id: ActorID) -> Self {
        Self { book: AddressBook::new(store.clone(), chain_name, next_id), store, actors: Hamt::new(), entries: None }
    }

    /// Opens the state under `root`. Cost: four blocks read.
    ///
    /// # Errors
    /// [`StateFatal`] when a block is missing or is not what it should be.
    pub fn load(store: B, root: &Cid) -> Result<Self, StateFatal> {
        let state: StateRoot = read_cbor(&store, root, "state root")?;
        let actors = Hamt::load(&store, &state.actors)?;
        let init = actors.peek(&store, &key_of(INIT_ID))?.map(|init| actor_in(INIT_ID, &init)).transpose()?;
        let init = init.ok_or_else(|| StateFatal::Invariant("there is no init actor".to_owned()))?;
        Ok(Self { book: AddressBook::load(store.clone(), &init.state)?, store, actors, entries: None })
    }

    /// Hashes what changed, the states of the init actor and of the one that holds entries among it. Nothing is written.
    pub(crate) fn settle(&mut self) -> Result<Settled, StateFatal> {
        let threads = tree_threads();
        let state = cbor_cid(&self.book.state(threads)?);
        let mut made = Vec::new();
        made.extend(self.set_state(INIT_ID, BuiltinActor::Init, Some(state))?);
        if let Some(entries) = &mut self.entries {
            // The actor comes with the first entry, and goes with the last.
            let state = (!entries.is_empty()).then(|| entries.root(threads));
            made.extend(self.set_state(ENTRIES_ID, BuiltinActor::Entries, state)?);
        }
        Ok(Settled { root: cbor_cid(&encode(&self.root(threads)?)?), made })
    }

    /// Gives a built-in actor, made now unless it is there, its state, or deletes it; what it is now if that changed it.
    fn set_state(
        &mut self,
        id: ActorID,
        builtin: BuiltinActor,
        state: Option<Cid>,
    ) -> Result<Option<(ActorID, Option<ActorState>)>, StateFatal> {
        let was = self.actor_again(id)?;
        let new = || ActorState::new_empty(builtin.code(), None);
        let actor = state.map(|state| ActorState { state, ..was.clone().unwrap_or_else(new) });
        if actor == was {
            return Ok(None);
        }
        self.set_actors([(id, actor.as_ref().map(encode).transpose()?)])?;
        Ok(Some((id, actor)))
    }

    /// An entry, as far as the tree has settled; what is read on the way stays at hand.
    pub(crate) fn entry_again(&mut self, id: ActorID, key: &EntryKey) -> Result<Option<Vec<u8>>, StateFatal> {
        let store = self.store.clone();
        self.open_entries()?.get(&store, id, key)
    }

    /// Sets entries and deletes them; the changes ascend. Before actors are set whose state they make: the maps are opened as the tree
    /// has them.
    pub(crate) fn set_entries(&mut self, changes: &[entries::Change]) -> Result<(), StateFatal> {
        if changes.is_empty() {
            return Ok(());
        }
        let store = self.store.clone();
        self.open_entries()?.apply(&store, changes, tree_threads())
    }

    fn open_entries(&mut self) -> Result<&mut Entries, StateFatal> {
        match self.entries {
            Some(ref mut entries) => Ok(entries),
            None => {
                let root = self.actor_again(ENTRIES_ID)?.map(|actor| actor.state);
                let entries = root.map(|root| Entries::load(&self.store, &root)).transpose()?;
                Ok(self.entries.insert(entries.unwrap_or_default()))
            }
        }
    }

    /// Writes every node that is not written yet, the root last.
    pub(crate) fn save(&mut self) -> Result<(), StateFatal> {
        let threads = tree_threads();
        let init = self.book.save(threads)?;
        write_block(&self.store, &init)?;
        if let Some(entries) = self.entries.as_mut().filter(|entries| !entries.is_empty()) {
            entries.save(&self.store, threads)?;
        }
        let root = self.root(threads)?;
        self.actors.flush(&self.store, threads)?;
        write_cbor(&self.store, &StateInfo0::default())?;
        write_cbor(&self.store, &root).map(drop)
    }

    fn root(&mut self, threads: usize) -> Result<StateRoot, StateFatal> {
        let info = cbor_cid(&encode(&StateInfo0::default())?);
        Ok(StateRoot { version: StateTreeVersion::V5, actors: self.actors.root(threads), info })
    }

    /// The actor, as far as the tree has settled; what is read on the way stays at hand.
    pub(crate) fn actor_again(&mut self, id: ActorID) -> Result<Option<ActorState>, StateFatal> {
        self.actors.get(&self.store, &key_of(id))?.map(|actor| actor_in(id, actor)).transpose()
    }

    /// Sets actors as [`encode`] spells them, or takes them out.
    pub(crate) fn set_actors(
        &mut self,
        actors: impl IntoIterator<Item = (ActorID, Option<Vec<u8>>)>,
    ) -> Result<(), StateFatal> {
        let batch: Vec<_> = actors.into_iter().map(|(id, actor)| (key_of(id), actor)).collect();
        Ok(Hamt::apply_all(&self.store, vec![(&mut self.actors, &batch)], tree_threads())?)
    }

    /// Forgets nodes beyond `nodes_max` of actors and as many of names, and those of entries beyond their own bound.
    pub(crate) fn evict(&mut self, nodes_max: usize) {
        self.actors.evict(nodes_max);
        self.book.evict(nodes_max);
        if let Some(entries) = &mut self.entries {
            entries.evict();
        }
    }

    /// Calls `visit` with every actor, in the tree's order. Cost: the whole tree is read.
    ///
    /// # Errors
    /// [`StateFatal`] when the tree cannot be read; so for every reader below.
    pub fn for_each_actor(&self, mut visit: impl FnMut(ActorID, &ActorState)) -> Result<(), StateFatal> {
        self.actors.for_each(&self.store, |key, actor| {
            let id = id_of(key)?;
            visit(id, &actor_in(id, actor)?);
            Ok(())
        })
    }

    /// Calls `visit` with every storage slot of a contract that is not zero, in ascending order. Cost: all its storage is read.
    #[expect(clippy::missing_errors_doc, reason = "as for `for_each_actor`")]
    pub fn for_each_slot(&self, address: &Address, mut visit: impl FnMut(Hash32, Hash32)) -> Result<(), StateFatal> {
        let Some((id, actor)) = self.actor_at(address)? else { return Ok(()) };
        let Some(head) = self.head_of(id, &actor)? else { return Ok(()) };
        let storage = Storage::load(&self.store, &head.storage)?;
        storage.for_each(&self.store, |slot, value| {
            visit(Hash32(slot.to_be_bytes()), Hash32(value.to_be_bytes()));
            Ok(())
        })
    }

    /// Calls `visit` with the key and value of every leaf. Cost: all of the state's trees are read.
    ///
    /// # Errors
    /// [`StateFatal`] when the tree cannot be read, and what `visit` says.
    pub fn for_each_leaf(
        &self,
        mut visit: impl FnMut(Vec<u8>, Vec<u8>) -> Result<(), StateFatal>,
    ) -> Result<(), StateFatal> {
        self.actors.for_each(&self.store, |key, value| {
            let id = id_of(key)?;
            if let Some(head) = ContractHead::of(&actor_in(id, value)?) {
                self.for_each_leaf_of(id, head, &mut visit)?;
            }
            visit(Leaf::Actor(id).key(), value.to_vec())
        })?;
        if let Some(actor) = ReadState::actor(self, ENTRIES_ID)? {
            entries::for_each(&self.store, &actor.state, |id, key, value| {
                visit(Leaf::Entry(id, key).key(), value.to_vec())
            })?;
        }
        self.book.for_each_name(|name, id| visit(Leaf::Name(name).key(), id.to_vec()))?;
        visit(Leaf::NextId.key(), encode(&self.book.next_id())?)
    }

    /// The same of one contract.
    fn for_each_leaf_of(
        &self,
        id: ActorID,
        head: &Cid,
        visit: &mut impl FnMut(Vec<u8>, Vec<u8>) -> Result<(), StateFatal>,
    ) -> Result<(), StateFatal> {
        visit(Leaf::Contract(id).key(), read_block(&self.store, head)?)?;
        let head: ContractHead = read_cbor(&self.store, head, "contract head")?;
        Storage::load(&self.store, &head.storage)?.for_each(&self.store, |slot, value| {
            slot_value(value).map_or(Ok(()), |value| visit(Leaf::Slot(id, slot).key(), value))
        })
    }

    /// The chain's name, as genesis gave it.
    #[must_use]
    pub fn chain_name(&self) -> &str {
        self.book.chain_name()
    }

    pub(crate) const fn store(&self) -> &B {
        &self.store
    }

    pub(crate) const fn book(&self) -> &AddressBook<B> {
        &self.book
    }

    pub(crate) const fn book_mut(&mut self) -> &mut AddressBook<B> {
        &mut self.book
    }
}

impl<B: Blockstore + Clone + Sync> ReadState for StateTree<B> {
    fn actor(&self, id: ActorID) -> Result<Option<ActorState>, StateFatal> {
        self.actors.peek(&self.store, &key_of(id))?.map(|actor| actor_in(id, &actor)).transpose()
    }

    fn resolve(&self, address: &Address) -> Result<Option<ActorID>, StateFatal> {
        self.book.resolve(address)
    }

    fn head_of(&self, _: ActorID, actor: &ActorState) -> Result<Option<ContractHead>, StateFatal> {
        ContractHead::of(actor).map(|head| read_cbor(&self.store, head, "contract head")).transpose()
    }

    fn slot_of(&self, _: ActorID, head: &ContractHead, slot: U256) -> Result<U256, StateFatal> {
        Storage::load(&self.store, &head.storage)?.peek(&self.store, slot)
    }

    fn entry(&self, id: ActorID, key: &EntryKey) -> Result<Option<Vec<u8>>, StateFatal> {
        let Some(actor) = self.actor(ENTRIES_ID)? else { return Ok(None) };
        entries::find(&self.store, &actor.state, id, key)
    }

    fn block(&self, cid: &Cid) -> Result<Vec<u8>, StateFatal> {
        read_block(&self.store, cid)
    }
}

/// An actor's key in a map.
pub(super) fn key_of(id: ActorID) -> Vec<u8> {
    Address::new_id(id).to_bytes()
}

/// The actor that a key names.
pub(super) fn id_of(key: &[u8]) -> Result<ActorID, StateFatal> {
    let id = Address::from_bytes(key).ok().and_then(|address| address.id().ok());
    id.ok_or_else(|| StateFatal::Invariant("an actor's key is no id".to_owned()))
}

fn actor_in(id: ActorID, value: &[u8]) -> Result<ActorState, StateFatal> {
    from_slice(value).map_err(|why| StateFatal::Invariant(format!("what the tree has under {id} is no actor: {why}")))
}
