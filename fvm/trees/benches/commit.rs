//! What a batch costs until its root is known and its nodes are written, ours beside the libraries', in one run.
//!
//! ```text
//! cargo bench --package tributary-trees --bench commit -- [--million] [--kamt]
//! ```
//!
//! Both keep the whole tree in memory and write into a store that only counts. Each round gives both the same batch of random
//! overwrites, in turns, and demands the same root; in a batch that churns, one key in ten is new and one in ten is deleted. Times
//! are the thread's CPU time; the median of the rounds is shown.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on should stop")]
#![allow(clippy::print_stdout, reason = "the table is what this is for")]
#![allow(clippy::float_arithmetic, clippy::as_conversions, reason = "figures for people")]

use std::borrow::Cow;
use std::cell::Cell;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_encoding::{strict_bytes, to_vec};
use fvm_ipld_hamt::BytesKey;
use fvm_ipld_kamt::{AsHashedKey, Config, HashedKey};
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::state::ActorState;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use tributary_primitives::layout::BIT_WIDTH;
use tributary_primitives::{cbor_cid, raw_cid};
use tributary_trees::{Hamt, Kamt, TreeFatal};

fn main() {
    let flag = |name: &str| std::env::args().any(|argument| argument == name);
    let sizes: &[u32] = if flag("--million") { &[100_000, 1_000_000] } else { &[100_000] };
    println!("map         entries   batch | library   ours: apply   root  write    all | ratio  nodes/key  bytes/key");
    for size in sizes {
        if !flag("--kamt") {
            measure::<HamtPair>(*size);
        }
        measure::<KamtPair>(*size);
    }
}

/// A map of ours and the library's, with the same entries.
trait Pair {
    const NAME: &'static str;
    type Batch;
    fn new() -> Self;
    /// Keys, and which of them are deleted.
    fn batch(keys: &[(u32, bool)], seed: u32) -> Self::Batch;
    fn library(&mut self, batch: &Self::Batch) -> Cid;
    fn apply(&mut self, batch: &Self::Batch);
    fn root(&mut self) -> Cid;
    fn write(&mut self, store: &Counts);
}

fn measure<P: Pair>(size: u32) {
    let mut pair = P::new();
    let all = P::batch(&(0..size).map(|key| (key, false)).collect::<Vec<_>>(), 0);
    pair.apply(&all);
    assert_eq!(pair.root(), pair.library(&all));
    pair.write(&Counts::default());
    let mut seed = 1;
    for (batch, rounds, churns) in [(100, 31, false), (1000, 15, false), (10_000, 7, false), (1000, 15, true)] {
        let mut times = Vec::new();
        let store = Counts::default();
        for _ in 0..rounds {
            seed += 1;
            let among = if churns { size + size / 10 } else { size };
            let key = |index| (random(seed, index) % among, churns && index % 10 == 0);
            let keys: Vec<_> = (0..batch).map(key).collect();
            times.push(round(&mut pair, &P::batch(&keys, seed), &store));
        }
        let name = format!("{}{}", P::NAME, if churns { " churn" } else { "" });
        report(&name, size, batch, rounds, &times, &store);
    }
}

/// Seconds of CPU: the library's, and ours for each step.
fn round<P: Pair>(pair: &mut P, batch: &P::Batch, store: &Counts) -> [f64; 4] {
    let (theirs, want) = timed(|| pair.library(batch));
    let (apply, ()) = timed(|| pair.apply(batch));
    let (root, got) = timed(|| pair.root());
    let (write, ()) = timed(|| pair.write(store));
    assert_eq!(got, want);
    [theirs, apply, root, write]
}

fn report(name: &str, size: u32, batch: u32, rounds: u32, times: &[[f64; 4]], store: &Counts) {
    let median = |part: usize| {
        let mut times: Vec<_> = times.iter().map(|times| times[part]).collect();
        times.sort_unstable_by(f64::total_cmp);
        times[times.len() / 2] * 1e6 / f64::from(batch)
    };
    let [theirs, apply, root, write] = [0, 1, 2, 3].map(median);
    let ours = apply + root + write;
    let keys = f64::from(batch * rounds);
    let (nodes, bytes) = (f64::from(store.nodes.get()) / keys, f64::from(store.bytes.get()) / keys);
    println!(
        "{name:10} {size:8} {batch:7} | {theirs:7.2} {apply:13.2} {root:6.2} {write:6.2} {ours:6.2} | {:5.1} {nodes:10.2} {bytes:10.0}",
        theirs / ours
    );
}

fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let now = || {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
    };
    let start = now();
    let result = work();
    (now() - start, result)
}

fn random(seed: u32, index: u32) -> u32 {
    let hash = Sha256::digest([seed.to_be_bytes(), index.to_be_bytes()].concat());
    u32::from_be_bytes(*hash.first_chunk().unwrap())
}

/// A store that takes a copy of each block, as one in memory does, and keeps its size.
#[derive(Default)]
struct Counts {
    nodes: Cell<u32>,
    bytes: Cell<u32>,
}

impl Blockstore for Counts {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        anyhow::bail!("{cid}: all of it is in memory")
    }

    fn put_keyed(&self, _: &Cid, block: &[u8]) -> anyhow::Result<()> {
        std::hint::black_box(block.to_vec());
        self.nodes.set(self.nodes.get() + 1);
        self.bytes.set(self.bytes.get() + u32::try_from(block.len())?);
        Ok(())
    }
}

struct HamtPair {
    ours: Hamt,
    library: fvm_ipld_hamt::Hamt<Counts, ActorState>,
}

impl Pair for HamtPair {
    const NAME: &'static str = "hamt";
    type Batch = Vec<(Vec<u8>, ActorState, Option<Vec<u8>>)>;

    fn new() -> Self {
        Self { ours: Hamt::new(), library: fvm_ipld_hamt::Hamt::new_with_bit_width(Counts::default(), BIT_WIDTH) }
    }

    fn batch(keys: &[(u32, bool)], seed: u32) -> Self::Batch {
        let entry = |(key, is_deleted): &(u32, bool)| {
            let state = actor(*key, seed);
            let value = (!is_deleted).then(|| to_vec(&state).unwrap());
            (Address::new_id(u64::from(*key)).to_bytes(), state, value)
        };
        keys.iter().map(entry).collect()
    }

    fn library(&mut self, batch: &Self::Batch) -> Cid {
        for (key, state, value) in batch {
            let key = BytesKey(key.clone());
            match value {
                Some(_) => drop(self.library.set(key, state.clone()).unwrap()),
                None => drop(self.library.delete(&key).unwrap()),
            }
        }
        self.library.flush().unwrap()
    }

    fn apply(&mut self, batch: &Self::Batch) {
        let changes: Vec<_> = batch.iter().map(|(key, _, value)| (key, value.as_ref())).collect();
        self.ours.apply(&Counts::default(), &changes).unwrap();
    }

    fn root(&mut self) -> Cid {
        self.ours.root(1)
    }

    fn write(&mut self, store: &Counts) {
        self.ours.unsaved(|cid, block| store.put_keyed(cid, block)).unwrap();
    }
}

/// An Ethereum account after its first transactions.
fn actor(key: u32, seed: u32) -> ActorState {
    let mut eth = [0; 20];
    eth.copy_from_slice(&Sha256::digest(key.to_be_bytes())[..20]);
    ActorState {
        code: raw_cid(b"account"),
        state: cbor_cid(&[0x80]),
        sequence: u64::from(seed),
        balance: TokenAmount::from_atto(u128::from(u64::MAX) * 1000 + u128::from(seed)),
        delegated_address: Some(Address::new_delegated(10, &eth).unwrap()),
    }
}

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

struct KamtPair {
    ours: Kamt,
    library: fvm_ipld_kamt::Kamt<Counts, Word, Word, Itself>,
}

impl Pair for KamtPair {
    const NAME: &'static str = "kamt";
    type Batch = Vec<([u8; 32], [u8; 32])>;

    fn new() -> Self {
        let config = Config { bit_width: BIT_WIDTH, min_data_depth: 0, max_array_width: 1 };
        Self { ours: Kamt::new(), library: fvm_ipld_kamt::Kamt::new_with_config(Counts::default(), config) }
    }

    fn batch(keys: &[(u32, bool)], seed: u32) -> Self::Batch {
        let mut value = [0; 32];
        value[20..24].copy_from_slice(&(seed + 1).to_be_bytes());
        let value = |is_deleted| if is_deleted { [0; 32] } else { value };
        keys.iter().map(|(key, is_deleted)| (Sha256::digest(key.to_be_bytes()).into(), value(*is_deleted))).collect()
    }

    fn library(&mut self, batch: &Self::Batch) -> Cid {
        for (slot, value) in batch {
            if *value == [0; 32] {
                self.library.delete(&Word(*slot)).unwrap();
            } else {
                self.library.set(Word(*slot), Word(*value)).unwrap();
            }
        }
        self.library.flush().unwrap()
    }

    fn apply(&mut self, batch: &Self::Batch) {
        self.ours.apply(&Counts::default(), batch).unwrap();
    }

    fn root(&mut self) -> Cid {
        self.ours.root(1)
    }

    fn write(&mut self, store: &Counts) {
        let written: Result<(), TreeFatal> = self.ours.unsaved(|cid, block| {
            store.put_keyed(cid, block).unwrap();
            Ok(())
        });
        written.unwrap();
    }
}
