//! Filters: what changed since it was last asked for, for callers that have no connection of their own.
//!
//! A filter that cannot go on, since a block went before it was asked for, is refused once and then gone: so its caller learns that it missed
//! something.

use std::sync::PoisonError;
use std::time::Instant;

use alloy_rpc_types_eth::{FilterChanges, Log};
use tokio::sync::broadcast::error::TryRecvError;

use super::{logs, transaction};
use crate::error::RpcRejected;
use crate::filters::{Filter, Place};
use crate::log_filter::LogFilter;
use crate::new_logs::NewLogs;
use crate::node::Node;

/// `eth_newFilter`: logs.
pub fn logs_from_now(node: &Node, (filter,): (LogFilter,)) -> Result<String, RpcRejected> {
    keep(node, Filter::Logs(Box::new(NewLogs::of(filter, 0)?), here(node)))
}

/// `eth_newBlockFilter`
pub fn blocks(node: &Node, (): ()) -> Result<String, RpcRejected> {
    keep(node, Filter::Blocks(here(node)))
}

/// `eth_newPendingTransactionFilter`: hashes, or in full.
pub fn arrivals(node: &Node, (full,): (Option<bool>,)) -> Result<String, RpcRejected> {
    keep(node, Filter::Arrivals { arrivals: node.backend.arrivals(), full: full.unwrap_or(false) })
}

/// `eth_getFilterChanges`
pub fn changes(node: &Node, (name,): (String,)) -> Result<FilterChanges, RpcRejected> {
    let filter = node.filters.asked(&name, Instant::now())?;
    // A place is moved last, so a thread that panicked leaves one that is true.
    let mut filter = filter.lock().unwrap_or_else(PoisonError::into_inner);
    let changes = since(node, &mut filter);
    if matches!(changes, Err(RpcRejected::Unavailable(_))) {
        node.filters.remove(&name, Instant::now());
    }
    changes
}

/// `eth_getFilterLogs`: all logs of a filter, from its first block on; as `eth_getLogs`.
pub fn all_logs(node: &Node, (name,): (String,)) -> Result<Vec<Log>, RpcRejected> {
    let filter = node.filters.asked(&name, Instant::now())?;
    let filter = match &*filter.lock().unwrap_or_else(PoisonError::into_inner) {
        Filter::Logs(wanted, _) => wanted.filter().clone(),
        Filter::Blocks(_) | Filter::Arrivals { .. } => return Err(RpcRejected::NoFilter),
    };
    logs::matching(node, (filter,))
}

/// `eth_uninstallFilter`: whether it was there.
pub fn remove(node: &Node, (name,): (String,)) -> Result<bool, RpcRejected> {
    Ok(node.filters.remove(&name, Instant::now()))
}

fn keep(node: &Node, filter: Filter) -> Result<String, RpcRejected> {
    node.filters.keep(filter, Instant::now())
}

fn here(node: &Node) -> Place {
    Place::after(node.backend.tip().height)
}

fn since(node: &Node, filter: &mut Filter) -> Result<FilterChanges, RpcRejected> {
    Ok(match filter {
        Filter::Blocks(place) => FilterChanges::Hashes(place.blocks(node)?),
        Filter::Logs(wanted, place) => FilterChanges::Logs(place.logs(node, wanted)?),
        Filter::Arrivals { arrivals, full } => {
            let mut hashes = Vec::new();
            while hashes.len() < node.config.logs_max {
                match arrivals.try_recv() {
                    Ok(hash) => hashes.push(hash),
                    // More came than are remembered: on with the oldest that is.
                    Err(TryRecvError::Lagged(_)) => {}
                    Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                }
            }
            if *full {
                let found = hashes.into_iter().map(|hash| transaction::by_hash(node, (hash,)));
                FilterChanges::Transactions(found.filter_map(Result::transpose).collect::<Result<_, _>>()?)
            } else {
                FilterChanges::Hashes(hashes.into_iter().map(crate::convert::hash).collect())
            }
        }
    })
}
