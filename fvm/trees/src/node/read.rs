//! A node from a block that anyone may have made: every bound before it is used, every rule of the library's own output.
//!
//! ```text
//! block                 at most 1 MiB, nothing behind it
//!   ├─ bit field        as short as it can be; on the last level two slots
//!   └─ pointers         as many as there are bits
//!        ├─ link        by blake2b-256 to DAG-CBOR; not on the last level
//!        │    └─ skip   whole levels, above the last; in a KAMT only
//!        └─ bucket      one entry or more, no more than fit
//!             └─ entry  ascending, where its hash leads, its value one item
//! below the root: more than fit into a bucket above, and in a KAMT more than one pointer
//! ```

use tributary_primitives::layout::BLOCK_BYTES_MAX;

use super::{Digest, Entry, Node, Standing};
use crate::bits::{LEVEL_BITS, PLACE_BITS, Path, Skip};
use crate::cbor::{LINK, Major, Reader};
use crate::error::NodeRejected;
use crate::kind::{Kind, VALUE_BYTES_MAX};
use crate::slots::{Slots, bit, count, slots};

impl Node {
    /// The node at the end of `path` whose block, with this digest, a store holds. Cost: linear in its bytes, and in a HAMT one
    /// SHA-256 for each of at most 96 keys.
    pub(crate) fn read<K: Kind>(block: Vec<u8>, digest: Digest, path: &Path) -> Result<Self, NodeRejected> {
        let (starts, links) = scan::<K>(&block, path)?;
        let node = Self {
            block,
            starts,
            links,
            below: Slots::default(),
            stale: 0,
            unsaved: 0,
            digest,
            standing: Standing::Saved,
            used: 0,
        };
        if path.depth() > 0 && node.is_collapsible::<K>() { Err(NodeRejected::Collapsible) } else { Ok(node) }
    }

    /// Whether a node below the root should be part of the one above.
    pub(crate) fn is_collapsible<K: Kind>(&self) -> bool {
        match (count(self.taken()), self.links()) {
            (pointers, 0) => pointers <= K::BUCKET_MAX && self.entry_count::<K>() <= K::BUCKET_MAX,
            (pointers, _) => K::SKIPS && pointers == 1,
        }
    }
}

/// Where each pointer begins, and which are links.
fn scan<K: Kind>(block: &[u8], path: &Path) -> Result<(Slots<u32>, u32), NodeRejected> {
    if block.len() > BLOCK_BYTES_MAX {
        return Err(NodeRejected::TooLarge);
    }
    let mut reader = Reader(block);
    let taken = head(&mut reader, path)?;
    let (mut starts, mut links) = (Slots::default(), 0);
    for slot in slots(taken) {
        let start = block.len() - reader.0.len();
        starts.insert(slot, u32::try_from(start).map_err(|_| NodeRejected::TooLarge)?);
        if link::<K>(&mut reader, path)? {
            links |= bit(slot);
        } else {
            bucket::<K>(&mut reader, path, slot)?;
        }
    }
    if reader.0.is_empty() { Ok((starts, links)) } else { Err(NodeRejected::Trailing) }
}

/// The bit field, when as many pointers follow.
fn head(reader: &mut Reader<'_>, path: &Path) -> Result<u32, NodeRejected> {
    if reader.list(NodeRejected::Shape)? != 2 {
        return Err(NodeRejected::Shape);
    }
    let field = reader.bytes(NodeRejected::Shape)?;
    if field.len() > 4 || field.first() == Some(&0) {
        return Err(NodeRejected::Bitfield);
    }
    let taken = field.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte));
    let slots = 1_u64 << LEVEL_BITS.min(PLACE_BITS - path.depth());
    if u64::from(taken) >> slots != 0 {
        return Err(NodeRejected::Bitfield);
    }
    if reader.list(NodeRejected::Shape)? != u64::from(taken.count_ones()) {
        return Err(NodeRejected::Count);
    }
    Ok(taken)
}

/// Whether a link comes next, which is then taken.
fn link<K: Kind>(reader: &mut Reader<'_>, path: &Path) -> Result<bool, NodeRejected> {
    if !is_link::<K>(reader) {
        return Ok(false);
    }
    if !reader.skips(&LINK) {
        return Err(NodeRejected::Link);
    }
    reader.take(size_of::<Digest>())?;
    let skip = if K::SKIPS { skip(reader)? } else { Skip::default() };
    if path.depth() + LEVEL_BITS + skip.bits() < PLACE_BITS { Ok(true) } else { Err(NodeRejected::Depth) }
}

fn is_link<K: Kind>(reader: &mut Reader<'_>) -> bool {
    let tagged = reader.0.first() == LINK.first();
    if K::LINK.is_empty() { tagged } else { reader.skips(K::LINK) }
}

fn skip(reader: &mut Reader<'_>) -> Result<Skip, NodeRejected> {
    let (Major::Unsigned, bits) = reader.header()? else { return Err(NodeRejected::Skip) };
    Skip::parse(bits, reader.bytes(NodeRejected::Skip)?).ok_or(NodeRejected::Skip)
}

fn bucket<K: Kind>(reader: &mut Reader<'_>, path: &Path, slot: u8) -> Result<(), NodeRejected> {
    if !reader.skips(K::BUCKET) {
        return Err(NodeRejected::Pointer);
    }
    let entries = reader.list(NodeRejected::Pointer)?;
    if entries == 0 || usize::try_from(entries).map_or(true, |entries| entries > K::BUCKET_MAX) {
        return Err(NodeRejected::Bucket);
    }
    let mut last = None;
    for _ in 0..entries {
        let entry = entry::<K>(reader)?;
        if last.replace(entry.key).is_some_and(|last| last >= entry.key) {
            return Err(NodeRejected::Order);
        }
        if !path.leads(&K::place(entry.key)?, slot) {
            return Err(NodeRejected::Misplaced);
        }
    }
    Ok(())
}

fn entry<'a, K: Kind>(reader: &mut Reader<'a>) -> Result<Entry<'a>, NodeRejected> {
    if reader.list(NodeRejected::Pointer)? != 2 {
        return Err(NodeRejected::Pointer);
    }
    Ok(Entry { key: reader.bytes(NodeRejected::Pointer)?, value: value::<K>(reader)? })
}

pub(super) fn value<'a, K: Kind>(reader: &mut Reader<'a>) -> Result<&'a [u8], NodeRejected> {
    let value = reader.item()?;
    if value.len() > VALUE_BYTES_MAX {
        return Err(NodeRejected::TooLarge);
    }
    K::check(value).map(|()| value)
}

/// The entries of a bucket in a node of ours.
#[derive(Clone, Debug)]
pub(crate) struct Entries<'a> {
    left: u64,
    reader: Reader<'a>,
}

/// Why nothing in a node of ours is out of form.
const CHECKED: &str = "a node was checked when it was read, and an entry when it was written";

impl<'a> Entries<'a> {
    /// Those of a pointer that is no link; none when there is no pointer.
    pub(crate) fn of<K: Kind>(pointer: &'a [u8]) -> Self {
        let mut reader = Reader(pointer.get(K::BUCKET.len()..).unwrap_or_default());
        let left = if reader.0.is_empty() { 0 } else { reader.list(NodeRejected::Pointer).expect(CHECKED) };
        Self { left, reader }
    }

    /// How many bytes follow the entries that were taken.
    pub(crate) const fn rest(&self) -> usize {
        self.reader.0.len()
    }

    fn take(&mut self) -> Result<Entry<'a>, NodeRejected> {
        self.reader.take(1)?;
        Ok(Entry { key: self.reader.bytes(NodeRejected::Pointer)?, value: self.reader.item()? })
    }
}

impl Default for Entries<'_> {
    fn default() -> Self {
        Self { left: 0, reader: Reader(&[]) }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        self.left = self.left.checked_sub(1)?;
        Some(self.take().expect(CHECKED))
    }
}

/// The skipped levels in a link of a node of ours.
pub(super) fn trusted_skip(rest: &[u8]) -> Skip {
    if rest.first() == Some(&0) { Skip::default() } else { skip(&mut Reader(rest)).expect(CHECKED) }
}

#[cfg(test)]
mod tests;
