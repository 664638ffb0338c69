use std::collections::BTreeMap;

use fvm_ipld_encoding::strict_bytes::ByteBuf;
use fvm_ipld_hamt::{BytesKey, Hamt as Library};
use proptest::prelude::*;
use tributary_primitives::entry::{ENTRY_KEY_BYTES_MAX, ENTRY_VALUE_BYTES_MAX};
use tributary_primitives::layout::BIT_WIDTH;

use super::*;
use crate::state::MemoryStore;

type Model = BTreeMap<(ActorID, Vec<u8>), Vec<u8>>;

fn entry_key(key: &[u8]) -> EntryKey {
    EntryKey::new(key).unwrap()
}

/// The root of the same entries in the maps of Filecoin's library.
fn of_the_library(store: &MemoryStore, model: &Model) -> Cid {
    let mut roots = Library::<_, Cid>::new_with_bit_width(store, BIT_WIDTH);
    let entries: Vec<_> = model.iter().collect();
    for of_one in entries.chunk_by(|((a, _), _), ((b, _), _)| a == b) {
        let mut map = Library::<_, ByteBuf>::new_with_bit_width(store, BIT_WIDTH);
        for ((_, key), value) in of_one {
            map.set(BytesKey(key.clone()), ByteBuf((*value).clone())).unwrap();
        }
        roots.set(BytesKey(key_of(of_one[0].0.0)), map.flush().unwrap()).unwrap();
    }
    roots.flush().unwrap()
}

/// The changes as a block has them: ascending, of several to one entry the last.
fn batch(changes: &[(ActorID, u16, Option<Vec<u8>>)], model: &mut Model) -> Vec<Change> {
    let mut last = BTreeMap::new();
    for (id, key, value) in changes {
        let key = long(*key);
        match value {
            Some(value) => model.insert((*id, key.clone()), value.clone()),
            None => model.remove(&(*id, key.clone())),
        };
        last.insert((*id, key), value.as_ref().map(|value| value_of(value).unwrap()));
    }
    last.into_iter().map(|((id, key), value)| (id, entry_key(&key), value)).collect()
}

/// A key of one byte up to as many as there may be.
fn long(number: u16) -> Vec<u8> {
    let len = 1 + usize::from(number) % ENTRY_KEY_BYTES_MAX;
    number.to_be_bytes().into_iter().rev().cycle().take(len).collect()
}

fn changes() -> impl Strategy<Value = Vec<(ActorID, u16, Option<Vec<u8>>)>> {
    let value = prop_oneof![
        2 => Just(None),
        4 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Some),
        1 => Just(Some(vec![7; ENTRY_VALUE_BYTES_MAX])),
    ];
    prop::collection::vec((100..104_u64, 0..300_u16, value), 0..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn roots_are_those_of_filecoins_maps_however_the_entries_came(blocks in prop::collection::vec(changes(), 1..5)) {
        let (store, mut model, mut entries) = (MemoryStore::default(), Model::new(), Entries::default());
        for (number, changes) in blocks.iter().enumerate() {
            entries.apply(&store, &batch(changes, &mut model), 2).unwrap();
            let root = entries.root(2);
            prop_assert_eq!(root, of_the_library(&store, &model));
            if number % 2 == 0 {
                entries.save(&store, 1).unwrap();
                entries = Entries::load(&store, &root).unwrap();
            }
        }
        entries.save(&store, 1).unwrap();
        let (root, mut found) = (entries.root(1), Model::new());
        for_each(&store, &root, |id, key, value| {
            let value = value_in(value)?;
            assert_eq!(find(&store, &root, id, &key)?, Some(value.clone()));
            found.insert((id, key.as_bytes().to_vec()), value);
            Ok(())
        })
        .unwrap();
        prop_assert_eq!(&found, &model);
        for ((id, key), value) in &model {
            prop_assert_eq!(&entries.get(&store, *id, &entry_key(key)).unwrap(), &Some(value.clone()));
        }
        let all: Vec<_> = model.keys().map(|(id, key)| (*id, entry_key(key), None)).collect();
        entries.apply(&store, &all, 1).unwrap();
        prop_assert!(entries.is_empty() && entries.maps.is_empty(), "what is empty is not kept");
        prop_assert_eq!(entries.root(1), Hamt::new().root(1));
    }
}

#[test]
fn an_empty_value_is_an_entry_and_no_entry_is_none() {
    let (store, mut entries, key) = (MemoryStore::default(), Entries::default(), entry_key(b"k"));
    entries.apply(&store, &[(100, key, Some(value_of(b"").unwrap()))], 1).unwrap();
    for (id, key, value) in [(100, key, Some(vec![])), (100, entry_key(b"l"), None), (101, key, None)] {
        assert_eq!(entries.get(&store, id, &key).unwrap(), value, "{id} {key}");
    }
}

/// Many actors with an entry each, and one with many: nodes that the store has go, and come back.
#[test]
fn nodes_at_hand_are_bounded_and_nothing_is_lost_by_that() {
    let (store, mut entries) = (MemoryStore::default(), Entries::default());
    let value = || Some(value_of(&[7]).unwrap());
    let large = (0..200_000_u32).map(|number| (100, entry_key(&number.to_be_bytes()), value()));
    let small = (0..NODES_MAX + 1).map(|number| (1_000 + u64::try_from(number).unwrap(), entry_key(b"k"), value()));
    entries.apply(&store, &large.chain(small).collect::<Vec<_>>(), 2).unwrap();
    let resident = |entries: &Entries| entries.maps.values().map(Hamt::resident).sum::<usize>();
    let before = resident(&entries);
    entries.evict();
    assert_eq!((resident(&entries), before > NODES_MAX), (before, true), "what is not saved stays");
    entries.save(&store, 1).unwrap();
    entries.evict();
    assert!(resident(&entries) <= NODES_MAX && entries.roots.resident() <= NODES_MAX, "{}", resident(&entries));
    for (id, key) in [(100, entry_key(&7_u32.to_be_bytes())), (1_007, entry_key(b"k"))] {
        assert_eq!(entries.get(&store, id, &key).unwrap(), Some(vec![7]));
    }
}
