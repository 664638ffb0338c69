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
//!   disk when the collection begins some nodes may be here, and P does not lead to them: none of them goes;
//! * a node that has not changed since P, which no later trees write again: it is reachable from P, and marked. So it is for each later
//!   state that is saved, node by node: put since, on its way, or reachable from the one saved before;
//! * a block that an actor wrote: put by its commit; or, before the collection began, named by P or by a change since, and marked. An actor
//!   can name no block but one that it reads in the state before, or writes, which puts it again.
//!
//! A block that was garbage and is put again is remembered with it. Comparing a step's blocks with those remembered, and deleting, is one
//! act under the lock that every put holds: so none is put in between. Blocks go in any order; a crash between two steps leaves fewer
//! blocks that nobody needs, and what is remembered and marked is in memory only: the next collection begins anew.
//!
//! **What commits wait for.** They take the same lock. It is held to begin, for a few handles, and in each step for [`DELETED_AT_ONCE`]
//! deletions; all that is read and hashed is read and hashed without it. The trees on their way at the beginning are hashed when what is put
//! is remembered already, and before anything can be deleted. So none of their nodes is missed: one that was put before is in the list that
//! was taken as the lock was held, one that is put later is remembered too, and trees that begin later put all of theirs later.
//!
//! | bound | of | memory |
//! |---|---|---|
//! | [`MARKED_MAX`] | blocks that are kept | 0.6 GiB, 0.9 while the set grows; a state of twenty million blocks needs both |
//! | [`PUT_MAX`] | blocks put while it runs, and on their way when it began | 160 MiB |
//!
//! With more of either a collection ends, and what it did not delete stays. What is put is remembered in parts, `remembered`, and freed when no
//! lock is held.

mod remembered;

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use cid::Cid;
use rocksdb::{DBRawIterator, ReadOptions, WriteBatch};

use crate::ipld::Nodes;
use crate::store::{META_COLLECTED, Store};
use crate::undecided::Survives;
use crate::{Deleted, Family, StoreFatal, key};
use remembered::Remembered;

/// Most blocks that a collection marks: seven eighths of 2^25 places, 17 bytes each.
pub const MARKED_MAX: usize = (1 << 25) / 8 * 7;
/// Most blocks that it remembers of those put while it runs, with those on their way when it began.
pub const PUT_MAX: usize = 1 << 22;
/// Blocks that a step of the sweep looks at, at most.
const SWEPT_AT_ONCE: usize = 1_024;
/// Blocks that it deletes, at most, while commits wait: a fifth of a millisecond.
pub const DELETED_AT_ONCE: usize = 128;

/// A collection, from its beginning to its end; dropped, it ends.
pub struct Collection {
    store: Store,
    names: Names,
    /// Nodes of trees that were not complete when it began. Apart from what is marked, which has been followed.
    on_their_way: HashSet<u128>,
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
    put: Remembered,
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

/// A block that nothing kept leads to, unless it was put since the collection began.
struct Garbage {
    cid: Vec<u8>,
    name: u128,
    bytes: usize,
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
        let (names, put) = (Names([RandomState::new(), RandomState::new()]), Remembered::new());
        let trees = {
            let mut putting = self.commits();
            if putting.barrier.is_some() {
                return None;
            }
            let count: usize = putting.trees.iter().map(|nodes| nodes.len()).sum();
            let (left, is_over) = (put_max.saturating_sub(count), count > put_max);
            putting.barrier = Some(Barrier { names: names.clone(), put, put_max: left, is_over });
            putting.trees.clone()
        };
        let (store, on_their_way, marked, next) = (self.clone(), HashSet::new(), HashSet::new(), Vec::new());
        // From here on the barrier goes with it, whatever happens.
        let mut collection = Collection { store, names, on_their_way, marked, marked_max, put_max, next };
        for (cid, _) in trees.iter().flat_map(|nodes| nodes.iter()) {
            collection.on_their_way.insert(collection.names.of(&cid.to_bytes()));
        }
        Some(collection)
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
        let (garbage, is_done) = self.look()?;
        let swept = Swept { deleted: self.delete(garbage)?, is_done };
        if is_done {
            self.done()?;
        }
        Ok(swept)
    }

    /// What is garbage of the next blocks, and whether those are the last.
    fn look(&mut self) -> Result<(Vec<Garbage>, bool), StoreFatal> {
        let (mut garbage, mut looked) = (Vec::new(), 0);
        let mut cursor = cursor(&self.store, &self.next);
        while looked < SWEPT_AT_ONCE && garbage.len() < DELETED_AT_ONCE {
            let (Some(key), Some(value)) = (cursor.key(), cursor.value()) else {
                cursor.status().map_err(|source| StoreFatal::Read { family: Family::Ipld, source })?;
                return Ok((garbage, true));
            };
            looked += 1;
            let name = self.names.of(key);
            if !self.marked.contains(&name) && !self.on_their_way.contains(&name) {
                garbage.push(Garbage { cid: key.to_vec(), name, bytes: value.len() });
            }
            self.next.clear();
            self.next.extend_from_slice(key);
            self.next.push(0);
            cursor.next();
        }
        Ok((garbage, false))
    }

    /// Deletes those that were not put meanwhile, while nothing is put.
    fn delete(&self, garbage: Vec<Garbage>) -> Result<Deleted, CollectionUnavailable> {
        let (mut batch, mut deleted) = (WriteBatch::default(), Deleted::default());
        if garbage.is_empty() {
            return Ok(deleted);
        }
        let putting = self.store.commits();
        let put = self.put(&putting)?;
        for Garbage { cid, bytes, .. } in garbage.into_iter().filter(|garbage| !put.contains(garbage.name)) {
            batch.delete_cf(self.store.family(Family::Ipld), cid);
            deleted.add(Deleted { entries: 1, bytes: u64::try_from(bytes).unwrap_or(u64::MAX) });
        }
        self.store.write(batch, Survives::Process)?;
        Ok(deleted)
    }

    /// What was put since the collection began.
    fn put<'a>(&self, putting: &'a Putting) -> Result<&'a Remembered, CollectionUnavailable> {
        let barrier = putting.barrier.as_ref().filter(|barrier| !barrier.is_over);
        Ok(&barrier.ok_or(CollectionUnavailable::TooFast(self.put_max))?.put)
    }

    /// Takes down how many blocks stayed, or a few more: what was on its way and is put is counted twice.
    fn done(&self) -> Result<(), CollectionUnavailable> {
        let put = self.put(&self.store.commits())?.len();
        let kept = [self.marked.len(), self.on_their_way.len()].into_iter().fold(put, usize::saturating_add);
        let (mut batch, kept) = (WriteBatch::default(), u64::try_from(kept).unwrap_or(u64::MAX));
        batch.put_cf(self.store.family(Family::Meta), META_COLLECTED, kept.to_be_bytes());
        Ok(self.store.write(batch, Survives::Process)?)
    }
}

impl Drop for Collection {
    fn drop(&mut self) {
        let barrier = self.store.commits().barrier.take();
        // What was remembered may be much, and nobody waits until it is freed.
        drop(barrier);
    }
}

impl Barrier {
    /// This block is put now.
    pub(crate) fn remember(&mut self, cid: &[u8]) {
        if self.put.len() >= self.put_max {
            // Nothing is deleted from here on. What was remembered is of no use, and goes with the collection.
            self.is_over = true;
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
