//! Past states that were made, and who makes which: nobody waits for one that another asks for, but for a place to make his own.
//!
//! ```text
//! asked for a state
//!   ├─ is it here?                                yes ─▶ taken
//!   ├─ does somebody make it?                     yes ─▶ wait
//!   ├─ are as many made as may be at once?        yes ─▶ wait
//!   └─ make it, from the highest that is here below it
//! wait: until something was made, or given up; at most as long as the asker has
//! ```
//!
//! A state that is made from another shares its nodes: both have one store, since a node is what its name says.
//!
//! Memory: [`Bounds`], and beyond them the nodes of the state made last, and of those being made: each has at most as many as the blocks from
//! trees to trees change.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use cid::Cid;
use tributary_primitives::Height;

use super::PastStore;

/// How much stays in memory, and how much is done at once.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// States that stay.
    pub kept: usize,
    /// Bytes of their nodes; the last one stays in any case.
    pub kept_bytes: usize,
    /// Bytes of nodes in a store, from which on no other state is added to it.
    pub shared_bytes: usize,
    /// States that are made at once.
    pub makers: usize,
}

impl Bounds {
    /// As a node has them: some clients that each walk through old blocks find what they last had; and one's old blocks leave a place for
    /// another's.
    pub const OF_A_NODE: Self = Self { kept: 8, kept_bytes: 128 << 20, shared_bytes: 32 << 20, makers: 2 };
}

/// The states, and who makes some.
pub struct Shelf {
    bounds: Bounds,
    /// Held for a look, never while a state is made.
    place: Mutex<Place>,
    moved: Condvar,
}

struct Place {
    /// Last asked for first.
    made: VecDeque<Made>,
    making: Vec<Height>,
}

/// A state that was made.
#[derive(Clone)]
pub struct Made {
    /// The block that it is after.
    pub height: Height,
    /// Its root.
    pub root: Cid,
    /// Where it can be opened.
    pub store: PastStore,
}

/// What who asks gets.
pub enum Asked<'a> {
    /// The state.
    Made(PastStore),
    /// It is to be made, and may be from this one.
    Yours(Making<'a>, Option<Made>),
}

/// The right to make a state. Dropped, by a panic too, it goes to the next who asks.
pub struct Making<'a> {
    shelf: &'a Shelf,
    height: Height,
}

impl Shelf {
    /// An empty one.
    pub const fn new(bounds: Bounds) -> Self {
        let place = Place { made: VecDeque::new(), making: Vec::new() };
        Self { bounds, place: Mutex::new(place), moved: Condvar::new() }
    }

    /// The state after the block at `height`, or the right to make it; `None` when neither is to be had until then.
    pub fn ask(&self, height: Height, until: Option<Instant>) -> Option<Asked<'_>> {
        let mut place = self.place();
        loop {
            if let Some(store) = place.take(height) {
                return Some(Asked::Made(store));
            }
            if !place.making.contains(&height) && place.making.len() < self.bounds.makers {
                place.making.push(height);
                let below = place.below(height, self.bounds.shared_bytes);
                return Some(Asked::Yours(Making { shelf: self, height }, below));
            }
            place = self.wait(place, until)?;
        }
    }

    /// Until something moved; `None` when it is too late for that.
    fn wait<'a>(&self, place: MutexGuard<'a, Place>, until: Option<Instant>) -> Option<MutexGuard<'a, Place>> {
        let Some(until) = until else {
            return Some(self.moved.wait(place).unwrap_or_else(PoisonError::into_inner));
        };
        let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        Some(self.moved.wait_timeout(place, left).unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Whole after every hold of it.
    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn take(&mut self, height: Height) -> Option<PastStore> {
        let at = self.made.iter().position(|made| made.height == height)?;
        let made = self.made.remove(at)?;
        let store = Arc::clone(&made.store);
        self.made.push_front(made);
        Some(store)
    }

    /// The highest below `height` that another may be made from.
    fn below(&self, height: Height, shared_bytes: usize) -> Option<Made> {
        let below = self.made.iter().filter(|made| made.height < height && made.store.bytes() < shared_bytes);
        below.max_by_key(|made| made.height).cloned()
    }

    fn keep(&mut self, made: Made, bounds: &Bounds) {
        self.made.push_front(made);
        self.made.truncate(bounds.kept);
        let (mut stores, mut bytes) = (Vec::with_capacity(bounds.kept), 0_usize);
        let fits = |made: &&Made| {
            let store = Arc::as_ptr(&made.store);
            if !stores.contains(&store) {
                stores.push(store);
                bytes = bytes.saturating_add(made.store.bytes());
            }
            bytes <= bounds.kept_bytes
        };
        let fitting = self.made.iter().take_while(fits).count();
        self.made.truncate(fitting.max(1));
    }
}

impl Making<'_> {
    /// It was made.
    pub fn done(self, made: Made) {
        self.shelf.place().keep(made, &self.shelf.bounds);
    }
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        self.shelf.place().making.retain(|height| *height != self.height);
        self.shelf.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use fvm_ipld_blockstore::Blockstore;
    use tempfile::TempDir;
    use tributary_primitives::cbor_cid;
    use tributary_store::{Buffered, ChainIdentity, Store, StoreConfig};

    use super::*;

    /// Nobody waits so long for what comes, nor so short for what does not.
    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(20);

    const BOUNDS: Bounds = Bounds { kept: 4, kept_bytes: 1_000, shared_bytes: 100, makers: 2 };

    /// A shelf, and an empty store for states to stand on.
    struct Bench {
        shelf: Shelf,
        store: Store,
        _directory: TempDir,
    }

    impl Bench {
        fn new() -> Self {
            let directory = TempDir::new().unwrap();
            let identity = ChainIdentity { genesis: cbor_cid(b"a chain"), format: 1 };
            let store = Store::open(directory.path(), &StoreConfig::default(), &identity).unwrap();
            Self { shelf: Shelf::new(BOUNDS), store, _directory: directory }
        }

        /// A state with a node of so many bytes of its own.
        fn state(&self, height: u64, bytes: usize) -> Made {
            let store = Arc::new(Buffered::new(self.store.clone()));
            store.put_keyed(&root(height), &vec![0; bytes]).unwrap();
            Made { height: Height(height), root: root(height), store }
        }

        fn ask(&self, height: u64, patience: Duration) -> Option<Asked<'_>> {
            self.shelf.ask(Height(height), Instant::now().checked_add(patience))
        }

        /// Asks for a state that is not there.
        fn begin(&self, height: u64) -> (Making<'_>, Option<u64>) {
            match self.ask(height, LONG) {
                Some(Asked::Yours(making, below)) => (making, below.map(|below| below.height.0)),
                _ => panic!("{height} is to be made"),
            }
        }

        fn put(&self, made: Made) {
            self.begin(made.height.0).0.done(made);
        }

        fn has(&self, height: u64) -> bool {
            matches!(self.ask(height, SHORT), Some(Asked::Made(_)))
        }
    }

    fn root(height: u64) -> Cid {
        cbor_cid(&height.to_be_bytes())
    }

    #[test]
    fn who_asks_for_a_state_that_is_here_waits_for_none_that_is_made() {
        let bench = Bench::new();
        bench.put(bench.state(1, 10));
        let _making = [bench.begin(2), bench.begin(3)];
        assert!(bench.has(1));
        assert!(bench.ask(2, SHORT).is_none(), "it is being made");
        assert!(bench.ask(4, SHORT).is_none(), "as many are made as may be");
        assert!(bench.ask(4, Duration::ZERO).is_none(), "no time at all");
    }

    #[test]
    fn a_state_is_made_once_for_all_who_ask_for_it() {
        let bench = Bench::new();
        let (making, _) = bench.begin(1);
        let (asking, asked) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..3 {
                let (asking, bench) = (asking.clone(), &bench);
                scope.spawn(move || asking.send(matches!(bench.ask(1, LONG), Some(Asked::Made(_)))).unwrap());
            }
            assert!(asked.recv_timeout(SHORT).is_err(), "they wait");
            making.done(bench.state(1, 10));
            assert_eq!([(); 3].map(|()| asked.recv_timeout(LONG)), [Ok(true); 3]);
        });
    }

    #[test]
    fn who_gives_up_or_panics_leaves_the_making_to_the_next() {
        let bench = Bench::new();
        let (making, _) = bench.begin(1);
        thread::scope(|scope| {
            let next = scope.spawn(|| bench.begin(1).0.done(bench.state(1, 10)));
            drop(making);
            next.join().unwrap();
        });
        assert!(bench.has(1));
        thread::scope(|scope| {
            let defect = scope.spawn(|| {
                let _making = bench.begin(2);
                panic!("a defect");
            });
            defect.join().unwrap_err();
        });
        bench.put(bench.state(2, 10));
        assert!(bench.has(2));
    }

    #[test]
    fn a_state_is_made_from_the_highest_below_it_unless_that_has_grown_too_large_to_share() {
        let bench = Bench::new();
        assert_eq!(bench.begin(5).1, None);
        for (height, bytes) in [(3, 10), (9, 10), (6, 10), (7, BOUNDS.shared_bytes)] {
            bench.put(bench.state(height, bytes));
        }
        let below = |height| bench.begin(height).1;
        assert_eq!([2, 4, 8, 10].map(below), [None, Some(3), Some(6), Some(9)]);
    }

    #[test]
    fn no_more_states_and_bytes_of_them_stay_than_may_and_those_asked_for_last() {
        let bench = Bench::new();
        (0..4).for_each(|height| bench.put(bench.state(height, 10)));
        assert!((0..4).all(|height| bench.has(height)));
        assert!(bench.has(0), "it is the last asked for");
        bench.put(bench.state(4, 10));
        assert!(bench.has(0) && bench.has(2) && !bench.has(1));

        let large = bench.state(20, BOUNDS.kept_bytes + 1);
        let beside = Made { height: Height(21), ..large.clone() };
        bench.put(large);
        assert!(bench.has(20) && !bench.has(2), "one that is larger than all may be stays alone");
        bench.put(beside);
        assert!(bench.has(21) && !bench.has(20));
        for height in 30..34 {
            bench.put(bench.state(height, BOUNDS.kept_bytes / 2));
        }
        assert!(bench.has(32) && bench.has(33) && !bench.has(31) && !bench.has(21));
        let first = bench.state(40, BOUNDS.kept_bytes / 2);
        let second = Made { height: Height(41), ..first.clone() };
        bench.put(first);
        bench.put(second);
        assert!(bench.has(40) && bench.has(41) && bench.has(33), "what is shared counts once");
    }
}
