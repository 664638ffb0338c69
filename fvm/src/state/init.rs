//! The init actor's state: which address names which actor, and the id of the next one.
//!
//! Source: filecoin-project/builtin-actors, `actors/init/src/state.rs`.

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_encoding::from_slice;
use fvm_shared::ActorID;
use fvm_shared::address::{Address, Payload};
use tributary_primitives::layout::InitState;
use tributary_trees::Hamt;

use super::leaf::encode;
use super::{read_cbor, tree_threads};
use crate::error::StateFatal;

/// The address map, open for reading and writing.
#[derive(Debug)]
pub struct AddressBook<B> {
    store: B,
    map: Hamt,
    next_id: ActorID,
    chain_name: String,
}

impl<B: Blockstore + Clone + Sync> AddressBook<B> {
    /// An empty one.
    pub(crate) fn new(store: B, chain_name: String, next_id: ActorID) -> Self {
        Self { store, map: Hamt::new(), next_id, chain_name }
    }

    /// The one whose root is the init actor's state.
    pub(crate) fn load(store: B, root: &Cid) -> Result<Self, StateFatal> {
        let state: InitState = read_cbor(&store, root, "init actor state")?;
        let map = Hamt::load(&store, &state.address_map)?;
        Ok(Self { store, map, next_id: state.next_id, chain_name: state.network_name })
    }

    /// The init actor's state, by what changed. Nothing is written.
    pub(crate) fn state(&mut self, threads: usize) -> Result<Vec<u8>, StateFatal> {
        let address_map = self.map.root(threads);
        encode(&InitState { address_map, next_id: self.next_id, network_name: self.chain_name.clone() })
    }

    /// Writes every node that is not written yet, and answers the state, which is not.
    pub(crate) fn save(&mut self, threads: usize) -> Result<Vec<u8>, StateFatal> {
        self.map.flush(&self.store, threads)?;
        self.state(threads)
    }

    /// Calls `visit` with every address and the id that it names, as it is spelled.
    pub(crate) fn for_each_name(
        &self,
        mut visit: impl FnMut(Address, &[u8]) -> Result<(), StateFatal>,
    ) -> Result<(), StateFatal> {
        self.map.for_each(&self.store, |key, id| {
            let name = Address::from_bytes(key);
            visit(name.map_err(|why| StateFatal::Invariant(format!("a name is no address: {why}")))?, id)
        })
    }

    /// The actor behind an address; for an id address the id itself, whether or not the actor exists.
    pub(crate) fn resolve(&self, address: &Address) -> Result<Option<ActorID>, StateFatal> {
        if let Payload::ID(id) = address.payload() {
            return Ok(Some(*id));
        }
        self.map.peek(&self.store, &address.to_bytes())?.map(|id| id_in(&id)).transpose()
    }

    /// The same; what is read on the way stays at hand.
    pub(crate) fn resolve_again(&mut self, address: &Address) -> Result<Option<ActorID>, StateFatal> {
        if let Payload::ID(id) = address.payload() {
            return Ok(Some(*id));
        }
        self.map.get(&self.store, &address.to_bytes())?.map(id_in).transpose()
    }

    /// Adds names. An address names one actor for ever.
    pub(crate) fn insert(&mut self, names: &[(Address, ActorID)]) -> Result<(), StateFatal> {
        let mut batch = Vec::with_capacity(names.len());
        for (address, id) in names {
            if self.resolve_again(address)?.is_some() {
                return Err(StateFatal::Invariant(format!("{address} already names an actor")));
            }
            batch.push((address.to_bytes(), Some(encode(id)?)));
        }
        Ok(Hamt::apply_all(&self.store, vec![(&mut self.map, &batch)], tree_threads())?)
    }

    /// Forgets nodes beyond `nodes_max`.
    pub(crate) fn evict(&mut self, nodes_max: usize) {
        self.map.evict(nodes_max);
    }

    /// The id that the next actor gets.
    pub(crate) const fn next_id(&self) -> ActorID {
        self.next_id
    }

    /// Moves on to `next_id`; ids are never given twice.
    pub(crate) fn advance_to(&mut self, next_id: ActorID) {
        self.next_id = self.next_id.max(next_id);
    }

    /// The chain's name, as genesis gave it.
    pub(crate) fn chain_name(&self) -> &str {
        &self.chain_name
    }
}

fn id_in(value: &[u8]) -> Result<ActorID, StateFatal> {
    from_slice(value).map_err(|why| StateFatal::Invariant(format!("an address names no id: {why}")))
}
