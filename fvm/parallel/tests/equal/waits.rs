//! Who waits for whom, and what that is good for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};

use crate::stops::meeting;
use crate::threads::{check, settings};
use crate::toy::{Hook, Program, Step, Toy};

/// Times that a second run lets others go first, so that a reader who does not wait gets past it: some milliseconds.
const PATIENCE: usize = 10_000;

fn ask(hook: impl Fn(bool) + Send + Sync + 'static) -> Step {
    Step::Ask(Hook(Arc::new(move |is_guess| {
        hook(is_guess);
        Ok(())
    })))
}

#[test]
fn who_waits_for_a_second_run_is_spared_its_own() {
    let (both, is_past) = (Arc::new(Barrier::new(2)), Arc::new(AtomicBool::new(false)));
    // The second transaction runs again, since it read what the first had not set yet. While it does so the third comes along and
    // reads what the second wrote before.
    let stale = meeting(2);
    let first = vec![stale.clone(), Step::Set(0)];
    let again = ask({
        let (both, is_past) = (Arc::clone(&both), Arc::clone(&is_past));
        move |is_guess| {
            if !is_guess {
                both.wait();
                (0..PATIENCE).take_while(|_| !is_past.load(Ordering::SeqCst)).for_each(|_| std::thread::yield_now());
            }
        }
    });
    let second = vec![Step::Read(0), stale, again, Step::Set(1)];
    let comes = ask(move |is_guess| {
        if is_guess {
            both.wait();
        }
    });
    let goes_on = ask(move |_| is_past.store(true, Ordering::SeqCst));
    let third = vec![comes, Step::Read(1), goes_on, Step::Set(2)];
    let programs = [first, second, third].into_iter().zip(1..);
    let programs = programs.map(|(steps, sender)| Program { sender, cost: 1, steps }).collect();
    let stats = check(&Toy { programs, budget: u64::MAX / 2 }, settings(2, 3));
    assert_eq!((stats.speculated, stats.repeated), (3, 1), "the third read what the second left in its turn");
}

#[test]
fn nobody_waits_for_who_is_long_at_a_guess() {
    // The first transaction is not over before the last one is, which reads what the first will have written.
    let long = meeting(2);
    let mut programs = vec![vec![long.clone(), Step::Set(0)]];
    programs.extend((1..15).map(|_| vec![Step::Read(0), Step::Set(1)]));
    programs.push(vec![Step::Read(0), long]);
    let programs = programs.into_iter().zip(1..).map(|(steps, sender)| Program { sender, cost: 1, steps }).collect();
    let stats = check(&Toy { programs, budget: u64::MAX / 2 }, settings(2, 16));
    assert_eq!((stats.speculated, stats.repeated), (16, 15));
}
