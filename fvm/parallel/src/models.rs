//! The small parts, in every order that two or three threads can do them in.

use loom::model;

use crate::Ground;
use crate::ahead::{Ahead, Shared};
use crate::bell::Bell;
use crate::memory::{Found, Memory, Value, Write};
use crate::post::{Post, say};
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

/// Two transactions, and how many of them are committed.
struct Two {
    committed: Post<usize>,
    frontier: AtomicUsize,
    are_executed: [AtomicBool; 2],
}

impl Two {
    fn is_executed(&self) -> bool {
        let frontier = self.frontier.load(Ordering::SeqCst);
        self.are_executed.get(frontier).is_some_and(|is_executed| is_executed.load(Ordering::SeqCst))
    }

    /// What a worker does that has run this one.
    fn executed(&self, index: usize) {
        say(&self.are_executed[index]);
        let commit = |committed: &mut usize| {
            while self.is_executed() {
                *committed += 1;
                self.frontier.store(*committed, Ordering::SeqCst);
            }
        };
        self.committed.hold(commit, || self.is_executed());
    }
}

#[test]
fn what_is_executed_is_committed_by_who_did_it_or_by_who_is_at_it() {
    model(|| {
        let two = Arc::new(Two {
            committed: Post::new(0),
            frontier: AtomicUsize::new(0),
            are_executed: [AtomicBool::new(false), AtomicBool::new(false)],
        });
        let theirs = Arc::clone(&two);
        let other = thread::spawn(move || theirs.executed(1));
        two.executed(0);
        other.join().unwrap();
        assert_eq!(two.frontier.load(Ordering::SeqCst), 2);
    });
}

#[test]
fn a_committer_that_ends_speculation_is_woken_by_who_runs_the_frontier() {
    model(|| {
        let shared = Arc::new((Turns::new(1, |_| None), Bell::default(), AtomicBool::new(false)));
        assert_eq!(shared.0.take(1), Some(0));
        let theirs = Arc::clone(&shared);
        let worker = thread::spawn(move || {
            say(&theirs.2);
            if theirs.0.is_closed() {
                theirs.1.ring();
            }
        });
        shared.0.close();
        assert!(!shared.0.claim(0), "the worker has it");
        shared.1.wait_until(|| shared.2.load(Ordering::SeqCst));
        worker.join().unwrap();
    });
}

/// Cells that are all zero.
struct Zeros;

impl Ground for Zeros {
    type Key = u8;
    type Value = u64;
    type Fatal = ();

    fn load(&self, _: &u8) -> Result<u64, ()> {
        Ok(0)
    }
}

#[test]
fn who_comes_across_a_mark_reads_what_the_second_run_leaves_and_nothing_older() {
    for again in [Some(8), None] {
        model(move || {
            let shared = Arc::new(Shared {
                ground: Zeros,
                memory: Memory::new(),
                bell: Bell::default(),
                frontier: AtomicUsize::new(0),
                is_stopped: AtomicBool::new(false),
            });
            shared.memory.publish(0, &1, Write::Set(7));
            shared.memory.mark(0, &1);
            let theirs = Arc::clone(&shared);
            let committer = thread::spawn(move || {
                again.into_iter().for_each(|value| theirs.memory.replace(0, &1, Write::Set(value)));
                theirs.memory.withdraw(0, &1);
                theirs.frontier.store(1, Ordering::SeqCst);
                theirs.bell.ring();
            });
            assert_eq!(Ahead::new(&shared, 1).read(&1), Ok(again.unwrap_or(0)));
            committer.join().unwrap();
        });
    }
}
