//! What is kept of the past, and the deletion of the rest.
//!
//! ```text
//!            gone                 not kept, going            kept
//! ├────────────────────────┼────────────────────────┼──────────────────▶ tip
//! base               Store::pruned             Store::kept
//! ```
//!
//! | below | goes, by height | stays |
//! |---|---|---|
//! | [`Kept::blocks`] | block, certificate, receipts, record, what is found by hash, and the state | the base's record and hash; certificates of checkpoints |
//! | [`Kept::states`] | changes, and trees unless the caller spares them | a state whose trees are spared |
//!
//! A height is not kept before the first byte of it goes, on the disk itself. So whoever reads and then finds that the height is kept
//! has read all there was; and a crash leaves heights that are not kept and still there, which the next run goes on with.
//!
//! Of the nodes that only such heights had, see `collection`.

use rocksdb::WriteBatch;
use tributary_primitives::{Hash32, Height};

use crate::store::{META_KEPT, META_PRUNED, Store};
use crate::undecided::Survives;
use crate::{Family, StoreFatal, key};

/// The families with one entry for each block.
const OF_A_BLOCK: [Family; 6] =
    [Family::Blocks, Family::Certificates, Family::Receipts, Family::App, Family::Changes, Family::Trees];

/// Hashes that are looked at again and deleted while commits wait: a third of a millisecond.
const HASHES_AT_ONCE: usize = 64;

/// From where on the past is there.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The oldest block with all that it brought.
    pub blocks: Height,
    /// The block from which on there is the state after each; never below `blocks`.
    pub states: Height,
}

/// What a deletion took.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Entries.
    pub entries: u64,
    /// Bytes of their values, before compression.
    pub bytes: u64,
}

impl Store {
    /// What is kept; all from the base on as long as nothing was said.
    ///
    /// # Errors
    /// As every read; [`StoreFatal::NoBase`].
    pub fn kept(&self) -> Result<Kept, StoreFatal> {
        self.history_mark(META_KEPT)
    }

    /// Below this nothing is left to delete.
    ///
    /// # Errors
    /// As [`Self::kept`].
    pub fn pruned(&self) -> Result<Kept, StoreFatal> {
        self.history_mark(META_PRUNED)
    }

    /// Whether the state after the block at `height` is kept; the caller asks for heights up to the tip.
    ///
    /// # Errors
    /// As [`Self::kept`].
    pub fn keeps_state(&self, height: Height) -> Result<bool, StoreFatal> {
        Ok(height >= self.kept()?.states || self.read(Family::Trees, &key::height(height))?.is_some())
    }

    /// From now on no more than this is kept. Survives a power loss when it returns; nothing is deleted yet.
    ///
    /// # Errors
    /// [`StoreFatal::Write`].
    pub fn keep_from(&self, kept: Kept) -> Result<(), StoreFatal> {
        let mut batch = WriteBatch::default();
        batch.put_cf(self.family(Family::Meta), META_KEPT, key::kept(kept));
        self.write(batch, Survives::PowerLoss)
    }

    /// Deletes the block at `height`, which is the first that is not gone, with all that it brought; `transactions` are those that it
    /// can be asked for by hash, and `hash` is its own.
    ///
    /// In batches; a commit waits for a small one at most, and for no read from the disk. The last one moves [`Self::pruned`].
    ///
    /// # Errors
    /// [`StoreFatal::Write`], and as every read.
    pub fn delete_block(
        &self,
        height: Height,
        hash: Option<&Hash32>,
        transactions: &[Hash32],
    ) -> Result<Deleted, StoreFatal> {
        let mut deleted = Deleted::default();
        for transactions in transactions.chunks(HASHES_AT_ONCE) {
            deleted.add(self.delete_places(height, transactions)?);
        }
        let (mut batch, base) = (WriteBatch::default(), self.base()?.ok_or(StoreFatal::NoBase)?);
        for family in OF_A_BLOCK.into_iter().filter(|family| height != base || *family != Family::App) {
            deleted.add(self.delete_at(&mut batch, family, height)?);
        }
        if let Some(hash) = hash.filter(|_| height != base) {
            batch.delete_cf(self.family(Family::Hashes), hash.0);
            deleted.entries += 1;
        }
        let done = self.pruned()?;
        let next = height.next();
        self.put_pruned(&mut batch, Kept { blocks: next, states: done.states.max(next) });
        self.write(batch, Survives::Process)?;
        Ok(deleted)
    }

    /// Deletes what the state after the block at `height`, which is the first that is not gone, is made from; with `spares_trees` those
    /// stay, and the state with them.
    ///
    /// # Errors
    /// As [`Self::delete_block`].
    pub fn delete_state(&self, height: Height, spares_trees: bool) -> Result<Deleted, StoreFatal> {
        let (mut batch, mut deleted) = (WriteBatch::default(), Deleted::default());
        deleted.add(self.delete_at(&mut batch, Family::Changes, height)?);
        if !spares_trees {
            deleted.add(self.delete_at(&mut batch, Family::Trees, height)?);
        }
        self.put_pruned(&mut batch, Kept { states: height.next(), ..self.pruned()? });
        self.write(batch, Survives::Process)?;
        Ok(deleted)
    }

    /// The places of transactions, but for one that a later block was named for.
    ///
    /// They are read while commits go on, and those that are to go once more while none does, from memory by then: a block that is committed
    /// in between may be named for one of them.
    fn delete_places(&self, height: Height, transactions: &[Hash32]) -> Result<Deleted, StoreFatal> {
        let (mut batch, mut deleted) = (WriteBatch::default(), Deleted::default());
        let is_here =
            |hash: &Hash32| self.transaction(hash).map(|place| place.is_some_and(|place| place.height == height));
        let mut here = Vec::with_capacity(transactions.len());
        for hash in transactions {
            if is_here(hash)? {
                here.push(hash);
            }
        }
        let _committing = self.commits();
        for hash in here {
            if is_here(hash)? {
                batch.delete_cf(self.family(Family::Transactions), hash.0);
                deleted.entries += 1;
            }
        }
        self.write(batch, Survives::Process)?;
        Ok(deleted)
    }

    fn delete_at(&self, batch: &mut WriteBatch, family: Family, height: Height) -> Result<Deleted, StoreFatal> {
        let at = key::height(height);
        let Some(value) = self.read(family, &at)? else { return Ok(Deleted::default()) };
        batch.delete_cf(self.family(family), at);
        Ok(Deleted { entries: 1, bytes: u64::try_from(value.len()).unwrap_or(u64::MAX) })
    }

    fn put_pruned(&self, batch: &mut WriteBatch, pruned: Kept) {
        batch.put_cf(self.family(Family::Meta), META_PRUNED, key::kept(pruned));
    }

    fn history_mark(&self, mark: &[u8]) -> Result<Kept, StoreFatal> {
        if let Some(kept) = self.read_as(Family::Meta, mark, "two heights of 8", key::as_kept)? {
            return Ok(kept);
        }
        let base = self.base()?.ok_or(StoreFatal::NoBase)?;
        Ok(Kept { blocks: base, states: base })
    }
}

impl Deleted {
    /// Adds what another deletion took.
    pub const fn add(&mut self, other: Self) {
        self.entries = self.entries.saturating_add(other.entries);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}
