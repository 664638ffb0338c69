//! A contract of the block in execution: its head and its storage, under the slots that the block read and changed.

use std::collections::BTreeSet;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::EMPTY_ARR_CID;
use revm::primitives::U256;
use tributary_primitives::actors::BuiltinActor;
use tributary_primitives::raw_cid;

use super::Map;
use crate::error::StateFatal;
use crate::state::Actor;
use crate::state::contract::{ContractHead, Storage};
use crate::state::write_cbor;

/// A contract that was read or changed.
pub(super) struct Contract<B> {
    pub(super) head: ContractHead,
    storage: Storage<B>,
    /// Slots read and slots changed, as the block has them by now.
    slots: Map<U256, U256>,
    /// Slots that are not as the storage has them.
    changed: BTreeSet<U256>,
}

impl<B: Blockstore> Contract<B> {
    /// One without code and storage.
    pub(super) fn new(store: B) -> Result<Self, StateFatal> {
        let mut storage = Storage::new(store);
        let head = ContractHead::empty(storage.flush()?);
        Ok(Self { head, storage, slots: Map::default(), changed: BTreeSet::new() })
    }

    /// The one with this head.
    pub(super) fn open(store: B, head: ContractHead) -> Result<Self, StateFatal> {
        let storage = Storage::load(store, &head.storage)?;
        Ok(Self { head, storage, slots: Map::default(), changed: BTreeSet::new() })
    }

    /// Whether there is neither code nor storage.
    pub(super) fn is_empty(&self) -> bool {
        self.storage.is_empty() && self.head.bytecode == raw_cid(&[])
    }

    /// Slots at hand, and the contract itself.
    pub(super) fn kept(&self) -> usize {
        1 + self.slots.len()
    }

    pub(super) fn get(&mut self, slot: U256) -> Result<U256, StateFatal> {
        if let Some(known) = self.slots.get(&slot) {
            return Ok(*known);
        }
        let value = self.storage.get(slot)?;
        self.slots.insert(slot, value);
        Ok(value)
    }

    pub(super) fn set(&mut self, slot: U256, value: U256) {
        self.slots.insert(slot, value);
        self.changed.insert(slot);
    }

    /// Writes storage and head; an account that neither delegates nor has storage goes back to having no state.
    pub(super) fn flush<S: Blockstore>(&mut self, store: &S, actor: &Actor) -> Result<Cid, StateFatal> {
        for slot in std::mem::take(&mut self.changed) {
            self.storage.set(slot, self.slots.get(&slot).copied().unwrap_or_default())?;
        }
        let is_account = actor.head.code != BuiltinActor::Evm.code();
        if is_account && self.is_empty() {
            return Ok(EMPTY_ARR_CID);
        }
        self.head.storage = self.storage.flush()?;
        write_cbor(store, &self.head)
    }
}
