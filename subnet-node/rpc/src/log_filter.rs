//! Which logs a caller asks for, by address and topics.
//!
//! A log matches if at every place of `topics` it has one of the topics named there, or any where the place is `null` or empty. So
//! it must have as many topics as there are places, the empty ones at the end counted; it may have more.
//!
//! Source: go-ethereum, `eth/filters/filter.go`, `filterLogs`.

use std::sync::OnceLock;

use alloy_primitives::{Bloom, keccak256};
use alloy_rpc_types_eth::{Filter, FilterBlockOption, Log};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::error::RpcRejected;

/// Most addresses in a filter, and most topics at one position: go-ethereum's `maxAddresses` and `maxSubTopics`.
const ALTERNATIVES_MAX: usize = 1_000;

/// The logs that are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    filter: Filter,
    /// Places of `topics`, which alloy's filter forgets where nothing is asked of the last.
    places: usize,
    /// Where a bloom is looked at, once it was: the addresses', then the topics' of each place.
    bits: OnceLock<[Vec<Bits>; 5]>,
}

/// What one address or topic sets in a bloom: three bits, by their numbers. Source: the yellow paper, section 4.3.1, M3:2048.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bits([u16; 3]);

impl Bits {
    fn of(value: &[u8]) -> Self {
        let hash = keccak256(value);
        Self([0, 2, 4].map(|at| u16::from_be_bytes([hash[at], hash[at + 1]]) & 0x07ff))
    }

    /// Whether all three are set.
    fn are_in(self, bloom: &Bloom) -> bool {
        self.0.iter().all(|bit| {
            let from_the_end = usize::from(bit / 8);
            bloom[bloom.len() - 1 - from_the_end] & (1 << (bit % 8)) != 0
        })
    }
}

impl<'de> Deserialize<'de> for LogFilter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Value::deserialize(deserializer)?;
        let places = json.get("topics").and_then(Value::as_array).map_or(0, Vec::len);
        let filter = Filter::deserialize(json).map_err(serde::de::Error::custom)?;
        Ok(Self { filter, places, bits: OnceLock::new() })
    }
}

impl LogFilter {
    /// The blocks that it names.
    pub const fn blocks(&self) -> &FilterBlockOption {
        &self.filter.block_option
    }

    /// Whether a log is asked for, whatever its block.
    pub fn matches(&self, log: &Log) -> bool {
        log.topics().len() >= self.places
            && self.filter.matches_address(log.address())
            && self.filter.matches_topics(log.topics())
    }

    /// Whether a block with this bloom may have a log that is asked for. Most that have none are told so by it.
    ///
    /// Cost: three bits for each address and topic. The first time hashes them all, and what comes of it, six bytes each, stays.
    pub fn may_be_in(&self, logs: &Bloom) -> bool {
        let bits = self.bits.get_or_init(|| {
            let topics =
                |place: usize| self.filter.topics[place].iter().map(|topic| Bits::of(topic.as_slice())).collect();
            let addresses = self.filter.address.iter().map(|address| Bits::of(address.as_slice())).collect();
            [addresses, topics(0), topics(1), topics(2), topics(3)]
        });
        let is_any_in =
            |alternatives: &Vec<Bits>| alternatives.is_empty() || alternatives.iter().any(|one| one.are_in(logs));
        !logs.is_zero() && bits.iter().all(is_any_in)
    }

    /// How much there is to keep of it: its addresses and topics, but one at least. Each takes some 100 bytes, with what comes of it.
    pub fn weight(&self) -> usize {
        let topics = self.filter.topics.iter().map(|topic| topic.len());
        topics.fold(self.filter.address.len(), usize::saturating_add).max(1)
    }

    /// Refuses one, the parameter at `position`, that takes too long to hold against a log.
    ///
    /// # Errors
    /// [`RpcRejected`] for more than [`ALTERNATIVES_MAX`] addresses, or topics at one place.
    pub fn check_size(&self, position: usize) -> Result<(), RpcRejected> {
        let refuse = |reason: String| Err(RpcRejected::argument(position, reason));
        if self.filter.address.len() > ALTERNATIVES_MAX {
            return refuse(format!("exceed max addresses: at most {ALTERNATIVES_MAX}"));
        }
        if self.filter.topics.iter().any(|topic| topic.len() > ALTERNATIVES_MAX) {
            return refuse(format!("exceed max topics: at most {ALTERNATIVES_MAX} at one position"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256, BloomInput};

    use super::*;

    #[test]
    fn a_bloom_excludes_a_filter_where_none_of_its_alternatives_is_in_it() {
        let (here, elsewhere) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let (told, untold) = (B256::repeat_byte(3), B256::repeat_byte(4));
        let mut bloom = Bloom::ZERO;
        bloom.accrue(BloomInput::Raw(here.as_slice()));
        bloom.accrue(BloomInput::Raw(told.as_slice()));
        for (filter, may) in [
            ("{}".to_owned(), true),
            (format!(r#"{{"address":"{here}"}}"#), true),
            (format!(r#"{{"address":"{elsewhere}"}}"#), false),
            (format!(r#"{{"address":["{elsewhere}","{here}"]}}"#), true),
            (format!(r#"{{"topics":["{told}"]}}"#), true),
            (format!(r#"{{"topics":[null,"{untold}"]}}"#), false),
            (format!(r#"{{"topics":[["{untold}","{told}"],null,null,"{told}"]}}"#), true),
            (format!(r#"{{"topics":[null,null,null,"{untold}"]}}"#), false),
            (format!(r#"{{"address":"{here}","topics":["{untold}"]}}"#), false),
        ] {
            let filter: LogFilter = serde_json::from_str(&filter).unwrap();
            assert_eq!(filter.may_be_in(&bloom), may, "{filter:?}");
            assert_eq!(filter.filter.matches_bloom(bloom), may, "{filter:?}");
            assert!(!filter.may_be_in(&Bloom::ZERO), "a block without logs has none for anybody");
        }
    }
}
