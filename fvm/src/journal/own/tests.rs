use proptest::prelude::*;
use tributary_primitives::raw_cid;

use super::*;

fn head(code: &[u8]) -> Arc<ActorHead> {
    Arc::new(ActorHead { code: raw_cid(code).into(), state: raw_cid(b"state"), delegated: None })
}

#[test]
fn a_revert_takes_back_each_kind_of_change_but_blocks_and_nothing_older() {
    let mut own = Own::default();
    let (name, key) = (Address::new_actor(b"one"), EntryKey::new(b"key").unwrap());
    own.set_actor(100, Some(head(b"a")));
    own.first_access(100, Access::Read);
    own.put_block(raw_cid(b"kept"), Arc::from(*b"kept"));
    own.set_entry(100, key, Some(Arc::from(*b"old")));
    let position = own.open();
    own.set_actor(100, None);
    own.set_entry(100, key, Some(Arc::from(*b"new")));
    own.set_entry(100, key, None);
    own.set_entry(101, key, Some(Arc::from([])));
    own.set_actor(101, Some(head(b"b")));
    own.name(name, 101);
    own.advance_to(102);
    own.put_block(raw_cid(b"later"), Arc::from(*b"later"));
    own.put_block(raw_cid(b"kept"), Arc::from(*b"kept"));
    let (address, said) = (EthAddress([1; 20]), Vec::new().into());
    own.emit(Emitted { address, emitter: None, said, bytes: 7 });
    assert_eq!(own.event_bytes(), 7);
    own.first_access(100, Access::Update);
    own.set_refund(4_800);
    own.revert_to(position);
    assert_eq!(own.refund(), 0);
    assert_eq!((own.actor(100), own.actor(101)), (Some(Some(&head(b"a"))), None));
    assert_eq!(own.entry(100, &key).flatten().map(AsRef::as_ref), Some(&b"old"[..]));
    assert_eq!(own.entry(101, &key), None);
    assert_eq!((own.resolve(&name), own.next_id), (None, None));
    assert_eq!((own.events.len(), own.event_bytes()), (0, 0));
    assert_eq!(own.first_access(100, Access::Update), FirstAccess { lookup: false, update: true });
    let blocks: Vec<_> = own.blocks_in_order.iter().map(|(cid, _)| *cid).collect();
    assert_eq!(blocks, [raw_cid(b"kept"), raw_cid(b"later")], "once each, in the order of the first put");
    assert_eq!(own.block(&raw_cid(b"later")).as_deref(), Some(&b"later"[..]));
    own.forget_blocks();
    assert_eq!((own.block(&raw_cid(b"kept")), own.blocks_in_order.len()), (None, 0));
}

#[test]
fn nobody_pays_for_the_sender_nor_for_what_is_always_at_hand() {
    let mut own = Own::default();
    own.set_origin(100);
    for (id, lookup, update) in [(100, false, false), (1, false, false), (8, true, true)] {
        assert_eq!(own.first_access(id, Access::Update), FirstAccess { lookup, update }, "actor {id}");
    }
}

#[test]
fn an_actor_is_looked_up_once_and_updated_once() {
    let mut own = Own::default();
    for (access, lookup, update) in [
        (Access::Read, true, false),
        (Access::Read, false, false),
        (Access::Update, false, true),
        (Access::Update, false, false),
        (Access::Read, false, false),
    ] {
        assert_eq!(own.first_access(107, access), FirstAccess { lookup, update }, "{access:?}");
    }
}

/// What happens to three actors, an entry of each, and who gets at them.
#[derive(Clone, Debug)]
enum Step {
    Actor(ActorID, Option<u8>),
    Entry(ActorID, Option<u8>),
    Access(ActorID, bool),
    Open,
    Keep,
    Undo,
}

fn step() -> impl Strategy<Value = Step> {
    let set = || (0..3_u64, prop::option::of(any::<u8>()));
    prop_oneof![
        3 => set().prop_map(|(id, head)| Step::Actor(id, head)),
        3 => set().prop_map(|(id, value)| Step::Entry(id, value)),
        1 => (0..3_u64, any::<bool>()).prop_map(|(id, is_update)| Step::Access(id + FIRST, is_update)),
        2 => Just(Step::Open),
        1 => Just(Step::Keep),
        1 => Just(Step::Undo),
    ]
}

/// Whose look-up is paid for.
const FIRST: ActorID = 100;

/// The same by copies of all there is, one for each checkpoint.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    actors: BTreeMap<ActorID, Option<Arc<ActorHead>>>,
    entries: BTreeMap<ActorID, Option<Arc<[u8]>>>,
    accesses: BTreeMap<ActorID, bool>,
}

impl Model {
    fn of(own: &Own) -> Self {
        Self {
            actors: own.actors.iter().map(|(id, set)| (*id, set.value.clone())).collect(),
            entries: own.entries.iter().map(|((id, _), set)| (*id, set.value.clone())).collect(),
            accesses: own.accesses.iter().map(|(id, access)| (*id, *access == Access::Update)).collect(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_revert_leaves_what_there_was_however_checkpoints_nest(steps in prop::collection::vec(step(), 0..60)) {
        let (mut own, mut model, mut open) = (Own::default(), Model::default(), Vec::new());
        let key = EntryKey::new(b"key").unwrap();
        for step in steps {
            match step {
                Step::Actor(id, code) => {
                    let head = code.map(|code| head(&[code]));
                    own.set_actor(id, head.clone());
                    model.actors.insert(id, head);
                }
                Step::Entry(id, value) => {
                    let value: Option<Arc<[u8]>> = value.map(|value| Arc::from([value]));
                    own.set_entry(id, key, value.clone());
                    model.entries.insert(id, value);
                }
                Step::Access(id, is_update) => {
                    own.first_access(id, if is_update { Access::Update } else { Access::Read });
                    *model.accesses.entry(id).or_default() |= is_update;
                }
                Step::Open => open.push((own.open(), model.clone())),
                Step::Keep => drop(open.pop()),
                Step::Undo => {
                    if let Some((position, before)) = open.pop() {
                        own.revert_to(position);
                        model = before;
                    }
                }
            }
            prop_assert_eq!(Model::of(&own), model.clone());
        }
        while let Some((position, before)) = open.pop() {
            own.revert_to(position);
            prop_assert_eq!(Model::of(&own), before);
        }
        own.revert_to(0);
        prop_assert_eq!(Model::of(&own), Model::default());
    }
}

#[test]
fn what_is_set_again_is_noted_once_for_each_checkpoint() {
    let mut own = Own::default();
    let key = EntryKey::new(b"key").unwrap();
    for checkpoints in 1..=3 {
        own.open();
        for number in 0..100_u8 {
            own.set_actor(100, Some(head(&[number])));
            own.set_entry(100, key, Some(Arc::from([number])));
            own.first_access(100, Access::Update);
        }
        assert_eq!(own.undo.len(), 2 * checkpoints + 1, "a head and an entry each; the access is the first once");
    }
}

#[test]
fn what_was_undone_leaves_no_more_notes_however_often() {
    let mut own = Own::default();
    own.open();
    own.set_actor(100, Some(head(b"before")));
    for number in 0..100_u8 {
        let position = own.open();
        own.set_actor(100, Some(head(&[number])));
        own.revert_to(position);
    }
    assert_eq!((own.undo.len(), own.actor(100)), (1, Some(Some(&head(b"before")))));
}
