//! Finds IPLD blocks that nothing kept leads to any more, and deletes them, beside commits that go on.
//!
//! ```text
//! begin ─▶ mark, from the roots of all that is kept ─▶ sweep: what is neither marked nor put since begin goes, step by step ─▶ end
//!   └──────────────── every block that is put meanwhile is remembered: it stays ────────────────┘
//! ```
//!
//! **Why nothing goes that is needed.** Let P be the last state whose trees were on disk when the collection began, and let everything
//! kept then have been marked: P, all older trees, and what the changes since P name (the caller's part). What a later block needs is
//!
//! * a node of a tree that is new since P: it is put with that tree, and what is put is remembered. Of trees that are on their way to the
//!   disk when the collection begins some nodes may be here, and P does not lead to them: all of them are remembered from the beginning;
//! * a node that has not changed since P, which no later trees write again: it is reachable from P, and marked. So it is for each later
//!   state that is saved, node by node: put since, on its way, or reachable from the one saved before;
//! * a block that an actor wrote: put by its commit; or, before the collection began, named by P or by a change since, and marked. An actor
//!   can name no block but one that it reads in the state before, or writes, which puts it again.
//!
//! A block that was garbage and is put again is remembered with it. Comparing a step's blocks with those remembered, and deleting, is one
//! act under the lock that every put holds: so none is put in between. Blocks go in any order; a crash between two steps leaves fewer
//! blocks that nobody needs, and what is remembered and marked is in memory only: the next collection begins anew.
//!
//! | bound | of | memory |
//! |---|---|---|
//! | [`MARKED_MAX`] | blocks that are kept | 0.6 GiB, 0.9 while the set grows; a state of twenty million blocks needs both |
//! | [`PUT_MAX`] | blocks put while it runs, and on their way when it began | 160 MiB |
//!
//! With more of either a collection ends, and what it did not delete stays.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use cid::Cid;
use rocksdb::{DBRawIterator, ReadOptions, WriteBatch};

use crate::ipld::Nodes;
use crate::store::{META_COLLECTED, Store};
use crate::undecided::Survives;
use crate::{Deleted, Family, StoreFatal, key};

/// Most blocks that a collection marks: seven eighths of 2^25 places, 17 bytes each.
pub const MARKED_MAX: usize = (1 << 25) / 8 * 7;
/// Most blocks that it remembers of those put while it runs.
pub const PUT_MAX: usize = 1 << 22;
/// Blocks that a step of the sweep looks at.
const SWEPT_AT_ONCE: usize = 1_024;

/// A collection, from its beginning to its end; dropped, it ends.
pub struct Collection {
    store: Store,
    names: Names,
    marked: HashSet<u128>,
    marked_max: usize,
    put_max: usize,
    /// From where the sweep goes on.
    next: Vec<u8>,
}

/// What is known of IPLD blocks that are being put.
#[derive(Default)]
pub(crate) struct Putting {
    /// What was put since a collection began, while one runs.
    pub(crate) barrier: Option<Barrier>,
    /// Nodes of trees that are not complete: some are here, and nothing leads to them.
    pub(crate) trees: Vec<Nodes>,
}

/// What was put since a collection began.
pub(crate) struct Barrier {
    names: Names,
    put: HashSet<u128>,
    put_max: usize,
    is_over: bool,
}

/// Whether a block was marked before.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Marked {
    /// It was not: what it links to is to be marked too.
    Now,
    /// It was.
    Before,
}

/// A collection ends early. Nothing is lost; what it did not delete stays for another one.
#[derive(Debug, thiserror::Error)]
pub enum CollectionUnavailable {
    /// More is kept than fits.
    #[error("more than {0} IPLD blocks are kept: what is not cannot be told apart in the memory there is for it")]
    TooMany(usize),
    /// More was put meanwhile than fits.
    #[error("more than {0} IPLD blocks were written while unneeded ones were looked for")]
    TooFast(usize),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreFatal),
}

/// What a step of the sweep did.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    /// What went.
    pub deleted: Deleted,
    /// Whether all was looked at.
    pub is_done: bool,
}

/// Stands for blocks: 128 bits by keys of this collection's own, so that nobody can make two blocks that are taken for one.
#[derive(Clone)]
struct Names([RandomState; 2]);

impl Names {
    fn of(&self, cid: &[u8]) -> u128 {
        let [high, low] = self.0.each_ref().map(|key| u128::from(key.hash_one(cid)));
        high << 64 | low
    }
}

impl Store {
    /// Begins a collection: from now on what is put is remembered. `None` while another one runs.
    #[must_use]
    pub fn begin_collection(&self) -> Option<Collection> {
        self.begin_collection_within(MARKED_MAX, PUT_MAX)
    }

    /// The same with other bounds.
    #[must_use]
    pub fn begin_collection_within(&self, marked_max: usize, put_max: usize) -> Option<Collection> {
        let names = Names([RandomState::new(), RandomState::new()]);
        let mut putting = self.commits();
        if putting.barrier.is_some() {
            return None;
        }
        let mut barrier = Barrier { names: names.clone(), put: HashSet::new(), put_max, is_over: false };
        putting.trees.iter().flat_map(|nodes| nodes.iter()).for_each(|(cid, _)| barrier.remember(&cid.to_bytes()));
        putting.barrier = Some(barrier);
        Some(Collection { store: self.clone(), names, marked: HashSet::new(), marked_max, put_max, next: Vec::new() })
    }

    /// How many IPLD blocks there are, as RocksDB estimates.
    ///
    /// # Errors
    /// [`StoreFatal::Read`].
    pub fn ipld_entries(&self) -> Result<u64, StoreFatal> {
        self.property(Family::Ipld, "rocksdb.estimate-num-keys")
    }

    /// How many there were after the last collection that came to its end; zero before the first.
    ///
    /// # Errors
    /// [`StoreFatal::Read`], [`StoreFatal::Malformed`].
    pub fn collected(&self) -> Result<u64, StoreFatal> {
        Ok(self.read_as(Family::Meta, META_COLLECTED, "a number of 8", key::as_height)?.map_or(0, |count| count.0))
    }
}

impl Collection {
    /// Marks a block: it stays.
    ///
    /// # Errors
    /// [`CollectionUnavailable::TooMany`].
    pub fn mark(&mut self, cid: &Cid) -> Result<Marked, CollectionUnavailable> {
        let name = self.names.of(&cid.to_bytes());
        if self.marked.len() >= self.marked_max && !self.marked.contains(&name) {
            return Err(CollectionUnavailable::TooMany(self.marked_max));
        }
        Ok(if self.marked.insert(name) { Marked::Now } else { Marked::Before })
    }

    /// How many are marked.
    #[must_use]
    pub fn marked(&self) -> usize {
        self.marked.len()
    }

    /// A block, read past the cache: what a collection reads is no reason to forget what others do.
    ///
    /// # Errors
    /// [`StoreFatal::Read`].
    pub fn block(&self, cid: &Cid) -> Result<Option<Vec<u8>>, StoreFatal> {
        let family = Family::Ipld;
        let read = self.store.database().get_cf_opt(self.store.family(family), cid.to_bytes(), &past_the_cache());
        read.map_err(|source| StoreFatal::Read { family, source })
    }

    /// Looks at the next blocks and deletes those that are neither marked nor put since the collection began. Everything that is kept
    /// must be marked by then. A commit waits for one small batch.
    ///
    /// # Errors
    /// [`CollectionUnavailable::TooFast`], [`CollectionUnavailable::Store`]; what went until then was not needed.
    pub fn sweep(&mut self) -> Result<Swept, CollectionUnavailable> {
        let (mut garbage, mut looked) = (Vec::new(), 0);
        {
            let mut cursor = cursor(&self.store, &self.next);
            while let (Some(key), Some(value)) = (cursor.key(), cursor.value()) {
                if looked == SWEPT_AT_ONCE {
                    break;
                }
                looked += 1;
                if !self.marked.contains(&self.names.of(key)) {
                    garbage.push((key.to_vec(), value.len()));
                }
                self.next.clear();
                self.next.extend_from_slice(key);
                self.next.push(0);
                cursor.next();
            }
            cursor.status().map_err(|source| StoreFatal::Read { family: Family::Ipld, source })?;
        }
        let swept = Swept { deleted: self.delete(garbage)?, is_done: looked < SWEPT_AT_ONCE };
        if swept.is_done {
            self.done()?;
        }
        Ok(swept)
    }

    /// Deletes those that were not put meanwhile, while nothing is put.
    fn delete(&self, garbage: Vec<(Vec<u8>, usize)>) -> Result<Deleted, CollectionUnavailable> {
        let (mut batch, mut deleted) = (WriteBatch::default(), Deleted::default());
        let putting = self.store.commits();
        let barrier = putting.barrier.as_ref().filter(|barrier| !barrier.is_over);
        let barrier = barrier.ok_or(CollectionUnavailable::TooFast(self.put_max))?;
        for (key, bytes) in garbage {
            if !barrier.put.contains(&self.names.of(&key)) {
                batch.delete_cf(self.store.family(Family::Ipld), key);
                deleted.add(Deleted { entries: 1, bytes: u64::try_from(bytes).unwrap_or(u64::MAX) });
            }
        }
        self.store.write(batch, Survives::Process)?;
        Ok(deleted)
    }

    /// Takes down how many blocks stayed.
    fn done(&self) -> Result<(), StoreFatal> {
        let put = self.store.commits().barrier.as_ref().map_or(0, |barrier| barrier.put.len());
        let kept = u64::try_from(self.marked.len().saturating_add(put)).unwrap_or(u64::MAX);
        let mut batch = WriteBatch::default();
        batch.put_cf(self.store.family(Family::Meta), META_COLLECTED, kept.to_be_bytes());
        self.store.write(batch, Survives::Process)
    }
}

impl Drop for Collection {
    fn drop(&mut self) {
        self.store.commits().barrier = None;
    }
}

impl Barrier {
    /// This block is put now.
    pub(crate) fn remember(&mut self, cid: &[u8]) {
        if self.put.len() >= self.put_max {
            // Nothing is deleted from here on, and what was remembered is of no use.
            (self.is_over, self.put) = (true, HashSet::new());
        }
        if !self.is_over {
            self.put.insert(self.names.of(cid));
        }
    }
}

/// A new one for each step: one that is kept has the disk keep all that was deleted since.
fn cursor<'a>(store: &'a Store, from: &[u8]) -> DBRawIterator<'a> {
    let mut cursor = store.database().raw_iterator_cf_opt(store.family(Family::Ipld), past_the_cache());
    cursor.seek(from);
    cursor
}

fn past_the_cache() -> ReadOptions {
    let mut options = ReadOptions::default();
    options.fill_cache(false);
    options
}
