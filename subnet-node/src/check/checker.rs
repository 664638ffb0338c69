//! The thread that checks: one block at a time, at the lowest priority, beside a chain that never waits for it.

use std::io;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use tributary_fvm::{BlockOutcome, Executor, Hints, Workers};
use tributary_primitives::Height;

use super::dump::Dump;
use super::law::{Differences, Due, Finding, due, judge};
use super::recorder::{RECORDED_BYTES_MAX, Recorded, Recorder};
use super::replay::{Replayed, replay};
use super::words::{Attempt, Case, Execution, ReplayUnavailable};
use crate::halt::Halt;
use crate::home::Home;
use crate::ledger::past::PastStates;
use crate::metrics::Metrics;

/// What the thread gives way by: on Linux a thread has a priority of its own, and those it starts have it too.
const NICENESS: i32 = 19;

/// A block that was committed, and what the node made of it.
#[derive(Debug)]
pub struct Order {
    /// The block.
    pub case: Case,
    /// What was committed.
    pub live: BlockOutcome,
    /// How that came about.
    pub execution: Execution,
}

/// Checks every so many blocks.
pub struct Checker {
    every: NonZeroU64,
    hand: Arc<Hand>,
    running: Mutex<Option<JoinHandle<()>>>,
}

/// A block that this node committed came out differently when it was run again.
#[derive(Debug, thiserror::Error)]
pub enum CheckFatal {
    /// Run in order it gives another outcome.
    #[error(
        "block {height} gave another outcome when it was run again in order (committed / in order): {differences}. {evidence}. Until \
         it is known which of them is wrong, do not trust the state of this node"
    )]
    Diverged {
        /// The block.
        height: Height,
        /// Where.
        differences: Differences,
        /// Where its dump is, or why there is none.
        evidence: String,
    },
    /// The same, and a supervisor may start the node again.
    #[error("{diverged}; the note that keeps this node down cannot be written either")]
    Unmarked {
        /// What was found.
        diverged: Box<Self>,
        /// What the disk says.
        source: io::Error,
    },
}

struct Hand {
    executor: Executor,
    past: Arc<PastStates>,
    home: Home,
    halt: Halt,
    metrics: Arc<Metrics>,
    is_stopping: Arc<AtomicBool>,
}

impl Checker {
    /// Checks every `every`th block with an executor that nobody else uses, on the trees of the state before it.
    #[must_use]
    pub fn new(
        every: NonZeroU64,
        executor: Executor,
        past: Arc<PastStates>,
        home: Home,
        halt: Halt,
        metrics: Arc<Metrics>,
    ) -> Self {
        let hand = Hand { executor, past, home, halt, metrics, is_stopping: Arc::default() };
        Self { every, hand: Arc::new(hand), running: Mutex::new(None) }
    }

    /// The block at `height` was committed. Returns at once: it is checked beside the chain if it is due and no other is; `order` is
    /// asked for only then.
    pub fn offer(&self, height: Height, order: impl FnOnce() -> Order) {
        let mut running = self.running();
        let is_busy = running.as_ref().is_some_and(|thread| !thread.is_finished());
        match due(height, self.every, is_busy) {
            Due::No => {}
            Due::Skipped => self.hand.metrics.skipped_check(),
            Due::Now => *running = self.start(height, order()),
        }
    }

    fn start(&self, height: Height, order: Order) -> Option<JoinHandle<()>> {
        let hand = Arc::clone(&self.hand);
        let thread = thread::Builder::new().name("check".into()).spawn(move || hand.check(order));
        thread.map_err(|why| self.hand.skip(height, &ReplayUnavailable::NoThread(why.to_string()))).ok()
    }

    /// Waits for the check in progress.
    pub fn finish(&self) {
        if let Some(thread) = self.running().take() {
            // A check that panicked told so itself.
            drop(thread.join());
        }
    }

    /// Ends the check in progress at the next block of state that it reads; what it found until then is forgotten.
    pub fn stop(&self) {
        self.hand.is_stopping.store(true, Ordering::Relaxed);
        self.finish();
    }

    fn running(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hand {
    fn check(&self, order: Order) {
        let height = order.case.env.height;
        if let Err(why) = rustix::process::nice(NICENESS) {
            return self.skip(height, &ReplayUnavailable::NoThread(why.to_string()));
        }
        let Replayed { attempt, unavailable, read } = self.replay(&self.executor, &order.case);
        match judge(&order.live, &attempt, unavailable) {
            Finding::Sound => {
                tracing::debug!(%height, state_bytes = read.bytes, "block checked");
                self.metrics.checked();
            }
            Finding::Unavailable(ReplayUnavailable::Stopping) => {}
            Finding::Unavailable(why) => self.skip(height, &why),
            Finding::Diverged(differences) => self.strike(order, attempt, read, differences),
        }
    }

    fn replay(&self, executor: &Executor, case: &Case) -> Replayed {
        let before = case.env.height.previous().unwrap_or_default();
        // Alone: what this thread holds at its priority, nobody waits for.
        let state = match self.past.alone(before, &case.parent_root) {
            Ok(past) => Recorder::new(past, RECORDED_BYTES_MAX, Arc::clone(&self.is_stopping)),
            Err(why) => {
                let (attempt, read) = (Err(why.to_string()), Recorded::default());
                return Replayed { attempt, unavailable: Some(ReplayUnavailable::NoState(why.to_string())), read };
            }
        };
        replay(executor, state, case, Workers::ONE, &Hints::Nothing)
    }

    fn skip(&self, height: Height, why: &ReplayUnavailable) {
        tracing::warn!(%height, %why, "block not checked");
        self.metrics.skipped_check();
    }

    /// Dump, note, halt: each is there before the next, whatever happens in between.
    fn strike(&self, order: Order, in_order: Attempt, read: Recorded, differences: Differences) {
        let height = order.case.env.height;
        let evidence = match self.dump(order, in_order, read) {
            Ok(path) => format!("`subnet-node inspect replay --dump {}` runs it again", path.display()),
            Err(why) => format!("Its dump could not be written: {why:#}"),
        };
        let diverged = CheckFatal::Diverged { height, differences, evidence };
        let marked = self.home.mark_safety_halt(&diverged.to_string());
        self.halt.because(match marked {
            Ok(()) => diverged,
            Err(source) => CheckFatal::Unmarked { diverged: Box::new(diverged), source },
        });
    }

    /// Code that was compiled for an earlier check was not read for this one: an executor that knows nothing yet reads all there is.
    fn dump(&self, order: Order, in_order: Attempt, read: Recorded) -> anyhow::Result<PathBuf> {
        let Order { case, live, execution } = order;
        let executor = Executor::new(case.params.clone(), Some(&self.home.code_cache()))?;
        let again = self.replay(&executor, &case);
        let is_cut = again.read.is_cut || again.unavailable.is_some();
        let state = Recorded { blocks: read.blocks.into_iter().chain(again.read.blocks).collect(), ..again.read };
        Dump { case, live, execution, in_order, state, is_cut }.write(&self.home.dumps())
    }
}
