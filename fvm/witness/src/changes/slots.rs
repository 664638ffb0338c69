//! Which storage slots of a contract differ between two states.
//!
//! Both storages are walked in step, a level of 32 places at a time. A link that skips levels is followed through them place by place,
//! so two maps that share a node are seen to share it, however many levels their links to it skip.
//!
//! ```text
//! before            after             at one place
//!   the same          the same         ─▶ nothing differs below, and nothing is read
//!   slots, or none    slots, or none   ─▶ compared
//!   a link            anything         ─▶ both a level down
//! ```

use std::collections::{BTreeMap, BTreeSet};

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::state::ActorState;
use ipld_core::ipld::Ipld;
use tributary_primitives::Hash32;
use tributary_primitives::layout::{BIT_WIDTH, ContractHead};

use super::{ActorChange, Direct};
use crate::kamt::{self, Pointer};
use crate::node::{Bits, Node, NodeRejected, read_as};
use crate::witness::WitnessFatal;

/// A slot that differs. No value is zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotChange {
    /// The slot, big-endian.
    pub slot: Hash32,
    /// As it was.
    pub before: Hash32,
    /// As it is.
    pub after: Hash32,
}

/// Slots that differ, by ascending slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlotChanges {
    /// The first of them.
    pub slots: Vec<SlotChange>,
    /// Whether there are more.
    pub is_cut: bool,
}

/// The first `most` slots that differ in a changed contract; none for an actor that is no contract. Memory: those, and a node of each
/// side for each level. Cost: that of the changes found.
///
/// # Errors
/// [`WitnessFatal`] when a block is missing or is not what it should be.
pub fn slot_changes<B: Blockstore>(store: &B, change: &ActorChange, most: usize) -> Result<SlotChanges, WitnessFatal> {
    let mut walk = Walk { blocks: Direct(store), most, found: SlotChanges::default() };
    let before = walk.storage(change.before.as_ref())?;
    let after = walk.storage(change.after.as_ref())?;
    walk.compare(0, [&before, &after])?;
    Ok(walk.found)
}

/// Places of a level.
const PLACES: usize = 1 << BIT_WIDTH;
/// Levels of a map: 51 of five bits, and one of the last bit.
const LEVELS: usize = 52;

type Slots = BTreeMap<[u8; 32], [u8; 32]>;

/// What lies at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// Slots with their values, or none.
    Slots(Slots),
    /// A node, and the one place that is taken at each of the levels above it.
    Below { skipped: Vec<usize>, cid: Cid },
}

const NOTHING: Part = Part::Slots(BTreeMap::new());

impl Part {
    fn of(node: &Cid, pointer: &Ipld) -> Result<Self, NodeRejected> {
        match kamt::read(node, pointer.clone())? {
            Pointer::Bucket(entries) => {
                entries.into_iter().map(|entry| kamt::entry(node, entry)).collect::<Result<_, _>>().map(Self::Slots)
            }
            Pointer::Link { below, length, skipped } => {
                Ok(Self::Below { skipped: kamt::skipped(node, length, &skipped)?.map(index).collect(), cid: below })
            }
        }
    }
}

fn index(place: u32) -> usize {
    usize::try_from(place).expect("a place is below 32")
}

struct Walk<'a, B> {
    blocks: Direct<'a, B>,
    most: usize,
    found: SlotChanges,
}

impl<B: Blockstore> Walk<'_, B> {
    fn storage(&mut self, actor: Option<&ActorState>) -> Result<Part, WitnessFatal> {
        let Some(head) = actor.and_then(ContractHead::of) else { return Ok(NOTHING) };
        let head: ContractHead = read_as(&mut self.blocks, head, "contract head")?;
        Ok(Part::Below { skipped: Vec::new(), cid: head.storage })
    }

    /// Notes what differs below one place. Depth: at most the levels of a slot, 52.
    fn compare(&mut self, level: usize, sides: [&Part; 2]) -> Result<(), WitnessFatal> {
        match sides {
            _ if self.found.is_cut => Ok(()),
            [before, after] if before == after => Ok(()),
            [Part::Slots(before), Part::Slots(after)] => {
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
    fn open(&mut self, level: usize, part: &Part) -> Result<Vec<Part>, WitnessFatal> {
        let mut below = vec![NOTHING; PLACES];
        match part {
            Part::Slots(slots) => {
                for (slot, value) in slots {
                    let place = Bits::of(slot).nth(level).map(index);
                    if let Some(Part::Slots(slots)) = place.and_then(|place| below.get_mut(place)) {
                        slots.insert(*slot, *value);
                    }
                }
            }
            Part::Below { skipped, cid } if level < LEVELS => match skipped.split_first() {
                Some((place, rest)) => below[*place] = Part::Below { skipped: rest.to_vec(), cid: *cid },
                None => {
                    let node = Node::read(&mut self.blocks, cid)?;
                    for (below, pointer) in below.iter_mut().zip(node.places()) {
                        *below = pointer.map_or(Ok(NOTHING), |pointer| Part::of(cid, pointer))?;
                    }
                }
            },
            Part::Below { cid, .. } => {
                let why = "it lies deeper than a slot has bits";
                return Err(NodeRejected::new(cid, "node of a contract's storage", why).into());
            }
        }
        Ok(below)
    }

    fn note(&mut self, before: &Slots, after: &Slots) {
        let slots: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        for slot in slots.into_iter().filter(|slot| before.get(*slot) != after.get(*slot)) {
            if self.found.slots.len() == self.most {
                self.found.is_cut = true;
                return;
            }
            let value = |side: &Slots| Hash32(side.get(slot).copied().unwrap_or_default());
            self.found.slots.push(SlotChange { slot: Hash32(*slot), before: value(before), after: value(after) });
        }
    }
}
