//! An Ethereum transaction with its place in a block.
//!
//! Only what an Ethereum wallet signed has this form. An FVM message has another signature, another sender and another gas, and
//! no tool could check a made-up one; it is shown by `subnet_getMessageReceipt`.

use alloy_consensus::transaction::{Recovered, TransactionInfo};
use alloy_consensus::{TxEip4844Variant, TxEnvelope};
use alloy_rpc_types_eth::Transaction as RpcTransaction;
use tributary_message::{EthereumTransaction, Transaction};

use super::{address, count, hash};
use crate::backend::BlockView;
use crate::error::RpcRejected;

/// The Ethereum transaction at `index` of a block, its sender recovered; `None` past the last and for an FVM message.
///
/// Cost: one signature recovery, 27 µs.
pub fn at(block: &BlockView, index: usize, chain_id: u64) -> Result<Option<RpcTransaction>, RpcRejected> {
    let Some(transaction) = decode(block, index, chain_id)? else { return Ok(None) };
    let place = TransactionInfo {
        hash: Some(hash(block.transactions[index].hash())),
        index: Some(count(index)),
        block_hash: Some(hash(block.hash)),
        block_number: Some(block.height.0),
        base_fee: Some(block.base_fee),
        block_timestamp: Some(block.unix_seconds()),
    };
    Ok(Some(RpcTransaction::from_transaction(recovered(&transaction), place)))
}

/// A transaction that waits, without a place.
pub fn pending(transaction: &EthereumTransaction) -> RpcTransaction {
    let nowhere = TransactionInfo { hash: Some(hash(transaction.hash())), ..TransactionInfo::default() };
    RpcTransaction::from_transaction(recovered(transaction), nowhere)
}

/// Reads the transaction at `index`; `None` past the last and for an FVM message.
pub fn decode(
    block: &BlockView,
    index: usize,
    chain_id: u64,
) -> Result<Option<std::sync::Arc<EthereumTransaction>>, RpcRejected> {
    let Some(executed) = block.transactions.get(index).filter(|executed| executed.is_ethereum()) else {
        return Ok(None);
    };
    match Transaction::decode(&executed.raw, chain_id) {
        Ok(Transaction::Ethereum(transaction)) => Ok(Some(transaction)),
        Ok(Transaction::Fvm(_)) => Ok(None),
        Err(why) => {
            // Decided blocks hold only what decodes; this node's store is not what it was.
            tracing::error!(height = %block.height, index, %why, "a stored transaction does not decode");
            Err(RpcRejected::Internal("a stored transaction does not decode"))
        }
    }
}

fn recovered(transaction: &EthereumTransaction) -> Recovered<TxEnvelope> {
    let envelope = transaction.envelope().clone().map_eip4844(TxEip4844Variant::from);
    Recovered::new_unchecked(envelope, address(transaction.sender()))
}
