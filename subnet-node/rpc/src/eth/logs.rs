//! Events of contracts.
//!
//! ```text
//! filter ─▶ blockHash given?  yes ─▶ that block; none ─▶ header not found
//!             │ no
//!             ▼
//!           fromBlock (latest) to toBlock (latest)
//!             ├─ from or to pending?  ─▶ code -32602: no block is known before it is final
//!             ├─ the wrong way round, or past the head?  ─▶ code -32602
//!             ├─ more blocks than log_blocks_max?  ─▶ code -32005
//!             └─ block by block, of which those are read whose bloom does not exclude the filter
//!                  └─ more logs than logs_max, or bytes than response_bytes_max, or time than call_time_max?
//!                       ─▶ code -32005, with the range that fits
//! ```
//!
//! What is no log of a contract's shape is left out: see `convert::log`.
//!
//! Source: go-ethereum, `eth/filters/filter.go`, `Filter.Logs`.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Instant;

use alloy_eips::BlockNumberOrTag;
use alloy_rpc_types_eth::{FilterBlockOption, Log};
use tributary_primitives::{Hash32, Height};

use crate::convert;
use crate::error::RpcRejected;
use crate::found_logs::FoundLogs;
use crate::log_filter::LogFilter;
use crate::node::Node;

/// `eth_getLogs`
pub fn matching(node: &Node, (filter,): (LogFilter,)) -> Result<Vec<Log>, RpcRejected> {
    filter.check_size(0)?;
    let heights = match *filter.blocks() {
        FilterBlockOption::AtBlockHash(hash) => block(node, &Hash32(hash.0))?,
        FilterBlockOption::Range { from_block, to_block } => range(node, from_block, to_block)?,
    };
    let (began, from, mut found) = (Instant::now(), *heights.start(), FoundLogs::new(&node.config));
    for height in heights {
        if height > from && node.is_over(began) {
            return Err(exceeded(format_args!("max time {:?}", node.config.call_time_max), from, height));
        }
        let Some(summary) = node.backend.summary_at(Height(height))? else { break };
        if !filter.may_be_in(&summary.logs_bloom) {
            continue;
        }
        let Some(block) = node.backend.block_at(Height(height))? else { break };
        for log in convert::log::of_block(&block).filter(|log| filter.matches(log)) {
            found.add(log).map_err(|full| exceeded(full, from, height))?;
        }
    }
    Ok(found.into_logs())
}

fn block(node: &Node, hash: &Hash32) -> Result<RangeInclusive<u64>, RpcRejected> {
    let height = node.backend.height_of(hash)?.filter(|height| *height <= node.backend.tip().height);
    let height = height.ok_or(RpcRejected::UnknownBlock)?.0;
    Ok(height..=height)
}

fn range(
    node: &Node,
    from: Option<BlockNumberOrTag>,
    to: Option<BlockNumberOrTag>,
) -> Result<RangeInclusive<u64>, RpcRejected> {
    let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
    if from.is_pending() || to.is_pending() {
        return Err(RpcRejected::PendingLogs);
    }
    let (from, to) = (node.height_of(from)?, node.height_of(to)?);
    if from > to {
        return Err(RpcRejected::argument(0, format!("invalid block range params: {from} is above {to}")));
    }
    let tip = node.backend.tip().height;
    if to > tip {
        return Err(RpcRejected::BlocksBeyondTip { asked: to, tip });
    }
    let most = node.config.log_blocks_max;
    if to.0.saturating_sub(from.0) >= most {
        return Err(RpcRejected::AboveLimit(format!("query exceeds max block range {most}")));
    }
    Ok(from.0..=to.0)
}

/// The refusal of a search that began with the block at `from` and came to the one at `height`.
fn exceeded(limit: impl Display, from: u64, height: u64) -> RpcRejected {
    let advice = match height.checked_sub(1) {
        Some(fitting) if fitting >= from => format!("retry with the range {from}-{fitting}"),
        _ => "narrow it by address or topics".to_owned(),
    };
    RpcRejected::AboveLimit(format!("query exceeds {limit}, {advice}"))
}
