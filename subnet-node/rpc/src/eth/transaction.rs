//! Transactions, their receipts, and bringing new ones. What is not there, or is an FVM message, is `null`.

use std::time::Duration;

use alloy_eips::BlockNumberOrTag;
use alloy_primitives::U64;
use alloy_rpc_types_eth::{Index, Transaction as RpcTransaction, TransactionReceipt};
use tributary_message::Transaction;
use tributary_primitives::Hash32;

use crate::awaiting::PATIENCE_MAX;
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

/// `eth_getRawTransactionByHash`, `debug_getRawTransaction`: as it was signed; executed, or waiting in the mempool.
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

/// `eth_sendRawTransactionSync`: the timeout is a number or a quantity; 0 is as good as none, and a longer one than may be as the longest.
///
/// Source: EIP-7966; go-ethereum `internal/ethapi/api.go` for what it says of timeouts that are no good.
pub fn send_raw_sync((raw, timeout_ms): (HexBytes, Option<U64>)) -> Result<Patient<Vec<u8>>, RpcRejected> {
    let asked = timeout_ms.map(|millis| Duration::from_millis(millis.to())).filter(|asked| !asked.is_zero());
    Ok((raw.0, asked.unwrap_or(SYNC_TIMEOUT).min(PATIENCE_MAX)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_that_is_no_good_is_the_usual_one_or_the_longest() {
        for (asked, waits) in [
            (None, SYNC_TIMEOUT),
            (Some(0), SYNC_TIMEOUT),
            (Some(1), Duration::from_millis(1)),
            (Some(60_000), PATIENCE_MAX),
            (Some(60_001), PATIENCE_MAX),
            (Some(u64::MAX), PATIENCE_MAX),
        ] {
            let (_, patience) = send_raw_sync((HexBytes(vec![]), asked.map(U64::from))).unwrap();
            assert_eq!(patience, waits, "{asked:?}");
        }
    }
}
