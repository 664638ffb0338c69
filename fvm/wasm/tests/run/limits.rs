//! Gas, stack and memory: each has an end, and it is the same end everywhere.

use std::process::Command;

use fvm_ipld_encoding::{DAG_CBOR, to_vec};
use fvm_shared::address::Address;
use fvm_shared::error::ErrorNumber;
use rustix::process::{Resource, Rlimit, setrlimit};
use tributary_wasm::{
    Block, CallStack, Gas, GasTracker, Halt, Invocation, MEMORY_BYTES_MAX, Purpose, STACK_ELEMENTS_PER_CALL_MAX,
};

use crate::guest::{actor, actor_with, compile, refusal};
use crate::world::{ALICE, ENGINE, LEAF, PLENTY, Ran, World, cid_of};

fn out_of_gas(ran: &Ran) -> bool {
    matches!(ran.outcome, Err(Halt::OutOfGas(_)))
}

#[test]
fn doing_nothing_costs_the_call_the_memory_and_fifteen_instructions() {
    let wasm = compile(
        r#"(module (memory (export "memory") 1)
             (func (export "invoke") (param i32) (result i32) (i32.const 0)))"#,
    );
    let ran = World::new(&wasm).run(PLENTY);
    assert_eq!(ran.exit_code(), 0);
    // 75,000 and 26,214.4; the limiter's thunk is 14 instructions that cost, the body one.
    assert_eq!(ran.gas.used(), Gas::from_milligas(75_000_000 + 26_214_400 + 15 * 4_000));
}

#[test]
fn syscalls_and_instructions_cost_what_the_reference_charges() {
    let body = "
        (drop (call $root (i32.const 0) (i32.const 256) (i32.const 99)))
        (drop (call $block_open (i32.const 0) (i32.const 256)))
        (memory.copy (i32.const 0) (i32.const 1024) (local.get $params))
        (i32.const 0)";
    let ran = World::new(&actor(body, &[])).run(PLENTY);
    assert_eq!(ran.exit_code(), 0);
    let fixed = 75_000_000 + 26_214_400;
    let root = 14_000_000 + 300_000;
    // One list, one link, 44 bytes.
    let open = 14_000_000 + 187_740_000 + 2 * 35_000 + 400_000 + 440_000;
    // The thunk; two syscalls with three and two constants; a copy of nothing; a constant.
    let instructions = 14 + 4 + 3 + 4 + 1;
    assert_eq!(ran.gas.used(), Gas::from_milligas(fixed + root + open + instructions * 4_000));
}

#[test]
fn an_endless_loop_runs_out_of_gas() {
    let ran = World::new(&actor("(loop $again (br $again)) (i32.const 0)", &[])).run(1_000_000);
    assert!(out_of_gas(&ran), "{:?}", ran.outcome);
    assert_eq!(ran.gas.available(), Gas::ZERO);
}

/// Not one limit below the need ends any other way, and at the need all is well.
#[test]
fn every_gas_limit_below_the_need_is_out_of_gas() {
    let body = "
        (call $ok (call $root (i32.const 0) (i32.const 256) (i32.const 99)))
        (call $ok (call $block_open (i32.const 0) (i32.const 256)))
        (drop (memory.grow (i32.const 1)))
        (call $reply (i32.const 256) (i32.const 38))";
    let wasm = actor(body, &[]);
    let need = World::new(&wasm).run(PLENTY).gas.used().round_up();
    let steps = (0..need).step_by(997).chain(need - 200..need);
    for limit in steps {
        let ran = World::new(&wasm).run(limit);
        assert!(out_of_gas(&ran), "{limit} of {need}: {:?}", ran.outcome);
        assert_eq!(ran.gas.used(), Gas::new(limit));
    }
    assert_eq!(World::new(&wasm).run(need).exit_code(), 0);
}

#[test]
fn deep_recursion_is_an_illegal_instruction_at_a_counted_depth() {
    // A call counts eight elements and one for the value that a call may leave, `invoke` ten and one for its constant: so many calls fit,
    // whatever the machine's own stack.
    let frames = u64::from((STACK_ELEMENTS_PER_CALL_MAX - 11) / 9);
    let wasm = actor_with("(func $deep (call $deep))", "(call $deep) (i32.const 0)", &[]);
    let ran = World::new(&wasm).run(PLENTY);
    assert_eq!(ran.exit_code(), 4);
    // Eight instructions to the check and five after it, paid together on entry; 14 for the thunk
    // before `invoke` and one for its constant.
    let instructions = 14 + 13 + 1 + 13 * frames;
    assert_eq!(ran.gas.used(), Gas::from_milligas(75_000_000 + 26_214_400 + instructions * 4_000));
}

#[test]
fn locals_are_counted_one_by_one() {
    // So many frames of 1,024 locals and an operand or two do not fit 131,072 elements; a few less do.
    let locals = "i64 ".repeat(1_024);
    let function = format!(
        "(func $deep (param $left i32) (local {locals})
           (if (local.get $left) (then (call $deep (i32.sub (local.get $left) (i32.const 1))))))"
    );
    for (depth, code) in [(120, 0), (128, 4)] {
        let body = format!("(call $deep (i32.const {depth})) (i32.const 0)");
        let ran = World::new(&actor_with(&function, &body, &[])).run(PLENTY);
        assert_eq!(ran.exit_code(), code, "{depth}");
    }
}

/// The products are found to be the same after the call, so the compiler keeps all of them over it: six hundred values in the frame of a
/// function with two locals.
#[test]
fn values_that_a_compiler_keeps_over_a_call_are_counted() {
    let products: String = (0..600)
        .map(|at| {
            format!("(local.set $sum (i64.xor (local.get $sum) (i64.mul (local.get $x) (i64.const {}))))", 2 * at + 3)
        })
        .collect();
    let function = format!(
        "(func $fat (param $left i32) (param $x i64) (result i64) (local $sum i64)
           {products}
           (if (local.get $left)
             (then (local.set $sum (call $fat (i32.sub (local.get $left) (i32.const 1)) (local.get $x)))))
           {products}
           (local.get $sum))"
    );
    for (depth, code) in [(60, 0), (80, 4), (1_000_000, 4)] {
        let body = format!("(drop (call $fat (i32.const {depth}) (i64.const 9))) (i32.const 0)");
        let ran = World::new(&actor_with(&function, &body, &[])).run(PLENTY);
        assert_eq!(ran.exit_code(), code, "{depth}");
        let said = ran.outcome.unwrap().message.unwrap_or_default();
        assert!(!said.contains("call stack exhausted"), "the count ends it, not the machine's stack: {said}");
    }
}

#[test]
fn memory_is_paid_for_by_the_page_and_ends_at_512_mib() {
    // Grows by a page until it cannot, and returns the number of pages.
    let body = "
        (block $full (loop $more
          (br_if $full (i32.eq (memory.grow (i32.const 16)) (i32.const -1)))
          (br $more)))
        (i32.store (i32.const 0) (memory.size))
        (call $reply (i32.const 0) (i32.const 4))";
    let wasm = actor(body, &[]);
    let ran = World::new(&wasm).run(PLENTY);
    assert_eq!(ran.returned(), 8_177_u32.to_le_bytes(), "1 page and 16 at a time, up to 8,192");
    assert!(ran.gas.used() > Gas::from_milligas(8_176 * 26_214_400));

    let ran = World::new(&wasm).run(100_000_000);
    assert!(out_of_gas(&ran), "a memory bomb runs out of gas first");
}

/// Asks for blocks by `call`, with Alice's address at 8, until it gets no more for want of room; how many it got.
fn blocks_got(before: &str, call: &str, params: Option<Block>, stack: CallStack) -> u32 {
    let limit_exceeded = refusal(ErrorNumber::LimitExceeded) - 100;
    let body = format!(
        "{before}
         (loop $more
           (i32.store (i32.const 4) {call})
           (if (i32.eqz (i32.load (i32.const 4)))
             (then (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1))) (br $more))))
         (if (i32.ne (i32.load (i32.const 4)) (i32.const {limit_exceeded})) (then unreachable))
         (drop (call $exit (i32.add (i32.const 100) (i32.load (i32.const 0))) (i32.const 0) (i32.const 0) (i32.const 0)))
         (i32.const 0)"
    );
    let wasm = actor(&body, &[(8, &Address::new_id(ALICE).to_bytes())]);
    let ran = World::new(&wasm).run_as(|invocation| (invocation.stack, invocation.params) = (stack, params), PLENTY);
    ran.exit_code().checked_sub(100).unwrap_or_else(|| panic!("{:?}", ran.outcome))
}

/// A call stack with so much left.
fn left(bytes: u64) -> CallStack {
    CallStack::bottom().enter(0, MEMORY_BYTES_MAX - bytes).unwrap()
}

const PAGE: u64 = 1 << 16;

#[test]
fn open_blocks_take_of_the_same_memory() {
    let more = "(drop (memory.grow (i32.const 32)))";
    let make = "(call $block_create (i32.const 512) (i64.const 0x55) (i32.const 1024) (i32.const 1048576))";
    for (stack, blocks) in [(CallStack::bottom(), 509), (CallStack::bottom_of_asked(), 125)] {
        // Beside them are 33 pages, two MiB and a little.
        assert_eq!(blocks_got(more, make, None, stack), blocks);
    }
}

#[test]
fn blocks_of_no_bytes_take_memory_too() {
    let make = "(call $block_create (i32.const 512) (i64.const 0x55) (i32.const 1024) (i32.const 0))";
    for (spare, blocks) in [(0, 100), (127, 100), (128, 101)] {
        assert_eq!(blocks_got("", make, None, left(PAGE + 100 * 128 + spare)), blocks, "{spare}");
    }
}

#[test]
fn links_of_open_blocks_take_memory_as_often_as_they_repeat() {
    let params = to_vec(&vec![cid_of(DAG_CBOR, LEAF); 1_000]).unwrap();
    assert_eq!(params.len(), 43_003);
    let params = Some(Block::new(DAG_CBOR, params).unwrap());
    let read = "(call $ok (call $block_read (i32.const 512) (local.get $params) (i32.const 0) (i32.const 1024) (i32.const 43003)))";
    let make = "(call $block_create (i32.const 512) (i64.const 0x71) (i32.const 1024) (i32.const 43003))";
    let (links, one) = (96 * 1_000, 128 + 43_003 + 96 * 1_000);
    // What the parameters link to is the call's to keep, too.
    for (spare, blocks) in [(0, 20), (one - 1, 20), (one, 21)] {
        assert_eq!(blocks_got(read, make, params.clone(), left(PAGE + links + 20 * one + spare)), blocks, "{spare}");
    }
}

#[test]
fn what_others_made_takes_memory_for_the_links_that_it_opens() {
    let root = "(call $ok (call $root (i32.const 512) (i32.const 256) (i32.const 99)))";
    let open = "(call $block_open (i32.const 512) (i32.const 256))";
    // A list of one link.
    let one = 128 + 44 + 2 * 96;
    for (spare, blocks) in [(0, 20), (one - 1, 20), (one, 21)] {
        assert_eq!(blocks_got(root, open, None, left(PAGE + 20 * one + spare)), blocks, "{spare}");
    }

    // An account answers with what it got. Nobody knows how large an answer will be, so who has any room left gets one.
    let params = Some(Block::new(DAG_CBOR, to_vec(&(cid_of(DAG_CBOR, LEAF),)).unwrap()).unwrap());
    let send = "(call $send (i32.const 512) (i32.const 8) (i32.const 2) (i64.const 0) (local.get $params)
                  (i64.const 0) (i64.const 0) (i64.const -1) (i64.const 0))";
    for (spare, blocks) in [(0, 21), (one - 1, 21), (one, 22)] {
        assert_eq!(blocks_got("", send, params.clone(), left(PAGE + 96 + 20 * one + spare)), blocks, "{spare}");
    }
}

#[test]
fn more_than_any_memory_may_have_is_not_there() {
    for (pages, before) in [(-1, u32::MAX), (65_535, u32::MAX), (8_192, u32::MAX), (1, 1)] {
        let body = format!(
            "(i32.store (i32.const 0) (memory.grow (i32.add (local.get $params) (i32.const {pages})))) (call $reply (i32.const 0) (i32.const 4))"
        );
        let ran = World::new(&actor(&body, &[])).run(u64::MAX);
        assert_eq!(ran.returned(), before.to_le_bytes(), "{pages}");
    }
}

/// Runs in a process of its own, which has no more memory than it has at the beginning and a little.
#[test]
fn memory_that_the_machine_does_not_give_is_no_answer_to_a_guest() {
    const SHORT_OF_MEMORY: &str = "TRIBUTARY_TEST_SHORT_OF_MEMORY";
    const NAME: &str = "limits::memory_that_the_machine_does_not_give_is_no_answer_to_a_guest";
    if std::env::var_os(SHORT_OF_MEMORY).is_none() {
        let process = std::env::current_exe().unwrap();
        let ran = Command::new(process).args(["--exact", NAME]).env(SHORT_OF_MEMORY, "1").output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let more = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (i32.const 0)";
    let wasm = actor(more, &[]);
    ENGINE.load(cid_of(0x55, &wasm), &wasm, Purpose::Block).unwrap().unwrap();
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let data: u64 = statm.split(' ').nth(5).unwrap().parse().unwrap();
    let most = data * u64::try_from(rustix::param::page_size()).unwrap() + (64 << 20);
    setrlimit(Resource::Data, Rlimit { current: Some(most), maximum: Some(most) }).unwrap();
    let ran = World::new(&wasm).run(PLENTY);
    assert!(matches!(&ran.outcome, Err(Halt::Fatal(fatal)) if fatal.is_the_machines()), "{:?}", ran.outcome);
}

#[test]
fn memory_held_by_callers_is_not_there() {
    let all_below = (0..4).fold(CallStack::bottom(), |stack, _| stack.enter(0, MEMORY_BYTES_MAX / 4).unwrap());
    let ran = World::new(&actor("(i32.const 0)", &[])).run_as(|invocation| invocation.stack = all_below, PLENTY);
    assert_eq!(ran.exit_code(), 4);
}

#[test]
fn who_only_asks_has_less_memory() {
    let body = "
        (i32.store (i32.const 0) (memory.grow (i32.const 2046)))
        (i32.store (i32.const 4) (memory.grow (i32.const 2)))
        (call $reply (i32.const 0) (i32.const 8))";
    let wasm = actor(body, &[]);
    let grown = |stack| World::new(&wasm).run_as(|invocation| invocation.stack = stack, PLENTY).returned();
    assert_eq!(grown(CallStack::bottom()), [1_u32.to_le_bytes(), 2_047_u32.to_le_bytes()].concat());
    assert_eq!(grown(CallStack::bottom_of_asked()), [1_u32.to_le_bytes(), u32::MAX.to_le_bytes()].concat());
}

#[test]
fn a_nan_has_the_same_bits_everywhere() {
    let body = "
        (f64.store (i32.const 0) (f64.div (f64.const -0) (f64.const 0)))
        (f32.store (i32.const 8) (f32.sqrt (f32.const -1)))
        (call $reply (i32.const 0) (i32.const 12))";
    let returned = World::new(&actor(body, &[])).run(PLENTY).returned();
    assert_eq!(returned[..8], 0x7ff8_0000_0000_0000_u64.to_le_bytes());
    assert_eq!(returned[8..], 0x7fc0_0000_u32.to_le_bytes());
}

#[test]
fn an_invocation_that_cannot_be_paid_does_not_start() {
    let world = World::new(&actor("(i32.const 0)", &[]));
    let ran = world.run_as(|_: &mut Invocation| {}, 74_999);
    assert!(out_of_gas(&ran));
    assert_eq!(GasTracker::new(74_999).available(), ran.gas.used());
}
