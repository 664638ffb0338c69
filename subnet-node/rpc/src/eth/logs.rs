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
use alloy_rpc_types_eth::{Filter, FilterBlockOption, Log};
use tributary_primitives::{Hash32, Height};

use crate::backend::BlockView;
use crate::convert;
use crate::error::RpcRejected;
use crate::node::Node;

/// Most addresses in a filter, and most topics at one position: go-ethereum's `maxAddresses` and `maxSubTopics`.
const ALTERNATIVES_MAX: usize = 1_000;

/// `eth_getLogs`
pub fn matching(node: &Node, (filter,): (Filter,)) -> Result<Vec<Log>, RpcRejected> {
    check_size(&filter, 0)?;
    match filter.block_option {
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
    filter: &Filter,
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
    filter: &Filter,
    block: &BlockView,
    most: usize,
    found: &mut Vec<Log>,
    from: Height,
) -> Result<(), RpcRejected> {
    let matching = convert::log::of_block(block)
        .filter(|log| filter.matches_address(log.address()) && filter.matches_topics(log.topics()));
    for log in matching {
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

/// Refuses a filter, the parameter at `position`, that takes too long to hold against a log.
pub fn check_size(filter: &Filter, position: usize) -> Result<(), RpcRejected> {
    let refuse = |reason: String| Err(RpcRejected::argument(position, reason));
    if filter.address.len() > ALTERNATIVES_MAX {
        return refuse(format!("exceed max addresses: at most {ALTERNATIVES_MAX}"));
    }
    if filter.topics.iter().any(|topic| topic.len() > ALTERNATIVES_MAX) {
        return refuse(format!("exceed max topics: at most {ALTERNATIVES_MAX} at one position"));
    }
    Ok(())
}
