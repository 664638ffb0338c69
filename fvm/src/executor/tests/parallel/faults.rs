//! A store that breaks in the middle of a block on threads: no receipt is ever made of it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use fvm_ipld_blockstore::Blockstore;

use super::*;
use crate::{Executor, ExecutorFatal};

/// What becomes of a read that is spoilt.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Fails,
    Panics,
}

/// A store that spoils some of its reads, by their numbers.
struct Faulty {
    store: Arc<MemoryStore>,
    fault: Fault,
    spoilt: Range<usize>,
    /// Whether reads count now; else none is spoilt.
    is_counting: AtomicBool,
    reads: AtomicUsize,
    /// Blocks asked for.
    asked: Mutex<BTreeSet<Cid>>,
}

impl Faulty {
    fn new(fault: Fault, spoilt: Range<usize>) -> Arc<Self> {
        let (is_counting, reads) = (AtomicBool::new(false), AtomicUsize::new(0));
        Arc::new(Self { store: stored(), fault, spoilt, is_counting, reads, asked: Mutex::default() })
    }
}

impl Blockstore for Faulty {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        if !self.is_counting.load(Ordering::SeqCst) {
            return self.store.get(cid);
        }
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(*cid);
        match self.fault {
            _ if !self.spoilt.contains(&self.reads.fetch_add(1, Ordering::SeqCst)) => self.store.get(cid),
            Fault::Fails => anyhow::bail!("the disk is gone"),
            Fault::Panics => std::panic::resume_unwind(Box::new("the disk is gone")),
        }
    }

    fn put_keyed(&self, cid: &Cid, block: &[u8]) -> anyhow::Result<()> {
        self.store.put_keyed(cid, block)
    }
}

/// A block of everything, from accounts of every kind.
fn block() -> Vec<Transaction> {
    let (mut nonces, kinds) = (Nonces::default(), (0..3_u8).cycle());
    let sent = |(act, account)| Sent { by: account, account, gap: 0, gas_limit: 400_000, act };
    acts().into_iter().zip(kinds).map(|kinds| sent(kinds).sign(&mut nonces)).collect()
}

/// What it comes to when reads are spoilt that its transactions make; nothing when it ends in an error or a panic.
fn try_block(
    store: &Arc<Faulty>,
    workers: u32,
    hints: &Hints,
    transactions: &[Transaction],
) -> Option<(BlockRun, Cid)> {
    let world = &START.world;
    let run = || -> Result<_, ExecutorFatal> {
        let env = world.env();
        let next = BlockEnv { height: env.height.next(), ..env };
        // What every block reads before its transactions and after them is at hand then.
        let (state, _) = world.executor.run_block(world.executor.open(store, &world.root)?, &env, &[])?;
        store.is_counting.store(true, Ordering::SeqCst);
        let (mut state, run, _) =
            world.executor.run_hinted(Workers::new(workers), hints, state, &next, transactions)?;
        store.is_counting.store(false, Ordering::SeqCst);
        Ok((run, state.flush()?))
    };
    catch_unwind(AssertUnwindSafe(run)).ok()?.ok()
}

/// The ways to run a block of so many transactions on threads.
fn ways(transactions: usize) -> [Hints; 3] {
    [Hints::Senders, Hints::Nothing, Hints::Lanes((0..transactions).collect())]
}

/// What the block comes to in order on a whole store, and how many blocks of state its transactions need.
fn in_order(transactions: &[Transaction]) -> ((BlockRun, Cid), usize) {
    let whole = Faulty::new(Fault::Fails, 0..0);
    let left = try_block(&whole, 1, &Hints::Nothing, transactions).unwrap();
    let needed = whole.asked.lock().unwrap().len();
    (left, needed)
}

#[test]
fn a_store_that_breaks_after_any_number_of_reads_is_never_a_receipt() {
    let block = block();
    let (left, needed) = in_order(&block);
    for hints in &ways(block.len()) {
        let whole = Faulty::new(Fault::Fails, 0..0);
        assert_eq!(try_block(&whole, 3, hints, &block).as_ref(), Some(&left), "{hints:?}");
        for (fault, reads) in (0..needed).flat_map(|reads| [(Fault::Fails, reads), (Fault::Panics, reads)]) {
            let broken = Faulty::new(fault, reads..usize::MAX);
            let ended = try_block(&broken, 3, hints, &block);
            assert_eq!(ended, None, "{fault:?} after {reads} reads of {needed}, {hints:?}");
        }
    }
}

#[test]
fn a_read_that_goes_wrong_once_costs_a_guess_or_stops_the_block_and_changes_no_receipt() {
    let block = block();
    let (left, needed) = in_order(&block);
    for hints in &ways(block.len()) {
        for fault in [Fault::Fails, Fault::Panics] {
            for read in 0..needed {
                let ended = try_block(&Faulty::new(fault, read..read + 1), 3, hints, &block);
                // The first read is a guess's. A later one may be that of a transaction in its turn.
                let is_forgotten = ended.as_ref().map_or(read > 0, |ended| *ended == left);
                assert!(is_forgotten, "{fault:?} at read {read} of {needed}, {hints:?}: {ended:?}");
            }
        }
    }
}

#[test]
fn a_module_that_is_missing_stops_a_block_on_threads() {
    let (world, block) = (&START.world, block());
    let executor = Executor::with_workers(world.executor.params().clone(), None, Workers::new(3)).unwrap();
    let store = stored();
    assert!(store.remove(&code()));
    for hints in &ways(block.len()) {
        let state = executor.open(&store, &world.root).unwrap();
        let ended = executor.run_hinted(Workers::new(3), hints, state, &world.env(), &block).map(|_| ());
        let Err(failed) = ended else { panic!("{hints:?}") };
        assert!(failed.to_string().contains(&code().to_string()), "{failed}");
    }
}
