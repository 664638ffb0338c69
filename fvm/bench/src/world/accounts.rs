//! Keys, their nonces, and what they sign.

use std::sync::Arc;

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address as AlloyAddress, Bytes, TxKind, U256};
use anyhow::{Context, Result};
use fvm_ipld_encoding::RawBytes;
use fvm_shared::MethodNum;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::message::Message;
use tributary_crypto::{SecpSecretKey, secp};
use tributary_message::{EthereumTransaction, FvmTransaction, Transaction};
use tributary_primitives::EthAddress;

use super::CHAIN_ID;
use crate::threads::{cores, spread};

const FVM_GAS: u64 = 100_000_000;
const FVM_FEE_CAP: u64 = 10;
const FEE_CAP: u128 = 1_000_000_000;

/// A key with its two accounts, f1 and f410, and their next nonces.
struct Account {
    key: SecpSecretKey,
    f1: Address,
    eth: EthAddress,
    nonces: Nonces,
}

#[derive(Clone, Copy, Default)]
struct Nonces {
    fvm: u64,
    eth: u64,
}

/// All keys.
pub struct Accounts {
    all: Vec<Account>,
    remembered: Vec<Nonces>,
}

/// A transaction that its sender has yet to sign.
pub struct Unsigned {
    from: usize,
    body: Body,
}

enum Body {
    Ethereum(TxEip1559),
    Fvm(Message),
}

impl Accounts {
    /// So many keys: the numbers from 1.
    pub(super) fn new(count: usize) -> Result<Self> {
        let numbers: Vec<_> = (1..=u64::try_from(count)?).collect();
        let all = spread(&numbers, cores(), |number| Account::new(*number)).into_iter().collect::<Result<_>>()?;
        Ok(Self { all, remembered: vec![] })
    }

    pub(super) const fn count(&self) -> usize {
        self.all.len()
    }

    pub(super) fn f1_address(&self, account: usize) -> Address {
        self.all[account].f1
    }

    pub(super) fn eth_address(&self, account: usize) -> EthAddress {
        self.all[account].eth
    }

    pub(super) fn eth_nonce(&self, account: usize) -> u64 {
        self.all[account].nonces.eth
    }

    pub(super) fn eth_addresses(&self) -> impl Iterator<Item = EthAddress> + '_ {
        self.all.iter().map(|account| account.eth)
    }

    /// Both of each.
    pub(super) fn addresses(&self) -> impl Iterator<Item = Address> + '_ {
        self.all.iter().flat_map(|account| [account.f1, account.eth.to_address()])
    }

    /// All nonces as they are now, for [`Self::rewind`].
    pub(super) fn remember(&mut self) {
        self.remembered = self.all.iter().map(|account| account.nonces).collect();
    }

    pub(super) fn rewind(&mut self) {
        for (account, nonces) in self.all.iter_mut().zip(&self.remembered) {
            account.nonces = *nonces;
        }
    }

    pub(super) fn message(
        &mut self,
        from: usize,
        to: Address,
        method: MethodNum,
        params: Vec<u8>,
        value: u64,
    ) -> Unsigned {
        let Account { f1, nonces, .. } = &mut self.all[from];
        let message = Message {
            version: 0,
            from: *f1,
            to,
            sequence: nonces.fvm,
            value: TokenAmount::from_atto(value),
            method_num: method,
            params: RawBytes::new(params),
            gas_limit: FVM_GAS,
            gas_fee_cap: TokenAmount::from_atto(FVM_FEE_CAP),
            gas_premium: TokenAmount::default(),
        };
        nonces.fvm += 1;
        Unsigned { from, body: Body::Fvm(message) }
    }

    pub(super) fn call(&mut self, from: usize, to: EthAddress, input: Vec<u8>, gas: u64) -> Unsigned {
        self.ethereum(from, Some(to), U256::ZERO, input, gas)
    }

    pub(super) fn ethereum(
        &mut self,
        from: usize,
        to: Option<EthAddress>,
        value: U256,
        input: Vec<u8>,
        gas: u64,
    ) -> Unsigned {
        let nonce = &mut self.all[from].nonces.eth;
        let unsigned = TxEip1559 {
            chain_id: CHAIN_ID,
            nonce: *nonce,
            gas_limit: gas,
            max_fee_per_gas: FEE_CAP,
            max_priority_fee_per_gas: 0,
            to: to.map_or(TxKind::Create, |to| TxKind::Call(AlloyAddress::from(to.0))),
            value,
            access_list: Default::default(),
            input: Bytes::from(input),
        };
        *nonce += 1;
        Unsigned { from, body: Body::Ethereum(unsigned) }
    }

    /// Signs on all cores: 16 µs a signature.
    pub(super) fn sign(&self, unsigned: &[Unsigned]) -> Result<Vec<Transaction>> {
        spread(unsigned, cores(), |unsigned| self.sign_one(unsigned)).into_iter().collect()
    }

    fn sign_one(&self, unsigned: &Unsigned) -> Result<Transaction> {
        let key = &self.all[unsigned.from].key;
        Ok(match &unsigned.body {
            Body::Ethereum(body) => Transaction::Ethereum(Arc::new(EthereumTransaction::sign(body.clone(), key))),
            Body::Fvm(message) => Transaction::Fvm(Arc::new(FvmTransaction::sign(message.clone(), key, CHAIN_ID)?)),
        })
    }
}

impl Account {
    fn new(number: u64) -> Result<Self> {
        let mut secret = [0; 32];
        secret[24..].copy_from_slice(&number.to_be_bytes());
        let key = SecpSecretKey::from_bytes(&secret).context("a small number is a secret key")?;
        let public = key.public_key();
        Ok(Self { key, f1: secp::f1_address(&public), eth: secp::eth_address(&public), nonces: Nonces::default() })
    }
}
