//! What a caller sees of both maps, beside the library's blocks: pinned roots, what is written when, what stays in memory, refusals.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeSet;

use cid::Cid;
use fvm_ipld_blockstore::{Blockstore, MemoryBlockstore};
use tributary_primitives::{cbor_cid, raw_cid};
use tributary_trees::{Hamt, Kamt, NodeRejected, TreeFatal, VALUE_BYTES_MAX};

const NONE: Option<[u8; 1]> = None;

fn number(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

fn word(number: u32) -> [u8; 32] {
    let mut word = [0; 32];
    word[28..].copy_from_slice(&number.to_be_bytes());
    word
}

/// A thousand keys with the CBOR of a small number each.
fn thousand() -> Vec<([u8; 4], Option<[u8; 1]>)> {
    (0..1000).map(|key| (number(key), Some([key.to_be_bytes()[3] % 24]))).collect()
}

fn full(store: &MemoryBlockstore) -> Hamt {
    let mut map = Hamt::new();
    map.apply(store, &thousand()).unwrap();
    map.flush(store, 1).unwrap();
    map
}

fn unsaved(map: &mut Hamt) -> Vec<Cid> {
    let mut found = Vec::new();
    map.unsaved(|cid, block| {
        assert_eq!(cbor_cid(block), *cid);
        found.push(*cid);
        Ok::<_, ()>(())
    })
    .unwrap();
    found
}

#[test]
fn the_roots_of_fixed_contents_are_pinned() {
    let store = MemoryBlockstore::default();
    assert_eq!(Hamt::new().root(1).to_string(), "bafy2bzaceamp42wmmgr2g2ymg46euououzfyck7szknvfacqscohrvaikwfay");
    assert_eq!(Kamt::new().root(1), Hamt::new().root(1));
    let mut hamt = Hamt::new();
    hamt.apply(&store, &thousand()).unwrap();
    let mut kamt = Kamt::new();
    let slots: Vec<_> = (0..1000).map(|slot| (word(slot), word(slot + 1))).collect();
    kamt.apply(&store, &slots).unwrap();
    assert_eq!(hamt.root(1).to_string(), "bafy2bzaceduw2apttiyr4zvhbi2dku7rgoto6inhmsiei6quh5yaks4cybdru");
    assert_eq!(kamt.root(1).to_string(), "bafy2bzacedlj2ujylbi5ipg4ue344q7o7hgpwsllsgi5k5jsetsdguczbwlq2");
}

#[test]
fn of_several_changes_to_one_key_the_last_one_holds() {
    let store = MemoryBlockstore::default();
    let mut map = full(&store);
    map.apply(&store, &[(number(5), Some([1])), (number(7), Some([1])), (number(5), NONE)]).unwrap();
    map.apply(&store, &[(number(6), NONE), (number(6), Some([2]))]).unwrap();
    assert_eq!(map.get(&store, &number(5)).unwrap(), None);
    assert_eq!(map.get(&store, &number(6)).unwrap(), Some(&[2][..]));
    assert_eq!(map.get(&store, &number(7)).unwrap(), Some(&[1][..]));
}

#[test]
fn a_value_that_does_not_change_changes_nothing() {
    let store = MemoryBlockstore::default();
    let mut map = full(&store);
    let batch = [thousand(), vec![(number(5000), None)]].concat();
    map.apply(&store, &batch).unwrap();
    assert!(map.is_saved());
    assert_eq!(unsaved(&mut map), []);
}

#[test]
fn a_node_that_changes_twice_between_two_saves_is_written_once() {
    let store = MemoryBlockstore::default();
    let mut map = full(&store);
    let mut roots = BTreeSet::new();
    for value in 0..5 {
        map.apply(&store, &[(number(1), Some([23 - value]))]).unwrap();
        roots.insert(map.root(1));
    }
    assert_eq!(roots.len(), 5);
    let written = unsaved(&mut map);
    assert!(written.len() <= 3, "the nodes on the way to one key: {written:?}");
    assert_eq!(written.last(), Some(&map.root(1)), "what is below comes first");
}

#[test]
fn what_was_not_taken_comes_again() {
    let store = MemoryBlockstore::default();
    let mut map = Hamt::new();
    map.apply(&store, &thousand()).unwrap();
    let mut taken = Vec::new();
    let full = map.unsaved(|cid, _| {
        taken.push(*cid);
        if taken.len() < 8 { Ok(()) } else { Err("the disk is full") }
    });
    assert_eq!((full, taken.pop().is_some()), (Err("the disk is full"), true));
    let rest = unsaved(&mut map);
    assert!(rest.iter().all(|cid| !taken.contains(cid)));
    assert_eq!(rest.len() + taken.len(), map.resident());
}

#[test]
fn saved_nodes_are_dropped_when_there_are_too_many_and_others_stay() {
    let store = MemoryBlockstore::default();
    let mut map = full(&store);
    let all = map.resident();
    map.evict(all);
    assert_eq!(map.resident(), all, "not too many");
    map.evict(0);
    assert_eq!(map.resident(), 1, "the root stays");
    map.apply(&store, &[(number(2), Some([23]))]).unwrap();
    let path = map.resident();
    map.evict(0);
    assert_eq!(map.resident(), path, "what is not saved stays");
    map.flush(&store, 1).unwrap();
    map.evict(0);
    assert_eq!(map.resident(), 1);
    assert_eq!(map.peek(&store, &number(2)).unwrap(), Some(vec![23]));
    assert_eq!(map.resident(), 1, "a peek keeps nothing");
}

#[test]
fn what_was_used_last_outlasts_the_rest() {
    let store = MemoryBlockstore::default();
    let mut map = full(&store);
    let all = map.resident();
    map.evict(all);
    let _ = map.get(&store, &number(1)).unwrap();
    map.evict(all - 1);
    assert!((2..5).contains(&map.resident()), "the way to one key of {all} nodes: {}", map.resident());
    let _ = map.get(&MemoryBlockstore::default(), &number(1)).unwrap();
}

#[test]
fn the_root_does_not_depend_on_the_number_of_threads() {
    let store = MemoryBlockstore::default();
    let mut map = Hamt::new();
    let batch: Vec<_> =
        (0..20_000).map(|key| (number(key), Some([[0x58, 60].as_slice(), &[7; 60]].concat()))).collect();
    map.apply(&store, &batch).unwrap();
    let roots: BTreeSet<_> = [1, 2, 3, 8].map(|threads| map.clone().root(threads)).into();
    assert_eq!(roots.len(), 1);
}

#[test]
fn the_roots_of_many_small_maps_are_hashed_together() {
    let store = MemoryBlockstore::default();
    let make = |seed: u32| {
        let mut map = Kamt::new();
        map.apply(&store, &(0..5).map(|slot| (word(slot * seed), word(seed))).collect::<Vec<_>>()).unwrap();
        map
    };
    let mut maps: Vec<_> = (1..20).map(make).collect();
    let mut alone = maps.clone();
    Kamt::hash(&mut maps.iter_mut().collect::<Vec<_>>(), 2);
    assert!(maps.iter_mut().zip(&mut alone).all(|(map, alone)| map.root(1) == alone.root(1)));
}

#[test]
fn a_tree_without_a_node_of_its_own_says_which() {
    let (store, empty) = (MemoryBlockstore::default(), MemoryBlockstore::default());
    let mut map = full(&store);
    let root = map.root(1);
    assert!(matches!(Hamt::load(&empty, &root), Err(TreeFatal::Missing(cid)) if *cid == root));
    map.evict(0);
    let missing =
        |result: Result<(), TreeFatal>| matches!(result, Err(TreeFatal::Missing(cid)) if store.has(&cid).unwrap());
    assert!(missing(map.peek(&empty, &number(1)).map(drop)));
    assert!(missing(map.get(&empty, &number(1)).map(drop)));
    assert!(missing(map.for_each(&empty, |_, _| Ok(()))));
    assert!(missing(map.apply(&empty, &[(number(1), NONE)])));
}

#[test]
fn a_root_that_is_no_node_is_refused() {
    let store = MemoryBlockstore::default();
    let block = [0x82, 0x40, 0x81, 0x00];
    store.put_keyed(&cbor_cid(&block), &block).unwrap();
    for (root, why) in [(cbor_cid(&block), NodeRejected::Count), (raw_cid(&block), NodeRejected::Link)] {
        let refusal = Kamt::load(&store, &root).unwrap_err();
        assert!(matches!(&refusal, TreeFatal::Malformed { cid, why: found } if **cid == root && *found == why));
        assert_eq!(refusal.to_string(), format!("tree node {root}: {why}"));
    }
}

#[test]
fn an_entry_that_no_node_may_hold_is_refused() {
    let store = MemoryBlockstore::default();
    let mut long = vec![0x59, 0x28, 0x00];
    long.resize(VALUE_BYTES_MAX + 3, 0);
    for (key, value, why) in [
        (vec![1], vec![], NodeRejected::Short),
        (vec![1], vec![0x42, 0], NodeRejected::Short),
        (vec![1], vec![0x00, 0x00], NodeRejected::Trailing),
        (vec![1], vec![0x18, 0x00], NodeRejected::Header),
        (vec![1], long, NodeRejected::TooLarge),
        (vec![1; 257], vec![0x00], NodeRejected::TooLarge),
    ] {
        let refusal = Hamt::new().apply(&store, &[(key, Some(value))]).unwrap_err();
        assert!(matches!(refusal, TreeFatal::Entry(found) if found == why), "{refusal}");
    }
}
