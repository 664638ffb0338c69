//! Which logs a caller asks for, by address and topics.
//!
//! A log matches if at every place of `topics` it has one of the topics named there, or any where the place is `null` or empty. So
//! it must have as many topics as there are places, the empty ones at the end counted; it may have more.
//!
//! Source: go-ethereum, `eth/filters/filter.go`, `filterLogs`.

use alloy_primitives::Bloom;
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
}

impl<'de> Deserialize<'de> for LogFilter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Value::deserialize(deserializer)?;
        let places = json.get("topics").and_then(Value::as_array).map_or(0, Vec::len);
        let filter = Filter::deserialize(json).map_err(serde::de::Error::custom)?;
        Ok(Self { filter, places })
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
    /// Cost: a look for each address and topic. The first time makes their blooms, 256 bytes each, which stay with this filter.
    pub fn may_be_in(&self, logs: &Bloom) -> bool {
        !logs.is_zero() && self.filter.matches_bloom(*logs)
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
