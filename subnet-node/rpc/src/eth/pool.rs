//! What waits in the mempool. Ethereum transactions alone are shown, and both kinds counted; `subnet_pendingMessages` shows messages.
//!
//! Source: go-ethereum, `internal/ethapi/api.go` (`TxPoolAPI`).

use std::collections::BTreeMap;

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, U64};
use alloy_rpc_types_eth::Transaction as RpcTransaction;
use serde::Serialize;
use tributary_message::EthereumTransaction;
use tributary_primitives::EthAddress;

use crate::backend::{PoolBounds, Pooled};
use crate::convert;
use crate::error::RpcRejected;
use crate::node::Node;

/// What can run next, and what waits for one before it.
#[derive(Debug, Default, Serialize)]
pub struct Halves<T> {
    pending: T,
    queued: T,
}

/// By nonce.
type OfSender<T> = BTreeMap<u64, T>;

/// By sender, spelled with the checksum of EIP-55 as go-ethereum does.
type OfSenders<T> = BTreeMap<String, OfSender<T>>;

/// `txpool_status`
pub fn status(node: &Node, (): ()) -> Result<Halves<U64>, RpcRejected> {
    let size = node.backend.pool_size();
    Ok(Halves { pending: U64::from(size.pending), queued: U64::from(size.queued) })
}

/// `txpool_content`
pub fn content(node: &Node, (): ()) -> Result<Halves<OfSenders<RpcTransaction>>, RpcRejected> {
    Ok(by_sender(node, convert::transaction::pending))
}

/// `txpool_inspect`
pub fn inspect(node: &Node, (): ()) -> Result<Halves<OfSenders<String>>, RpcRejected> {
    Ok(by_sender(node, in_a_line))
}

/// `txpool_contentFrom`
pub fn content_from(node: &Node, (sender,): (EthAddress,)) -> Result<Halves<OfSender<RpcTransaction>>, RpcRejected> {
    let mut halves = Halves::<OfSender<_>>::default();
    for Pooled { transaction, is_pending } in node.backend.pooled(Some(&sender.to_address()), PoolBounds::OF_AN_ANSWER)
    {
        let half = if is_pending { &mut halves.pending } else { &mut halves.queued };
        half.insert(transaction.nonce(), convert::transaction::pending(&transaction));
    }
    Ok(halves)
}

fn by_sender<T>(node: &Node, show: fn(&EthereumTransaction) -> T) -> Halves<OfSenders<T>> {
    let mut halves = Halves { pending: OfSenders::new(), queued: OfSenders::new() };
    for Pooled { transaction, is_pending } in node.backend.pooled(None, PoolBounds::OF_AN_ANSWER) {
        let half = if is_pending { &mut halves.pending } else { &mut halves.queued };
        let sender = Address::from(transaction.sender().0).to_checksum(None);
        half.entry(sender).or_default().insert(transaction.nonce(), show(&transaction));
    }
    halves
}

fn in_a_line(transaction: &EthereumTransaction) -> String {
    let envelope = transaction.envelope();
    let to = match transaction.to() {
        Some(to) => Address::from(to.0).to_checksum(None),
        None => "contract creation".to_owned(),
    };
    let (value, gas, price) = (envelope.value(), envelope.gas_limit(), envelope.max_fee_per_gas());
    format!("{to}: {value} wei + {gas} gas × {price} wei")
}
