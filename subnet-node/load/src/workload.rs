//! What is sent, workload by workload. The words of the benchmark of one process (`fvm/bench`) mean the same there.
//!
//! | workload | its transactions, in turn | receivers | runs on |
//! |---|---|---|---|
//! | `transfer` | value | new accounts | any chain |
//! | `payment` | value | the other senders in turn | any chain |
//! | `erc20` | a token's transfer | the other senders in turn | any chain |
//! | `erc20-pairs` | a token's transfer; of every two senders the first sends | the second | any chain |
//! | `erc20-zipf`, `erc20-hot` | a token's transfer | senders by Zipf's law; the first sender | any chain |
//! | `erc20-sender` | a token's transfer, all of the first sender: what a node holds of one sender bounds it | the others at random | any chain |
//! | `erc20-chain` | a token's transfer | the next sender, who sends next | any chain |
//! | `swap-1`, `swap-10`, `swap-100` | a swap in one of so many pools | | any chain |
//! | `mixed` | three payments, a token's transfer, a swap in one of 100 pools | the other senders in turn | any chain |
//! | `wasm` | a message to one of 100 counters | | a network with actors |
//! | `kv-token` | a message to a token whose balances are entries; of every two senders the first sends | the second | a network with actors |
//! | `compute` | a message to an actor that computes | | a network with actors |
//! | `both` | a token's transfer, a message to one of 100 counters | the other senders in turn | a network with actors |
//! | `cross` | a contract's call of one of 100 counters | | a network with actors |

use std::fmt;

use clap::ValueEnum;
use serde::{Serialize, Serializer};
use tributary_workloads::mixed;
use tributary_workloads::pairs::Pairs;

use crate::words::Kind;

/// What the transactions do. Its names and docs are those of `--workload`, and the names those of reports.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    /// Value, each transaction to an account that nobody used before.
    #[default]
    Transfer,
    /// Value, between the senders.
    Payment,
    /// Tokens of OpenZeppelin's ERC-20, between the senders.
    Erc20,
    /// The same between pairs of senders that share nothing with other pairs.
    Erc20Pairs,
    /// The same, to senders that are popular by Zipf's law: the nth gets 1/n of what the first gets.
    Erc20Zipf,
    /// The same, all to the first sender, who sends none.
    Erc20Hot,
    /// The same, all from the first sender: a node holds mempool.per_sender_max of them at a time, and that bounds the rate.
    Erc20Sender,
    /// The same, each from whom the one before it was to.
    Erc20Chain,
    /// Swaps in one constant-product pool.
    #[value(name = "swap-1")]
    Swap1,
    /// Swaps in ten pools.
    #[value(name = "swap-10")]
    Swap10,
    /// Swaps in a hundred pools.
    #[value(name = "swap-100")]
    Swap100,
    /// Of five transactions three as payment, one as erc20, one as swap-100.
    Mixed,
    /// Calls of a hundred WASM counters in turn; only on a network started here.
    Wasm,
    /// Transfers of a WASM token whose balances are entries, between pairs as in erc20-pairs; only on a network started here.
    KvToken,
    /// Calls of a WASM actor that computes for some 40 µs and writes nothing; only on a network started here.
    Compute,
    /// As erc20 and as wasm in turn; only on a network started here.
    Both,
    /// A contract calls one of a hundred WASM counters; only on a network started here.
    Cross,
}

/// What one transaction of a workload does.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Value to a new account.
    Transfer,
    /// Value to another sender.
    Payment,
    /// Tokens to another sender.
    Erc20,
    /// A swap in one of so many pools.
    Swap(usize),
    /// A message to a counter.
    Count,
    /// A message to the token whose balances are entries.
    KvTransfer,
    /// A message to the actor that computes.
    Compute,
    /// A contract's call of a counter.
    Cross,
}

/// Those of [`Workload::Mixed`].
const MIXED: [Part; 5] = mixed(Part::Payment, Part::Erc20, Part::Swap(100));

impl Workload {
    /// What its transactions do, in turn.
    #[must_use]
    pub const fn parts(self) -> &'static [Part] {
        match self {
            Self::Transfer => &[Part::Transfer],
            Self::Payment => &[Part::Payment],
            Self::Erc20
            | Self::Erc20Pairs
            | Self::Erc20Zipf
            | Self::Erc20Hot
            | Self::Erc20Sender
            | Self::Erc20Chain => &[Part::Erc20],
            Self::Swap1 => &[Part::Swap(1)],
            Self::Swap10 => &[Part::Swap(10)],
            Self::Swap100 => &[Part::Swap(100)],
            Self::Mixed => &MIXED,
            Self::Wasm => &[Part::Count],
            Self::KvToken => &[Part::KvTransfer],
            Self::Compute => &[Part::Compute],
            Self::Both => &[Part::Erc20, Part::Count],
            Self::Cross => &[Part::Cross],
        }
    }

    /// Who sends to whom, among at least two; none where senders are in turn and each sends to another one each time.
    #[must_use]
    pub const fn pairs(self) -> Option<Pairs> {
        match self {
            Self::Erc20Pairs | Self::KvToken => Some(Pairs::Own),
            Self::Erc20Zipf => Some(Pairs::Zipf),
            Self::Erc20Hot => Some(Pairs::OneReceiver),
            Self::Erc20Sender => Some(Pairs::OneSender),
            Self::Erc20Chain => Some(Pairs::Chain),
            _ => None,
        }
    }

    /// Whether it calls WASM actors, which only a network of ours has.
    #[must_use]
    pub fn needs_actors(self) -> bool {
        let calls = |part: &Part| matches!(part, Part::Count | Part::KvTransfer | Part::Compute | Part::Cross);
        self.parts().iter().any(calls)
    }

    /// Whether some of its transactions are FVM messages.
    #[must_use]
    pub fn has_messages(self) -> bool {
        self.parts().iter().any(|part| part.kind() == Kind::Fvm)
    }
}

impl Part {
    /// The namespace that takes and shows such transactions.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Transfer | Self::Payment | Self::Erc20 | Self::Swap(_) | Self::Cross => Kind::Ethereum,
            Self::Count | Self::KvTransfer | Self::Compute => Kind::Fvm,
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every one has a name there.
        self.to_possible_value().map_or(Ok(()), |value| f.write_str(value.get_name()))
    }
}

impl Serialize for Workload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_network_of_ours_can_run_is_what_calls_actors() {
        let names = |which: fn(Workload) -> bool| {
            let all = Workload::value_variants().iter();
            all.filter(|workload| which(**workload)).map(Workload::to_string).collect::<Vec<_>>()
        };
        assert_eq!(names(Workload::needs_actors), ["wasm", "kv-token", "compute", "both", "cross"]);
        assert_eq!(names(Workload::has_messages), ["wasm", "kv-token", "compute", "both"]);
    }

    #[test]
    fn who_deals_with_whom_is_as_in_the_benchmark_of_one_process() {
        let drawn =
            Workload::value_variants().iter().filter_map(|workload| Some((workload.to_string(), workload.pairs()?)));
        let names =
            ["erc20-pairs", "erc20-zipf", "erc20-hot", "erc20-sender", "erc20-chain", "kv-token"].map(str::to_owned);
        let pairs = [Pairs::Own, Pairs::Zipf, Pairs::OneReceiver, Pairs::OneSender, Pairs::Chain, Pairs::Own];
        assert!(drawn.eq(names.into_iter().zip(pairs)));
    }

    #[test]
    fn every_workload_has_its_row_in_both_tables() {
        let page = include_str!("../../../docs/performance.md").split("### How it is measured").nth(1).unwrap();
        let own = include_str!("workload.rs").split("use std::fmt;").next().unwrap();
        for (table, start) in [(page, "| `"), (own, "//! | `")] {
            let rows = table.lines().filter_map(|line| line.strip_prefix(start)?.split(" | ").next());
            let named: Vec<_> = rows.flat_map(|names| names.split(", ")).map(|name| name.trim_matches('`')).collect();
            for workload in Workload::value_variants() {
                let rows = named.iter().filter(|name| **name == workload.to_string()).count();
                assert_eq!(rows, 1, "{workload}: {named:?}");
            }
        }
    }
}
