//! Our block and transaction in revm's words.

use alloy_primitives::Signature;
use revm::context::either::Either;
use revm::context::transaction::{
    AccessList, AccessListItem, RecoveredAuthority, RecoveredAuthorization, SignedAuthorization, TransactionType,
};
use revm::context::{BlockEnv as EvmBlock, CfgEnv, LocalContext, TxEnv};
use revm::primitives::eip4844::BLOB_BASE_FEE_UPDATE_FRACTION_PRAGUE;
use revm::primitives::{Address, AddressSet, B256, Bytes, TxKind, U256};
use tributary_crypto::secp;
use tributary_message::EthereumTransaction;
use tributary_primitives::EthAddress;

use super::{EvmContext, SPEC, Seat};
use crate::block::BlockEnv;
use crate::call::{AccessedAccount, EthereumCall};
use crate::journal::Journal;
use crate::kernel::Origin;
use crate::money;
use crate::state::StateView;

/// Most gas one transaction may have.
///
/// Source: EIP-7825.
pub const TRANSACTION_GAS_MAX: u64 = 1 << 24;

pub(super) fn context<V: StateView>(
    env: &BlockEnv,
    journal: Journal<V>,
    seat: Seat<V>,
    transaction: TxEnv,
) -> EvmContext<V> {
    let mut cfg = CfgEnv::new_with_spec(SPEC);
    cfg.chain_id = env.chain_id;
    EvmContext {
        block: block(env),
        tx: transaction,
        cfg,
        journaled_state: journal,
        chain: seat,
        local: LocalContext::default(),
        error: Ok(()),
    }
}

fn block(env: &BlockEnv) -> EvmBlock {
    let mut block = EvmBlock {
        number: U256::from(env.height.0),
        beneficiary: evm_address(env.proposer),
        timestamp: U256::from(env.timestamp_s),
        gas_limit: env.gas_limit,
        basefee: env.base_fee,
        difficulty: U256::ZERO,
        prevrandao: Some(B256::new(env.prev_randao.0)),
        ..EvmBlock::default()
    };
    // There are no blobs, so their price stays the lowest there is: BLOBBASEFEE answers 1.
    block.set_blob_excess_gas_and_price(0, BLOB_BASE_FEE_UPDATE_FRACTION_PRAGUE);
    block
}

/// A signed transaction.
pub(crate) fn transaction(transaction: &EthereumTransaction) -> TxEnv {
    use alloy_consensus::{Transaction as _, Typed2718 as _};
    let envelope = transaction.envelope();
    TxEnv {
        tx_type: envelope.ty(),
        caller: evm_address(transaction.sender()),
        gas_limit: envelope.gas_limit(),
        gas_price: envelope.max_fee_per_gas(),
        kind: envelope.kind(),
        value: envelope.value(),
        data: envelope.input().clone(),
        nonce: envelope.nonce(),
        chain_id: envelope.chain_id(),
        access_list: envelope.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: envelope.max_priority_fee_per_gas(),
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: envelope.authorization_list().unwrap_or_default().iter().map(authorization).collect(),
    }
}

/// A call that nobody signed, with this much gas, on the chain with this id.
pub(crate) fn simulated(call: &EthereumCall, gas_limit: u64, nonce: u64, chain_id: u64) -> TxEnv {
    // Only a typed transaction has a list.
    let tx_type = match (call.authorizations.is_empty(), call.access_list.is_empty()) {
        (false, _) => TransactionType::Eip7702,
        (true, false) => TransactionType::Eip2930,
        (true, true) => TransactionType::Legacy,
    };
    TxEnv {
        tx_type: tx_type.into(),
        caller: evm_address(call.from),
        gas_limit,
        gas_price: 0,
        kind: call.to.map_or(TxKind::Create, |to| TxKind::Call(evm_address(to))),
        // A negative or boundless value is more than anybody has.
        value: money::to_u256(&call.value).unwrap_or(U256::MAX),
        data: Bytes::from(call.input.clone()),
        nonce,
        chain_id: Some(chain_id),
        access_list: AccessList(call.access_list.iter().map(accessed).collect()),
        gas_priority_fee: None,
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: call.authorizations.iter().map(authorization).collect(),
    }
}

/// The same as a transaction that pays.
pub(crate) fn rehearsed(call: &EthereumCall, gas_limit: u64, nonce: u64, chain_id: u64) -> TxEnv {
    let unpaid = simulated(call, gas_limit, nonce, chain_id);
    TxEnv {
        // Its fees are EIP-1559's; a type above that has them too.
        tx_type: unpaid.tx_type.max(TransactionType::Eip1559.into()),
        gas_price: call.max_fee_per_gas,
        gas_priority_fee: Some(call.max_priority_fee_per_gas),
        ..unpaid
    }
}

fn accessed(account: &AccessedAccount) -> AccessListItem {
    let storage_keys = account.slots.iter().map(|slot| B256::new(slot.0)).collect();
    AccessListItem { address: evm_address(account.address), storage_keys }
}

/// What a contract that an actor calls sees of the transaction: who sent it, and what it pays for gas.
pub(super) fn of_origin(origin: &Origin) -> TxEnv {
    TxEnv { caller: evm_address(origin.eth_address), gas_price: origin.gas_price, ..TxEnv::default() }
}

pub(crate) fn evm_address(address: EthAddress) -> Address {
    Address::new(address.0)
}

/// An authorization with its authority, recovered by the C library. Cost: 26 µs.
fn authorization(signed: &SignedAuthorization) -> Either<SignedAuthorization, RecoveredAuthorization> {
    let authority = authority(signed).map_or(RecoveredAuthority::Invalid, RecoveredAuthority::Valid);
    Either::Right(RecoveredAuthorization::new_unchecked(signed.inner().clone(), authority))
}

/// Whose accounts are warm since they signed an authorization for this chain, whether or not it takes effect.
///
/// Source: EIP-7702, "Behavior", steps 1 to 4.
pub(crate) fn authorities(call: &EthereumCall, chain_id: u64) -> AddressSet {
    let is_for_us = |signed: &&SignedAuthorization| {
        (signed.chain_id.is_zero() || signed.chain_id == U256::from(chain_id)) && signed.nonce < u64::MAX
    };
    call.authorizations.iter().filter(is_for_us).filter_map(authority).collect()
}

/// Who signed; nobody for a signature that EIP-7702 does not allow: s in the upper half, or a parity above one.
fn authority(signed: &SignedAuthorization) -> Option<Address> {
    let (r, s, parity) = (signed.r(), signed.s(), signed.y_parity());
    if parity > 1 || Signature::new(r, s, parity == 1).normalize_s().is_some() {
        return None;
    }
    let mut signature = [0; 65];
    signature[..32].copy_from_slice(&r.to_be_bytes::<32>());
    signature[32..64].copy_from_slice(&s.to_be_bytes::<32>());
    signature[64] = parity;
    let key = secp::recover(signed.signature_hash().0, &signature)?;
    Some(evm_address(secp::eth_address(&key)))
}
