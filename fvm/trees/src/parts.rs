//! Batches applied by sub-trees: those below the roots do not depend on each other, so threads share them.
//!
//! ```text
//! root    links whose sub-tree takes all the changes of its slot ─▶ parted off, each with its changes ─▶ threads
//!         all other slots                                        ─▶ changed at once
//!         ◀─ what became of the parts, slot by slot
//! ```
//!
//! What comes of it is the same on any number of threads: a sub-tree's form follows from its entries alone.

use fvm_ipld_blockstore::Blockstore;

use crate::apply::{Change, Edits, Outcome, settled};
use crate::bits::{LEVEL_BITS, Path, Skip, level};
use crate::error::TreeFatal;
use crate::keep::Kept;
use crate::kind::Kind;
use crate::node::Node;
use crate::threads::share;
use crate::work::Work;

/// Changes that a thread must have before it is started: some 200 µs of work.
const THREAD_CHANGES_MIN: usize = 256;

/// How many of `threads` so many changes are worth.
pub(crate) fn threads_for(changes: usize, threads: usize) -> usize {
    threads.min(changes / THREAD_CHANGES_MIN).max(1)
}

/// A root, and the changes to its tree: sorted, one for a key.
pub(crate) struct Batch<'t, 'c> {
    pub(crate) root: &'t mut Node,
    pub(crate) kept: &'t mut Kept,
    pub(crate) changes: &'c [Change<'c>],
}

/// A sub-tree, away from its root, and the changes to it.
struct Part<'c> {
    slot: u8,
    skip: Skip,
    /// Where it stands in its tree.
    depth: usize,
    node: Node,
    /// What it keeps more, or less.
    kept: Kept,
    changes: &'c [Change<'c>],
    applied: Result<bool, TreeFatal>,
}

/// Applies all batches, on so many threads.
pub(crate) fn apply<K: Kind, S: Blockstore + Sync>(
    store: &S,
    batches: &mut [Batch<'_, '_>],
    threads: usize,
) -> Result<(), TreeFatal> {
    let mut begun = Vec::with_capacity(batches.len());
    for batch in &mut *batches {
        begun.push(begin::<K, S>(store, batch)?);
    }
    share(begun.iter_mut().flat_map(|(_, parts)| parts), threads, |part| part.apply::<K, S>(store));
    for (batch, (mut edits, parts)) in batches.iter_mut().zip(begun) {
        for part in parts {
            let slot = part.slot;
            let outcome = batch.root.rejoin::<K>(part, batch.kept)?;
            batch.root.note(slot, outcome, &mut edits);
        }
        batch.root.take_over::<K>(edits);
    }
    Ok(())
}

/// Parts off what can be, and applies the rest.
fn begin<'c, K: Kind, S: Blockstore>(
    store: &S,
    batch: &mut Batch<'_, 'c>,
) -> Result<(Edits, Vec<Part<'c>>), TreeFatal> {
    let (mut edits, mut parts) = (Edits::default(), Vec::new());
    let mut work = Work { store, kept: &mut *batch.kept };
    for group in batch.changes.chunk_by(|a, b| level(&a.place, 0) == level(&b.place, 0)) {
        let slot = level(&group[0].place, 0);
        match batch.root.part_off::<K, S>(&mut work, slot, group)? {
            Some(part) => parts.push(part),
            None => {
                let outcome = batch.root.outcome::<K, S>(&mut work, slot, 0, group)?;
                batch.root.note(slot, outcome, &mut edits);
            }
        }
    }
    Ok((edits, parts))
}

impl Part<'_> {
    fn apply<K: Kind, S: Blockstore>(&mut self, store: &S) {
        let mut work = Work { store, kept: &mut self.kept };
        self.applied = self.node.apply::<K, S>(&mut work, self.depth, self.changes);
    }
}

impl Node {
    /// The sub-tree below a slot of a root, if all these changes go there.
    fn part_off<'c, K: Kind, S: Blockstore>(
        &mut self,
        work: &mut Work<'_, S>,
        slot: u8,
        changes: &'c [Change<'c>],
    ) -> Result<Option<Part<'c>>, TreeFatal> {
        let ([first, ..], [.., last], true) = (changes, changes, self.is_link(slot)) else { return Ok(None) };
        let skip = self.skip::<K>(slot);
        // They are sorted: what the first and the last share with the skipped levels, all share.
        if skip.shared(&first.place, LEVEL_BITS).min(skip.shared(&last.place, LEVEL_BITS)) < skip.bits() {
            return Ok(None);
        }
        let depth = LEVEL_BITS + skip.bits();
        self.open::<K, S>(work, slot, &Path::of(first.place, depth))?;
        let node = self.below.remove(slot).expect("it was opened above");
        Ok(Some(Part { slot, skip, depth, node, kept: work.kept.part(), changes, applied: Ok(false) }))
    }

    /// Takes a part back.
    fn rejoin<K: Kind>(&mut self, part: Part<'_>, kept: &mut Kept) -> Result<Outcome, TreeFatal> {
        let Part { slot, skip, node, applied, .. } = part;
        kept.join(part.kept);
        let is_changed = applied?;
        if is_changed && (node.taken() == 0 || node.is_collapsible::<K>()) {
            return Ok(Outcome::Put(settled::<K>(node, skip, kept)));
        }
        self.below.insert(slot, node);
        Ok(if is_changed { Outcome::Below } else { Outcome::Same })
    }
}
