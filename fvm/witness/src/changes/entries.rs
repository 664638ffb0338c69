//! Which entries of actors differ between two states.
//!
//! The entries of each actor are a map, and the map of these maps is the state of f098. Two maps are walked in step, as storages are in
//! `slots`, a level of 32 places at a time:
//!
//! ```text
//! before             after              at one place
//!   the same           the same          ─▶ nothing differs below, and nothing is read
//!   entries, or none   entries, or none  ─▶ compared
//!   a link             anything          ─▶ both a level down
//! ```

use std::collections::{BTreeMap, BTreeSet};

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use ipld_core::ipld::Ipld;
use multihash_codetable::{Code, MultihashDigest};
use tributary_primitives::EntryKey;
use tributary_primitives::actors::ENTRIES_ID;
use tributary_primitives::layout::BIT_WIDTH;

use super::{ActorChange, Direct};
use crate::hamt;
use crate::node::{Bits, Node, NodeRejected};
use crate::witness::WitnessFatal;

/// An actor whose entries differ; at least one of the two is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntriesChange {
    /// Its id.
    pub id: ActorID,
    /// Root of its entries as they were.
    pub before: Option<Cid>,
    /// Root of its entries as they are.
    pub after: Option<Cid>,
}

/// An entry that differs; at least one of the two is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryChange {
    /// Its key.
    pub key: EntryKey,
    /// Its value as it was.
    pub before: Option<Vec<u8>>,
    /// Its value as it is.
    pub after: Option<Vec<u8>>,
}

/// Entries that differ, by ascending key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryChanges {
    /// Some of them: those that come first by the hashes of their keys.
    pub entries: Vec<EntryChange>,
    /// Whether there are more.
    pub is_cut: bool,
}

/// The actors whose entries differ, by ascending id, out of all `changes` between two states. Memory: these actors. Cost: that of the
/// changes.
///
/// # Errors
/// [`WitnessFatal`] when a block is missing or is not what it should be.
pub fn entries_changed<B: Blockstore>(store: &B, changes: &[ActorChange]) -> Result<Vec<EntriesChange>, WitnessFatal> {
    let Some(holder) = changes.iter().find(|change| change.id == ENTRIES_ID) else { return Ok(Vec::new()) };
    let roots = [&holder.before, &holder.after].map(|actor| actor.as_ref().map(|actor| actor.state));
    let mut found = Vec::new();
    for [before, after] in differences(store, roots, usize::MAX, as_root)?.found {
        let Some((id, _)) = before.or(after) else { continue };
        found.push(EntriesChange { id, before: before.map(|(_, root)| root), after: after.map(|(_, root)| root) });
    }
    found.sort_by_key(|change| change.id);
    Ok(found)
}

/// At most `most` entries that differ of a changed actor. Memory: those, and a node of each side for each level. Cost: that of the
/// changes found.
///
/// # Errors
/// [`WitnessFatal`] when a block is missing or is not what it should be.
pub fn entry_changes<B: Blockstore>(
    store: &B,
    change: &EntriesChange,
    most: usize,
) -> Result<EntryChanges, WitnessFatal> {
    let walk = differences(store, [change.before, change.after], most, as_entry)?;
    let mut entries = Vec::new();
    for [before, after] in walk.found {
        let Some(key) = before.as_ref().or(after.as_ref()).map(|(key, _)| *key) else { continue };
        entries.push(EntryChange { key, before: before.map(|(_, value)| value), after: after.map(|(_, value)| value) });
    }
    entries.sort_by_key(|change| change.key);
    Ok(EntryChanges { entries, is_cut: walk.is_cut })
}

/// Which actor, and the root of its entries.
fn as_root(node: &Cid, key: &[u8], value: Ipld) -> Result<(ActorID, Cid), NodeRejected> {
    let malformed = |why| NodeRejected::new(node, "map of entries", why);
    let id = Address::from_bytes(key).ok().and_then(|address| address.id().ok());
    let id = id.ok_or_else(|| malformed("a key is no id"))?;
    if let Ipld::Link(root) = value { Ok((id, root)) } else { Err(malformed("an actor's entries are no link")) }
}

/// Key and value.
fn as_entry(node: &Cid, key: &[u8], value: Ipld) -> Result<(EntryKey, Vec<u8>), NodeRejected> {
    let malformed = |why| NodeRejected::new(node, "map of entries", why);
    let key = EntryKey::new(key).ok_or_else(|| malformed("a key is none of an entry"))?;
    if let Ipld::Bytes(value) = value { Ok((key, value)) } else { Err(malformed("a value is no byte string")) }
}

/// Places of a level.
const PLACES: usize = 1 << BIT_WIDTH;
/// Levels of a map: 51 of five bits, and one of the last bit.
const LEVELS: usize = 52;

/// Reads a key and its value, which stand in a node.
type Read<T> = fn(&Cid, &[u8], Ipld) -> Result<T, NodeRejected>;

/// Keys with their values, by the hash of the key.
type Entries<T> = BTreeMap<[u8; 32], T>;

/// What lies at one place.
#[derive(Clone, PartialEq)]
enum Part<T> {
    /// Entries, or none.
    Entries(Entries<T>),
    /// A node.
    Below(Cid),
}

impl<T> Part<T> {
    const NOTHING: Self = Self::Entries(BTreeMap::new());

    fn of(node: &Cid, pointer: &Ipld, read: Read<T>) -> Result<Self, NodeRejected> {
        if let Ipld::Link(below) = pointer {
            return Ok(Self::Below(*below));
        }
        let mut entries = BTreeMap::new();
        for (key, value) in hamt::entries(node, pointer.clone())? {
            entries.insert(hash(&key), read(node, &key, value)?);
        }
        Ok(Self::Entries(entries))
    }
}

fn hash(key: &[u8]) -> [u8; 32] {
    Code::Sha2_256.digest(key).digest().try_into().expect("a SHA-256 has 32 bytes")
}

struct Walk<'a, B, T> {
    blocks: Direct<'a, B>,
    read: Read<T>,
    most: usize,
    /// Before and after.
    found: Vec<[Option<T>; 2]>,
    is_cut: bool,
}

/// The first `most` entries that differ between two maps, by the hashes of their keys.
fn differences<'a, B: Blockstore, T: Clone + PartialEq>(
    store: &'a B,
    roots: [Option<Cid>; 2],
    most: usize,
    read: Read<T>,
) -> Result<Walk<'a, B, T>, WitnessFatal> {
    let [before, after] = roots.map(|root| root.map_or(Part::NOTHING, Part::Below));
    let mut walk = Walk { blocks: Direct(store), read, most, found: Vec::new(), is_cut: false };
    walk.compare(0, [&before, &after])?;
    Ok(walk)
}

impl<B: Blockstore, T: Clone + PartialEq> Walk<'_, B, T> {
    /// Notes what differs below one place. Depth: at most the levels of a map, 52.
    fn compare(&mut self, level: usize, sides: [&Part<T>; 2]) -> Result<(), WitnessFatal> {
        match sides {
            _ if self.is_cut => Ok(()),
            [before, after] if before == after => Ok(()),
            [Part::Entries(before), Part::Entries(after)] => {
                self.note(before, after);
                Ok(())
            }
            [before, after] => {
                let (before, after) = (self.open(level, before)?, self.open(level, after)?);
                before.iter().zip(&after).try_for_each(|(before, after)| self.compare(level + 1, [before, after]))
            }
        }
    }

    /// What lies at each place one level down.
    fn open(&mut self, level: usize, part: &Part<T>) -> Result<Vec<Part<T>>, WitnessFatal> {
        let mut below = vec![Part::NOTHING; PLACES];
        match part {
            Part::Entries(entries) => {
                for (hash, entry) in entries {
                    let place = Bits::of(hash).nth(level).and_then(|place| usize::try_from(place).ok());
                    if let Some(Part::Entries(entries)) = place.and_then(|place| below.get_mut(place)) {
                        entries.insert(*hash, entry.clone());
                    }
                }
            }
            Part::Below(cid) if level < LEVELS => {
                let node = Node::read(&mut self.blocks, cid)?;
                for (below, pointer) in below.iter_mut().zip(node.places()) {
                    *below = pointer.map_or(Ok(Part::NOTHING), |pointer| Part::of(cid, pointer, self.read))?;
                }
            }
            Part::Below(cid) => {
                return Err(NodeRejected::new(cid, "node of a map", "it lies deeper than a key has bits").into());
            }
        }
        Ok(below)
    }

    fn note(&mut self, before: &Entries<T>, after: &Entries<T>) {
        let hashes: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        for hash in hashes.into_iter().filter(|hash| before.get(*hash) != after.get(*hash)) {
            if self.found.len() == self.most {
                self.is_cut = true;
                return;
            }
            self.found.push([before.get(hash).cloned(), after.get(hash).cloned()]);
        }
    }
}
