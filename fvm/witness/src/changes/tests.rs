use std::collections::BTreeMap;

use proptest::collection::btree_map;
use proptest::prelude::*;

use super::*;
use crate::testing::World;

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

#[test]
fn a_change_names_its_fields() {
    let (old, new) = (World::of(&[(101, 1)].into(), &[].into()), World::of(&[(101, 2)].into(), &[].into()));
    merge(&old, &new);
    let found = changes(&old.store, &old.root, &new.root).unwrap();
    assert_eq!(found.iter().map(|change| (change.id, change.fields())).collect::<Vec<_>>(), [(101, vec!["balance"])]);
    assert_eq!(changes(&old.store, &old.root, &old.root).unwrap(), []);
}
