//! `tributary.entry_get`, `entry_set` and `entry_delete`.

use std::sync::Arc;

use fvm_shared::error::ErrorNumber;
use tributary_primitives::EntryKey;

use super::{Data, answer_of, expect_error, run_as};
use crate::guest::actor;
use crate::world::{ME, OTHER, PLENTY, Ran, World};

/// The key and the value that bodies below use.
const KEY: (u32, &[u8]) = (1_024, b"key");
const VALUE: (u32, &[u8]) = (1_100, b"value");
const DATA: Data<'static> = &[KEY, VALUE];

fn key(bytes: &[u8]) -> EntryKey {
    EntryKey::new(bytes).unwrap()
}

/// Runs a body in a world where the actor and another one keep something under the same key.
fn run(body: &str) -> Ran {
    let mut world = World::new(&actor(body, DATA));
    for (id, value) in [(ME, &b"mine"[..]), (OTHER, b"another's")] {
        world.state.entries.insert((id, key(b"key")), Arc::from(value));
    }
    world.run(PLENTY)
}

#[test]
fn an_entry_is_got_as_far_as_the_buffer_goes_and_its_length_always() {
    let get = |buffer_len: u32| {
        format!(
            "(call $ok (call $entry_get (i32.const 252) (i32.const 1024) (i32.const 3) (i32.const 256) (i32.const {buffer_len})))
             (call $reply (i32.const 252) (i32.const 10))"
        )
    };
    for (buffer_len, filled) in [(99, &b"mine\0\0"[..]), (4, b"mine\0\0"), (2, b"mi\0\0\0\0"), (0, b"\0\0\0\0\0\0")] {
        assert_eq!(run(&get(buffer_len)).returned(), [&4_i32.to_le_bytes()[..], filled].concat(), "{buffer_len}");
    }
    let other = "(call $entry_get (i32.const 0) (i32.const 1024) (i32.const 2) (i32.const 256) (i32.const 99))";
    assert_eq!(run(&answer_of(other, 4)).returned(), (-1_i32).to_le_bytes(), "no such entry");
}

#[test]
fn an_actor_sets_and_deletes_entries_of_its_own_alone() {
    for (what, call, mine) in [
        ("set", "(call $entry_set (i32.const 1024) (i32.const 3) (i32.const 1100) (i32.const 5))", Some(&b"value"[..])),
        (
            "set to nothing",
            "(call $entry_set (i32.const 1024) (i32.const 3) (i32.const 1100) (i32.const 0))",
            Some(b""),
        ),
        ("delete", "(call $entry_delete (i32.const 1024) (i32.const 3))", None),
        ("delete what is not there", "(call $entry_delete (i32.const 1024) (i32.const 1))", Some(b"mine")),
    ] {
        let ran = run(&answer_of(call, 0));
        assert_eq!(ran.exit_code(), 0, "{what}");
        let entries = &ran.world.state.entries;
        assert_eq!(entries.get(&(ME, key(b"key"))).map(AsRef::as_ref), mine, "{what}");
        assert_eq!(entries[&(OTHER, key(b"key"))][..], *b"another's", "{what}");
    }
}

#[test]
fn the_largest_key_and_value_are_taken() {
    let call = "(call $entry_set (i32.const 1024) (i32.const 64) (i32.const 1024) (i32.const 1024))";
    let ran = run(&answer_of(call, 0));
    let entries: Vec<_> =
        ran.world.state.entries.iter().map(|((_, key), value)| (key.as_bytes().len(), value.len())).collect();
    assert!(entries.contains(&(64, 1_024)), "{entries:?}");
}

#[test]
fn entry_syscalls_refuse() {
    use ErrorNumber::{IllegalArgument, IllegalOperation, LimitExceeded, ReadOnly};
    let get = |key: u32, key_len: u32, buffer_len: u32| {
        format!(
            "(call $entry_get (i32.const 0) (i32.const {key}) (i32.const {key_len}) (i32.const 256) (i32.const {buffer_len}))"
        )
    };
    let set = |key_len: u32, value: u32, value_len: u32| {
        format!("(call $entry_set (i32.const 1024) (i32.const {key_len}) (i32.const {value}) (i32.const {value_len}))")
    };
    let delete = |key_len: u32| format!("(call $entry_delete (i32.const 1024) (i32.const {key_len}))");
    let nowhere = "(call $entry_get (i32.const 65533) (i32.const 1024) (i32.const 3) (i32.const 256) (i32.const 9))";
    let gone = |call: &str| format!("(call $self_destruct (i32.const 1))) (call $ok {call}");
    for (what, call, read_only, number) in [
        ("get by no key", get(1_024, 0, 9), false, IllegalArgument),
        ("get by a long key", get(1_024, 65, 9), false, LimitExceeded),
        ("get by the longest key", get(1_024, u32::MAX, 9), false, IllegalArgument),
        ("get by a key from nowhere", get(65_535, 3, 9), false, IllegalArgument),
        ("get into nowhere", get(1_024, 3, 65_536), false, IllegalArgument),
        ("get a length for nowhere", nowhere.to_owned(), false, IllegalArgument),
        ("set by no key", set(0, 1_100, 5), false, IllegalArgument),
        ("set by a long key", set(65, 1_100, 5), false, LimitExceeded),
        ("set to a long value", set(3, 1_100, 1_025), false, LimitExceeded),
        ("set to what is nowhere", set(3, 65_535, 5), false, IllegalArgument),
        ("set in a read-only call", set(3, 1_100, 5), true, ReadOnly),
        ("delete by no key", delete(0), false, IllegalArgument),
        ("delete by a long key", delete(65), false, LimitExceeded),
        ("delete in a read-only call", delete(3), true, ReadOnly),
        ("get of who is gone", gone(&get(1_024, 3, 9)), false, IllegalOperation),
        ("set of who is gone", gone(&set(3, 1_100, 5)), false, IllegalOperation),
        ("delete of who is gone", gone(&delete(3)), false, IllegalOperation),
    ] {
        let ran = run_as(&answer_of(&call, 0), DATA, |invocation| invocation.read_only = read_only);
        expect_error(what, &ran, number);
        assert!(ran.world.state.entries.is_empty(), "{what} changed something");
    }
}

#[test]
fn what_is_read_only_may_get() {
    let get = "(call $entry_get (i32.const 0) (i32.const 1024) (i32.const 3) (i32.const 256) (i32.const 9))";
    let ran = run_as(&answer_of(get, 4), DATA, |invocation| invocation.read_only = true);
    assert_eq!(ran.returned(), (-1_i32).to_le_bytes());
}
