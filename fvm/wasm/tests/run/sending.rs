//! One actor calls another.

use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ErrorNumber;
use tributary_wasm::{CALL_DEPTH_MAX, Gas, Halt, NATIVE_STACK_BYTES};

use crate::guest::{actor, actor_with, refusal};
use crate::world::{ALICE, ME, OTHER, PLENTY, Ran, World};

/// A send to the address at 1,024, answered at 0 and returned.
fn send_of(method: u64, params: u32, value: u64, gas_limit: i64, flags: u64) -> String {
    format!(
        "(call $ok (call $send (i32.const 0) (i32.const 1024) (i32.const 2) (i64.const {method}) (i32.const {params})
           (i64.const 0) (i64.const {value}) (i64.const {gas_limit}) (i64.const {flags})))
         (call $reply (i32.const 0) (i32.const 20))"
    )
}

const NO_LIMIT: i64 = -1;

fn caller(body: &str, to: u64) -> Vec<u8> {
    let address = Address::new_id(to).to_bytes();
    assert_eq!(address.len(), 2, "f0100 and above");
    actor(body, &[(1_024, &address)])
}

fn run(body: &str, other: &str) -> Ran {
    let mut world = World::new(&caller(body, OTHER));
    world.install(OTHER, &actor(other, &[(1_024, b"data")]));
    world.run(PLENTY)
}

/// What `send` answered: exit code, return handle, codec, size.
fn answer(ran: &Ran) -> (u32, u32, u64, u32) {
    let bytes = ran.returned();
    let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    (u32_at(0), u32_at(4), u64::from_le_bytes(bytes[8..16].try_into().unwrap()), u32_at(16))
}

fn fails_with(ran: &Ran, number: ErrorNumber) {
    assert_eq!(ran.exit_code(), refusal(number), "{:?}", ran.outcome);
}

#[test]
fn value_moves_without_running_code() {
    let world = World::new(&caller(&send_of(0, 0, 400, NO_LIMIT, 0), ALICE));
    let ran = world.run(PLENTY);
    assert_eq!(answer(&ran), (0, 0, 0, 0));
    let balance = |id| ran.world.state.actors[&id].balance.clone();
    assert_eq!((balance(ME), balance(ALICE)), (TokenAmount::from_atto(600), TokenAmount::from_atto(1_400)));
}

#[test]
fn a_callees_data_is_opened_for_the_caller() {
    let other = "(call $reply (i32.const 1024) (i32.const 4))";
    assert_eq!(answer(&run(&send_of(2, 0, 0, NO_LIMIT, 0), other)), (0, 1, 0x55, 4));
    let abort = "(drop (call $exit (i32.const 33) (call $reply (i32.const 1024) (i32.const 4)) (i32.const 0) (i32.const 0))) (i32.const 0)";
    assert_eq!(answer(&run(&send_of(2, 0, 0, NO_LIMIT, 0), abort)), (33, 1, 0x55, 4));
}

#[test]
fn what_goes_wrong_in_a_callee_is_an_exit_code_and_is_undone() {
    let lose_money = "(call $ok (call $send (i32.const 0) (i32.const 2048) (i32.const 2) (i64.const 0) (i32.const 0)
        (i64.const 0) (i64.const 1) (i64.const -1) (i64.const 0)))";
    for (what, end, code) in [
        ("trap", "unreachable", 4),
        ("abort", "(drop (call $exit (i32.const 20) (i32.const 0) (i32.const 0) (i32.const 0))) (i32.const 0)", 20),
        ("reserved", "(drop (call $exit (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0))) (i32.const 0)", 9),
        ("missing", "(i32.const 77)", 11),
    ] {
        let alice = Address::new_id(ALICE).to_bytes();
        let mut world = World::new(&caller(&send_of(2, 0, 10, NO_LIMIT, 0), OTHER));
        world.install(OTHER, &actor(&format!("{lose_money} {end}"), &[(2_048, &alice)]));
        let before = world.state.actors.clone();
        let ran = world.run(PLENTY);
        assert_eq!(answer(&ran), (code, 0, 0, 0), "{what}");
        assert_eq!(ran.world.state.actors, before, "{what}");
    }
}

#[test]
fn what_the_caller_does_wrong_is_an_error_number() {
    let table = [
        ("funds", send_of(0, 0, 1_001, NO_LIMIT, 0), ErrorNumber::InsufficientFunds),
        ("parameters", send_of(2, 5, 0, NO_LIMIT, 0), ErrorNumber::InvalidHandle),
        ("flags", send_of(2, 0, 0, NO_LIMIT, 2), ErrorNumber::IllegalArgument),
        ("value, read-only", send_of(2, 0, 1, NO_LIMIT, 1), ErrorNumber::ReadOnly),
    ];
    for (what, body, number) in table {
        let ran = run(&body, "(i32.const 0)");
        assert_eq!(ran.exit_code(), refusal(number), "{what}");
    }
    fails_with(&World::new(&caller(&send_of(2, 0, 0, NO_LIMIT, 0), 120)).run(PLENTY), ErrorNumber::NotFound);
    let body = send_of(2, 0, 0, NO_LIMIT, 0).replace("(i32.const 1024)", "(i32.const 65535)");
    fails_with(&run(&body, "(i32.const 0)"), ErrorNumber::IllegalArgument);
}

#[test]
fn a_send_whose_answer_has_no_place_does_not_happen() {
    let body = send_of(0, 0, 400, NO_LIMIT, 0).replace("$send (i32.const 0)", "$send (i32.const 65530)");
    let ran = World::new(&caller(&body, ALICE)).run(PLENTY);
    fails_with(&ran, ErrorNumber::IllegalArgument);
    assert_eq!(ran.world.state.actors[&ALICE].balance, TokenAmount::from_atto(1_000));
}

#[test]
fn read_only_reaches_all_that_is_called() {
    let other = "
        (call $ok (call $root (i32.const 0) (i32.const 256) (i32.const 99)))
        (call $ok (call $set_root (i32.const 256)))
        (i32.const 0)";
    assert_eq!(answer(&run(&send_of(2, 0, 0, NO_LIMIT, 0), other)).0, 0);
    let read_only = refusal(ErrorNumber::ReadOnly);
    assert_eq!(answer(&run(&send_of(2, 0, 0, NO_LIMIT, 1), other)).0, read_only);

    // A read-only caller cannot shed it.
    let mut world = World::new(&caller(&send_of(2, 0, 0, NO_LIMIT, 0), OTHER));
    world.install(OTHER, &actor(other, &[]));
    let ran = world.run_as(|invocation| invocation.read_only = true, PLENTY);
    assert_eq!(answer(&ran).0, read_only);
}

const LOOP: &str = "(loop $again (br $again)) (i32.const 0)";

#[test]
fn a_callee_that_hits_its_gas_limit_exits_with_seven_and_the_caller_runs_on() {
    let ran = run(&send_of(2, 0, 0, 1_000_000, 0), LOOP);
    assert_eq!(answer(&ran), (7, 0, 0, 0));
    assert!((1_000_000..1_300_000).contains(&ran.gas.used().round_up()), "{:?}", ran.gas);
    // Zero is a limit of zero.
    assert_eq!(answer(&run(&send_of(2, 0, 0, 0, 0), "(i32.const 0)")).0, 7);
}

#[test]
fn a_callee_without_a_limit_takes_its_caller_with_it() {
    for limit in [NO_LIMIT, i64::MAX] {
        let mut world = World::new(&caller(&send_of(2, 0, 0, limit, 0), OTHER));
        world.install(OTHER, &actor(LOOP, &[]));
        let ran = world.run(5_000_000);
        assert!(matches!(ran.outcome, Err(Halt::OutOfGas(_))), "{:?}", ran.outcome);
        assert_eq!(ran.gas.available(), Gas::ZERO);
    }
}

#[test]
fn a_nested_limit_counts_against_the_outer_one() {
    // The callee asks for more than it has itself.
    let other = send_of(2, 0, 0, 50_000_000, 0);
    let third = 104;
    let mut world = World::new(&caller(&send_of(2, 0, 0, 2_000_000, 0), OTHER));
    world.install(OTHER, &caller(&other, third));
    world.install(third, &actor(LOOP, &[]));
    let ran = world.run(PLENTY);
    assert_eq!(answer(&ran).0, 7);
    assert!((2_000_000..2_300_000).contains(&ran.gas.used().round_up()), "{:?}", ran.gas);
}

#[test]
fn an_actor_may_be_called_again_while_it_waits() {
    // Method 2 calls itself with method 3, which returns data.
    let body = "
        (call $ok (call $message_context (i32.const 256)))
        (if (result i32) (i64.eq (i64.load (i32.const 288)) (i64.const 3))
          (then (call $reply (i32.const 1024) (i32.const 1)))
          (else
            (call $ok (call $send (i32.const 0) (i32.const 1024) (i32.const 2) (i64.const 3) (i32.const 0)
              (i64.const 0) (i64.const 0) (i64.const -1) (i64.const 0)))
            (call $reply (i32.const 0) (i32.const 20))))";
    let ran = World::new(&caller(body, ME)).run(PLENTY);
    assert_eq!(answer(&ran), (0, 1, 0x55, 1));
}

/// An actor that calls itself until it is refused, and returns how often, on the thread it needs.
#[test]
fn calls_nest_to_the_depth_and_no_further() {
    // Returns one more than its callee, or 1 when refused for the limit.
    let body = "
        (local $number i32)
        (local.set $number (call $send (i32.const 0) (i32.const 1024) (i32.const 2) (i64.const 2) (i32.const 0)
          (i64.const 0) (i64.const 0) (i64.const -1) (i64.const 0)))
        (i32.store (i32.const 256) (i32.const 0))
        (if (i32.eqz (local.get $number))
          (then (call $ok (call $block_read (i32.const 64) (i32.load (i32.const 4)) (i32.const 0) (i32.const 256) (i32.const 4))))
          (else (call $ok (i32.sub (local.get $number) (i32.const 3)))))
        (i32.store (i32.const 256) (i32.add (i32.load (i32.const 256)) (i32.const 1)))
        (call $reply (i32.const 256) (i32.const 4))";
    let wasm = caller(body, ME);
    let thread = std::thread::Builder::new().stack_size(NATIVE_STACK_BYTES);
    let returned = thread.spawn(move || World::new(&wasm).run(PLENTY).returned()).unwrap().join().unwrap();
    assert_eq!(returned, CALL_DEPTH_MAX.to_le_bytes());
}

/// Each call uses up its whole counted stack before it calls again, by many small frames or by few that a compiler makes large: the call
/// stack ends early, in order, on a thread of the documented size.
#[test]
fn deep_guests_that_nest_are_refused_before_the_native_stack_ends() {
    let products: String = (0..600)
        .map(|at| {
            format!(
                "(local.set $sum (i32.xor (local.get $sum) (i32.mul (local.get $left) (i32.const {}))))",
                2 * at + 3
            )
        })
        .collect();
    for (work, depth) in [("", 5_000), (products.as_str(), 70)] {
        nest_deeply(work, depth);
    }
}

/// A thousand parameters, handed on through a table, and needed again after the call.
#[test]
fn parameters_that_nest_are_counted_too() {
    let (types, all): (String, String) =
        ((0..1_000).map(|_| "f64 ").collect(), (0..1_000).map(|at| format!("(local.get {at})")).collect());
    let zeros = "(f64.const 0)".repeat(1_000);
    let hand_on = format!("(call_indirect (type $many) {all} (i32.const 0))");
    let deep = format!(
        "(type $many (func (param {types}))) (table funcref (elem $hand)) (global $left (mut i32) (i32.const 0))
        (func $hand (type $many)
          (if (global.get $left)
            (then (global.set $left (i32.sub (global.get $left) (i32.const 1))) {hand_on})
            (else (call $nest)))
          (if (i32.load (i32.const 4096)) (then {hand_on})))
        (func $deep (param $left i32)
          (global.set $left (local.get $left))
          (call $hand {zeros}))"
    );
    nest(&deep, 20);
}

fn nest_deeply(work: &str, depth: u32) {
    let deep = format!(
        "(func $deep (param $left i32) (local $sum i32)
        {work}
        (if (local.get $left)
          (then (call $deep (i32.sub (local.get $left) (i32.const 1))))
          (else (call $nest)))
        {work}
        (i32.store (i32.const 2048) (local.get $sum)))"
    );
    nest(&deep, depth);
}

/// An actor that goes so deep and then calls itself, until it is refused.
fn nest(deep: &str, depth: u32) {
    let more = format!(
        "{deep} (func $nest
        (if (call $send (i32.const 0) (i32.const 1024) (i32.const 2) (i64.const 2) (i32.const 0)
              (i64.const 0) (i64.const 0) (i64.const -1) (i64.const 0))
          (then (drop (call $exit (i32.const 50) (i32.const 0) (i32.const 0) (i32.const 0))))
          (else (if (i32.load (i32.const 0))
            (then (drop (call $exit (i32.load (i32.const 0)) (i32.const 0) (i32.const 0) (i32.const 0))))))))"
    );
    let address = Address::new_id(ME).to_bytes();
    let body = format!("(call $deep (i32.const {depth})) (i32.const 0)");
    let wasm = actor_with(&more, &body, &[(1_024, &address)]);
    let thread = std::thread::Builder::new().stack_size(NATIVE_STACK_BYTES);
    let code = thread.spawn(move || World::new(&wasm).run(PLENTY).exit_code()).unwrap().join().unwrap();
    assert_eq!(code, 50, "refused by an error number, and passed down as an exit code");
}
