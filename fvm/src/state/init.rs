//! The init actor's state: which address names which actor, and the id of the next one.
//!
//! Source: filecoin-project/builtin-actors, `actors/init/src/state.rs`.

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_hamt::{BytesKey, Hamt};
use fvm_shared::ActorID;
use fvm_shared::address::{Address, Payload};
use tributary_primitives::layout::{BIT_WIDTH, InitState};

use super::{read_cbor, write_cbor};
use crate::error::StateFatal;

/// The address map, open for reading and writing.
#[derive(Debug)]
pub struct AddressBook<B> {
    store: B,
    map: Hamt<B, ActorID>,
    next_id: ActorID,
    chain_name: String,
}

impl<B: Blockstore + Clone> AddressBook<B> {
    /// An empty one.
    pub(crate) fn new(store: B, chain_name: String, next_id: ActorID) -> Self {
        let map = Hamt::new_with_bit_width(store.clone(), BIT_WIDTH);
        Self { store, map, next_id, chain_name }
    }

    /// The one whose root is the init actor's state.
    pub(crate) fn load(store: B, root: &Cid) -> Result<Self, StateFatal> {
        let state: InitState = read_cbor(&store, root, "init actor state")?;
        let map = Hamt::load_with_bit_width(&state.address_map, store.clone(), BIT_WIDTH).map_err(StateFatal::tree)?;
        Ok(Self { store, map, next_id: state.next_id, chain_name: state.network_name })
    }

    /// Writes it and answers its root.
    pub(crate) fn flush(&mut self) -> Result<Cid, StateFatal> {
        let address_map = self.map.flush().map_err(StateFatal::tree)?;
        let state = InitState { address_map, next_id: self.next_id, network_name: self.chain_name.clone() };
        write_cbor(&self.store, &state)
    }

    /// The actor behind an address; for an id address the id itself, whether or not the actor exists.
    pub(crate) fn resolve(&self, address: &Address) -> Result<Option<ActorID>, StateFatal> {
        if let Payload::ID(id) = address.payload() {
            return Ok(Some(*id));
        }
        Ok(self.map.get(&BytesKey(address.to_bytes())).map_err(StateFatal::tree)?.copied())
    }

    /// Adds a name. An address names one actor for ever.
    pub(crate) fn insert(&mut self, address: &Address, id: ActorID) -> Result<(), StateFatal> {
        let is_new = self.map.set_if_absent(BytesKey(address.to_bytes()), id).map_err(StateFatal::tree)?;
        is_new.then_some(()).ok_or_else(|| StateFatal::Invariant(format!("{address} already names an actor")))
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
