//! What is held at once, whatever the block's length: of transactions ahead of the frontier a window, of a lane's cells one value each.
//!
//! Records and values count themselves, from the first moment that there is one to the last.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tributary_parallel::{Block, Ground, Ran, Value, View, Write, execute, in_lanes};

use crate::threads::{FOR_EVER, settings};

const TRANSACTIONS: usize = 1_000;
const THREADS: usize = 3;
const LANES: usize = 2;

/// Cells there are, and values of one transaction: one read, two written.
const CELLS: usize = 3;
const VALUES: usize = 3;

/// Values that a thread may have in its hands while it reads, compares or writes one.
const IN_HAND: usize = 3;

/// Times that the first transaction lets others go first once the window is full.
const FROM_THEN_ON: usize = 10_000;

/// How many there are of something, and how many there were at most.
#[derive(Default)]
struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Gauge {
    fn now(&self) -> usize {
        self.now.load(Ordering::SeqCst)
    }

    fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

/// One of them.
struct Held(Arc<Gauge>);

impl Held {
    fn new(gauge: &Arc<Gauge>) -> Self {
        let now = gauge.now.fetch_add(1, Ordering::SeqCst) + 1;
        gauge.most.fetch_max(now, Ordering::SeqCst);
        Self(Arc::clone(gauge))
    }
}

impl Clone for Held {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Clone)]
struct Counted {
    number: usize,
    _held: Held,
}

impl Counted {
    fn new(number: usize, values: &Arc<Gauge>) -> Self {
        Self { number, _held: Held::new(values) }
    }
}

impl PartialEq for Counted {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Counted {}

impl Value for Counted {
    fn plus(&self, _: &Self) -> Self {
        unreachable!("nobody adds")
    }
}

struct Before(Arc<Gauge>);

impl Ground for Before {
    type Key = usize;
    type Value = Counted;
    type Fatal = ();

    fn load(&self, _: &usize) -> Result<Counted, ()> {
        Ok(Counted::new(0, &self.0))
    }
}

/// Held from the moment that a transaction begins until it is committed.
struct Record(Mutex<Option<Held>>);

/// Transactions that write cell 0 and, by whether a number is odd, cell 1 or 2. For every eighth it is the number in cell 0, so that a
/// wrong guess writes where nothing belongs; there are too few of these for guessing to be given up.
struct Crowd {
    records: Arc<Gauge>,
    values: Arc<Gauge>,
    /// Records there are before the first transaction goes on.
    full: usize,
    after: fn(usize) -> Option<usize>,
}

impl Crowd {
    fn new(full: usize, after: fn(usize) -> Option<usize>) -> Self {
        Self { records: Arc::default(), values: Arc::default(), full, after }
    }

    fn before(&self) -> Before {
        Before(Arc::clone(&self.values))
    }

    /// Keeps the frontier where it is until the window is full, and a while longer, in which more would come if they could.
    fn hold(&self) {
        let until = Instant::now() + FOR_EVER;
        while self.records.now() < self.full && Instant::now() < until {
            std::thread::yield_now();
        }
        (0..FROM_THEN_ON).take_while(|_| self.records.now() <= self.full).for_each(|_| std::thread::yield_now());
    }
}

impl Block for Crowd {
    type Ground = Before;
    type Output = Record;
    type Tally = ();
    type Worker = ();
    type Fatal = ();

    fn len(&self) -> usize {
        TRANSACTIONS
    }

    fn after(&self, index: usize) -> Option<usize> {
        (self.after)(index)
    }

    fn worker(&self) {}

    fn run(&self, (): &mut (), index: usize, mut view: View<Before>, _: Option<&()>) -> Result<Ran<Self>, ()> {
        let record = Record(Mutex::new(Some(Held::new(&self.records))));
        if index == 0 {
            self.hold();
        }
        let number = if index.is_multiple_of(8) { view.read(&0)?.number } else { index };
        let write = |key, number| (key, Write::Set(Counted::new(number, &self.values)));
        Ok(Ran { view, writes: vec![write(0, index + 1), write(1 + number % 2, index)], output: record })
    }

    fn fits(&self, (): &(), _: usize, _: &Record) -> bool {
        true
    }

    fn count(&self, (): &mut (), record: &Record) {
        drop(record.0.lock().expect("nobody panics").take());
    }
}

/// Runs a long block whose first transaction waits until the window is full.
fn check_window(window: usize, after: fn(usize) -> Option<usize>) {
    let crowd = Crowd::new(window, after);
    let done = execute(&crowd, crowd.before(), settings(THREADS, window), ());
    let done = done.unwrap_or_else(|()| panic!("nothing fails"));
    assert_eq!((done.outputs.len(), done.stats.is_closed), (TRANSACTIONS, false));
    assert_eq!(crowd.records.most(), window, "records not committed yet, of those that run too");
    let values = CELLS + VALUES * window + IN_HAND * THREADS;
    assert!(crowd.values.most() <= values, "{} values in a window of {window}, of {values}", crowd.values.most());
}

#[test]
fn of_strangers_no_more_than_a_window_is_held() {
    for window in [1, 4, 16] {
        check_window(window, |_| None);
    }
}

#[test]
fn of_a_chain_no_more_than_a_window_is_held() {
    // The first transaction is no part of it.
    for window in [1, 4, 16] {
        check_window(window, |index| index.checked_sub(1).filter(|before| *before > 0));
    }
}

#[test]
fn of_lanes_a_record_of_each_transaction_is_held_and_one_value_of_each_cell() {
    let crowd = Crowd::new(0, |_| None);
    let lanes: Vec<Vec<_>> = (0..LANES).map(|lane| (lane..TRANSACTIONS).step_by(LANES).collect()).collect();
    let done = in_lanes(&crowd, crowd.before(), &lanes, 1 << 20, ());
    assert_eq!((done.ran, crowd.records.most()), (TRANSACTIONS, TRANSACTIONS));
    let values = LANES * (CELLS + VALUES + IN_HAND);
    assert!(crowd.values.most() <= values, "{} values, of {values}", crowd.values.most());
}
