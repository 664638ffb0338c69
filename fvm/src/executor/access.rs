//! What a transaction should pay for ahead: the accounts and slots that it reaches (EIP-2930).
//!
//! ```text
//! list so far ─▶ call with it ─▶ what it reached ─▶ anything new?  no ─▶ the list, and what the call does with it
//!      ▲                                                  │ yes
//!      └────────────────────── both ◀─────────────────────┘
//! ```
//!
//! A list changes what gas there is, and a contract may go by that, so the list is run until it is complete. What is warm in every
//! transaction is listed for its slots alone: the sender, the receiver and its delegate, who signed an authorization (EIP-7702), and
//! Ethereum's precompiled contracts. What actors reach below a contract is listed too.
//!
//! Source: go-ethereum, `eth_createAccessList`.

use std::collections::BTreeSet;

use revm::primitives::U256;
use tributary_primitives::{EthAddress, Hash32};

use super::view::View;
use crate::call::{Accessed, AccessedAccount, CallOutcome, EthereumCall};
use crate::evm::{self, evm_address};
use crate::journal::{Accesses, Journal};

/// Most runs of a call; a call that reaches something else each time gets what was found by then. Ordinary calls take two.
const RUNS_MAX: usize = 16;

/// Completes the call's list, whose runs are `run`.
pub(super) fn complete<E>(
    call: &EthereumCall,
    mut run: impl FnMut(&EthereumCall) -> Result<(CallOutcome, Accesses), E>,
) -> Result<Accessed, E> {
    let (mut known, mut runs) = (accesses_of(&call.access_list), 0);
    loop {
        runs += 1;
        let with_list = EthereumCall { access_list: list_of(&known), ..call.clone() };
        let (outcome, reached) = run(&with_list)?;
        let before = (known.len(), slots(&known));
        for (account, slots) in reached {
            known.entry(account).or_default().extend(slots);
        }
        if before == (known.len(), slots(&known)) || runs == RUNS_MAX {
            return Ok(Accessed { list: with_list.access_list, outcome });
        }
    }
}

/// What a list would save gas for, of all that the call reached.
pub(super) fn noted(journal: &Journal<View>, call: &EthereumCall, chain_id: u64) -> Accesses {
    let from = evm_address(call.from);
    let to = call.to.map(evm_address);
    let delegate = to.and_then(|to| journal.delegate(to));
    let authorities = evm::authorities(call, chain_id);
    let is_warm = |account| {
        account == from
            || Some(account) == to
            || Some(account) == delegate
            || authorities.contains(&account)
            || evm::is_ethereums(EthAddress(account.0.0))
    };
    let mut accessed = journal.accessed();
    accessed.retain(|account, slots| !slots.is_empty() || !is_warm(*account));
    accessed
}

fn slots(accesses: &Accesses) -> usize {
    accesses.values().map(BTreeSet::len).sum()
}

fn accesses_of(list: &[AccessedAccount]) -> Accesses {
    let mut accesses = Accesses::default();
    for AccessedAccount { address, slots } in list {
        let slots = slots.iter().map(|slot| U256::from_be_bytes(slot.0));
        accesses.entry(evm_address(*address)).or_default().extend(slots);
    }
    accesses
}

fn list_of(accesses: &Accesses) -> Vec<AccessedAccount> {
    let accounts = accesses.iter().map(|(address, slots)| AccessedAccount {
        address: EthAddress(address.0.0),
        slots: slots.iter().map(|slot| Hash32(slot.to_be_bytes())).collect(),
    });
    accounts.collect()
}
