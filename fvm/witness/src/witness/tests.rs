use fvm_ipld_encoding::strict_bytes::ByteBuf;
use fvm_shared::address::Address;
use fvm_shared::state::ActorState;
use ipld_core::ipld::Ipld;
use proptest::collection::btree_map;
use proptest::prelude::*;
use tributary_primitives::actors::{BuiltinActor, ENTRIES_ID};
use tributary_primitives::layout::ContractHead;
use tributary_primitives::{EntryKey, EthAddress, Hash32, raw_cid};

use super::*;
use crate::question::{ActorAt, EntryAt, SlotAt, ValueAt};
use crate::testing::{CONTRACT, CONTRACT_ID, World, hamt, name, put, slot};

type Block = (Cid, Vec<u8>);

/// What the question answers, from the store and, proven, from its witness.
fn proven<Q: Question<Answer: PartialEq + std::fmt::Debug>>(world: &World, question: &Q) -> (Q::Answer, Vec<u8>) {
    let (answer, witness) = make(&world.store, &world.root, question).unwrap();
    assert_eq!(verify(&world.root, &witness, question).unwrap(), answer);
    assert_eq!(read(&world.store, &world.root, question).unwrap(), answer);
    (answer, witness)
}

/// The blocks of a witness.
fn blocks(witness: &[u8]) -> Vec<Block> {
    let (mut car, _) = CarReader::open(witness).unwrap();
    std::iter::from_fn(|| car.block().unwrap()).collect()
}

fn file(root: &Cid, blocks: &[Block]) -> Vec<u8> {
    let mut car = CarWriter::new(Vec::new(), root).unwrap();
    blocks.iter().for_each(|(cid, bytes)| car.block(cid, bytes).unwrap());
    car.into_inner()
}

#[test]
fn every_actor_every_name_and_every_slot_can_be_proven_and_so_can_their_absence() {
    let world = World::small();
    for (id, actor) in &world.actors {
        assert_eq!(proven(&world, &ActorAt(Address::new_id(*id))).0, Some((*id, actor.clone())));
    }
    assert_eq!(proven(&world, &ActorAt(name(101))).0.unwrap().0, 101);
    for (at, value) in &world.slots {
        assert_eq!(proven(&world, &slot(*at)).0, Hash32(*value));
    }
    assert_eq!(proven(&world, &ActorAt(Address::new_id(7))).0, None);
    assert_eq!(proven(&world, &ActorAt(name(7))).0, None);
    assert_eq!(proven(&world, &slot([9; 32])).0, Hash32::default());
    let of_an_account = SlotAt { contract: name(101), slot: Hash32([1; 32]) };
    assert_eq!(proven(&world, &of_an_account).0, Hash32::default());
}

#[test]
fn any_path_below_an_actors_state_can_be_proven() {
    let world = World::small();
    let at = |path: &str| ValueAt { actor: CONTRACT.to_address(), path: path.parse().unwrap() };
    let (value, _) = proven(&world, &at(""));
    assert!(matches!(value, Some(Ipld::List(fields)) if fields.len() == 6));
    assert_eq!(proven(&world, &at("0")).0, Some(Ipld::Bytes(b"code".to_vec())), "a link stands for its block");
    assert_eq!(proven(&world, &at("4")).0, Some(Ipld::Integer(0)));
    assert!(matches!(proven(&world, &at("2/1/0")).0, Some(Ipld::Map(_))), "a pointer of the storage's root");
    for absent in ["6", "0/0", "name", "2/1/99"] {
        assert_eq!(proven(&world, &at(absent)).0, None, "{absent}");
    }
    assert_eq!(proven(&world, &ValueAt { actor: name(7), path: "0".parse().unwrap() }).0, None);
}

#[test]
fn a_slot_that_leaves_the_levels_that_others_share_is_shown_absent_by_the_node_that_skips_them() {
    let world = World::small();
    // Like the twenty slots in its first five bits, which lead to one link, and in none of those that the link skips.
    let (value, witness) = proven(&world, &slot(std::array::from_fn(|at| if at == 0 { 1 } else { 0 })));
    let blocks = blocks(&witness);
    let [.., (_, head), (last, _)] = blocks.as_slice() else { panic!("{} blocks", blocks.len()) };
    assert_eq!(value, Hash32::default());
    let head: ContractHead = fvm_ipld_encoding::from_slice(head).unwrap();
    assert_eq!(*last, head.storage);
}

#[test]
fn cids_in_plain_cbor_are_values_and_lead_nowhere() {
    let mut world = World::small();
    let elsewhere = cid::Cid::new_v1(fvm_ipld_encoding::DAG_CBOR, *raw_cid(b"another chain's").hash());
    let bytes = fvm_ipld_encoding::to_vec(&(elsewhere,)).unwrap();
    let note = Cid::new_v1(fvm_ipld_encoding::CBOR, *tributary_primitives::cbor_cid(&bytes).hash());
    world.store.put_keyed(&note, &bytes).unwrap();
    let state = put(&world.store, &(note, BuiltinActor::Init.code()));
    world.root = with_actor(&world, 500, ActorState { state, ..ActorState::new_empty(raw_cid(b"code"), None) });
    let at = |path: &str| ValueAt { actor: Address::new_id(500), path: path.parse().unwrap() };
    assert_eq!(proven(&world, &at("0/0")).0, Some(Ipld::Link(elsewhere)));
    assert_eq!(proven(&world, &at("0/0/0")).0, None);
    assert_eq!(proven(&world, &at("1")).0, Some(Ipld::Bytes(b"tributary/actor/init/1".to_vec())), "an inline block");
}

/// The root of `world` with one more actor.
fn with_actor(world: &World, id: u64, actor: ActorState) -> Cid {
    use fvm_ipld_hamt::{BytesKey, Hamt};
    use fvm_shared::state::StateRoot;
    let block = world.store.get(&world.root).unwrap().unwrap();
    let state: StateRoot = fvm_ipld_encoding::from_slice(&block).unwrap();
    let mut actors = Hamt::<_, ActorState>::load_with_bit_width(&state.actors, &world.store, 5).unwrap();
    actors.set(BytesKey(Address::new_id(id).to_bytes()), actor).unwrap();
    put(&world.store, &StateRoot { actors: actors.flush().unwrap(), ..state })
}

fn entry(id: u64, key: &[u8]) -> EntryAt {
    EntryAt { actor: Address::new_id(id), key: EntryKey::new(key).unwrap() }
}

#[test]
fn an_entry_can_be_proven_and_so_can_its_absence() {
    let mut world = World::small();
    assert_eq!(proven(&world, &entry(101, b"k")).0, None, "nobody has any");
    let value = |number: u8| ByteBuf(vec![number; usize::from(number)]);
    let entries = hamt(&world.store, &(0..100).map(|number| (vec![b'k', number], value(number))).collect());
    let roots = hamt(&world.store, &(101..121).map(|id| (Address::new_id(id).to_bytes(), entries)).collect());
    let holder = ActorState { state: roots, ..ActorState::new_empty(BuiltinActor::Entries.code(), None) };
    world.root = with_actor(&world, ENTRIES_ID, holder);
    for number in 0..100 {
        assert_eq!(proven(&world, &entry(101, &[b'k', number])).0, Some(value(number).0));
    }
    let by_name = EntryAt { actor: name(102), ..entry(0, b"k\x07") };
    assert_eq!(proven(&world, &by_name).0, Some(vec![7; 7]));
    for (what, id, key) in [("key", 101, &b"k"[..]), ("actor", 999, b"k\x07"), ("entries", CONTRACT_ID, b"k\x07")] {
        assert_eq!(proven(&world, &entry(id, key)).0, None, "no such {what}");
    }
    let (_, mut witness) = proven(&world, &entry(101, b"k\x07"));
    *witness.last_mut().unwrap() ^= 1;
    assert!(verify(&world.root, &witness, &entry(101, b"k\x07")).is_err());
}

#[test]
fn what_is_no_map_of_entries_is_refused() {
    let world = World::small();
    let of_101 = |value: Ipld| hamt(&world.store, &[(Address::new_id(101).to_bytes(), value)].into());
    let number = hamt(&world.store, &[(b"k".to_vec(), 7_u64)].into());
    for (roots, what) in [
        (of_101(Ipld::Integer(7)), "an actor's entries are no link"),
        (of_101(Ipld::Link(number)), "a value is no byte string"),
    ] {
        let holder = ActorState { state: roots, ..ActorState::new_empty(BuiltinActor::Entries.code(), None) };
        let refusal = make(&world.store, &with_actor(&world, ENTRIES_ID, holder), &entry(101, b"k")).unwrap_err();
        assert!(refusal.to_string().contains(what), "{refusal} is not {what}");
    }
}

#[test]
fn each_fault_is_refused_for_its_own_reason() {
    let world = World::small();
    let question = slot(*world.slots.keys().next().unwrap());
    let (_, witness) = proven(&world, &question);
    let good = blocks(&witness);
    let stranger = (raw_cid(b"stranger"), b"stranger".to_vec());
    let root = world.root;
    let with = |change: &dyn Fn(&mut Vec<Block>)| {
        let mut blocks = good.clone();
        change(&mut blocks);
        file(&root, &blocks)
    };
    let last = good.len() - 1;
    let rows: [(&str, Vec<u8>); 10] = [
        ("at most 16777216 are allowed", vec![0; WITNESS_BYTES_MAX + 1]),
        ("no CARv1", b"\x03car".to_vec()),
        ("about state root", file(&stranger.0, &good)),
        ("lacks block", with(&|blocks| drop(blocks.pop()))),
        ("where the question leads to", with(&|blocks| drop(blocks.remove(1)))),
        ("where the question leads to", with(&|blocks| blocks.insert(1, stranger.clone()))),
        ("twice", with(&|blocks| blocks.insert(last, blocks[0].clone()))),
        ("twice", with(&|blocks| blocks.push(blocks[0].clone()))),
        ("the question does not lead to", with(&|blocks| blocks.push(stranger.clone()))),
        ("not what it names", with(&|blocks| blocks[last].1[3] ^= 1)),
    ];
    for (reason, bad) in rows {
        let refusal = verify(&root, &bad, &question).unwrap_err().to_string();
        assert!(refusal.contains(reason), "{refusal} is not {reason}");
    }
}

#[test]
fn a_witness_answers_its_own_question_only() {
    let world = World::small();
    let (_, witness) = proven(&world, &ActorAt(Address::new_id(CONTRACT_ID)));
    let other = verify(&world.root, &witness, &ActorAt(CONTRACT.to_address()));
    assert!(matches!(other, Err(WitnessRejected::Unexpected { .. } | WitnessRejected::Missing(_))), "{other:?}");
}

#[test]
fn blocks_that_no_honest_chain_wrote_are_refused_and_nothing_panics() {
    let world = World::small();
    let question = ActorAt(Address::new_id(CONTRACT_ID));
    // A map that goes deeper than its keys have bits: each node links to the one below from all its places.
    let store = &world.store;
    let mut node = put(store, &(fvm_ipld_encoding::BytesSer(&[]), Vec::<u8>::new()));
    for _ in 0..60 {
        node = put(store, &(fvm_ipld_encoding::BytesSer(&[0xff; 4]), vec![node; 32]));
    }
    let info = put(store, &Vec::<u8>::new());
    for (state, what) in [
        (put(store, &(5, node, info)), "deeper than a key has bits"),
        (put(store, &(5, info, info)), "it is not a bit field and a list"),
        (put(store, &(4, node, info)), "its version is not 5"),
        (put(store, &"state"), "no state root"),
    ] {
        let refusal = make(store, &state, &question).unwrap_err();
        assert!(refusal.to_string().contains(what), "{refusal} is not {what}");
    }
    let forged = put(store, &(5, node, info));
    let mut chain = Recorder { store, known: HashMap::new(), order: Vec::new(), bytes: 0 };
    assert!(question.ask(&mut chain, &forged).is_err());
    let witness = chain.write(&forged).unwrap();
    assert!(matches!(verify(&forged, &witness, &question), Err(WitnessRejected::Malformed(_))));
}

/// The root of a state where actor 500 keeps this block, and the block's CID.
fn keeping(world: &World, bytes: &[u8]) -> (Cid, Cid) {
    let state = tributary_primitives::cbor_cid(bytes);
    world.store.put_keyed(&state, bytes).unwrap();
    let actor = ActorState { state, ..ActorState::new_empty(raw_cid(b"code"), None) };
    (with_actor(world, 500, actor), state)
}

#[test]
fn a_block_of_too_many_items_is_refused_on_both_sides_before_any_of_them_is_made() {
    let mut world = World::small();
    let nulls = |count| vec![Ipld::Null; usize::try_from(count).unwrap()];
    let question = ValueAt { actor: Address::new_id(500), path: "".parse().unwrap() };
    let most = nulls(crate::ITEMS_MAX - 1);
    world.root = keeping(&world, &fvm_ipld_encoding::to_vec(&most).unwrap()).0;
    assert_eq!(proven(&world, &question).0, Some(Ipld::List(most)));

    // The second one only says that it has so many: whoever began to make them would find that it ends early.
    let beyond = fvm_ipld_encoding::to_vec(&nulls(crate::ITEMS_MAX)).unwrap();
    for bytes in [beyond, vec![0x9a, 0xff, 0xff, 0xff, 0xff]] {
        let (root, state) = keeping(&world, &bytes);
        let refused = NodeRejected::TooManyItems(Box::new(state));
        let made = make(&world.store, &root, &question);
        assert!(matches!(&made, Err(WitnessFatal::Malformed(why)) if *why == refused), "{:?}", made.err());
        let parts = make(&world.store, &root, &crate::PartsOf::from(question.clone()));
        assert!(matches!(&parts, Err(WitnessFatal::Malformed(why)) if *why == refused), "{:?}", parts.err());

        let (_, way) = make(&world.store, &root, &ActorAt(question.actor)).unwrap();
        let forged = file(&root, &[blocks(&way), vec![(state, bytes)]].concat());
        let verified = verify(&root, &forged, &question);
        assert!(matches!(&verified, Err(WitnessRejected::Malformed(why)) if *why == refused), "{:?}", verified.err());
    }
}

#[test]
fn more_blocks_than_a_witness_may_have_are_refused_on_both_sides() {
    let world = World::small();
    let mut below = put(&world.store, &0);
    for _ in 0..BLOCKS_MAX {
        below = put(&world.store, &below);
    }
    let actor = ActorState { state: below, ..ActorState::new_empty(raw_cid(b"code"), None) };
    let root = with_actor(&world, 500, actor);
    let question = ValueAt { actor: Address::new_id(500), path: "".parse().unwrap() };
    assert!(matches!(make(&world.store, &root, &question), Err(WitnessFatal::TooLong)));

    let (_, way) = make(&world.store, &root, &ActorAt(Address::new_id(500))).unwrap();
    let mut all = blocks(&way);
    let mut next = below;
    loop {
        let block = world.store.get(&next).unwrap().unwrap();
        all.push((next, block.clone()));
        let Ok(link) = fvm_ipld_encoding::from_slice::<Cid>(&block) else { break };
        next = link;
    }
    assert!(matches!(verify(&root, &file(&root, &all), &question), Err(WitnessRejected::TooManyBlocks)));
}

#[test]
fn a_store_without_a_block_gives_no_witness() {
    let world = World::small();
    let nothing = fvm_ipld_blockstore::MemoryBlockstore::default();
    let missing = make(&nothing, &world.root, &ActorAt(Address::new_id(1)));
    assert!(matches!(missing, Err(WitnessFatal::Missing(cid)) if *cid == world.root));
}

/// The form of a witness: a change of it is a change of the protocol.
#[test]
fn the_witness_of_a_slot_is_pinned() {
    let word = |low| std::array::from_fn(|at| if at == 31 { low } else { 0 });
    let world = World::of(&[(101, 7)].into(), &(1..=3).map(|low| (word(low), word(2 * low))).collect());
    let (value, witness) = proven(&world, &slot(word(3)));
    assert_eq!(value.0, word(6));
    assert_eq!(world.root.to_string(), "bafy2bzacebgycs4u3s6yzjz2ajtruyn2dmaiasshiqktp2mbg7riyz5up3kww");
    assert_eq!(hex::encode(&witness), include_str!("../../vectors/slot.hex").trim());
}

fn word() -> impl Strategy<Value = [u8; 32]> {
    // Small slots share their first levels, as a compiler's do; hashes spread; some differ in the last bits only.
    let small = any::<u8>().prop_map(|low| {
        let mut word = [0; 32];
        word[31] = low;
        word
    });
    let near = any::<u16>().prop_map(|low| {
        let mut word = [0xab; 32];
        word[30..].copy_from_slice(&low.to_be_bytes());
        word
    });
    prop_oneof![small, near, any::<[u8; 32]>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_witness_of_any_key_of_any_state_says_what_a_plain_map_says(
        accounts in btree_map(101_u64..5000, any::<u64>(), 0..60),
        slots in btree_map(word(), word().prop_filter("zero is no entry", |word| *word != [0; 32]), 0..60),
        asked in (101_u64..5000, word()),
    ) {
        let world = World::of(&accounts, &slots);
        let ids = accounts.keys().copied().take(8).chain([asked.0]);
        for id in ids {
            let expected = world.actors.get(&id).map(|actor| (id, actor.clone()));
            prop_assert_eq!(&proven(&world, &ActorAt(Address::new_id(id))).0, &expected);
            prop_assert_eq!(&proven(&world, &ActorAt(name(id))).0, &expected);
        }
        for at in slots.keys().copied().take(8).chain([asked.1]) {
            let expected = slots.get(&at).copied().unwrap_or_default();
            prop_assert_eq!(proven(&world, &slot(at)).0, Hash32(expected));
        }
    }

    #[test]
    fn a_witness_with_any_byte_changed_is_refused(
        slots in btree_map(word(), word(), 1..40), position in any::<prop::sample::Index>(), flip in 1_u8..,
    ) {
        let world = World::of(&[(101, 1)].into(), &slots);
        let question = slot(*slots.keys().next().unwrap());
        let (_, mut witness) = proven(&world, &question);
        let at = position.index(witness.len());
        witness[at] ^= flip;
        prop_assert!(verify(&world.root, &witness, &question).is_err(), "byte {} of {}", at, witness.len());
    }

    #[test]
    fn no_bytes_make_the_verifier_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let root = raw_cid(b"root");
        prop_assert!(verify(&root, &bytes, &ActorAt(EthAddress([1; 20]).to_address())).is_err());
    }
}
