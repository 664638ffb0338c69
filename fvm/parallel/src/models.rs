//! The small parts, in every order that two or three threads can do them in.

use loom::model;

use crate::bell::Bell;
use crate::memory::{Found, Memory, Value, Write};
use crate::sync::{Arc, AtomicBool, AtomicUsize, Ordering, thread};
use crate::turns::Turns;

impl Value for u64 {
    fn plus(&self, amount: &Self) -> Self {
        self + amount
    }
}

/// Counts who was handed transaction 1, which comes after transaction 0.
fn hand_out(work: fn(&Turns) -> usize, others: fn(&Turns) -> usize) {
    model(move || {
        let turns = Arc::new(Turns::new(2, |index| index.checked_sub(1)));
        assert_eq!(turns.take(2), Some(0));
        let theirs = Arc::clone(&turns);
        let other = thread::spawn(move || others(&theirs));
        let ours = work(&turns);
        assert_eq!(ours + other.join().unwrap(), 1, "it is run once");
    });
}

#[test]
fn a_chain_goes_on_where_it_is_or_where_the_window_reaches_it() {
    hand_out(|turns| usize::from(turns.executed(0) == Some(1)), |turns| usize::from(turns.take(2) == Some(1)));
}

#[test]
fn a_transaction_taken_out_of_turn_is_handed_out_no_more() {
    hand_out(
        |turns| usize::from(turns.executed(0) == Some(1)) + usize::from(turns.take(2) == Some(1)),
        |turns| {
            turns.close();
            usize::from(turns.claim(1))
        },
    );
}

#[test]
fn whoever_sleeps_wakes() {
    model(|| {
        let shared = Arc::new((Bell::default(), AtomicBool::new(false)));
        let theirs = Arc::clone(&shared);
        let sleeper = thread::spawn(move || theirs.0.wait_until(|| theirs.1.load(Ordering::SeqCst)));
        shared.1.store(true, Ordering::SeqCst);
        shared.0.ring();
        sleeper.join().unwrap();
    });
}

#[test]
fn a_final_value_is_never_older_than_the_frontier_says() {
    model(|| {
        let shared = Arc::new((Memory::<u8, u64>::new(), AtomicUsize::new(0)));
        shared.0.publish(0, &1, Write::Set(7));
        let theirs = Arc::clone(&shared);
        let committer = thread::spawn(move || {
            theirs.0.settle(0, &1);
            theirs.1.store(1, Ordering::SeqCst);
        });
        let is_final = shared.1.load(Ordering::SeqCst) == 1;
        assert_eq!(shared.0.read(1, &1), Found::Value(7), "pending or final, there is no moment between");
        let before = shared.0.read(0, &1);
        assert!(!is_final || before == Found::Value(7), "{before:?}");
        committer.join().unwrap();
    });
}

#[test]
fn credits_add_up_whoever_reads_between() {
    model(|| {
        let memory = Arc::new(Memory::<u8, u64>::new());
        memory.publish(0, &1, Write::Add(5));
        memory.publish(1, &1, Write::Add(2));
        let theirs = Arc::clone(&memory);
        let committer = thread::spawn(move || theirs.settle(0, &1));
        assert_eq!(memory.read(2, &1), Found::Ground(Some(7)));
        committer.join().unwrap();
        assert_eq!((memory.read(1, &1), memory.read(2, &1)), (Found::Ground(Some(5)), Found::Ground(Some(7))));
    });
}
