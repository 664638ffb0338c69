//! Marks the IPLD blocks that what is kept leads to, and has the others deleted.
//!
//! | kept | marked from |
//! |---|---|
//! | a state with trees on disk | its root, and the outbox of its record |
//! | a state without, after one that has trees | those trees, and what each block since names: the outbox, and of each leaf that it changed the block that was written with it ([`own_block`]) |
//! | the state that blocks run on | the same: its trees may be in memory, and what of them is not on disk is written later |
//!
//! The collection begins before anything is read, so a block committed in between is found here, or what it puts is remembered; why
//! nothing goes that is needed is told in [`tributary_store::Collection`]'s file. Below a leaf only those blocks are marked that no tree
//! writes: the head of a contract, its storage, and the init actor's state are made again from leaves.
//!
//! Memory: what [`tributary_store::Collection`] takes, one block, the changes of one block, and a CID for each link still to follow.

use std::ops::ControlFlow;

use cid::Cid;
use fvm_ipld_encoding::DAG_CBOR;
use tributary_fvm::StateFatal;
use tributary_fvm::state::own_block;
use tributary_primitives::links::{LinkRejected, Place, links, place};
use tributary_primitives::{Height, raw_cid};
use tributary_store::{Collection, CollectionUnavailable, Deleted, Family, Marked, Store, StoreFatal};

use crate::ledger::LedgerFatal;
use crate::ledger::record::Record;
use crate::ledger::stored::read_record;

/// Blocks that are read from one step to the next: a millisecond.
const READ_AT_ONCE: u32 = 32;
/// Heights with trees that are listed at once.
const LISTED_AT_ONCE: usize = 1_024;

/// What a collection did.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Collected {
    /// Blocks that what is kept leads to.
    pub marked: usize,
    /// What went.
    pub deleted: Deleted,
}

/// A collection ends early. What it did not delete stays for another one.
#[derive(Debug, thiserror::Error)]
pub enum CollectUnavailable {
    /// Nobody waits for it.
    #[error("the node is stopping")]
    Stopping,
    /// There is one already.
    #[error("another collection runs")]
    Busy,
    /// A bound of the collection.
    #[error(transparent)]
    Bounded(CollectionUnavailable),
    /// A block that is kept leads to one that is not there.
    #[error("block {0} of the state is missing: the data directory is damaged, and nothing is deleted from it")]
    Missing(Box<Cid>),
    /// A block whose links cannot be told.
    #[error("block {cid} of the state: {why}; the data directory is damaged, and nothing is deleted from it")]
    Unreadable {
        /// The block.
        cid: Box<Cid>,
        /// Why.
        why: LinkRejected,
    },
    /// The ledger cannot be read.
    #[error(transparent)]
    Fatal(#[from] LedgerFatal),
}

/// Deletes the IPLD blocks that nothing kept leads to. `step` is called before, between and after the parts, and every few milliseconds in them, and may break off.
///
/// # Errors
/// [`CollectUnavailable`]; [`CollectUnavailable::Fatal`] alone must stop the node.
pub fn collect(store: &Store, step: impl FnMut() -> ControlFlow<()>) -> Result<Collected, CollectUnavailable> {
    let collection = store.begin_collection().ok_or(CollectUnavailable::Busy)?;
    let mut walk = Walk { collection, open: Vec::new(), read: 0, step };
    walk.step()?;
    mark(store, &mut walk)?;
    walk.step()?;
    let mut collected = Collected { marked: walk.collection.marked(), deleted: Deleted::default() };
    loop {
        let swept = walk.collection.sweep()?;
        collected.deleted.add(swept.deleted);
        if swept.is_done {
            return Ok(collected);
        }
        walk.step()?;
    }
}

fn mark<F: FnMut() -> ControlFlow<()>>(store: &Store, walk: &mut Walk<F>) -> Result<(), CollectUnavailable> {
    let (tip, kept) = (store.tip()?.ok_or(StoreFatal::NoBase)?.height, store.kept()?);
    let mut from = Height::GENESIS;
    loop {
        let listed = store.range(Family::Trees, from..tip.next(), LISTED_AT_ONCE)?;
        for (height, _) in &listed {
            let record = record(store, *height)?;
            walk.reach(&record.state_root)?;
            walk.reach(&record.outbox_root)?;
        }
        let Some((last, _)) = listed.last() else { break };
        from = last.next();
    }
    for height in (kept.states.0 + 1..=tip.0).map(Height) {
        walk.reach(&record(store, height)?.outbox_root)?;
        let missing = || damaged("the list of changes", height);
        for (key, value) in store.changes(height)?.ok_or_else(missing)? {
            let block = value.map(|value| own_block(&key, &value)).transpose()?.flatten();
            block.map_or(Ok(()), |block| walk.reach(&block))?;
        }
    }
    Ok(())
}

fn record(store: &Store, height: Height) -> Result<Record, LedgerFatal> {
    read_record(store, height)?.ok_or_else(|| damaged("the record", height))
}

fn damaged(what: &'static str, height: Height) -> LedgerFatal {
    LedgerFatal::Damaged { what, height, why: "it is missing".to_owned() }
}

/// Over everything that is kept, each block once.
struct Walk<F> {
    collection: Collection,
    /// Marked, and not read yet.
    open: Vec<Cid>,
    /// Blocks read since the last step.
    read: u32,
    step: F,
}

impl<F: FnMut() -> ControlFlow<()>> Walk<F> {
    /// Marks a block and all that it leads to.
    fn reach(&mut self, root: &Cid) -> Result<(), CollectUnavailable> {
        let unreadable = |cid: &Cid, why| CollectUnavailable::Unreadable { cid: Box::new(*cid), why };
        if matches!(place(root).map_err(|why| unreadable(root, why))?, Place::Stored) {
            self.mark(root)?;
        }
        while let Some(cid) = self.open.pop() {
            let bytes = self.collection.block(&cid)?.ok_or_else(|| CollectUnavailable::Missing(Box::new(cid)))?;
            let below = links(cid.codec(), &bytes, &mut |_| Ok::<_, LinkRejected>(()));
            below.map_err(|why| unreadable(&cid, why))?.iter().try_for_each(|link| self.mark(link))?;
            self.read += 1;
            if self.read == READ_AT_ONCE {
                self.step()?;
            }
        }
        Ok(())
    }

    /// Marks a block; one that may have links is to be read.
    fn mark(&mut self, cid: &Cid) -> Result<(), CollectUnavailable> {
        // No bytes are no block: the code of a contract without code.
        if *cid != raw_cid(&[]) && self.collection.mark(cid)? == Marked::Now && cid.codec() == DAG_CBOR {
            self.open.push(*cid);
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), CollectUnavailable> {
        self.read = 0;
        if (self.step)().is_break() { Err(CollectUnavailable::Stopping) } else { Ok(()) }
    }
}

impl From<StoreFatal> for CollectUnavailable {
    fn from(why: StoreFatal) -> Self {
        Self::Fatal(why.into())
    }
}

impl From<StateFatal> for CollectUnavailable {
    fn from(why: StateFatal) -> Self {
        Self::Fatal(why.into())
    }
}

impl From<CollectionUnavailable> for CollectUnavailable {
    fn from(why: CollectionUnavailable) -> Self {
        match why {
            CollectionUnavailable::Store(why) => why.into(),
            bounded => Self::Bounded(bounded),
        }
    }
}
