//! What an actor may not use up: time, stack, memory, depth, sizes. Each has an end, and the message ends there in order.

use fvm_shared::error::{ErrorNumber as No, ExitCode};
use fvm_shared::message::Message;
use tributary_fvm::Receipt;
use tributary_script::Op;
use tributary_trials::world::{FVM_GAS, Who, World, fvm, script};

use crate::actor::{Answer, NONCE, RAW, call, id, read, refused, sent};

/// Gas for what is large and not endless.
const MUCH_GAS: u64 = 20 * FVM_GAS;
/// Calls on the stack, the message's own among them. Source: the reference.
const DEPTH_MAX: usize = 1_024;

fn run_with(gas_limit: u64, ops: Vec<Op>) -> Receipt {
    let mut world = World::new();
    world.one(fvm(Who::Carol, Message { gas_limit, ..script(NONCE, id(0), ops) }))
}

fn answers_with(gas_limit: u64, ops: Vec<Op>) -> Vec<Answer> {
    let receipt = run_with(gas_limit, ops);
    assert_eq!(receipt.exit_code, ExitCode::OK);
    read(&receipt.return_data)
}

#[test]
fn what_has_no_end_runs_out_of_gas_and_pays_all_of_it() {
    for (what, op) in [
        ("a loop", Op::Spin(u64::MAX)),
        ("memory", Op::Grow(65_535)),
        ("memory, written", Op::Fill(400 << 20)),
        ("a charge", Op::Charge { name: b"all".into(), amount: u64::MAX }),
    ] {
        let receipt = run_with(FVM_GAS, vec![Op::Write(7), op]);
        assert_eq!((receipt.exit_code, receipt.fvm_gas_used), (ExitCode::SYS_OUT_OF_GAS, FVM_GAS), "{what}");
    }
}

#[test]
fn recursion_ends_at_a_counted_depth() {
    assert_eq!(run_with(FVM_GAS, vec![Op::Recurse(100)]).exit_code, ExitCode::OK);
    let too_deep = run_with(FVM_GAS, vec![Op::Recurse(100_000)]);
    assert_eq!(too_deep.exit_code, ExitCode::SYS_ILLEGAL_INSTRUCTION);
    assert!(too_deep.fvm_gas_used < FVM_GAS / 10, "the stack ends it, not the gas");
}

/// Two actors call each other until one is refused; each answers what the one above it answered.
#[test]
fn calls_nest_to_the_depth_and_no_further() {
    let mut log = answers_with(MUCH_GAS, vec![Op::Send(call(1, vec![Op::CallBack]))]);
    let mut depth = 1;
    while log[0].is_ok() {
        let (exit_code, above) = sent(&log, 0);
        assert_eq!(exit_code, 0, "at depth {depth}");
        (log, depth) = (above, depth + 1);
    }
    assert_eq!((&log[0], depth), (&refused(No::LimitExceeded), DEPTH_MAX));
}

#[test]
fn memory_ends_at_512_mib_an_actor_and_a_message() {
    let no = Ok((-1i32).to_le_bytes().to_vec());
    assert_eq!(answers_with(MUCH_GAS, vec![Op::Grow(8_192)])[0], no, "with what it has, more than 512 MiB");
    assert!(answers_with(MUCH_GAS, vec![Op::Grow(8_100)])[0] != no);

    // Instances of 120 MiB, each held while the next runs: four fit, a fifth does not.
    let mut log = answers_with(
        MUCH_GAS,
        (0..4).fold(vec![Op::Grow(1_900)], |ops, above| vec![Op::Grow(1_900), Op::Send(call(1 - above % 2, ops))]),
    );
    for depth in 1..=4 {
        assert_ne!(log[0], no, "instance {depth}");
        log = sent(&log, 1).1;
    }
    assert_eq!(log, [no], "the fifth");
}

#[test]
fn large_parameters_and_returns_are_paid_by_the_byte_and_end_at_a_block() {
    let log = |len| vec![Op::Log(vec![b'x'; len].into())];
    let (small, large) = (run_with(MUCH_GAS, log(1_000)), run_with(MUCH_GAS, log(101_000)));
    assert_eq!((small.exit_code, large.exit_code), (ExitCode::OK, ExitCode::OK));
    assert!(large.fvm_gas_used - small.fvm_gas_used > 100_000 * 1_300, "inclusion is paid by the byte");

    let give = |len| vec![Op::CreateLarge { codec: RAW, len }, Op::Return(2)];
    let (none, mebibyte) = (run_with(MUCH_GAS, give(0)), run_with(MUCH_GAS, give(1 << 20)));
    assert_eq!((mebibyte.exit_code, mebibyte.return_data.len()), (ExitCode::OK, 1 << 20));
    assert!(mebibyte.fvm_gas_used - none.fvm_gas_used > (1 << 20) * 1_300, "and so is what comes back");
    let poor = run_with(FVM_GAS, give(1 << 20));
    assert_eq!((poor.exit_code, poor.return_data.len()), (ExitCode::SYS_OUT_OF_GAS, 0));
    let more = answers_with(MUCH_GAS, vec![Op::CreateLarge { codec: RAW, len: (1 << 20) + 1 }]);
    assert_eq!(more, [refused(No::LimitExceeded)]);
}
