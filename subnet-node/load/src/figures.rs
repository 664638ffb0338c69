//! What a flight came to, in numbers.
//!
//! ```text
//! first submit                                    last submit   last confirm
//! ├─ second 0 ─┼─ second 1 ─┼─ second 2 ─┼─ … ────────┼────────────┤
//! └──────────────── sustained rate: all confirmed ─────────────────┘
//! ```
//!
//! The windows' median is of the whole seconds between the first submit and the last confirm; a drain at the end is part of both.

use serde::Serialize;

use crate::flight::{Block, Flight, Record, due_us};
use crate::words::{Hundredths, Pace};

/// Microseconds of a window.
const WINDOW_US: u64 = 1_000_000;

/// Durations, and what stands for them. Microseconds, by nearest rank.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// Half are not above.
    pub p50_us: u64,
    /// 95 of 100 are not above.
    pub p95_us: u64,
    /// 99 of 100 are not above.
    pub p99_us: u64,
    /// None is above.
    pub max_us: u64,
}

impl Latency {
    /// Of these; none of nothing. Cost: sorting them.
    #[must_use]
    pub fn of(mut micros: Vec<u64>) -> Option<Self> {
        micros.sort_unstable();
        let at = |percent: usize| micros.get((micros.len() * percent).div_ceil(100).checked_sub(1)?).copied();
        Some(Self { p50_us: at(50)?, p95_us: at(95)?, p99_us: at(99)?, max_us: at(100)? })
    }
}

/// The blocks from the first that confirmed a transaction to the last.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Blocks {
    /// How many.
    pub count: u64,
    /// Transactions of each, on average.
    pub transactions_mean: Hundredths,
    /// Gas used of a hundred that there was.
    pub fill_percent: Hundredths,
    /// Millions of gas used a second, by all but the first, over the time from the first to the last.
    pub mgas_per_second: Hundredths,
    /// Milliseconds from one to the next, on average.
    pub interval_ms_mean: Hundredths,
    /// Those whose base fee was more than the transactions may pay, so that none could be in them. A chain that is full raises its base
    /// fee until demand falls (EIP-1559): then the fee bounds the rate, and not the network.
    pub too_dear: u64,
}

/// The numbers of a flight.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Transactions that were handed in, at least once.
    pub submitted: u64,
    /// Transactions in a block.
    pub confirmed: u64,
    /// Transactions that were taken and are in no block.
    pub unconfirmed: u64,
    /// Transactions that were told to come later, until it was too late.
    pub turned_away: u64,
    /// From the first submit to the last confirm.
    pub seconds: Hundredths,
    /// Confirmed a second in that time.
    pub tps: Hundredths,
    /// Confirmed in the middle one of its whole seconds; none of less than a second.
    pub tps_window_median: Option<u64>,
    /// From right before the submit call to the sight of the block.
    pub latency: Option<Latency>,
    /// Open loop: most that a transaction was handed in after its time, because all connections were waiting for answers. What it
    /// waited then is in no latency.
    pub late_max_us: Option<u64>,
    /// The blocks with them.
    pub blocks: Blocks,
}

impl Figures {
    /// Of this flight. Cost: sorting the latencies.
    #[must_use]
    pub fn of(flight: &Flight) -> Self {
        let records = flight.records();
        let first_us = records.iter().filter_map(|record| record.submitted_us).min().unwrap_or_default();
        let last_us = records.iter().filter_map(|record| record.confirmed_us).max().unwrap_or(first_us);
        let took_us = last_us.saturating_sub(first_us);
        let submitted = count(records.iter().filter(|record| record.submitted_us.is_some()).count());
        let settled = flight.confirmed() + flight.on_their_way() + flight.trouble().refused;
        let latencies = records.iter().filter_map(latency_us).collect();
        Self {
            submitted,
            confirmed: flight.confirmed(),
            unconfirmed: flight.on_their_way(),
            turned_away: submitted.saturating_sub(settled),
            seconds: Hundredths(took_us / 10_000),
            tps: Hundredths::per_second(flight.confirmed(), took_us),
            tps_window_median: median(windows(records, first_us, last_us)),
            latency: Latency::of(latencies),
            late_max_us: late_max_us(flight.pace(), records),
            blocks: blocks(flight.blocks(), flight.fee_cap()),
        }
    }
}

fn latency_us(record: &Record) -> Option<u64> {
    Some(record.confirmed_us?.saturating_sub(record.submitted_us?))
}

/// The n-th transaction of an open loop is due when n of them are.
fn late_max_us(pace: Pace, records: &[Record]) -> Option<u64> {
    let Pace::Open { rate } = pace else { return None };
    let mut submitted: Vec<_> = records.iter().filter_map(|record| record.submitted_us).collect();
    submitted.sort_unstable();
    (1..).zip(submitted).map(|(number, at_us)| at_us.saturating_sub(due_us(rate, number))).max()
}

/// Confirmed in each whole second from `first_us` to `last_us`.
fn windows(records: &[Record], first_us: u64, last_us: u64) -> Vec<u64> {
    let window = |at_us: u64| usize::try_from(at_us.saturating_sub(first_us) / WINDOW_US).unwrap_or(usize::MAX);
    let mut confirmed = vec![0; window(last_us)];
    for at_us in records.iter().filter_map(|record| record.confirmed_us) {
        if let Some(of_window) = confirmed.get_mut(window(at_us)) {
            *of_window += 1;
        }
    }
    confirmed
}

/// The middle one, or the lower of the two in the middle.
#[must_use]
pub fn median<T: Ord + Copy>(mut numbers: Vec<T>) -> Option<T> {
    numbers.sort_unstable();
    numbers.get(numbers.len().checked_sub(1)? / 2).copied()
}

fn blocks(seen: &[Block], fee_cap: Option<u128>) -> Blocks {
    let with_ours = |block: &Block| block.ours > 0;
    let (Some(first), Some(last)) = (seen.iter().position(with_ours), seen.iter().rposition(with_ours)) else {
        return Blocks::default();
    };
    let blocks = &seen[first..=last];
    let sum = |of: fn(&Block) -> u64| blocks.iter().map(of).fold(0, u64::saturating_add);
    let between_us = seen[last].at_us.saturating_sub(seen[first].at_us);
    Blocks {
        count: count(blocks.len()),
        transactions_mean: Hundredths::ratio(sum(|block| block.transactions), count(blocks.len())),
        fill_percent: Hundredths::ratio(sum(|block| block.gas_used).saturating_mul(100), sum(|block| block.gas_limit)),
        mgas_per_second: Hundredths::ratio(sum(|block| block.gas_used) - seen[first].gas_used, between_us),
        interval_ms_mean: Hundredths::ratio(between_us, count(blocks.len() - 1).saturating_mul(1_000)),
        too_dear: count(blocks.iter().filter(|block| fee_cap.is_some_and(|cap| block.base_fee > cap)).count()),
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let of = |micros: Vec<u64>| Latency::of(micros).map(|l| (l.p50_us, l.p95_us, l.p99_us, l.max_us));
        for (micros, expected) in [
            ((1..=100).rev().collect(), Some((50, 95, 99, 100))),
            (vec![7], Some((7, 7, 7, 7))),
            (vec![9, 1], Some((1, 9, 9, 9))),
            (vec![], None),
        ] {
            assert_eq!(of(micros), expected);
        }
    }

    #[test]
    fn windows_are_whole_seconds_from_the_first_submit() {
        let at = |confirmed_us| Record { submitted_us: Some(500_000), confirmed_us };
        let records = [at(Some(600_000)), at(Some(1_499_999)), at(Some(1_500_000)), at(Some(2_600_000)), at(None)];
        assert_eq!(windows(&records, 500_000, 2_600_000), [2, 1], "the third second is not whole");
        assert_eq!(windows(&records, 500_000, 900_000), [0; 0]);
        for (numbers, middle) in [(vec![], None), (vec![3], Some(3)), (vec![9, 1], Some(1)), (vec![5, 9, 1], Some(5))] {
            assert_eq!(median::<u64>(numbers), middle);
        }
    }

    #[test]
    fn an_open_loop_tells_how_late_it_was() {
        let at = |submitted_us| Record { submitted_us: Some(submitted_us), confirmed_us: None };
        let open = Pace::Open { rate: 1_000 };
        for (records, late) in [
            (vec![], None),
            (vec![at(1_000), at(2_000)], Some(0)),
            (vec![at(3_000), at(1_000), at(9_500)], Some(6_500)),
            (vec![Record::default()], None),
        ] {
            assert_eq!(late_max_us(open, &records), late, "{records:?}");
        }
        assert_eq!(late_max_us(Pace::Closed { in_flight: 1 }, &[at(5)]), None);
    }

    #[test]
    fn blocks_count_from_the_first_with_a_transaction_of_ours_to_the_last() {
        let block = |at_us, transactions, ours, gas_used, base_fee| Block {
            at_us,
            transactions,
            ours,
            gas_used,
            gas_limit: 10_000,
            base_fee,
        };
        let seen = [
            block(0, 9, 0, 90, 9),
            block(1_000, 3, 2, 3_000, 7),
            block(3_000, 0, 0, 0, 8),
            block(5_000, 4, 4, 6_000, 7),
            block(9_000, 9, 0, 90, 9),
        ];
        let expected = Blocks {
            count: 3,
            transactions_mean: Hundredths(233),
            fill_percent: Hundredths(3_000),
            mgas_per_second: Hundredths(150),
            interval_ms_mean: Hundredths(200),
            too_dear: 1,
        };
        assert_eq!(blocks(&seen, Some(7)), expected);
        assert_eq!(blocks(&seen, None), Blocks { too_dear: 0, ..expected });
        assert_eq!(blocks(&seen[..1], Some(7)), Blocks::default());
    }
}
