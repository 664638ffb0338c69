//! Events of contracts.
//!
//! ```text
//! filter ─▶ blockHash given?  yes ─▶ that block; none ─▶ header not found
//!             │ no
//!             ▼
//!           fromBlock (latest) to toBlock (latest), held to the tip
//!             ├─ more blocks than log_blocks_max?  ─▶ code -32005
//!             └─ block by block; more logs than logs_max? ─▶ code -32005, with the range that fits
//! ```
//!
//! What is no log of a contract's shape is left out: see `convert::log`.

use alloy_eips::BlockNumberOrTag;
use alloy_rpc_types_eth::{FilterBlockOption, Log};
use tributary_primitives::{Hash32, Height};

use crate::backend::BlockView;
use crate::convert;
use crate::error::RpcRejected;
use crate::log_filter::LogFilter;
use crate::node::Node;

/// `eth_getLogs`
pub fn matching(node: &Node, (filter,): (LogFilter,)) -> Result<Vec<Log>, RpcRejected> {
    filter.check_size(0)?;
    match *filter.blocks() {
        FilterBlockOption::AtBlockHash(hash) => {
            let block = node.block_by_hash(&Hash32(hash.0))?.ok_or(RpcRejected::UnknownBlock)?;
            let mut logs = Vec::new();
            collect(&filter, &block, node.config.logs_max, &mut logs, block.height)?;
            Ok(logs)
        }
        FilterBlockOption::Range { from_block, to_block } => in_range(node, &filter, from_block, to_block),
    }
}

fn in_range(
    node: &Node,
    filter: &LogFilter,
    from: Option<BlockNumberOrTag>,
    to: Option<BlockNumberOrTag>,
) -> Result<Vec<Log>, RpcRejected> {
    let from = node.height_of(from.unwrap_or_default());
    let to = node.height_of(to.unwrap_or_default());
    if from > to {
        return Err(RpcRejected::argument(0, format!("invalid block range params: {from} is above {to}")));
    }
    let to = to.min(node.backend.tip().height);
    let most = node.config.log_blocks_max;
    if to.0.saturating_sub(from.0) >= most {
        return Err(RpcRejected::AboveLimit(format!("query exceeds max block range {most}")));
    }
    let mut logs = Vec::new();
    for height in from.0..=to.0 {
        let Some(block) = node.backend.block_at(Height(height))? else { break };
        collect(filter, &block, node.config.logs_max, &mut logs, from)?;
    }
    Ok(logs)
}

/// Adds a block's matching logs to those found so far, `from` being where the search began.
fn collect(
    filter: &LogFilter,
    block: &BlockView,
    most: usize,
    found: &mut Vec<Log>,
    from: Height,
) -> Result<(), RpcRejected> {
    for log in convert::log::of_block(block).filter(|log| filter.matches(log)) {
        if found.len() == most {
            let advice = match block.height.previous() {
                Some(fitting) if fitting >= from => format!("retry with the range {from}-{fitting}"),
                _ => "narrow it by address or topics".to_owned(),
            };
            return Err(RpcRejected::AboveLimit(format!("query exceeds max results {most}, {advice}")));
        }
        found.push(log);
    }
    Ok(())
}
