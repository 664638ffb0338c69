//! Accounts that a message's call is to find otherwise, by address of any kind; else as for an Ethereum call.
//!
//! | member | of whom | is |
//! |---|---|---|
//! | `balance`, `nonce` | everybody | as this namespace writes them |
//! | `code`, `slots` | contracts and Ethereum accounts | EVM bytecode; slots of its storage, all others as they are |
//! | `state`, `entries` | actors of installed code | the root block of its state, DAG-CBOR; entries, `null` for none, all others as they are |
//!
//! An address that nobody has stands for a new account if it is Ethereum's; no other can be made for a look.

use std::collections::BTreeMap;

use serde::Deserialize;
use tributary_fvm::{AccountOverride, AccountOverrides, StorageOverride};
use tributary_primitives::entry::ENTRY_KEY_BYTES_MAX;
use tributary_primitives::{EntryKey, EthAddress, Hash32, parse_address};

use super::parameter::Atto;
use crate::backend::StateView;
use crate::error::RpcRejected;
use crate::eth::{ACCOUNTS_MAX, CODE_BYTES_MAX, SLOTS_MAX};
use crate::hex_bytes::{HexBytes, Slot, parse};

/// Accounts by address.
#[derive(Debug, Default, Deserialize)]
pub struct MessageOverrides(BTreeMap<String, Account>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    balance: Option<Atto>,
    nonce: Option<u64>,
    code: Option<HexBytes>,
    #[serde(default)]
    slots: BTreeMap<Slot, Slot>,
    state: Option<HexBytes>,
    #[serde(default)]
    entries: BTreeMap<String, Option<HexBytes>>,
}

impl MessageOverrides {
    /// The accounts, in our words, as they are named in `state`; `position` is the parameter's.
    ///
    /// # Errors
    /// [`RpcRejected`] for too many, for what is no address or nobody's, and for one that is named twice.
    pub fn read(self, position: usize, state: &dyn StateView) -> Result<AccountOverrides, RpcRejected> {
        let kept = self.0.values().map(|account| account.slots.len() + account.entries.len()).sum::<usize>();
        if self.0.len() > ACCOUNTS_MAX {
            let accounts = self.0.len();
            return Err(RpcRejected::AboveLimit(format!(
                "{accounts} accounts are overridden; at most {ACCOUNTS_MAX} may be"
            )));
        }
        if kept > SLOTS_MAX {
            return Err(RpcRejected::AboveLimit(format!(
                "{kept} slots and entries are overridden; at most {SLOTS_MAX} may be"
            )));
        }
        let mut accounts = AccountOverrides::new();
        for (address, account) in self.0 {
            let name = name_of(&address, position, state)?;
            let account = account.read(&address, position)?;
            if accounts.insert(name, account).is_some() {
                let reason = format!("{address} is an account that is overridden under another address too");
                return Err(RpcRejected::argument(position, reason));
            }
        }
        Ok(accounts)
    }
}

/// How Ethereum names who has this address.
fn name_of(address: &str, position: usize, state: &dyn StateView) -> Result<EthAddress, RpcRejected> {
    let address = parse_address(address).map_err(|why| RpcRejected::argument(position, why))?;
    match state.actor(&address)? {
        Some(actor) => {
            let own = actor.delegated.as_ref().and_then(EthAddress::from_address);
            Ok(own.unwrap_or_else(|| EthAddress::from_actor_id(actor.id)))
        }
        None => EthAddress::from_address(&address).ok_or_else(|| {
            let reason =
                format!("nobody has the address {address}, and only an Ethereum account can be made for a call");
            RpcRejected::argument(position, reason)
        }),
    }
}

impl Account {
    fn read(self, address: &str, position: usize) -> Result<AccountOverride, RpcRejected> {
        let code_bytes = self.code.as_ref().map_or(0, |code| code.0.len());
        if code_bytes > CODE_BYTES_MAX {
            return Err(RpcRejected::AboveLimit(format!(
                "account {address}: code of {code_bytes} bytes; at most {CODE_BYTES_MAX} are taken"
            )));
        }
        let key = |text: &str| {
            let bytes = parse(text).map_err(|why| RpcRejected::argument(position, why))?;
            let wrong = || format!("a key has 1 to {ENTRY_KEY_BYTES_MAX} bytes, not {}", bytes.len());
            EntryKey::new(&bytes).ok_or_else(|| RpcRejected::argument(position, wrong()))
        };
        let entries = self.entries.into_iter().map(|(name, value)| Ok((key(&name)?, value.map(|value| value.0))));
        let entries = entries.collect::<Result<_, RpcRejected>>()?;
        let storage = match self.slots.is_empty() {
            true => StorageOverride::Kept,
            false => {
                let slots = self.slots.into_iter().map(|(slot, value)| (Hash32(slot.0), Hash32(value.0)));
                StorageOverride::With(slots.collect())
            }
        };
        Ok(AccountOverride {
            balance: self.balance.map(|balance| balance.0),
            nonce: self.nonce,
            code: self.code.map(|code| code.0),
            storage,
            state: self.state.map(|state| state.0),
            precompile_to: None,
            entries,
        })
    }
}
