//! Calls that change nothing, what gas they would need, and what they reach.
//!
//! A call runs in the block that is named, after its last transaction; at `pending` in the next one. It pays for gas only if it offers a
//! price, as with go-ethereum: then the price must reach the block's base fee, and the sender must have what all its gas costs beside the
//! value. Gas above the node's own limit for calls is held to that limit, and a call that runs for longer than the node lets one is cut off.
//!
//! A call may bring authorizations (EIP-7702), as a transaction of type 4 does: whoever signed one runs the other's code in it, and its gas
//! pays for them. One that nobody may have signed, or that is not its signer's next, is passed over, as in a block.

use alloy_eips::BlockId;
use alloy_eips::eip2930::{AccessList, AccessListItem, AccessListResult};
use alloy_primitives::{B256, TxKind, U64, U256};
use alloy_rpc_types_eth::TransactionRequest;
use tributary_fvm::Overrides;
use tributary_fvm::call::{Accessed, AccessedAccount, CallOutcome, CallRequest, EthereumCall, GasEstimate};
use tributary_primitives::{EthAddress, Hash32};

use super::overrides::{BlockOverridesJson, StateOverrides};
use crate::convert::{address, outcome, tokens};
use crate::error::RpcRejected;
use crate::hex_bytes::HexBytes;
use crate::node::Node;

/// Most authorizations of one call: the most gas of one transaction (EIP-7825) pays for no more, at 25,000 each beside its own 21,000.
///
/// Source: EIP-7702, `PER_EMPTY_ACCOUNT_COST`.
pub const AUTHORIZATIONS_MAX: usize = 670;

/// The exit code of a call that used up its gas.
const OUT_OF_GAS: fvm_shared::error::ExitCode = fvm_shared::error::ExitCode::SYS_OUT_OF_GAS;

/// A call, where it is run, and what it is to find otherwise there.
type Call = (TransactionRequest, Option<BlockId>, Option<StateOverrides>, Option<BlockOverridesJson>);

/// `eth_call`
pub fn call(node: &Node, (request, block, accounts, otherwise): Call) -> Result<HexBytes, RpcRejected> {
    let overrides = overrides(accounts, otherwise)?;
    let request = CallRequest::Ethereum(held(node, request)?);
    let outcome = node.state(block)?.call(&request, &overrides, &node.leash())?;
    outcome::returned(outcome).map(HexBytes)
}

/// `eth_estimateGas`
pub fn estimate_gas(node: &Node, (request, block, accounts, otherwise): Call) -> Result<U64, RpcRejected> {
    let overrides = overrides(accounts, otherwise)?;
    let request = CallRequest::Ethereum(held(node, request)?);
    match node.state(block)?.estimate_gas(&request, &overrides, &node.leash())? {
        GasEstimate::Enough(gas) => Ok(U64::from(gas)),
        GasEstimate::Never(outcome) => Err(never(outcome)),
    }
}

/// `eth_createAccessList`. A call that does not end well is told in the answer, with what it reached until then.
pub fn create_access_list(
    node: &Node,
    (request, block, accounts): (TransactionRequest, Option<BlockId>, Option<StateOverrides>),
) -> Result<AccessListResult, RpcRejected> {
    let overrides = overrides(accounts, None)?;
    let request = held(node, request)?;
    let Accessed { list, outcome } = node.state(block)?.access_list(&request, &overrides, &node.leash())?;
    let items = list.into_iter().map(|account| AccessListItem {
        address: address(account.address),
        storage_keys: account.slots.into_iter().map(|slot| B256::new(slot.0)).collect(),
    });
    Ok(AccessListResult {
        access_list: AccessList(items.collect()),
        gas_used: U256::from(outcome.gas_used),
        error: (!outcome.exit_code.is_success()).then(|| outcome::stopped(outcome).to_string()),
    })
}

fn overrides(accounts: Option<StateOverrides>, block: Option<BlockOverridesJson>) -> Result<Overrides, RpcRejected> {
    Ok(Overrides { accounts: accounts.unwrap_or_default().read(2)?, block: block.unwrap_or_default().read(3)? })
}

/// Why no gas limit is enough. What ran out of gas has used all that it may have.
fn never(outcome: CallOutcome) -> RpcRejected {
    if outcome.exit_code == OUT_OF_GAS {
        return RpcRejected::CallStopped(format!("gas required exceeds allowance ({})", outcome.gas_used));
    }
    outcome::stopped(outcome)
}

/// The call that a request means, its gas held to what the node lets one call use.
///
/// # Errors
/// [`RpcRejected`] for what has no meaning here, as the parameter at position 0.
pub fn held(node: &Node, request: TransactionRequest) -> Result<EthereumCall, RpcRejected> {
    let most = node.config.call_gas_max;
    let gas_limit = Some(request.gas.unwrap_or(most).min(most));
    let call = ethereum_call(request, node.backend.identity().chain_id)?;
    Ok(EthereumCall { gas_limit, ..call })
}

/// The call that a request means, without a gas limit.
pub fn ethereum_call(request: TransactionRequest, chain_id: u64) -> Result<EthereumCall, RpcRejected> {
    check(&request, chain_id)?;
    let (max_fee_per_gas, max_priority_fee_per_gas) = offered(&request);
    let input = request
        .input
        .try_into_unique_input()
        .map_err(|_| RpcRejected::argument(0, r#"both "data" and "input" are set and not equal; use "input" alone"#))?;
    Ok(EthereumCall {
        from: EthAddress(request.from.unwrap_or_default().0.0),
        to: match request.to {
            Some(TxKind::Call(to)) => Some(EthAddress(to.0.0)),
            Some(TxKind::Create) | None => None,
        },
        value: tokens(request.value.unwrap_or_default()),
        input: input.unwrap_or_default().to_vec(),
        gas_limit: None,
        max_fee_per_gas,
        max_priority_fee_per_gas,
        access_list: request.access_list.map_or_else(Vec::new, |list| list.0.into_iter().map(accessed).collect()),
        authorizations: request.authorization_list.unwrap_or_default(),
    })
}

/// What a request offers for a unit of gas at most, and of it as a tip; nothing where it says nothing.
fn offered(request: &TransactionRequest) -> (u128, u128) {
    match request.gas_price {
        Some(price) => (price, price),
        None => (request.max_fee_per_gas.unwrap_or_default(), request.max_priority_fee_per_gas.unwrap_or_default()),
    }
}

fn accessed(item: AccessListItem) -> AccessedAccount {
    let slots = item.storage_keys.into_iter().map(|slot| Hash32(slot.0)).collect();
    AccessedAccount { address: EthAddress(item.address.0.0), slots }
}

/// Refuses what has no meaning here or contradicts itself.
fn check(request: &TransactionRequest, chain_id: u64) -> Result<(), RpcRejected> {
    let has_new_fees = request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some();
    if request.gas_price.is_some() && has_new_fees {
        return Err(RpcRejected::argument(0, "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified"));
    }
    if let (Some(cap), Some(tip)) = (request.max_fee_per_gas, request.max_priority_fee_per_gas)
        && tip > cap
    {
        return Err(RpcRejected::argument(0, format!("maxFeePerGas ({cap}) < maxPriorityFeePerGas ({tip})")));
    }
    let has_blobs = request.max_fee_per_blob_gas.is_some()
        || request.sidecar.is_some()
        || request.blob_versioned_hashes.as_ref().is_some_and(|hashes| !hashes.is_empty());
    if has_blobs {
        return Err(RpcRejected::argument(0, "blob transactions (EIP-4844) have no meaning on a subnet"));
    }
    check_authorizations(request)?;
    match request.chain_id {
        Some(have) if have != chain_id => {
            Err(RpcRejected::argument(0, format!("chainId does not match node's (have={have}, want={chain_id})")))
        }
        _ => Ok(()),
    }
}

/// Refuses authorizations that no transaction may have, in go-ethereum's words, or more than one could pay for.
fn check_authorizations(request: &TransactionRequest) -> Result<(), RpcRejected> {
    match request.authorization_list.as_ref().map(Vec::len) {
        None => Ok(()),
        Some(0) => Err(RpcRejected::argument(0, "EIP-7702 transaction with empty auth list")),
        Some(_) if !matches!(request.to, Some(TxKind::Call(_))) => {
            Err(RpcRejected::argument(0, "EIP-7702 transaction cannot be used to create contract"))
        }
        Some(count) if count > AUTHORIZATIONS_MAX => Err(RpcRejected::AboveLimit(format!(
            "{count} authorizations; at most {AUTHORIZATIONS_MAX} are taken, since one transaction's gas pays for no more"
        ))),
        Some(_) => Ok(()),
    }
}
