//! The last decision, from its height's end in consensus until its block is committed.
//!
//! | tip | decision at | means |
//! |---|---|---|
//! | T | none, or at most T | every decided block is committed |
//! | T | T + 1 | its block is being executed, or a crash cut that short: it is to be executed again |
//!
//! So consensus may forget a height before its block was executed. The block's bytes lie among the proposals of the height until its commit;
//! where they do not, the decision still says that this height is not to be voted at again.

use rocksdb::WriteBatch;
use tributary_primitives::{Hash32, Height};

use crate::store::{META_DECIDED, Store, Tip};
use crate::undecided::Survives;
use crate::{Family, StoreFatal, key};

/// A decision whose block is not committed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Its height.
    pub height: Height,
    /// Hash of the block that was decided.
    pub block_hash: Hash32,
    /// Consensus' certificate of it.
    pub certificate: Vec<u8>,
}

impl Store {
    /// Keeps the decision for the height after the tip. At or below the tip nothing happens: that block is committed.
    ///
    /// On the disk itself when it returns, and with it everything that was written before, the commit of the block below among it, which did not
    /// wait for the disk. Cost: one fsync of a few hundred bytes, and of what that commit left.
    ///
    /// # Errors
    /// [`StoreFatal::Gap`] beyond the height after the tip, [`StoreFatal::Conflict`] for another block than was decided there before,
    /// [`StoreFatal::NoBase`]; [`StoreFatal::Write`] and [`StoreFatal::Read`]. The store is as it was.
    pub fn decide(&self, decision: &Decision) -> Result<(), StoreFatal> {
        let _moving = self.commits();
        let Decision { height, block_hash, certificate } = decision;
        let tip = self.tip()?.ok_or(StoreFatal::NoBase)?;
        if *height <= tip.height {
            return Ok(());
        }
        if *height != tip.height.next() {
            return Err(StoreFatal::Gap { tip: tip.height, offered: *height });
        }
        if self.is_decided(tip, *height, block_hash)? {
            return Ok(());
        }
        let mut batch = WriteBatch::default();
        let value = [&key::tip(*height, block_hash)[..], certificate].concat();
        batch.put_cf(self.family(Family::Meta), META_DECIDED, value);
        self.write(batch, Survives::PowerLoss)
    }

    /// The decision whose block is not committed; `None` when the tip is the last one decided.
    ///
    /// # Errors
    /// As [`Self::tip`].
    pub fn decided(&self) -> Result<Option<Decision>, StoreFatal> {
        let Some(tip) = self.tip()? else { return Ok(None) };
        self.decided_after(tip)
    }

    pub(crate) fn decided_after(&self, tip: Tip) -> Result<Option<Decision>, StoreFatal> {
        let decision = |bytes: &[u8]| {
            let (place, certificate) = bytes.split_at_checked(40)?;
            let (height, block_hash) = key::as_tip(place)?;
            Some(Decision { height, block_hash, certificate: certificate.to_vec() })
        };
        let last = self.read_as(Family::Meta, META_DECIDED, "a decision of more than 40", decision)?;
        Ok(last.filter(|last| last.height > tip.height))
    }

    /// Whether this block, for the height after the tip, is the one that was decided there; `false` where none was.
    ///
    /// # Errors
    /// [`StoreFatal::Conflict`] where another one was.
    pub(crate) fn is_decided(&self, tip: Tip, height: Height, block_hash: &Hash32) -> Result<bool, StoreFatal> {
        match self.decided_after(tip)? {
            Some(decided) if decided.block_hash == *block_hash => Ok(true),
            Some(_) => Err(StoreFatal::Conflict { height, offered: *block_hash }),
            None => Ok(false),
        }
    }
}
