//! [`Store`] and its reads. Reads take no lock and wait for no write; each sees whole batches only.

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rocksdb::{Cache, ColumnFamily, DB, Direction, FlushOptions, IteratorMode, ReadOptions, WriteBatch, WriteOptions};
use tributary_primitives::{Hash32, Height};

use crate::collection::Putting;
use crate::directory::{self, ChainIdentity, Lock, Opened, StoreConfig};
use crate::undecided::Survives;
use crate::{Family, StoreFatal, key};

pub(crate) const META_TIP: &[u8] = b"tip";
pub(crate) const META_DECIDED: &[u8] = b"decided";
pub(crate) const META_BASE: &[u8] = b"base";
pub(crate) const META_KEPT: &[u8] = b"kept";
pub(crate) const META_PRUNED: &[u8] = b"pruned";
pub(crate) const META_COLLECTED: &[u8] = b"collected";

/// The last block of the store.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Its height.
    pub height: Height,
    /// Its hash.
    pub block_hash: Hash32,
}

/// Where a transaction was decided.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct TransactionPlace {
    /// Height of its block.
    pub height: Height,
    /// Position in the block, from 0.
    pub index: u32,
}

/// A chain on disk. Clones are handles of one store; the last one dropped closes it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    database: DB,
    cache: Cache,
    /// Held while a commit compares with the tip and moves it, and while IPLD blocks are put or collected; readers do not take it.
    commits: Mutex<Putting>,
    _lock: Lock,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.inner.database.path()).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the chain in the directory `path`, which is made when it is missing or empty.
    ///
    /// Cost: replays what was written since tables were last written, at most a second.
    ///
    /// # Errors
    /// [`StoreFatal`] when the directory is another chain's, of another format, in use, damaged, or not a store's.
    pub fn open(path: &Path, config: &StoreConfig, identity: &ChainIdentity) -> Result<Self, StoreFatal> {
        Ok(Self::of(directory::open(path, config, identity)?))
    }

    /// Opens the chain in the directory `path` for reading, while no node has it open. Every write to it is refused, and no byte
    /// of the directory changes. Others may read at the same time.
    ///
    /// Cost: what was written since tables were last written is read into memory.
    ///
    /// # Errors
    /// As [`Self::open`], and [`StoreFatal::NoStore`] where there is none.
    pub fn open_read_only(path: &Path, config: &StoreConfig, identity: &ChainIdentity) -> Result<Self, StoreFatal> {
        Ok(Self::of(directory::open_read_only(path, config, identity)?))
    }

    fn of(Opened { database, cache, lock }: Opened) -> Self {
        let inner = Inner { database, cache, commits: Mutex::default(), _lock: lock };
        Self { inner: Arc::new(inner) }
    }

    /// The last committed block; `None` before the base was committed.
    ///
    /// # Errors
    /// [`StoreFatal`] as every read: the disk, or bytes that this crate did not write.
    pub fn tip(&self) -> Result<Option<Tip>, StoreFatal> {
        let read = |bytes: &[u8]| key::as_tip(bytes).map(|(height, block_hash)| Tip { height, block_hash });
        self.read_as(Family::Meta, META_TIP, "a tip of 40", read)
    }

    /// The height that this store's history starts at: 0, or the height of the state it was synced from.
    ///
    /// # Errors
    /// As [`Self::tip`].
    pub fn base(&self) -> Result<Option<Height>, StoreFatal> {
        self.read_as(Family::Meta, META_BASE, "a height of 8", key::as_height)
    }

    /// The Tendermint block at `height`.
    ///
    /// # Errors
    /// As [`Self::tip`].
    pub fn block(&self, height: Height) -> Result<Option<Vec<u8>>, StoreFatal> {
        self.read(Family::Blocks, &key::height(height))
    }

    /// The commit certificate of the block at `height`.
    ///
    /// # Errors
    /// As [`Self::tip`].
    pub fn certificate(&self, height: Height) -> Result<Option<Vec<u8>>, StoreFatal> {
        self.read(Family::Certificates, &key::height(height))
    }

    /// The receipts of the block at `height`, in its transactions' order.
    ///
    /// # Errors
    /// As [`Self::tip`].
    pub fn receipts(&self, height: Height) -> Result<Option<Vec<u8>>, StoreFatal> {
        self.read(Family::Receipts, &key::height(height))
    }

    /// The application's record after the block at `height`.
    ///
    /// # Errors
    /// As [`Self::tip`].
    pub fn app(&self, height: Height) -> Result<Option<Vec<u8>>, StoreFatal> {
        self.read(Family::App, &key::height(height))
    }

    /// Where the transaction with this hash was decided: the last place a [`crate::BlockCommit`] named for it.
    ///
    /// # Errors
    /// As [`Self::tip`].
    pub fn transaction(&self, hash: &Hash32) -> Result<Option<TransactionPlace>, StoreFatal> {
        let read = |bytes: &[u8]| key::as_place(bytes).map(|(height, index)| TransactionPlace { height, index });
        self.read_as(Family::Transactions, &hash.0, "a place of 12", read)
    }

    /// The height of the block with this hash.
    ///
    /// # Errors
    /// As [`Self::tip`].
    pub fn height_of(&self, block_hash: &Hash32) -> Result<Option<Height>, StoreFatal> {
        self.read_as(Family::Hashes, &block_hash.0, "a height of 8", key::as_height)
    }

    /// What `family`, one of those keyed by height, holds for `heights`, ascending, at most `limit` entries.
    ///
    /// # Errors
    /// As [`Self::tip`]; [`StoreFatal::Malformed`] too for a family that is not keyed by height.
    pub fn range(
        &self,
        family: Family,
        heights: Range<Height>,
        limit: usize,
    ) -> Result<Vec<(Height, Vec<u8>)>, StoreFatal> {
        let entries = self.scan(family, key::height(heights.start).into(), key::height(heights.end).into(), limit)?;
        entries
            .into_iter()
            .map(|(key, value)| {
                let height = key::as_height(&key).ok_or_else(|| malformed(family, &key, "a height of 8"))?;
                Ok((height, value.into_vec()))
            })
            .collect()
    }

    /// Brings all that was written to the disk itself. For a chain that pauses: the next decision would have done it. Cost: an fsync.
    ///
    /// # Errors
    /// [`StoreFatal::Write`].
    pub fn sync(&self) -> Result<(), StoreFatal> {
        self.database().flush_wal(true).map_err(StoreFatal::Write)
    }

    /// Writes memory out to tables, so that the next opening has nothing to replay. For a node that stops in peace; what was
    /// committed is safe without.
    ///
    /// # Errors
    /// [`StoreFatal::Write`].
    pub fn flush(&self) -> Result<(), StoreFatal> {
        let families: Vec<_> = Family::ALL.iter().map(|family| self.family(*family)).collect();
        let mut wait = FlushOptions::default();
        wait.set_wait(true);
        self.sync()?;
        self.database().flush_cfs_opt(&families, &wait).map_err(StoreFatal::Write)
    }

    pub(crate) fn database(&self) -> &DB {
        &self.inner.database
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.inner.cache
    }

    pub(crate) fn family(&self, family: Family) -> &ColumnFamily {
        self.database().cf_handle(family.name()).expect("opened with every family")
    }

    /// The right to move the tip and to put IPLD blocks, and what is known of those that are being put. Nothing is left half done by a
    /// holder that panicked: a batch is written whole.
    pub(crate) fn commits(&self) -> MutexGuard<'_, Putting> {
        self.inner.commits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn read(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFatal> {
        self.database().get_cf(self.family(family), key).map_err(|source| StoreFatal::Read { family, source })
    }

    /// Reads a value whose form is this crate's own.
    pub(crate) fn read_as<T>(
        &self,
        family: Family,
        key: &[u8],
        expected: &'static str,
        read: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, StoreFatal> {
        let Some(bytes) = self.read(family, key)? else { return Ok(None) };
        read(&bytes).map(Some).ok_or_else(|| malformed(family, &bytes, expected))
    }

    /// Entries with `from` ≤ key < `to`, ascending, at most `limit`.
    pub(crate) fn scan(
        &self,
        family: Family,
        from: Vec<u8>,
        to: Vec<u8>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreFatal> {
        if from >= to {
            return Ok(Vec::new());
        }
        let mut options = ReadOptions::default();
        options.set_iterate_range(from..to);
        self.database()
            .iterator_cf_opt(self.family(family), options, IteratorMode::Start)
            .take(limit)
            .collect::<Result<_, _>>()
            .map_err(|source| StoreFatal::Read { family, source })
    }

    /// Keys with `from` ≤ key < `to`, ascending. Values, which may be whole blocks, are not read out.
    pub(crate) fn keys(&self, family: Family, from: Vec<u8>, to: Vec<u8>) -> Result<Vec<Vec<u8>>, StoreFatal> {
        let mut options = ReadOptions::default();
        options.set_iterate_range(from..to);
        let mut cursor = self.database().raw_iterator_cf_opt(self.family(family), options);
        cursor.seek_to_first();
        let mut keys = Vec::new();
        while let Some(key) = cursor.key() {
            keys.push(key.to_vec());
            cursor.next();
        }
        cursor.status().map_err(|source| StoreFatal::Read { family, source })?;
        Ok(keys)
    }

    /// The last entry with a key of at most `key`.
    pub(crate) fn last_until(&self, family: Family, key: &[u8]) -> Result<Option<Entry>, StoreFatal> {
        self.database()
            .iterator_cf(self.family(family), IteratorMode::From(key, Direction::Reverse))
            .next()
            .transpose()
            .map_err(|source| StoreFatal::Read { family, source })
    }

    pub(crate) fn write(&self, batch: WriteBatch, survives: Survives) -> Result<(), StoreFatal> {
        let mut options = WriteOptions::default();
        options.set_sync(survives == Survives::PowerLoss);
        self.database().write_opt(batch, &options).map_err(StoreFatal::Write)
    }
}

/// Key and value.
pub(crate) type Entry = (Box<[u8]>, Box<[u8]>);

pub(crate) fn malformed(family: Family, bytes: &[u8], expected: &'static str) -> StoreFatal {
    StoreFatal::Malformed { family, bytes: bytes.len(), expected }
}
