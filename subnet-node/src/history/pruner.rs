//! The thread that prunes and collects: in small steps with pauses, beside a chain that waits for one small batch of it at most.
//!
//! It has the priority of everything else. A step ends with a batch under the lock that commits take, and in the database others write behind
//! it: a thread of lower priority that was put aside there, with the processors busy, would have the chain wait until they are not. The
//! pauses alone are what it gives way by.

use std::io;
use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tributary_store::{Kept, Store};

use super::collect::{CollectUnavailable, collect};
use super::law::{History, Keeping, collects};
use super::prune::{Pruned, prune};
use crate::halt::Halt;
use crate::ledger::LedgerFatal;
use crate::metrics::Metrics;

/// How often it looks whether something is to go.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// It rests this many times as long as the step before took: so it has a third of a disk and of a processor at most.
const REST: u32 = 2;

/// The thread, until it is stopped.
pub struct Pruner {
    stopping: Arc<Stopping>,
    running: JoinHandle<()>,
}

/// There is no thread to prune on.
#[derive(Debug, thiserror::Error)]
#[error("no thread to prune history on: {0}")]
pub struct PrunerUnavailable(io::Error);

/// Nothing is pruned any more.
#[derive(Debug, thiserror::Error)]
#[error("the thread that prunes history is gone, so the disk would fill; the log says where it panicked")]
struct PrunerFatal;

#[derive(Default)]
struct Stopping {
    is_asked: Mutex<bool>,
    asked: Condvar,
}

struct Hand {
    store: Store,
    keeping: Keeping,
    metrics: Arc<Metrics>,
    stopping: Arc<Stopping>,
}

impl Pruner {
    /// Starts it. Where all is kept it ends at once.
    ///
    /// # Errors
    /// [`PrunerUnavailable`].
    pub fn start(store: Store, keeping: Keeping, halt: Halt, metrics: Arc<Metrics>) -> Result<Self, PrunerUnavailable> {
        let stopping = Arc::<Stopping>::default();
        let hand = Hand { store, keeping, metrics, stopping: Arc::clone(&stopping) };
        let work = move || {
            let _watch = halt.on_panic(PrunerFatal);
            if let Err(why) = hand.run() {
                halt.because(why);
            }
        };
        let running = thread::Builder::new().name("prune".into()).spawn(work).map_err(PrunerUnavailable)?;
        Ok(Self { stopping, running })
    }

    /// Ends it after the step that it is at.
    pub fn stop(self) {
        self.stopping.ask();
        // One that panicked told so itself.
        drop(self.running.join());
    }
}

impl Hand {
    fn run(&self) -> Result<(), LedgerFatal> {
        self.metrics.keeps(self.store.kept()?);
        if self.keeping.history == History::Archive && self.store.pruned()? == self.store.kept()? {
            return Ok(());
        }
        let mut collected = self.store.base()?.map(|base| Kept { blocks: base, states: base });
        while !self.stopping.waits(LOOK_EVERY) {
            let pruned = self.prune()?;
            let is_due = collects(self.store.ipld_entries()?, self.store.collected()?);
            if pruned.is_done && collected != Some(pruned.kept) && is_due {
                // What is kept has moved since, and more is there: or a collection would find what the last one found.
                collected = Some(pruned.kept);
                self.collect()?;
            }
        }
        Ok(())
    }

    fn collect(&self) -> Result<(), LedgerFatal> {
        let started = Instant::now();
        let mut pace = Pace::of(&self.stopping);
        match collect(&self.store, || pace.step()) {
            Ok(collected) => {
                self.metrics.collected(&collected, started.elapsed());
                tracing::info!(
                    kept = collected.marked, deleted = collected.deleted.entries, bytes = collected.deleted.bytes,
                    took = ?started.elapsed(), "unneeded state collected"
                );
                Ok(())
            }
            Err(CollectUnavailable::Stopping) => Ok(()),
            Err(CollectUnavailable::Fatal(why)) => Err(why),
            Err(why) => {
                tracing::warn!(%why, "unneeded state not collected");
                Ok(())
            }
        }
    }

    fn prune(&self) -> Result<Pruned, LedgerFatal> {
        let started = Instant::now();
        let mut pace = Pace::of(&self.stopping);
        let pruned = prune(&self.store, &self.keeping, || pace.step())?;
        self.metrics.pruned(&pruned);
        if pruned.blocks > 0 || pruned.states > 0 {
            tracing::info!(
                oldest_block = %pruned.kept.blocks, oldest_state = %pruned.kept.states, blocks = pruned.blocks,
                states = pruned.states, entries = pruned.deleted.entries, bytes = pruned.deleted.bytes,
                took = ?started.elapsed(), "history pruned"
            );
        }
        Ok(pruned)
    }
}

/// Rests after each step.
struct Pace<'a> {
    stopping: &'a Stopping,
    began: Instant,
}

impl<'a> Pace<'a> {
    fn of(stopping: &'a Stopping) -> Self {
        Self { stopping, began: Instant::now() }
    }

    fn step(&mut self) -> ControlFlow<()> {
        let is_asked = self.stopping.waits(self.began.elapsed() * REST);
        self.began = Instant::now();
        if is_asked { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl Stopping {
    fn ask(&self) {
        *self.is_asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.asked.notify_all();
    }

    /// Waits so long, or until the thread is asked to stop; whether it is.
    fn waits(&self, most: Duration) -> bool {
        let is_asked = self.is_asked.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.asked.wait_timeout_while(is_asked, most, |is_asked| !*is_asked);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
