//! Our half of the journal: what revm does not know of, and the log by which it is undone.
//!
//! Blocks alone are not undone with the call that put them: what an aborted call answers may link to them, and who got the answer may
//! open such a link, or keep it as its state. They go when the transaction's outermost call is undone: then nobody is left who has a link.
//!
//! Source: ref-fvm 4.8, `fvm/src/call_manager/default.rs`, `with_transaction`, which takes back state, events and accesses.

use std::collections::BTreeMap;
use std::sync::Arc;

use cid::Cid;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use revm::primitives::{Address as EvmAddress, LogData, U256};
use tributary_primitives::actors::SYSTEM_ID;
use tributary_primitives::{EntryKey, EthAddress};
use tributary_wasm::{Access, FirstAccess};

use crate::evm::MovedPrecompiles;
use crate::receipt::Said;
use crate::simulation::{TOKEN_ADDRESS, TRANSFER_TOPIC};
use crate::state::Map;
use crate::state::actor::ActorHead;

/// Heads, entries, names, blocks, events and accesses of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Own {
    pub(super) actors: Map<ActorID, Set<Option<Arc<ActorHead>>>>,
    /// Entries set and, with `None`, deleted.
    pub(super) entries: BTreeMap<(ActorID, EntryKey), Set<Entry>>,
    names: Map<Address, ActorID>,
    pub(crate) names_in_order: Vec<(Address, ActorID)>,
    blocks: Map<Cid, Arc<[u8]>>,
    pub(crate) blocks_in_order: Vec<(Cid, Arc<[u8]>)>,
    pub(crate) events: Vec<Emitted>,
    /// What they count together.
    event_bytes: u64,
    accesses: Map<ActorID, Access>,
    /// Who sent the transaction: nobody pays for its look-up or update.
    origin: Option<ActorID>,
    /// Ethereum gas to give back for what contracts cleared while actors ran above them; the EVM below takes it over.
    refund: i64,
    /// The id of the next new actor, once one was made.
    pub(crate) next_id: Option<ActorID>,
    /// Whether moved tokens are told by events, for who only looks.
    traces_transfers: bool,
    /// Precompiled contracts that are not in their places, for who only looks.
    precompiles: Option<Arc<MovedPrecompiles>>,
    undo: Vec<Undo>,
    /// No checkpoint that is open begins above this position of the log: see [`Self::open`].
    base: usize,
}

/// What stands under an entry's key; nothing for one that is deleted.
type Entry = Option<Arc<[u8]>>;

/// What was set, and where the log has how to take it back: at the last place that is about it.
#[derive(Debug)]
pub(super) struct Set<T> {
    pub(super) value: T,
    noted: usize,
}

/// An event, before the transaction is over.
#[derive(Debug)]
pub(crate) struct Emitted {
    pub(crate) address: EthAddress,
    /// Who has the address, if that is known: a contract made just now has no id yet.
    pub(crate) emitter: Option<ActorID>,
    pub(crate) said: Said,
    /// What it counts for the bound on the message's events; nothing for a log, whose gas bounds it.
    pub(crate) bytes: u64,
}

/// Actors whose look-up and update no message pays for.
///
/// Source: FIP-0055 and ref-fvm 4.8, `fvm/src/call_manager/state_access_tracker.rs`.
const PRELOADED: [ActorID; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 10, 99];

/// How to take one change back.
#[derive(Debug)]
enum Undo {
    Actor(ActorID, Option<Set<Option<Arc<ActorHead>>>>),
    /// In a box: a key is larger than all else here.
    Entry(Box<(ActorID, EntryKey)>, Option<Set<Entry>>),
    Name,
    Event,
    Access(ActorID, Option<Access>),
    Refund(i64),
    NextId(Option<ActorID>),
}

impl Own {
    /// Forgets all of it, and keeps the room that it takes.
    pub(crate) fn clear(&mut self) {
        // Every field by name, so that none is forgotten.
        let Self {
            actors,
            entries,
            names,
            names_in_order,
            blocks,
            blocks_in_order,
            events,
            event_bytes,
            accesses,
            origin,
            refund,
            next_id,
            traces_transfers,
            precompiles,
            undo,
            base,
        } = self;
        actors.clear();
        entries.clear();
        names.clear();
        names_in_order.clear();
        blocks.clear();
        blocks_in_order.clear();
        events.clear();
        accesses.clear();
        (*event_bytes, *origin, *refund, *next_id, *traces_transfers) = (0, None, 0, None, false);
        *precompiles = None;
        undo.clear();
        *base = 0;
    }

    /// Begins what can be taken back alone: where the undo log stands.
    ///
    /// What is set again since the last beginning is noted once: the first note has what was there before. The end of a checkpoint that stays
    /// is not told here, and need not be: the one around it began no later, and all that is noted above its beginning is taken back with it.
    /// So its first changes after that are noted once more than they must be, and none is noted too seldom.
    pub(crate) const fn open(&mut self) -> usize {
        self.base = self.undo.len();
        self.base
    }

    /// Takes back every change made after the log stood at `position`, the last first; blocks stay.
    pub(crate) fn revert_to(&mut self, position: usize) {
        self.base = position;
        while self.undo.len() > position {
            match self.undo.pop() {
                Some(Undo::Actor(id, Some(set))) => drop(self.actors.insert(id, set)),
                Some(Undo::Actor(id, None)) => drop(self.actors.remove(&id)),
                Some(Undo::Entry(of, Some(set))) => drop(self.entries.insert(*of, set)),
                Some(Undo::Entry(of, None)) => drop(self.entries.remove(&*of)),
                Some(Undo::Name) => {
                    self.names_in_order.pop().and_then(|(address, _)| self.names.remove(&address));
                }
                Some(Undo::Event) => {
                    let dropped = self.events.pop().map_or(0, |event| event.bytes);
                    self.event_bytes = self.event_bytes.saturating_sub(dropped);
                }
                Some(Undo::Access(id, Some(access))) => drop(self.accesses.insert(id, access)),
                Some(Undo::Access(id, None)) => drop(self.accesses.remove(&id)),
                Some(Undo::Refund(refund)) => self.refund = refund,
                Some(Undo::NextId(id)) => self.next_id = id,
                None => return,
            }
        }
    }

    /// The actor if this transaction changed it; inner `None` when it deleted it.
    pub(crate) fn actor(&self, id: ActorID) -> Option<Option<&Arc<ActorHead>>> {
        self.actors.get(&id).map(|set| set.value.as_ref())
    }

    pub(crate) fn set_actor(&mut self, id: ActorID, head: Option<Arc<ActorHead>>) {
        if let Some(set) = self.actors.get_mut(&id).filter(|set| set.noted >= self.base) {
            set.value = head;
            return;
        }
        let previous = self.actors.insert(id, Set { value: head, noted: self.undo.len() });
        self.undo.push(Undo::Actor(id, previous));
    }

    /// The entry if this transaction changed it; inner `None` when it deleted it.
    pub(crate) fn entry(&self, id: ActorID, key: &EntryKey) -> Option<Option<&Arc<[u8]>>> {
        self.entries.get(&(id, *key)).map(|set| set.value.as_ref())
    }

    pub(crate) fn set_entry(&mut self, id: ActorID, key: EntryKey, value: Entry) {
        if let Some(set) = self.entries.get_mut(&(id, key)).filter(|set| set.noted >= self.base) {
            set.value = value;
            return;
        }
        let previous = self.entries.insert((id, key), Set { value, noted: self.undo.len() });
        self.undo.push(Undo::Entry(Box::new((id, key)), previous));
    }

    pub(crate) fn resolve(&self, address: &Address) -> Option<ActorID> {
        self.names.get(address).copied()
    }

    /// The same for an Ethereum address; most transactions name nobody.
    pub(crate) fn resolve_ethereum(&self, address: EthAddress) -> Option<ActorID> {
        if self.names.is_empty() { None } else { self.resolve(&address.to_address()) }
    }

    /// The caller has seen that the address names nobody yet.
    pub(crate) fn name(&mut self, address: Address, id: ActorID) {
        self.names.insert(address, id);
        self.names_in_order.push((address, id));
        self.undo.push(Undo::Name);
    }

    /// Moves on to `next_id`.
    pub(crate) fn advance_to(&mut self, next_id: ActorID) {
        self.undo.push(Undo::NextId(self.next_id));
        self.next_id = Some(next_id);
    }

    pub(crate) fn block(&self, cid: &Cid) -> Option<Arc<[u8]>> {
        self.blocks.get(cid).map(Arc::clone)
    }

    pub(crate) fn put_block(&mut self, cid: Cid, block: Arc<[u8]>) {
        if self.blocks.insert(cid, Arc::clone(&block)).is_none() {
            self.blocks_in_order.push((cid, block));
        }
    }

    /// Forgets all blocks: the outermost call is undone.
    pub(crate) fn forget_blocks(&mut self) {
        self.blocks.clear();
        self.blocks_in_order.clear();
    }

    pub(crate) fn emit(&mut self, event: Emitted) {
        self.event_bytes = self.event_bytes.saturating_add(event.bytes);
        self.events.push(event);
        self.undo.push(Undo::Event);
    }

    /// What the events count together.
    pub(crate) const fn event_bytes(&self) -> u64 {
        self.event_bytes
    }

    /// From here to the transaction's end moved tokens are told by events.
    pub(crate) const fn trace_transfers(&mut self) {
        self.traces_transfers = true;
    }

    /// From here to the transaction's end precompiled contracts answer where they are moved.
    pub(crate) fn move_precompiles(&mut self, moved: Option<Arc<MovedPrecompiles>>) {
        self.precompiles = moved;
    }

    /// Whose precompiled contract answers at `address`, if there is one.
    pub(crate) fn precompile_at(&self, address: EvmAddress) -> Option<EvmAddress> {
        self.precompiles.as_ref().map_or(Some(address), |moved| moved.answering(address))
    }

    /// Tokens were moved. The event is that of an ERC-20 token: source, destination, amount.
    pub(crate) fn moved(&mut self, from: EvmAddress, to: EvmAddress, amount: U256) {
        if self.traces_transfers && !amount.is_zero() {
            let topics = vec![TRANSFER_TOPIC, from.into_word(), to.into_word()];
            let said = LogData::new_unchecked(topics, amount.to_be_bytes_vec().into()).into();
            self.emit(Emitted { address: TOKEN_ADDRESS, emitter: Some(SYSTEM_ID), said, bytes: 0 });
        }
    }

    /// Says who sent the transaction, for [`Self::first_access`].
    pub(crate) const fn set_origin(&mut self, id: ActorID) {
        self.origin = Some(id);
    }

    /// Ethereum gas to give back so far.
    pub(crate) const fn refund(&self) -> i64 {
        self.refund
    }

    pub(crate) fn set_refund(&mut self, refund: i64) {
        if refund != self.refund {
            self.undo.push(Undo::Refund(self.refund));
            self.refund = refund;
        }
    }

    /// Notes an access and answers what of it is a first time.
    pub(crate) fn first_access(&mut self, id: ActorID, access: Access) -> FirstAccess {
        if self.origin == Some(id) {
            return FirstAccess::default();
        }
        let known = self.accesses.get(&id).copied();
        let known = known.or_else(|| PRELOADED.contains(&id).then_some(Access::Update));
        let first =
            FirstAccess { lookup: known.is_none(), update: access == Access::Update && known != Some(Access::Update) };
        if first != FirstAccess::default() {
            let previous = self.accesses.insert(id, access);
            self.undo.push(Undo::Access(id, previous));
        }
        first
    }
}

#[cfg(test)]
mod tests;
