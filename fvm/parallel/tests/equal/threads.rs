//! Real threads, the machine's own scheduler.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::Duration;

use proptest::prelude::*;
use tributary_parallel::{Settings, Stats, execute};

use crate::toy::{Program, Start, Step, Stop, Toy, fold, toy};

const STACK_BYTES: usize = 1 << 20;

/// A block takes milliseconds. One that takes so long never ends.
pub const FOR_EVER: Duration = Duration::from_secs(60);

pub fn settings(threads: usize, window: usize) -> Settings {
    Settings { threads, stack_bytes: STACK_BYTES, window }
}

/// Runs a block, which ends as the specification says, and tells how it went.
pub fn run(block: &Toy, settings: Settings) -> Result<Stats, Stop> {
    let (send, ended) = mpsc::channel();
    let theirs = block.clone();
    std::thread::spawn(move || {
        let ended = catch_unwind(AssertUnwindSafe(|| execute(&theirs, Start, settings, 0)));
        drop(send.send(ended.unwrap_or(Err(Stop::Died))));
    });
    let ended = ended.recv_timeout(FOR_EVER).expect("the block ends");
    let left = ended.as_ref().map(|done| fold(&done.outputs)).map_err(|stop| *stop);
    assert_eq!(left, block.in_order(), "{settings:?}");
    let done = ended?;
    assert_eq!(done.tally, done.outputs.iter().map(|(receipt, _)| receipt.cost).sum::<u64>());
    assert!(done.stats.speculated <= block.programs.len() && done.stats.repeated <= done.stats.speculated);
    Ok(done.stats)
}

/// Runs a block that nothing stops.
pub fn check(block: &Toy, settings: Settings) -> Stats {
    run(block, settings).unwrap_or_else(|stop| panic!("{stop:?}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn threads_and_windows_change_nothing(block in toy(0..40), threads in 1..6_usize, window in 1..40_usize) {
        let _ended = run(&block, settings(threads, window));
    }
}

pub fn block(programs: usize, program: impl Fn(usize) -> Program) -> Toy {
    Toy { programs: (0..programs).map(program).collect(), budget: u64::MAX / 2 }
}

#[test]
fn a_hot_cell_ends_speculation_and_no_more() {
    let steps = || vec![Step::Read(0), Step::Yield, Step::Set(0)];
    let hot = block(2_000, |index| Program { sender: (index % 250) as u8, cost: 1, steps: steps() });
    check(&hot, settings(4, 64));
}

/// What skips validation must skip it: a flag of value zero is always set. Source: risechain/pevm, `FinishExecFlags` in
/// `crates/pevm/src/lib.rs`.
#[test]
fn credits_to_one_cell_do_not_collide() {
    let credits = block(2_000, |index| Program { sender: (index % 250) as u8, cost: 1, steps: vec![Step::Add(0, 7)] });
    let stats = check(&credits, settings(4, 64));
    assert_eq!((stats.repeated, stats.is_closed), (0, false));
}

#[test]
fn one_sender_is_one_chain() {
    let chain = block(500, |_| Program { sender: 1, cost: 1, steps: vec![Step::Read(1), Step::Set(1)] });
    assert_eq!(
        check(&chain, settings(4, 16)).repeated,
        0,
        "each runs after the one before it, and finds what it wrote"
    );
}

#[test]
fn an_empty_block_is_over_at_once() {
    check(&block(0, |_| unreachable!("there is none")), settings(2, 8));
}
