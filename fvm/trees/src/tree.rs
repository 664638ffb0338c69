//! What both maps do: a root, a count of what is kept below it, and the verbs.

use std::borrow::Cow;
use std::marker::PhantomData;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use tributary_primitives::cbor_cid_of;

use crate::apply::Change;
use crate::bits::Path;
use crate::error::TreeFatal;
use crate::hash;
use crate::keep::Kept;
use crate::kind::Kind;
use crate::node::{Node, Standing, Step, check_value};
use crate::parts;
use crate::slots::slots;
use crate::work::{Work, load, load_root};

/// A map of kind `K`.
#[derive(Clone, Debug)]
pub(crate) struct Tree<K> {
    root: Node,
    kept: Kept,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Tree<K> {
    pub(crate) fn new() -> Self {
        Self { root: Node::empty(), kept: Kept::ROOT, kind: PhantomData }
    }

    pub(crate) fn load<S: Blockstore>(store: &S, root: &Cid) -> Result<Self, TreeFatal> {
        Ok(Self { root: load_root::<K, S>(store, root)?, kept: Kept::ROOT, kind: PhantomData })
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.root.taken() == 0
    }

    pub(crate) fn get<S: Blockstore>(&mut self, store: &S, key: &[u8]) -> Result<Option<&[u8]>, TreeFatal> {
        let place = K::place(key).map_err(TreeFatal::Entry)?;
        let mut work = Work { store, kept: &mut self.kept };
        let (mut node, mut depth) = (&mut self.root, 0);
        loop {
            match node.step::<K>(&place, depth) {
                Step::Nowhere => return Ok(None),
                Step::Here(slot) => return Ok(node.value::<K>(slot, key)),
                Step::Below(slot, path) => {
                    depth = path.depth();
                    node = node.open::<K, S>(&mut work, slot, &path)?;
                }
            }
        }
    }

    pub(crate) fn peek<S: Blockstore>(&self, store: &S, key: &[u8]) -> Result<Option<Vec<u8>>, TreeFatal> {
        let place = K::place(key).map_err(TreeFatal::Entry)?;
        let (mut node, mut depth) = (Cow::Borrowed(&self.root), 0);
        loop {
            match node.step::<K>(&place, depth) {
                Step::Nowhere => return Ok(None),
                Step::Here(slot) => return Ok(node.value::<K>(slot, key).map(<[u8]>::to_vec)),
                Step::Below(slot, path) => {
                    depth = path.depth();
                    node = below::<K, S>(store, node, slot, &path)?;
                }
            }
        }
    }

    pub(crate) fn apply<S: Blockstore>(&mut self, store: &S, changes: Vec<Change<'_>>) -> Result<(), TreeFatal> {
        let changes = sorted::<K>(changes)?;
        let mut work = Work { store, kept: &mut self.kept };
        self.root.apply::<K, S>(&mut work, 0, &changes).map(drop)
    }

    pub(crate) fn apply_all<S: Blockstore + Sync>(
        store: &S,
        batches: Vec<(&mut Self, Vec<Change<'_>>)>,
        threads: usize,
    ) -> Result<(), TreeFatal> {
        let threads = parts::threads_for(batches.iter().map(|(_, changes)| changes.len()).sum(), threads);
        if threads == 1 {
            return batches.into_iter().try_for_each(|(tree, changes)| tree.apply(store, changes));
        }
        Self::apply_on(store, batches, threads)
    }

    /// The same, whether or not so many threads are worth it.
    fn apply_on<S: Blockstore + Sync>(
        store: &S,
        batches: Vec<(&mut Self, Vec<Change<'_>>)>,
        threads: usize,
    ) -> Result<(), TreeFatal> {
        let batches = batches.into_iter().map(|(tree, changes)| Ok((tree, sorted::<K>(changes)?)));
        let mut batches = batches.collect::<Result<Vec<_>, TreeFatal>>()?;
        let mut batches: Vec<_> = batches
            .iter_mut()
            .map(|(tree, changes)| parts::Batch { root: &mut tree.root, kept: &mut tree.kept, changes })
            .collect();
        parts::apply::<K, S>(store, &mut batches, threads)
    }

    pub(crate) fn root(&mut self, threads: usize) -> Cid {
        Self::hash(&mut [self], threads);
        cbor_cid_of(&self.root.digest)
    }

    pub(crate) fn hash(trees: &mut [&mut Self], threads: usize) {
        let mut roots: Vec<_> = trees.iter_mut().map(|tree| &mut tree.root).collect();
        hash::hash::<K>(&mut roots, threads);
    }

    pub(crate) fn save<E>(&mut self, mut save: impl FnMut(&Cid, &[u8]) -> Result<(), E>) -> Result<(), E> {
        self.root(1);
        self.root.save(&mut save)
    }

    pub(crate) fn flush<S: Blockstore>(&mut self, store: &S, threads: usize) -> Result<Cid, TreeFatal> {
        let root = self.root(threads);
        self.save(|cid, block| store.put_keyed(cid, block).map_err(|why| TreeFatal::store(cid, why)))?;
        Ok(root)
    }

    pub(crate) const fn resident(&self) -> usize {
        self.kept.nodes
    }

    pub(crate) fn evict(&mut self, nodes_max: usize) {
        self.kept.evict(&mut self.root, nodes_max);
    }

    pub(crate) fn for_each<S: Blockstore, E: From<TreeFatal>>(
        &self,
        store: &S,
        visit: &mut impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        visit_all::<K, S, E>(store, &self.root, &Path::default(), visit)
    }

    /// Whether the store has all of it.
    pub(crate) fn is_saved(&self) -> bool {
        self.root.standing == Standing::Saved
    }
}

/// Changes as a node takes them: sorted, and of those to one key the last one.
fn sorted<K: Kind>(mut changes: Vec<Change<'_>>) -> Result<Vec<Change<'_>>, TreeFatal> {
    for value in changes.iter().filter_map(|change| change.value) {
        check_value::<K>(value).map_err(TreeFatal::Entry)?;
    }
    // Stable, and then from the end: of the changes to one key the last one stays.
    changes.sort_by(|a, b| a.place.cmp(&b.place).then_with(|| a.key.cmp(b.key)));
    changes.reverse();
    changes.dedup_by(|a, b| a.key == b.key);
    changes.reverse();
    Ok(changes)
}

/// The node that a link leads to: the one that is kept, or one for this once.
fn below<'a, K: Kind, S: Blockstore>(
    store: &S,
    node: Cow<'a, Node>,
    slot: u8,
    path: &Path,
) -> Result<Cow<'a, Node>, TreeFatal> {
    if let Cow::Borrowed(node) = node
        && let Some(below) = node.below.get(slot)
    {
        return Ok(Cow::Borrowed(below));
    }
    load::<K, S>(store, &node.digest_below::<K>(slot), path).map(Cow::Owned)
}

fn visit_all<K: Kind, S: Blockstore, E: From<TreeFatal>>(
    store: &S,
    node: &Node,
    path: &Path,
    visit: &mut impl FnMut(&[u8], &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    for slot in slots(node.taken()) {
        if node.is_link(slot) {
            let path = path.below(slot, &node.skip::<K>(slot));
            let below = below::<K, S>(store, Cow::Borrowed(node), slot, &path)?;
            visit_all::<K, S, E>(store, &below, &path, visit)?;
        } else {
            node.entries::<K>(slot).try_for_each(|entry| visit(entry.key, entry.value))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Mutex;

    use proptest::collection::vec;
    use proptest::option::weighted;
    use proptest::prelude::*;

    use super::*;
    use crate::kind::{Hashed, Word, trim};

    /// Blocks, for several threads.
    #[derive(Default)]
    struct Store(Mutex<HashMap<Cid, Vec<u8>>>);

    impl Blockstore for Store {
        fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
            Ok(self.0.lock().unwrap().get(cid).cloned())
        }

        fn put_keyed(&self, cid: &Cid, block: &[u8]) -> anyhow::Result<()> {
            self.0.lock().unwrap().insert(*cid, block.to_vec());
            Ok(())
        }
    }

    /// Which of two trees, a key, its value or none; and whether both are loaded again after the batch.
    type Round = (Vec<(bool, u16, Option<u8>)>, bool);

    fn rounds() -> impl Strategy<Value = Vec<Round>> {
        let change = (any::<bool>(), 0..600_u16, weighted(0.6, 1..24_u8));
        vec((vec(change, 0..300), any::<bool>()), 1..6)
    }

    /// Words that share their first bytes, and words that differ there.
    fn word_of(number: u16) -> [u8; 32] {
        let mut word = [0; 32];
        let [high, low] = number.to_be_bytes();
        (word[0], word[1], word[31]) = (if low % 3 == 0 { low } else { 0 }, high, low);
        word
    }

    fn check<K: Kind>(rounds: &[Round], threads: usize, key: fn(u16) -> Vec<u8>, value: fn(u8) -> Vec<u8>) {
        let store = Store::default();
        let two = || [(); 2].map(|()| Tree::<K>::new());
        let (mut whole, mut parted) = (two(), two());
        for (changes, loads) in rounds {
            let spelled = changes.iter().map(|(tree, number, new)| (*tree, key(*number), new.map(value)));
            let spelled: Vec<_> = spelled.collect();
            let batch = |at: bool| {
                let of_one = spelled.iter().filter(move |(tree, ..)| *tree == at);
                of_one.map(|(_, key, value)| Change { place: K::place(key).unwrap(), key, value: value.as_deref() })
            };
            let [first, second] = &mut whole;
            first.apply(&store, batch(false).collect()).unwrap();
            second.apply(&store, batch(true).collect()).unwrap();
            let [first, second] = &mut parted;
            let batches = vec![(first, batch(false).collect()), (second, batch(true).collect())];
            Tree::apply_on(&store, batches, threads).unwrap();
            for (whole, parted) in whole.iter_mut().zip(&mut parted) {
                let root = whole.flush(&store, 1).unwrap();
                assert_eq!((parted.flush(&store, 1).unwrap(), parted.resident()), (root, whole.resident()));
                if *loads {
                    (*whole, *parted) = (Tree::load(&store, &root).unwrap(), Tree::load(&store, &root).unwrap());
                }
            }
        }
    }

    proptest! {
        #[test]
        fn parts_of_a_hamt_leave_what_the_whole_leaves(rounds in rounds(), threads in 1..4_usize) {
            check::<Hashed>(&rounds, threads, |number| number.to_be_bytes().to_vec(), |value| vec![value]);
        }

        #[test]
        fn parts_of_a_kamt_leave_what_the_whole_leaves(rounds in rounds(), threads in 1..4_usize) {
            check::<Word>(&rounds, threads, |number| trim(&word_of(number)).to_vec(), |value| vec![0x41, value]);
        }
    }
}
