//! The KAMT: word to word, placed by itself; 32 children a node, one entry a bucket, levels that all keys below share are skipped.
//!
//! A word is 32 bytes, big-endian; nodes spell it without leading zeros. A value of zero is no entry.
//!
//! Source: `fvm_ipld_kamt`, with which blocks are byte for byte the same, and filecoin-project/builtin-actors,
//! `actors/evm/src/interpreter/system.rs`.

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;

use crate::apply::Change;
use crate::cbor::{Reader, put_bytes};
use crate::error::{NodeRejected, TreeFatal};
use crate::kind::{self, trim};
use crate::tree::Tree;

/// 32 bytes, big-endian.
pub type Word = [u8; 32];

/// A map from word to word, resident as far as it was touched.
#[derive(Clone, Debug)]
pub struct Kamt(Tree<kind::Word>);

impl Default for Kamt {
    fn default() -> Self {
        Self::new()
    }
}

impl Kamt {
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

    /// The value of a slot; zero when it has none. Nodes that it reads stay in memory.
    ///
    /// # Errors
    /// [`TreeFatal`] when a node is missing or malformed.
    pub fn get<S: Blockstore>(&mut self, store: &S, slot: &Word) -> Result<Word, TreeFatal> {
        Ok(self.0.get(store, trim(slot))?.map_or([0; 32], decode))
    }

    /// As [`Kamt::get`], but what it reads from the store it forgets.
    #[expect(clippy::missing_errors_doc, reason = "as for `get`")]
    pub fn peek<S: Blockstore>(&self, store: &S, slot: &Word) -> Result<Word, TreeFatal> {
        Ok(self.0.peek(store, trim(slot))?.map_or([0; 32], |value| decode(&value)))
    }

    /// Sets each slot to its value; zero deletes it. In any order; of several values for one slot the last one holds. Cost: each node
    /// on the way is visited once.
    ///
    /// # Errors
    /// [`TreeFatal`] when a node is missing or malformed; then load the map again.
    pub fn apply<S: Blockstore>(&mut self, store: &S, batch: &[(Word, Word)]) -> Result<(), TreeFatal> {
        let encoded = encode(batch);
        self.0.apply(store, changes(batch, &encoded))
    }

    /// [`Kamt::apply`] to many maps together, on up to `threads` threads when it is much: they share the sub-trees below the roots.
    #[expect(clippy::missing_errors_doc, reason = "as for `apply`")]
    pub fn apply_all<S: Blockstore + Sync>(
        store: &S,
        batches: Vec<(&mut Self, &[(Word, Word)])>,
        threads: usize,
    ) -> Result<(), TreeFatal> {
        let encoded: Vec<_> = batches.iter().map(|(_, batch)| encode(batch)).collect();
        let batches =
            batches.into_iter().zip(&encoded).map(|((map, batch), encoded)| (&mut map.0, changes(batch, encoded)));
        Tree::apply_all(store, batches.collect(), threads)
    }

    /// The root. Hashes what has changed since the last time, on up to `threads` threads when it is much.
    #[must_use]
    pub fn root(&mut self, threads: usize) -> Cid {
        self.0.root(threads)
    }

    /// Hashes what has changed in many maps together, on up to `threads` threads when it is much; then [`Kamt::root`] of each costs
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

    /// [`Kamt::root`] and [`Kamt::unsaved`] into a store.
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

    /// Nodes in memory: some 1 KiB each.
    #[must_use]
    pub const fn resident(&self) -> usize {
        self.0.resident()
    }

    /// Drops saved nodes when there are more than `nodes_max` in memory, until three quarters of that are left, those first that were
    /// used longest ago as the calls of this count time: call it once a block. What is not saved stays.
    pub fn evict(&mut self, nodes_max: usize) {
        self.0.evict(nodes_max);
    }

    /// Calls `visit` with every slot and value that is not zero, in ascending order. Cost: all nodes that are not in memory are read,
    /// and forgotten.
    ///
    /// # Errors
    /// [`TreeFatal`] when a node is missing or malformed, or what `visit` says.
    pub fn for_each<S, E>(&self, store: &S, mut visit: impl FnMut(&Word, &Word) -> Result<(), E>) -> Result<(), E>
    where
        S: Blockstore,
        E: From<TreeFatal>,
    {
        let mut visit = |slot: &[u8], value: &[u8]| {
            let slot = kind::word(slot).expect("a node was checked when it was read");
            visit(&slot, &decode(value))
        };
        self.0.for_each(store, &mut visit)
    }
}

/// The spellings of a batch's values, one behind the other, and where each ends; nothing for zero.
fn encode(batch: &[(Word, Word)]) -> (Vec<u8>, Vec<usize>) {
    let mut values = Vec::with_capacity(34 * batch.len());
    let ends = batch.iter().map(|(_, value)| {
        if *value != [0; 32] {
            put_bytes(&mut values, trim(value));
        }
        values.len()
    });
    let ends = ends.collect();
    (values, ends)
}

fn changes<'a>(batch: &'a [(Word, Word)], (values, ends): &'a (Vec<u8>, Vec<usize>)) -> Vec<Change<'a>> {
    let mut start = 0;
    let change = |((slot, _), end): (&'a (Word, Word), &usize)| {
        let value = Some(&values[start..*end]).filter(|value| !value.is_empty());
        start = *end;
        Change { place: *slot, key: trim(slot), value }
    };
    batch.iter().zip(ends).map(change).collect()
}

/// A value from its spelling in a node.
fn decode(value: &[u8]) -> Word {
    let word = Reader(value).bytes(NodeRejected::Word).and_then(kind::word);
    word.expect("a value was checked when its node was read, or when it was written")
}
