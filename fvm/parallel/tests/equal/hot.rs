//! What a cell costs that every transaction of a block touches.
//!
//! A list of all that was written to it, walked by whoever reads, costs the square of the block's length. What is final is one value
//! here, so that no reader meets more than a window of others.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tributary_parallel::{Block, Ground, Ran, Settings, Value, View, Write, execute};

const TRANSACTIONS: u64 = 2_000;
const WINDOW: u64 = 8;

/// An amount that counts how often it is added to.
#[derive(Clone)]
struct Counted {
    amount: u64,
    sums: Arc<AtomicU64>,
}

impl PartialEq for Counted {
    fn eq(&self, other: &Self) -> bool {
        self.amount == other.amount
    }
}

impl Eq for Counted {}

impl Value for Counted {
    fn plus(&self, amount: &Self) -> Self {
        self.sums.fetch_add(1, Ordering::SeqCst);
        Self { amount: self.amount + amount.amount, sums: Arc::clone(&self.sums) }
    }
}

/// Transactions that read one cell and add one to it.
struct Till(Counted);

struct Before(Counted);

impl Ground for Before {
    type Key = ();
    type Value = Counted;
    type Fatal = ();

    fn load(&self, (): &()) -> Result<Counted, ()> {
        Ok(self.0.clone())
    }
}

impl Block for Till {
    type Ground = Before;
    type Output = u64;
    type Tally = ();
    type Worker = ();
    type Fatal = ();

    fn len(&self) -> usize {
        TRANSACTIONS as usize
    }

    fn after(&self, _: usize) -> Option<usize> {
        None
    }

    fn worker(&self) {}

    fn run(&self, (): &mut (), _: usize, mut view: View<Before>, _: Option<&()>) -> Result<Ran<Self>, ()> {
        let output = view.read(&())?.amount;
        Ok(Ran { view, writes: vec![((), Write::Add(self.0.clone()))], output })
    }

    fn fits(&self, (): &(), _: usize, _: &u64) -> bool {
        true
    }

    fn count(&self, (): &mut (), _: &u64) {}
}

#[test]
fn who_reads_a_hot_cell_meets_no_more_than_a_window_of_others() {
    let sums = Arc::new(AtomicU64::new(0));
    let counted = |amount| Counted { amount, sums: Arc::clone(&sums) };
    let settings = Settings { threads: 2, stack_bytes: 1 << 20, window: WINDOW as usize };
    let done = execute(&Till(counted(1)), Before(counted(0)), settings, ()).unwrap_or_else(|()| panic!("it is there"));
    assert!(done.outputs.into_iter().eq(0..TRANSACTIONS));
    // It is read on the guess, when that is looked at, and in its turn; and it is added to.
    let most = TRANSACTIONS * (3 * (WINDOW + 1) + 1);
    assert!(sums.load(Ordering::SeqCst) <= most, "{sums:?}, of {most} at most");
}
