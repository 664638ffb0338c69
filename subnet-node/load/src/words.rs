//! What is sent, how fast, and where.

use std::fmt;

use serde::{Serialize, Serializer};
use tributary_primitives::Hash32;

/// Most transactions that are signed for one run: some 500 bytes each in memory.
pub const TRANSACTIONS_MAX: usize = 2_000_000;
/// Most senders.
pub const SENDERS_MAX: u32 = 100_000;

/// How it is found out that a transaction is in a block.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confirm {
    /// The next block is asked for again and again, over HTTP.
    #[default]
    Poll,
    /// New blocks are told of, over a WebSocket, and then asked for on it.
    Subscription,
    /// The call that hands it in is answered with its receipt: `eth_sendRawTransactionSync`, EIP-7966.
    Sync,
}

impl fmt::Display for Confirm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Poll => "asking for blocks",
            Self::Subscription => "subscription to newHeads",
            Self::Sync => "answer of eth_sendRawTransactionSync",
        })
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self::Closed { in_flight: 1 }
    }
}

/// Who reads a transaction.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any Ethereum node.
    Ethereum,
    /// A node of ours.
    Fvm,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ethereum, Self::Fvm];

    /// The method that takes a transaction. FVM messages have none that confirms them too.
    #[must_use]
    pub const fn submit_method(self, confirm: Confirm) -> &'static str {
        match (self, confirm) {
            (Self::Ethereum, Confirm::Sync) => "eth_sendRawTransactionSync",
            (Self::Ethereum, Confirm::Poll | Confirm::Subscription) => "eth_sendRawTransaction",
            (Self::Fvm, _) => "subnet_sendMessage",
        }
    }

    /// The method that shows its receipt.
    #[must_use]
    pub const fn receipt_method(self) -> &'static str {
        match self {
            Self::Ethereum => "eth_getTransactionReceipt",
            Self::Fvm => "subnet_getMessageReceipt",
        }
    }
}

/// One for each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ByKind<T> {
    /// Ethereum's.
    pub ethereum: T,
    /// The FVM's.
    pub fvm: T,
}

impl<T> ByKind<T> {
    /// The one of this kind.
    pub const fn of(&mut self, kind: Kind) -> &mut T {
        match kind {
            Kind::Ethereum => &mut self.ethereum,
            Kind::Fvm => &mut self.fvm,
        }
    }
}

/// When the next transaction is sent.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "loop")]
pub enum Pace {
    /// As long as fewer than so many are on their way.
    Closed {
        /// Transactions handed in and in no block.
        in_flight: u64,
    },
    /// By the clock, whatever the chain does.
    Open {
        /// Transactions a second.
        rate: u64,
    },
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { in_flight } => write!(f, "closed, {in_flight} in flight"),
            Self::Open { rate } => write!(f, "open, {rate} a second"),
        }
    }
}

/// A transaction, signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Who reads it.
    pub kind: Kind,
    /// What blocks call it.
    pub hash: Hash32,
    /// Its bytes in hex, as a request has them.
    pub raw: Box<str>,
    /// Who sends it.
    pub sender: u32,
}

/// Everything that one run may send, each sender's in nonce order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// How many senders there are.
    pub senders: u32,
    /// The most that a transaction pays for a unit of Ethereum's gas, in wei; none where gas is counted otherwise.
    pub fee_cap: Option<u128>,
    /// The transactions, senders in turn.
    pub transactions: Vec<Signed>,
}

/// A number with two digits after the point, kept in hundredths.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hundredths(pub u64);

impl Hundredths {
    /// `part` over `whole`; zero of nothing.
    #[must_use]
    pub fn ratio(part: u64, whole: u64) -> Self {
        let hundredths = (u128::from(part) * 100).checked_div(u128::from(whole)).unwrap_or_default();
        Self(u64::try_from(hundredths).unwrap_or(u64::MAX))
    }

    /// `count` in `micros` as so many a second.
    #[must_use]
    pub fn per_second(count: u64, micros: u64) -> Self {
        let hundredths = (u128::from(count) * 100_000_000).checked_div(u128::from(micros)).unwrap_or_default();
        Self(u64::try_from(hundredths).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Hundredths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{:02}", self.0 / 100, self.0 % 100))
    }
}

impl Serialize for Hundredths {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number: f64 = self.to_string().parse().map_err(serde::ser::Error::custom)?;
        serializer.serialize_f64(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_and_rates_keep_two_digits() {
        for (number, text) in [
            (Hundredths::ratio(1, 3), "0.33"),
            (Hundredths::ratio(7, 2), "3.50"),
            (Hundredths::ratio(7, 0), "0.00"),
            (Hundredths::ratio(u64::MAX, 1), "184467440737095516.15"),
            (Hundredths::per_second(5, 2_000_000), "2.50"),
            (Hundredths::per_second(1_000, 0), "0.00"),
        ] {
            assert_eq!(number.to_string(), text);
        }
        assert_eq!(serde_json::to_string(&Hundredths(123_456)).unwrap(), "1234.56");
    }
}
