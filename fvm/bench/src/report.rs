//! What is said of the rows: a table to read, a file for machines, a picture.
//!
//! | module | writes |
//! |---|---|
//! | [`table`] | lines of Markdown, one a row |
//! | [`growth`] | the same, one a workload and size: how costs grow |
//! | [`json`] | everything |
//! | [`plot`] | what a transaction costs, layer by layer |
//!
//! All numbers are whole: hundredths where a fraction is wanted.

pub mod growth;
pub mod json;
pub mod plot;
pub mod table;

use crate::measure::{Row, Runner};

/// A number with two digits after the point, given in hundredths.
#[must_use]
pub fn hundredths(number: u64) -> String {
    format!("{}.{:02}", number / 100, number % 100)
}

/// The runner in words.
#[must_use]
pub fn runner(runner: Runner) -> String {
    match runner {
        Runner::InOrder => "in order".to_owned(),
        Runner::Threads(threads) => format!("{threads} threads"),
        Runner::Node => "node".to_owned(),
        Runner::Bare => "bare revm".to_owned(),
    }
}

/// What follows from a row's times, of the middle block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// CPU nanoseconds a transaction, of each layer by itself.
    pub execute_cpu: Option<u64>,
    /// The same of the root.
    pub root_cpu: Option<u64>,
    /// CPU nanoseconds of the root, a key that changed.
    pub root_cpu_per_key: Option<u64>,
    /// The same of reading and recovering.
    pub recover_cpu: Option<u64>,
    /// Transactions a second by the clock on the wall: executed.
    pub executed: Option<u64>,
    /// Executed and their root made.
    pub committed: Option<u64>,
    /// Read, recovered, executed and their root made, one layer after the other.
    pub from_bytes: Option<u64>,
    /// Gas a second by the clock on the wall: executed.
    pub gas: Option<u64>,
    /// Wall nanoseconds of a block, executed and its root made: the middle one.
    pub block_p50: Option<u64>,
    /// The 99th percentile, by nearest rank.
    pub block_p99: Option<u64>,
}

impl Figures {
    /// Of a row.
    #[must_use]
    pub fn of(row: &Row) -> Self {
        let count = u64::try_from(row.size.transactions).unwrap_or(u64::MAX).max(1);
        let blocks = u64::try_from(row.size.blocks).unwrap_or(u64::MAX).max(1);
        let a_second = |of: u64, nanos: Option<u64>| nanos.map(|nanos| per_second(of, nanos));
        let block = if row.root.cpu(50).is_some() { row.execute.plus(&row.root) } else { row.execute.clone() };
        let committed = row.execute.plus(&row.root);
        Self {
            execute_cpu: row.execute.cpu(50).map(|nanos| nanos / count),
            root_cpu: row.root.cpu(50).map(|nanos| nanos / count),
            root_cpu_per_key: row.root.cpu(50).and_then(|nanos| nanos.checked_div(keys(row))),
            recover_cpu: row.recover.cpu(50).map(|nanos| nanos / count),
            executed: a_second(count, row.execute.wall(50)),
            committed: a_second(count, committed.wall(50)),
            from_bytes: a_second(count, committed.plus(&row.recover).wall(50)),
            gas: a_second(row.gas / blocks, row.execute.wall(50)),
            block_p50: block.wall(50),
            block_p99: block.wall(99),
        }
    }
}

/// Executions a transaction, in hundredths.
#[must_use]
pub fn executions(row: &Row) -> u64 {
    u64::try_from(row.executions * 100 / row.transactions().max(1)).unwrap_or(u64::MAX)
}

/// Keys that a block changed: the mean.
#[must_use]
pub fn keys(row: &Row) -> u64 {
    row.keys / u64::try_from(row.size.blocks).unwrap_or(u64::MAX).max(1)
}

/// Bytes that the roots wrote, a transaction.
#[must_use]
pub fn written(row: &Row) -> u64 {
    row.written_bytes / u64::try_from(row.transactions()).unwrap_or(u64::MAX).max(1)
}

/// How two rows of one workload compare, in hundredths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ratios {
    /// CPU time to execute: bare revm's over this one's. Below 100, revm costs less.
    pub of_bare: Option<u64>,
    /// Wall time to execute: in order over this one. Above 100, this one is faster.
    pub of_in_order: Option<u64>,
}

impl Ratios {
    /// Of a row beside the others of its workload and size.
    #[must_use]
    pub fn of(row: &Row, rows: &[Row]) -> Self {
        let beside = |runner| rows.iter().find(|row| row.runner == runner).filter(|peer| peer.runner != row.runner);
        let over = |theirs: Option<u64>, ours: Option<u64>| Some(theirs?.saturating_mul(100) / ours?.max(1));
        Self {
            of_bare: beside(Runner::Bare).and_then(|bare| over(bare.execute.cpu(50), row.execute.cpu(50))),
            of_in_order: beside(Runner::InOrder).filter(|_| row.runner != Runner::Bare).and_then(|in_order| match row
                .runner
            {
                // Its blocks do not all run the same way: all of them count.
                Runner::Node => over(Some(in_order.execute.all_wall()), Some(row.execute.all_wall())),
                _ => over(in_order.execute.wall(50), row.execute.wall(50)),
            }),
        }
    }
}

fn per_second(count: u64, nanos: u64) -> u64 {
    let per_second = u128::from(count) * 1_000_000_000 / u128::from(nanos.max(1));
    u64::try_from(per_second).unwrap_or(u64::MAX)
}
