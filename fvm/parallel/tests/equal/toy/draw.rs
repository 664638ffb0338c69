//! Programs at random. One block in four has some that may stop it.

use proptest::prelude::*;

use super::{CELLS, Program, Step, Toy};

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..CELLS).prop_map(Step::Read),
        1 => Just(Step::Follow),
        4 => (0..CELLS).prop_map(Step::Set),
        3 => (0..CELLS, 1..100_u64).prop_map(|(key, amount)| Step::Add(key, amount)),
        1 => (1..3_u8).prop_map(Step::SkipIfOdd),
        1 => Just(Step::Revert),
        1 => Just(Step::Break),
        1 => Just(Step::Fail),
        1 => Just(Step::Die),
        2 => Just(Step::Yield),
    ]
}

pub fn toy(programs: std::ops::Range<usize>) -> impl Strategy<Value = Toy> {
    let program = (0..6_u8, 1..10_u64, prop::collection::vec(step(), 0..8)).prop_map(|(sender, cost, steps)| Program {
        sender,
        cost,
        steps,
    });
    let budget = prop_oneof![3 => Just(u64::MAX / 2), 1 => 0..200_u64];
    let may_stop = prop::bool::weighted(0.25);
    (prop::collection::vec(program, programs), budget, may_stop).prop_map(|(mut programs, budget, may_stop)| {
        let stays = |step: &Step| match step {
            Step::Fail => may_stop,
            // A model is over with the first thread that dies.
            Step::Die => may_stop && !cfg!(shuttle),
            _ => true,
        };
        programs.iter_mut().for_each(|program| program.steps.retain(stays));
        Toy { programs, budget }
    })
}
