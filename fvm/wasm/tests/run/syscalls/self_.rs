//! `self`.

use fvm_ipld_encoding::{DAG_CBOR, to_vec};
use fvm_shared::error::ErrorNumber;

use super::{answer_of, buffer_of, expect_error, run, run_as};
use crate::world::{ME, cid_of, first_root};

#[test]
fn self_syscalls_answer() {
    let root = first_root().0.to_bytes();
    let ran = run(&buffer_of("(call $root (i32.const 0) (i32.const 256) (i32.const 99))"), &[]);
    assert_eq!(ran.returned(), root);

    let ran = run(&answer_of("(call $current_balance (i32.const 0))", 16), &[]);
    assert_eq!(ran.returned(), 1_000_u128.to_le_bytes());

    let ran = run(&answer_of("(call $self_destruct (i32.const 1))", 0), &[]);
    assert_eq!((ran.exit_code(), ran.world.state.actors.contains_key(&ME)), (0, false));
}

#[test]
fn a_new_root_is_created_linked_and_set() {
    let block = to_vec(&(1_u64, 2_u64)).unwrap();
    let body = format!(
        "(call $ok (call $block_create (i32.const 0) (i64.const 0x71) (i32.const 1024) (i32.const {})))
         (call $ok (call $block_link (i32.const 4) (i32.load (i32.const 0)) (i64.const 0xb220) (i32.const 32)
                     (i32.const 256) (i32.const 99)))
         (call $ok (call $set_root (i32.const 256)))
         (call $reply (i32.const 256) (i32.load (i32.const 4)))",
        block.len()
    );
    let ran = run(&body, &[(1_024, &block)]);
    let cid = cid_of(DAG_CBOR, &block);
    assert_eq!(ran.returned(), cid.to_bytes());
    assert_eq!(ran.world.state.actors[&ME].root, cid);
    assert_eq!(ran.world.blocks[&cid][..], block);
}

#[test]
fn self_syscalls_refuse() {
    let stranger = cid_of(DAG_CBOR, b"stranger").to_bytes();
    let root_then = |call: &str| {
        format!("(call $ok (call $root (i32.const 0) (i32.const 256) (i32.const 99))) (call $ok {call}) (i32.const 0)")
    };
    let deleted_then = |call: &str| {
        format!(
            "(call $ok (call $root (i32.const 0) (i32.const 256) (i32.const 99)))
                 (call $ok (call $self_destruct (i32.const 1))) (call $ok {call}) (i32.const 0)"
        )
    };
    let set_root = "(call $set_root (i32.const 256))";
    let table = [
        (
            "small",
            root_then("(call $root (i32.const 0) (i32.const 256) (i32.const 3))"),
            false,
            ErrorNumber::BufferTooSmall,
        ),
        ("unreachable", root_then("(call $set_root (i32.const 1024))"), false, ErrorNumber::NotFound),
        ("no CID", root_then("(call $set_root (i32.const 65535))"), false, ErrorNumber::IllegalArgument),
        ("read-only root", root_then(set_root), true, ErrorNumber::ReadOnly),
        ("read-only end", root_then("(call $self_destruct (i32.const 1))"), true, ErrorNumber::ReadOnly),
        ("funds left", root_then("(call $self_destruct (i32.const 0))"), false, ErrorNumber::IllegalOperation),
        ("deleted, set", deleted_then(set_root), false, ErrorNumber::IllegalOperation),
        (
            "deleted, get",
            deleted_then("(call $root (i32.const 0) (i32.const 256) (i32.const 99))"),
            false,
            ErrorNumber::IllegalOperation,
        ),
    ];
    for (what, body, read_only, number) in table {
        let ran = run_as(&body, &[(1_024, &stranger)], |invocation| invocation.read_only = read_only);
        expect_error(what, &ran, number);
    }
}
