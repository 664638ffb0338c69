use std::cell::Cell;
use std::collections::BTreeMap;

use fvm_ipld_blockstore::MemoryBlockstore;
use fvm_ipld_encoding::strict_bytes::ByteBuf;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use tributary_primitives::actors::{BuiltinActor, ENTRIES_ID};
use tributary_primitives::{EntryKey, Hash32, cbor_cid};

use super::*;
use crate::testing::{CONTRACT_ID, World, hamt};

/// Both worlds' blocks in the first one's store.
fn merge(before: &World, after: &World) {
    let archive = crate::export(&after.store, &after.root, Vec::new()).unwrap().1;
    crate::import(archive.as_slice(), &before.store, None).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn changes_are_those_of_plain_maps(
        before in btree_map(101_u64..400, 0_u64..3, 0..120), after in btree_map(101_u64..400, 0_u64..3, 0..120),
    ) {
        let (old, new) = (World::of(&before, &BTreeMap::new()), World::of(&after, &BTreeMap::new()));
        merge(&old, &new);
        let found = changes(&old.store, &old.root, &new.root).unwrap();
        let ids: std::collections::BTreeSet<_> = old.actors.keys().chain(new.actors.keys()).copied().collect();
        let expected: Vec<_> = ids
            .into_iter()
            .map(|id| ActorChange { id, before: old.actors.get(&id).cloned(), after: new.actors.get(&id).cloned() })
            .filter(|change| change.before != change.after)
            .collect();
        prop_assert_eq!(found, expected);
    }
}

/// Slots as contracts use them: small numbers, which share most of their levels, and hashes, which share few.
fn slot() -> impl Strategy<Value = [u8; 32]> {
    prop_oneof![
        (0_u64..2_000).prop_map(low),
        (0_u64..200).prop_map(|seed| { cbor_cid(&seed.to_be_bytes()).hash().digest().try_into().unwrap() })
    ]
}

fn low(number: u64) -> [u8; 32] {
    std::array::from_fn(|at| if at < 24 { 0 } else { number.to_be_bytes()[at - 24] })
}

fn contract(world: &World) -> Option<ActorState> {
    world.actors.get(&CONTRACT_ID).cloned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn slot_changes_are_those_of_plain_maps_as_far_as_they_are_listed(
        common in btree_map(slot(), 1_u64..3, 0..80),
        before in btree_map(slot(), 1_u64..3, 0..20),
        after in btree_map(slot(), 1_u64..3, 0..20),
        most in 0_usize..60,
    ) {
        let with = |own: &BTreeMap<_, u64>| {
            common.iter().chain(own).map(|(slot, value)| (*slot, low(*value))).collect::<BTreeMap<_, _>>()
        };
        let (before, after) = (with(&before), with(&after));
        let (old, new) = (World::of(&[].into(), &before), World::of(&[].into(), &after));
        merge(&old, &new);
        let change = ActorChange { id: CONTRACT_ID, before: contract(&old), after: contract(&new) };
        let found = slot_changes(&old.store, &change, most).unwrap();
        let slots: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
        let value = |side: &BTreeMap<[u8; 32], [u8; 32]>, slot| Hash32(side.get(slot).copied().unwrap_or_default());
        let expected: Vec<_> = slots
            .iter()
            .map(|slot| SlotChange { slot: Hash32(*slot), before: value(&before, slot), after: value(&after, slot) })
            .filter(|change| change.before != change.after)
            .collect();
        prop_assert_eq!(found.is_cut, expected.len() > most);
        prop_assert_eq!(&found.slots[..], &expected[..expected.len().min(most)]);
    }
}

#[test]
fn a_contract_that_is_new_or_gone_differs_in_all_its_slots_and_an_account_in_none() {
    let world = World::small();
    for (before, after) in [(None, contract(&world)), (contract(&world), None)] {
        let is_new = before.is_none();
        let found = slot_changes(&world.store, &ActorChange { id: CONTRACT_ID, before, after }, 100).unwrap();
        let there = |change: &SlotChange| if is_new { change.after } else { change.before };
        let slots: BTreeMap<_, _> = found.slots.iter().map(|change| (change.slot.0, there(change).0)).collect();
        assert_eq!((slots, found.is_cut), (world.slots.clone(), false));
    }
    let account = ActorChange { id: 101, before: None, after: world.actors.get(&101).cloned() };
    assert_eq!(slot_changes(&world.store, &account, 100).unwrap(), SlotChanges::default());
}

/// A store that counts what is read.
struct Counted<'a>(&'a World, Cell<usize>);

impl Blockstore for Counted<'_> {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        self.1.set(self.1.get() + 1);
        self.0.store.get(cid)
    }

    fn put_keyed(&self, _: &Cid, _: &[u8]) -> anyhow::Result<()> {
        anyhow::bail!("nothing is written")
    }
}

#[test]
fn what_two_storages_share_is_not_read_though_a_new_slot_splits_the_link_to_it() {
    let slots: BTreeMap<_, _> = (0..1_000).map(|number| (low(number), low(number + 1))).collect();
    let mut more = slots.clone();
    let far = std::array::from_fn(|at| if at == 16 { 1 } else { 0 });
    more.insert(far, low(7));
    let (old, new) = (World::of(&[].into(), &slots), World::of(&[].into(), &more));
    merge(&old, &new);
    let counted = Counted(&old, Cell::new(0));
    let change = ActorChange { id: CONTRACT_ID, before: contract(&old), after: contract(&new) };
    let found = slot_changes(&counted, &change, 10).unwrap();
    let only = SlotChange { slot: Hash32(far), before: Hash32::default(), after: Hash32(low(7)) };
    assert_eq!(found, SlotChanges { slots: vec![only], is_cut: false });
    assert!(counted.1.get() <= 6, "{} blocks were read", counted.1.get());
}

/// The entries of one actor, and of all.
type Plain = BTreeMap<Vec<u8>, Vec<u8>>;
type OfAll = BTreeMap<ActorID, Plain>;

fn entries() -> impl Strategy<Value = OfAll> {
    btree_map(101_u64..105, btree_map(vec(0_u8..12, 1..3), vec(0_u8..3, 0..2), 1..80), 0..4)
}

/// f098 with these entries.
fn holder(store: &MemoryBlockstore, entries: &OfAll) -> Option<ActorState> {
    let map =
        |plain: &Plain| hamt(store, &plain.iter().map(|(key, value)| (key.clone(), ByteBuf(value.clone()))).collect());
    let roots = entries.iter().map(|(id, plain)| (Address::new_id(*id).to_bytes(), map(plain))).collect();
    Some(ActorState { state: hamt(store, &roots), ..ActorState::new_empty(BuiltinActor::Entries.code(), None) })
}

/// Every entry that differs, by actor.
fn expected(before: &OfAll, after: &OfAll) -> BTreeMap<ActorID, Vec<EntryChange>> {
    let mut expected = BTreeMap::<_, Vec<_>>::new();
    for id in 101..105 {
        let value = |side: &OfAll, key: &[u8]| side.get(&id).and_then(|plain| plain.get(key)).cloned();
        let keys: std::collections::BTreeSet<_> =
            [before, after].into_iter().filter_map(|side| side.get(&id)).flat_map(|plain| plain.keys()).collect();
        for key in keys {
            let (before, after) = (value(before, key), value(after, key));
            if before != after {
                let key = EntryKey::new(key).unwrap();
                expected.entry(id).or_default().push(EntryChange { key, before, after });
            }
        }
    }
    expected
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn entry_changes_are_those_of_plain_maps_as_far_as_they_are_listed(
        before in entries(), after in entries(), most in 0_usize..100,
    ) {
        let store = MemoryBlockstore::default();
        let change = ActorChange { id: ENTRIES_ID, before: holder(&store, &before), after: holder(&store, &after) };
        let changed = entries_changed(&store, &[change]).unwrap();
        let expected = expected(&before, &after);
        prop_assert!(changed.iter().map(|change| &change.id).eq(expected.keys()), "{:?}", changed);
        for change in changed {
            let (found, all) = (entry_changes(&store, &change, most).unwrap(), &expected[&change.id]);
            prop_assert_eq!(found.is_cut, all.len() > most);
            prop_assert_eq!(found.entries.len(), all.len().min(most));
            let listed: Vec<_> = all.iter().filter(|change| found.entries.contains(change)).cloned().collect();
            prop_assert_eq!(found.entries, listed, "by ascending key, and nothing else");
        }
    }
}

#[test]
fn the_first_entries_of_a_state_differ_and_of_states_with_the_same_ones_nothing_does() {
    let store = MemoryBlockstore::default();
    let all = OfAll::from([(101, [(b"k".to_vec(), vec![])].into()), (102, [(b"k".to_vec(), vec![7])].into())]);
    let first = ActorChange { id: ENTRIES_ID, before: None, after: holder(&store, &all) };
    let changed = entries_changed(&store, std::slice::from_ref(&first)).unwrap();
    assert_eq!(changed.iter().map(|change| (change.id, change.before)).collect::<Vec<_>>(), [(101, None), (102, None)]);
    let found = entry_changes(&store, &changed[1], 1).unwrap();
    let only = EntryChange { key: EntryKey::new(b"k").unwrap(), before: None, after: Some(vec![7]) };
    assert_eq!(found, EntryChanges { entries: vec![only], is_cut: false });
    // Another balance, the same entries; and an actor that is not f098.
    let same = ActorChange { before: first.after.clone(), ..first.clone() };
    let other = ActorChange { id: 105, ..first };
    assert_eq!(entries_changed(&store, &[same, other]).unwrap(), []);
}

#[test]
fn what_two_maps_of_entries_share_is_not_read() {
    let world = World::small();
    let many: Plain = (0..2_000_u16).map(|number| (number.to_be_bytes().to_vec(), vec![1])).collect();
    let mut more = many.clone();
    more.insert(b"one more".to_vec(), vec![2]);
    let [before, after] = [many, more].map(|plain| holder(&world.store, &[(101, plain)].into()));
    let counted = Counted(&world, Cell::new(0));
    let changed = entries_changed(&counted, &[ActorChange { id: ENTRIES_ID, before, after }]).unwrap();
    let found = entry_changes(&counted, &changed[0], 10).unwrap();
    assert_eq!(found.entries.iter().map(|change| change.key.as_bytes()).collect::<Vec<_>>(), [b"one more"]);
    assert!(counted.1.get() <= 12, "{} blocks were read", counted.1.get());
}

#[test]
fn a_change_names_its_fields() {
    let (old, new) = (World::of(&[(101, 1)].into(), &[].into()), World::of(&[(101, 2)].into(), &[].into()));
    merge(&old, &new);
    let found = changes(&old.store, &old.root, &new.root).unwrap();
    assert_eq!(found.iter().map(|change| (change.id, change.fields())).collect::<Vec<_>>(), [(101, vec!["balance"])]);
    assert_eq!(changes(&old.store, &old.root, &old.root).unwrap(), []);
}
