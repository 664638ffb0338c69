//! Forks of Ethereum, and by which named rules an outcome may differ from what is published.
//!
//! Our executor runs Osaka from its first block on. A test that was published for an older fork differs where a rule came later,
//! and some rules are our own. Each is a name here with its reason; what none of them explains is a failure.

use std::fmt;
use std::str::FromStr;

/// A fork that tests are published for, and that is close enough to Osaka for its differences to have names.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fork {
    /// March 2024.
    Cancun,
    /// May 2025.
    Prague,
    /// December 2025: ours.
    Osaka,
}

impl Fork {
    /// All of them, the oldest first.
    pub const ALL: [Self; 3] = [Self::Cancun, Self::Prague, Self::Osaka];

    /// Its name in a test.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cancun => "Cancun",
            Self::Prague => "Prague",
            Self::Osaka => "Osaka",
        }
    }

    /// Rules that Osaka has and this fork has not.
    #[must_use]
    pub const fn later_rules(self) -> &'static [Rule] {
        use Rule::{BlsPrecompiles, CalldataFloor, CountLeadingZeros, ModexpPrice, P256Precompile};
        match self {
            Self::Cancun => &[CalldataFloor, BlsPrecompiles, ModexpPrice, P256Precompile, CountLeadingZeros],
            Self::Prague => &[ModexpPrice, P256Precompile, CountLeadingZeros],
            Self::Osaka => &[],
        }
    }
}

impl fmt::Display for Fork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Fork {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|fork| fork.name() == name)
            .ok_or_else(|| format!("{name} is not one of Cancun, Prague and Osaka"))
    }
}

/// A rule by which an outcome differs from what is published.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// EIP-7623, from Prague.
    CalldataFloor,
    /// EIP-2537, from Prague.
    BlsPrecompiles,
    /// EIP-7823 and EIP-7883, from Osaka.
    ModexpPrice,
    /// EIP-7951, from Osaka.
    P256Precompile,
    /// EIP-7939, from Osaka.
    CountLeadingZeros,
    /// EIP-7825, from Osaka.
    GasCap,
    /// Ours.
    NoBlobs,
    /// Ours.
    TransactionBytes,
    /// Ours.
    NoBlobPrice,
    /// Ours.
    TipsAtTheEnd,
    /// Ours.
    ActorAddress,
    /// revm's.
    StorageWithoutCode,
}

impl Rule {
    /// Its name and why there is a difference.
    #[must_use]
    pub const fn text(self) -> (&'static str, &'static str) {
        match self {
            Self::CalldataFloor => ("EIP-7623", "call data has a least price; came with Prague"),
            Self::BlsPrecompiles => ("EIP-2537", "contracts 0x0b to 0x11 are precompiled; came with Prague"),
            Self::ModexpPrice => {
                ("EIP-7883", "modular exponentiation costs more, and is bounded (EIP-7823); came with Osaka")
            }
            Self::P256Precompile => ("EIP-7951", "contract 0x100 is precompiled; came with Osaka"),
            Self::CountLeadingZeros => ("EIP-7939", "0x1e is CLZ; came with Osaka"),
            Self::GasCap => ("EIP-7825", "no transaction has more than 2^24 gas; came with Osaka"),
            Self::NoBlobs => ("no blobs", "a subnet has no data availability layer; type 0x03 is refused"),
            Self::TransactionBytes => {
                ("128 KiB", "a larger transaction is refused, as by the pools of Ethereum's clients")
            }
            Self::NoBlobPrice => ("no blob price", "there are no blobs, so BLOBBASEFEE answers 1"),
            Self::TipsAtTheEnd => ("tips at the end", "a proposer that destroys itself is paid after it is gone"),
            Self::ActorAddress => {
                ("actor address", "0xff, eleven zero bytes and an id stand for an actor; no other account is there")
            }
            Self::StorageWithoutCode => (
                "EIP-7610",
                "a contract over an account with storage but no code: only states from before 2017 have one",
            ),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().0)
    }
}
