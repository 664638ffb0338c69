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
use crate::check::words::{Case, Execution};
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
        Committing::begin(height, self.halt.clone(), move || committer.commit(owed))
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
        let Committed { head, parent_root, env, outcome, workers, stats, .. } = committed;
        let params = || self.ledger.executor().params().clone();
        let case = || Case { parent_root, env, params: params(), block: bytes };
        let execution = Execution::of(workers, stats);
        checker.offer(head.height, || Order { case: case(), live: outcome, execution });
    }
}

impl Committing {
    fn begin(
        height: Height,
        halt: Halt,
        commit: impl FnOnce() -> Result<Option<Done>, Cause> + Send + 'static,
    ) -> Result<Self, io::Error> {
        let work = move || {
            let _watch = halt.on_panic(CommitFatal { height });
            commit().map_err(|why| {
                halt.because(why);
                CommitFatal { height }
            })
        };
        let running = thread::Builder::new().name("commit".into()).spawn(work)?;
        Ok(Self { height, running: Some(running) })
    }

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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;

    use super::*;
    use crate::halt;

    const HEIGHT: Height = Height(7);

    #[test]
    fn what_a_commit_meets_stops_the_node_and_whoever_waits_is_told_so() {
        let (halt, mut halted) = halt::wire();
        let full = || Err(io::Error::from(io::ErrorKind::StorageFull).into());
        let committing = Committing::begin(HEIGHT, halt, full).unwrap();
        let told = committing.wait().err().unwrap().to_string();
        assert!(told.contains("height 7"), "{told}");
        assert_eq!(halted.met().unwrap().to_string(), io::ErrorKind::StorageFull.to_string());
    }

    #[test]
    fn a_commit_that_panics_stops_the_node_though_nobody_waits() {
        let (halt, mut halted) = halt::wire();
        drop(Committing::begin(HEIGHT, halt, || panic!("a defect")).unwrap());
        let met = halted.met().unwrap().to_string();
        assert!(met.contains("height 7"), "{met}");
    }

    #[test]
    fn who_lets_go_of_a_commit_waits_for_its_end() {
        let (halt, mut halted) = halt::wire();
        let (go, going) = mpsc::channel();
        let (ended, is_ended) = (Arc::new(AtomicBool::new(false)), |ended: &AtomicBool| ended.load(Ordering::Acquire));
        let at_end = Arc::clone(&ended);
        let commit = move || {
            going.recv().unwrap();
            at_end.store(true, Ordering::Release);
            Ok(None)
        };
        let committing = Committing::begin(HEIGHT, halt, commit).unwrap();
        assert!(!is_ended(&ended));
        let sender = thread::spawn(move || go.send(()).unwrap());
        drop(committing);
        assert!(is_ended(&ended) && halted.met().is_none());
        sender.join().unwrap();
    }
}
