//! Rounds, and what must hold after each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use cid::Cid;
use fvm_ipld_blockstore::{Blockstore, MemoryBlockstore};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use tributary_primitives::hash::DAG_CBOR;
use tributary_primitives::links::{LinkRejected, links};
use tributary_trees::TreeFatal;

/// A store in memory, for several threads.
#[derive(Default)]
pub struct Store(Mutex<MemoryBlockstore>);

impl Blockstore for Store {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        self.0.lock().unwrap().get(cid)
    }

    fn put_keyed(&self, cid: &Cid, block: &[u8]) -> anyhow::Result<()> {
        self.0.lock().unwrap().put_keyed(cid, block)
    }
}

/// A key and a value, as the tests name them.
pub type Entry = (Vec<u8>, Vec<u8>);

/// A batch: keys and their new values; none deletes.
pub type Batch = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// One of ours.
pub trait Ours: Sized {
    fn new() -> Self;
    fn load(store: &Store, root: &Cid) -> Self;
    fn apply(&mut self, store: &Store, batch: &Batch, threads: usize);
    fn root(&mut self, threads: usize) -> Cid;
    fn unsaved(&mut self, save: impl FnMut(&Cid, &[u8]) -> Result<(), TreeFatal>);
    fn evict(&mut self, nodes_max: usize);
    fn resident(&self) -> usize;
    fn get(&mut self, store: &Store, key: &[u8]) -> Option<Vec<u8>>;
    fn peek(&self, store: &Store, key: &[u8]) -> Option<Vec<u8>>;
    fn entries(&self, store: &Store) -> Result<Vec<Entry>, TreeFatal>;
}

/// The library's, over a store of its own.
pub trait Library {
    fn new() -> Self;
    fn set(&mut self, key: &[u8], value: &[u8]);
    fn delete(&mut self, key: &[u8]);
    fn flush(&mut self) -> Cid;
    /// All entries under a root in someone's store, in order.
    fn entries(store: &Store, root: &Cid) -> Vec<Entry>;
}

/// One batch, and what happens after it.
#[derive(Clone, Debug)]
pub struct Round {
    /// Which of the keys, and a seed for the value; none deletes.
    pub changes: Vec<(u32, Option<u8>)>,
    pub saves: bool,
    pub loads: bool,
    pub evicts: Option<usize>,
    pub threads: usize,
}

/// Rounds with up to `changes` changes each.
pub fn rounds(changes: usize) -> impl Strategy<Value = Vec<Round>> {
    let change = (any::<u32>(), weighted(0.6, any::<u8>()));
    let round = (vec(change, 0..changes), any::<bool>(), any::<bool>(), weighted(0.3, 0..20_usize), 1..3_usize);
    let round =
        round.prop_map(|(changes, saves, loads, evicts, threads)| Round { changes, saves, loads, evicts, threads });
    vec(round, 1..8)
}

/// Runs rounds over `keys`.
pub fn run<O: Ours, L: Library>(keys: &[Vec<u8>], value: fn(u8) -> Vec<u8>, rounds: &[Round]) {
    let mut bench = Bench::<O, L>::new();
    for round in rounds {
        let pick = |index: u32| keys[usize::try_from(index).unwrap() % keys.len()].clone();
        let batch = round.changes.iter().map(|(index, seed)| (pick(*index), seed.map(value))).collect();
        bench.round(&batch, round);
    }
}

struct Bench<O, L> {
    ours: O,
    library: L,
    model: BTreeMap<Vec<u8>, Vec<u8>>,
    store: Store,
    /// What the store held of the tree when it was last saved.
    saved: BTreeSet<Cid>,
    batches_since: usize,
}

impl<O: Ours, L: Library> Bench<O, L> {
    fn new() -> Self {
        let (ours, library) = (O::new(), L::new());
        let (model, store, saved) = (BTreeMap::new(), Store::default(), BTreeSet::new());
        Self { ours, library, model, store, saved, batches_since: 0 }
    }

    fn round(&mut self, batch: &Batch, round: &Round) {
        self.ours.apply(&self.store, batch, round.threads);
        self.batches_since += 1;
        for (key, value) in batch {
            match value {
                Some(value) => self.library.set(key, value),
                None => self.library.delete(key),
            }
            self.model.remove(key);
            self.model.extend(value.clone().map(|value| (key.clone(), value)));
        }
        let root = self.ours.root(round.threads);
        assert_eq!(root, self.library.flush());
        for (key, _) in batch.iter().take(10) {
            let want = self.model.get(key).cloned();
            assert_eq!((self.ours.peek(&self.store, key), self.ours.get(&self.store, key)), (want.clone(), want));
        }
        if round.saves || round.loads {
            self.save(&root);
        }
        if let Some(nodes_max) = round.evicts {
            self.ours.evict(nodes_max);
        }
        if round.loads {
            self.ours = O::load(&self.store, &root);
        }
    }

    /// The blocks handed over are those that the store lacks, each once; with them the library reads everything.
    fn save(&mut self, root: &Cid) {
        let mut yielded = BTreeSet::new();
        self.ours.unsaved(|cid, block| {
            assert!(yielded.insert(*cid), "{cid} twice");
            self.store.put_keyed(cid, block).unwrap();
            Ok(())
        });
        self.ours.unsaved(|cid, _| panic!("{cid} again"));
        let reachable = reachable(&self.store, root);
        assert!(yielded.is_subset(&reachable), "a node that the root does not reach");
        if self.batches_since == 1 {
            assert!(yielded.is_disjoint(&self.saved), "a node that was saved before");
        }
        (self.saved, self.batches_since) = (reachable, 0);
        let entries = L::entries(&self.store, root);
        assert_eq!(self.ours.entries(&self.store).unwrap(), entries, "in the library's order");
        assert_eq!(entries.into_iter().collect::<BTreeMap<_, _>>(), self.model);
        let before = self.ours.resident();
        assert!(before <= self.saved.len(), "{before} kept of {}", self.saved.len());
    }
}

fn reachable(store: &Store, root: &Cid) -> BTreeSet<Cid> {
    let mut found = BTreeSet::new();
    let mut next = vec![*root];
    while let Some(cid) = next.pop() {
        let block = store.get(&cid).unwrap().expect("what the root reaches is in the store");
        assert_eq!(tributary_primitives::cbor_cid(&block), cid);
        let links = links(cid.codec(), &block, &mut |_| Ok::<_, LinkRejected>(())).unwrap();
        // What values link to is raw here.
        next.extend(links.into_iter().filter(|link| link.codec() == DAG_CBOR));
        found.insert(cid);
    }
    found
}
