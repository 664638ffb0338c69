//! Proposed blocks of heights that are not committed.
//!
//! A body lies here, on the disk itself, before consensus is told of its proposal, since a decision may come for any proposal this node
//! voted for, and the engine's own log, which is on the disk before a vote is sent, keeps the vote but not the body. The commit of a height
//! forgets its proposals and all older ones.

use rocksdb::WriteBatch;
use tributary_primitives::{Hash32, Height};

use crate::store::{Store, malformed};
use crate::{Family, StoreFatal, key};

/// What a write outlives by the time its call returns.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Survives {
    /// The end of this process, `kill -9` too: the system has the bytes. Costs microseconds.
    Process,
    /// A power loss: the disk has the bytes. Costs an fsync, some milliseconds.
    PowerLoss,
}

impl Store {
    /// Keeps a proposed block until a block of its height is committed. The same place written again holds the newer bytes.
    ///
    /// Survives a power loss when it returns, whoever calls: if it could take the body and leave the vote, the validators of a chain could all
    /// have voted for a block that none of them has. Cost: an fsync. The caller bounds how many proposals it takes for a height.
    ///
    /// # Errors
    /// [`StoreFatal::Write`].
    pub fn put_undecided(
        &self,
        height: Height,
        round: u32,
        block_hash: &Hash32,
        bytes: &[u8],
    ) -> Result<(), StoreFatal> {
        let mut batch = WriteBatch::default();
        batch.put_cf(self.family(Family::Undecided), key::undecided(height, round, block_hash), bytes);
        self.write(batch, Survives::PowerLoss)
    }

    /// The proposed block of this place: its bytes, and whatever else its proposal needs.
    ///
    /// # Errors
    /// [`StoreFatal::Read`].
    pub fn undecided_block(
        &self,
        height: Height,
        round: u32,
        block_hash: &Hash32,
    ) -> Result<Option<Vec<u8>>, StoreFatal> {
        self.read(Family::Undecided, &key::undecided(height, round, block_hash))
    }

    /// Round and hash of every proposed block of a height, by round. Cost: 44 bytes each; no block is read.
    ///
    /// # Errors
    /// [`StoreFatal::Read`], [`StoreFatal::Malformed`].
    pub fn undecided(&self, height: Height) -> Result<Vec<(u32, Hash32)>, StoreFatal> {
        let (from, to) = (key::height(height).into(), key::height(height.next()).into());
        let place = |key: Vec<u8>| {
            let place = key::as_undecided(&key).map(|(_, round, block_hash)| (round, block_hash));
            place.ok_or_else(|| malformed(Family::Undecided, &key, "an undecided key of 44"))
        };
        self.keys(Family::Undecided, from, to)?.into_iter().map(place).collect()
    }

    /// Deletes, in `batch`, what was proposed for `height` and before. One by one: they are few, and a range deletion for each
    /// block would slow every later read of the family.
    pub(crate) fn delete_undecided_until(&self, batch: &mut WriteBatch, height: Height) -> Result<(), StoreFatal> {
        let to = key::height(height.next()).into();
        for key in self.keys(Family::Undecided, Vec::new(), to)? {
            batch.delete_cf(self.family(Family::Undecided), key);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use tributary_primitives::{BlsPublicKey, cbor_cid};

    use super::*;
    use crate::{ChainIdentity, StoreConfig};

    /// How often RocksDB brought its log to the disk since it was opened.
    fn syncs(store: &Store) -> u64 {
        let told = store.database().property_value("rocksdb.dbstats").unwrap().unwrap();
        let log = told.lines().find_map(|line| line.strip_prefix("Cumulative WAL: ")).unwrap();
        log.split(", ").find_map(|part| part.strip_suffix(" syncs")).unwrap().parse().unwrap()
    }

    #[test]
    fn a_proposal_is_on_the_disk_itself_when_the_call_that_keeps_it_returns() {
        let directory = TempDir::new().unwrap();
        let identity = ChainIdentity { genesis: cbor_cid(b"genesis"), format: 1 };
        let store = Store::open(directory.path(), &StoreConfig::default(), &identity).unwrap();
        let opened = syncs(&store);
        store.put_share(Height(1), &BlsPublicKey([1; 48]), b"another's", Survives::Process).unwrap();
        assert_eq!(syncs(&store), opened, "a write that need not be there is not waited for");
        for round in 0..2 {
            store.put_undecided(Height(1), round, &Hash32([1; 32]), b"block").unwrap();
            assert_eq!(syncs(&store), opened + u64::from(round) + 1);
        }
    }
}
