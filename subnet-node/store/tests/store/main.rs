//! What a store promises, shown on real directories.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "../support/block.rs"]
mod block;
mod model;
mod opening;

use std::ops::RangeInclusive;
use std::path::Path;

use block::{Block, NODES, NODES_OF_A_PIECE, TREES_EVERY, identity, open};
use fvm_ipld_blockstore::{Block as IpldData, Blockstore};
use multihash_codetable::Code;
use tempfile::TempDir;
use tributary_primitives::{BlsPublicKey, Height, VALIDATORS_MAX};
use tributary_store::{
    BaseCommit, Buffered, Collection, CollectionUnavailable, Committed, Decision, Family, IpldBlock, Kept, Marked,
    Nodes, Store, StoreFatal, Survives, Tip, TransactionPlace,
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
        store.put_undecided(Height(height), round, &block.hash, &[fork], Survives::Process).unwrap();
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

#[test]
fn trees_are_known_by_the_last_height_that_has_them() {
    let directory = TempDir::new().unwrap();
    let store = open_with_base(directory.path());
    commit_with_trees(&store, 1..=6);
    let until = |height| store.trees_until(Height(height)).unwrap();
    assert_eq!([until(0), until(3), until(4), until(6)], [0, 0, 4, 4].map(|height| Some(Height(height))));
    let late = Block::at(Height(6)).nodes();
    store.begin_trees(Height(6), Nodes::clone(&late)).finish().unwrap();
    assert_eq!([until(5), until(6), until(9)], [4, 6, 6].map(|height| Some(Height(height))));
    assert_eq!(there(&store, &late), NODES);
    store.begin_trees(Height(5), Nodes::default()).finish().unwrap();
    assert_eq!(until(5), Some(Height(5)), "a state that had them all");
}

#[test]
fn trees_that_a_crash_cut_short_are_not_taken_for_whole_and_are_written_again() {
    let directory = TempDir::new().unwrap();
    let pieces = NODES.div_ceil(NODES_OF_A_PIECE);
    for (height, pieces_written) in (1..).map(Height).zip(0..=pieces) {
        let store = if height == Height(1) {
            open_with_base(directory.path())
        } else {
            open(directory.path(), &identity()).unwrap()
        };
        let (block, before) = (Block::at(height), height.previous());
        store.commit_block(&block.commit()).unwrap();
        let mut trees = store.begin_trees(height, block.nodes());
        let is_whole = pieces_written == pieces;
        for _ in 0..pieces_written {
            assert!(trees.step().unwrap().is_continue() || is_whole);
        }
        drop((trees, store));

        let store = open(directory.path(), &identity()).unwrap();
        let written = (pieces_written * NODES_OF_A_PIECE).min(NODES);
        assert_eq!(there(&store, &block.nodes()), written, "{pieces_written} pieces");
        assert_eq!(store.trees_until(height).unwrap(), if is_whole { Some(height) } else { before });
        // A node that goes on commits first, and writes trees again when they are due.
        store.begin_trees(height, block.nodes()).finish().unwrap();
        assert_eq!((there(&store, &block.nodes()), store.trees_until(height).unwrap()), (NODES, Some(height)));
    }
}

#[test]
fn what_was_handed_over_to_be_written_is_read_until_it_is_in_the_store() {
    let directory = TempDir::new().unwrap();
    let store = open_with_base(directory.path());
    let state = Buffered::new(store.clone());
    let put = |nodes: &Nodes| nodes.iter().for_each(|(cid, node)| state.put_keyed(cid, node).unwrap());
    let read = |nodes: &Nodes| {
        let is_read =
            |(cid, node): &&IpldBlock| state.get(cid).unwrap().as_ref() == Some(node) && state.has(cid).unwrap();
        nodes.iter().filter(is_read).count()
    };
    let [first, second] = [1, 2].map(|height| Block::at(Height(height)).nodes());
    put(&first);
    let leaving = state.hand_over();
    assert_eq!((&leaving, state.len()), (&first, 0), "sorted by CID, and gone from what is put");
    put(&second);
    let then = state.hand_over();
    assert_eq!((read(&first), read(&second)), (NODES, NODES));
    let mut trees = store.begin_trees(Height(1), leaving);
    assert!(trees.step().unwrap().is_continue());
    assert_eq!((read(&first), read(&second)), (NODES, NODES), "half of it there");
    trees.finish().unwrap();
    assert_eq!((read(&first), there(&store, &first)), (NODES, NODES), "all of it there");
    drop(then);
    assert_eq!(read(&second), 0, "nobody holds it, and nobody wrote it");
}

#[test]
fn states_that_are_not_kept_go_but_for_those_whose_trees_are_spared() {
    let directory = TempDir::new().unwrap();
    let store = open_with_base(directory.path());
    commit_with_trees(&store, 1..=12);
    let all = Kept { blocks: Height(0), states: Height(0) };
    assert_eq!((store.kept().unwrap(), store.pruned().unwrap()), (all, all));
    store.keep_from(Kept { states: Height(8), ..all }).unwrap();
    for height in (0..8).map(Height) {
        store.delete_state(height, height == Height(4)).unwrap();
    }
    assert_eq!(store.pruned().unwrap(), Kept { states: Height(8), ..all });
    let kept: Vec<_> = (0..=12).filter(|height| store.keeps_state(Height(*height)).unwrap()).collect();
    assert_eq!(kept, [4, 8, 9, 10, 11, 12]);
    assert_eq!(store.trees_until(Height(7)).unwrap(), Some(Height(4)));
    assert!((1..=12).all(|height| store.block(Height(height)).unwrap().is_some()), "blocks stay");
    assert!((1..=12).all(|height| store.changes(Height(height)).unwrap().is_some() == (height >= 8)));

    // A node that keeps less from now on takes the spared ones too.
    store.keep_from(Kept { blocks: Height(8), states: Height(8) }).unwrap();
    for height in (0..8).map(Height) {
        let Block { hash, transactions, .. } = Block::at(height);
        let transactions: Vec<_> = transactions.iter().map(|(hash, _)| *hash).collect();
        store.delete_block(height, Some(&hash), &transactions).unwrap();
    }
    assert_eq!(store.trees_until(Height(7)).unwrap(), None);
    assert_eq!(store.pruned().unwrap(), store.kept().unwrap());
}

#[test]
fn a_transaction_that_a_later_block_was_named_for_is_still_found_when_the_earlier_one_goes() {
    let directory = TempDir::new().unwrap();
    let store = open_with_base(directory.path());
    let first = Block::at(Height(1));
    store.commit_block(&first.commit()).unwrap();
    let again = Block { transactions: vec![first.transactions[3]], ..Block::at(Height(2)) };
    store.commit_block(&again.commit()).unwrap();
    let hashes: Vec<_> = first.transactions.iter().map(|(hash, _)| *hash).collect();
    store.delete_block(Height(0), None, &[]).unwrap();
    store.delete_block(Height(1), Some(&first.hash), &hashes).unwrap();
    let found: Vec<_> = hashes.iter().filter_map(|hash| store.transaction(hash).unwrap()).collect();
    assert_eq!(found, [TransactionPlace { height: Height(2), index: 3 }]);
}

/// Commits blocks, and writes the trees of those that are due.
fn commit_with_trees(store: &Store, heights: RangeInclusive<u64>) {
    for block in heights.map(|height| Block::at(Height(height))) {
        store.commit_block(&block.commit()).unwrap();
        if block.height.0.is_multiple_of(TREES_EVERY) {
            store.begin_trees(block.height, block.nodes()).finish().unwrap();
        }
    }
}

/// How many of these the store has.
fn there(store: &Store, nodes: &[IpldBlock]) -> usize {
    nodes.iter().filter(|(cid, _)| store.has(cid).unwrap()).count()
}

/// Sweeps all; how many blocks went.
fn sweep(collection: &mut Collection) -> u64 {
    let mut entries = 0;
    loop {
        let swept = collection.sweep().unwrap();
        entries += swept.deleted.entries;
        if swept.is_done {
            return entries;
        }
    }
}

#[test]
fn a_collection_leaves_what_is_marked_and_what_is_put_while_it_runs() {
    let directory = TempDir::new().unwrap();
    let store = open_with_base(directory.path());
    let there = |block: &Block| block.ipld.iter().filter(|(cid, _)| store.has(cid).unwrap()).count();
    let blocks: Vec<_> = (0..200).map(|height| Block::at(Height(height))).collect();
    let commit = |range: std::ops::Range<usize>| {
        for block in &blocks[range] {
            store.commit_block(&block.commit()).unwrap();
        }
    };
    commit(1..150);

    let mut collection = store.begin_collection().unwrap();
    assert!(store.begin_collection().is_none(), "one at a time");
    for (cid, bytes) in blocks[100..150].iter().flat_map(|block| &block.ipld) {
        assert_eq!((collection.mark(cid).unwrap(), collection.mark(cid).unwrap()), (Marked::Now, Marked::Before));
        assert_eq!(collection.block(cid).unwrap().as_ref(), Some(bytes));
    }
    assert_eq!(collection.marked(), 500);
    // By a commit, by trees, by an import; and what was there, unneeded, and is needed again.
    commit(150..160);
    store.begin_trees(Height(159), blocks[170].ipld.clone().into()).finish().unwrap();
    store.put_many_keyed(blocks[171].ipld.clone()).unwrap();
    store.put_many_keyed(blocks[7].ipld.clone()).unwrap();
    assert!(!collection.sweep().unwrap().is_done, "in steps");
    commit(160..161);
    store.put_many_keyed(blocks[8].ipld.clone()).unwrap();
    sweep(&mut collection);
    let kept = (0..200).filter(|height| there(&blocks[*height]) == 10);
    assert_eq!(kept.collect::<Vec<_>>(), [&[7, 8][..], &(100..161).collect::<Vec<_>>(), &[170, 171]].concat());
    assert!(blocks.iter().all(|block| there(block) % 10 == 0));
    assert_eq!(store.collected().unwrap(), 500 + 10 * 15, "marked, and put meanwhile");
    drop(collection);

    // Broken off and begun anew: nothing is remembered of the last one.
    drop(store.begin_collection().unwrap());
    let mut again = store.begin_collection().unwrap();
    for (cid, _) in blocks[100..161].iter().flat_map(|block| &block.ipld) {
        again.mark(cid).unwrap();
    }
    assert_eq!((sweep(&mut again), there(&blocks[171]), there(&blocks[160])), (40, 0, 10));
}

#[test]
fn a_collection_leaves_trees_alone_that_are_on_their_way_whenever_it_begins() {
    let directory = TempDir::new().unwrap();
    let store = open_with_base(directory.path());
    let pieces = NODES.div_ceil(NODES_OF_A_PIECE);
    for (height, (begins_at, sweeps_at)) in
        (1..).zip((0..=pieces).flat_map(|begins| (begins..=pieces).map(move |sweeps| (begins, sweeps))))
    {
        let block = Block::at(Height(height));
        store.commit_block(&block.commit()).unwrap();
        let mut trees = store.begin_trees(block.height, block.nodes());
        let mut collection = None;
        for piece in 0..=pieces {
            if piece == begins_at {
                // What is marked is what led somewhere when it began: none of these trees, unless they are complete.
                let mut begun = store.begin_collection().unwrap();
                if store.trees_until(block.height).unwrap() == Some(block.height) {
                    block.nodes().iter().for_each(|(cid, _)| assert_eq!(begun.mark(cid).unwrap(), Marked::Now));
                }
                collection = Some(begun);
            }
            if piece == sweeps_at {
                sweep(collection.as_mut().unwrap());
            }
            if piece < pieces {
                assert_eq!(trees.step().unwrap().is_break(), piece + 1 == pieces);
            }
        }
        drop((trees, collection));
        assert_eq!(there(&store, &block.nodes()), NODES, "begun at piece {begins_at}, swept at {sweeps_at}");
        assert_eq!(store.trees_until(block.height).unwrap(), Some(block.height));
    }

    // Those that nobody goes on with are nobody's.
    let block = Block::at(Height(99));
    let mut trees = store.begin_trees(block.height, block.nodes());
    assert!(trees.step().unwrap().is_continue());
    drop(trees);
    assert_eq!(there(&store, &block.nodes()), NODES_OF_A_PIECE);
    sweep(&mut store.begin_collection().unwrap());
    assert_eq!(there(&store, &block.nodes()), 0);
}

#[test]
fn a_collection_that_cannot_remember_all_ends_and_deletes_no_more() {
    let directory = TempDir::new().unwrap();
    let store = open_with_base(directory.path());
    let blocks: Vec<_> = (0..5).map(|height| Block::at(Height(height))).collect();
    let mut collection = store.begin_collection_within(10, 15).unwrap();
    for (cid, _) in &blocks[0].ipld {
        collection.mark(cid).unwrap();
    }
    let refusal = collection.mark(&blocks[1].ipld[0].0).unwrap_err();
    assert!(matches!(refusal, CollectionUnavailable::TooMany(10)), "{refusal}");
    assert_eq!(collection.mark(&blocks[0].ipld[0].0).unwrap(), Marked::Before);

    store.put_many_keyed(blocks[1].ipld.clone()).unwrap();
    assert_eq!(sweep(&mut collection), 0);
    drop(collection);
    let mut collection = store.begin_collection_within(10, 15).unwrap();
    store.put_many_keyed(blocks[2].ipld.clone()).unwrap();
    store.put_many_keyed(blocks[3].ipld.clone()).unwrap();
    let refusal = collection.sweep().unwrap_err();
    assert!(matches!(refusal, CollectionUnavailable::TooFast(15)), "{refusal}");
    assert!(blocks[..4].iter().flat_map(|block| &block.ipld).all(|(cid, _)| store.has(cid).unwrap()));
    drop(collection);
    assert_eq!(sweep(&mut store.begin_collection().unwrap()), 40, "the next one begins anew");
}
