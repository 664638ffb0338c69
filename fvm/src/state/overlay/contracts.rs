//! A contract of the block in execution: its head and its storage, under the slots that the block read and changed.

use std::collections::BTreeSet;
use std::sync::Arc;

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
pub(super) struct Contract {
    pub(super) head: Arc<ContractHead>,
    storage: Storage,
    /// Slots read and slots changed, as the block has them by now.
    slots: Map<U256, U256>,
    /// Slots that are not as the storage has them.
    changed: BTreeSet<U256>,
}

impl Contract {
    /// One without code and storage.
    pub(super) fn new() -> Self {
        Self::over(ContractHead::empty(Storage::empty_root()), Storage::default())
    }

    /// The one with this head.
    pub(super) fn open<S: Blockstore>(store: &S, head: ContractHead) -> Result<Self, StateFatal> {
        let storage = Storage::load(store, &head.storage)?;
        Ok(Self::over(head, storage))
    }

    fn over(head: ContractHead, storage: Storage) -> Self {
        Self { head: Arc::new(head), storage, slots: Map::default(), changed: BTreeSet::new() }
    }

    /// Whether there is neither code nor storage.
    pub(super) fn is_empty(&self) -> bool {
        self.storage.is_empty() && self.head.bytecode == raw_cid(&[])
    }

    /// Slots at hand, and the contract itself.
    pub(super) fn kept(&self) -> usize {
        1 + self.slots.len()
    }

    pub(super) const fn storage(&mut self) -> &mut Storage {
        &mut self.storage
    }

    pub(super) fn get<S: Blockstore>(&mut self, store: &S, slot: U256) -> Result<U256, StateFatal> {
        if let Some(known) = self.slots.get(&slot) {
            return Ok(*known);
        }
        let value = self.storage.get(store, slot)?;
        self.slots.insert(slot, value);
        Ok(value)
    }

    pub(super) fn set(&mut self, slot: U256, value: U256) {
        self.slots.insert(slot, value);
        self.changed.insert(slot);
    }

    /// Brings the storage up to date.
    pub(super) fn settle<S: Blockstore>(&mut self, store: &S) -> Result<(), StateFatal> {
        let changed = std::mem::take(&mut self.changed);
        let slots = changed.into_iter().map(|slot| (slot, self.slots.get(&slot).copied().unwrap_or_default()));
        self.storage.set(store, slots)
    }

    /// Writes storage and head; an account that neither delegates nor has storage goes back to having no state.
    pub(super) fn flush<S: Blockstore>(&mut self, store: &S, actor: &Actor, threads: usize) -> Result<Cid, StateFatal> {
        let is_account = actor.head.code != BuiltinActor::Evm.code();
        if is_account && self.is_empty() {
            return Ok(EMPTY_ARR_CID);
        }
        Arc::make_mut(&mut self.head).storage = self.storage.flush(store, threads)?;
        write_cbor(store, self.head.as_ref())
    }
}
