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

use std::ops::Range;

use crate::bits::{LEVEL_BITS, Path, Place, Skip, level};
use crate::cbor::{self, LINK, LINK_BYTES, Reader};
use crate::error::NodeRejected;
use crate::kind::Kind;
use crate::slots::{Slots, bit, count, slots};

/// blake2b-256 of a block.
pub(crate) type Digest = [u8; 32];

/// A node with what is kept below it.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// As the store has it or will have it, but for the links in `stale`.
    pub(crate) block: Box<[u8]>,
    /// Where the pointer of each slot begins; the end of one is the start of the next.
    starts: Slots<u32>,
    /// The slots whose pointers are links.
    links: u32,
    /// Nodes that links lead to.
    pub(crate) below: Slots<Self>,
    /// The slots of those whose digest is not yet in the block.
    pub(crate) stale: u32,
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
            block: Box::from([0x82, 0x40, 0x80]),
            starts: Slots::default(),
            links: 0,
            below: Slots::default(),
            stale: 0,
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
    pub(crate) fn entries<K: Kind>(&self, slot: u8) -> Vec<Entry<'_>> {
        if self.is_link(slot) { Vec::new() } else { read::trusted_bucket::<K>(self.pointer(slot)) }
    }

    /// How many entries its slots hold, when no slot holds a link.
    pub(crate) fn entry_count<K: Kind>(&self) -> usize {
        slots(self.taken()).map(|slot| usize::from(self.pointer(slot)[K::BUCKET.len()] & 0x1f)).sum()
    }

    /// The levels that the link of a slot skips.
    pub(crate) fn skip<K: Kind>(&self, slot: u8) -> Skip {
        if !K::SKIPS {
            return Skip::default();
        }
        read::trusted_skip(&self.pointer(slot)[K::LINK.len() + LINK_BYTES..])
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
        self.entries::<K>(slot).into_iter().find(|entry| entry.key == key).map(|entry| entry.value)
    }

    /// Puts pointers into slots, or nothing; the rest is copied as it is.
    pub(crate) fn rewrite<K: Kind>(&mut self, mut edits: Slots<Option<Pointer>>) {
        let gone = edits.iter().filter(|(_, edit)| edit.is_none()).fold(0, |mask, (slot, _)| mask | bit(slot));
        let all = self.taken() | edits.taken();
        let mut draft = Draft::new(all & !gone, self.block.len());
        for slot in slots(all) {
            match edits.remove(slot) {
                None => draft.keep(slot, self.pointer(slot)),
                Some(edit) => self.edit::<K>(slot, edit, &mut draft),
            }
        }
        self.block = draft.block.into_boxed_slice();
        self.starts = draft.starts;
        self.standing = Standing::Changed;
    }

    fn edit<K: Kind>(&mut self, slot: u8, edit: Option<Pointer>, draft: &mut Draft) {
        self.links &= !bit(slot);
        self.stale &= !bit(slot);
        match edit {
            None => drop(self.below.remove(slot)),
            Some(Pointer::Bucket(bucket)) => {
                self.below.remove(slot);
                draft.keep(slot, &bucket);
            }
            Some(Pointer::Link(skip, below)) => {
                self.links |= bit(slot);
                let digest = self.hang(slot, below);
                draft.link::<K>(slot, &digest, &skip);
            }
        }
    }

    /// Keeps what a link leads to, and answers its digest as far as it is known.
    fn hang(&mut self, slot: u8, below: Below) -> Digest {
        match below {
            Below::Stored(digest) => {
                self.below.remove(slot);
                digest
            }
            Below::Kept(node) => {
                let digest = node.digest;
                if node.standing == Standing::Changed {
                    self.stale |= bit(slot);
                }
                self.below.insert(slot, node);
                digest
            }
        }
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

/// A block while it is written.
struct Draft {
    block: Vec<u8>,
    starts: Slots<u32>,
}

impl Draft {
    fn new(taken: u32, size: usize) -> Self {
        let mut block = Vec::with_capacity(size + size / 4);
        let field = taken.to_be_bytes();
        let zeros = field.iter().take_while(|byte| **byte == 0).count();
        block.push(0x82);
        cbor::put_bytes(&mut block, &field[zeros..]);
        cbor::put_list(&mut block, count(taken));
        Self { block, starts: Slots::default() }
    }

    fn start(&mut self, slot: u8) {
        let start = u32::try_from(self.block.len()).expect("the bounds of entries bound a block");
        self.starts.insert(slot, start);
    }

    fn keep(&mut self, slot: u8, pointer: &[u8]) {
        self.start(slot);
        self.block.extend_from_slice(pointer);
    }

    fn link<K: Kind>(&mut self, slot: u8, digest: &Digest, skip: &Skip) {
        self.start(slot);
        self.block.extend_from_slice(K::LINK);
        self.block.extend_from_slice(&LINK);
        self.block.extend_from_slice(digest);
        if K::SKIPS {
            cbor::put_unsigned(&mut self.block, skip.bits());
            cbor::put_bytes(&mut self.block, skip.bytes());
        }
    }
}

/// The spelling of a bucket, whose entries ascend.
pub(crate) fn bucket<K: Kind>(entries: &[Entry<'_>]) -> Vec<u8> {
    let size = entries.iter().map(|entry| entry.key.len() + entry.value.len() + 4).sum::<usize>();
    let mut out = Vec::with_capacity(K::BUCKET.len() + 1 + size);
    out.extend_from_slice(K::BUCKET);
    cbor::put_list(&mut out, entries.len());
    for entry in entries {
        cbor::put_list(&mut out, 2);
        cbor::put_bytes(&mut out, entry.key);
        out.extend_from_slice(entry.value);
    }
    out
}

/// Whether a value is one whole item of a map, within its bounds.
pub(crate) fn check_value<K: Kind>(value: &[u8]) -> Result<(), NodeRejected> {
    let mut reader = Reader(value);
    read::value::<K>(&mut reader)?;
    if reader.0.is_empty() { Ok(()) } else { Err(NodeRejected::Trailing) }
}
