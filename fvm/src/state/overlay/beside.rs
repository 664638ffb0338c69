//! Leaves that are read beside a state, for threads which share it behind a lock: while one reads from the disk, the others go on.
//!
//! ```text
//! held: what does the look-up lack? ─▶ let go: read it ─▶ held: take it in ─▶ … ─▶ nothing: look it up
//! ```

use std::sync::Arc;

use fvm_ipld_blockstore::Blockstore;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use revm::primitives::U256;
use tributary_primitives::EntryKey;
use tributary_primitives::actors::ENTRIES_ID;

use super::BlockState;
use super::contracts::Contract;
use crate::error::StateFatal;
use crate::state::actor::Actor;
use crate::state::contract::ContractHead;
use crate::state::leaf::{Leaf, Reads};

/// Leaves that a look-up reads at most: an actor, its contract, a slot of that.
pub(crate) const LEAVES_MAX: usize = 3;

/// A leaf that was read.
pub(crate) enum Found {
    Actor(ActorID, Option<Actor>),
    Contract(ActorID, Option<ContractHead>),
    Slot(ActorID, U256, U256),
    Name(Address, Option<ActorID>),
    Entry(ActorID, EntryKey, Option<Arc<[u8]>>),
    /// Nobody looks this one up.
    NextId,
}

impl Found {
    /// Cost: one read.
    pub(crate) fn read(reads: &Reads, leaf: &Leaf) -> Result<Self, StateFatal> {
        Ok(match *leaf {
            Leaf::Actor(id) => Self::Actor(id, reads.actor(id)?.map(|actor| Actor::read(id, actor)).transpose()?),
            Leaf::Contract(id) => Self::Contract(id, reads.contract(id)?),
            Leaf::Slot(id, slot) => Self::Slot(id, slot, reads.slot(id, slot)?),
            Leaf::Name(address) => Self::Name(address, reads.name(&address)?),
            Leaf::Entry(id, key) => Self::Entry(id, key, reads.entry(id, &key)?.map(Arc::from)),
            Leaf::NextId => Self::NextId,
        })
    }
}

impl<B: Blockstore + Clone + Sync> BlockState<B> {
    /// Where it reads leaves, if it does.
    pub(crate) fn reads(&self) -> Option<&Reads> {
        self.leaves.as_ref()
    }

    /// The leaf that the look-up of this one would read next; `None` when all that it needs is at hand. Of a state that reads leaves.
    pub(crate) fn lacks(&self, wanted: &Leaf) -> Option<Leaf> {
        let is_lacking = match wanted {
            Leaf::Actor(id) => *id != ENTRIES_ID && self.actors.get(id).is_none(),
            Leaf::Contract(id) => return self.lacks_contract(*id),
            Leaf::Slot(id, slot) => match self.contracts.get(id) {
                Some(contract) => contract.reads_leaf_of(slot),
                None => return self.lacks_contract(*id),
            },
            Leaf::Name(address) => address.id().is_err() && self.names.get(address).is_none(),
            Leaf::Entry(id, key) => self.entries.get(&(*id, *key)).is_none(),
            Leaf::NextId => false,
        };
        is_lacking.then_some(*wanted)
    }

    fn lacks_contract(&self, id: ActorID) -> Option<Leaf> {
        if self.contracts.contains_key(&id) {
            return None;
        }
        match self.actors.get(&id) {
            Some(actor) => {
                let head = &actor.as_ref()?.head;
                ContractHead::at(head.code.builtin(), &head.state).map(|_| Leaf::Contract(id))
            }
            None => self.lacks(&Leaf::Actor(id)),
        }
    }

    /// Takes in what was read, unless it is at hand by now.
    pub(crate) fn take_in(&mut self, found: Found) {
        match found {
            Found::Actor(id, actor) => self.actors.keep(id, actor),
            // Who looks a contract up that has no leaf finds that out.
            Found::Contract(id, head) => {
                if let Some(head) = head {
                    self.contracts.entry(id).or_insert_with(|| Contract::stored(head));
                }
            }
            Found::Slot(id, slot, value) => {
                if let Some(contract) = self.contracts.get_mut(&id) {
                    contract.keep(slot, value);
                }
            }
            Found::Name(address, id) => {
                if self.names.get(&address).is_none() {
                    self.names.insert(address, id);
                }
            }
            Found::Entry(id, key, value) => self.entries.keep((id, key), value),
            Found::NextId => {}
        }
    }
}
