//! Blocks and their receipts. A block that does not exist is `null`.

use std::sync::Arc;

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::U64;
use alloy_rpc_types_eth::{Block, Header, Index, TransactionReceipt};
use tributary_primitives::Hash32;

use crate::backend::BlockView;
use crate::convert;
use crate::error::RpcRejected;
use crate::node::Node;

/// `eth_getBlockByNumber`
pub fn by_number(node: &Node, (number, full): (BlockNumberOrTag, Option<bool>)) -> Result<Option<Block>, RpcRejected> {
    shown(node, node.block(number)?, full)
}

/// `eth_getBlockByHash`
pub fn by_hash(node: &Node, (hash, full): (Hash32, Option<bool>)) -> Result<Option<Block>, RpcRejected> {
    shown(node, node.block_by_hash(&hash)?, full)
}

/// `eth_getHeaderByNumber`
pub fn header_by_number(node: &Node, (number,): (BlockNumberOrTag,)) -> Result<Option<Header>, RpcRejected> {
    Ok(node.block(number)?.map(|block| header(&block)))
}

/// `eth_getHeaderByHash`
pub fn header_by_hash(node: &Node, (hash,): (Hash32,)) -> Result<Option<Header>, RpcRejected> {
    Ok(node.block_by_hash(&hash)?.map(|block| header(&block)))
}

/// `eth_getBlockTransactionCountByNumber`: FVM messages count, since they take an index.
pub fn transaction_count_by_number(node: &Node, (number,): (BlockNumberOrTag,)) -> Result<Option<U64>, RpcRejected> {
    Ok(node.block(number)?.map(|block| transaction_count(&block)))
}

/// `eth_getBlockTransactionCountByHash`
pub fn transaction_count_by_hash(node: &Node, (hash,): (Hash32,)) -> Result<Option<U64>, RpcRejected> {
    Ok(node.block_by_hash(&hash)?.map(|block| transaction_count(&block)))
}

/// `eth_getBlockReceipts`: those of Ethereum transactions.
pub fn receipts(node: &Node, (block,): (BlockId,)) -> Result<Option<Vec<TransactionReceipt>>, RpcRejected> {
    let Some(block) = node.block_by_id(block)? else { return Ok(None) };
    convert::receipt::all(&block, node.backend.identity().chain_id).map(Some)
}

/// `eth_getUncleCountByBlockNumber`: none of a block, since only proof of work has uncles.
pub fn uncle_count_by_number(node: &Node, (number,): (BlockNumberOrTag,)) -> Result<Option<U64>, RpcRejected> {
    Ok(node.block(number)?.map(|_| U64::ZERO))
}

/// `eth_getUncleCountByBlockHash`
pub fn uncle_count_by_hash(node: &Node, (hash,): (Hash32,)) -> Result<Option<U64>, RpcRejected> {
    Ok(node.block_by_hash(&hash)?.map(|_| U64::ZERO))
}

/// `eth_getUncleByBlockNumberAndIndex`: none.
pub fn uncle_by_number(_: &Node, _: (BlockNumberOrTag, Index)) -> Result<Option<Block>, RpcRejected> {
    Ok(None)
}

/// `eth_getUncleByBlockHashAndIndex`: none.
pub fn uncle_by_hash(_: &Node, _: (Hash32, Index)) -> Result<Option<Block>, RpcRejected> {
    Ok(None)
}

fn shown(node: &Node, block: Option<Arc<BlockView>>, full: Option<bool>) -> Result<Option<Block>, RpcRejected> {
    let chain_id = node.backend.identity().chain_id;
    block.map(|block| convert::block::of(&block, full.unwrap_or(false), chain_id)).transpose()
}

/// As it is in the block, where its size is told too.
fn header(block: &BlockView) -> Header {
    Header { size: None, ..convert::block::header(block) }
}

fn transaction_count(block: &BlockView) -> U64 {
    U64::from(convert::count(block.transactions.len()))
}
