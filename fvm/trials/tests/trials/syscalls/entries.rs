//! `tributary.entry_get`, `entry_set` and `entry_delete`.

use fvm_shared::address::Address;
use fvm_shared::error::{ErrorNumber as No, ExitCode};
use fvm_shared::message::Message;
use tributary_fvm::ReadState as _;
use tributary_primitives::EntryKey;
use tributary_primitives::actors::ENTRIES_ID;
use tributary_primitives::entry::{ENTRY_KEY_BYTES_MAX, ENTRY_VALUE_BYTES_MAX};
use tributary_script::{Op, SendOp};
use tributary_trials::world::{FVM_GAS, Who, World, fvm, script};

use crate::actor::{Answer, NONCE, answers, call, id, last, refused, run, sent};

fn set(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Op {
    Op::EntrySet { key: key.into(), value: value.into() }
}

fn get(key: impl AsRef<[u8]>) -> Op {
    Op::EntryGet { key: key.into(), out_len: 8 }
}

fn delete(key: impl AsRef<[u8]>) -> Op {
    Op::EntryDelete(key.into())
}

/// The length of a value, and as much of it as a script asks for.
fn value(value: &[u8]) -> Answer {
    let len = i32::try_from(value.len()).unwrap().to_le_bytes();
    Ok([&len[..], &value[..value.len().min(8)]].concat())
}

fn no_entry() -> Answer {
    Ok((-1_i32).to_le_bytes().to_vec())
}

/// What the state holds under `k` of both script actors.
fn kept(world: &World) -> [Option<Vec<u8>>; 2] {
    [0, 1].map(|number| world.tree().entry(id(number), &EntryKey::new(b"k").unwrap()).unwrap())
}

#[test]
fn entries_are_set_got_and_deleted() {
    let long = vec![7; ENTRY_VALUE_BYTES_MAX];
    for (what, ops, answer) in [
        ("nothing", vec![get(b"k")], no_entry()),
        ("a value", vec![set(b"k", b"v"), get(b"k")], value(b"v")),
        ("an empty value", vec![set(b"k", b""), get(b"k")], value(b"")),
        ("the last value", vec![set(b"k", b"v"), set(b"k", b"w"), get(b"k")], value(b"w")),
        ("the largest entry", vec![set([1; ENTRY_KEY_BYTES_MAX], &long), get([1; ENTRY_KEY_BYTES_MAX])], value(&long)),
        ("another key", vec![set(b"k", b"v"), get(b"kk")], no_entry()),
        ("a deleted entry", vec![set(b"k", b"v"), delete(b"k"), get(b"k")], no_entry()),
        ("delete nothing", vec![delete(b"k")], Ok(vec![])),
    ] {
        assert_eq!(last(what, ops), answer, "{what}");
    }
}

#[test]
fn what_is_asked_wrong_has_its_error_number() {
    let (no_key, long_key) = (b"", [1; ENTRY_KEY_BYTES_MAX + 1]);
    for (what, op, number) in [
        ("get by no key", get(no_key), No::IllegalArgument),
        ("get by a long key", get(long_key), No::LimitExceeded),
        ("set by no key", set(no_key, b"v"), No::IllegalArgument),
        ("set by a long key", set(long_key, b"v"), No::LimitExceeded),
        ("set to a long value", set(b"k", vec![7; ENTRY_VALUE_BYTES_MAX + 1]), No::LimitExceeded),
        ("delete by no key", delete(no_key), No::IllegalArgument),
        ("delete by a long key", delete(long_key), No::LimitExceeded),
    ] {
        assert_eq!(last(what, vec![op]), refused(number), "{what}");
    }
    for (what, op) in [("get", get(b"k")), ("set", set(b"k", b"v")), ("delete", delete(b"k"))] {
        let answer = last(what, vec![set(b"k", b"v"), Op::SelfDestruct(true), op.clone()]);
        assert_eq!(answer, refused(No::IllegalOperation), "{what} of who is gone");
        let read_only = answers(what, vec![Op::Send(SendOp { flags: 1, ..call(1, vec![op]) })]);
        let expected = if what == "get" { no_entry() } else { refused(No::ReadOnly) };
        assert_eq!(sent(&read_only, 0).1.pop().unwrap(), expected, "{what} in a read-only call");
    }
}

#[test]
fn an_actor_finds_its_own_entries_in_later_messages_and_nobody_elses() {
    let mut world = World::new();
    let run = |world: &mut World, nonce, actor: usize, ops| {
        let receipt = world.one(fvm(Who::Carol, script(NONCE + nonce, id(actor), ops)));
        assert_eq!(receipt.exit_code, ExitCode::OK);
        crate::actor::read(&receipt.return_data)
    };
    run(&mut world, 0, 0, vec![set(b"k", b"one")]);
    assert_eq!(kept(&world), [Some(b"one".to_vec()), None]);
    assert_eq!(run(&mut world, 1, 1, vec![get(b"k"), set(b"k", b"two")])[0], no_entry());
    assert_eq!(run(&mut world, 2, 0, vec![get(b"k")])[0], value(b"one"));
    // Called by the other, it is its own that an actor reaches.
    let above = run(&mut world, 3, 0, vec![Op::Send(call(1, vec![get(b"k")]))]);
    assert_eq!(sent(&above, 0).1, [value(b"two")]);
}

#[test]
fn an_abort_takes_back_what_was_set_below_it() {
    for (what, ends, inner) in
        [("it ends well", vec![], Some(&b"in"[..])), ("it aborts", vec![Op::ExitWithLog(20)], None)]
    {
        let mut world = World::new();
        world.one(fvm(Who::Carol, script(NONCE, id(0), vec![set(b"k", b"before")])));
        // The other actor sets an entry of its own, and has the first one called again.
        let again = Op::Send(call(0, vec![get(b"k"), set(b"k", b"in"), delete(b"l")]));
        let below = [vec![set(b"k", b"in"), again], ends].concat();
        let ops = vec![set(b"k", b"out"), set(b"l", b"out"), Op::Send(call(1, below)), get(b"k"), get(b"l")];
        let receipt = world.one(fvm(Who::Carol, script(NONCE + 1, id(0), ops)));
        let seen = crate::actor::read(&receipt.return_data);
        let (k, l) = (seen[seen.len() - 2].clone(), seen[seen.len() - 1].clone());
        assert_eq!(k, value(inner.unwrap_or(b"out")), "{what}");
        assert_eq!(l, if inner.is_some() { no_entry() } else { value(b"out") }, "{what}");
        assert_eq!(kept(&world), [Some(inner.unwrap_or(b"out").to_vec()), inner.map(<[u8]>::to_vec)], "{what}");
    }
}

#[test]
fn without_entries_a_state_is_what_it_was() {
    let mut world = World::new();
    let receipt = world.one(fvm(Who::Carol, script(NONCE, id(0), vec![set(b"k", b"v"), delete(b"k")])));
    assert_eq!((receipt.exit_code, world.tree().actor(ENTRIES_ID).unwrap()), (ExitCode::OK, None));
    world.one(fvm(Who::Carol, script(NONCE + 1, id(0), vec![set(b"k", b"v")])));
    assert!(world.tree().actor(ENTRIES_ID).unwrap().is_some());
    world.one(fvm(Who::Carol, script(NONCE + 2, id(0), vec![delete(b"k")])));
    assert_eq!(world.tree().actor(ENTRIES_ID).unwrap(), None, "the last entry takes the actor with it");
}

#[test]
fn nobody_pays_or_calls_the_actor_that_holds_entries() {
    let mut world = World::new();
    world.one(fvm(Who::Carol, script(NONCE, id(0), vec![set(b"k", b"v")])));
    for (nonce, method) in [(1, 0), (2, 2), (3, 1 << 24)] {
        let mut message = Message { gas_limit: FVM_GAS, ..script(NONCE + nonce, ENTRIES_ID, vec![]) };
        (message.method_num, message.value) = (method, fvm_shared::econ::TokenAmount::from_atto(5));
        let receipt = world.one(fvm(Who::Carol, message));
        assert_eq!(receipt.exit_code, ExitCode::SYS_INVALID_RECEIVER, "method {method}");
    }
    let holder = Address::new_id(ENTRIES_ID);
    assert_eq!(world.tree().balance(&holder).unwrap(), fvm_shared::econ::TokenAmount::default());
}

#[test]
fn who_deletes_itself_leaves_its_entries_behind() {
    let mut world = World::new();
    world.one(fvm(Who::Carol, script(NONCE, id(0), vec![set(b"k", b"v"), Op::SelfDestruct(true)])));
    assert_eq!(world.tree().actor(id(0)).unwrap(), None);
    assert_eq!(kept(&world)[0], Some(b"v".to_vec()));
}

#[test]
fn entries_are_paid_by_the_byte_and_for_the_way_to_them() {
    let gas = |ops: Vec<Op>| run(ops).fvm_gas_used;
    let more = |large: u64, small: u64, per_byte: u64| {
        // Beside the price, a byte of the script is included, read and copied.
        let bytes = (large - small) / 1_000;
        assert!((per_byte..per_byte + 2_500).contains(&bytes), "{bytes} gas a byte, not {per_byte}");
    };
    more(gas(vec![set(b"k", vec![7; 1_024])]), gas(vec![set(b"k", vec![7; 24])]), 3_352);
    let twice = gas(vec![set(b"k", b""), delete(b"k"), get(b"k")]);
    let nothing = gas(vec![Op::DebugEnabled, Op::DebugEnabled, Op::DebugEnabled]);
    // 334,000, 172,000 and 475,000 to set, the latter two to delete, 187,440 to get.
    assert!((1_815_440..1_900_000).contains(&(twice - nothing)), "{}", twice - nothing);
}
