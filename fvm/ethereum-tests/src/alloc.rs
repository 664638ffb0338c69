//! Accounts as Ethereum has them, and their Merkle Patricia root.
//!
//! Our own root is of IPLD and never what a test expects; so both sides of a comparison are brought to this form first.
//!
//! Sources: Yellow Paper, appendix D (the trie) and section 4.1 (an account's leaf); EIP-161 (an empty account is none).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use alloy_primitives::{Address, B256, Bytes, Log, U256, keccak256};
use alloy_trie::TrieAccount;
use alloy_trie::root::{state_root_unhashed, storage_root_unhashed};

/// One account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// In wei here, in attoTRB there.
    pub balance: U256,
    /// Transactions it sent; of a contract, contracts it made and one.
    pub nonce: u64,
    /// Its code, or its delegation (EIP-7702).
    pub code: Bytes,
    /// Slots that are not zero.
    pub storage: BTreeMap<U256, U256>,
}

impl Account {
    /// Whether Ethereum keeps no such account (EIP-161).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.balance.is_zero() && self.nonce == 0 && self.code.is_empty()
    }

    fn leaf(&self) -> TrieAccount {
        let storage = self.storage.iter().filter(|(_, value)| !value.is_zero());
        TrieAccount {
            nonce: self.nonce,
            balance: self.balance,
            storage_root: storage_root_unhashed(storage.map(|(slot, value)| (B256::from(*slot), *value))),
            code_hash: keccak256(&self.code),
        }
    }
}

/// All accounts of a state, none of them empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alloc(pub BTreeMap<Address, Account>);

impl Alloc {
    /// The Merkle Patricia root. Cost: two hashes an account and one a slot, and the trie's nodes.
    #[must_use]
    pub fn root(&self) -> B256 {
        state_root_unhashed(self.0.iter().map(|(address, account)| (*address, account.leaf())))
    }

    /// Where `self` first differs from `expected`, in the order of addresses; `None` when it does not.
    #[must_use]
    pub fn difference(&self, expected: &Self) -> Option<Difference> {
        let addresses: BTreeSet<_> = self.0.keys().chain(expected.0.keys()).collect();
        addresses.into_iter().find_map(|address| {
            let (field, is, should_be) = match (self.0.get(address), expected.0.get(address)) {
                (Some(is), Some(should_be)) => field(is, should_be)?,
                (Some(is), None) => ("account".to_owned(), format!("{is:?}"), "none".to_owned()),
                (None, Some(should_be)) => ("account".to_owned(), "none".to_owned(), format!("{should_be:?}")),
                (None, None) => return None,
            };
            Some(Difference { address: *address, field, is, should_be })
        })
    }
}

/// The first field in which two accounts differ.
fn field(is: &Account, should_be: &Account) -> Option<(String, String, String)> {
    let of = |name: &str, is: String, should_be: String| (is != should_be).then(|| (name.to_owned(), is, should_be));
    let slots: BTreeSet<_> = is.storage.keys().chain(should_be.storage.keys()).collect();
    let value =
        |account: &Account, slot: &U256| format!("{:#x}", account.storage.get(slot).copied().unwrap_or_default());
    of("balance", is.balance.to_string(), should_be.balance.to_string())
        .or_else(|| of("nonce", is.nonce.to_string(), should_be.nonce.to_string()))
        .or_else(|| of("code", is.code.to_string(), should_be.code.to_string()))
        .or_else(|| {
            slots.into_iter().find_map(|slot| of(&format!("slot {slot:#x}"), value(is, slot), value(should_be, slot)))
        })
}

/// One field of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Whose.
    pub address: Address,
    /// Which.
    pub field: String,
    /// What it is.
    pub is: String,
    /// What it should be.
    pub should_be: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} is {}, should be {}", self.address, self.field, self.is, self.should_be)
    }
}

/// What a transaction left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The state after it.
    pub alloc: Alloc,
    /// The state's Merkle Patricia root.
    pub root: B256,
    /// keccak-256 of the RLP of its logs.
    pub logs: B256,
    /// Why it did not run, if it did not.
    pub refusal: Option<String>,
}

impl Outcome {
    /// What follows from the state and the logs.
    #[must_use]
    pub fn new(alloc: Alloc, logs: &[Log], refusal: Option<String>) -> Self {
        let mut rlp = Vec::new();
        alloy_rlp::encode_list(logs, &mut rlp);
        Self { root: alloc.root(), alloc, logs: keccak256(rlp), refusal }
    }

    /// Whether both left the same state and the same logs.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        (self.root, self.logs) == (other.root, other.logs)
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{address, b256};

    use super::*;

    fn rich() -> Account {
        Account {
            balance: U256::from(10),
            nonce: 1,
            code: Bytes::from_static(&[0]),
            storage: BTreeMap::from([(U256::from(1), U256::from(2))]),
        }
    }

    #[test]
    fn nothing_has_the_root_and_the_logs_hash_that_every_client_knows() {
        let nothing = Outcome::new(Alloc::default(), &[], None);
        assert_eq!(nothing.root, b256!("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"));
        assert_eq!(nothing.logs, b256!("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"));
    }

    #[test]
    fn the_first_difference_names_account_and_field() {
        let address = address!("00000000000000000000000000000000000000aa");
        let should_be = Alloc(BTreeMap::from([(address, rich())]));
        for (is, field) in [
            (Account { balance: U256::ZERO, ..rich() }, "balance is 0, should be 10"),
            (Account { nonce: 2, ..rich() }, "nonce is 2, should be 1"),
            (Account { code: Bytes::new(), ..rich() }, "code is 0x, should be 0x00"),
            (Account { storage: BTreeMap::new(), ..rich() }, "slot 0x1 is 0x0, should be 0x2"),
        ] {
            let is = Alloc(BTreeMap::from([(address, is)]));
            assert_ne!(is.root(), should_be.root(), "{field}");
            let difference = is.difference(&should_be).unwrap().to_string();
            assert!(difference.ends_with(field), "{difference}");
        }
        assert_eq!(should_be.difference(&should_be), None);
        assert!(Alloc::default().difference(&should_be).unwrap().to_string().contains("account is none"));
    }
}
