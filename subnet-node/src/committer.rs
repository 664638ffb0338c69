//! Decided blocks on their way to the state and to the disk, beside consensus.
//!
//! ```text
//! consensus   decide H ─▶ hold ─▶ start H+1 ─▶ propose or judge H+1 ─▶ decide H+1
//!                │                                ▲ the state after H
//!                ▼                                │
//! committer    rest of H's execution ─▶ root ─▶ write ─▶ head, pool, checkpoint ─▶ wake
//! ```
//!
//! At a decision consensus waits for the decision's own fsync. The next height begins and its time runs while the block is executed to its end;
//! only who makes or judges the next block waits for the state that its header names. One block is on its way at most.
//!
//! A node that stops waits for it. One that is killed executes the block again when it starts: [`Ledger::owed`].

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tributary_chain::{Block, CommitCertificate};
use tributary_message::Transaction;
use tributary_primitives::Height;
use tributary_replica::proposal::judge_transactions;

use crate::check::checker::{Checker, Order};
use crate::check::words::Case;
use crate::checkpoints::Checkpoints;
use crate::halt::{Cause, Halt};
use crate::ledger::{Committed, Head, Ledger};
use crate::metrics::Metrics;
use crate::pool::Pool;

/// Commits decided blocks, and tells all who live on them.
pub struct Committer {
    /// Where blocks are committed.
    pub ledger: Arc<Ledger>,
    /// Drops what a block used up.
    pub pool: Arc<Pool>,
    /// Signs the checkpoint that a block ends a period with.
    pub checkpoints: Arc<Checkpoints>,
    /// Counts blocks.
    pub metrics: Arc<Metrics>,
    /// None when no block is ever checked.
    pub checker: Option<Arc<Checker>>,
    /// Stops the node when a block cannot be committed.
    pub halt: Halt,
}

/// A block that a quorum decided, and that is not committed yet.
pub struct Owed {
    /// Who.
    pub certificate: CommitCertificate,
    /// The encoded block.
    pub bytes: Vec<u8>,
    /// Its transactions, where they were read before.
    pub transactions: Option<Arc<[Transaction]>>,
}

/// A block that was committed.
pub struct Done {
    /// The head that it made.
    pub head: Arc<Head>,
    /// What it ran.
    pub transactions: Arc<[Transaction]>,
    /// How long it took to run and to write, without what it waited for in between.
    pub took: Duration,
}

/// A block on its way. One that is dropped is waited for.
pub struct Committing {
    /// Its height.
    pub height: Height,
    running: Option<JoinHandle<Result<Option<Done>, CommitFatal>>>,
}

/// A decided block is not committed, and never will be by this process.
#[derive(Debug, thiserror::Error)]
#[error("the block decided at height {height} could not be committed; the log says what was met")]
pub struct CommitFatal {
    height: Height,
}

impl Committer {
    /// Begins to commit a block on a thread of its own. What keeps it from being committed stops the node.
    ///
    /// # Errors
    /// There is no thread.
    pub fn begin(self: &Arc<Self>, owed: Owed) -> Result<Committing, io::Error> {
        let (committer, height) = (Arc::clone(self), owed.certificate.height);
        let work = move || {
            let _told = Told { halt: &committer.halt, height };
            committer.commit(owed).map_err(|why| {
                committer.halt.because(why);
                CommitFatal { height }
            })
        };
        let running = thread::Builder::new().name("commit".into()).spawn(work)?;
        Ok(Committing { height, running: Some(running) })
    }

    /// Commits a block, and tells the pool, the checkpoints and the checker of it. `None` for one that was committed before.
    ///
    /// Blocks the thread, as [`Ledger::commit`] does.
    ///
    /// # Errors
    /// The disk, or a rule of our own: the node must stop.
    pub fn commit(&self, owed: Owed) -> Result<Option<Done>, Cause> {
        let Owed { certificate, bytes, transactions } = owed;
        let facts = self.ledger.facts();
        let block = Block::decode(&bytes, facts.rules.block_bytes_max)?;
        let transactions = match transactions {
            Some(transactions) => transactions,
            None => judge_transactions(self.pool.decode(&block.transactions), facts.mempool_rules())?.into(),
        };
        let Some(committed) = self.ledger.commit(certificate, &block, &bytes, &transactions)? else { return Ok(None) };
        self.metrics.committed(&committed, transactions.len());
        self.pool.after_block(&committed.head, &transactions)?;
        if let Some(checkpoint) = &committed.head.record.checkpoint {
            self.checkpoints.cut(checkpoint.clone())?;
        }
        if !self.pool.wake_if_wanted(&committed.head)? {
            // It may be long until the next decision brings the block to the disk.
            self.ledger.store().sync()?;
        }
        let done = Done { head: Arc::clone(&committed.head), transactions, took: committed.took };
        tell(&committed, done.transactions.len());
        self.check(committed, bytes);
        Ok(Some(done))
    }

    /// The block is run once more if its turn has come.
    fn check(&self, committed: Committed, bytes: Vec<u8>) {
        let Some(checker) = &self.checker else { return };
        let Committed { head, parent_root, env, outcome, .. } = committed;
        let params = || self.ledger.executor().params().clone();
        let case = || Case { parent_root, env, params: params(), block: bytes };
        checker.offer(head.height, || Order { case: case(), live: outcome });
    }
}

/// Stops the node when its thread panics: it may be long until somebody waits for that thread.
struct Told<'a> {
    halt: &'a Halt,
    height: Height,
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.halt.because(CommitFatal { height: self.height });
        }
    }
}

impl Committing {
    /// Waits for its end.
    ///
    /// # Errors
    /// [`CommitFatal`].
    pub fn wait(mut self) -> Result<Option<Done>, CommitFatal> {
        let running = self.running.take().expect("it is taken by this call alone, which takes all");
        running.join().unwrap_or(Err(CommitFatal { height: self.height }))
    }
}

impl Drop for Committing {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            // One that panicked told so itself.
            drop(running.join());
        }
    }
}

fn tell(committed: &Committed, transactions: usize) {
    let Committed { head, workers, stats, .. } = committed;
    tracing::info!(
        height = %head.height, transactions, gas = head.record.gas_used, state_root = %head.record.state_root,
        "block committed"
    );
    tracing::debug!(
        height = %head.height, transactions, threads = workers.threads(), ahead = stats.speculated,
        repeated = stats.repeated, gave_up = stats.is_closed, "block executed"
    );
}
