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

    pub(crate) fn apply<S: Blockstore>(&mut self, store: &S, mut changes: Vec<Change<'_>>) -> Result<(), TreeFatal> {
        for value in changes.iter().filter_map(|change| change.value) {
            check_value::<K>(value).map_err(TreeFatal::Entry)?;
        }
        // Stable, and then from the end: of the changes to one key the last one stays.
        changes.sort_by(|a, b| a.place.cmp(&b.place).then_with(|| a.key.cmp(b.key)));
        changes.reverse();
        changes.dedup_by(|a, b| a.key == b.key);
        changes.reverse();
        let mut work = Work { store, kept: &mut self.kept };
        self.root.apply::<K, S>(&mut work, 0, &changes).map(drop)
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
