//! Workers: what each does until the block is over.
//!
//! | a worker | does |
//! |---|---|
//! | gets a turn | runs the transaction, publishes, goes on with its chain, then tries to commit |
//! | gets none: the window is full | sleeps until half of it is free: to wake for every transaction costs more than most take |
//! | gets none: all are taken | leaves |
//!
//! What is executed waits in its place for the [`commit`]ter.

mod commit;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::ahead::{Ahead, Shared};
use crate::bell::Bell;
use crate::memory::Memory;
use crate::post::{Post, say};
use crate::sync::{Arc, AtomicBool, AtomicUsize, Mutex, Ordering, lock, thread};
use crate::turns::Turns;
use crate::view::{Sight, View};
use crate::{Block, Ground, Ran};

/// How to run a block. None of it changes a result.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Threads; at least one.
    pub threads: usize,
    /// Bytes of each thread's stack.
    pub stack_bytes: usize,
    /// Transactions from the frontier on that may run or be executed; at least one. Of no more are reads held, and writes and outputs that
    /// are not final, however long the block is.
    pub window: usize,
}

/// What a block came to.
pub struct Done<B: Block> {
    /// What each transaction left behind, in order.
    pub outputs: Vec<B::Output>,
    /// All of them counted.
    pub tally: B::Tally,
    /// What the block ran on, unchanged.
    pub ground: B::Ground,
    /// How it went.
    pub stats: Stats,
}

/// How a block went. Depends on threads and luck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Transactions run before their turn.
    pub speculated: usize,
    /// Of these, run again at the frontier.
    pub repeated: usize,
    /// Whether speculation was given up.
    pub is_closed: bool,
}

/// Runs a block; its transactions find what `tally` says.
///
/// # Errors
/// [`Block::Fatal`], of the first transaction in order that gives one at the frontier.
///
/// # Panics
/// When a transaction does at the frontier, or a thread cannot be had.
pub fn execute<B: Block>(
    block: &B,
    ground: B::Ground,
    settings: Settings,
    tally: B::Tally,
) -> Result<Done<B>, B::Fatal> {
    let run = Run::new(block, ground, settings.window.max(1), tally);
    thread::scope(|scope| {
        for _ in 1..settings.threads {
            spawn(scope, settings.stack_bytes, || run.work());
        }
        spawn(scope, settings.stack_bytes, || run.work());
    });
    run.done()
}

/// Starts one of the threads.
#[cfg(not(shuttle))]
pub(crate) fn spawn<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    stack_bytes: usize,
    work: impl FnOnce() + Send + 'scope,
) {
    let thread = thread::Builder::new().name("worker".into()).stack_size(stack_bytes);
    thread.spawn_scoped(scope, work).expect("a thread can be had");
}

#[cfg(shuttle)]
pub(crate) fn spawn<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    _stack_bytes: usize,
    work: impl FnOnce() + Send + 'scope,
) {
    scope.spawn(work);
}

struct Run<'a, B: Block> {
    block: &'a B,
    window: usize,
    shared: Arc<Shared<B::Ground>>,
    turns: Turns,
    /// One for each transaction of the block, of which no more than a window are filled.
    places: Box<[Place<B>]>,
    committer: Post<Committer<B>>,
}

/// Where a transaction's outcome waits for the committer.
struct Place<B: Block> {
    is_executed: AtomicBool,
    /// None also for one that failed.
    outcome: Mutex<Option<Outcome<B>>>,
}

struct Outcome<B: Block> {
    view: Ahead<B::Ground>,
    written: Vec<KeyOf<B>>,
    output: B::Output,
}

type KeyOf<B> = <<B as Block>::Ground as Ground>::Key;

struct Committer<B: Block> {
    outputs: Vec<B::Output>,
    tally: B::Tally,
    fatal: Option<B::Fatal>,
    stats: Stats,
}

impl<'a, B: Block> Run<'a, B> {
    fn new(block: &'a B, ground: B::Ground, window: usize, tally: B::Tally) -> Self {
        let count = block.len();
        let shared = Shared {
            ground,
            memory: Memory::new(),
            bell: Bell::default(),
            frontier: AtomicUsize::new(0),
            is_stopped: AtomicBool::new(count == 0),
        };
        let place = |_| Place { is_executed: AtomicBool::new(false), outcome: Mutex::new(None) };
        let (outputs, stats) = (Vec::with_capacity(count), Stats::default());
        Self {
            block,
            window,
            shared: Arc::new(shared),
            turns: Turns::new(count, |index| block.after(index)),
            places: (0..count).map(place).collect(),
            committer: Post::new(Committer { outputs, tally, fatal: None, stats }),
        }
    }

    /// A worker's life.
    fn work(&self) {
        let _alarm = Alarm(&self.shared);
        let mut worker = self.block.worker();
        while !self.shared.is_stopped() {
            match self.turns.take(self.limit()) {
                Some(index) => {
                    self.speculate(&mut worker, index);
                    self.commit(&mut worker);
                }
                None if self.turns.is_over() => break,
                None => {
                    self.shared.bell.wait_until(|| self.shared.is_stopped() || self.turns.is_over() || self.has_room())
                }
            }
        }
    }

    fn limit(&self) -> usize {
        self.shared.frontier.load(Ordering::SeqCst).saturating_add(self.window)
    }

    /// Whether those who sleep have something to wake for.
    fn has_room(&self) -> bool {
        self.turns.has_next(self.limit() - self.window / 2)
    }

    /// Runs a transaction ahead of the frontier, and its chain as far as that can run.
    fn speculate(&self, worker: &mut B::Worker, mut index: usize) {
        loop {
            let view = View(Sight::Ahead(Ahead::new(&self.shared, index)));
            let ran = catch_unwind(AssertUnwindSafe(|| self.block.run(worker, index, view, None)));
            let outcome = match ran {
                Ok(ran) => ran.ok().and_then(|ran| self.publish(index, ran)),
                Err(_) => {
                    *worker = self.block.worker();
                    None
                }
            };
            *lock(&self.places[index].outcome) = outcome;
            say(&self.places[index].is_executed);
            // A committer that has closed them waits for this one.
            if self.turns.is_closed() {
                self.shared.bell.ring();
            }
            let Some(successor) = self.turns.executed(index) else { return };
            index = successor;
        }
    }

    /// None for a transaction that does not give its view back.
    fn publish(&self, index: usize, ran: Ran<B>) -> Option<Outcome<B>> {
        let Ran { view: View(Sight::Ahead(view)), writes, output } = ran else { return None };
        let mut written = Vec::with_capacity(writes.len());
        for (key, write) in writes {
            self.shared.memory.publish(index, &key, write);
            written.push(key);
        }
        Some(Outcome { view, written, output })
    }

    fn done(self) -> Result<Done<B>, B::Fatal> {
        let Self { shared, places, committer, .. } = self;
        // A transaction that was run ahead of a fatal one still has its view.
        drop(places);
        let Committer { outputs, tally, fatal, stats } = committer.into_inner();
        match fatal {
            Some(fatal) => Err(fatal),
            None => Ok(Done { outputs, tally, ground: Arc::into_inner(shared).expect(NOBODY_ELSE).ground, stats }),
        }
    }
}

/// Why the ground can be given back.
pub(crate) const NOBODY_ELSE: &str = "views end with the transactions that run on them";

/// Stops the others when a worker dies: they would sleep for ever.
struct Alarm<'a, G: Ground>(&'a Shared<G>);

impl<G: Ground> Drop for Alarm<'_, G> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}
