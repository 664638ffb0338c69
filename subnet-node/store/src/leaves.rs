//! The state's leaves: as they are after the last block, as they were after another, and what each block changed.
//!
//! | asked for | read from |
//! |---|---|
//! | a leaf now | `leaves` |
//! | a leaf as of a commit | `leaves`, through a snapshot that was taken right after it |
//! | what a block changed | `changes` |
//! | the last height, at or below another, whose state has all nodes in `ipld` | `trees` |
//!
//! From such a height on, the changes of the blocks that follow lead to the state after any of them.

use std::fmt;
use std::sync::Arc;

use rocksdb::{DB, SnapshotWithThreadMode};
use self_cell::self_cell;
use tributary_primitives::Height;

use crate::commit::LeafChange;
use crate::store::{Store, malformed};
use crate::{Family, StoreFatal, key};

/// A snapshot of RocksDB's: a number, and the promise to keep what it sees.
type View<'a> = SnapshotWithThreadMode<'a, DB>;

self_cell!(
    struct Held {
        owner: Store,
        #[covariant]
        dependent: View,
    }
);

/// The leaves as they were when it was taken, whatever is committed since. Clones are handles of one; while any is held, the store
/// keeps on disk what has been replaced or deleted meanwhile, of all families, so none is to be held for longer than some blocks.
#[derive(Clone)]
pub struct Snapshot(Arc<Held>);

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Snapshot").field(self.0.borrow_owner()).finish()
    }
}

impl Snapshot {
    /// The value of a leaf.
    ///
    /// # Errors
    /// [`StoreFatal::Read`].
    pub fn leaf(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFatal> {
        let family = Family::Leaves;
        let (store, view) = (self.0.borrow_owner(), self.0.borrow_dependent());
        view.get_cf(store.family(family), key).map_err(|source| StoreFatal::Read { family, source })
    }
}

impl Store {
    /// The value of a leaf after the last block.
    ///
    /// # Errors
    /// [`StoreFatal::Read`].
    pub fn leaf(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFatal> {
        self.read(Family::Leaves, key)
    }

    /// The leaves as they are now, for good. Cost: less than a microsecond.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(Arc::new(Held::new(self.clone(), |store| store.database().snapshot())))
    }

    /// The leaves that the block at `height` changed.
    ///
    /// # Errors
    /// [`StoreFatal::Read`], [`StoreFatal::Malformed`].
    pub fn changes(&self, height: Height) -> Result<Option<Vec<LeafChange>>, StoreFatal> {
        let Some(bytes) = self.read(Family::Changes, &key::height(height))? else { return Ok(None) };
        let changes = borsh::from_slice(&bytes);
        changes.map(Some).map_err(|_| malformed(Family::Changes, &bytes, "a list of changes"))
    }

    /// The last height, `height` itself or below, whose state has all its nodes here.
    ///
    /// # Errors
    /// [`StoreFatal::Read`], [`StoreFatal::Malformed`].
    pub fn trees_until(&self, height: Height) -> Result<Option<Height>, StoreFatal> {
        let Some((key, _)) = self.last_until(Family::Trees, &key::height(height))? else { return Ok(None) };
        key::as_height(&key).map(Some).ok_or_else(|| malformed(Family::Trees, &key, "a height of 8"))
    }
}

pub(crate) fn encode_changes(changes: &[LeafChange]) -> Vec<u8> {
    borsh::to_vec(changes).expect("writing to memory does not fail")
}
