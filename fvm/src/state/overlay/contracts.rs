//! A contract of the block in execution: its head and its storage, under the slots that the block read and changed.

use std::collections::BTreeMap;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::EMPTY_ARR_CID;
use revm::primitives::U256;
use tributary_primitives::actors::BuiltinActor;
use tributary_primitives::raw_cid;

use crate::error::StateFatal;
use crate::state::contract::{ContractHead, Storage};
use crate::state::write_cbor;

/// A contract that was read or changed.
pub(super) struct Contract<B> {
    pub(super) head: ContractHead,
    storage: Storage<B>,
    /// Slots read and slots changed, as the block has them by now.
    slots: BTreeMap<U256, Slot>,
    pub(super) is_changed: bool,
}

struct Slot {
    value: U256,
    is_changed: bool,
}

impl<B: Blockstore> Contract<B> {
    /// One without code and storage.
    pub(super) fn new(store: B) -> Result<Self, StateFatal> {
        let mut storage = Storage::new(store);
        let head = ContractHead::empty(storage.flush()?);
        Ok(Self { head, storage, slots: BTreeMap::new(), is_changed: true })
    }

    /// The one with this head.
    pub(super) fn open(store: B, head: ContractHead) -> Result<Self, StateFatal> {
        let storage = Storage::load(store, &head.storage)?;
        Ok(Self { head, storage, slots: BTreeMap::new(), is_changed: false })
    }

    pub(super) fn get(&mut self, slot: U256) -> Result<U256, StateFatal> {
        if let Some(known) = self.slots.get(&slot) {
            return Ok(known.value);
        }
        let value = self.storage.get(slot)?;
        self.slots.insert(slot, Slot { value, is_changed: false });
        Ok(value)
    }

    pub(super) fn set(&mut self, slot: U256, value: U256) {
        self.is_changed = true;
        self.slots.insert(slot, Slot { value, is_changed: true });
    }

    /// Writes storage and head; an account that neither delegates nor has storage goes back to having no state.
    pub(super) fn flush<S: Blockstore>(&mut self, store: &S, code: &Cid) -> Result<Cid, StateFatal> {
        for (slot, entry) in &self.slots {
            if entry.is_changed {
                self.storage.set(*slot, entry.value)?;
            }
        }
        let is_account = *code != BuiltinActor::Evm.code();
        if is_account && self.storage.is_empty() && self.head.bytecode == raw_cid(&[]) {
            return Ok(EMPTY_ARR_CID);
        }
        self.head.storage = self.storage.flush()?;
        write_cbor(store, &self.head)
    }
}
