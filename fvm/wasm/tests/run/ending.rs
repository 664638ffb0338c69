//! How an invocation ends.

use fvm_shared::error::ExitCode;
use tributary_wasm::Halt;

use crate::guest::{actor, actor_with};
use crate::world::{ME, PLENTY, World, first_root};

fn exit(code: u32, block: u32) -> String {
    format!("(drop (call $exit (i32.const {code}) (i32.const {block}) (i32.const 1024) (i32.const 4))) (i32.const 0)")
}

const MAKE_BLOCK: &str =
    "(call $ok (call $block_create (i32.const 0) (i64.const 0x55) (i32.const 1024) (i32.const 2)))";

#[test]
fn every_ending_has_its_exit_code() {
    let with_block = |rest: &str| format!("{MAKE_BLOCK} {rest}");
    let table: [(&str, String, ExitCode, Option<&[u8]>); 16] = [
        ("no return", "(i32.const 0)".into(), ExitCode::OK, None),
        ("return", with_block("(i32.const 1)"), ExitCode::OK, Some(b"wh")),
        ("missing return", "(i32.const 1)".into(), ExitCode::SYS_MISSING_RETURN, None),
        ("far missing return", "(i32.const -1)".into(), ExitCode::SYS_MISSING_RETURN, None),
        ("exit well", exit(0, 0), ExitCode::OK, None),
        ("exit well with data", with_block(&exit(0, 1)), ExitCode::OK, Some(b"wh")),
        ("exit with a reserved code", exit(7, 0), ExitCode::SYS_ILLEGAL_EXIT_CODE, None),
        ("exit with a code", exit(16, 0), ExitCode::USR_ILLEGAL_ARGUMENT, None),
        ("exit with a code and data", with_block(&exit(33, 1)), ExitCode::new(33), Some(b"wh")),
        ("exit with missing data", exit(33, 9), ExitCode::SYS_MISSING_RETURN, None),
        ("unreachable", "unreachable".into(), ExitCode::SYS_ILLEGAL_INSTRUCTION, None),
        ("division by zero", "(i32.div_u (i32.const 1) (i32.const 0))".into(), ExitCode::SYS_ILLEGAL_INSTRUCTION, None),
        (
            "integer overflow",
            "(i32.div_s (i32.const 0x80000000) (i32.const -1))".into(),
            ExitCode::SYS_ILLEGAL_INSTRUCTION,
            None,
        ),
        ("bad conversion", "(i32.trunc_f64_s (f64.const nan))".into(), ExitCode::SYS_ILLEGAL_INSTRUCTION, None),
        ("load outside", "(i32.load (i32.const 65533))".into(), ExitCode::SYS_ILLEGAL_INSTRUCTION, None),
        (
            "store far outside",
            "(i32.store offset=0xffffffff (i32.const -1) (i32.const 1)) (i32.const 0)".into(),
            ExitCode::SYS_ILLEGAL_INSTRUCTION,
            None,
        ),
    ];
    for (what, body, code, data) in table {
        let ran = World::new(&actor(&body, &[(1_024, b"why?")])).run(PLENTY);
        let outcome = ran.outcome.unwrap();
        assert_eq!(outcome.exit_code, code, "{what}");
        assert_eq!(outcome.return_block.as_ref().map(|block| &block.data()[..]), data, "{what}");
    }
}

#[test]
fn an_abort_keeps_its_message_for_people() {
    let ran = World::new(&actor(&exit(20, 0), &[(1_024, b"why?")])).run(PLENTY);
    assert_eq!(ran.outcome.unwrap().message.as_deref(), Some("why?"));
}

#[test]
fn a_wrong_indirect_call_is_an_illegal_instruction() {
    let more = "(type $nothing (func)) (table 2 funcref) (elem (i32.const 0) $ok)";
    for index in [0, 1, 2] {
        let body = format!("(call_indirect (type $nothing) (i32.const {index})) (i32.const 0)");
        let ran = World::new(&actor_with(more, &body, &[])).run(PLENTY);
        assert_eq!(ran.exit_code(), 4, "type, null and bounds: {index}");
    }
}

#[test]
fn data_that_does_not_fit_memory_is_an_illegal_instruction() {
    let ran = World::new(&actor("(i32.const 0)", &[(65_535, b"ab")])).run(PLENTY);
    assert_eq!(ran.exit_code(), 4);
}

#[test]
fn a_missing_block_of_state_is_the_nodes_fault_and_no_receipt() {
    let body = "
        (call $ok (call $root (i32.const 0) (i32.const 256) (i32.const 99)))
        (call $ok (call $block_open (i32.const 0) (i32.const 256)))
        (i32.const 0)";
    let mut world = World::new(&actor(body, &[]));
    world.blocks.remove(&first_root().0);
    let ran = world.run(PLENTY);
    assert!(matches!(ran.outcome, Err(Halt::Fatal(_))), "{:?}", ran.outcome);
    assert!(ran.world.state.actors.contains_key(&ME), "the host came back");
}
