//! Balances, nonces, code and storage, at any height whose state is kept.

use std::collections::BTreeMap;

use alloy_eips::BlockId;
use alloy_primitives::{B256, U64, U256};
use tributary_primitives::EthAddress;

use crate::arguments::Anything;
use crate::convert::wei;
use crate::error::RpcRejected;
use crate::hex_bytes::{HexBytes, Slot};
use crate::node::Node;

/// Most slots of one `eth_getStorageValues`: go-ethereum's `maxGetStorageSlots`.
const STORAGE_VALUES_MAX: usize = 1_024;

/// `eth_getBalance`
pub fn balance(node: &Node, (address, block): (EthAddress, Option<BlockId>)) -> Result<U256, RpcRejected> {
    let actor = node.state(block)?.actor(&address.to_address())?;
    Ok(actor.map_or(U256::ZERO, |actor| wei(&actor.balance)))
}

/// `eth_getTransactionCount`; at `pending` it counts what waits in the mempool without a gap.
pub fn transaction_count(node: &Node, (address, block): (EthAddress, Option<BlockId>)) -> Result<U64, RpcRejected> {
    let nonce = node.state(block)?.eth_nonce(&address)?;
    let nonce = match block {
        Some(block) if block.is_pending() => node.backend.pending_nonce(&address.to_address(), nonce),
        _ => nonce,
    };
    Ok(U64::from(nonce))
}

/// `eth_getCode`
pub fn code(node: &Node, (address, block): (EthAddress, Option<BlockId>)) -> Result<HexBytes, RpcRejected> {
    Ok(HexBytes(node.state(block)?.eth_code(&address)?))
}

/// `eth_getStorageAt`
pub fn storage_at(
    node: &Node,
    (address, slot, block): (EthAddress, Slot, Option<BlockId>),
) -> Result<B256, RpcRejected> {
    Ok(B256::new(node.state(block)?.eth_storage(&address, &slot.0)?))
}

/// `eth_getStorageValues`: slots of several accounts at once, each account's in the order asked for.
pub fn storage_values(
    node: &Node,
    (slots, block): (BTreeMap<EthAddress, Vec<Slot>>, Option<BlockId>),
) -> Result<BTreeMap<EthAddress, Vec<B256>>, RpcRejected> {
    let count = slots.values().map(Vec::len).sum::<usize>();
    if count == 0 {
        return Err(RpcRejected::argument(0, "empty request"));
    }
    if count > STORAGE_VALUES_MAX {
        return Err(RpcRejected::AboveLimit(format!("too many slots (max {STORAGE_VALUES_MAX})")));
    }
    let state = node.state(block)?;
    let values = |(address, slots): (EthAddress, Vec<Slot>)| -> Result<_, RpcRejected> {
        let values = slots.iter().map(|slot| state.eth_storage(&address, &slot.0).map(B256::new));
        Ok((address, values.collect::<Result<Vec<_>, _>>()?))
    };
    slots.into_iter().map(values).collect()
}

/// `eth_getProof` (EIP-1186) promises nodes of Merkle-Patricia tries, whatever it is asked.
pub fn no_proof(_: &Node, _: Anything) -> Result<(), RpcRejected> {
    Err(RpcRejected::NoTries)
}
