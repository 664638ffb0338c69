//! The tree of actors as stored: read by anyone, written by [`super::BlockState`] and by genesis.

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_encoding::from_slice;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::state::{ActorState, StateInfo0, StateRoot, StateTreeVersion};
use revm::primitives::U256;
use tributary_primitives::actors::{BuiltinActor, INIT_ID};
use tributary_primitives::{Hash32, cbor_cid};
use tributary_trees::Hamt;

use super::contract::{ContractHead, Storage};
use super::init::AddressBook;
use super::leaf::{Leaf, encode, slot_value};
use super::reader::ReadState;
use super::{hash_threads, read_block, read_cbor, write_block, write_cbor};
use crate::error::StateFatal;

/// The state under one root.
///
/// `B` is a handle on the store that is cheap to clone, such as a reference or an `Arc`.
#[derive(Debug)]
pub struct StateTree<B> {
    store: B,
    actors: Hamt,
    book: AddressBook<B>,
}

/// What a block came to in the trees.
pub(crate) struct Settled {
    /// The new root.
    pub(crate) root: Cid,
    /// The init actor, if it changed.
    pub(crate) init: Option<ActorState>,
}

impl<B: Blockstore + Clone> StateTree<B> {
    /// An empty tree for genesis to fill.
    pub(crate) fn new(store: B, chain_name: String, next_id: ActorID) -> Self {
        Self { book: AddressBook::new(store.clone(), chain_name, next_id), store, actors: Hamt::new() }
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
        Ok(Self { book: AddressBook::load(store.clone(), &init.state)?, store, actors })
    }

    /// Hashes what changed, the init actor's state among it. Nothing is written.
    pub(crate) fn settle(&mut self) -> Result<Settled, StateFatal> {
        let threads = hash_threads();
        let state = cbor_cid(&self.book.state(threads)?);
        let init = self.actors.get(&self.store, &key_of(INIT_ID))?.map(|init| actor_in(INIT_ID, init)).transpose()?;
        let init = init.unwrap_or_else(|| ActorState::new_empty(BuiltinActor::Init.code(), None));
        let init = (init.state != state).then_some(ActorState { state, ..init });
        if let Some(init) = &init {
            self.set_actors([(INIT_ID, Some(encode(init)?))])?;
        }
        Ok(Settled { root: cbor_cid(&encode(&self.root(threads)?)?), init })
    }

    /// Writes every node that is not written yet, the root last.
    pub(crate) fn save(&mut self) -> Result<(), StateFatal> {
        let threads = hash_threads();
        let init = self.book.save(threads)?;
        write_block(&self.store, &init)?;
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
        Ok(self.actors.apply(&self.store, &batch)?)
    }

    /// Forgets nodes beyond `nodes_max` of actors and as many of names.
    pub(crate) fn evict(&mut self, nodes_max: usize) {
        self.actors.evict(nodes_max);
        self.book.evict(nodes_max);
    }

    /// Calls `visit` with every actor, in the tree's order. Cost: the whole tree is read.
    ///
    /// # Errors
    /// [`StateFatal`] when the tree cannot be read; so for every reader below.
    pub fn for_each_actor(&self, mut visit: impl FnMut(ActorID, &ActorState)) -> Result<(), StateFatal> {
        self.actors.for_each(&self.store, |key, actor| {
            let id = Address::from_bytes(key).ok().and_then(|address| address.id().ok());
            let id = id.ok_or_else(|| StateFatal::Invariant("an actor's key is no id".to_owned()))?;
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
            let id = Address::from_bytes(key).ok().and_then(|address| address.id().ok());
            let id = id.ok_or_else(|| StateFatal::Invariant("an actor's key is no id".to_owned()))?;
            if let Some(head) = ContractHead::of(&actor_in(id, value)?) {
                self.for_each_leaf_of(id, head, &mut visit)?;
            }
            visit(Leaf::Actor(id).key(), value.to_vec())
        })?;
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

impl<B: Blockstore + Clone> ReadState for StateTree<B> {
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

    fn block(&self, cid: &Cid) -> Result<Vec<u8>, StateFatal> {
        read_block(&self.store, cid)
    }
}

fn key_of(id: ActorID) -> Vec<u8> {
    Address::new_id(id).to_bytes()
}

fn actor_in(id: ActorID, value: &[u8]) -> Result<ActorState, StateFatal> {
    from_slice(value).map_err(|why| StateFatal::Invariant(format!("what the tree has under {id} is no actor: {why}")))
}
