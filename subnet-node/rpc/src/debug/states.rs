//! `prestateTracer`: accounts as they were, or before and after.
//!
//! Source: go-ethereum, `eth/tracers/native/prestate.go`.

use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes, U256};
use serde::Serialize;
use serde_json::value::RawValue;
use tributary_fvm::trace::{AccountState, StateTrace};
use tributary_primitives::{EthAddress, Hash32};

use crate::error::RpcRejected;
use crate::methods::to_json;

type Accounts = BTreeMap<EthAddress, Account>;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    #[serde(skip_serializing_if = "Option::is_none")]
    balance: Option<U256>,
    #[serde(skip_serializing_if = "is_empty")]
    code: Bytes,
    #[serde(skip_serializing_if = "Option::is_none")]
    code_hash: Option<Hash32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    storage: BTreeMap<B256, B256>,
}

#[derive(Debug, Serialize)]
struct Difference {
    post: Accounts,
    pre: Accounts,
}

pub(super) fn shown(states: &StateTrace) -> Result<Box<RawValue>, RpcRejected> {
    let pre = all(&states.before);
    match &states.after {
        Some(after) => to_json(&Difference { post: all(after), pre }),
        None => to_json(&pre),
    }
}

fn all(accounts: &BTreeMap<EthAddress, AccountState>) -> Accounts {
    accounts.iter().map(|(address, account)| (*address, of(account))).collect()
}

fn is_empty(bytes: &[u8]) -> bool {
    bytes.is_empty()
}

fn of(account: &AccountState) -> Account {
    Account {
        balance: account.balance,
        code: account.code.clone(),
        code_hash: account.code_hash,
        nonce: account.nonce.filter(|nonce| *nonce != 0),
        storage: account.storage.iter().map(|(slot, value)| (B256::from(*slot), B256::from(*value))).collect(),
    }
}
