//! What a chain is called in headers and signatures: `name-revision`.
//!
//! IBC reads the revision out of the chain id to order heights across restarts of a chain, so a chain id that does not end
//! in one could never be followed by an IBC client. Source: ICS-02, "Client semantics", and ibc-go `02-client` `ParseChainID`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tendermint::chain::Id;

/// Most bytes of a chain id. Source: CometBFT `types/genesis.go`, `MaxChainIDLen`.
pub const CHAIN_ID_BYTES_MAX: usize = 50;

/// `name-revision`: letters, digits, `_`, `.`, `-`; revision a number from 1 without leading zeros; at most 50 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChainId(Id);

/// Why a text is no chain id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainIdRejected {
    /// Longer than signatures allow.
    #[error("chain id of {0} bytes; at most {CHAIN_ID_BYTES_MAX} are allowed")]
    TooLong(usize),
    /// A character that Tendermint does not allow.
    #[error("chain id {0:?} holds a character other than letters, digits, `_`, `.` and `-`")]
    Character(String),
    /// Nothing to order restarts by.
    #[error("chain id {0:?} does not end in `-` and a revision number from 1 without leading zeros")]
    NoRevision(String),
}

impl ChainId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The number after the last `-`.
    #[must_use]
    pub fn revision(&self) -> u64 {
        revision_of(self.as_str()).expect("checked when it was read")
    }

    pub(crate) const fn as_tendermint(&self) -> &Id {
        &self.0
    }
}

fn revision_of(text: &str) -> Option<u64> {
    let (name, revision) = text.rsplit_once('-')?;
    let plain = revision.bytes().all(|digit| digit.is_ascii_digit()) && !revision.starts_with('0');
    (plain && !name.is_empty()).then(|| revision.parse().ok()).flatten()
}

impl FromStr for ChainId {
    type Err = ChainIdRejected;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > CHAIN_ID_BYTES_MAX {
            return Err(ChainIdRejected::TooLong(text.len()));
        }
        if revision_of(text).is_none() {
            return Err(ChainIdRejected::NoRevision(text.to_owned()));
        }
        Id::from_str(text).map(Self).map_err(|_| ChainIdRejected::Character(text.to_owned()))
    }
}

impl TryFrom<String> for ChainId {
    type Error = ChainIdRejected;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ChainId> for String {
    fn from(id: ChainId) -> Self {
        id.0.into()
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_id_is_a_name_and_a_revision() {
        for (text, revision) in [("root-1", 1), ("r31415-f0100-12", 12), ("a.b_C-18446744073709551615", u64::MAX)] {
            assert_eq!(text.parse::<ChainId>().unwrap().revision(), revision);
        }
    }

    #[test]
    fn each_bad_text_is_refused_for_its_own_reason() {
        let long = format!("{}-1", "x".repeat(49));
        assert_eq!(long.parse::<ChainId>(), Err(ChainIdRejected::TooLong(51)));
        assert_eq!("/r1-1".parse::<ChainId>(), Err(ChainIdRejected::Character("/r1-1".to_owned())));
        for text in ["", "root", "-1", "root-", "root-0", "root-01", "root-x", "root-18446744073709551616", "root-+1"] {
            assert_eq!(text.parse::<ChainId>(), Err(ChainIdRejected::NoRevision(text.to_owned())));
        }
    }
}
