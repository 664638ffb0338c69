//! The HAMT, with actors' state for values.

use cid::Cid;
use fvm_ipld_blockstore::MemoryBlockstore;
use fvm_ipld_encoding::{from_slice, to_vec};
use fvm_ipld_hamt::BytesKey;
use proptest::prelude::*;
use tributary_primitives::layout::BIT_WIDTH;
use tributary_primitives::raw_cid;
use tributary_trees::{Hamt, TreeFatal};

use crate::script::{Batch, Entry, Library, Ours, Round, Store, rounds, run};

impl Ours for Hamt {
    fn new() -> Self {
        Self::new()
    }

    fn load(store: &Store, root: &Cid) -> Self {
        Self::load(store, root).unwrap()
    }

    fn apply(&mut self, store: &Store, batch: &Batch, threads: usize) {
        Self::apply_all(store, vec![(self, batch)], threads).unwrap();
    }

    fn root(&mut self, threads: usize) -> Cid {
        self.root(threads)
    }

    fn unsaved(&mut self, save: impl FnMut(&Cid, &[u8]) -> Result<(), TreeFatal>) {
        self.unsaved(save).unwrap();
    }

    fn evict(&mut self, nodes_max: usize) {
        self.evict(nodes_max);
    }

    fn resident(&self) -> usize {
        self.resident()
    }

    fn get(&mut self, store: &Store, key: &[u8]) -> Option<Vec<u8>> {
        self.get(store, key).unwrap().map(<[u8]>::to_vec)
    }

    fn peek(&self, store: &Store, key: &[u8]) -> Option<Vec<u8>> {
        self.peek(store, key).unwrap()
    }

    fn entries(&self, store: &Store) -> Result<Vec<Entry>, TreeFatal> {
        let mut entries = Vec::new();
        self.for_each(store, |key, value| {
            entries.push((key.to_vec(), value.to_vec()));
            Ok::<_, TreeFatal>(())
        })?;
        Ok(entries)
    }
}

/// A value as the library sees it.
type State = (Cid, u64, Vec<u64>);

type Stock = fvm_ipld_hamt::Hamt<MemoryBlockstore, State>;

impl Library for Stock {
    fn new() -> Self {
        Self::new_with_bit_width(MemoryBlockstore::default(), BIT_WIDTH)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.set(BytesKey(key.to_vec()), from_slice(value).unwrap()).unwrap();
    }

    fn delete(&mut self, key: &[u8]) {
        self.delete(&BytesKey(key.to_vec())).unwrap();
    }

    fn flush(&mut self) -> Cid {
        self.flush().unwrap()
    }

    fn entries(store: &Store, root: &Cid) -> Vec<Entry> {
        let map = fvm_ipld_hamt::Hamt::<_, State>::load_with_bit_width(root, store, BIT_WIDTH).unwrap();
        map.iter().map(|entry| entry.map(|(key, value)| (key.0.clone(), to_vec(value).unwrap())).unwrap()).collect()
    }
}

fn value(seed: u8) -> Vec<u8> {
    let state: State = (raw_cid(&[seed]), u64::from(seed) << (seed % 50), vec![7; usize::from(seed % 5)]);
    to_vec(&state).unwrap()
}

fn key(number: u32) -> Vec<u8> {
    let length = usize::try_from(number % 23).unwrap();
    [&number.to_be_bytes()[..], &[0xff; 23][..length]].concat()
}

fn keys(count: u32) -> Vec<Vec<u8>> {
    (0..count).map(key).collect()
}

/// Keys whose hashes share their first three levels, so that their nodes stand at the end of a chain; and a few that do not.
fn crowded() -> Vec<Vec<u8>> {
    use sha2::{Digest, Sha256};
    let shares = |key: &Vec<u8>| Sha256::digest(key)[0] == 0 && Sha256::digest(key)[1] < 2;
    (0..1 << 20).map(key).filter(shares).chain(keys(9)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn few_keys_have_the_librarys_roots_and_blocks(rounds in rounds(12)) {
        run::<Hamt, Stock>(&keys(14), value, &rounds);
    }

    #[test]
    fn some_keys_have_the_librarys_roots_and_blocks(rounds in rounds(200)) {
        run::<Hamt, Stock>(&keys(300), value, &rounds);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn many_keys_have_the_librarys_roots_and_blocks(rounds in rounds(6000)) {
        run::<Hamt, Stock>(&keys(8000), value, &rounds);
    }
}

#[test]
fn crowded_keys_have_the_librarys_roots_and_blocks() {
    let keys = crowded();
    assert!(keys.len() > 30, "{}", keys.len());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(200));
    let test = |rounds: Vec<Round>| {
        run::<Hamt, Stock>(&keys, value, &rounds);
        Ok(())
    };
    runner.run(&rounds(40), test).unwrap();
}

#[test]
fn a_tree_that_grows_and_shrinks_to_nothing_has_the_librarys_roots_and_blocks() {
    let round = |seed: Option<u8>, from: u32, to: u32| Round {
        changes: (from..to).map(|index| (index, seed)).collect(),
        saves: from.is_multiple_of(3),
        loads: from.is_multiple_of(5),
        evicts: from.is_multiple_of(2).then_some(10),
        threads: 2,
    };
    let steps: Vec<u32> = (0..4000).step_by(400).collect();
    let grow = steps.iter().map(|from| round(Some(1), *from, from + 400));
    let shrink = steps.iter().map(|from| round(None, *from, from + 400));
    run::<Hamt, Stock>(&keys(4000), value, &grow.chain(shrink).collect::<Vec<_>>());
}
