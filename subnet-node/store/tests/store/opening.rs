//! Directories that are refused, each for its own reason, and left as they were.

use std::fs;
use std::path::{Path, PathBuf};

use fvm_ipld_blockstore::Blockstore;
use tempfile::TempDir;
use tributary_primitives::Height;
use tributary_store::{ChainIdentity, Store, StoreConfig, StoreFatal};

use crate::block::{Block, genesis, identity, open};
use crate::{commit_base, open_with_base};

#[test]
fn another_chain_and_another_format_are_refused() {
    let directory = TempDir::new().unwrap();
    drop(open_with_base(directory.path()));

    let other = ChainIdentity { genesis: genesis(b"another"), ..identity() };
    let refusal = open(directory.path(), &other).unwrap_err();
    assert!(
        matches!(&refusal, StoreFatal::WrongChain { found, expected, .. } if **found == identity().genesis && **expected == other.genesis),
        "{refusal}"
    );
    let newer = ChainIdentity { format: 2, ..identity() };
    let refusal = open(directory.path(), &newer).unwrap_err();
    assert!(matches!(refusal, StoreFatal::WrongFormat { found: 1, expected: 2, .. }), "{refusal}");

    open(directory.path(), &identity()).unwrap();
}

#[test]
fn a_store_that_is_open_is_locked_and_free_once_it_is_closed() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path(), &identity()).unwrap();
    let refusal = open(directory.path(), &identity()).unwrap_err();
    assert!(matches!(refusal, StoreFatal::Locked { .. }), "{refusal}");
    drop(store);
    open(directory.path(), &identity()).unwrap();
}

#[test]
fn a_store_opened_for_reading_shows_all_that_was_committed_and_changes_no_byte() {
    let directory = TempDir::new().unwrap();
    let store = open_with_base(directory.path());
    let block = Block::at(Height(1));
    store.commit_block(&block.commit()).unwrap();
    drop(store); // without a flush: the block is in the log only
    let before = bytes_under(directory.path());

    let read = || Store::open_read_only(directory.path(), &StoreConfig::default(), &identity());
    let (reader, other) = (read().unwrap(), read().unwrap());
    assert_eq!(reader.tip().unwrap().unwrap().height, Height(1));
    let (cid, bytes) = &block.ipld[3];
    assert_eq!(other.get(cid).unwrap().as_ref(), Some(bytes));
    assert!(matches!(reader.commit_block(&Block::at(Height(2)).commit()), Err(StoreFatal::Write(_))));
    assert!(matches!(open(directory.path(), &identity()), Err(StoreFatal::Locked { .. })), "a node must wait");
    drop((reader, other));
    assert_eq!(bytes_under(directory.path()), before);
}

#[test]
fn opening_for_reading_is_refused_where_there_is_nothing_and_where_a_node_runs() {
    let directory = TempDir::new().unwrap();
    let read = |identity: ChainIdentity| Store::open_read_only(directory.path(), &StoreConfig::default(), &identity);
    assert!(matches!(read(identity()), Err(StoreFatal::NoStore { .. })));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "nothing was made");
    let store = open_with_base(directory.path());
    assert!(matches!(read(identity()), Err(StoreFatal::Locked { .. })));
    drop(store);
    let other = ChainIdentity { genesis: genesis(b"another"), ..identity() };
    assert!(matches!(read(other), Err(StoreFatal::WrongChain { .. })));
    read(identity()).unwrap();
}

/// Every file under `path` with its bytes.
fn bytes_under(path: &Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => bytes_under(&path).into_iter().collect::<Vec<_>>(),
            false => vec![(path.clone(), fs::read(&path).unwrap())],
        })
        .collect()
}

#[test]
fn a_directory_with_files_of_someone_else_is_refused_and_left_alone() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("photo.png"), b"dear").unwrap();
    let refusal = open(directory.path(), &identity()).unwrap_err();
    assert!(matches!(&refusal, StoreFatal::NotAStore { entry, .. } if entry == "photo.png"), "{refusal}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);

    let file = directory.path().join("photo.png");
    assert!(matches!(open(&file, &identity()).unwrap_err(), StoreFatal::Directory { .. }));
}

#[test]
fn a_creation_that_was_interrupted_is_begun_anew() {
    let directory = TempDir::new().unwrap();
    fs::create_dir_all(directory.path().join("rocksdb.new")).unwrap();
    fs::write(directory.path().join("rocksdb.new/CURRENT"), b"half").unwrap();
    drop(open_with_base(directory.path()));
    assert!(!directory.path().join("rocksdb.new").exists());
}

/// Breaks the database in this folder.
type Fault = fn(&Path);

#[test]
fn a_damaged_database_is_refused() {
    let faults: [(&str, Fault); 4] = [
        ("the pointer to the manifest is garbage", |database| {
            fs::write(database.join("CURRENT"), b"garbage").unwrap();
        }),
        ("the manifest is cut", |database| {
            let manifest = file_named(database, "MANIFEST-");
            let bytes = fs::read(&manifest).unwrap();
            fs::write(manifest, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("the folder is empty", |database| {
            fs::remove_dir_all(database).unwrap();
            fs::create_dir(database).unwrap();
        }),
        ("a bit is turned in the middle of the log", |database| {
            let log = file_named(database, ".log");
            let mut bytes = fs::read(&log).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(log, bytes).unwrap();
        }),
    ];
    for (name, fault) in faults {
        let directory = TempDir::new().unwrap();
        write_three_blocks(directory.path());
        fault(&directory.path().join("rocksdb"));
        let refusal = open(directory.path(), &identity()).unwrap_err();
        assert!(matches!(refusal, StoreFatal::Damaged { .. }), "{name}: {refusal:?}");
    }
}

#[test]
fn a_log_whose_last_record_was_cut_short_opens_at_the_block_before() {
    let directory = TempDir::new().unwrap();
    write_three_blocks(directory.path());
    let log = file_named(&directory.path().join("rocksdb"), ".log");
    let bytes = fs::read(&log).unwrap();
    fs::write(&log, &bytes[..bytes.len() - 100]).unwrap();
    let store = open(directory.path(), &identity()).unwrap();
    assert_eq!(store.tip().unwrap().unwrap().height, Height(2));
    assert_eq!(store.block(Height(3)).unwrap(), None);
}

/// Three blocks that are in the log and in no table yet: the write buffer is far larger than they are.
fn write_three_blocks(path: &Path) {
    let store = Store::open(path, &StoreConfig::default(), &identity()).unwrap();
    commit_base(&store, Height::GENESIS).unwrap();
    for height in 1..=3 {
        store.commit_block(&Block::at(Height(height)).commit()).unwrap();
    }
}

/// The largest file with this in its name.
fn file_named(database: &Path, part: &str) -> PathBuf {
    let files = fs::read_dir(database).unwrap().map(|entry| entry.unwrap().path());
    let named = files.filter(|path| path.file_name().unwrap().to_string_lossy().contains(part));
    named.max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap()
}
