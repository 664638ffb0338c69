//! Which of Ethereum's rules hold on this chain: `eth_config`.
//!
//! They hold from genesis on, and no change of them is planned: a fork here is a new version of the chain's own rules, not one of Ethereum's.
//!
//! | member | is here |
//! |---|---|
//! | `activationTime` | 0: genesis |
//! | `blobSchedule` | none in a block; the fraction is that by which BLOBBASEFEE comes to 1 |
//! | `forkId` | of genesis alone (EIP-6122): no fork came after it |
//! | `precompiles` | Ethereum's, and those by which contracts reach actors |
//! | `systemContracts` | the one that keeps hashes of blocks (EIP-2935); there is no beacon chain for the others to serve |
//!
//! Source: EIP-7910.

use std::collections::BTreeMap;

use alloy_eips::eip2124::ForkHash;
use alloy_eips::eip7840::BlobParams;
use alloy_eips::eip7910::{EthConfig, EthForkConfig, SystemContract};
use tributary_fvm::precompiled_contracts;
use tributary_fvm::state::history::HISTORY_ADDRESS;

use crate::convert::{address, digest};
use crate::error::RpcRejected;
use crate::node::Node;

/// `eth_config`
pub fn config(node: &Node, (): ()) -> Result<EthConfig, RpcRejected> {
    let identity = node.backend.identity();
    let current = EthForkConfig {
        activation_time: 0,
        blob_schedule: BlobParams { target_blob_count: 0, max_blob_count: 0, ..BlobParams::prague() },
        chain_id: identity.chain_id,
        fork_id: ForkHash::from(digest(&identity.genesis)).0.into(),
        precompiles: precompiled_contracts().into_iter().map(|(name, at)| (name, address(at))).collect(),
        system_contracts: BTreeMap::from([(SystemContract::HistoryStorage, address(HISTORY_ADDRESS))]),
    };
    Ok(EthConfig { current, next: None, last: None })
}
