//! The entries of all actors: a map of maps, whose root is the state of the actor that holds them.
//!
//! ```text
//! f098 ─▶ HAMT   f0 address ─▶ root
//!                                └─ HAMT   key ─▶ value, a byte string
//! ```
//!
//! That actor is there as long as there is an entry: a state without is what it would be if there were none to be had. An actor without
//! entries is not in the first map. No transaction sees f098, so none can pay or call it.

use std::collections::BTreeMap;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_encoding::{BytesDe, BytesSer, from_slice};
use fvm_shared::ActorID;
use tributary_primitives::EntryKey;
use tributary_trees::Hamt;

use super::leaf::encode;
use super::tree::{id_of, key_of};
use crate::error::StateFatal;

/// Nodes that stay at hand, of all the maps together. With balances in them some 3 KiB each; at the most 105 KiB, for which
/// somebody has paid by the byte.
const NODES_MAX: usize = 16_384;

/// A change of one entry, its value as [`value_of`] spells it.
pub(super) type Change = (ActorID, EntryKey, Option<Vec<u8>>);

/// The maps, open for reading and writing.
#[derive(Debug, Default)]
pub(super) struct Entries {
    roots: Hamt,
    /// Those that were needed, none of them empty.
    maps: BTreeMap<ActorID, Hamt>,
}

impl Entries {
    /// Those under `root`. Cost: one block read.
    pub(super) fn load<S: Blockstore>(store: &S, root: &Cid) -> Result<Self, StateFatal> {
        Ok(Self { roots: Hamt::load(store, root)?, maps: BTreeMap::new() })
    }

    /// Whether no actor has any.
    pub(super) const fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// A value; what is read on the way stays at hand.
    pub(super) fn get<S: Blockstore>(
        &mut self,
        store: &S,
        id: ActorID,
        key: &EntryKey,
    ) -> Result<Option<Vec<u8>>, StateFatal> {
        let Some(map) = self.open(store, id)? else { return Ok(None) };
        map.get(store, key.as_bytes())?.map(value_in).transpose()
    }

    /// Sets and deletes; the changes ascend by actor. Cost: each node on the way is visited once, and hashed.
    pub(super) fn apply<S: Blockstore + Sync>(
        &mut self,
        store: &S,
        changes: &[Change],
        threads: usize,
    ) -> Result<(), StateFatal> {
        let mut changed = Vec::new();
        for of_one in changes.chunk_by(|(a, ..), (b, ..)| a == b) {
            let Some((id, ..)) = of_one.first() else { continue };
            self.open(store, *id)?;
            let map = self.maps.remove(id).unwrap_or_default();
            let batch: Vec<_> = of_one.iter().map(|(_, key, value)| (key.as_bytes(), value.as_deref())).collect();
            changed.push((*id, map, batch));
        }
        let batches = changed.iter_mut().map(|(_, map, batch)| (map, &**batch)).collect();
        Hamt::apply_all(store, batches, threads)?;
        let mut maps: Vec<_> = changed.iter_mut().map(|(_, map, _)| map).collect();
        Hamt::hash(&mut maps, threads);
        let mut roots = Vec::with_capacity(changed.len());
        for (id, mut map, _) in changed {
            if map.is_empty() {
                roots.push((key_of(id), None));
            } else {
                roots.push((key_of(id), Some(encode(&map.root(threads))?)));
                self.maps.insert(id, map);
            }
        }
        Ok(self.roots.apply(store, &roots)?)
    }

    /// The root. Nothing is written.
    pub(super) fn root(&mut self, threads: usize) -> Cid {
        self.roots.root(threads)
    }

    /// Writes every node that is not written yet, the root last.
    pub(super) fn save<S: Blockstore>(&mut self, store: &S, threads: usize) -> Result<(), StateFatal> {
        for map in self.maps.values_mut().filter(|map| !map.is_saved()) {
            map.flush(store, threads)?;
        }
        self.roots.flush(store, threads)?;
        Ok(())
    }

    /// Forgets nodes beyond [`NODES_MAX`] that the store has.
    pub(super) fn evict(&mut self) {
        self.roots.evict(NODES_MAX);
        let nodes: usize = self.maps.values().map(Hamt::resident).sum();
        if nodes > NODES_MAX {
            // Each gives in proportion to what it has.
            self.maps.values_mut().for_each(|map| map.evict(map.resident() * (NODES_MAX / 2) / nodes));
        }
        // What eviction leaves of each is its root.
        if self.maps.len() > NODES_MAX {
            self.maps.retain(|_, map| !map.is_saved());
        }
    }

    /// The map of an actor that has one.
    fn open<S: Blockstore>(&mut self, store: &S, id: ActorID) -> Result<Option<&mut Hamt>, StateFatal> {
        if !self.maps.contains_key(&id) {
            let Some(root) = self.roots.get(store, &key_of(id))? else { return Ok(None) };
            self.maps.insert(id, Hamt::load(store, &root_in(root)?)?);
        }
        Ok(self.maps.get_mut(&id))
    }
}

/// A value under `root`, for who asks once.
pub(super) fn find<S: Blockstore>(
    store: &S,
    root: &Cid,
    id: ActorID,
    key: &EntryKey,
) -> Result<Option<Vec<u8>>, StateFatal> {
    let Some(map) = Hamt::load(store, root)?.peek(store, &key_of(id))? else { return Ok(None) };
    let value = Hamt::load(store, &root_in(&map)?)?.peek(store, key.as_bytes())?;
    value.map(|value| value_in(&value)).transpose()
}

/// Calls `visit` with every entry under `root`, its value as it is spelled. Cost: all of it is read.
pub(super) fn for_each<S: Blockstore>(
    store: &S,
    root: &Cid,
    mut visit: impl FnMut(ActorID, EntryKey, &[u8]) -> Result<(), StateFatal>,
) -> Result<(), StateFatal> {
    Hamt::load(store, root)?.for_each(store, |id, root| {
        let id = id_of(id)?;
        Hamt::load(store, &root_in(root)?)?.for_each(store, |key, value| {
            let key = EntryKey::new(key);
            let key = key.ok_or_else(|| StateFatal::Invariant(format!("a key of actor {id}'s entries is no key")))?;
            visit(id, key, value)
        })
    })
}

/// A value as maps and leaves have it: a byte string of CBOR, so that an empty one is something.
pub(super) fn value_of(value: &[u8]) -> Result<Vec<u8>, StateFatal> {
    encode(&BytesSer(value))
}

/// The value that maps have.
fn value_in(spelled: &[u8]) -> Result<Vec<u8>, StateFatal> {
    let value = from_slice::<BytesDe>(spelled);
    Ok(value.map_err(|why| StateFatal::Invariant(format!("an entry's value is no byte string: {why}")))?.0)
}

fn root_in(spelled: &[u8]) -> Result<Cid, StateFatal> {
    from_slice(spelled).map_err(|why| StateFatal::Invariant(format!("an actor's entries have no root: {why}")))
}

#[cfg(test)]
mod tests;
