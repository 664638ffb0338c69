//! Writes the state's trees beside the chain, so that no block waits until their nodes are written.
//!
//! ```text
//! commit ─▶ nodes are put together ──▶ waiting ──▶ being written ──▶ complete: the last piece, with the mark
//!            (super::stage)            one most    one               (store)
//! ```
//!
//! | trees are due, and | who hands over their nodes |
//! |---|---|
//! | nothing waits | leaves them there, and ends |
//! | some wait already | waits until those are begun |
//! | a write was refused | is refused; the node stops |
//!
//! The nodes are copied together, since the state goes on to change them: so the next block runs once that is done. Nobody else waits for
//! it, nor for anything that is this thread's.
//!
//! So the nodes of two heights are in memory at most, and a disk that cannot keep up holds the next block back instead of filling it. Trees
//! come to the disk in the order of their heights, each after its own block. Whoever needs some that are not there yet makes them
//! again ([`super::past`]); the state that blocks run on reads the nodes where they wait.
//!
//! A node that is killed loses what was on its way, and makes it again from what the blocks changed: of its last state at the start,
//! in memory, and of a checkpoint's in `complete_checkpoints`, on disk, since they stay when the changes go.

use std::num::NonZeroU64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tributary_primitives::Height;
use tributary_store::{Buffered, Nodes, Store, StoreFatal};

use super::LedgerFatal;
use super::past::complete;
use super::stored::read_record;
use crate::halt::Halt;
use crate::metrics::Metrics;

/// How trees are written.
#[derive(Clone)]
pub struct Trees {
    /// Blocks from those of one height to the next, at most.
    pub every: NonZeroU64,
    /// Stops the node when they cannot be.
    pub halt: Halt,
    /// What counts them.
    pub metrics: Arc<Metrics>,
}

/// Trees that were written.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The block whose state has them.
    pub height: Height,
    /// Nodes that no trees before had.
    pub nodes: usize,
    /// Their bytes.
    pub bytes: usize,
    /// How long they were on their way to the disk, once begun.
    pub took: Duration,
}

/// The thread that writes, until it is dropped; what was handed to it by then it still writes.
pub(super) struct TreeWriter {
    every: NonZeroU64,
    desk: Arc<Desk>,
    running: Option<JoinHandle<()>>,
}

/// What one thread leaves there and another takes.
#[derive(Default)]
struct Desk {
    place: Mutex<Place>,
    moved: Condvar,
}

#[derive(Default)]
struct Place {
    waiting: Option<Job>,
    work: Work,
    is_closed: bool,
}

#[derive(Clone)]
struct Job {
    height: Height,
    nodes: Nodes,
}

/// What the thread does.
#[derive(Default)]
enum Work {
    #[default]
    Nothing,
    Writing,
    /// Nothing any more. What is not on disk is held, so that the state finds it until the node has stopped.
    Refused {
        why: Arc<StoreFatal>,
        _held: Job,
    },
    /// It is gone.
    Gone,
}

impl TreeWriter {
    /// Starts it, for the chain that ends with the block at `head`.
    ///
    /// # Errors
    /// [`LedgerFatal::Thread`], [`LedgerFatal::Store`].
    pub fn start(store: Store, head: Height, trees: Trees) -> Result<Self, LedgerFatal> {
        let Trees { every, halt, metrics } = trees;
        metrics.has_trees(store.trees_until(head)?.unwrap_or_default());
        let write = move |job: &Job| {
            let written = write(&store, job)?;
            metrics.wrote_trees(&written);
            let Written { height, nodes, bytes, took } = written;
            tracing::info!(%height, nodes, bytes, ?took, "trees written");
            Ok(())
        };
        Self::with(every, halt, write)
    }

    fn with(
        every: NonZeroU64,
        halt: Halt,
        write: impl FnMut(&Job) -> Result<(), StoreFatal> + Send + 'static,
    ) -> Result<Self, LedgerFatal> {
        let desk = Arc::<Desk>::default();
        let (at, leaving) = (Arc::clone(&desk), Leaving(Arc::clone(&desk)));
        let work = move || {
            let _leaving = leaving;
            at.work(write, &halt);
        };
        let running = thread::Builder::new().name("trees".into()).spawn(work).map_err(LedgerFatal::Thread)?;
        Ok(Self { every, desk, running: Some(running) })
    }

    /// Whether it is time for the trees after the block at `height`, when the last that were written, or are on their way, are those
    /// after `saved`.
    pub fn is_due(&self, height: Height, saved: Height) -> bool {
        height.0.saturating_sub(saved.0) >= self.every.get()
    }

    /// Has the nodes written that the state after the block at `height`, which is committed, has and no trees before. Waits until none
    /// wait; only then `nodes` is called.
    ///
    /// # Errors
    /// [`LedgerFatal::Trees`], [`LedgerFatal::NoTrees`], and what `nodes` says.
    pub fn write(&self, height: Height, nodes: impl FnOnce() -> Result<Nodes, LedgerFatal>) -> Result<(), LedgerFatal> {
        // Nobody else hands over: commits are one after the other.
        drop(self.desk.when(|place| place.waiting.is_none())?);
        let nodes = nodes()?;
        self.desk.place().waiting = Some(Job { height, nodes });
        self.desk.moved.notify_all();
        Ok(())
    }

    /// Waits until all that was handed over is on disk.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn finish(&self) -> Result<(), LedgerFatal> {
        self.desk.when(|place| place.waiting.is_none() && matches!(place.work, Work::Nothing)).map(drop)
    }
}

impl Drop for TreeWriter {
    fn drop(&mut self) {
        self.desk.place().is_closed = true;
        self.desk.moved.notify_all();
        if let Some(running) = self.running.take() {
            // One that panicked told so itself.
            drop(running.join());
        }
    }
}

impl Desk {
    fn work(&self, mut write: impl FnMut(&Job) -> Result<(), StoreFatal>, halt: &Halt) {
        while let Some(job) = self.take() {
            let written = write(&job);
            let mut place = self.place();
            match written {
                Ok(()) => place.work = Work::Nothing,
                Err(why) => {
                    let why = Arc::new(why);
                    place.work = Work::Refused { why: Arc::clone(&why), _held: job };
                    halt.because(LedgerFatal::Trees(why));
                    self.moved.notify_all();
                    return;
                }
            }
            drop(place);
            self.moved.notify_all();
        }
    }

    /// What is to be written next; `None` when nothing will be.
    fn take(&self) -> Option<Job> {
        let place = self.place();
        let wait = |place: &mut Place| place.waiting.is_none() && !place.is_closed;
        let mut place = self.moved.wait_while(place, wait).unwrap_or_else(PoisonError::into_inner);
        let job = place.waiting.take()?;
        place.work = Work::Writing;
        drop(place);
        self.moved.notify_all();
        Some(job)
    }

    /// The place as soon as it is so.
    fn when(&self, is_so: impl Fn(&Place) -> bool) -> Result<MutexGuard<'_, Place>, LedgerFatal> {
        let wait = |place: &mut Place| !matches!(place.work, Work::Refused { .. } | Work::Gone) && !is_so(place);
        let place = self.moved.wait_while(self.place(), wait).unwrap_or_else(PoisonError::into_inner);
        match &place.work {
            Work::Refused { why, .. } => Err(LedgerFatal::Trees(Arc::clone(why))),
            Work::Gone => Err(LedgerFatal::NoTrees),
            Work::Nothing | Work::Writing => Ok(place),
        }
    }

    /// Every change of it is one assignment.
    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread ends, by a panic too: nobody waits for it.
struct Leaving(Arc<Desk>);

impl Drop for Leaving {
    fn drop(&mut self) {
        let mut place = self.0.place();
        if !matches!(place.work, Work::Refused { .. }) {
            place.work = Work::Gone;
        }
        drop(place);
        self.0.moved.notify_all();
    }
}

/// Rests after each piece as long as that took: so commits come in between, and have half of a disk at least.
fn write(store: &Store, job: &Job) -> Result<Written, StoreFatal> {
    let began = Instant::now();
    let mut trees = store.begin_trees(job.height, Arc::clone(&job.nodes));
    let mut piece = Instant::now();
    while trees.step()?.is_continue() {
        thread::sleep(piece.elapsed());
        piece = Instant::now();
    }
    let bytes = job.nodes.iter().map(|(_, block)| block.len()).sum();
    Ok(Written { height: job.height, nodes: job.nodes.len(), bytes, took: began.elapsed() })
}

/// Writes the trees of checkpoints' states, up to that after the block at `head`, which a node that was killed had not written yet.
///
/// # Errors
/// [`LedgerFatal`].
pub(super) fn complete_checkpoints(store: &Store, head: Height) -> Result<(), LedgerFatal> {
    let saved = store.trees_until(head)?.unwrap_or_default();
    for height in (saved.0 + 1..=head.0).map(Height) {
        let Some(record) = read_record(store, height)?.filter(|record| record.checkpoint.is_some()) else { continue };
        let overlay = Arc::new(Buffered::new(store.clone()));
        complete(store, &overlay, height, &record.state_root)?;
        store.begin_trees(height, overlay.hand_over()).finish()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
