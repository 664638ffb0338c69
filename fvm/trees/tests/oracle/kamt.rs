//! The KAMT, with words as a contract's storage has them.

use std::borrow::Cow;

use cid::Cid;
use fvm_ipld_blockstore::MemoryBlockstore;
use fvm_ipld_encoding::strict_bytes;
use fvm_ipld_kamt::{AsHashedKey, Config, HashedKey};
use proptest::prelude::*;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tributary_primitives::layout::BIT_WIDTH;
use tributary_trees::{Kamt, TreeFatal};

use crate::script::{Batch, Entry, Library, Ours, Store, rounds, run};

impl Ours for Kamt {
    fn new() -> Self {
        Self::new()
    }

    fn load(store: &Store, root: &Cid) -> Self {
        Self::load(store, root).unwrap()
    }

    fn apply(&mut self, store: &Store, batch: &Batch, threads: usize) {
        let value = |value: &Option<Vec<u8>>| value.as_deref().map_or([0; 32], word);
        let batch: Vec<_> = batch.iter().map(|(slot, new)| (word(slot), value(new))).collect();
        Self::apply_all(store, vec![(self, &batch)], threads).unwrap();
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
        some(self.get(store, &word(key)).unwrap())
    }

    fn peek(&self, store: &Store, key: &[u8]) -> Option<Vec<u8>> {
        some(self.peek(store, &word(key)).unwrap())
    }

    fn entries(&self, store: &Store) -> Result<Vec<Entry>, TreeFatal> {
        let mut entries = Vec::new();
        self.for_each(store, |slot, value| {
            entries.push((slot.to_vec(), value.to_vec()));
            Ok::<_, TreeFatal>(())
        })?;
        Ok(entries)
    }
}

fn word(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().unwrap()
}

fn some(value: [u8; 32]) -> Option<Vec<u8>> {
    (value != [0; 32]).then(|| value.to_vec())
}

/// A word as the library sees it.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd)]
struct Word([u8; 32]);

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let start = self.0.iter().position(|byte| *byte != 0).unwrap_or(32);
        serializer.serialize_bytes(&self.0[start..])
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes: Vec<u8> = strict_bytes::deserialize(deserializer)?;
        let mut word = [0; 32];
        word[32 - bytes.len()..].copy_from_slice(&bytes);
        Ok(Self(word))
    }
}

struct Itself;

impl AsHashedKey<Word, 32> for Itself {
    fn as_hashed_key(key: &Word) -> Cow<'_, HashedKey<32>> {
        Cow::Borrowed(&key.0)
    }
}

const CONFIG: Config = Config { bit_width: BIT_WIDTH, min_data_depth: 0, max_array_width: 1 };

type Stock = fvm_ipld_kamt::Kamt<MemoryBlockstore, Word, Word, Itself>;

impl Library for Stock {
    fn new() -> Self {
        Self::new_with_config(MemoryBlockstore::default(), CONFIG)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.set(Word(word(key)), Word(word(value))).unwrap();
    }

    fn delete(&mut self, key: &[u8]) {
        self.delete(&Word(word(key))).unwrap();
    }

    fn flush(&mut self) -> Cid {
        self.flush().unwrap()
    }

    fn entries(store: &Store, root: &Cid) -> Vec<Entry> {
        let map = fvm_ipld_kamt::Kamt::<_, Word, Word, Itself>::load_with_config(root, store, CONFIG).unwrap();
        map.iter().map(|entry| entry.map(|(slot, value)| (slot.0.to_vec(), value.0.to_vec())).unwrap()).collect()
    }
}

fn value(seed: u8) -> Vec<u8> {
    let mut word = [0; 32];
    let start = usize::from(seed % 32);
    word[start..].fill(seed | 1);
    word.to_vec()
}

/// Slots 0, 1, 2 …, as a contract's first variables have them.
fn counted(count: u32) -> Vec<Vec<u8>> {
    (0..count).map(|number| [&[0; 28][..], &number.to_be_bytes()].concat()).collect()
}

/// Slots spread like hashes.
fn spread(count: u32) -> Vec<Vec<u8>> {
    use sha2::{Digest, Sha256};
    (0..count).map(|number| Sha256::digest(number.to_be_bytes()).to_vec()).collect()
}

/// Slots that share a part of every length with another one: one bit differs from a base, or two; the last bits among them.
fn branching() -> Vec<Vec<u8>> {
    let base = word(&spread(1)[0]);
    let flip = |word: &[u8; 32], bit: usize| {
        let mut other = *word;
        other[bit / 8] ^= 0x80 >> (bit % 8);
        other
    };
    let one: Vec<_> = (0..256).map(|bit| flip(&base, bit)).collect();
    let two = (0..256).step_by(7).flat_map(|a| (248..256).map(move |b| (a, b)));
    let two = two.map(|(a, b)| flip(&flip(&base, a), b));
    [base].into_iter().chain(one.iter().copied()).chain(two).map(|word| word.to_vec()).collect()
}

/// Some of each.
fn mixed() -> Vec<Vec<u8>> {
    [counted(40), spread(40), branching()].concat()
}

/// The base, and ones that leave it at the first bits, in the middle and at the end.
fn ladder() -> Vec<Vec<u8>> {
    branching().into_iter().take(257).step_by(32).chain(counted(3)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_ladder_of_slots_has_the_librarys_roots_and_blocks(rounds in rounds(10)) {
        run::<Kamt, Stock>(&ladder(), value, &rounds);
    }

    #[test]
    fn branching_slots_have_the_librarys_roots_and_blocks(rounds in rounds(100)) {
        run::<Kamt, Stock>(&branching(), value, &rounds);
    }

    #[test]
    fn mixed_slots_have_the_librarys_roots_and_blocks(rounds in rounds(200)) {
        run::<Kamt, Stock>(&mixed(), value, &rounds);
    }

    #[test]
    fn counted_slots_have_the_librarys_roots_and_blocks(rounds in rounds(200)) {
        run::<Kamt, Stock>(&counted(300), value, &rounds);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn many_slots_have_the_librarys_roots_and_blocks(rounds in rounds(6000)) {
        run::<Kamt, Stock>(&spread(8000), value, &rounds);
    }
}
