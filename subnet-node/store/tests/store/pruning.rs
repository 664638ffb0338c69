//! What is not kept goes: blocks and states one by one, and then, in a collection, what nothing leads to any more.

use std::sync::Barrier;
use std::thread;

use fvm_ipld_blockstore::Blockstore;
use tempfile::TempDir;
use tributary_primitives::Height;
use tributary_store::{Collection, CollectionUnavailable, DELETED_AT_ONCE, Kept, Marked, TransactionPlace};

use crate::block::{Block, NODES, NODES_OF_A_PIECE};
use crate::open_with_base;
use crate::trees::{commit_with_trees, there};

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

/// In each round the next block, which is named for the same transactions, is committed just as the one before goes.
#[test]
fn a_transaction_that_a_block_is_named_for_while_the_earlier_one_goes_is_found_in_it() {
    let directory = TempDir::new().unwrap();
    let store = open_with_base(directory.path());
    let transactions = Block::at(Height(1)).transactions;
    let hashes: Vec<_> = transactions.iter().map(|(hash, _)| *hash).collect();
    let block = |height| Block { block: vec![0], transactions: transactions.clone(), ..Block::at(height) };
    store.delete_block(Height(0), None, &[]).unwrap();
    store.commit_block(&block(Height(1)).commit()).unwrap();
    for height in (1..300).map(Height) {
        let (next, start) = (block(height.next()), Barrier::new(2));
        thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                store.commit_block(&next.commit()).unwrap();
            });
            start.wait();
            store.delete_block(height, None, &hashes).unwrap();
        });
        for hash in &hashes {
            assert_eq!(store.transaction(hash).unwrap().map(|place| place.height), Some(next.height));
        }
    }
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

/// Ten IPLD blocks of each block that was there before are needed by nobody.
#[test]
fn a_step_deletes_no_more_than_is_stated_however_much_is_left_and_blocks_are_committed_between_steps() {
    for backlog in [20, 200] {
        let directory = TempDir::new().unwrap();
        let store = open_with_base(directory.path());
        let block = |height| Block { block: vec![0], receipts: vec![0], ..Block::at(height) };
        for height in (1..=backlog).map(Height) {
            store.commit_block(&block(height).commit()).unwrap();
        }
        let mut collection = store.begin_collection().unwrap();
        let (mut left, mut tip, mut is_done) = (10 * (backlog + 1), Height(backlog), false);
        while !is_done {
            let swept = collection.sweep().unwrap();
            let deleted = swept.deleted.entries;
            assert!(deleted <= u64::try_from(DELETED_AT_ONCE).unwrap(), "{deleted} of {left}");
            (left, tip, is_done) = (left - deleted, tip.next(), swept.is_done);
            store.commit_block(&block(tip).commit()).unwrap();
            assert_eq!(store.tip().unwrap().unwrap().height, tip);
        }
        assert_eq!(left, 0, "all of it went in the end");
        let mut committed = (backlog + 1..=tip.0).flat_map(|height| block(Height(height)).ipld);
        assert!(committed.all(|(cid, _)| store.has(&cid).unwrap()), "what came meanwhile stays");
    }
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

/// The one begins whenever the other happens to be, of which every end is known to the other tests.
#[test]
fn a_collection_that_begins_while_another_thread_writes_trees_leaves_all_of_them() {
    let directory = TempDir::new().unwrap();
    let store = open_with_base(directory.path());
    for height in (1..40).map(Height) {
        let (block, start) = (Block::at(height), Barrier::new(2));
        store.commit_block(&block.commit()).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                store.begin_trees(height, block.nodes()).finish().unwrap();
            });
            start.wait();
            (0..height.0 % 8).for_each(|_| thread::yield_now());
            let mut collection = store.begin_collection().unwrap();
            if store.trees_until(height).unwrap() == Some(height) {
                block.nodes().iter().for_each(|(cid, _)| assert_eq!(collection.mark(cid).unwrap(), Marked::Now));
            }
            sweep(&mut collection);
        });
        assert_eq!(there(&store, &block.nodes()), NODES, "{height}");
    }
}

#[test]
fn what_is_on_its_way_when_a_collection_begins_is_among_what_it_can_remember() {
    let directory = TempDir::new().unwrap();
    let store = open_with_base(directory.path());
    let (block, other) = (Block::at(Height(1)), Block::at(Height(2)));
    store.commit_block(&block.commit()).unwrap();
    for (put_max, is_told_apart) in [(NODES - 1, false), (NODES, true), (NODES + 9, false), (NODES + 10, true)] {
        let trees = store.begin_trees(block.height, block.nodes());
        let mut collection = store.begin_collection_within(1_000, put_max).unwrap();
        if put_max > NODES {
            store.put_many_keyed(other.ipld.clone()).unwrap();
        }
        match collection.sweep() {
            Ok(_) => assert!(is_told_apart, "{put_max}"),
            Err(CollectionUnavailable::TooFast(said)) => assert_eq!((said, is_told_apart), (put_max, false)),
            Err(why) => panic!("{why}"),
        }
        drop((trees, collection));
    }
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
