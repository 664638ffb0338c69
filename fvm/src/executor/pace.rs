//! In order, or on several threads: whichever has been faster lately. What a block leaves behind is the same, so each node has a pace of
//! its own; it asks no clock, and is told what blocks took.
//!
//! A unit of gas takes thirty times as long in one contract as in another, and threads suit one and not the other. So each kind of block has
//! measurements of its own, and a block is of the kind of the method that most of its gas may go to, whoever has it.
//!
//! | the block | runs |
//! |---|---|
//! | gains nothing by threads, by its size and kind | in order, and is not counted |
//! | is the first of its kind | in order: there may be no second |
//! | is the second of its kind | on threads |
//! | is the 32nd of its kind since the last look at the slower way | the slower way: the machine may have got free, or the traffic another |
//! | is any other | the faster way |
//!
//! So where threads do not pay, because cores are busy or transactions short or in each other's way, they cost a block in 32.

use std::collections::HashMap;
use std::time::Duration;

use alloy_consensus::Transaction as _;
use fvm_shared::MethodNum;
use tributary_message::Transaction;

use super::parallel::{gas_limit, is_call};
use super::{Executor, Workers};

/// Blocks from one look at the slower way to the next.
const LOOK_EVERY: u32 = 32;

/// How much of the mean a new measurement is: an eighth of the faster way's, which almost every block measures, half of the slower way's,
/// which only looks do: one of a machine that has changed should not take ten of them to be believed.
const WEIGHT: u64 = 8;
const WEIGHT_OF_LOOK: u64 = 2;

/// Kinds that are remembered, those seen last.
const KINDS_MAX: usize = 64;

/// What a block is before it runs.
#[derive(Clone, Copy, Debug)]
pub struct Traffic {
    /// How many workers it could use.
    most: Workers,
    /// What most of the gas of its calls may go to.
    method: Method,
}

/// What a call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Method {
    /// Of an actor.
    Fvm(MethodNum),
    /// A contract's, by its selector.
    Ethereum([u8; 4]),
    /// A contract without one.
    Fallback,
    /// To be made.
    Create,
}

impl Method {
    fn of(transaction: &Transaction) -> Self {
        match transaction {
            Transaction::Fvm(transaction) => Self::Fvm(transaction.message().method_num),
            Transaction::Ethereum(transaction) if transaction.to().is_none() => Self::Create,
            Transaction::Ethereum(transaction) => transaction
                .envelope()
                .input()
                .first_chunk()
                .map_or(Self::Fallback, |selector| Self::Ethereum(*selector)),
        }
    }
}

impl Traffic {
    pub(super) fn of(executor: &Executor, transactions: &[Transaction]) -> Self {
        let mut gas = HashMap::<_, u128, foldhash::fast::RandomState>::default();
        for call in transactions.iter().filter(|transaction| is_call(transaction)) {
            *gas.entry(Method::of(call)).or_default() += u128::from(gas_limit(executor, call));
        }
        let method = gas.into_iter().max_by_key(|(method, gas)| (*gas, *method));
        Self { most: executor.workers_for(transactions), method: method.map_or(Method::Fallback, |(method, _)| method) }
    }

    /// The same where there are no more than `workers`.
    #[must_use]
    pub fn at_most(self, workers: Workers) -> Self {
        Self { most: self.most.min(workers), ..self }
    }
}

/// What both ways have cost lately, of each kind of block.
#[derive(Debug, Default)]
pub struct Pace {
    /// The one seen last comes first.
    kinds: Vec<(Method, Kind)>,
}

/// What both ways have cost lately.
#[derive(Debug, Default)]
struct Kind {
    in_order: Mean,
    threads: Mean,
    since_look: u32,
}

/// Picoseconds a unit of block gas, of blocks that could have run either way.
#[derive(Clone, Copy, Debug, Default)]
struct Mean(Option<u64>);

impl Mean {
    fn add(&mut self, cost: u64, weight: u64) {
        self.0 = Some(self.0.map_or(cost, |mean| mean - mean / weight + cost / weight));
    }
}

impl Pace {
    /// How the next block runs.
    pub fn choose(&mut self, traffic: &Traffic) -> Workers {
        match traffic.most {
            Workers::ONE => Workers::ONE,
            most => self.kind(traffic.method).choose(most),
        }
    }

    /// What a block took that ran on `workers`.
    pub fn ran(&mut self, traffic: &Traffic, workers: Workers, gas: u64, took: Duration) {
        if traffic.most != Workers::ONE && gas > 0 {
            self.kind(traffic.method).ran(workers, gas, took);
        }
    }

    fn kind(&mut self, method: Method) -> &mut Kind {
        let known = self.kinds.iter().position(|(of, _)| *of == method);
        let kind = known.map_or_else(|| (method, Kind::default()), |at| self.kinds.remove(at));
        self.kinds.truncate(KINDS_MAX - 1);
        self.kinds.insert(0, kind);
        &mut self.kinds[0].1
    }
}

impl Kind {
    fn choose(&mut self, most: Workers) -> Workers {
        let Some(in_order) = self.in_order.0 else { return Workers::ONE };
        let Some(threads) = self.threads.0 else { return most };
        self.since_look += 1;
        let is_look = self.since_look == LOOK_EVERY;
        if is_look {
            self.since_look = 0;
        }
        if (threads < in_order) == is_look { Workers::ONE } else { most }
    }

    fn ran(&mut self, workers: Workers, gas: u64, took: Duration) {
        let picos = u64::try_from(took.as_nanos().saturating_mul(1_000)).unwrap_or(u64::MAX);
        let (ours, other) = match workers {
            Workers::ONE => (&mut self.in_order, self.threads),
            _ => (&mut self.threads, self.in_order),
        };
        // Nothing measured is less than anything.
        ours.add(picos / gas, if ours.0 > other.0 { WEIGHT_OF_LOOK } else { WEIGHT });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn most() -> Workers {
        Workers::new(4)
    }

    fn calls_of(method: MethodNum) -> Traffic {
        Traffic { most: most(), method: Method::Fvm(method) }
    }

    /// Runs a block that takes `in_order` or `threads` milliseconds, and says whether it ran on threads.
    fn block(pace: &mut Pace, traffic: &Traffic, in_order: u64, threads: u64) -> bool {
        let workers = pace.choose(traffic);
        let took = if workers == most() { threads } else { in_order };
        pace.ran(traffic, workers, 1_000_000, Duration::from_millis(took));
        workers == most()
    }

    /// So many blocks of one kind; how many ran on threads.
    fn blocks(pace: &mut Pace, count: usize, in_order: u64, threads: u64) -> usize {
        (0..count).filter(|_| block(pace, &calls_of(1), in_order, threads)).count()
    }

    #[test]
    fn the_faster_way_runs_but_for_one_look_in_thirty_two() {
        assert_eq!(blocks(&mut Pace::default(), 2 + 320, 10, 6), 1 + 310);
        assert_eq!(blocks(&mut Pace::default(), 2 + 320, 6, 10), 1 + 10);
    }

    #[test]
    fn kinds_whose_gas_takes_differently_long_do_not_mislead_each_other() {
        let (mut pace, slow, fast) = (Pace::default(), calls_of(1), calls_of(2));
        let mut on_threads = [0_u32; 2];
        for _ in 0..2 + 320 {
            on_threads[0] += u32::from(block(&mut pace, &slow, 300, 170));
            on_threads[1] += u32::from(block(&mut pace, &fast, 6, 12));
        }
        assert_eq!(on_threads, [1 + 310, 1 + 10]);
    }

    #[test]
    fn a_kind_that_comes_once_runs_in_order_and_those_seen_last_are_remembered() {
        let mut pace = Pace::default();
        for method in 0..1_000 {
            assert!(!block(&mut pace, &calls_of(method), 10, 6), "{method}");
        }
        assert_eq!(pace.kinds.len(), KINDS_MAX);
        assert!(!block(&mut pace, &calls_of(1_000 - 65), 10, 6), "it was forgotten");
        assert!(block(&mut pace, &calls_of(999), 10, 6));
    }

    #[test]
    fn another_machine_load_is_noticed_by_the_looks() {
        let mut pace = Pace::default();
        blocks(&mut pace, 100, 10, 6);
        blocks(&mut pace, 400, 10, 30);
        assert!(blocks(&mut pace, 64, 10, 30) <= 2, "threads have become slow, which each block on them shows");
        assert!(blocks(&mut pace, 3 * 32, 10, 1) >= 1, "the looks show that they are fast again");
        assert!(blocks(&mut pace, 64, 10, 1) >= 62, "and three of them are believed");
    }

    #[test]
    fn blocks_that_cannot_use_threads_say_nothing() {
        let (mut pace, alone) = (Pace::default(), calls_of(1).at_most(Workers::ONE));
        assert_eq!(pace.choose(&alone), Workers::ONE);
        pace.ran(&alone, Workers::ONE, 1_000_000, Duration::from_secs(1));
        pace.ran(&calls_of(1), Workers::ONE, 0, Duration::from_secs(1));
        assert!(pace.kinds.is_empty());
    }
}
