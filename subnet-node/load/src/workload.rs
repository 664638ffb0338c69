//! What is sent, workload by workload. The words of the benchmark of one process (`fvm/bench`) mean the same there.
//!
//! | workload | its transactions, in turn | receivers | runs on |
//! |---|---|---|---|
//! | `transfer` | value | new accounts | any chain |
//! | `payment` | value | the other senders in turn | any chain |
//! | `erc20` | a token's transfer | the other senders in turn | any chain |
//! | `erc20-zipf`, `erc20-hot` | a token's transfer | senders by Zipf's law; the first sender | any chain |
//! | `swap-1`, `swap-10`, `swap-100` | a swap in one of so many pools | | any chain |
//! | `mixed` | three payments, a token's transfer, a swap in one of 100 pools | the other senders in turn | any chain |
//! | `wasm` | a message to one of 100 counters | | a network with actors |
//! | `compute` | a message to an actor that computes | | a network with actors |
//! | `both` | a token's transfer, a message to one of 100 counters | the other senders in turn | a network with actors |
//! | `cross` | a contract's call of one of 100 counters | | a network with actors |

use std::fmt;

use serde::{Serialize, Serializer};
use tributary_workloads::pairs::Pairs;

use crate::words::Kind;

/// What the transactions do.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Workload {
    /// Value, each transaction to an account that nobody used before.
    #[default]
    Transfer,
    /// Value, between the senders.
    Payment,
    /// Tokens of one contract, between the senders.
    Erc20,
    /// The same, to senders that are popular by Zipf's law: the nth gets 1/n of what the first gets.
    Erc20Zipf,
    /// The same, all to the first sender, who sends none.
    Erc20Hot,
    /// Swaps in one constant-product pool.
    Swap1,
    /// Swaps in ten pools.
    Swap10,
    /// Swaps in a hundred pools.
    Swap100,
    /// Of five transactions three are payments, one is the token's, one a swap in a hundred pools.
    Mixed,
    /// Calls of counter actors.
    Wasm,
    /// Calls of an actor that computes for some 40 µs and writes nothing.
    Compute,
    /// The token and counters in turn.
    Both,
    /// A contract calls a counter.
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
    /// A message to the actor that computes.
    Compute,
    /// A contract's call of a counter.
    Cross,
}

impl Workload {
    /// Every one.
    pub const ALL: [Self; 13] = [
        Self::Transfer,
        Self::Payment,
        Self::Erc20,
        Self::Erc20Zipf,
        Self::Erc20Hot,
        Self::Swap1,
        Self::Swap10,
        Self::Swap100,
        Self::Mixed,
        Self::Wasm,
        Self::Compute,
        Self::Both,
        Self::Cross,
    ];

    /// As `--workload` and reports have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::Payment => "payment",
            Self::Erc20 => "erc20",
            Self::Erc20Zipf => "erc20-zipf",
            Self::Erc20Hot => "erc20-hot",
            Self::Swap1 => "swap-1",
            Self::Swap10 => "swap-10",
            Self::Swap100 => "swap-100",
            Self::Mixed => "mixed",
            Self::Wasm => "wasm",
            Self::Compute => "compute",
            Self::Both => "both",
            Self::Cross => "cross",
        }
    }

    /// What its transactions do, in turn.
    #[must_use]
    pub const fn parts(self) -> &'static [Part] {
        match self {
            Self::Transfer => &[Part::Transfer],
            Self::Payment => &[Part::Payment],
            Self::Erc20 | Self::Erc20Zipf | Self::Erc20Hot => &[Part::Erc20],
            Self::Swap1 => &[Part::Swap(1)],
            Self::Swap10 => &[Part::Swap(10)],
            Self::Swap100 => &[Part::Swap(100)],
            Self::Mixed => &[Part::Payment, Part::Payment, Part::Payment, Part::Erc20, Part::Swap(100)],
            Self::Wasm => &[Part::Count],
            Self::Compute => &[Part::Compute],
            Self::Both => &[Part::Erc20, Part::Count],
            Self::Cross => &[Part::Cross],
        }
    }

    /// Who sends to whom, among at least two; none where senders are in turn and each sends to another one each time.
    #[must_use]
    pub const fn pairs(self) -> Option<Pairs> {
        match self {
            Self::Erc20Zipf => Some(Pairs::Zipf),
            Self::Erc20Hot => Some(Pairs::OneReceiver),
            _ => None,
        }
    }

    /// Whether it calls WASM actors, which only a network of ours has.
    #[must_use]
    pub fn needs_actors(self) -> bool {
        self.parts().iter().any(|part| matches!(part, Part::Count | Part::Compute | Part::Cross))
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
            Self::Count | Self::Compute => Kind::Fvm,
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Workload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_network_of_ours_can_run_is_what_calls_actors() {
        let of = |which: fn(Workload) -> bool| Workload::ALL.map(|workload| which(workload).then_some(workload.name()));
        let names = |which| of(which).into_iter().flatten().collect::<Vec<_>>();
        assert_eq!(names(Workload::needs_actors), ["wasm", "compute", "both", "cross"]);
        assert_eq!(names(Workload::has_messages), ["wasm", "compute", "both"]);
    }
}
