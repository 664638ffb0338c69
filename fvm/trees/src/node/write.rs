//! Changes to a node's block: in place while the same slots are taken, else by a copy of what stays.

use std::ops::Range;

use super::{Below, Digest, Entry, Node, Pointer, Standing, widen};
use crate::apply::Change;
use crate::bits::Skip;
use crate::cbor::{self, LINK, LINK_BYTES};
use crate::kind::Kind;
use crate::slots::{Slots, bit, count, slots};

/// Bytes in front of a node's pointers: two lists' headers and a bit field.
const HEAD_BYTES_MAX: usize = 8;

impl Node {
    /// Writes values over those of the same keys; none for a key that is not there either. Answers whether anything is different;
    /// `None`, and nothing is, when entries come or go.
    pub(crate) fn overwrite<K: Kind>(&mut self, slot: u8, changes: &[Change<'_>]) -> Option<bool> {
        let stays = |change: &Change<'_>| self.value_range::<K>(slot, change.key).is_some() == change.value.is_some();
        if changes.len() > K::BUCKET_MAX || !changes.iter().all(stays) {
            return None;
        }
        let mut differs = false;
        for change in changes {
            let (Some(range), Some(value)) = (self.value_range::<K>(slot, change.key), change.value) else { continue };
            if self.block[range.clone()] != *value {
                self.splice(slot, range, value);
                differs = true;
            }
        }
        Some(differs)
    }

    /// Writes a bucket over the one of a slot.
    pub(crate) fn replace_bucket(&mut self, slot: u8, bucket: &[u8]) {
        if let Some(range) = self.range(slot) {
            self.splice(slot, range, bucket);
        }
    }

    /// Puts bytes in the place of others that belong to the pointer of `slot`.
    fn splice(&mut self, slot: u8, range: Range<usize>, bytes: &[u8]) {
        let (old, end) = (self.block.len(), range.start + bytes.len());
        let new = end + old - range.end;
        if new != old {
            self.block.reserve_exact(new.saturating_sub(old));
            self.block.resize(new.max(old), 0);
            self.block.copy_within(range.end..old, end);
            self.block.truncate(new);
            let later = self.starts.iter_mut().filter(|(other, _)| *other > slot);
            later.for_each(|(_, start)| *start = narrow(widen(*start) + new - old));
        }
        self.block[range.start..end].copy_from_slice(bytes);
    }

    /// Puts pointers into slots, or nothing; the rest is copied as it is. Whoever puts something over a link has taken out what was
    /// kept below it.
    pub(crate) fn rewrite<K: Kind>(&mut self, mut edits: Slots<Option<Pointer>>) {
        let gone = edits.iter().filter(|(_, edit)| edit.is_none()).fold(0, |mask, (slot, _)| mask | bit(slot));
        let all = self.taken() | edits.taken();
        let more: usize = edits.iter().filter_map(|(_, edit)| edit.as_ref()).map(Pointer::bytes_max::<K>).sum();
        let mut draft = Draft::new(all & !gone, self.block.len() + more);
        for slot in slots(all) {
            match edits.remove(slot) {
                None => draft.keep(slot, self.pointer(slot)),
                Some(edit) => self.edit::<K>(slot, edit, &mut draft),
            }
        }
        self.block = draft.block;
        self.starts = draft.starts;
        self.standing = Standing::Changed;
    }

    fn edit<K: Kind>(&mut self, slot: u8, edit: Option<Pointer>, draft: &mut Draft) {
        self.links &= !bit(slot);
        self.stale &= !bit(slot);
        self.unsaved &= !bit(slot);
        match edit {
            None => {}
            Some(Pointer::Bucket(bucket)) => draft.keep(slot, &bucket),
            Some(Pointer::Link(skip, below)) => {
                self.links |= bit(slot);
                let digest = self.hang(slot, below);
                draft.link::<K>(slot, &digest, &skip);
            }
        }
    }

    /// Takes note that the node below a slot has changed.
    pub(crate) const fn mark(&mut self, slot: u8) {
        self.stale |= bit(slot);
        self.unsaved |= bit(slot);
    }

    /// Keeps what a link leads to, and answers its digest as far as it is known.
    fn hang(&mut self, slot: u8, below: Below) -> Digest {
        match below {
            Below::Stored(digest) => digest,
            Below::Kept(node) => {
                let digest = node.digest;
                match node.standing {
                    Standing::Changed => self.mark(slot),
                    Standing::Hashed => self.unsaved |= bit(slot),
                    Standing::Saved => {}
                }
                self.below.insert(slot, node);
                digest
            }
        }
    }
}

impl Pointer {
    /// A bound of its bytes in a block.
    fn bytes_max<K: Kind>(&self) -> usize {
        match self {
            Self::Bucket(bucket) => bucket.len(),
            Self::Link(skip, _) => K::LINK.len() + LINK_BYTES + 4 + skip.bytes().len(),
        }
    }
}

/// A block while it is written.
struct Draft {
    block: Vec<u8>,
    starts: Slots<u32>,
}

impl Draft {
    fn new(taken: u32, size: usize) -> Self {
        let mut block = Vec::with_capacity(HEAD_BYTES_MAX + size);
        let field = taken.to_be_bytes();
        let zeros = field.iter().take_while(|byte| **byte == 0).count();
        block.push(0x82);
        cbor::put_bytes(&mut block, &field[zeros..]);
        cbor::put_list(&mut block, count(taken));
        Self { block, starts: Slots::default() }
    }

    fn start(&mut self, slot: u8) {
        self.starts.insert(slot, narrow(self.block.len()));
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

fn narrow(start: usize) -> u32 {
    u32::try_from(start).expect("the bounds of entries bound a block")
}
