//! The tree of actors as stored: read by anyone, written by [`super::BlockState`] and by genesis.

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_encoding::{from_slice, to_vec};
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::state::{ActorState, StateInfo0, StateRoot, StateTreeVersion};
use revm::primitives::U256;
use tributary_primitives::actors::{BURNT_FUNDS_ID, BuiltinActor, INIT_ID};
use tributary_primitives::{EthAddress, Hash32};
use tributary_trees::Hamt;

use super::contract::{ContractHead, Storage};
use super::init::AddressBook;
use super::{hash_threads, read_block, read_cbor, write_cbor};
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

    /// Writes every changed node, the init actor's state among them, and answers the new root.
    pub(crate) fn flush(&mut self) -> Result<Cid, StateFatal> {
        let threads = hash_threads();
        let state = self.book.flush(threads)?;
        let init = self.actor(INIT_ID)?;
        let init = init.unwrap_or_else(|| ActorState::new_empty(BuiltinActor::Init.code(), None));
        self.set_actors([(INIT_ID, Some(ActorState { state, ..init }))])?;
        let actors = self.actors.flush(&self.store, threads)?;
        let info = write_cbor(&self.store, &StateInfo0::default())?;
        write_cbor(&self.store, &StateRoot { version: StateTreeVersion::V5, actors, info })
    }

    /// The actor with this id.
    ///
    /// # Errors
    /// [`StateFatal`] when the tree cannot be read; so for every reader below.
    pub fn actor(&self, id: ActorID) -> Result<Option<ActorState>, StateFatal> {
        self.actors.peek(&self.store, &key_of(id))?.map(|actor| actor_in(id, &actor)).transpose()
    }

    /// The same; what is read on the way stays at hand.
    pub(crate) fn actor_again(&mut self, id: ActorID) -> Result<Option<ActorState>, StateFatal> {
        self.actors.get(&self.store, &key_of(id))?.map(|actor| actor_in(id, actor)).transpose()
    }

    pub(crate) fn set_actors(
        &mut self,
        actors: impl IntoIterator<Item = (ActorID, Option<ActorState>)>,
    ) -> Result<(), StateFatal> {
        let entry = |(id, actor): (ActorID, Option<ActorState>)| {
            let actor = actor.map(|actor| to_vec(&actor)).transpose().map_err(StateFatal::tree)?;
            Ok((key_of(id), actor))
        };
        let batch = actors.into_iter().map(entry).collect::<Result<Vec<_>, StateFatal>>()?;
        Ok(self.actors.apply(&self.store, &batch)?)
    }

    /// Forgets nodes beyond `nodes_max` of actors and as many of names.
    pub(crate) fn evict(&mut self, nodes_max: usize) {
        self.actors.evict(nodes_max);
        self.book.evict(nodes_max);
    }

    /// The id behind an address; for an id address the id itself, whether or not the actor exists.
    #[expect(clippy::missing_errors_doc, reason = "as for `actor`")]
    pub fn resolve(&self, address: &Address) -> Result<Option<ActorID>, StateFatal> {
        self.book.resolve(address)
    }

    /// The actor behind an address.
    #[expect(clippy::missing_errors_doc, reason = "as for `actor`")]
    pub fn actor_at(&self, address: &Address) -> Result<Option<(ActorID, ActorState)>, StateFatal> {
        let Some(id) = self.resolve(address)? else { return Ok(None) };
        Ok(self.actor(id)?.map(|actor| (id, actor)))
    }

    /// What an address holds, in attoTRB; zero when there is no actor.
    #[expect(clippy::missing_errors_doc, reason = "as for `actor`")]
    pub fn balance(&self, address: &Address) -> Result<TokenAmount, StateFatal> {
        Ok(self.actor_at(address)?.map_or_else(TokenAmount::default, |(_, actor)| actor.balance))
    }

    /// The nonce of the next transaction from an address; of a contract, the number of contracts it made and one.
    #[expect(clippy::missing_errors_doc, reason = "as for `actor`")]
    pub fn nonce(&self, address: &Address) -> Result<u64, StateFatal> {
        let Some((_, actor)) = self.actor_at(address)? else { return Ok(0) };
        if actor.code != BuiltinActor::Evm.code() {
            return Ok(actor.sequence);
        }
        Ok(self.head_of(&actor)?.map_or(0, |head| head.nonce))
    }

    /// The code behind an address: a contract's bytecode, a WASM actor's module, an account's delegation; empty for the rest.
    #[expect(clippy::missing_errors_doc, reason = "as for `actor`")]
    pub fn code(&self, address: &Address) -> Result<Vec<u8>, StateFatal> {
        let Some((_, actor)) = self.actor_at(address)? else { return Ok(Vec::new()) };
        match (self.head_of(&actor)?, BuiltinActor::from_code(&actor.code)) {
            (Some(head), _) => self.read_code(&head.bytecode),
            (None, Some(_)) => Ok(Vec::new()),
            (None, None) => read_block(&self.store, &actor.code),
        }
    }

    /// A contract's storage slot; zero for any other actor.
    #[expect(clippy::missing_errors_doc, reason = "as for `actor`")]
    pub fn storage(&self, address: &Address, slot: &Hash32) -> Result<Hash32, StateFatal> {
        let Some((_, actor)) = self.actor_at(address)? else { return Ok(Hash32::default()) };
        let Some(head) = self.head_of(&actor)? else { return Ok(Hash32::default()) };
        let value = Storage::load(&self.store, &head.storage)?.peek(&self.store, U256::from_be_bytes(slot.0))?;
        Ok(Hash32(value.to_be_bytes()))
    }

    /// The Ethereum address that stands for an actor: its own, or the masked id.
    #[expect(clippy::missing_errors_doc, reason = "as for `actor`")]
    pub fn eth_address(&self, id: ActorID) -> Result<EthAddress, StateFatal> {
        let delegated = self.actor(id)?.and_then(|actor| actor.delegated_address);
        Ok(super::view::eth_address(id, delegated.as_ref()))
    }

    /// Tokens burnt since genesis, in attoTRB.
    #[expect(clippy::missing_errors_doc, reason = "as for `actor`")]
    pub fn burnt(&self) -> Result<TokenAmount, StateFatal> {
        self.balance(&Address::new_id(BURNT_FUNDS_ID))
    }

    /// Calls `visit` with every actor, in the tree's order. Cost: the whole tree is read.
    #[expect(clippy::missing_errors_doc, reason = "as for `actor`")]
    pub fn for_each_actor(&self, mut visit: impl FnMut(ActorID, &ActorState)) -> Result<(), StateFatal> {
        self.actors.for_each(&self.store, |key, actor| {
            let id = Address::from_bytes(key).ok().and_then(|address| address.id().ok());
            let id = id.ok_or_else(|| StateFatal::Invariant("an actor's key is no id".to_owned()))?;
            visit(id, &actor_in(id, actor)?);
            Ok(())
        })
    }

    /// Calls `visit` with every storage slot of a contract that is not zero, in ascending order. Cost: all its storage is read.
    #[expect(clippy::missing_errors_doc, reason = "as for `actor`")]
    pub fn for_each_slot(&self, address: &Address, mut visit: impl FnMut(Hash32, Hash32)) -> Result<(), StateFatal> {
        let Some((_, actor)) = self.actor_at(address)? else { return Ok(()) };
        let Some(head) = self.head_of(&actor)? else { return Ok(()) };
        let storage = Storage::load(&self.store, &head.storage)?;
        storage.for_each(&self.store, |slot, value| visit(Hash32(slot.to_be_bytes()), Hash32(value.to_be_bytes())))
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

    /// The head in the state of a contract, or of an account that delegates.
    pub(crate) fn head_of(&self, actor: &ActorState) -> Result<Option<ContractHead>, StateFatal> {
        ContractHead::of(actor).map(|head| read_cbor(&self.store, head, "contract head")).transpose()
    }

    /// EVM code; no code is no block.
    pub(crate) fn read_code(&self, bytecode: &Cid) -> Result<Vec<u8>, StateFatal> {
        if *bytecode == tributary_primitives::raw_cid(&[]) {
            return Ok(Vec::new());
        }
        read_block(&self.store, bytecode)
    }
}

fn key_of(id: ActorID) -> Vec<u8> {
    Address::new_id(id).to_bytes()
}

fn actor_in(id: ActorID, value: &[u8]) -> Result<ActorState, StateFatal> {
    from_slice(value).map_err(|why| StateFatal::Invariant(format!("what the tree has under {id} is no actor: {why}")))
}
