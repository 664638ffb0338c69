//! Threads of a model: every run another schedule, from a seed that is told when it fails.

use std::sync::OnceLock;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use tributary_parallel::{Settings, execute};

use crate::toy::{Start, Toy, check_lanes, fold, toy};

/// Blocks, and schedules of each.
const BLOCKS: usize = 100;
const SCHEDULES: usize = 1_000;

/// Schedules of each block in lanes, which have little in common that a schedule could show in.
const SCHEDULES_OF_LANES: usize = 200;

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

/// A block in lanes: as in order, as far as they say that they got, and that is as far in every schedule.
fn check_strangers(block: &Toy, lanes: usize) -> impl Fn() + Send + Sync + 'static {
    let (block, first) = (block.clone(), OnceLock::new());
    // Each sender in a lane, so that most blocks get far and some collide; and no lane without a thread.
    let mut lane_of: Vec<_> = block.programs.iter().map(|program| usize::from(program.sender) % lanes).collect();
    lane_of.last_mut().into_iter().for_each(|last| *last = lanes - 1);
    move || {
        let (good, mut collisions) = check_lanes(&block, &lane_of);
        collisions.sort_unstable();
        let told = (good, collisions);
        assert_eq!(&told, first.get_or_init(|| told.clone()), "{block:?}");
    }
}

#[test]
fn random_schedules_of_lanes_change_nothing() {
    for (index, block) in blocks().into_iter().enumerate() {
        shuttle::check_random(check_strangers(&block, 2 + index % 3), SCHEDULES_OF_LANES);
    }
}

#[test]
fn schedules_of_lanes_with_few_switches_change_nothing() {
    for (index, block) in blocks().into_iter().enumerate() {
        shuttle::check_pct(check_strangers(&block, 2 + index % 3), SCHEDULES_OF_LANES, 3);
    }
}
