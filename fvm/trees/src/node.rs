//! A node as it is kept: its block as the store has it, and where in it each pointer begins.
//!
//! ```text
//! block   82  bit field  list of n  pointer 0  pointer 1 …  pointer n−1
//! starts                            ▲          ▲            ▲
//! below                             the nodes that links lead to, as far as they were needed
//! ```
//!
//! Nothing is decoded into parts and encoded again: a change copies what it does not touch, a digest is written over the one
//! before. Only the digests of links in `stale` are behind, until [`crate::hash`] has come by.

mod read;
mod write;

pub(crate) use read::Entries;
pub(crate) use write::bucket;

use std::ops::Range;

use crate::bits::{LEVEL_BITS, Path, Place, Skip, level};
use crate::cbor::{LINK, LINK_BYTES, Reader};

use crate::error::NodeRejected;
use crate::kind::Kind;
use crate::slots::{Slots, bit, slots};

/// blake2b-256 of a block.
pub(crate) type Digest = [u8; 32];

/// A node with what is kept below it.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// As the store has it or will have it, but for the links in `stale`.
    pub(crate) block: Vec<u8>,
    /// Where the pointer of each slot begins; the end of one is the start of the next.
    starts: Slots<u32>,
    /// The slots whose pointers are links.
    links: u32,
    /// Nodes that links lead to.
    pub(crate) below: Slots<Self>,
    /// The slots of those whose digest is not yet in the block.
    pub(crate) stale: u32,
    /// The slots of those that are not saved.
    pub(crate) unsaved: u32,
    /// Of the block, unless it is [`Standing::Changed`].
    pub(crate) digest: Digest,
    pub(crate) standing: Standing,
    /// When it was last used, as [`crate::keep::Kept`] counts.
    pub(crate) used: u32,
}

/// How far a node is known. One that is changed stands below changed ones only, one that is not saved below none that is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// Its digest is not known.
    Changed,
    /// Its digest is known; the store does not have it.
    Hashed,
    /// The store has it, and all below.
    Saved,
}

/// A key and its value, as they are spelled.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
}

/// What may stand in a slot.
pub(crate) enum Pointer {
    /// Entries, as [`bucket`] spells them.
    Bucket(Vec<u8>),
    Link(Skip, Below),
}

/// Where a link leads.
pub(crate) enum Below {
    Kept(Node),
    Stored(Digest),
}

/// Where a key goes on from one node.
pub(crate) enum Step {
    /// Its entry is in this slot, if there is one.
    Here(u8),
    /// It is not in the tree.
    Nowhere,
    /// It is further down, in the node at the end of the path.
    Below(u8, Path),
}

impl Node {
    /// A root without entries.
    pub(crate) fn empty() -> Self {
        Self {
            block: vec![0x82, 0x40, 0x80],
            starts: Slots::default(),
            links: 0,
            below: Slots::default(),
            stale: 0,
            unsaved: 0,
            digest: Digest::default(),
            standing: Standing::Changed,
            used: 0,
        }
    }

    pub(crate) fn of<K: Kind>(pointers: Slots<Option<Pointer>>) -> Self {
        let mut node = Self::empty();
        node.rewrite::<K>(pointers);
        node
    }

    /// The slots that hold something.
    pub(crate) const fn taken(&self) -> u32 {
        self.starts.taken()
    }

    /// The slots that hold links.
    pub(crate) const fn links(&self) -> u32 {
        self.links
    }

    pub(crate) const fn is_link(&self, slot: u8) -> bool {
        self.links & bit(slot) != 0
    }

    fn range(&self, slot: u8) -> Option<Range<usize>> {
        let index = self.starts.index(slot)?;
        let end = self.starts.at(index + 1).map_or(self.block.len(), |start| widen(*start));
        Some(widen(*self.starts.at(index)?)..end)
    }

    fn pointer(&self, slot: u8) -> &[u8] {
        self.range(slot).map_or(&[], |range| &self.block[range])
    }

    /// The entries of a slot; none when it holds a link or nothing.
    pub(crate) fn entries<K: Kind>(&self, slot: u8) -> Entries<'_> {
        if self.is_link(slot) { Entries::default() } else { Entries::of::<K>(self.pointer(slot)) }
    }

    /// How many entries its slots hold, when no slot holds a link.
    pub(crate) fn entry_count<K: Kind>(&self) -> usize {
        slots(self.taken()).map(|slot| usize::from(self.pointer(slot)[K::BUCKET.len()] & 0x1f)).sum()
    }

    /// The levels that the link of a slot skips.
    pub(crate) fn skip<K: Kind>(&self, slot: u8) -> Skip {
        if K::SKIPS { read::trusted_skip(&self.pointer(slot)[K::LINK.len() + LINK_BYTES..]) } else { Skip::default() }
    }

    /// The digest in the link of a slot, which must not be stale.
    pub(crate) fn digest_below<K: Kind>(&self, slot: u8) -> Digest {
        let from = K::LINK.len() + LINK.len();
        let digest = self.pointer(slot).get(from..).and_then(|pointer| pointer.first_chunk());
        *digest.expect("only links are asked for digests")
    }

    /// Where a key goes on that comes here after `depth` bits.
    pub(crate) fn step<K: Kind>(&self, place: &Place, depth: usize) -> Step {
        let slot = level(place, depth);
        if !self.is_link(slot) {
            return Step::Here(slot);
        }
        let (skip, at) = (self.skip::<K>(slot), depth + LEVEL_BITS);
        if skip.shared(place, at) < skip.bits() {
            return Step::Nowhere;
        }
        Step::Below(slot, Path::of(*place, at + skip.bits()))
    }

    /// The value of a key in a slot without link.
    pub(crate) fn value<K: Kind>(&self, slot: u8, key: &[u8]) -> Option<&[u8]> {
        self.entries::<K>(slot).find(|entry| entry.key == key).map(|entry| entry.value)
    }

    /// Where in the block the value of a key stands.
    fn value_range<K: Kind>(&self, slot: u8, key: &[u8]) -> Option<Range<usize>> {
        let range = self.range(slot).filter(|_| !self.is_link(slot))?;
        let mut entries = Entries::of::<K>(&self.block[range.clone()]);
        let value = entries.find(|entry| entry.key == key)?.value;
        let end = range.end - entries.rest();
        Some(end - value.len()..end)
    }

    /// Writes the digests of changed nodes below, now that they are known, into their links.
    pub(crate) fn refresh<K: Kind>(&mut self) {
        for slot in slots(std::mem::take(&mut self.stale)) {
            let (Some(range), Some(below)) = (self.range(slot), self.below.get(slot)) else { continue };
            let start = range.start + K::LINK.len() + LINK.len();
            self.block[start..start + below.digest.len()].copy_from_slice(&below.digest);
        }
    }
}

fn widen(start: u32) -> usize {
    usize::try_from(start).expect("a block is shorter than memory")
}

/// Whether a value is one whole item of a map, within its bounds.
pub(crate) fn check_value<K: Kind>(value: &[u8]) -> Result<(), NodeRejected> {
    let mut reader = Reader(value);
    read::value::<K>(&mut reader)?;
    if reader.0.is_empty() { Ok(()) } else { Err(NodeRejected::Trailing) }
}
