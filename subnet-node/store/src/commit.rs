//! The atomic batch of one block, and when it is refused.
//!
//! | tip | block offered | outcome |
//! |---|---|---|
//! | none | base | written |
//! | none | any block | `NoBase` |
//! | T | T + 1 | written, tip is T + 1 |
//! | T | T + 1, another than was decided | `Conflict` |
//! | T | height ≤ T, the block that is there | nothing to do |
//! | T | height ≤ T, another block | `Conflict` |
//! | T | beyond T + 1, or before what is kept | `Gap` |

use cid::Cid;
use rocksdb::WriteBatch;
use tributary_primitives::{Hash32, Height};

use crate::leaves::encode_changes;
use crate::store::{META_BASE, META_TIP, Store, Tip};
use crate::undecided::Survives;
use crate::{Family, IpldBlock, StoreFatal, key};

/// Everything one decided block brings.
#[derive(Copy, Clone, Debug)]
pub struct BlockCommit<'a> {
    /// Its height.
    pub height: Height,
    /// Its hash.
    pub block_hash: Hash32,
    /// The Tendermint block.
    pub block: &'a [u8],
    /// Consensus' certificate that it was decided.
    pub certificate: &'a [u8],
    /// Receipts in the transactions' order.
    pub receipts: &'a [u8],
    /// The application's record after the block.
    pub app: &'a [u8],
    /// Transactions to be found by hash, with their position in the block. A hash that is there already moves here, so a
    /// caller leaves out what it skipped: an earlier block may have executed it.
    pub transactions: &'a [(Hash32, u32)],
    /// Leaves of the state that it changed.
    pub leaves: &'a [LeafChange],
    /// IPLD blocks that actors wrote in it. The nodes of the state's trees come later, by [`Store::begin_trees`].
    pub ipld: &'a [IpldBlock],
}

/// A leaf's key and its new value; `None` for one that is no more.
pub type LeafChange = (Vec<u8>, Option<Vec<u8>>);

/// The state that a store's history starts from: genesis, or a state synced from peers.
#[derive(Copy, Clone, Debug)]
pub struct BaseCommit<'a> {
    /// 0 for genesis.
    pub height: Height,
    /// Hash of the block at that height; genesis has none, its CID's digest stands in.
    pub block_hash: Hash32,
    /// The application's record at that height.
    pub app: &'a [u8],
    /// IPLD blocks that are not in the store yet.
    pub ipld: &'a [IpldBlock],
    /// All leaves of its state.
    pub leaves: &'a [LeafChange],
}

/// What a commit did.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// The block is the new tip.
    Now,
    /// The very block was there already, from before a restart.
    Before,
}

impl Store {
    /// Writes a block with all it brings, moves the tip to it, and forgets the proposals up to its height.
    ///
    /// Whole, or not at all. Of a block whose decision is kept ([`Self::decide`]) the system has the bytes when it returns: what a power loss
    /// takes of it is executed again. Any other is on the disk itself. Cost: the bytes written twice (log and tables), and for those others an fsync.
    ///
    /// # Errors
    /// [`StoreFatal::Gap`], [`StoreFatal::Conflict`], [`StoreFatal::NoBase`] as in the table above; [`StoreFatal::Write`] and
    /// [`StoreFatal::Read`]. The store is as it was.
    pub fn commit_block(&self, commit: &BlockCommit<'_>) -> Result<Committed, StoreFatal> {
        let mut moving = self.commits();
        let tip = self.tip()?.ok_or(StoreFatal::NoBase)?;
        if commit.height <= tip.height {
            return self.compare(commit, tip);
        }
        if commit.height != tip.height.next() {
            return Err(StoreFatal::Gap { tip: tip.height, offered: commit.height });
        }
        let is_decided = self.is_decided(tip, commit.height, &commit.block_hash)?;
        let mut batch = WriteBatch::default();
        self.put_block(&mut batch, commit);
        self.put_index(&mut batch, commit);
        self.put_ipld(&mut batch, &mut moving, by_cid(commit.ipld));
        self.put_leaves(&mut batch, commit.leaves);
        batch.put_cf(self.family(Family::Changes), key::height(commit.height), encode_changes(commit.leaves));
        self.delete_undecided_until(&mut batch, commit.height)?;
        self.put_tip(&mut batch, commit.height, &commit.block_hash);
        self.write(batch, if is_decided { Survives::Process } else { Survives::PowerLoss })?;
        Ok(Committed::Now)
    }

    /// Writes the state that the first block will follow. Once, before any block.
    ///
    /// Survives a power loss when it returns, together with every IPLD block imported before.
    ///
    /// # Errors
    /// [`StoreFatal::Gap`] or [`StoreFatal::Conflict`] when the store has another base already; [`StoreFatal::Write`].
    pub fn commit_base(&self, commit: &BaseCommit<'_>) -> Result<Committed, StoreFatal> {
        let mut moving = self.commits();
        if let (Some(base), Some(tip)) = (self.base()?, self.tip()?) {
            return match self.height_of(&commit.block_hash)? {
                Some(height) if height == base && height == commit.height => Ok(Committed::Before),
                _ => Err(StoreFatal::Gap { tip: tip.height, offered: commit.height }),
            };
        }
        let mut batch = WriteBatch::default();
        let at = key::height(commit.height);
        batch.put_cf(self.family(Family::App), at, commit.app);
        batch.put_cf(self.family(Family::Hashes), commit.block_hash.0, at);
        batch.put_cf(self.family(Family::Meta), META_BASE, at);
        self.put_ipld(&mut batch, &mut moving, by_cid(commit.ipld));
        self.put_leaves(&mut batch, commit.leaves);
        batch.put_cf(self.family(Family::Trees), at, []);
        self.put_tip(&mut batch, commit.height, &commit.block_hash);
        self.write(batch, Survives::PowerLoss)?;
        Ok(Committed::Now)
    }

    /// A block at a height that is decided already.
    fn compare(&self, commit: &BlockCommit<'_>, tip: Tip) -> Result<Committed, StoreFatal> {
        if self.height_of(&commit.block_hash)? == Some(commit.height) {
            return Ok(Committed::Before);
        }
        if commit.height < self.kept()?.blocks {
            return Err(StoreFatal::Gap { tip: tip.height, offered: commit.height });
        }
        Err(StoreFatal::Conflict { height: commit.height, offered: commit.block_hash })
    }

    fn put_block(&self, batch: &mut WriteBatch, commit: &BlockCommit<'_>) {
        let at = key::height(commit.height);
        for (family, value) in [
            (Family::Blocks, commit.block),
            (Family::Certificates, commit.certificate),
            (Family::Receipts, commit.receipts),
            (Family::App, commit.app),
        ] {
            batch.put_cf(self.family(family), at, value);
        }
    }

    fn put_leaves(&self, batch: &mut WriteBatch, leaves: &[LeafChange]) {
        for (key, value) in leaves {
            match value {
                Some(value) => batch.put_cf(self.family(Family::Leaves), key, value),
                None => batch.delete_cf(self.family(Family::Leaves), key),
            }
        }
    }

    fn put_index(&self, batch: &mut WriteBatch, commit: &BlockCommit<'_>) {
        for (hash, index) in commit.transactions {
            batch.put_cf(self.family(Family::Transactions), hash.0, key::place(commit.height, *index));
        }
        batch.put_cf(self.family(Family::Hashes), commit.block_hash.0, key::height(commit.height));
    }

    fn put_tip(&self, batch: &mut WriteBatch, height: Height, block_hash: &Hash32) {
        batch.put_cf(self.family(Family::Meta), META_TIP, key::tip(height, block_hash));
    }
}

pub(crate) fn by_cid(blocks: &[IpldBlock]) -> impl Iterator<Item = (Cid, &[u8])> {
    blocks.iter().map(|(cid, block)| (*cid, block.as_slice()))
}
