//! What a store promises, shown on real directories.
//!
//! | module | shows |
//! |---|---|
//! | here | blocks, decisions, proposals, shares: what is written is read, in its order, and nothing else |
//! | `block` | nothing: made-up blocks |
//! | `trees` | the state's trees, which are written in pieces beside the blocks |
//! | `pruning` | what is not kept goes, and only that |
//! | `opening` | directories that are refused |
//! | `model` | random sequences of all of it |
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "../support/block.rs"]
mod block;
mod model;
mod opening;
mod pruning;
mod trees;

use std::path::Path;

use block::{Block, identity, open};
use fvm_ipld_blockstore::{Block as IpldData, Blockstore};
use multihash_codetable::Code;
use tempfile::TempDir;
use tributary_primitives::{BlsPublicKey, Height, VALIDATORS_MAX};
use tributary_store::{
    BaseCommit, Buffered, Committed, Decision, Family, Store, StoreFatal, Survives, Tip, TransactionPlace,
};

fn open_with_base(path: &Path) -> Store {
    let store = open(path, &identity()).unwrap();
    commit_base(&store, Height::GENESIS).unwrap();
    store
}

fn commit_base(store: &Store, height: Height) -> Result<Committed, StoreFatal> {
    let base = Block::at(height);
    store.commit_base(&BaseCommit {
        height,
        block_hash: base.hash,
        app: &base.app,
        ipld: &base.ipld,
        leaves: &base.leaves,
    })
}

#[test]
fn a_block_and_all_it_brings_is_there_after_reopening() {
    let directory = TempDir::new().unwrap();
    let store = open_with_base(directory.path());
    let block = Block::at(Height(1));
    assert_eq!(store.commit_block(&block.commit()).unwrap(), Committed::Now);
    let reader = store.clone();
    drop(store);
    assert_eq!(reader.tip().unwrap().unwrap().height, Height(1), "a clone keeps it open");
    reader.flush().unwrap();
    drop(reader);

    let store = open(directory.path(), &identity()).unwrap();
    assert_eq!(store.tip().unwrap(), Some(Tip { height: Height(1), block_hash: block.hash }));
    assert_eq!(store.base().unwrap(), Some(Height::GENESIS));
    assert_eq!(store.block(Height(1)).unwrap(), Some(block.block));
    assert_eq!(store.certificate(Height(1)).unwrap(), Some(block.certificate));
    assert_eq!(store.receipts(Height(1)).unwrap(), Some(block.receipts));
    assert_eq!(store.app(Height(1)).unwrap(), Some(block.app));
    assert_eq!(store.height_of(&block.hash).unwrap(), Some(Height(1)));
    let (hash, index) = block.transactions[7];
    assert_eq!(store.transaction(&hash).unwrap(), Some(TransactionPlace { height: Height(1), index }));
    assert_eq!(commit_base(&store, Height::GENESIS).unwrap(), Committed::Before);
}

#[test]
fn each_commit_out_of_order_is_refused_for_its_own_reason_and_changes_nothing() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path(), &identity()).unwrap();
    let commit = |block: Block| store.commit_block(&block.commit());
    assert!(matches!(commit(Block::at(Height(1))), Err(StoreFatal::NoBase)));
    commit_base(&store, Height(5)).unwrap();
    commit(Block::at(Height(6))).unwrap();

    assert_eq!(commit(Block::at(Height(6))).unwrap(), Committed::Before);
    for (block, refusal) in [
        (Block::at(Height(8)), "block 8 does not follow the tip 6"),
        (Block::at(Height(4)), "block 4 does not follow the tip 6"),
        (Block::fork(Height(6), 1), "is not the one decided at height 6"),
        (Block::fork(Height(5), 1), "is not the one decided at height 5"),
    ] {
        let said = commit(block).unwrap_err().to_string();
        assert!(said.contains(refusal), "{said}");
    }
    assert!(matches!(commit_base(&store, Height(6)), Err(StoreFatal::Gap { .. })));
    assert_eq!(store.tip().unwrap().unwrap().height, Height(6));
    assert_eq!(store.block(Height(6)).unwrap(), Some(Block::at(Height(6)).block));
    assert_eq!(store.height_of(&Block::fork(Height(6), 1).hash).unwrap(), None);
}

#[test]
fn a_decision_is_owed_until_its_block_is_committed_and_no_other_block_takes_its_place() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path(), &identity()).unwrap();
    let decision = |height, fork| {
        let Block { height, hash: block_hash, certificate, .. } = Block::fork(Height(height), fork);
        Decision { height, block_hash, certificate }
    };
    assert!(matches!(store.decide(&decision(1, 0)), Err(StoreFatal::NoBase)));
    commit_base(&store, Height::GENESIS).unwrap();
    assert_eq!(store.decided().unwrap(), None);

    store.decide(&decision(1, 0)).unwrap();
    store.decide(&decision(1, 0)).unwrap();
    for (decision, refusal) in
        [(decision(1, 1), "is not the one decided at height 1"), (decision(2, 0), "block 2 does not follow the tip 0")]
    {
        let said = store.decide(&decision).unwrap_err().to_string();
        assert!(said.contains(refusal), "{said}");
    }
    drop(store);

    let store = open(directory.path(), &identity()).unwrap();
    assert_eq!(store.decided().unwrap(), Some(decision(1, 0)));
    assert_eq!((store.tip().unwrap().unwrap().height, store.block(Height(1)).unwrap()), (Height::GENESIS, None));
    let refused = store.commit_block(&Block::fork(Height(1), 1).commit()).unwrap_err();
    assert!(matches!(refused, StoreFatal::Conflict { height: Height(1), .. }), "{refused}");
    assert_eq!(store.commit_block(&Block::at(Height(1)).commit()).unwrap(), Committed::Now);
    assert_eq!(store.decided().unwrap(), None, "nothing is owed");
    store.decide(&decision(1, 1)).unwrap();
    assert_eq!(store.decided().unwrap(), None, "what is committed is decided");
    store.decide(&decision(2, 1)).unwrap();
    assert_eq!(store.decided().unwrap(), Some(decision(2, 1)));
}

#[test]
fn what_execution_writes_is_in_the_store_only_once_its_block_is() {
    let directory = TempDir::new().unwrap();
    let store = open_with_base(directory.path());
    let (below, _) = Block::at(Height::GENESIS).ipld[0].clone();

    let dropped = Buffered::new(store.clone());
    let data = IpldData::new(0x71, b"\x81\x01".as_slice());
    let cid = dropped.put(Code::Blake2b256, &data).unwrap();
    assert!(dropped.has(&cid).unwrap() && dropped.get(&cid).unwrap().is_some());
    assert!(dropped.has(&below).unwrap() && dropped.get(&below).unwrap().is_some(), "reads through to the store");
    drop(dropped);
    assert!(!store.has(&cid).unwrap(), "a proposal that was not decided leaves nothing");

    let executed = Buffered::new(store.clone());
    for (cid, block) in Block::at(Height(1)).ipld.iter().rev() {
        executed.put_keyed(cid, block).unwrap();
        executed.put_keyed(cid, block).unwrap();
    }
    assert_eq!(executed.len(), Block::at(Height(1)).ipld.len());
    let written = executed.into_blocks();
    assert!(written.is_sorted(), "equal executions give equal batches");
    let block = Block { ipld: written, ..Block::at(Height(1)) };
    store.commit_block(&block.commit()).unwrap();
    assert!(block.ipld.iter().all(|(cid, bytes)| Blockstore::get(&store, cid).unwrap().as_ref() == Some(bytes)));
}

#[test]
fn proposals_are_kept_by_round_until_their_height_is_decided() {
    let directory = TempDir::new().unwrap();
    let store = open_with_base(directory.path());
    let keep = |height, round, fork| {
        let block = Block::fork(Height(height), fork);
        store.put_undecided(Height(height), round, &block.hash, &[fork]).unwrap();
        block.hash
    };
    let late = keep(1, 300, 2);
    let early = keep(1, 2, 1);
    let next = keep(2, 0, 3);
    assert_eq!(store.undecided(Height(1)).unwrap(), [(2, early), (300, late)]);
    assert_eq!(store.undecided_block(Height(1), 2, &early).unwrap(), Some(vec![1]));
    assert_eq!(store.undecided_block(Height(1), 300, &late).unwrap(), Some(vec![2]));

    store.commit_block(&Block::at(Height(1)).commit()).unwrap();
    assert_eq!(store.undecided(Height(1)).unwrap(), []);
    assert_eq!(store.undecided_block(Height(2), 0, &next).unwrap(), Some(vec![3]));
}

#[test]
fn shares_are_kept_until_their_checkpoint_is_certified() {
    let directory = TempDir::new().unwrap();
    let store = open_with_base(directory.path());
    let signer = |n: u8| BlsPublicKey([n; 48]);
    for (height, n) in [(10, 2), (10, 1), (20, 1)] {
        store.put_share(Height(height), &signer(n), &[n], Survives::PowerLoss).unwrap();
    }
    assert_eq!(store.shares(Height(10)).unwrap(), [(signer(1), vec![1]), (signer(2), vec![2])]);

    store.put_checkpoint(Height(20), b"twenty").unwrap();
    assert_eq!((store.shares(Height(20)).unwrap(), store.shares(Height(10)).unwrap().len()), (vec![], 2));
    store.delete_shares_below(Height(20)).unwrap();
    assert_eq!(store.shares(Height(10)).unwrap(), []);

    store.put_checkpoint(Height(30), b"thirty").unwrap();
    assert_eq!(store.checkpoint(Height(20)).unwrap(), Some(b"twenty".to_vec()));
    for (until, latest) in [(19, None), (20, Some(20)), (29, Some(20)), (30, Some(30)), (u64::MAX, Some(30))] {
        let found = store.latest_checkpoint(Height(until)).unwrap().map(|(height, _)| height.0);
        assert_eq!(found, latest, "{until}");
    }
}

#[test]
fn a_read_of_many_gives_no_more_than_was_asked_for() {
    let directory = TempDir::new().unwrap();
    let store = open_with_base(directory.path());
    for height in 1..=5 {
        store.commit_block(&Block::at(Height(height)).commit()).unwrap();
    }
    let heights = |range: std::ops::Range<u64>, limit| -> Vec<u64> {
        let found = store.range(Family::Blocks, Height(range.start)..Height(range.end), limit).unwrap();
        found.into_iter().map(|(height, _)| height.0).collect()
    };
    assert_eq!(heights(2..5, 10), [2, 3, 4]);
    assert_eq!(heights(0..100, 2), [1, 2]);
    assert_eq!(heights(0..100, 0), []);
    assert_eq!(heights(4..4, 10), []);
    let (later, earlier) = (5, 2);
    assert_eq!(heights(later..earlier, 10), []);
    assert!(matches!(store.range(Family::Hashes, Height(0)..Height(u64::MAX), 10), Err(StoreFatal::Malformed { .. })));

    for n in 0..=VALIDATORS_MAX {
        let mut key = [0; 48];
        key[..8].copy_from_slice(&n.to_be_bytes());
        store.put_share(Height(1), &BlsPublicKey(key), b"share", Survives::Process).unwrap();
    }
    assert_eq!(store.shares(Height(1)).unwrap().len(), VALIDATORS_MAX);
}

#[test]
fn sizes_grow_with_what_is_written() {
    let directory = TempDir::new().unwrap();
    let store = open_with_base(directory.path());
    for height in 1..=20 {
        store.commit_block(&Block::at(Height(height)).commit()).unwrap();
    }
    store.flush().unwrap();
    let sizes = store.sizes().unwrap();
    let of = |family| *sizes.families.iter().find(|size| size.family == family).unwrap();
    assert_eq!(of(Family::Blocks).entries, 20);
    assert!(of(Family::Blocks).disk_bytes > 0 && of(Family::Ipld).disk_bytes > 0);
    assert_eq!(of(Family::Undecided).entries, 0);
    assert_eq!(sizes.families.len(), Family::ALL.len());
}

#[test]
fn a_snapshot_keeps_the_leaves_of_its_block_whatever_is_committed_since() {
    let directory = TempDir::new().unwrap();
    let store = open_with_base(directory.path());
    let mut seen = Vec::new();
    for height in (1..=12).map(Height) {
        let block = Block::at(height);
        store.commit_block(&block.commit()).unwrap();
        seen.push((block.leaves, store.snapshot()));
    }
    for (leaves, snapshot) in &seen {
        for (key, value) in leaves {
            assert_eq!(snapshot.leaf(key).unwrap(), *value);
        }
    }
    let (last, first) = (&seen[11], &seen[0]);
    assert_ne!(first.1.leaf(&last.0[0].0).unwrap(), store.leaf(&last.0[0].0).unwrap(), "the store went on");
}
