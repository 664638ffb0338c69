//! Runs a block's transactions on several threads, with the results of running them in order.
//!
//! ```text
//!            window: how far ahead of the frontier anyone may run
//!          ┌────────────────────────────────────┐
//!  done ▶▶▶│ f  executed  running  executed  …  │ not reached yet
//!          └─▲──────────────────────────────────┘
//!            frontier: everything before it is final
//!
//! worker:    take the next transaction ─▶ run it on what those before it have written so far ─▶ publish what it wrote
//! committer: the frontier's transaction: does what it read still hold?
//!              yes ─▶ its writes are final
//!              no  ─▶ run it here and now: nothing before it can change any more, so this is final
//! ```
//!
//! Whoever finds the frontier executed and nobody committing is the committer; there is no thread for it. So every transaction runs
//! at most twice, the frontier always moves, and of no more than a window of transactions is there anything that is not final. What a
//! transaction read is held against *values*: it does not matter who wrote them, or when.
//!
//! The result depends on no thread, no window and no order of events: [`Block::run`] is asked again at the frontier wherever a guess
//! could have mattered. What fails on a guess, a panic included, counts for nothing; what fails at the frontier stops the block.
//!
//! | module | holds |
//! |---|---|
//! | `memory` | cells written: what is final, and what transactions ahead have written |
//! | `ahead` | what a transaction ahead of the frontier reads, remembered |
//! | `lanes` | the other way: transactions said to be strangers run side by side, and are held against each other once |
//! | `view` | what one transaction reads, either way |
//! | `turns` | which worker runs which transaction; chains of one sender stay on one worker |
//! | `bell` | sleeping until something happened |
//! | `post` | one at a time at a work that nobody waits for |
//! | `run` | workers, and the committer |
//! | `sync` | the primitives, real or modelled |
//!
//! Sources: Gelashvili et al., "Block-STM" (arXiv 2203.06871), for the multi-version memory and the marks on what will be written
//! again; ordered commit instead of its scheduler, as in the optimistic executors that came after it.
#![cfg_attr(loom, allow(dead_code, reason = "only the small parts are modelled"))]

mod ahead;
mod bell;
#[cfg(not(loom))]
mod lanes;
mod memory;
#[cfg(all(test, loom))]
mod models;
mod post;
#[cfg(not(loom))]
mod run;
mod sync;
mod turns;
mod view;

use std::hash::Hash;

#[cfg(not(loom))]
pub use lanes::{Lanes, in_lanes};
pub use memory::{Value, Write};
#[cfg(not(loom))]
pub use run::{Done, Settings, Stats, execute};
pub use view::View;

/// The cells before the block. Nothing changes them while it runs.
pub trait Ground: Send + Sync {
    /// Names a cell. Full keys, no digests: two cells never share a name.
    type Key: Clone + Eq + Hash + Send + Sync;
    /// What a cell holds.
    type Value: Value;
    /// Why a cell cannot be read.
    type Fatal;

    /// What a cell holds before the block.
    ///
    /// # Errors
    /// [`Ground::Fatal`] when it cannot be read.
    fn load(&self, key: &Self::Key) -> Result<Self::Value, Self::Fatal>;
}

/// A block to run. Shared by the workers; what each needs for itself is its [`Block::Worker`].
pub trait Block: Sync {
    /// What it runs on.
    type Ground: Ground;
    /// What a transaction leaves behind beside its writes.
    type Output: Send;
    /// What transactions leave for later ones beside the cells, such as the gas used so far.
    type Tally: Send;
    /// What a thread keeps from one transaction to the next.
    type Worker;
    /// Why the block cannot go on.
    type Fatal: Send;

    /// How many transactions there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The last transaction before `index` that it surely depends on: the one before it of the same sender.
    fn after(&self, index: usize) -> Option<usize>;

    /// What a thread begins with. Made anew after a panic.
    fn worker(&self) -> Self::Worker;

    /// Runs a transaction on what `view` shows. At the frontier `tally` is there, and what it says is final; before it the
    /// transaction runs as if there were nothing to count.
    ///
    /// # Errors
    /// [`Block::Fatal`] when the block cannot go on. On a guess it is forgotten, since the guess may be its cause.
    fn run(
        &self,
        worker: &mut Self::Worker,
        index: usize,
        view: View<Self::Ground>,
        tally: Option<&Self::Tally>,
    ) -> Result<Ran<Self>, Self::Fatal>;

    /// Whether a transaction's output, made without a tally, would be the same with this one.
    fn fits(&self, tally: &Self::Tally, index: usize, output: &Self::Output) -> bool;

    /// Counts the output of the next transaction.
    fn count(&self, tally: &mut Self::Tally, output: &Self::Output);
}

/// What a transaction does to the cells.
pub type Writes<G> = Vec<(<G as Ground>::Key, Write<<G as Ground>::Value>)>;

/// A transaction that ran.
pub struct Ran<B: Block + ?Sized> {
    /// The view it ran on, with what it read.
    pub view: View<B::Ground>,
    /// What it wrote: each cell once.
    pub writes: Writes<B::Ground>,
    /// What else it leaves behind.
    pub output: B::Output,
}
