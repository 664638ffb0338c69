//! Threads of a model: every run another schedule, from a seed that is told when it fails.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use tributary_parallel::{Settings, execute};

use crate::toy::{Start, Toy, fold, toy};

/// Blocks, and schedules of each.
const BLOCKS: usize = 100;
const SCHEDULES: usize = 1_000;

fn check(block: &Toy, window: usize) {
    let settings = Settings { threads: 3, stack_bytes: 0, window };
    let ended = execute(block, Start, settings, 0).map(|done| fold(&done.outputs));
    assert_eq!(ended, block.in_order(), "{block:?}");
}

fn blocks() -> Vec<Toy> {
    let mut runner = TestRunner::deterministic();
    (0..BLOCKS).map(|_| toy(2..7).new_tree(&mut runner).expect("a strategy without filters").current()).collect()
}

#[test]
fn random_schedules_change_nothing() {
    for (index, block) in blocks().into_iter().enumerate() {
        shuttle::check_random(move || check(&block, 1 + index % 6), SCHEDULES);
    }
}

#[test]
fn schedules_with_few_switches_change_nothing() {
    for (index, block) in blocks().into_iter().enumerate() {
        shuttle::check_pct(move || check(&block, 1 + index % 6), SCHEDULES, 3);
    }
}
