//! The HAMT: bytes to CBOR, placed by the SHA-256 of their bytes; 32 children a node, three entries a bucket.
//!
//! Values are CBOR as it stands in the node; this map never looks into one further than to its end.
//!
//! Source: "HashMap", ipld.io/specs/advanced-data-layouts/hamt/spec, and `fvm_ipld_hamt`, with which blocks are byte for byte the same.

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;

use crate::apply::Change;
use crate::error::TreeFatal;
use crate::kind::{Hashed, Kind};
use crate::tree::Tree;

/// Keys and their new values; none deletes.
pub type Batch<Key, Value> = [(Key, Option<Value>)];

/// A map from bytes to CBOR, resident as far as it was touched.
#[derive(Clone, Debug)]
pub struct Hamt(Tree<Hashed>);

impl Default for Hamt {
    fn default() -> Self {
        Self::new()
    }
}

impl Hamt {
    /// One without entries.
    #[must_use]
    pub fn new() -> Self {
        Self(Tree::new())
    }

    /// The one under `root`. Cost: one block read; the others are read at first need.
    ///
    /// # Errors
    /// [`TreeFatal`] when the root is missing or is no root.
    pub fn load<S: Blockstore>(store: &S, root: &Cid) -> Result<Self, TreeFatal> {
        Tree::load(store, root).map(Self)
    }

    /// Whether there is no entry.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a key. Nodes that it reads stay in memory.
    ///
    /// # Errors
    /// [`TreeFatal`] when a node is missing or malformed, or the key is longer than [`crate::KEY_BYTES_MAX`].
    pub fn get<S: Blockstore>(&mut self, store: &S, key: &[u8]) -> Result<Option<&[u8]>, TreeFatal> {
        self.0.get(store, key)
    }

    /// As [`Hamt::get`], but what it reads from the store it forgets.
    #[expect(clippy::missing_errors_doc, reason = "as for `get`")]
    pub fn peek<S: Blockstore>(&self, store: &S, key: &[u8]) -> Result<Option<Vec<u8>>, TreeFatal> {
        self.0.peek(store, key)
    }

    /// Sets each key to its value, one CBOR item in canonical form, or deletes it. In any order; of several changes to one key the
    /// last one holds. Cost: each node on the way is visited once.
    ///
    /// # Errors
    /// [`TreeFatal`] when a node is missing or malformed, or an entry is not what a node may hold; then load the map again.
    pub fn apply<S, Key, Value>(&mut self, store: &S, batch: &Batch<Key, Value>) -> Result<(), TreeFatal>
    where
        S: Blockstore,
        Key: AsRef<[u8]>,
        Value: AsRef<[u8]>,
    {
        self.0.apply(store, changes(batch)?)
    }

    /// [`Hamt::apply`] to many maps together, on up to `threads` threads when it is much: they share the sub-trees below the roots.
    #[expect(clippy::missing_errors_doc, reason = "as for `apply`")]
    pub fn apply_all<S, Key, Value>(
        store: &S,
        batches: Vec<(&mut Self, &Batch<Key, Value>)>,
        threads: usize,
    ) -> Result<(), TreeFatal>
    where
        S: Blockstore + Sync,
        Key: AsRef<[u8]>,
        Value: AsRef<[u8]>,
    {
        let batches = batches.into_iter().map(|(map, batch)| Ok((&mut map.0, changes(batch)?)));
        Tree::apply_all(store, batches.collect::<Result<_, TreeFatal>>()?, threads)
    }

    /// The root. Hashes what has changed since the last time, on up to `threads` threads when it is much.
    #[must_use]
    pub fn root(&mut self, threads: usize) -> Cid {
        self.0.root(threads)
    }

    /// Hashes what has changed in many maps together, on up to `threads` threads when it is much; then [`Hamt::root`] of each costs
    /// nothing. Small maps alone have too few nodes to hash several at once.
    pub fn hash(maps: &mut [&mut Self], threads: usize) {
        let mut trees: Vec<_> = maps.iter_mut().map(|map| &mut map.0).collect();
        Tree::hash(&mut trees, threads);
    }

    /// Hands every node to `save` that has changed since it was last handed over, children before parents. A node that changed twice
    /// in between comes once.
    ///
    /// # Errors
    /// What `save` says; what it has not taken comes again.
    pub fn unsaved<E>(&mut self, save: impl FnMut(&Cid, &[u8]) -> Result<(), E>) -> Result<(), E> {
        self.0.save(save)
    }

    /// [`Hamt::root`] and [`Hamt::unsaved`] into a store.
    ///
    /// # Errors
    /// [`TreeFatal::Store`].
    pub fn flush<S: Blockstore>(&mut self, store: &S, threads: usize) -> Result<Cid, TreeFatal> {
        self.0.flush(store, threads)
    }

    /// Whether the store has all of it.
    #[must_use]
    pub fn is_saved(&self) -> bool {
        self.0.is_saved()
    }

    /// Nodes in memory: some 3 KiB each with actors in them.
    #[must_use]
    pub const fn resident(&self) -> usize {
        self.0.resident()
    }

    /// Drops saved nodes when there are more than `nodes_max` in memory, until three quarters of that are left, those first that were
    /// used longest ago as the calls of this count time: call it once a block. What is not saved stays.
    pub fn evict(&mut self, nodes_max: usize) {
        self.0.evict(nodes_max);
    }

    /// Calls `visit` with every key and value, in the order of the keys' hashes. Cost: all nodes that are not in memory are read, and
    /// forgotten.
    ///
    /// # Errors
    /// [`TreeFatal`] when a node is missing or malformed, or what `visit` says.
    pub fn for_each<S, E>(&self, store: &S, mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>) -> Result<(), E>
    where
        S: Blockstore,
        E: From<TreeFatal>,
    {
        self.0.for_each(store, &mut visit)
    }
}

fn changes<Key, Value>(batch: &Batch<Key, Value>) -> Result<Vec<Change<'_>>, TreeFatal>
where
    Key: AsRef<[u8]>,
    Value: AsRef<[u8]>,
{
    let mut changes = Vec::with_capacity(batch.len());
    for (key, value) in batch {
        let (key, value) = (key.as_ref(), value.as_ref().map(AsRef::as_ref));
        changes.push(Change { place: Hashed::place(key).map_err(TreeFatal::Entry)?, key, value });
    }
    Ok(changes)
}
