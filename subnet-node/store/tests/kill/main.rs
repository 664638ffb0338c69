//! A process that writes blocks is killed, again and again, at whatever instruction it is at; what it leaves always opens, and
//! ends at a whole block.
//!
//! The writer is this test binary itself, told by [`DIRECTORY`] to write.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on should stop; the writer reports by print"
)]

#[path = "../support/block.rs"]
mod block;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use block::{Block, NODES, TREES_EVERY, identity, open};
use fvm_ipld_blockstore::Blockstore;
use tempfile::TempDir;
use tributary_primitives::Height;
use tributary_store::{BaseCommit, Decision, Family, Kept, Store, StoreFatal};

const DIRECTORY: &str = "TRIBUTARY_STORE_TEST_DIRECTORY";
/// Set, the writer deletes all but its last blocks meanwhile.
const PRUNES: &str = "TRIBUTARY_STORE_TEST_PRUNES";
const KILLS: usize = 12;
/// Blocks that a writer which deletes keeps.
const KEPT: u64 = 6;

#[test]
#[ignore = "the writing half of the test below, which starts it"]
fn writes_until_it_is_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let store = open(Path::new(&directory), &identity()).unwrap();
    let mut height = match store.tip().unwrap() {
        Some(tip) => tip.height.next(),
        None => {
            let genesis = Block::at(Height::GENESIS);
            let base = BaseCommit {
                height: Height::GENESIS,
                block_hash: genesis.hash,
                app: &genesis.app,
                ipld: &genesis.ipld,
                leaves: &genesis.leaves,
            };
            store.commit_base(&base).unwrap();
            Height::FIRST
        }
    };
    if std::env::var_os(PRUNES).is_some() {
        let store = store.clone();
        thread::spawn(move || {
            loop {
                prune_and_collect(&store)
            }
        });
    }
    let (hand, trees) = mpsc::sync_channel(1);
    let writer = store.clone();
    thread::spawn(move || {
        for height in trees {
            writer.begin_trees(height, Block::at(height).nodes()).finish().unwrap();
            say(&format!("completed {height}"));
        }
    });
    loop {
        let block = Block::at(height);
        for round in 0..3 {
            store.put_undecided(height, round, &block.hash, &block.block).unwrap();
        }
        say(&format!("proposed {height}"));
        if decides(height) {
            let (block_hash, certificate) = (block.hash, block.certificate.clone());
            store.decide(&Decision { height, block_hash, certificate }).unwrap();
            say(&format!("decided {height}"));
        }
        store.commit_block(&block.commit()).unwrap();
        say(&format!("committed {height}"));
        if height.0.is_multiple_of(TREES_EVERY) {
            hand.send(height).unwrap();
        }
        height = height.next();
    }
}

/// Every other block is committed after its decision, the rest at once.
fn decides(height: Height) -> bool {
    height.0.is_multiple_of(2)
}

/// Deletes all but the last blocks, from one with trees on, and what they brought.
fn prune_and_collect(store: &Store) {
    let tip = store.tip().unwrap().unwrap().height;
    let oldest = store.trees_until(Height(tip.0.saturating_sub(KEPT))).unwrap().unwrap();
    let oldest = oldest.max(store.kept().unwrap().blocks);
    store.keep_from(Kept { blocks: oldest, states: oldest }).unwrap();
    for height in (store.pruned().unwrap().blocks.0..oldest.0).map(Height) {
        let block = Block::at(height);
        let transactions: Vec<_> = block.transactions.iter().map(|(hash, _)| *hash).collect();
        store.delete_block(height, Some(&block.hash), &transactions).unwrap();
    }
    let mut collection = store.begin_collection().unwrap();
    let tip = store.tip().unwrap().unwrap().height;
    for (cid, _) in (oldest.0..=tip.0).flat_map(|height| Block::at(Height(height)).ipld) {
        collection.mark(&cid).unwrap();
    }
    for height in complete(store) {
        for (cid, _) in Block::at(height).nodes().iter() {
            assert!(store.has(cid).unwrap(), "a node of the complete trees after {height}");
            collection.mark(cid).unwrap();
        }
    }
    while !collection.sweep().unwrap().is_done {}
}

/// Heights whose trees are complete, genesis aside.
fn complete(store: &Store) -> Vec<Height> {
    let marks = store.range(Family::Trees, Height::FIRST..Height(u64::MAX), usize::MAX).unwrap();
    marks.into_iter().map(|(height, _)| height).collect()
}

fn say(line: &str) {
    println!("{line}");
    std::io::stdout().flush().unwrap();
}

#[test]
fn a_store_killed_at_any_instruction_opens_at_a_whole_block() {
    let directory = TempDir::new().unwrap();
    let (mut last, mut half_written) = (Height::GENESIS, 0);
    for kill in 0..KILLS {
        let Reported { proposed, decided, committed, completed } = write_and_kill(directory.path(), kill, &[]);
        let store = open(directory.path(), &identity()).unwrap();
        let tip = store.tip().unwrap().map_or(Height::GENESIS, |tip| tip.height);
        assert!(tip >= committed, "{committed} was reported as committed, the store ends at {tip}");
        assert!(tip <= proposed.next(), "{tip} was not begun");
        assert!(tip >= last);
        if proposed > tip {
            let kept = store.undecided(proposed).unwrap();
            assert_eq!(kept.len(), 3, "proposals reported as kept, {proposed}");
        }
        if let Some(owed) = store.decided().unwrap() {
            let block = Block::at(tip.next());
            let decision = Decision { height: block.height, block_hash: block.hash, certificate: block.certificate };
            assert_eq!(owed, decision);
            assert!(decides(owed.height));
        } else {
            assert!(tip >= decided, "{decided} was reported as decided, the store ends at {tip} and owes nothing");
        }
        assert_whole(&store, last, tip);
        last = tip;
        let complete = complete(&store);
        assert!(completed == Height::GENESIS || complete.contains(&completed), "{completed} was reported as complete");
        let begun = (1..=tip.0).filter(|height| height.is_multiple_of(TREES_EVERY)).map(Height);
        half_written += begun.filter(|height| !complete.contains(height) && count(&store, *height) > 0).count();
    }
    assert!(last > Height(20), "the writer was killed before it wrote much: {last}");
    println!("trees that a kill left half written: {half_written}");
}

#[test]
fn a_store_killed_while_it_deletes_has_all_that_is_kept_and_goes_on_deleting() {
    let directory = TempDir::new().unwrap();
    let mut oldest = Height::GENESIS;
    for kill in 0..KILLS {
        let Reported { committed, .. } = write_and_kill(directory.path(), kill, &[(PRUNES, "")]);
        let store = open(directory.path(), &identity()).unwrap();
        let Some(tip) = store.tip().unwrap() else { continue };
        let (kept, pruned) = (store.kept().unwrap(), store.pruned().unwrap());
        assert!(
            tip.height >= committed && kept.blocks >= oldest && pruned.blocks <= kept.blocks,
            "{kept:?} {pruned:?}"
        );
        assert_whole(&store, kept.blocks.previous().unwrap_or_default(), tip.height);
        for height in (1..pruned.blocks.0).map(Height) {
            let block = Block::at(height);
            assert_eq!((store.block(height).unwrap(), store.app(height).unwrap()), (None, None), "{height}");
            assert_eq!(store.height_of(&block.hash).unwrap(), None, "{height}");
            assert_eq!(store.transaction(&block.transactions[0].0).unwrap(), None, "{height}");
        }
        oldest = kept.blocks;
        prune_and_collect(&store);
        assert_eq!(store.pruned().unwrap(), store.kept().unwrap());
        let unneeded: Vec<_> = (0..oldest.0).flat_map(|height| Block::at(Height(height)).ipld).collect();
        assert!(unneeded.iter().all(|(cid, _)| !store.has(cid).unwrap()), "nothing was forgotten");
        let complete = complete(&store);
        for height in (1..=tip.height.0).map(Height) {
            let nodes = if complete.contains(&height) { NODES } else { 0 };
            assert_eq!(count(&store, height), nodes, "nodes of the trees after {height}");
        }
    }
    assert!(oldest > Height(10), "the writer was killed before it deleted much: {oldest}");
}

/// The last heights that a writer reported.
struct Reported {
    proposed: Height,
    decided: Height,
    committed: Height,
    /// With trees.
    completed: Height,
}

/// How many nodes of a height's trees are there.
fn count(store: &Store, height: Height) -> usize {
    Block::at(height).nodes().iter().filter(|(cid, _)| store.has(cid).unwrap()).count()
}

/// Starts a writer, and kills it after it reported a number of lines that differs from kill to kill; it goes on writing until
/// the kill reaches it.
fn write_and_kill(directory: &Path, kill: usize, told: &[(&str, &str)]) -> Reported {
    let mut writer = Writer(
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writes_until_it_is_killed", "--ignored", "--nocapture"])
            .env(DIRECTORY, directory)
            .envs(told.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let lines = BufReader::new(writer.0.stdout.take().unwrap()).lines();
    let none = Height::GENESIS;
    let mut last = Reported { proposed: none, decided: none, committed: none, completed: none };
    let mut reports = 0;
    for line in lines {
        let line = line.unwrap();
        match line.split_once(' ') {
            Some(("proposed", height)) => last.proposed = Height(height.parse().unwrap()),
            // Not counted: a writer gets as far as one that decides nothing.
            Some(("decided", height)) => {
                last.decided = Height(height.parse().unwrap());
                continue;
            }
            Some(("committed", height)) => last.committed = Height(height.parse().unwrap()),
            Some(("completed", height)) => last.completed = Height(height.parse().unwrap()),
            _ => continue,
        }
        reports += 1;
        if reports == 3 + kill {
            // On Linux this is SIGKILL. Lines still in the pipe are read on until its end.
            writer.0.kill().unwrap();
        }
    }
    assert!(reports >= 3 + kill, "the writer ended by itself after {reports} reports");
    last
}

/// Killed and waited for, whatever happens to the test.
struct Writer(Child);

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Every block after `from` up to `tip` is there with all it brought, and nothing of the next one.
fn assert_whole(store: &Store, from: Height, tip: Height) {
    let mut height = from.next();
    while height <= tip {
        let block = Block::at(height);
        assert_eq!(store.block(height).unwrap().as_ref(), Some(&block.block));
        assert_eq!(store.certificate(height).unwrap().as_ref(), Some(&block.certificate));
        assert_eq!(store.receipts(height).unwrap().as_ref(), Some(&block.receipts));
        assert_eq!(store.app(height).unwrap().as_ref(), Some(&block.app));
        assert_eq!(store.height_of(&block.hash).unwrap(), Some(height));
        for (hash, index) in &block.transactions {
            let place = store.transaction(hash).unwrap().unwrap();
            assert_eq!((place.height, place.index), (height, *index));
        }
        for (cid, bytes) in &block.ipld {
            assert_eq!(Blockstore::get(store, cid).unwrap().as_ref(), Some(bytes));
        }
        assert_eq!(store.undecided(height).unwrap(), []);
        assert_eq!(store.changes(height).unwrap().as_ref(), Some(&block.leaves));
        height = height.next();
    }
    for (key, value) in Block::at(tip).leaves {
        assert_eq!(store.leaf(&key).unwrap(), value, "the leaves are those after the tip");
    }
    for height in complete(store) {
        assert!(height <= tip && height.0.is_multiple_of(TREES_EVERY), "{height} of {tip}");
        assert_eq!(count(store, height), NODES, "nodes of the complete trees after {height}");
    }
    let next = Block::at(tip.next());
    assert_eq!(store.block(tip.next()).unwrap(), None);
    assert_eq!(store.app(tip.next()).unwrap(), None);
    assert_eq!(store.height_of(&next.hash).unwrap(), None);
    assert!(next.transactions.iter().all(|(hash, _)| store.transaction(hash).unwrap().is_none()));
    assert!(next.ipld.iter().all(|(cid, _)| !store.has(cid).unwrap()));
}

#[test]
fn a_directory_in_use_by_another_process_is_refused_until_that_process_ends() {
    let directory = TempDir::new().unwrap();
    let mut writer = Writer(
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writes_until_it_is_killed", "--ignored", "--nocapture"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let lines = BufReader::new(writer.0.stdout.take().unwrap()).lines();
    let mut lines = lines.skip_while(|line| !line.as_ref().unwrap().starts_with("committed"));
    assert!(lines.next().is_some());
    let refusal = open(directory.path(), &identity()).unwrap_err();
    assert!(matches!(refusal, StoreFatal::Locked { .. }), "{refusal}");
    drop(writer);
    open(directory.path(), &identity()).unwrap();
}
