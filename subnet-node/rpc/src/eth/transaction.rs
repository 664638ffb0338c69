//! Transactions, their receipts, and bringing new ones. What is not there, or is an FVM message, is `null`.

use alloy_eips::BlockNumberOrTag;
use alloy_rpc_types_eth::{Index, Transaction as RpcTransaction, TransactionReceipt};
use tributary_message::Transaction;
use tributary_primitives::Hash32;

use crate::convert;
use crate::error::RpcRejected;
use crate::hex_bytes::HexBytes;
use crate::node::Node;

/// `eth_getTransactionByHash`: executed, or waiting in the mempool.
pub fn by_hash(node: &Node, (hash,): (Hash32,)) -> Result<Option<RpcTransaction>, RpcRejected> {
    // The mempool first: a transaction leaves it only once it has a position, so it is never missed on its way.
    let waiting = node.backend.pending_transaction(&hash);
    let Some(position) = node.backend.position_of(&hash)? else {
        return Ok(match waiting {
            Some(Transaction::Ethereum(transaction)) => Some(convert::transaction::pending(&transaction)),
            Some(Transaction::Fvm(_)) | None => None,
        });
    };
    at(node, BlockNumberOrTag::Number(position.height.0), position.index)
}

/// `eth_getTransactionByBlockNumberAndIndex`
pub fn by_number_and_index(
    node: &Node,
    (number, index): (BlockNumberOrTag, Index),
) -> Result<Option<RpcTransaction>, RpcRejected> {
    at(node, number, index.into())
}

/// `eth_getTransactionByBlockHashAndIndex`
pub fn by_hash_and_index(node: &Node, (hash, index): (Hash32, Index)) -> Result<Option<RpcTransaction>, RpcRejected> {
    let Some(block) = node.block_by_hash(&hash)? else { return Ok(None) };
    convert::transaction::at(&block, index.into(), node.backend.identity().chain_id)
}

/// `eth_getTransactionReceipt`
pub fn receipt(node: &Node, (hash,): (Hash32,)) -> Result<Option<TransactionReceipt>, RpcRejected> {
    let Some(position) = node.backend.position_of(&hash)? else { return Ok(None) };
    let Some(block) = node.backend.block_at(position.height)? else { return Ok(None) };
    convert::receipt::at(&block, position.index, node.backend.identity().chain_id)
}

/// `eth_sendRawTransaction`
pub fn send_raw((raw,): (HexBytes,)) -> Vec<u8> {
    raw.0
}

fn at(node: &Node, number: BlockNumberOrTag, index: usize) -> Result<Option<RpcTransaction>, RpcRejected> {
    let Some(block) = node.block(number)? else { return Ok(None) };
    convert::transaction::at(&block, index, node.backend.identity().chain_id)
}
