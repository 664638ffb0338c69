//! The chain and this node.

use std::collections::BTreeMap;

use alloy_primitives::{B256, U64, U256, keccak256};
use alloy_rpc_types_eth::{SyncInfo, SyncStatus};
use tributary_primitives::EthAddress;

use crate::error::RpcRejected;
use crate::hex_bytes::HexBytes;
use crate::node::Node;

/// `eth_chainId`
pub fn chain_id(node: &Node, (): ()) -> Result<U64, RpcRejected> {
    Ok(U64::from(node.backend.identity().chain_id))
}

/// `eth_blockNumber`
pub fn block_number(node: &Node, (): ()) -> Result<U64, RpcRejected> {
    Ok(U64::from(node.backend.tip().height.0))
}

/// `eth_syncing`
pub fn syncing(node: &Node, (): ()) -> Result<SyncStatus, RpcRejected> {
    Ok(node.backend.syncing().map_or(SyncStatus::None, |progress| {
        SyncStatus::Info(Box::new(SyncInfo {
            starting_block: U256::from(progress.starting.0),
            current_block: U256::from(progress.current.0),
            highest_block: U256::from(progress.highest.0),
            ..SyncInfo::default()
        }))
    }))
}

/// `rpc_modules`: the namespaces that this node serves anything of, each in the only version that there is. Consoles ask for it first.
pub fn modules(node: &Node, (): ()) -> Result<BTreeMap<&'static str, &'static str>, RpcRejected> {
    Ok(node.served.namespaces().iter().map(|namespace| (*namespace, "1.0")).collect())
}

/// `eth_accounts`: none, since a node holds no user's key.
pub fn accounts(_: &Node, (): ()) -> Result<Vec<EthAddress>, RpcRejected> {
    Ok(Vec::new())
}

/// `net_version`: the chain id in decimal.
pub fn network(node: &Node, (): ()) -> Result<String, RpcRejected> {
    Ok(node.backend.identity().chain_id.to_string())
}

/// `net_listening`: whoever reads this was listened to.
pub fn listening(_: &Node, (): ()) -> Result<bool, RpcRejected> {
    Ok(true)
}

/// `net_peerCount`
pub fn peer_count(node: &Node, (): ()) -> Result<U64, RpcRejected> {
    Ok(U64::from(node.backend.peers()))
}

/// `web3_clientVersion`
pub fn client_version(node: &Node, (): ()) -> Result<String, RpcRejected> {
    Ok(node.backend.identity().client_version.clone())
}

/// `web3_sha3`: keccak-256.
pub fn sha3(_: &Node, (bytes,): (HexBytes,)) -> Result<B256, RpcRejected> {
    Ok(keccak256(&bytes.0))
}
