//! A contract's storage, as Filecoin's EVM actor lays it out; the head above it is `tributary_primitives::layout`'s.
//!
//! Storage is a KAMT: 32 children a node, no values above depth 0, one value a bucket; keys hash to themselves (32 bytes,
//! big-endian); keys and values are byte strings without leading zeros; a zero value is no entry.
//!
//! Source: filecoin-project/builtin-actors, `actors/evm/src/interpreter/system.rs`.

use std::sync::OnceLock;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use revm::primitives::U256;
pub use tributary_primitives::layout::ContractHead;
use tributary_trees::Kamt;

use crate::error::StateFatal;

/// Slots, and what they are set to.
pub(crate) type Slots = Vec<(U256, U256)>;

/// A contract's storage.
#[derive(Clone, Debug, Default)]
pub(crate) struct Storage(Kamt);

impl Storage {
    pub(crate) fn load<S: Blockstore>(store: &S, root: &Cid) -> Result<Self, StateFatal> {
        Ok(Self(Kamt::load(store, root)?))
    }

    /// The root of one without slots.
    pub(crate) fn empty_root() -> Cid {
        static ROOT: OnceLock<Cid> = OnceLock::new();
        *ROOT.get_or_init(|| Kamt::new().root(1))
    }

    /// The root. Hashes what changed since the last time.
    pub(crate) fn root(&mut self, threads: usize) -> Cid {
        self.0.root(threads)
    }

    /// A slot; what is read on the way to it stays at hand.
    pub(crate) fn get<S: Blockstore>(&mut self, store: &S, slot: U256) -> Result<U256, StateFatal> {
        Ok(U256::from_be_bytes(self.0.get(store, &slot.to_be_bytes())?))
    }

    /// A slot, for who asks once.
    pub(crate) fn peek<S: Blockstore>(&self, store: &S, slot: U256) -> Result<U256, StateFatal> {
        Ok(U256::from_be_bytes(self.0.peek(store, &slot.to_be_bytes())?))
    }

    /// Sets slots of several together; zero clears.
    pub(crate) fn set_all<S: Blockstore + Sync>(
        store: &S,
        batches: Vec<(&mut Self, Slots)>,
        threads: usize,
    ) -> Result<(), StateFatal> {
        let word = |(slot, value): (U256, U256)| (slot.to_be_bytes(), value.to_be_bytes());
        let batches = batches.into_iter().map(|(all, slots)| (&mut all.0, slots.into_iter().map(word).collect()));
        let mut batches: Vec<(_, Vec<_>)> = batches.collect();
        Ok(Kamt::apply_all(store, batches.iter_mut().map(|(map, slots)| (&mut **map, &**slots)).collect(), threads)?)
    }

    /// Calls `visit` with every slot that is not zero, in ascending order.
    pub(crate) fn for_each<S: Blockstore>(
        &self,
        store: &S,
        mut visit: impl FnMut(U256, U256) -> Result<(), StateFatal>,
    ) -> Result<(), StateFatal> {
        self.0.for_each(store, |slot, value| visit(U256::from_be_bytes(*slot), U256::from_be_bytes(*value)))
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Nodes at hand.
    pub(crate) const fn resident(&self) -> usize {
        self.0.resident()
    }

    /// Forgets nodes beyond `nodes_max`.
    pub(crate) fn evict(&mut self, nodes_max: usize) {
        self.0.evict(nodes_max);
    }

    /// Hashes what changed in several together; cheaper than one by one.
    pub(crate) fn hash<'a>(storages: impl Iterator<Item = &'a mut Self>, threads: usize) {
        let mut maps: Vec<_> = storages.map(|storage| &mut storage.0).collect();
        Kamt::hash(&mut maps, threads);
    }

    /// Writes every node that is not written yet.
    pub(crate) fn save<S: Blockstore>(&mut self, store: &S) -> Result<(), StateFatal> {
        Ok(self.0.flush(store, 1).map(drop)?)
    }

    /// Whether the store has all of it.
    pub(crate) fn is_saved(&self) -> bool {
        self.0.is_saved()
    }
}
