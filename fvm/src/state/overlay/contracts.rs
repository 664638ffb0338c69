//! A contract of the block in execution: its head and its storage, under the slots that the block read and changed.

use std::collections::BTreeSet;
use std::sync::Arc;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::{ActorID, EMPTY_ARR_CID};
use revm::bytecode::Bytecode;
use revm::primitives::{B256, U256};
use tributary_primitives::actors::BuiltinActor;
use tributary_primitives::{cbor_cid, raw_cid};

use super::cache::Cache;
use crate::error::StateFatal;
use crate::state::Actor;
use crate::state::contract::{ContractHead, Slots, Storage};
use crate::state::leaf::{Leaf, LeafChanges, Reads, encode, slot_value};
use crate::state::write_block;

/// A contract that was read or changed.
pub(super) struct Contract {
    pub(super) head: Arc<ContractHead>,
    /// Its code, analysed, once it was needed.
    code: Option<Bytecode>,
    /// Its tree, once it is needed.
    storage: Option<Storage>,
    /// Whether leaves below it may be of another that was here before.
    is_new: bool,
    /// Whether the store has its head as it is now.
    is_saved: bool,
    /// Slots read and slots changed, as the block has them by now.
    slots: Cache<U256, U256>,
}

impl Contract {
    /// One without code, and with no storage but that these slots are to be cleared.
    pub(super) fn new(cleared: BTreeSet<U256>) -> Self {
        let mut slots = Cache::default();
        cleared.into_iter().for_each(|slot| slots.set(slot, U256::ZERO));
        let head = Arc::new(ContractHead::empty(Storage::empty_root()));
        Self { head, code: None, storage: Some(Storage::default()), is_new: true, is_saved: false, slots }
    }

    /// The one with this head.
    pub(super) fn stored(head: ContractHead) -> Self {
        let head = Arc::new(head);
        Self { head, code: None, storage: None, is_new: false, is_saved: true, slots: Cache::default() }
    }

    /// The same without storage. It forgets which leaves are to be cleared: for a draft alone.
    pub(super) fn without_storage(&self) -> Self {
        let head = ContractHead { storage: Storage::empty_root(), ..ContractHead::clone(&self.head) };
        Self { head: Arc::new(head), ..Self::new(BTreeSet::new()) }
    }

    /// Whether there is neither code nor storage.
    pub(super) fn is_empty(&self) -> bool {
        let has_storage =
            self.storage.as_ref().map_or(self.head.storage != Storage::empty_root(), |storage| !storage.is_empty());
        !has_storage && self.head.bytecode == raw_cid(&[])
    }

    /// Slots at hand, and the contract itself.
    pub(super) fn kept(&self) -> usize {
        1 + self.slots.len()
    }

    /// The tree of its storage, if it is at hand.
    pub(super) const fn storage(&mut self) -> Option<&mut Storage> {
        self.storage.as_mut()
    }

    fn open<S: Blockstore>(&mut self, store: &S) -> Result<&mut Storage, StateFatal> {
        open(&mut self.storage, store, &self.head)
    }

    /// A slot: as the block has it by now, or else from its leaf, or without leaves from the tree.
    pub(super) fn get<S: Blockstore>(
        &mut self,
        store: &S,
        leaves: Option<&Reads>,
        id: ActorID,
        slot: U256,
    ) -> Result<U256, StateFatal> {
        let value = self.slots.get_or_read(slot, || match leaves.filter(|_| !self.is_new) {
            Some(leaves) => leaves.slot(id, slot),
            None => open(&mut self.storage, store, &self.head)?.get(store, slot),
        });
        value.map(|value| *value)
    }

    /// Whether [`Self::get`] would read the slot's leaf, where there are leaves.
    pub(super) fn reads_leaf_of(&self, slot: &U256) -> bool {
        !self.is_new && self.slots.get(slot).is_none()
    }

    /// The slot's leaf has this value.
    pub(super) fn keep(&mut self, slot: U256, value: U256) {
        self.slots.keep(slot, value);
    }

    pub(super) fn set(&mut self, slot: U256, value: U256) {
        self.slots.set(slot, value);
    }

    /// All that its storage holds, by the block's changes or not.
    pub(super) fn all_slots<S: Blockstore>(&mut self, store: &S) -> Result<BTreeSet<U256>, StateFatal> {
        let mut slots: BTreeSet<_> = self.slots.changed().iter().copied().collect();
        self.open(store)?.for_each(store, |slot, _| {
            slots.insert(slot);
            Ok(())
        })?;
        Ok(slots)
    }

    /// Its code, analysed, if it is at hand.
    pub(super) const fn code(&self) -> Option<&Bytecode> {
        self.code.as_ref()
    }

    /// The code that its head names is this.
    pub(super) fn keep_code(&mut self, code: Bytecode) {
        self.code = Some(code);
    }

    /// From here on it runs this code, with this hash, whose block is `bytecode`.
    pub(super) fn set_code(&mut self, bytecode: Cid, hash: B256, code: Bytecode) {
        let head = Arc::make_mut(&mut self.head);
        (head.bytecode, head.code_hash) = (bytecode, hash.0);
        self.code = Some(code);
    }

    /// Takes over a head of which the storage's root is known by its slots alone; `None` for one without code.
    pub(super) fn set_head(&mut self, head: Option<ContractHead>) {
        let storage = self.head.storage;
        let head = head.unwrap_or_else(|| ContractHead::empty(storage));
        self.head = Arc::new(ContractHead { storage, ..head });
        self.code = None;
        self.is_saved = false;
    }

    /// The storage and the slots of it that changed since the last time, if any did; their leaves are told.
    pub(super) fn take_changed<S: Blockstore>(
        &mut self,
        store: &S,
        id: ActorID,
        leaves: &mut LeafChanges,
    ) -> Result<Option<(&mut Storage, Slots)>, StateFatal> {
        let changed = self.slots.take_changed();
        if changed.is_empty() {
            return Ok(None);
        }
        let value = |slot: &U256| self.slots.get(slot).copied().unwrap_or_default();
        let slots: Vec<_> = changed.iter().map(|slot| (*slot, value(slot))).collect();
        leaves.extend(slots.iter().map(|(slot, value)| (Leaf::Slot(id, *slot).key(), slot_value(*value))));
        Ok(Some((self.open(store)?, slots)))
    }

    /// Brings the head up to date: its CID, and its leaf when there is one. An account that neither delegates nor has storage goes
    /// back to having no state.
    pub(super) fn settle_head(
        &mut self,
        id: ActorID,
        actor: &Actor,
        threads: usize,
        leaves: &mut LeafChanges,
    ) -> Result<Cid, StateFatal> {
        let is_account = !actor.head.code.is(BuiltinActor::Evm);
        if is_account && self.is_empty() {
            leaves.push((Leaf::Contract(id).key(), None));
            return Ok(EMPTY_ARR_CID);
        }
        if let Some(storage) = &mut self.storage {
            let root = storage.root(threads);
            if root != self.head.storage {
                Arc::make_mut(&mut self.head).storage = root;
            }
        }
        let head = encode(self.head.as_ref())?;
        let cid = cbor_cid(&head);
        if cid != actor.head.state {
            leaves.push((Leaf::Contract(id).key(), Some(head)));
            self.is_saved = false;
        }
        Ok(cid)
    }

    /// Whether the store has all of it.
    pub(super) fn is_saved(&self) -> bool {
        self.is_saved && self.storage.as_ref().is_none_or(Storage::is_saved)
    }

    /// Writes what is not written yet, the head last.
    pub(super) fn save<S: Blockstore>(&mut self, store: &S) -> Result<(), StateFatal> {
        if let Some(storage) = &mut self.storage {
            storage.save(store)?;
        }
        write_block(store, &encode(self.head.as_ref())?)?;
        self.is_saved = true;
        Ok(())
    }

    /// Forgets slots that are as the leaves have them, and its code.
    pub(super) fn forget(&mut self) {
        self.code = None;
        self.slots = Cache::default();
        self.is_new = false;
    }
}

/// The tree of a storage, read now unless it is at hand.
fn open<'a, S: Blockstore>(
    storage: &'a mut Option<Storage>,
    store: &S,
    head: &ContractHead,
) -> Result<&'a mut Storage, StateFatal> {
    match storage {
        Some(storage) => Ok(storage),
        None => Ok(storage.insert(Storage::load(store, &head.storage)?)),
    }
}
