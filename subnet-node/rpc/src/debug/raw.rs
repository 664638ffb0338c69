//! Bytes as Ethereum encodes them (EIP-2718), of what has this form here.
//!
//! Headers and blocks have none: a header of this chain is Tendermint's, and Ethereum's encoding of what `eth_getBlockByHash` shows would hash
//! to something else than the block's name. CometBFT's methods `header` and `block` tell the real ones.

use alloy_eips::{BlockId, Encodable2718};

use crate::convert;
use crate::error::RpcRejected;
use crate::hex_bytes::HexBytes;
use crate::node::Node;

/// `debug_getRawReceipts`: those of Ethereum transactions, in order. The header's `receiptsRoot` is not made of them.
pub fn receipts(node: &Node, (block,): (BlockId,)) -> Result<Option<Vec<HexBytes>>, RpcRejected> {
    let Some(block) = node.block_by_id(block)? else { return Ok(None) };
    let receipts = convert::receipt::all(&block, node.backend.identity().chain_id)?;
    let encoded = receipts.into_iter().map(|receipt| HexBytes(receipt.inner.into_primitives_receipt().encoded_2718()));
    Ok(Some(encoded.collect()))
}
