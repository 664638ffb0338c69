//! Which actors differ between two states, and, in `slots` and `entries`, in which storage slots and entries.
//!
//! Subtrees with one CID are equal and are not read, so the cost is that of the changes: for each changed actor the nodes above it.

mod entries;
mod slots;

use std::collections::BTreeMap;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::state::{ActorState, StateRoot};
use ipld_core::ipld::Ipld;

use crate::hamt;
use crate::node::{Node, NodeRejected, read_as};
use crate::question::{Blocks, as_actor};
use crate::witness::WitnessFatal;

pub use entries::{EntriesChange, EntryChange, EntryChanges, entries_changed, entry_changes};
pub use slots::{SlotChange, SlotChanges, slot_changes};

/// An actor that differs; at least one of the two is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorChange {
    /// Its id.
    pub id: ActorID,
    /// As it was.
    pub before: Option<ActorState>,
    /// As it is.
    pub after: Option<ActorState>,
}

impl ActorChange {
    /// Names of the fields that differ between an actor that was there and one that is.
    #[must_use]
    pub fn fields(&self) -> Vec<&'static str> {
        let (Some(before), Some(after)) = (&self.before, &self.after) else { return Vec::new() };
        let differs = [
            ("code", before.code != after.code),
            ("state", before.state != after.state),
            ("nonce", before.sequence != after.sequence),
            ("balance", before.balance != after.balance),
            ("delegated", before.delegated_address != after.delegated_address),
        ];
        differs.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| field).collect()
    }
}

/// What differs from the state under `before` to the one under `after`, by ascending id. Memory: the changes.
///
/// # Errors
/// [`WitnessFatal`] when a block is missing or is not what it should be.
pub fn changes<B: Blockstore>(store: &B, before: &Cid, after: &Cid) -> Result<Vec<ActorChange>, WitnessFatal> {
    let mut blocks = Direct(store);
    let [before, after]: [StateRoot; 2] =
        [read_as(&mut blocks, before, "state root")?, read_as(&mut blocks, after, "state root")?];
    let (old, new) = (Ipld::Link(before.actors), Ipld::Link(after.actors));
    let mut found = BTreeMap::new();
    compare(&mut blocks, [(&before.actors, Some(&old)), (&after.actors, Some(&new))], &mut found)?;
    let changed = found.into_iter().filter(|(_, sides)| sides[0] != sides[1]);
    Ok(changed.map(|(id, [before, after])| ActorChange { id, before, after }).collect())
}

/// Before and after, by id.
type Found = BTreeMap<ActorID, [Option<ActorState>; 2]>;

/// What stands at one place of a node, and which node.
type Pointer<'a> = (&'a Cid, Option<&'a Ipld>);

/// Compares two pointers of one place. Depth: at most the levels of a map, 52.
fn compare<B: Blockstore>(
    blocks: &mut Direct<'_, B>,
    sides: [Pointer<'_>; 2],
    found: &mut Found,
) -> Result<(), WitnessFatal> {
    match sides.map(|(_, pointer)| pointer) {
        [before, after] if before == after => Ok(()),
        [Some(Ipld::Link(before)), Some(Ipld::Link(after))] => {
            let (before, after) = (Node::read(blocks, before)?, Node::read(blocks, after)?);
            let mut places = before.places().zip(after.places());
            places.try_for_each(|(a, b)| compare(blocks, [(&before.cid, a), (&after.cid, b)], found))
        }
        _ => (0..).zip(sides).try_for_each(|(side, pointer)| collect(blocks, pointer, side, found)),
    }
}

/// Every actor below a pointer, as `side` has it.
fn collect<B: Blockstore>(
    blocks: &mut Direct<'_, B>,
    (node, pointer): Pointer<'_>,
    side: usize,
    found: &mut Found,
) -> Result<(), WitnessFatal> {
    let Some(pointer) = pointer else { return Ok(()) };
    if let Ipld::Link(cid) = pointer {
        let below = Node::read(blocks, cid)?;
        return below.places().try_for_each(|pointer| collect(blocks, (cid, pointer), side, found));
    }
    for (key, actor) in hamt::entries(node, pointer.clone())? {
        let id = Address::from_bytes(&key).ok().and_then(|address| address.id().ok());
        let id = id.ok_or_else(|| NodeRejected::new(node, "map of actors", "a key is no id"))?;
        found.entry(id).or_default()[side] = Some(as_actor(node, actor)?);
    }
    Ok(())
}

/// Reads a store and remembers nothing.
struct Direct<'a, B>(&'a B);

impl<B: Blockstore> Blocks for Direct<'_, B> {
    type Refused = WitnessFatal;

    fn block(&mut self, cid: &Cid) -> Result<Vec<u8>, WitnessFatal> {
        let block = self.0.get(cid).map_err(WitnessFatal::Store)?;
        block.ok_or_else(|| WitnessFatal::Missing(Box::new(*cid)))
    }
}

#[cfg(test)]
mod tests;
