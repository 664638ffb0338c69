//! From a block's changes to a root: the trees brought up to date, the leaves that changed told, nodes saved and forgotten.
//!
//! ```text
//! changes ─settle▶ contracts ─▶ actors, entries, names ─▶ root, leaves      (the caller keeps the leaves)
//!                                                         ─save▶ nodes      (in the store)
//!                                                         ─forget▶ memory
//! ```
//!
//! What changed is set in ascending order of ids and slots: the root depends on no map's order. Nodes are written when the caller wants
//! them written, a node that changed many times once.

use std::sync::Arc;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::state::ActorState;
use fvm_shared::{ActorID, EMPTY_ARR_CID};
use tributary_primitives::actors::ENTRIES_ID;

use super::cache::Cache;
use super::codes::Codes;
use super::contracts::Contract;
use super::names::Names;
use super::{BlockState, Trees};
use crate::error::StateFatal;
use crate::state::actor::Actor;
use crate::state::contract::Storage;
use crate::state::leaf::{Leaf, LeafChanges, encode};
use crate::state::{tree as trees, tree_threads};

/// Actors, names, slots, entries and codes that stay decoded from one block to the next; with more, the next block starts from the store.
/// By the size of its parts each takes 200 to 500 bytes: half a GiB at most.
const KEPT_MAX: usize = 1_000_000;

/// Nodes that stay at hand: so many of the actors, of the names, and of all contracts together. Some 3 KiB each in the first, 1 KiB
/// in the others.
const NODES_MAX: usize = 100_000;

/// What a block came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Root of the state after it.
    pub root: Cid,
    /// Leaves that changed.
    pub leaves: LeafChanges,
}

impl<B: Blockstore + Clone + Sync> BlockState<B> {
    /// [`Self::settle`], [`Self::save`] and [`Self::forget`]: for who keeps the trees and no leaves. Answers the new root.
    ///
    /// # Errors
    /// [`StateFatal`] when the store does not take what is new; the state is then good for nothing.
    pub fn flush(&mut self) -> Result<Cid, StateFatal> {
        let settled = self.settle()?;
        self.save()?;
        self.forget();
        Ok(settled.root)
    }

    /// Brings the trees up to date with the block. Of what is new, the store gets the blocks that actors wrote; nodes wait for
    /// [`Self::save`].
    ///
    /// # Errors
    /// [`StateFatal`]; the state is then good for nothing.
    pub fn settle(&mut self) -> Result<Settled, StateFatal> {
        if self.is_draft {
            return Err(StateFatal::Invariant("a draft was about to become a state of the chain's".to_owned()));
        }
        for (cid, block) in std::mem::take(&mut self.blocks) {
            self.store.put_keyed(&cid, &block).map_err(StateFatal::tree)?;
        }
        let mut leaves: LeafChanges =
            std::mem::take(&mut self.dropped).into_iter().map(|leaf| (leaf.key(), None)).collect();
        let changed = self.actors.take_changed();
        self.settle_contracts(&changed, &mut leaves)?;
        let encoded = |id| {
            let actor = self.actors.get(&id)?.as_ref();
            Some(actor.map(|actor| encode(&ActorState::from(actor))).transpose().map(|actor| (id, actor)))
        };
        let actors = changed.into_iter().filter_map(encoded).collect::<Result<Vec<_>, _>>()?;
        leaves.extend(actors.iter().map(|(id, actor)| (Leaf::Actor(*id).key(), actor.clone())));
        let entries = self.settle_entries(&mut leaves)?;
        let (new_names, next_id) = (std::mem::take(&mut self.new_names), self.next_id);
        for (name, id) in &new_names {
            leaves.push((Leaf::Name(*name).key(), Some(encode(id)?)));
        }
        let tree = self.tree()?;
        tree.set_entries(&entries)?;
        tree.set_actors(actors)?;
        tree.book_mut().insert(&new_names)?;
        tree.book_mut().advance_to(next_id);
        let trees::Settled { root, made } = tree.settle()?;
        for (id, actor) in made {
            leaves.push((Leaf::Actor(id).key(), actor.as_ref().map(encode).transpose()?));
            if id != ENTRIES_ID {
                let actor = actor.map(|actor| Actor::read(id, actor)).transpose()?;
                *self.actors.get_or_read(id, || Ok::<_, StateFatal>(None))? = actor;
            }
        }
        if next_id != self.settled_next_id {
            leaves.push((Leaf::NextId.key(), Some(encode(&next_id)?)));
            self.settled_next_id = next_id;
        }
        // Stable, and of two changes to one leaf the later one stays.
        leaves.reverse();
        leaves.sort_by(|(a, _), (b, _)| a.cmp(b));
        leaves.dedup_by(|(later, _), (earlier, _)| later == earlier);
        Ok(Settled { root, leaves })
    }

    /// Brings the contracts among the changed actors up to date, all of them together.
    fn settle_contracts(&mut self, changed: &[ActorID], leaves: &mut LeafChanges) -> Result<(), StateFatal> {
        let mut contracts: Vec<_> = changed.iter().filter_map(|id| Some((*id, self.contracts.remove(id)?))).collect();
        let mut batches = Vec::new();
        for (id, contract) in &mut contracts {
            batches.extend(contract.take_changed(&self.store, *id, leaves)?);
        }
        let threads = tree_threads();
        Storage::set_all(&self.store, batches, threads)?;
        Storage::hash(contracts.iter_mut().filter_map(|(_, contract)| contract.storage()), threads);
        for (id, mut contract) in contracts {
            let Some(Some(actor)) = self.actors.get_mut(&id) else { continue };
            let state = contract.settle_head(id, actor, threads, leaves)?;
            if actor.head.state != state {
                Arc::make_mut(&mut actor.head).state = state;
            }
            // An account that delegates no more has no contract.
            if contract.is_empty() && state == EMPTY_ARR_CID {
                self.unsaved.remove(&id);
                continue;
            }
            if !contract.is_saved() {
                self.unsaved.insert(id);
            }
            self.contracts.insert(id, contract);
        }
        Ok(())
    }

    /// Gives every node to the store that it does not have yet, so that the state can be opened there under its root.
    ///
    /// # Errors
    /// [`StateFatal`] when the store does not take them; the state is then good for nothing.
    pub fn save(&mut self) -> Result<(), StateFatal> {
        for id in std::mem::take(&mut self.unsaved) {
            self.contracts.get_mut(&id).map_or(Ok(()), |contract| contract.save(&self.store))?;
        }
        self.tree()?.save()
    }

    /// Gives memory back, as far as it is needed: nodes that the store has, and everything decoded when that is more than a million
    /// actors, names, slots and entries. Between blocks, once leaves or trees of the last one are where this state reads.
    pub fn forget(&mut self) {
        if let Trees::Open(tree) = &mut self.trees {
            tree.evict(NODES_MAX);
        }
        let nodes: usize =
            self.contracts.values_mut().filter_map(Contract::storage).map(|storage| storage.resident()).sum();
        if nodes > NODES_MAX {
            // Each gives in proportion to what it has.
            let share = |resident: usize| resident * (NODES_MAX / 2) / nodes;
            self.contracts.values_mut().filter_map(Contract::storage).for_each(|all| all.evict(share(all.resident())));
        }
        if self.kept() > KEPT_MAX {
            (self.actors, self.names, self.codes) = (Cache::default(), Names::default(), Codes::default());
            self.entries = Cache::default();
            self.contracts.retain(|_, contract| !contract.is_saved());
            self.contracts.values_mut().for_each(Contract::forget);
        }
    }

    /// How many actors, names, slots and codes are kept decoded. An entry counts as four, since its value may have a KiB; a code by its bytes.
    fn kept(&self) -> usize {
        let slots: usize = self.contracts.values().map(Contract::kept).sum();
        self.actors.len() + self.names.len() + self.codes.weight() + slots + 4 * self.entries.len()
    }
}
