//! `ipld`, and the blocks that a call starts with.

use fvm_ipld_encoding::{CBOR, DAG_CBOR, to_vec};
use fvm_shared::error::ErrorNumber;
use tributary_wasm::Block;

use super::{Data, expect_error, run, run_as};
use crate::world::{LEAF, cid_of};

#[test]
fn a_block_is_reachable_through_the_root_and_not_before() {
    let leaf = cid_of(DAG_CBOR, LEAF).to_bytes();
    let data: Data<'_> = &[(1_024, &leaf)];
    let open_leaf = "(call $ok (call $block_open (i32.const 32) (i32.const 1024)))";
    expect_error("early", &run(&format!("{open_leaf} (i32.const 0)"), data), ErrorNumber::NotFound);

    let body = format!(
        "(call $ok (call $root (i32.const 0) (i32.const 256) (i32.const 99)))
         (call $ok (call $block_open (i32.const 0) (i32.const 256)))
         {open_leaf}
         (call $ok (call $block_read (i32.const 64) (i32.load (i32.const 40)) (i32.const 0) (i32.const 512) (i32.const 9)))
         (call $ok (call $block_stat (i32.const 68) (i32.load (i32.const 40))))
         (call $reply (i32.const 32) (i32.const 48))"
    );
    let returned = run(&body, data).returned();
    // Opened second, so handle 2; codec and size as stored; nine bytes asked for, four there.
    assert_eq!(returned[..16], [0x71, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0]);
    assert_eq!(returned[32..36], (-5_i32).to_le_bytes());
    assert_eq!(returned[36..48], [0x71, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0]);
}

#[test]
fn a_block_is_read_in_pieces() {
    let body = "
        (call $ok (call $block_create (i32.const 0) (i64.const 0x55) (i32.const 1024) (i32.const 6)))
        (call $ok (call $block_read (i32.const 4) (i32.const 1) (i32.const 2) (i32.const 12) (i32.const 3)))
        (call $ok (call $block_read (i32.const 8) (i32.const 1) (i32.const 99) (i32.const 64) (i32.const 3)))
        (call $reply (i32.const 4) (i32.const 11))";
    let returned = run(body, &[(1_024, b"abcdef")]).returned();
    assert_eq!(returned[..4], 1_i32.to_le_bytes(), "one byte is left");
    assert_eq!(returned[4..8], (-96_i32).to_le_bytes(), "far past the end");
    assert_eq!(returned[8..], *b"cde");
}

#[test]
fn ipld_syscalls_refuse() {
    let unreachable = to_vec(&(cid_of(DAG_CBOR, b"stranger"),)).unwrap();
    let table = [
        ("open, no CID", "(call $block_open (i32.const 0) (i32.const 65535))", ErrorNumber::IllegalArgument),
        (
            "create, codec",
            "(call $block_create (i32.const 0) (i64.const 0x70) (i32.const 0) (i32.const 0))",
            ErrorNumber::IllegalCodec,
        ),
        (
            "create, outside",
            "(call $block_create (i32.const 0) (i64.const 0x55) (i32.const 65535) (i32.const 2))",
            ErrorNumber::IllegalArgument,
        ),
        (
            "create, no CBOR",
            "(call $block_create (i32.const 0) (i64.const 0x71) (i32.const 0) (i32.const 0))",
            ErrorNumber::Serialization,
        ),
        (
            "create, unreachable",
            "(call $block_create (i32.const 0) (i64.const 0x71) (i32.const 1024) (i32.const 44))",
            ErrorNumber::NotFound,
        ),
        (
            "create, large",
            "(drop (memory.grow (i32.const 20))) (call $block_create (i32.const 0) (i64.const 0x55) (i32.const 0) (i32.const 1048577))",
            ErrorNumber::LimitExceeded,
        ),
        (
            "read, handle",
            "(call $block_read (i32.const 0) (i32.const 7) (i32.const 0) (i32.const 256) (i32.const 1))",
            ErrorNumber::InvalidHandle,
        ),
        (
            "read, overflow",
            "(call $block_read (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 256) (i32.const 1))",
            ErrorNumber::IllegalArgument,
        ),
        ("stat, handle", "(call $block_stat (i32.const 0) (i32.const 0))", ErrorNumber::InvalidHandle),
        (
            "link, handle",
            "(call $block_link (i32.const 0) (i32.const 1) (i64.const 0xb220) (i32.const 32) (i32.const 256) (i32.const 99))",
            ErrorNumber::InvalidHandle,
        ),
        (
            "link, hash",
            "(call $block_link (i32.const 0) (i32.const 1) (i64.const 0x12) (i32.const 32) (i32.const 256) (i32.const 99))",
            ErrorNumber::IllegalCid,
        ),
        (
            "link, length",
            "(call $block_link (i32.const 0) (i32.const 1) (i64.const 0xb220) (i32.const 31) (i32.const 256) (i32.const 99))",
            ErrorNumber::IllegalCid,
        ),
    ];
    assert_eq!(unreachable.len(), 44);
    for (what, call, number) in table {
        // What precedes the call proper stands before it.
        let (before, call) = call
            .rsplit_once("(call $")
            .map_or(("", call.to_owned()), |(before, call)| (before, format!("(call ${call}")));
        let body = format!("{before} (call $ok {call}) (i32.const 0)");
        expect_error(what, &run(&body, &[(1_024, &unreachable)]), number);
    }
}

#[test]
fn parameters_are_block_one_and_make_their_links_reachable() {
    let leaf = cid_of(DAG_CBOR, LEAF);
    let params = to_vec(&(leaf,)).unwrap();
    let body = "
        (call $ok (call $block_open (i32.const 0) (i32.const 1024)))
        (call $ok (call $block_stat (i32.const 16) (local.get $params)))
        (i32.store (i32.const 28) (local.get $params))
        (call $reply (i32.const 16) (i32.const 16))";
    let block = Block::new(DAG_CBOR, params.clone()).unwrap();
    let ran = run_as(body, &[(1_024, &leaf.to_bytes())], |invocation| invocation.params = Some(block));
    let size = u8::try_from(params.len()).unwrap();
    assert_eq!(ran.returned(), [0x71, 0, 0, 0, 0, 0, 0, 0, size, 0, 0, 0, 1, 0, 0, 0]);

    // The same bytes as plain CBOR hold no links.
    let block = Block::new(CBOR, params).unwrap();
    let ran = run_as(body, &[(1_024, &leaf.to_bytes())], |invocation| invocation.params = Some(block));
    expect_error("plain CBOR", &ran, ErrorNumber::NotFound);
}
