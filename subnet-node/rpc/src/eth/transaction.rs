//! Transactions, their receipts, and bringing new ones. What is not there, or is an FVM message, is `null`.

use std::time::Duration;

use alloy_eips::BlockNumberOrTag;
use alloy_primitives::U64;
use alloy_rpc_types_eth::{Index, Transaction as RpcTransaction, TransactionReceipt};
use tributary_message::Transaction;
use tributary_primitives::Hash32;

use crate::awaiting::patience;
use crate::backend::BlockView;
use crate::convert;
use crate::error::RpcRejected;
use crate::hex_bytes::HexBytes;
use crate::methods::Patient;
use crate::node::Node;

/// How long `eth_sendRawTransactionSync` waits unless it is told.
///
/// Source: EIP-7966, which recommends it.
const SYNC_TIMEOUT: Duration = Duration::from_secs(2);

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

/// `eth_getRawTransactionByHash`: as it was signed; executed, or waiting in the mempool.
pub fn raw_by_hash(node: &Node, (hash,): (Hash32,)) -> Result<Option<HexBytes>, RpcRejected> {
    // As above: the mempool first.
    let waiting = node.backend.pending_transaction(&hash);
    let Some(position) = node.backend.position_of(&hash)? else {
        return Ok(match waiting {
            Some(Transaction::Ethereum(transaction)) => Some(HexBytes(transaction.raw().to_vec())),
            Some(Transaction::Fvm(_)) | None => None,
        });
    };
    Ok(node.backend.block_at(position.height)?.and_then(|block| raw(&block, position.index)))
}

/// `eth_getRawTransactionByBlockNumberAndIndex`
pub fn raw_by_number_and_index(
    node: &Node,
    (number, index): (BlockNumberOrTag, Index),
) -> Result<Option<HexBytes>, RpcRejected> {
    Ok(node.block(number)?.and_then(|block| raw(&block, index.into())))
}

/// `eth_getRawTransactionByBlockHashAndIndex`
pub fn raw_by_hash_and_index(node: &Node, (hash, index): (Hash32, Index)) -> Result<Option<HexBytes>, RpcRejected> {
    Ok(node.block_by_hash(&hash)?.and_then(|block| raw(&block, index.into())))
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

/// `eth_sendRawTransactionSync`: the timeout is a number or a quantity.
///
/// Source: EIP-7966.
pub fn send_raw_sync((raw, timeout_ms): (HexBytes, Option<U64>)) -> Result<Patient<Vec<u8>>, RpcRejected> {
    let patience = patience(1, timeout_ms.map(|millis| millis.to()), SYNC_TIMEOUT)?;
    Ok((raw.0, patience))
}

/// The bytes of the Ethereum transaction at `index`.
fn raw(block: &BlockView, index: usize) -> Option<HexBytes> {
    let executed = block.transactions.get(index).filter(|executed| executed.is_ethereum())?;
    Some(HexBytes(executed.raw.clone()))
}

fn at(node: &Node, number: BlockNumberOrTag, index: usize) -> Result<Option<RpcTransaction>, RpcRejected> {
    let Some(block) = node.block(number)? else { return Ok(None) };
    convert::transaction::at(&block, index, node.backend.identity().chain_id)
}
