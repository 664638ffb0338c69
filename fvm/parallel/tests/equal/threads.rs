//! Real threads, the machine's own scheduler.

use proptest::prelude::*;
use tributary_parallel::{Settings, Stats, execute};

use crate::toy::{Program, Start, Step, Toy, fold, toy};

const STACK_BYTES: usize = 1 << 20;

fn settings(threads: usize, window: usize) -> Settings {
    Settings { threads, stack_bytes: STACK_BYTES, window }
}

/// Runs a block and holds it against the specification.
fn check(block: &Toy, settings: Settings) -> Stats {
    let done = execute(block, Start, settings, 0).unwrap_or_else(|never| match never {});
    let (receipts, cells) = block.in_order();
    assert_eq!(fold(&done.outputs), (receipts.clone(), cells), "{settings:?}");
    assert_eq!(done.tally, receipts.iter().map(|receipt| receipt.cost).sum::<u64>());
    assert!(done.stats.speculated <= block.programs.len() && done.stats.repeated <= done.stats.speculated);
    done.stats
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn threads_and_windows_change_nothing(block in toy(0..40), threads in 1..6_usize, window in 1..40_usize) {
        check(&block, settings(threads, window));
    }
}

fn block(programs: usize, program: impl Fn(usize) -> Program) -> Toy {
    Toy { programs: (0..programs).map(program).collect(), budget: u64::MAX / 2 }
}

#[test]
fn a_hot_cell_ends_speculation_and_no_more() {
    let steps = || vec![Step::Read(0), Step::Yield, Step::Set(0)];
    let hot = block(2_000, |index| Program { sender: (index % 250) as u8, cost: 1, steps: steps() });
    check(&hot, settings(4, 64));
}

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
fn what_breaks_on_every_guess_still_runs() {
    let broken = block(300, |_| Program { sender: 0, cost: 1, steps: vec![Step::Break, Step::Read(2), Step::Set(2)] });
    let stats = check(&broken, settings(3, 8));
    assert!(stats.is_closed, "{stats:?}");
}

#[test]
fn an_empty_block_is_over_at_once() {
    check(&block(0, |_| unreachable!("there is none")), settings(2, 8));
}
