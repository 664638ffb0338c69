//! Where execution stands: after the last block, or in a block that runs on it and may be decided.
//!
//! | stands | told that a block may be decided | asked for the block that was decided |
//! |---|---|---|
//! | after the last block | a thread begins to run it | runs it now |
//! | in a block that may be decided | nothing: one at a time | that one: waits for its end; another: lets it go, makes the state again, runs it |
//! | at the nodes of the last block's trees | a thread begins to run it as soon as they are handed over | runs it then |
//! | nowhere, after a failure | nothing | makes the state again, runs it |
//!
//! Nodes of trees that are due are put together after the block's commit, on a thread of their own: who makes or judges the next block needs no
//! more than the head. The state goes on to change them, so what the next block does waits for them, and for nothing else.
//!
//! So a block runs while its votes travel, and when a quorum decides it is mostly done. Nothing that runs ahead is written, shown or
//! told to anyone before its block is decided.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use cid::Cid;
use tributary_fvm::state::{LeafChanges, Settled};
use tributary_fvm::{BlockEnv, BlockRun, Executor, Pace, State, Stats, Workers};
use tributary_message::Transaction;
use tributary_primitives::{Hash32, Height};
use tributary_store::{Buffered, Nodes, Store};

use super::past::{Now, PastStore, rebuild};
use super::{Head, LedgerFatal};

/// Runs blocks, each on the state that the one before left.
pub struct Stage {
    executor: Executor,
    store: Store,
    pace: Arc<Mutex<Pace>>,
    standing: Mutex<Standing>,
}

/// The state after a block, with what the last blocks read of it still decoded.
pub struct Place {
    /// Its root.
    pub root: Cid,
    /// What the state reads blocks from, and what it writes to until that is committed or handed over.
    pub store: PastStore,
    /// The state.
    pub state: State,
    /// The last height whose trees are on disk, or on their way there.
    pub saved: Height,
}

/// A block to run.
#[derive(Clone)]
pub struct Task {
    /// Its hash.
    pub block: Hash32,
    /// What it runs in.
    pub env: BlockEnv,
    /// What it runs.
    pub transactions: Arc<[Transaction]>,
}

/// A block that has run.
pub struct Ran {
    /// The state after it; its trees are settled, and not written.
    pub place: Place,
    /// What it came to.
    pub run: BlockRun,
    /// Leaves of the state that it changed.
    pub leaves: LeafChanges,
    /// The threads it ran on.
    pub workers: Workers,
    /// What that brought.
    pub stats: Stats,
    /// How long it ran, and how long the state took that had to be made again for it.
    pub took: Duration,
}

enum Standing {
    /// After a block.
    After(Place),
    /// After the block that left this root, whose trees' nodes are being handed over.
    Saving(Cid, JoinHandle<Result<Place, LedgerFatal>>),
    /// In the block with this hash.
    In(Hash32, JoinHandle<Result<Ran, LedgerFatal>>),
    /// Nowhere.
    Lost,
}

impl Stage {
    /// After `head`'s block, which is the last in `store`.
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn new(executor: Executor, store: Store, head: &Head) -> Result<Self, LedgerFatal> {
        let standing = Mutex::new(Standing::After(Place::at(&store, head)?));
        Ok(Self { executor, store, pace: Arc::default(), standing })
    }

    /// What runs the blocks.
    pub const fn executor(&self) -> &Executor {
        &self.executor
    }

    /// `task`'s block, which follows `head`'s, may be decided: it begins to run, if nothing else does.
    pub fn begin(&self, head: &Head, task: Task) {
        let mut standing = self.standing();
        *standing = match mem::replace(&mut *standing, Standing::Lost) {
            Standing::After(place) if place.root == head.record.state_root => self.start(task, move || Ok(place)),
            Standing::Saving(root, saving) if root == head.record.state_root => self.start(task, move || saved(saving)),
            other => other,
        };
    }

    /// `place` is asked for on the thread that runs the block.
    fn start(&self, task: Task, place: impl FnOnce() -> Result<Place, LedgerFatal> + Send + 'static) -> Standing {
        let (executor, pace, block) = (self.executor.clone(), Arc::clone(&self.pace), task.block);
        let work = move || run(&executor, &pace, place()?, &task);
        match thread::Builder::new().name("execute".into()).spawn(work) {
            Ok(running) => Standing::In(block, running),
            Err(why) => {
                // The state went with the thread; it is made again when the block is decided.
                tracing::warn!(%why, "no thread to run a block ahead of its decision");
                Standing::Lost
            }
        }
    }

    /// Runs `task`'s block, which follows `head`'s and was decided, or waits for it where it runs already. The stage stands nowhere
    /// until [`Self::stand`] or [`Self::stand_once`].
    ///
    /// # Errors
    /// [`LedgerFatal`]: the node must stop.
    pub fn finish(&self, head: &Head, task: &Task) -> Result<Ran, LedgerFatal> {
        let standing = mem::replace(&mut *self.standing(), Standing::Lost);
        let started = Instant::now();
        let place = match standing {
            Standing::After(place) if place.root == head.record.state_root => place,
            Standing::Saving(root, saving) if root == head.record.state_root => saved(saving)?,
            Standing::In(block, running) => match running.join() {
                Ok(ran) if block == task.block => return ran,
                // Another block than the one decided, or a defect that the run below will meet again.
                Ok(_) | Err(_) => Place::at(&self.store, head)?,
            },
            Standing::After(_) | Standing::Saving(..) | Standing::Lost => Place::at(&self.store, head)?,
        };
        let made_again = started.elapsed();
        let mut ran = run(&self.executor, &self.pace, place, task)?;
        ran.took += made_again;
        Ok(ran)
    }

    /// The block that `place` is after is committed.
    pub fn stand(&self, place: Place) {
        *self.standing() = Standing::After(place);
    }

    /// The block that `place` is after is committed, and `save` does what is left to do for it, beside whatever comes next but the run of the
    /// next block.
    ///
    /// # Errors
    /// [`LedgerFatal::Thread`].
    pub fn stand_once(
        &self,
        mut place: Place,
        save: impl FnOnce(&mut Place) -> Result<(), LedgerFatal> + Send + 'static,
    ) -> Result<(), LedgerFatal> {
        let root = place.root;
        let work = move || save(&mut place).map(|()| place);
        let saving = thread::Builder::new().name("nodes".into()).spawn(work).map_err(LedgerFatal::Thread)?;
        *self.standing() = Standing::Saving(root, saving);
        Ok(())
    }

    /// The nodes that the state after `head`'s block has and no trees before; `None` where there are such trees, or a later block runs.
    /// What is being handed over is waited for.
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn hand_over(&self, head: &Head) -> Result<Option<Nodes>, LedgerFatal> {
        let mut standing = self.standing();
        *standing = match mem::replace(&mut *standing, Standing::Lost) {
            Standing::Saving(_, saving) => Standing::After(saved(saving)?),
            other => other,
        };
        match &mut *standing {
            Standing::After(place) if place.root == head.record.state_root && place.saved < head.height => {
                place.hand_over(head.height).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Every change of it is one assignment.
    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What runs is waited for: it holds the store.
impl Drop for Stage {
    fn drop(&mut self) {
        match mem::replace(&mut *self.standing(), Standing::Lost) {
            Standing::In(_, running) => drop(running.join()),
            Standing::Saving(_, saving) => drop(saving.join()),
            Standing::After(_) | Standing::Lost => {}
        }
    }
}

impl Place {
    /// After `head`'s block, which is the last in `store`.
    fn at(store: &Store, head: &Head) -> Result<Self, LedgerFatal> {
        let root = head.record.state_root;
        let overlay = Arc::new(Buffered::new(store.clone()));
        let saved = store.trees_until(head.height)?.unwrap_or_default();
        if saved < head.height {
            tracing::info!(%saved, head = %head.height, "the state's trees are made again from what the last blocks changed");
        }
        let mut state = rebuild(store, &overlay, head.height, &root)?;
        state.read_leaves(Arc::new(Now(store.clone())));
        Ok(Self { root, store: overlay, state, saved })
    }

    /// The nodes that no trees before had, which are those after the block at `height`. They are to be written; until then they are
    /// read here.
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn hand_over(&mut self, height: Height) -> Result<Nodes, LedgerFatal> {
        self.state.save()?;
        self.saved = height;
        Ok(self.store.hand_over())
    }
}

/// The place whose nodes are handed over, which is waited for.
fn saved(saving: JoinHandle<Result<Place, LedgerFatal>>) -> Result<Place, LedgerFatal> {
    saving.join().unwrap_or(Err(LedgerFatal::NoTrees))
}

fn run(executor: &Executor, pace: &Mutex<Pace>, place: Place, task: &Task) -> Result<Ran, LedgerFatal> {
    let Place { store, state, saved, .. } = place;
    let started = Instant::now();
    let traffic = executor.traffic(&task.transactions);
    let pace = || pace.lock().unwrap_or_else(PoisonError::into_inner);
    let workers = pace().choose(&traffic);
    let fatal = |source| LedgerFatal::Execution { height: task.env.height, source: Box::new(source) };
    let (mut state, run, stats) = executor.run_on(workers, state, &task.env, &task.transactions).map_err(fatal)?;
    pace().ran(&traffic, workers, run.gas_used, started.elapsed());
    let Settled { root, leaves } = state.settle()?;
    let place = Place { root, store, state, saved };
    Ok(Ran { place, run, leaves, workers, stats, took: started.elapsed() })
}

#[cfg(test)]
mod tests;
