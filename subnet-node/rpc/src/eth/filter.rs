//! Filters: what changed since it was last asked for, for callers that have no connection of their own.
//!
//! A filter that cannot go on, since a block went before it was asked for, is refused once and then gone: so its caller learns that it missed
//! something.

use std::iter;
use std::sync::PoisonError;
use std::time::Instant;

use alloy_eips::Encodable2718 as _;
use alloy_rpc_types_eth::{FilterChanges, Log, Transaction};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;
use tributary_primitives::Hash32;

use super::{logs, transaction};
use crate::clients::Client;
use crate::error::RpcRejected;
use crate::filters::{Filter, Place};
use crate::log_filter::LogFilter;
use crate::new_logs::NewLogs;
use crate::node::Node;

/// Bytes of a transaction's JSON beside what travels of it.
const TRANSACTION_BYTES: usize = 1_024;
/// Bytes of JSON for one that travels, at most: in access lists and authorizations more than the two digits.
const JSON_BYTES: usize = 4;

/// `eth_newFilter`: logs.
pub fn logs_from_now(node: &Node, client: Client, (filter,): (LogFilter,)) -> Result<String, RpcRejected> {
    keep(node, client, Filter::Logs(Box::new(NewLogs::of(filter, 0)?), here(node)))
}

/// `eth_newBlockFilter`
pub fn blocks(node: &Node, client: Client, (): ()) -> Result<String, RpcRejected> {
    keep(node, client, Filter::Blocks(here(node)))
}

/// `eth_newPendingTransactionFilter`: hashes, or in full.
pub fn arrivals(node: &Node, client: Client, (full,): (Option<bool>,)) -> Result<String, RpcRejected> {
    keep(node, client, Filter::Arrivals { arrivals: node.backend.arrivals(), full: full.unwrap_or(false) })
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

fn keep(node: &Node, client: Client, filter: Filter) -> Result<String, RpcRejected> {
    node.filters.keep(client, filter, Instant::now())
}

fn here(node: &Node) -> Place {
    Place::after(node.backend.tip().height)
}

fn since(node: &Node, filter: &mut Filter) -> Result<FilterChanges, RpcRejected> {
    Ok(match filter {
        Filter::Blocks(place) => FilterChanges::Hashes(place.blocks(node)?),
        Filter::Logs(wanted, place) => FilterChanges::Logs(place.logs(node, wanted)?),
        Filter::Arrivals { arrivals, full: true } => FilterChanges::Transactions(in_full(node, arrivals)?),
        Filter::Arrivals { arrivals, full: false } => {
            let hashes = iter::from_fn(|| next(arrivals)).take(node.config.logs_max);
            FilterChanges::Hashes(hashes.map(crate::convert::hash).collect())
        }
    })
}

/// The transactions that came, without those that left the mempool and are in no block: at most `logs_max`, about half of what an answer may
/// be, and as many as are found in `call_time_max`.
fn in_full(node: &Node, arrivals: &mut Receiver<Hash32>) -> Result<Vec<Transaction>, RpcRejected> {
    let bytes_max = usize::try_from(node.config.response_bytes_max).unwrap_or(usize::MAX) / 2;
    let (mut found, mut bytes, began) = (Vec::new(), 0, Instant::now());
    while found.len() < node.config.logs_max && bytes < bytes_max && (found.is_empty() || !node.is_over(began)) {
        let Some(hash) = next(arrivals) else { break };
        let Some(transaction) = transaction::by_hash(node, (hash,))? else { continue };
        bytes += TRANSACTION_BYTES + transaction.inner.encode_2718_len() * JSON_BYTES;
        found.push(transaction);
    }
    Ok(found)
}

/// The next that came. Where more came than are remembered it is the oldest that is.
fn next(arrivals: &mut Receiver<Hash32>) -> Option<Hash32> {
    loop {
        match arrivals.try_recv() {
            Ok(hash) => return Some(hash),
            Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
        }
    }
}
