//! `actor`.

use fvm_shared::address::Address;
use fvm_shared::error::ErrorNumber;
use tributary_primitives::actors::INIT_ID;

use super::{Data, answer_of, buffer_of, expect_error, run};
use crate::guest::actor;
use crate::world::{ALICE, PLENTY, World, account_code, alice_f4, cid_of};

#[test]
fn actor_syscalls_answer() {
    let (f4, code) = (alice_f4().to_bytes(), account_code().to_bytes());
    let f4_len = f4.len();
    let table: [(&str, String, Vec<u8>); 10] = [
        (
            "resolve",
            answer_of(&format!("(call $resolve_address (i32.const 0) (i32.const 1024) (i32.const {f4_len}))"), 8),
            ALICE.to_le_bytes().to_vec(),
        ),
        (
            "delegated",
            buffer_of("(call $lookup_delegated_address (i32.const 0) (i64.const 101) (i32.const 256) (i32.const 100))"),
            f4.clone(),
        ),
        (
            "no delegated",
            buffer_of("(call $lookup_delegated_address (i32.const 0) (i64.const 102) (i32.const 256) (i32.const 100))"),
            vec![],
        ),
        (
            "code",
            buffer_of("(call $get_actor_code_cid (i32.const 0) (i64.const 101) (i32.const 256) (i32.const 100))"),
            code.clone(),
        ),
        (
            "balance",
            answer_of("(call $balance_of (i32.const 0) (i64.const 101))", 16),
            1_000_u128.to_le_bytes().to_vec(),
        ),
        ("type", answer_of("(call $get_builtin_actor_type (i32.const 0) (i32.const 2048))", 4), vec![4, 0, 0, 0]),
        ("no type", answer_of("(call $get_builtin_actor_type (i32.const 0) (i32.const 3072))", 4), vec![0; 4]),
        (
            "code of type",
            buffer_of("(call $get_code_cid_for_type (i32.const 0) (i32.const 4) (i32.const 256) (i32.const 100))"),
            code.clone(),
        ),
        (
            "next address",
            buffer_of("(call $next_actor_address (i32.const 0) (i32.const 256) (i32.const 21))"),
            Address::new_actor(&[0; 8]).to_bytes(),
        ),
        (
            "unaligned answer",
            "(call $ok (call $balance_of (i32.const 3) (i64.const 101))) (call $reply (i32.const 3) (i32.const 16))"
                .to_owned(),
            1_000_u128.to_le_bytes().to_vec(),
        ),
    ];
    let other = cid_of(0x55, b"other").to_bytes();
    for (what, body, expected) in table {
        let ran = run(&body, &[(1_024, &f4), (2_048, &code), (3_072, &other)]);
        assert_eq!(ran.returned(), expected, "{what}");
    }
}

#[test]
fn actor_syscalls_refuse() {
    let code = account_code().to_bytes();
    let table = [
        (
            "odd address",
            "(call $resolve_address (i32.const 0) (i32.const 1024) (i32.const 3))",
            ErrorNumber::IllegalArgument,
        ),
        (
            "unknown address",
            "(call $resolve_address (i32.const 0) (i32.const 3072) (i32.const 21))",
            ErrorNumber::NotFound,
        ),
        (
            "delegated of nobody",
            "(call $lookup_delegated_address (i32.const 0) (i64.const 9) (i32.const 256) (i32.const 99))",
            ErrorNumber::NotFound,
        ),
        (
            "delegated, small",
            "(call $lookup_delegated_address (i32.const 0) (i64.const 101) (i32.const 256) (i32.const 2))",
            ErrorNumber::BufferTooSmall,
        ),
        (
            "delegated, outside",
            "(call $lookup_delegated_address (i32.const 0) (i64.const 101) (i32.const 65530) (i32.const 99))",
            ErrorNumber::IllegalArgument,
        ),
        (
            "code of nobody",
            "(call $get_actor_code_cid (i32.const 0) (i64.const 9) (i32.const 256) (i32.const 99))",
            ErrorNumber::NotFound,
        ),
        (
            "code, small",
            "(call $get_actor_code_cid (i32.const 0) (i64.const 101) (i32.const 256) (i32.const 9))",
            ErrorNumber::BufferTooSmall,
        ),
        ("balance of nobody", "(call $balance_of (i32.const 0) (i64.const 9))", ErrorNumber::NotFound),
        (
            "type of no CID",
            "(call $get_builtin_actor_type (i32.const 0) (i32.const 65535))",
            ErrorNumber::IllegalArgument,
        ),
        (
            "code of no type",
            "(call $get_code_cid_for_type (i32.const 0) (i32.const -1) (i32.const 256) (i32.const 99))",
            ErrorNumber::IllegalArgument,
        ),
        (
            "next address, small",
            "(call $next_actor_address (i32.const 0) (i32.const 256) (i32.const 20))",
            ErrorNumber::BufferTooSmall,
        ),
        (
            "create, no init",
            "(call $create_actor (i64.const 200) (i32.const 2048) (i32.const 0) (i32.const 0))",
            ErrorNumber::Forbidden,
        ),
        ("answer outside", "(call $balance_of (i32.const 65530) (i64.const 101))", ErrorNumber::IllegalArgument),
        ("answer far outside", "(call $balance_of (i32.const -1) (i64.const 101))", ErrorNumber::IllegalArgument),
    ];
    let unknown = Address::new_actor(b"unknown").to_bytes();
    for (what, call, number) in table {
        let data: Data<'_> = &[(2_048, &code), (3_072, &unknown)];
        expect_error(what, &run(&answer_of(call, 0), data), number);
    }
}

#[test]
fn the_init_actor_creates_actors_unless_it_may_only_read() {
    let (code, f4) = (account_code().to_bytes(), Address::new_delegated(10, &[1; 20]).unwrap());
    let f4_bytes = f4.to_bytes();
    let call = format!(
        "(call $create_actor (i64.const 200) (i32.const 1024) (i32.const 2048) (i32.const {}))",
        f4_bytes.len()
    );
    let data: Data<'_> = &[(1_024, &code), (2_048, &f4_bytes)];
    for (read_only, number) in [(false, None), (true, Some(ErrorNumber::ReadOnly))] {
        let wasm = actor(&answer_of(&call, 0), data);
        let mut world = World::new(&wasm);
        world.install(INIT_ID, &wasm);
        let ran = world.run_as(
            |invocation| {
                invocation.receiver = INIT_ID;
                invocation.read_only = read_only;
            },
            PLENTY,
        );
        match number {
            Some(number) => expect_error("read-only", &ran, number),
            None => {
                ran.returned();
                let created = &ran.world.state.actors[&200];
                assert_eq!((created.code, created.delegated), (account_code(), Some(f4)));
            }
        }
    }
}
