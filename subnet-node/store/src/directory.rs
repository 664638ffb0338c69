//! Opens a store: is this directory ours to write, and does it hold the chain we run?
//!
//! ```text
//! directory
//!   ├─ files of someone else?     yes ─▶ NotAStore
//!   ├─ lock free?                 no  ─▶ Locked
//!   ├─ rocksdb/ there?            no  ─▶ made in rocksdb.new/, then renamed
//!   ├─ rocksdb/ readable?         no  ─▶ Damaged
//!   ├─ written in our format?     no  ─▶ WrongFormat
//!   ├─ of our genesis?            no  ─▶ WrongChain
//!   └─ opened for writing
//! ```
//!
//! ```text
//! <path>/lock         held for as long as the store is open; the system lets go of it when the process ends, however it ends
//! <path>/rocksdb/     the database; appears by a rename, so it always has every family and its identity
//! <path>/rocksdb.new/ one that was being made when the node stopped; thrown away
//! ```
//!
//! Until the identity was checked the database is open for reading only: the wrong directory is left as it was.
//!
//! Opening for reading only asks the same questions, makes nothing where there is nothing (`NoStore`), and shares the lock with
//! other readers, but not with a node.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use cid::Cid;
use rocksdb::{
    Cache, ColumnFamilyDescriptor, DB, DBRecoveryMode, ErrorKind, LogLevel, Options, WriteBatch, WriteOptions,
};

use crate::{Family, StoreFatal};

const LOCK: &str = "lock";
const DATABASE: &str = "rocksdb";
const UNFINISHED: &str = "rocksdb.new";

/// RocksDB's own log: kept short, since what matters reaches the node as an error.
const INFO_LOG_BYTES_MAX: usize = 1024 * 1024;
const INFO_LOG_FILES_MAX: usize = 4;

/// Write-ahead log after which RocksDB writes memory out to tables: bounds what an opening has to replay (about a second).
const LOG_BYTES_MAX: u64 = 256 * 1024 * 1024;

pub(crate) const META_GENESIS: &[u8] = b"genesis";
pub(crate) const META_FORMAT: &[u8] = b"format";

/// Which chain a store holds, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainIdentity {
    /// CID of the genesis document.
    pub genesis: Cid,
    /// Version of the families and of the bytes in them. Raised when a node could misread what an older one wrote.
    pub format: u32,
}

/// What one node may choose about its store. Memory in use stays near `cache_bytes` + `write_buffer_bytes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    /// Memory for blocks, indices and filters that were read, in bytes.
    pub cache_bytes: usize,
    /// Memory for what was written and is not in tables yet, all families together, in bytes.
    pub write_buffer_bytes: usize,
    /// Table files kept open; each costs a file descriptor.
    pub open_files_max: u16,
    /// Threads that write tables and merge them.
    pub background_threads: u8,
}

impl Default for StoreConfig {
    /// For a small machine: 256 MiB to read, 64 MiB to write, half of the usual 1024 file descriptors, two threads.
    fn default() -> Self {
        Self {
            cache_bytes: 256 * 1024 * 1024,
            write_buffer_bytes: 64 * 1024 * 1024,
            open_files_max: 512,
            background_threads: 2,
        }
    }
}

/// The lock of a directory, until it is dropped.
///
/// Closing the file is not enough: a process that a thread beside us is starting has a copy of every open file until it becomes
/// another program, and a lock stays for as long as one copy does.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Where that is refused the closing that follows does it, copies allowing.
        drop(self.0.unlock());
    }
}

/// An opened directory.
pub(crate) struct Opened {
    pub database: DB,
    pub cache: Cache,
    /// Let go of when dropped; a struct's fields drop in order, so after the database.
    pub lock: Lock,
}

/// Opens `path`, and makes it first where there is nothing.
pub(crate) fn open(path: &Path, config: &StoreConfig, identity: &ChainIdentity) -> Result<Opened, StoreFatal> {
    fs::create_dir_all(path).map_err(directory("create", path))?;
    refuse_foreign_files(path)?;
    let lock = take_lock(path)?;
    let database = path.join(DATABASE);
    if database.try_exists().map_err(directory("look for", &database))? {
        check_identity(&database, config, identity)?;
    } else {
        create(path, config, identity)?;
    }
    let cache = Cache::new_lru_cache(config.cache_bytes);
    let opened = open_database(&database, &options(config, false), &cache)?;
    Ok(Opened { database: opened, cache, lock })
}

/// Opens `path` for reading only. No byte of it changes, then or later.
pub(crate) fn open_read_only(
    path: &Path,
    config: &StoreConfig,
    identity: &ChainIdentity,
) -> Result<Opened, StoreFatal> {
    let database = path.join(DATABASE);
    if !database.try_exists().map_err(directory("look for", &database))? {
        return Err(StoreFatal::NoStore { path: path.into() });
    }
    let lock = share_lock(path)?;
    check_identity(&database, config, identity)?;
    let cache = Cache::new_lru_cache(config.cache_bytes);
    let opened = DB::open_cf_descriptors_read_only(&options(config, false), &database, families(&cache), false);
    Ok(Opened { database: opened.map_err(refused(&database))?, cache, lock })
}

fn refuse_foreign_files(path: &Path) -> Result<(), StoreFatal> {
    for entry in fs::read_dir(path).map_err(directory("list", path))? {
        let name = entry.map_err(directory("list", path))?.file_name();
        if ![LOCK, DATABASE, UNFINISHED].iter().any(|ours| name == *ours) {
            return Err(StoreFatal::NotAStore { path: path.into(), entry: name.to_string_lossy().into_owned() });
        }
    }
    Ok(())
}

/// Our own lock rather than RocksDB's: that one cannot be told apart from other refusals but by its wording.
fn take_lock(path: &Path) -> Result<Lock, StoreFatal> {
    let file = path.join(LOCK);
    let lock =
        File::options().create(true).truncate(false).write(true).open(&file).map_err(directory("open", &file))?;
    held(lock.try_lock(), path)?;
    Ok(Lock(lock))
}

/// The same lock, together with other readers; nothing is made.
fn share_lock(path: &Path) -> Result<Lock, StoreFatal> {
    let file = path.join(LOCK);
    let lock = File::open(&file).map_err(directory("open", &file))?;
    held(lock.try_lock_shared(), path)?;
    Ok(Lock(lock))
}

fn held(tried: Result<(), TryLockError>, path: &Path) -> Result<(), StoreFatal> {
    tried.map_err(|why| match why {
        TryLockError::WouldBlock => StoreFatal::Locked { path: path.into() },
        TryLockError::Error(source) => directory("lock", &path.join(LOCK))(source),
    })
}

/// Makes the database beside its place, then moves it there whole.
fn create(path: &Path, config: &StoreConfig, identity: &ChainIdentity) -> Result<(), StoreFatal> {
    let unfinished = path.join(UNFINISHED);
    match fs::remove_dir_all(&unfinished) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(directory("clear", &unfinished)(source)),
        _ => {}
    }
    let database = open_database(&unfinished, &options(config, true), &Cache::new_lru_cache(config.cache_bytes))?;
    let mut batch = WriteBatch::default();
    let meta = database.cf_handle(Family::Meta.name()).expect("opened with every family");
    batch.put_cf(meta, META_GENESIS, identity.genesis.to_bytes());
    batch.put_cf(meta, META_FORMAT, identity.format.to_be_bytes());
    let mut synced = WriteOptions::default();
    synced.set_sync(true);
    database.write_opt(batch, &synced).map_err(StoreFatal::Write)?;
    drop(database);

    let finished = path.join(DATABASE);
    fs::rename(&unfinished, &finished).map_err(directory("move a new database to", &finished))?;
    // A rename is on disk once the directory is.
    File::open(path).and_then(|parent| parent.sync_all()).map_err(directory("sync", path))
}

fn check_identity(database: &Path, config: &StoreConfig, expected: &ChainIdentity) -> Result<(), StoreFatal> {
    let path = || database.parent().unwrap_or(database).to_path_buf();
    let reader = DB::open_cf_for_read_only(&options(config, false), database, [Family::Meta.name()], false)
        .map_err(refused(database))?;
    let meta = reader.cf_handle(Family::Meta.name()).expect("opened with this family");
    let read = |key| reader.get_cf(meta, key).map_err(|source| StoreFatal::Read { family: Family::Meta, source });

    let format = read(META_FORMAT)?.unwrap_or_default();
    let found = u32::from_be_bytes(format.as_slice().try_into().map_err(|_| malformed(&format, "a format of 4"))?);
    if found != expected.format {
        return Err(StoreFatal::WrongFormat { path: path(), found, expected: expected.format });
    }
    let genesis = read(META_GENESIS)?.unwrap_or_default();
    let found = Cid::try_from(genesis.as_slice()).map_err(|_| malformed(&genesis, "a CID's"))?;
    if found != expected.genesis {
        return Err(StoreFatal::WrongChain { path: path(), found: found.into(), expected: expected.genesis.into() });
    }
    Ok(())
}

fn open_database(path: &Path, options: &Options, cache: &Cache) -> Result<DB, StoreFatal> {
    DB::open_cf_descriptors(options, path, families(cache)).map_err(refused(path))
}

fn families(cache: &Cache) -> [ColumnFamilyDescriptor; Family::ALL.len()] {
    Family::ALL.map(|family| ColumnFamilyDescriptor::new(family.name(), family.options(cache)))
}

fn options(config: &StoreConfig, create: bool) -> Options {
    let mut options = Options::default();
    options.create_if_missing(create);
    options.create_missing_column_families(create);
    options.set_max_open_files(i32::from(config.open_files_max));
    options.set_max_background_jobs(i32::from(config.background_threads.max(1)));
    options.set_db_write_buffer_size(config.write_buffer_bytes);
    options.set_max_total_wal_size(LOG_BYTES_MAX);
    // A record cut short at the end of the log was never synced: nothing in it was answered for but what is made again from the last decision,
    // and it is dropped. Damage before that would hide a block that consensus has already forgotten, so the store refuses to open. (RocksDB's
    // default would open at an older block.)
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_paranoid_checks(true);
    options.set_log_level(LogLevel::Warn);
    options.set_max_log_file_size(INFO_LOG_BYTES_MAX);
    options.set_keep_log_file_num(INFO_LOG_FILES_MAX);
    options
}

fn directory(doing: &'static str, path: &Path) -> impl Fn(io::Error) -> StoreFatal + use<> {
    let path = path.to_path_buf();
    move |source| StoreFatal::Directory { doing, path: path.clone(), source }
}

/// RocksDB's refusal to open. A system call that was refused (no rights, no room, too many open files) is not damage; a file
/// that is missing is.
fn refused(database: &Path) -> impl Fn(rocksdb::Error) -> StoreFatal + use<> {
    let path: PathBuf = database.parent().unwrap_or(database).to_path_buf();
    move |source| match source.kind() {
        ErrorKind::IOError if !source.as_ref().contains("No such file") => {
            StoreFatal::Directory { doing: "open", path: path.clone(), source: io::Error::other(source) }
        }
        _ => StoreFatal::Damaged { path: path.clone(), source },
    }
}

fn malformed(bytes: &[u8], expected: &'static str) -> StoreFatal {
    StoreFatal::Malformed { family: Family::Meta, bytes: bytes.len(), expected }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_lock_is_free_once_it_is_dropped_whoever_has_a_copy_of_its_file() {
        let directory = TempDir::new().unwrap();
        for take in [take_lock, share_lock] {
            let lock = take(directory.path()).unwrap();
            // What a process has that was started meanwhile.
            let copy = lock.0.try_clone().unwrap();
            assert!(matches!(take_lock(directory.path()), Err(StoreFatal::Locked { .. })), "held");
            drop(lock);
            drop(take_lock(directory.path()).expect("free"));
            drop(copy);
        }
    }
}
