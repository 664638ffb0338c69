//! Cells that the block has written, in several versions: the final one, and those of transactions ahead of the frontier.
//!
//! | a cell has | read by transaction `i` |
//! |---|---|
//! | a value set by transaction `j` | the latest before `i`, and nothing older |
//! | an amount added by transaction `j` | all before `i` since the latest that was set |
//! | a mark: transaction `j` is running again and wrote here before | `i` had better wait |
//! | a final value, or a final amount on top of what the ground has | what is left when nothing else is |
//!
//! A credit is an amount added: who only receives does not depend on what he had.
//!
//! Cells lie in shards, each under a lock that is held for a look-up. The hash is seeded anew in every process: cells are named by
//! strangers, and nothing depends on an order in the map.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;

use crate::sync::{Mutex, lock};

/// Locks; well above the number of threads, so that two rarely meet.
const SHARDS: u64 = if cfg!(any(loom, shuttle)) { 2 } else { 256 };

/// What a cell holds.
pub trait Value: Clone + Eq + Send + Sync {
    /// This and `amount`, each a cell's value or itself an amount. Asked only of cells to which [`Write::Add`] was written.
    #[must_use]
    fn plus(&self, amount: &Self) -> Self;

    /// The same, sharing no memory with this: a lane that reads it all the time does not want to take turns with others at counting
    /// references.
    #[must_use]
    fn apart(&self) -> Self {
        self.clone()
    }
}

/// What a transaction does to a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write<V> {
    /// Replaces the value.
    Set(V),
    /// Adds to it.
    Add(V),
}

/// Cells by key. A cell has one final write at most and, of each transaction of the window, one that is pending: the committer takes that
/// out before the window moves on. A cell that only wrong guesses wrote stays, empty.
pub(crate) struct Memory<K, V> {
    shards: Box<[Mutex<Shard<K, V>>]>,
    hasher: RandomState,
}

type Shard<K, V> = HashMap<K, Cell<V>, RandomState>;

struct Cell<V> {
    settled: Option<Write<V>>,
    /// By transaction, in ascending order.
    pending: Vec<(usize, Pending<V>)>,
}

enum Pending<V> {
    Write(Write<V>),
    Mark,
}

/// What there is to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found<V> {
    /// A value.
    Value(V),
    /// What the ground has, and this on top of it.
    Ground(Option<V>),
    /// This transaction is about to write it again.
    Awaits(usize),
}

impl<V: Value> Cell<V> {
    const fn new() -> Self {
        Self { settled: None, pending: Vec::new() }
    }

    fn read(&self, index: usize) -> Found<V> {
        let before = self.pending.partition_point(|(writer, _)| *writer < index);
        let mut added: Option<V> = None;
        for (writer, pending) in self.pending[..before].iter().rev() {
            match pending {
                Pending::Mark => return Found::Awaits(*writer),
                Pending::Write(Write::Set(value)) => return Found::Value(sum(value, added.as_ref())),
                Pending::Write(Write::Add(amount)) => added = Some(sum(amount, added.as_ref())),
            }
        }
        match &self.settled {
            Some(Write::Set(value)) => Found::Value(sum(value, added.as_ref())),
            Some(Write::Add(amount)) => Found::Ground(Some(sum(amount, added.as_ref()))),
            None => Found::Ground(added),
        }
    }

    fn put(&mut self, index: usize, pending: Pending<V>) {
        match self.pending.binary_search_by_key(&index, |(writer, _)| *writer) {
            Ok(at) => self.pending[at].1 = pending,
            Err(at) => self.pending.insert(at, (index, pending)),
        }
    }

    fn remove(&mut self, index: usize) -> Option<Pending<V>> {
        let at = self.pending.binary_search_by_key(&index, |(writer, _)| *writer).ok()?;
        Some(self.pending.remove(at).1)
    }

    fn settle(&mut self, write: Write<V>) {
        self.settled = Some(match (write, self.settled.take()) {
            (Write::Add(amount), Some(Write::Set(value))) => Write::Set(value.plus(&amount)),
            (Write::Add(amount), Some(Write::Add(before))) => Write::Add(before.plus(&amount)),
            (write, _) => write,
        });
    }
}

fn sum<V: Value>(value: &V, added: Option<&V>) -> V {
    added.map_or_else(|| value.clone(), |added| value.plus(added))
}

impl<K: Clone + Eq + Hash, V: Value> Memory<K, V> {
    /// No cell written.
    pub(crate) fn new() -> Self {
        let shard = |_| Mutex::new(HashMap::with_hasher(RandomState::default()));
        Self { shards: (0..SHARDS).map(shard).collect(), hasher: RandomState::default() }
    }

    /// What transaction `index` finds in a cell.
    pub(crate) fn read(&self, index: usize, key: &K) -> Found<V> {
        lock(self.shard(key)).get(key).map_or(Found::Ground(None), |cell| cell.read(index))
    }

    /// Publishes what transaction `index` wrote, ahead of the frontier.
    pub(crate) fn publish(&self, index: usize, key: &K, write: Write<V>) {
        let mut shard = lock(self.shard(key));
        let cell = shard.entry(key.clone()).or_insert_with(Cell::new);
        cell.put(index, Pending::Write(write));
    }

    /// Marks a cell: transaction `index` wrote it, and runs again.
    pub(crate) fn mark(&self, index: usize, key: &K) {
        if let Some(cell) = lock(self.shard(key)).get_mut(key) {
            cell.put(index, Pending::Mark);
        }
    }

    /// Makes final what transaction `index`, the frontier's, published.
    pub(crate) fn settle(&self, index: usize, key: &K) {
        let mut shard = lock(self.shard(key));
        let Some(cell) = shard.get_mut(key) else { return };
        if let Some(Pending::Write(write)) = cell.remove(index) {
            cell.settle(write);
        }
    }

    /// Makes a write of transaction `index`, the frontier's, final; what it published before is gone.
    pub(crate) fn replace(&self, index: usize, key: &K, write: Write<V>) {
        let mut shard = lock(self.shard(key));
        let cell = shard.entry(key.clone()).or_insert_with(Cell::new);
        cell.remove(index);
        cell.settle(write);
    }

    /// Takes back what transaction `index` published.
    pub(crate) fn withdraw(&self, index: usize, key: &K) {
        if let Some(cell) = lock(self.shard(key)).get_mut(key) {
            cell.remove(index);
        }
    }

    fn shard(&self, key: &K) -> &Mutex<Shard<K, V>> {
        let hash = self.hasher.hash_one(key);
        let index = usize::try_from(hash % SHARDS).unwrap_or_default();
        &self.shards[index]
    }
}
