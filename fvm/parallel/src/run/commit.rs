//! The committer: whoever finds the frontier executed, and nobody else at it.
//!
//! | the frontier's transaction is | the committer |
//! |---|---|
//! | executed, and its reads hold | settles its writes |
//! | executed, and its reads do not hold, or it failed | marks what it wrote, runs it again, settles that |
//! | not executed yet | lets go; whoever executes it will commit |
//! | not taken, and speculation is over | runs it |
//!
//! Speculation is over when it does not pay: of at least 64 transactions more than three in ten ran twice.

use super::{Committer, KeyOf, Run};
use crate::ahead::Ahead;
use crate::sync::{Ordering, lock};
use crate::view::{Sight, View};
use crate::{Block, Ran};

/// Commits after which it is asked whether speculation pays. A model has no time for so many.
const TRIAL: usize = if cfg!(shuttle) { 2 } else { 64 };

/// Of ten transactions, how many may run twice.
const REPEATED_OF_TEN_MAX: usize = 3;

impl<B: Block> Run<'_, B> {
    /// Moves the frontier as far as it goes, unless somebody else is at it.
    pub(super) fn commit(&self, worker: &mut B::Worker) {
        let work = |committer: &mut Committer<B>| {
            while self.can_commit(committer) {
                self.commit_one(committer, worker);
            }
        };
        self.committer.hold(work, || {
            let frontier = self.shared.frontier.load(Ordering::SeqCst);
            !self.shared.is_stopped() && self.is_executed(frontier)
        });
    }

    fn is_executed(&self, index: usize) -> bool {
        self.places.get(index).is_some_and(|place| place.is_executed.load(Ordering::SeqCst))
    }

    /// Whether the frontier can be committed; when speculation is over, waits for who runs it.
    fn can_commit(&self, committer: &mut Committer<B>) -> bool {
        let frontier = self.shared.frontier.load(Ordering::SeqCst);
        if self.shared.is_stopped() {
            return false;
        }
        if self.turns.is_closed() {
            if self.turns.claim(frontier) {
                return true;
            }
            self.shared.bell.wait_until(|| self.is_executed(frontier) || self.shared.is_stopped());
        }
        let is_executed = self.is_executed(frontier);
        committer.stats.speculated += usize::from(is_executed);
        is_executed
    }

    fn commit_one(&self, committer: &mut Committer<B>, worker: &mut B::Worker) {
        let frontier = self.shared.frontier.load(Ordering::SeqCst);
        let outcome = lock(&self.places[frontier].outcome).take();
        let mut is_awaited = false;
        let output = match outcome {
            Some(outcome) if self.block.fits(&committer.tally, frontier, &outcome.output) && outcome.view.holds() => {
                outcome.written.iter().for_each(|key| self.shared.memory.settle(frontier, key));
                Ok(outcome.output)
            }
            outcome => {
                committer.stats.repeated += usize::from(self.is_executed(frontier));
                let written = outcome.map(|outcome| outcome.written).unwrap_or_default();
                is_awaited = !written.is_empty();
                self.run_again(committer, worker, frontier, written)
            }
        };
        match output {
            Ok(output) => self.advance(committer, output, is_awaited),
            Err(fatal) => {
                committer.fatal = Some(fatal);
                self.shared.stop();
            }
        }
    }

    fn run_again(
        &self,
        committer: &Committer<B>,
        worker: &mut B::Worker,
        frontier: usize,
        written: Vec<KeyOf<B>>,
    ) -> Result<B::Output, B::Fatal> {
        let memory = &self.shared.memory;
        written.iter().for_each(|key| memory.mark(frontier, key));
        let view = View(Sight::Ahead(Ahead::new(&self.shared, frontier)));
        let Ran { writes, output, .. } = self.block.run(worker, frontier, view, Some(&committer.tally))?;
        for (key, write) in writes {
            memory.replace(frontier, &key, write);
        }
        written.iter().for_each(|key| memory.withdraw(frontier, key));
        Ok(output)
    }

    /// Moves the frontier by one, and wakes whoever that is something to: readers of what was marked, workers without room.
    fn advance(&self, committer: &mut Committer<B>, output: B::Output, is_awaited: bool) {
        self.block.count(&mut committer.tally, &output);
        committer.outputs.push(output);
        let frontier = committer.outputs.len();
        self.shared.frontier.store(frontier, Ordering::SeqCst);
        let stats = &mut committer.stats;
        if frontier >= TRIAL && stats.repeated * 10 > frontier * REPEATED_OF_TEN_MAX && !stats.is_closed {
            stats.is_closed = true;
            self.turns.close();
        }
        if frontier == self.places.len() {
            self.shared.stop();
        } else if is_awaited || self.turns.is_closed() || self.has_room() {
            self.shared.bell.ring();
        }
    }
}
