//! What cannot go on: on a guess it counts for nothing, in its turn it stops the block. No receipt is ever made of it.

use std::sync::{Arc, Barrier};

use crate::threads::{block, check, run, settings};
use crate::toy::{Hook, Program, Step, Stop, Toy};

/// Has that many guesses wait for each other in mid-program.
pub fn meeting(guesses: usize) -> Step {
    let barrier = Barrier::new(guesses);
    Step::Ask(Hook(Arc::new(move |is_guess| {
        if is_guess {
            barrier.wait();
        }
        Ok(())
    })))
}

/// Two transactions of strangers, the second of which has read cell 0 before the first sets it to 1.
fn after_a_stale_read(sender: u8, step: Step) -> Toy {
    let meeting = meeting(2);
    let first = Program { sender: 1, cost: 1, steps: vec![meeting.clone(), Step::Set(0)] };
    let second = Program { sender, cost: 1, steps: vec![Step::Read(0), meeting, step] };
    Toy { programs: vec![first, second], budget: u64::MAX / 2 }
}

#[test]
fn what_is_true_in_its_turn_alone_decides_whether_a_transaction_stops_the_block() {
    // The accumulator is 31 times the sender on the guess, and one more in its turn.
    for (step, sender, ends) in [
        (Step::Fail, 4, Ok(())),
        (Step::Fail, 5, Err(Stop::Failed(1))),
        (Step::Die, 7, Ok(())),
        (Step::Die, 2, Err(Stop::Died)),
    ] {
        let stats = run(&after_a_stale_read(sender, step.clone()), settings(2, 2));
        assert_eq!(stats.map(|stats| assert_eq!(stats.repeated, 1, "{step:?}")), ends, "{step:?}");
    }
}

#[test]
fn the_first_in_order_that_cannot_go_on_is_the_one_that_is_told() {
    let fails = block(200, |index| {
        let steps =
            if index == 37 || index % 50 == 49 { vec![Step::Fail] } else { vec![Step::Read(0), Step::Add(0, 1)] };
        Program { sender: (index % 4) as u8 * 4, cost: 1, steps }
    });
    for (threads, window) in [(1, 1), (1, 64), (2, 16), (4, 64), (4, 200)] {
        assert_eq!(run(&fails, settings(threads, window)).map(drop), Err(Stop::Failed(37)), "{threads}, {window}");
    }
}

#[test]
fn what_comes_after_an_end_of_the_gas_stops_nothing() {
    let steps = |index| if index == 9 { vec![Step::Fail] } else { Vec::new() };
    let dear = Toy { budget: 8, ..block(12, |index| Program { sender: 4, cost: 1, steps: steps(index) }) };
    check(&dear, settings(3, 8));
}

#[test]
fn who_dies_in_his_turn_wakes_those_who_sleep() {
    // All but one worker find the window full.
    let dies = block(8, |index| Program { sender: index as u8 * 7, cost: 1, steps: vec![Step::Die] });
    for threads in 1..=4 {
        assert_eq!(run(&dies, settings(threads, 1)).map(drop), Err(Stop::Died), "{threads} threads");
    }
}
