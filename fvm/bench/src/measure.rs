//! Setting everybody up; and one workload at one size: each block in order, on several threads and by the peer, in turn; and whether all of them agree.

use anyhow::{Result, ensure};
use tributary_fvm::{Stats, Workers};
use tributary_message::Transaction;

use crate::bare::Bare;
use crate::clock::{Time, Times, timed};
use crate::machine::PeakMemory;
use crate::ours::{Ours, Ran};
use crate::threads::spread;
use crate::workload::Workload;
use crate::world::{CHAIN_ID, Founding, World};

/// How large a measurement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Keys; each has an f1 and an f410 account.
    pub accounts: usize,
    /// Transactions a block.
    pub transactions: usize,
    /// Blocks that come first and do not count.
    pub warm_up: usize,
    /// Blocks that count.
    pub blocks: usize,
}

/// Who ran the blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runner {
    /// Our executor, one transaction after the other.
    InOrder,
    /// Our executor on so many threads.
    Threads(u32),
    /// Our executor as on a node: in order or on threads, whichever was faster lately.
    Node,
    /// revm over maps in memory.
    Bare,
}

/// What one of them did with one workload.
#[derive(Clone, Debug)]
pub struct Row {
    /// What the blocks were filled with.
    pub workload: Workload,
    /// How large it was.
    pub size: Size,
    /// Who ran them.
    pub runner: Runner,
    /// Each block's transactions, receipts made and changes taken over.
    pub execute: Times,
    /// Each block's root; the peer has none.
    pub root: Times,
    /// Each block's transactions decoded from their bytes, senders recovered; the peer takes ours.
    pub recover: Times,
    /// Block gas of all blocks.
    pub gas: u64,
    /// Times that transactions were executed in all blocks.
    pub executions: usize,
    /// Blocks in which speculation was given up.
    pub given_up: usize,
    /// Bytes of new blocks of state that the roots wrote.
    pub written_bytes: u64,
    /// Keys of the state that all blocks changed: actors, slots, entries, names.
    pub keys: u64,
    /// The most memory that the process had resident while this workload ran, everybody's together, in KiB.
    pub peak_kib: Option<u64>,
}

/// What it took to have a first state.
#[derive(Clone, Copy, Debug)]
pub struct SetUp {
    /// As in [`Size`].
    pub accounts: usize,
    /// Keys, genesis, and what the workloads need.
    pub time: Time,
    /// The most memory that the process had resident, in KiB.
    pub peak_kib: Option<u64>,
}

/// Everybody at the first state.
pub type Everybody = (World, Ours, Bare);

/// Sets everybody up for these workloads.
///
/// # Errors
/// When a transaction of the set-up fails.
pub fn set_up(accounts: usize, workloads: &[Workload], founding: Founding) -> Result<(Everybody, SetUp)> {
    let memory = PeakMemory::from_now();
    let (everybody, time) = timed(|| {
        let (world, ours) = World::of(accounts, workloads, founding)?;
        let bare = Bare::new(&world)?;
        anyhow::Ok((world, ours, bare))
    });
    Ok((everybody?, SetUp { accounts, time, peak_kib: memory.kib() }))
}

/// Everybody at the same state.
struct Run<'a> {
    world: &'a mut World,
    in_order: Ours,
    twins: Vec<Ours>,
    bare: Option<Bare>,
    rows: Vec<Row>,
}

/// Measures `workload` on the state after the set-up, in order, on each of these numbers of threads, and if `node` says on how many as
/// a node that may use so many; answers a row of each.
///
/// # Errors
/// When a transaction fails, or when two disagree on receipts, gas or the state's root.
pub fn measure(
    workload: Workload,
    size: Size,
    (threads, node): (&[u32], Option<u32>),
    (world, ours, bare): (&mut World, &Ours, &Bare),
) -> Result<Vec<Row>> {
    world.rewind();
    let memory = PeakMemory::from_now();
    let in_order = ours.fork()?;
    let mut twins = threads.iter().map(|threads| in_order.twin(Workers::new(*threads))).collect::<Result<Vec<_>>>()?;
    twins.extend(node.map(|threads| in_order.node(Workers::new(threads))).transpose()?);
    let bare = workload.is_ethereums().then(|| bare.fork());
    let runners = threads.iter().map(|threads| Runner::Threads(*threads)).chain(node.map(|_| Runner::Node));
    let runners = std::iter::once(Runner::InOrder).chain(runners).chain(bare.iter().map(|_| Runner::Bare));
    let rows = runners.map(|runner| Row::new(workload, size, runner)).collect();
    let mut run = Run { world, in_order, twins, bare, rows };
    for block in 0..size.warm_up + size.blocks {
        run.block(workload, size.transactions, block >= size.warm_up)?;
    }
    let peak_kib = memory.kib();
    Ok(run.rows.into_iter().map(|row| Row { peak_kib, ..row }).collect())
}

impl Run<'_> {
    fn block(&mut self, workload: Workload, transactions: usize, counts: bool) -> Result<()> {
        let transactions = self.world.block(workload, transactions)?;
        let (first, others) = self.rows.split_first_mut().expect("somebody runs in order");
        let ran = self.in_order.timed_block(&transactions)?;
        if counts {
            first.add(&ran, recover(&transactions, 1)?, transactions.len());
        }
        for (twin, row) in self.twins.iter_mut().zip(&mut *others) {
            let theirs = twin.timed_block(&transactions)?;
            let same = theirs.run == ran.run && twin.state().1 == self.in_order.state().1;
            ensure!(same, "{}: {:?} came to other results than in order", workload.name(), row.runner);
            if counts {
                let threads = usize::try_from(twin.workers().threads())?;
                row.add(&theirs, recover(&transactions, threads)?, transactions.len());
            }
        }
        if let (Some(bare), Some(row)) = (&mut self.bare, others.last_mut()) {
            let (gas, time) = bare.block(&transactions)?;
            let equal = ran.run.receipts.iter().map(|receipt| receipt.gas_used).eq(gas.iter().copied());
            ensure!(equal, "{}: the peer used other gas than we", workload.name());
            if counts {
                row.execute.push(time);
                row.gas += gas.iter().sum::<u64>();
                row.executions += transactions.len();
            }
        }
        Ok(())
    }
}

/// Reads the transactions from their bytes on so many threads, as when they arrive.
fn recover(transactions: &[Transaction], threads: usize) -> Result<Time> {
    let decode = |transaction: &Transaction| Transaction::decode(transaction.raw(), CHAIN_ID);
    let (read, time) = timed(|| spread(transactions, threads, decode));
    for (read, signed) in read.into_iter().zip(transactions) {
        ensure!(read? == *signed, "a transaction reads back as another");
    }
    Ok(time)
}

impl Row {
    /// Nothing yet.
    #[must_use]
    pub fn new(workload: Workload, size: Size, runner: Runner) -> Self {
        Self {
            workload,
            size,
            runner,
            execute: Times::default(),
            root: Times::default(),
            recover: Times::default(),
            gas: 0,
            executions: 0,
            given_up: 0,
            written_bytes: 0,
            keys: 0,
            peak_kib: None,
        }
    }

    fn add(&mut self, ran: &Ran, recovered: Time, transactions: usize) {
        let Stats { repeated, is_closed, .. } = ran.stats;
        self.execute.push(ran.execute);
        self.root.push(ran.commit);
        self.recover.push(recovered);
        self.gas += ran.run.gas_used;
        self.executions += transactions + repeated;
        self.given_up += usize::from(is_closed);
        self.written_bytes += ran.written_bytes;
        self.keys += ran.keys;
    }

    /// Transactions of all blocks that count.
    #[must_use]
    pub const fn transactions(&self) -> usize {
        self.size.transactions * self.size.blocks
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_workload_comes_to_the_same_in_order_on_threads_and_by_the_peer() {
        let size = Size { accounts: 10, transactions: 70, warm_up: 1, blocks: 2 };
        let (mut world, ours) = World::of(size.accounts, Workload::value_variants(), Founding::ByTransactions).unwrap();
        let bare = Bare::new(&world).unwrap();
        for workload in Workload::value_variants().iter().copied() {
            let rows = measure(workload, size, (&[2, 3], Some(2)), (&mut world, &ours, &bare)).unwrap();
            let runners: Vec<_> = rows.iter().map(|row| row.runner).collect();
            let wanted = [Runner::InOrder, Runner::Threads(2), Runner::Threads(3), Runner::Node, Runner::Bare];
            assert_eq!(runners, wanted[..4 + usize::from(workload.is_ethereums())], "{workload:?}");
            for row in &rows {
                assert!(row.gas == rows[0].gas && row.executions >= row.transactions(), "{workload:?}: {row:?}");
            }
            assert!(rows[0].executions == 140 && rows[0].written_bytes > 0, "{workload:?}");
        }
    }

    #[test]
    fn a_world_founded_directly_runs_what_growth_is_measured_by() {
        let size = Size { accounts: 10, transactions: 70, warm_up: 1, blocks: 1 };
        let workloads = [Workload::EthTransfer, Workload::Erc20];
        let ((mut world, ours, bare), set_up) = set_up(10, &workloads, Founding::Directly).unwrap();
        assert!(set_up.accounts == 10 && set_up.time.wall > 0);
        for workload in workloads {
            let rows = measure(workload, size, (&[], None), (&mut world, &ours, &bare)).unwrap();
            assert!(rows.len() == 2 && rows[0].gas == rows[1].gas, "{workload:?}");
            // Ten accounts or their ten balances as well, and some keys of the block's own.
            let least = if workload == Workload::Erc20 { 20 } else { 10 };
            assert!((least..least + 8).contains(&rows[0].keys), "{workload:?}: {}", rows[0].keys);
        }
    }

    #[test]
    fn a_workload_starts_where_the_one_before_it_started() {
        let (mut world, ours) = World::new(4).unwrap();
        let first = world.block(Workload::Erc20, 5).unwrap();
        ours.fork().unwrap().block(&first).unwrap();
        world.rewind();
        assert_eq!(world.block(Workload::Erc20, 5).unwrap(), first);
        ours.fork().unwrap().block(&first).unwrap();
    }
}
