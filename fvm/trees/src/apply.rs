//! A batch applied to a node: sorted by place, so that one descent serves neighbours.
//!
//! | in the slot | after the batch | becomes |
//! |---|---|---|
//! | nothing, or a bucket | no more entries than fit | a bucket, or nothing |
//! | | more | a link to a new node |
//! | a link | all changes go where it leads | what is left of that node: itself, a bucket, or a longer link |
//! | | some leave the levels it skips | a link to a new node where they part, and on from there |
//!
//! The form of a tree follows from its entries alone, so any order and any batches lead to the same blocks.

use fvm_ipld_blockstore::Blockstore;

use crate::bits::{LEVEL_BITS, PLACE_BITS, Path, Place, Skip, level};
use crate::error::TreeFatal;
use crate::keep::Kept;
use crate::kind::Kind;
use crate::node::{Below, Entry, Node, Pointer, Standing, bucket};
use crate::slots::{Slots, count, slots};
use crate::work::Work;

/// A key's new value, or none.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Change<'a> {
    pub(crate) place: Place,
    pub(crate) key: &'a [u8],
    pub(crate) value: Option<&'a [u8]>,
}

impl<'a> Change<'a> {
    fn entry(&self) -> Option<Entry<'a>> {
        self.value.map(|value| Entry { key: self.key, value })
    }
}

/// What a slot becomes.
pub(crate) enum Outcome {
    /// What it was.
    Same,
    /// The bucket it was, with other values or entries: written already.
    Written,
    /// The link it was, to a node that has changed.
    Below,
    /// Something else, or nothing.
    Put(Option<Pointer>),
}

/// What a node's slots become, as far as that is not done yet.
#[derive(Default)]
pub(crate) struct Edits {
    slots: Slots<Option<Pointer>>,
    is_changed: bool,
}

impl Node {
    /// Applies changes, sorted by place and one for a key, to the node `depth` bits down. Answers whether anything is different.
    pub(crate) fn apply<K: Kind, S: Blockstore>(
        &mut self,
        work: &mut Work<'_, S>,
        depth: usize,
        changes: &[Change<'_>],
    ) -> Result<bool, TreeFatal> {
        let mut edits = Edits::default();
        for group in changes.chunk_by(|a, b| level(&a.place, depth) == level(&b.place, depth)) {
            let slot = level(&group[0].place, depth);
            let outcome = self.outcome::<K, S>(work, slot, depth, group)?;
            self.note(slot, outcome, &mut edits);
        }
        Ok(self.take_over::<K>(edits))
    }

    /// Notes what a slot becomes, for [`Self::take_over`].
    pub(crate) fn note(&mut self, slot: u8, outcome: Outcome, edits: &mut Edits) {
        match outcome {
            Outcome::Same => return,
            Outcome::Written => {}
            Outcome::Below => self.mark(slot),
            Outcome::Put(edit) => edits.slots.insert(slot, edit),
        }
        edits.is_changed = true;
    }

    /// Makes the slots what was noted. Answers whether anything is different.
    pub(crate) fn take_over<K: Kind>(&mut self, edits: Edits) -> bool {
        let Edits { slots, is_changed } = edits;
        if !slots.is_empty() {
            self.rewrite::<K>(slots);
        }
        if is_changed {
            self.standing = Standing::Changed;
        }
        is_changed
    }

    /// Changes one slot, or says what it becomes.
    pub(crate) fn outcome<K: Kind, S: Blockstore>(
        &mut self,
        work: &mut Work<'_, S>,
        slot: u8,
        depth: usize,
        group: &[Change<'_>],
    ) -> Result<Outcome, TreeFatal> {
        if !self.is_link(slot) {
            return self.fill::<K>(work.kept, slot, depth, group);
        }
        let skip = self.skip::<K>(slot);
        let at = depth + LEVEL_BITS;
        let leaves = |change: &Change<'_>| skip.shared(&change.place, at) < skip.bits();
        if skip.bits() > 0 && group.iter().any(|change| change.value.is_none() && leaves(change)) {
            // What is not below the link need not be deleted.
            let rest: Vec<_> =
                group.iter().filter(|change| change.value.is_some() || !leaves(change)).copied().collect();
            return self.pass::<K, S>(work, slot, at, &skip, &rest);
        }
        self.pass::<K, S>(work, slot, at, &skip, group)
    }

    /// Passes changes on to where a link leads that skips the levels from bit `at` on.
    fn pass<K: Kind, S: Blockstore>(
        &mut self,
        work: &mut Work<'_, S>,
        slot: u8,
        at: usize,
        skip: &Skip,
        group: &[Change<'_>],
    ) -> Result<Outcome, TreeFatal> {
        let ([first, ..], [.., last]) = (group, group) else { return Ok(Outcome::Same) };
        // They are sorted: what the first and the last share with the skipped levels, all share.
        let shared = skip.shared(&first.place, at).min(skip.shared(&last.place, at));
        if shared < skip.bits() {
            let (head, mut midway) = self.part::<K>(slot, skip, shared, work.kept);
            midway.apply::<K, S>(work, at + shared, group)?;
            return Ok(Outcome::Put(settled::<K>(midway, head, work.kept)));
        }
        let below = self.open::<K, S>(work, slot, &Path::of(first.place, at + shared))?;
        if !below.apply::<K, S>(work, at + shared, group)? {
            return Ok(Outcome::Same);
        }
        if below.taken() != 0 && !below.is_collapsible::<K>() {
            return Ok(Outcome::Below);
        }
        let below = self.below.remove(slot).expect("it was opened above");
        Ok(Outcome::Put(settled::<K>(below, *skip, work.kept)))
    }

    /// A node where keys part that so far shared the levels a link skips; the link goes on from there.
    fn part<K: Kind>(&mut self, slot: u8, skip: &Skip, shared: usize, kept: &mut Kept) -> (Skip, Self) {
        let (head, turn, tail) = skip.split(shared);
        let below = self.take_below::<K>(slot);
        let mut pointers = Slots::default();
        pointers.insert(turn, Some(Pointer::Link(tail, below)));
        (head, kept.add(Self::of::<K>(pointers)))
    }

    /// What a link leads to, for another node to take over.
    fn take_below<K: Kind>(&mut self, slot: u8) -> Below {
        match self.below.remove(slot) {
            Some(node) => Below::Kept(node),
            None => Below::Stored(self.digest_below::<K>(slot)),
        }
    }

    /// Changes a slot that holds a bucket or nothing.
    fn fill<K: Kind>(
        &mut self,
        kept: &mut Kept,
        slot: u8,
        depth: usize,
        group: &[Change<'_>],
    ) -> Result<Outcome, TreeFatal> {
        if let Some(differs) = self.overwrite::<K>(slot, group) {
            return Ok(if differs { Outcome::Written } else { Outcome::Same });
        }
        let old: Vec<Entry<'_>> = self.entries::<K>(slot).collect();
        let stays = |entry: &&Entry<'_>| group.iter().all(|change| change.key != entry.key);
        let mut entries: Vec<Entry<'_>> = old.iter().filter(stays).copied().collect();
        if entries.len() + group.iter().filter(|change| change.value.is_some()).count() > K::BUCKET_MAX {
            let placed = placed::<K>(&entries, group)?;
            return grown::<K>(&placed, depth, kept).map(|pointer| Outcome::Put(Some(pointer)));
        }
        entries.extend(group.iter().filter_map(Change::entry));
        entries.sort_unstable_by_key(|entry| entry.key);
        if entries == old {
            return Ok(Outcome::Same);
        }
        if old.is_empty() || entries.is_empty() {
            return Ok(Outcome::Put((!entries.is_empty()).then(|| Pointer::Bucket(bucket::<K>(&entries)))));
        }
        let bucket = bucket::<K>(&entries);
        self.replace_bucket(slot, &bucket);
        Ok(Outcome::Written)
    }
}

/// An entry and where it stands.
struct Placed<'a> {
    place: Place,
    entry: Entry<'a>,
}

/// The entries that stay and those that come, sorted by place.
fn placed<'a, K: Kind>(stay: &[Entry<'a>], group: &[Change<'a>]) -> Result<Vec<Placed<'a>>, TreeFatal> {
    let old = stay.iter().map(|entry| Ok(Placed { place: K::place(entry.key)?, entry: *entry }));
    let new = group.iter().filter_map(|change| Some(Ok(Placed { place: change.place, entry: change.entry()? })));
    let mut placed: Vec<_> = old.chain(new).collect::<Result<_, _>>().map_err(TreeFatal::Entry)?;
    placed.sort_unstable_by_key(|placed| placed.place);
    Ok(placed)
}

/// What a slot holds, in a node `depth` bits down, with these entries alone.
fn grown<K: Kind>(placed: &[Placed<'_>], depth: usize, kept: &mut Kept) -> Result<Pointer, TreeFatal> {
    let ([first, ..], [.., last]) = (placed, placed) else { return Ok(Pointer::Bucket(Vec::new())) };
    if placed.len() <= K::BUCKET_MAX {
        let mut entries: Vec<_> = placed.iter().map(|placed| placed.entry).collect();
        entries.sort_unstable_by_key(|entry| entry.key);
        return Ok(Pointer::Bucket(bucket::<K>(&entries)));
    }
    let from = depth + LEVEL_BITS;
    let skip = if K::SKIPS { Skip::common(&first.place, &last.place, from) } else { Skip::default() };
    let depth = from + skip.bits();
    if depth >= PLACE_BITS {
        return Err(TreeFatal::Collision);
    }
    let mut pointers = Slots::default();
    for group in placed.chunk_by(|a, b| level(&a.place, depth) == level(&b.place, depth)) {
        pointers.insert(level(&group[0].place, depth), Some(grown::<K>(group, depth, kept)?));
    }
    Ok(Pointer::Link(skip, Below::Kept(kept.add(Node::of::<K>(pointers)))))
}

/// What a link becomes that skips `skip` and leads to `node`, which has changed.
pub(crate) fn settled<K: Kind>(mut node: Node, skip: Skip, kept: &mut Kept) -> Option<Pointer> {
    if node.taken() != 0 && !node.is_collapsible::<K>() {
        return Some(Pointer::Link(skip, Below::Kept(node)));
    }
    kept.nodes -= 1;
    let slot = slots(node.taken()).next()?;
    if node.links() != 0 {
        let tail = node.skip::<K>(slot);
        return Some(Pointer::Link(skip.join(slot, &tail), node.take_below::<K>(slot)));
    }
    let mut entries: Vec<_> = slots(node.taken()).flat_map(|slot| node.entries::<K>(slot)).collect();
    entries.sort_unstable_by_key(|entry| entry.key);
    assert!(entries.len() >= count(node.taken()), "no slot holds an empty bucket");
    Some(Pointer::Bucket(bucket::<K>(&entries)))
}
