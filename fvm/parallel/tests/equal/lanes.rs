//! Lanes, whoever is put into them, leave what the block in order leaves as far as they say that they got.

use proptest::prelude::*;

use crate::toy::{Program, Step, Toy, check_lanes, toy};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_lanes_say_is_good_is_what_comes_of_it_in_order(block in toy(0..40), lane_of in prop::collection::vec(0..4_usize, 40)) {
        check_lanes(&block, &lane_of[..block.programs.len()]);
    }
}

fn block(programs: &[&[Step]]) -> Toy {
    let program = |steps: &&[Step]| Program { sender: 0, cost: 1, steps: steps.to_vec() };
    Toy { programs: programs.iter().map(program).collect(), budget: u64::MAX / 2 }
}

#[test]
fn strangers_get_to_the_end() {
    let own = |cell| [Step::Read(cell), Step::Read(9), Step::Set(cell), Step::Add(8, 3)];
    let (one, other) = (own(1), own(2));
    let strangers = block(&[&one, &other, &one, &other, &other, &one]);
    assert_eq!(check_lanes(&strangers, &[0, 1, 0, 1, 1, 0]), (6, vec![]));
}

#[test]
fn from_a_collision_on_nothing_is_good() {
    let (free, set, read, add) = ([Step::Set(0)], [Step::Set(1)], [Step::Read(1), Step::Set(2)], [Step::Add(1, 5)]);
    for (what, programs, good) in [
        ("set, then read", [&free[..], &set, &read, &free], 2),
        ("read, then set", [&free, &read, &set, &free], 2),
        ("set twice", [&free, &set, &set, &free], 2),
        ("added, then read", [&free, &add, &read, &free], 2),
        ("set, then added to", [&free, &set, &add, &free], 2),
        ("added twice", [&free, &add, &add, &free], 4),
        ("read twice", [&free, &read, &[Step::Read(1)], &free], 4),
    ] {
        let (got, collisions) = check_lanes(&block(&programs), &[0, 0, 1, 0]);
        assert_eq!((got, collisions.is_empty()), (good, good == 4), "{what}: {collisions:?}");
    }
}

#[test]
fn a_lane_that_breaks_is_good_for_nothing() {
    for broken in [Step::Break, Step::Fail, Step::Die] {
        let (fine, broken) = ([Step::Read(1)], [broken]);
        let breaks = block(&[&fine, &fine, &broken, &fine]);
        assert_eq!(check_lanes(&breaks, &[0, 1, 1, 0]).0, 1, "nobody knows what it touched before: {broken:?}");
    }
}

#[test]
fn what_costs_more_than_is_left_is_not_good() {
    let programs = (0..4).map(|_| Program { sender: 0, cost: 4, steps: vec![] }).collect();
    assert_eq!(check_lanes(&Toy { programs, budget: 11 }, &[0, 1, 0, 1]).0, 2);
}
