//! Which logs of new blocks are wanted: those of a filter, between two heights if it names them.
//!
//! | from | to | wanted |
//! |---|---|---|
//! | left out, `latest` | left out, `latest` | every new block's |
//! | a number | left out, `latest` | new blocks' from there on |
//! | a number | a number, not below | new blocks' between them |
//! | `pending` | | refused, and so is `pending` as the end: no block is known before it is final |
//! | `finalized` | | refused, and so is `finalized` as the end: the parent accepted no new block yet |
//!
//! Blocks from before never are, whatever the filter says: that is what `eth_getLogs` is for. `earliest` is 0; `safe` is `latest`.
//!
//! Source: go-ethereum, `eth/filters/filter_system.go`, `SubscribeLogs`.

use alloy_eips::BlockNumberOrTag;
use alloy_primitives::Bloom;
use alloy_rpc_types_eth::{FilterBlockOption, Log};
use tributary_primitives::Height;

use crate::error::RpcRejected;
use crate::log_filter::LogFilter;

/// The logs of new blocks that are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLogs {
    filter: LogFilter,
    from: u64,
    to: u64,
}

impl NewLogs {
    /// Those that `filter`, the parameter at `position`, asks for.
    ///
    /// # Errors
    /// [`RpcRejected`] for a filter that no new block could match.
    pub fn of(filter: LogFilter, position: usize) -> Result<Self, RpcRejected> {
        filter.check_size(position)?;
        let FilterBlockOption::Range { from_block, to_block } = *filter.blocks() else {
            return Err(RpcRejected::argument(position, "a blockHash names no new block; ask eth_getLogs for it"));
        };
        let (from, to) = (height(from_block, position)?, height(to_block, position)?);
        if to.is_some_and(|to| from.is_none_or(|from| from > to)) {
            return Err(RpcRejected::argument(position, "invalid block range params"));
        }
        Ok(Self { filter, from: from.unwrap_or(0), to: to.unwrap_or(u64::MAX) })
    }

    /// The filter as it came.
    pub const fn filter(&self) -> &LogFilter {
        &self.filter
    }

    /// Whether this log, which has a place in a block, is wanted.
    pub fn wants(&self, log: &Log) -> bool {
        log.block_number.is_some_and(|height| self.spans(height)) && self.filter.matches(log)
    }

    /// Whether the block at `height`, which has this bloom, may have a log that is wanted. Cost: as [`LogFilter::may_be_in`].
    pub fn may_be_in(&self, height: Height, logs: &Bloom) -> bool {
        self.spans(height.0) && self.filter.may_be_in(logs)
    }

    fn spans(&self, height: u64) -> bool {
        (self.from..=self.to).contains(&height)
    }
}

fn height(block: Option<BlockNumberOrTag>, position: usize) -> Result<Option<u64>, RpcRejected> {
    match block {
        Some(BlockNumberOrTag::Number(number)) => Ok(Some(number)),
        Some(BlockNumberOrTag::Earliest) => Ok(Some(0)),
        Some(BlockNumberOrTag::Pending) => Err(RpcRejected::PendingLogs),
        Some(BlockNumberOrTag::Finalized) => {
            Err(RpcRejected::argument(position, "finalized names no new block; ask eth_getLogs for it"))
        }
        None | Some(BlockNumberOrTag::Latest | BlockNumberOrTag::Safe) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256};

    use super::*;

    fn wanted(filter: &str) -> Result<NewLogs, RpcRejected> {
        NewLogs::of(serde_json::from_str(filter).unwrap(), 1)
    }

    fn log(height: u64) -> Log {
        let topics = vec![B256::repeat_byte(1)];
        let inner = alloy_primitives::Log::new_unchecked(Address::repeat_byte(7), topics, Default::default());
        Log { inner, block_number: Some(height), ..Log::default() }
    }

    #[test]
    fn a_log_is_wanted_within_the_heights_and_by_address_and_topics() {
        let (seven, eight) = (Address::repeat_byte(7), Address::repeat_byte(8));
        let (one, two) = (B256::repeat_byte(1), B256::repeat_byte(2));
        for (filter, heights) in [
            ("{}".to_owned(), [true, true, true]),
            (r#"{"fromBlock":"latest","toBlock":"safe"}"#.to_owned(), [true, true, true]),
            (r#"{"fromBlock":"0x5"}"#.to_owned(), [false, true, true]),
            (r#"{"fromBlock":"0x5","toBlock":"0x5"}"#.to_owned(), [false, true, false]),
            (r#"{"fromBlock":"earliest","toBlock":"0x5"}"#.to_owned(), [true, true, false]),
            (format!(r#"{{"address":"{seven}","topics":["{one}"]}}"#), [true, true, true]),
            (format!(r#"{{"address":"{eight}"}}"#), [false; 3]),
            (format!(r#"{{"topics":["{two}"]}}"#), [false; 3]),
            (format!(r#"{{"topics":["{one}",null]}}"#), [false; 3]),
        ] {
            let wanted = wanted(&filter).unwrap();
            assert_eq!([4, 5, 6].map(|height| wanted.wants(&log(height))), heights, "{filter}");
        }
    }

    #[test]
    fn each_filter_that_no_new_block_matches_is_refused_for_its_own_reason() {
        let hash = B256::ZERO;
        for (filter, reason) in [
            (r#"{"fromBlock":"0x5","toBlock":"0x4"}"#.to_owned(), "invalid argument 1: invalid block range params"),
            (r#"{"toBlock":"0x4"}"#.to_owned(), "invalid argument 1: invalid block range params"),
            (r#"{"fromBlock":"pending"}"#.to_owned(), "pending logs are not supported"),
            (r#"{"toBlock":"pending"}"#.to_owned(), "pending logs are not supported"),
            (
                r#"{"fromBlock":"finalized"}"#.to_owned(),
                "invalid argument 1: finalized names no new block; ask eth_getLogs for it",
            ),
            (
                r#"{"toBlock":"finalized"}"#.to_owned(),
                "invalid argument 1: finalized names no new block; ask eth_getLogs for it",
            ),
            (
                format!(r#"{{"blockHash":"{hash}"}}"#),
                "invalid argument 1: a blockHash names no new block; ask eth_getLogs for it",
            ),
        ] {
            assert_eq!(wanted(&filter).unwrap_err().to_string(), reason, "{filter}");
        }
    }
}
