//! Accounts of the tests, and the transactions that they sign.

use std::sync::Arc;

use alloy_consensus::{TxEip1559, TxEip7702};
use alloy_primitives::{Address as EvmAddress, TxKind, U256};
use fvm_ipld_encoding::{BytesSer, RawBytes, to_vec};
use fvm_shared::address::Address;
use fvm_shared::message::Message;
use revm::context::transaction::{Authorization, SignedAuthorization};
use tributary_crypto::{BlsSecretKey, SecpSecretKey};
use tributary_message::{EthereumTransaction, FvmTransaction, Transaction};
use tributary_primitives::actors::INIT_ID;
use tributary_primitives::{EthAddress, raw_cid};

use super::{CHAIN_ID, FVM_GAS, TIP, atto};

pub(crate) fn key(seed: u8) -> SecpSecretKey {
    SecpSecretKey::from_bytes(&[seed; 32]).unwrap()
}

/// Ethereum accounts.
pub(crate) fn alice() -> SecpSecretKey {
    key(1)
}

pub(crate) fn bob() -> SecpSecretKey {
    key(2)
}

/// An f1 account.
pub(crate) fn carol() -> SecpSecretKey {
    key(3)
}

/// An unsigned transaction that tips, with enough gas.
pub(crate) fn unsigned(nonce: u64, to: Option<EthAddress>, value: u128, input: Vec<u8>) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 1_000_000,
        max_fee_per_gas: 10_000,
        max_priority_fee_per_gas: TIP,
        to: to.map_or(TxKind::Create, |to| TxKind::Call(EvmAddress::new(to.0))),
        value: U256::from(value),
        input: input.into(),
        ..TxEip1559::default()
    }
}

pub(crate) fn sign(key: &SecpSecretKey, unsigned: TxEip1559) -> Transaction {
    Transaction::Ethereum(Arc::new(EthereumTransaction::sign(unsigned, key)))
}

pub(crate) fn send(key: &SecpSecretKey, nonce: u64, to: EthAddress, value: u128, input: Vec<u8>) -> Transaction {
    sign(key, unsigned(nonce, Some(to), value, input))
}

/// `authority`, at this nonce, delegates to `delegate` on the chain with this id (EIP-7702).
pub(crate) fn authorize(
    authority: &SecpSecretKey,
    chain_id: u64,
    nonce: u64,
    delegate: EthAddress,
) -> SignedAuthorization {
    let authorization = Authorization { chain_id: U256::from(chain_id), address: EvmAddress::new(delegate.0), nonce };
    let signature = authority.sign(authorization.signature_hash().0);
    let part = |from: usize| U256::from_be_slice(&signature[from..from + 32]);
    SignedAuthorization::new_unchecked(authorization, signature[64], part(0), part(32))
}

/// `authority`, at its nonce, delegates to `delegate` (EIP-7702), and is called with `input`.
pub(crate) fn set_code(
    key: &SecpSecretKey,
    nonce: u64,
    authority: (&SecpSecretKey, u64),
    delegate: EthAddress,
    input: Vec<u8>,
) -> Transaction {
    set_code_with(key, TxEip7702 { nonce, ..unsigned_set_code(authority, delegate, input) })
}

pub(crate) fn set_code_with(key: &SecpSecretKey, unsigned: TxEip7702) -> Transaction {
    Transaction::Ethereum(Arc::new(EthereumTransaction::sign(unsigned, key)))
}

pub(crate) fn unsigned_set_code(
    (authority, nonce): (&SecpSecretKey, u64),
    delegate: EthAddress,
    input: Vec<u8>,
) -> TxEip7702 {
    TxEip7702 {
        chain_id: CHAIN_ID,
        gas_limit: 500_000,
        max_fee_per_gas: 10_000,
        to: EvmAddress::new(authority.eth_address().0),
        input: input.into(),
        authorization_list: vec![authorize(authority, CHAIN_ID, nonce, delegate)],
        ..TxEip7702::default()
    }
}

pub(crate) fn message(
    key: &SecpSecretKey,
    nonce: u64,
    to: Address,
    method: u64,
    params: Vec<u8>,
    value: u128,
) -> Transaction {
    message_with(key, Message { gas_limit: FVM_GAS, ..unsigned_message(nonce, to, method, params, value) })
}

pub(crate) fn message_with(key: &SecpSecretKey, message: Message) -> Transaction {
    Transaction::Fvm(Arc::new(FvmTransaction::sign(message, key, CHAIN_ID).unwrap()))
}

/// An account that sends messages, by the seed of its key.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    F1(u8),
    F3(u8),
    F410(u8),
}

impl Account {
    pub(crate) fn address(self) -> Address {
        match self {
            Self::F1(seed) => key(seed).f1_address(),
            Self::F3(seed) => bls_key(seed).f3_address(),
            Self::F410(seed) => key(seed).eth_address().to_address(),
        }
    }

    /// A message with enough gas.
    pub(crate) fn message(self, nonce: u64, to: Address, method: u64, params: Vec<u8>, value: u128) -> Transaction {
        self.sign(unsigned_message(nonce, to, method, params, value))
    }

    pub(crate) fn sign(self, message: Message) -> Transaction {
        let signed = match self {
            Self::F1(seed) => FvmTransaction::sign(message, &key(seed), CHAIN_ID),
            Self::F3(seed) => FvmTransaction::sign_bls(message, &bls_key(seed), CHAIN_ID),
            Self::F410(seed) => FvmTransaction::sign_delegated(message, &key(seed), CHAIN_ID),
        };
        Transaction::Fvm(Arc::new(signed.unwrap()))
    }
}

fn bls_key(seed: u8) -> BlsSecretKey {
    BlsSecretKey::from_bytes(&[seed; 32]).unwrap()
}

pub(crate) fn unsigned_message(nonce: u64, to: Address, method: u64, params: Vec<u8>, value: u128) -> Message {
    Message {
        version: 0,
        from: Address::new_id(0),
        to,
        sequence: nonce,
        value: atto(value),
        method_num: method,
        params: RawBytes::new(params),
        gas_limit: FVM_GAS,
        gas_fee_cap: atto(100),
        gas_premium: atto(1),
    }
}

/// Installs a module and makes an actor of it with `value`: carol's messages with nonces 0 and 1.
pub(crate) fn install_and_make(wasm: &[u8], value: u128) -> [Transaction; 2] {
    let (init, install_code) = (Address::new_id(INIT_ID), 1_596_813_081);
    let install = unsigned_message(0, init, install_code, to_vec(&BytesSer(wasm)).unwrap(), 0);
    let exec = to_vec(&(raw_cid(wasm), RawBytes::default())).unwrap();
    [
        message_with(&carol(), Message { gas_limit: 1_000_000_000, ..install }),
        message(&carol(), 1, init, 2, exec, value),
    ]
}

pub(crate) fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| U256::from(*word).to_be_bytes::<32>()).collect()
}
