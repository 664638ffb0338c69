//! Trees of the state: they are written in pieces beside the blocks, and known to be whole only once they are.

use std::ops::RangeInclusive;

use fvm_ipld_blockstore::Blockstore;
use tempfile::TempDir;
use tributary_primitives::Height;
use tributary_store::{Buffered, IpldBlock, Nodes, Store};

use crate::block::{Block, NODES, NODES_OF_A_PIECE, TREES_EVERY, identity, open};
use crate::open_with_base;

/// Commits blocks, and writes the trees of those that are due.
pub(super) fn commit_with_trees(store: &Store, heights: RangeInclusive<u64>) {
    for block in heights.map(|height| Block::at(Height(height))) {
        store.commit_block(&block.commit()).unwrap();
        if block.height.0.is_multiple_of(TREES_EVERY) {
            store.begin_trees(block.height, block.nodes()).finish().unwrap();
        }
    }
}

/// How many of these the store has.
pub(super) fn there(store: &Store, nodes: &[IpldBlock]) -> usize {
    nodes.iter().filter(|(cid, _)| store.has(cid).unwrap()).count()
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
