//! Precompiled contracts that a question wants elsewhere, or not at all. A block finds all of them in their places.
//!
//! | account that is otherwise | calls of it | calls of where it is moved |
//! |---|---|---|
//! | a precompiled contract | what code the account has, or none | |
//! | the same, moved | the same | the precompiled contract |
//!
//! What is warm from the start stays so. Where a precompiled contract is moved on another's place, that one is gone.
//!
//! Source: go-ethereum, `internal/ethapi/override`, `StateOverride.Apply`.

use std::collections::BTreeMap;
use std::sync::Arc;

use revm::primitives::Address;

use super::{evm_address, is_precompiled};
use crate::overrides::{AccountOverrides, OverridesRejected};

/// By address, whose precompiled contract answers there; `None` where one did and does no more.
#[derive(Debug)]
pub(crate) struct MovedPrecompiles(BTreeMap<Address, Option<Address>>);

impl MovedPrecompiles {
    /// As these accounts are wanted; `None` where all stay in their places. Cost: a look at each account.
    pub(crate) fn of(accounts: &AccountOverrides) -> Result<Option<Arc<Self>>, OverridesRejected> {
        let mut moved = BTreeMap::new();
        for (account, wanted) in accounts {
            let is_precompiled = is_precompiled(*account);
            if let Some(to) = wanted.precompile_to {
                if !is_precompiled {
                    return Err(OverridesRejected::NoPrecompile(*account));
                }
                if accounts.contains_key(&to) {
                    return Err(OverridesRejected::Taken(to));
                }
                moved.insert(evm_address(to), Some(evm_address(*account)));
            }
            if is_precompiled {
                moved.insert(evm_address(*account), None);
            }
        }
        Ok((!moved.is_empty()).then(|| Arc::new(Self(moved))))
    }

    /// Whose precompiled contract answers at `address`, if there is one; itself where nothing was moved.
    pub(crate) fn answering(&self, address: Address) -> Option<Address> {
        self.0.get(&address).copied().unwrap_or(Some(address))
    }
}
