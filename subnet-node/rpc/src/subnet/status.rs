//! The network, its genesis, its validators.

use tributary_fvm::fees::fvm_base_fee;
use tributary_primitives::Height;

use super::view::{Genesis, Status, Validator, Validators};
use crate::error::RpcRejected;
use crate::hex_bytes::HexBytes;
use crate::node::Node;

/// Nanoseconds in a millisecond.
const NANOS_PER_MILLI: u64 = 1_000_000;

/// `subnet_status`
pub fn status(node: &Node, (): ()) -> Result<Status, RpcRejected> {
    let (identity, tip) = (node.backend.identity(), node.backend.tip());
    let certificate = node.backend.latest_certificate()?;
    Ok(Status {
        subnet: identity.subnet.clone(),
        chain_id: identity.chain_id,
        height: tip.height,
        block_hash: tip.hash,
        time_ms: tip.time_ns / NANOS_PER_MILLI,
        base_fee: tip.next_base_fee,
        fvm_base_fee: fvm_base_fee(tip.next_base_fee, identity.parameters.fvm_gas_per_gas),
        certified_height: certificate.map(|certificate| certificate.checkpoint.height),
        finalized_height: node.backend.finalized(),
        peers: node.backend.peers(),
        syncing_to: node.backend.syncing().map(|progress| progress.highest),
        client_version: identity.client_version.clone(),
    })
}

/// `subnet_genesis`
pub fn genesis(node: &Node, (): ()) -> Result<Genesis, RpcRejected> {
    let identity = node.backend.identity();
    let block = node.backend.block_at(Height::GENESIS)?.ok_or(RpcRejected::UnknownBlock)?;
    Ok(Genesis {
        genesis_id: identity.genesis.to_string(),
        block_hash: block.hash,
        state_root: block.state_root.to_string(),
        subnet: identity.subnet.clone(),
        chain_name: identity.chain_name.clone(),
        chain_id: identity.chain_id,
        block_gas_limit: identity.parameters.block_gas_limit,
        base_fee_min: identity.parameters.base_fee_min,
        fvm_gas_per_gas: identity.parameters.fvm_gas_per_gas,
        checkpoint_period: identity.parameters.checkpoint_period,
    })
}

/// `subnet_validators`: of the height given, or of the latest.
pub fn validators(node: &Node, (height,): (Option<Height>,)) -> Result<Option<Validators>, RpcRejected> {
    let height = height.unwrap_or_else(|| node.backend.tip().height);
    let Some(set) = node.backend.validators_at(height)? else { return Ok(None) };
    let validators = set.validators.iter().map(|validator| Validator {
        consensus_key: HexBytes(validator.consensus_key.to_vec()),
        checkpoint_key: validator.checkpoint_key,
        reward_address: validator.reward_address,
        power: validator.power,
    });
    Ok(Some(Validators {
        height,
        configuration: set.configuration.0,
        total_power: set.validators.iter().map(|validator| validator.power).sum(),
        validators: validators.collect(),
    }))
}
