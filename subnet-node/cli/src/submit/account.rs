//! Which of a key's accounts sends, and what signs for it.
//!
//! | `--as` | key | account | transaction | reaches |
//! |---|---|---|---|---|
//! | `ethereum` | secp256k1 | Ethereum (`0x…`, `f410…`) | EIP-1559 | accounts, contracts, and by masked id whoever takes value |
//! | `f410` | secp256k1 | the same | FVM message | everybody: accounts that are not there yet, actors by method, contracts |
//! | `f1` | secp256k1 | Filecoin (`f1…`) | FVM message | the same |
//! | `f3` | BLS | Filecoin (`f3…`) | FVM message | the same |
//!
//! A BLS key has its f3 alone, and needs not be told so.

use clap::ValueEnum;
use fvm_shared::address::Address;
use fvm_shared::message::Message;
use tributary_crypto::{BlsSecretKey, SecpSecretKey};
use tributary_message::{FvmRejected, FvmTransaction};

use crate::keys::key::{Accounts, Key, KeyKind};
use crate::trouble::Trouble;

/// What a BLS key is refused with where another account is wanted.
const NO_ETHEREUM: &str = "a BLS key has no account but its f3, which sends FVM messages and signs no Ethereum transaction: leave out \
                           --as; or sign by a secp256k1 key, as `tributary keys create NAME` makes it";
/// The other way round.
const NO_F3: &str = "an f3 account is of a BLS key, and this is a secp256k1 key: leave out --as, or say --as f1; `tributary keys create \
                     NAME --kind bls` makes a BLS key";

/// Which of a key's accounts, and what it sends.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub enum Account {
    /// 0x…, which is f410…, by Ethereum transactions
    Ethereum,
    /// The same account, by FVM messages
    #[value(alias = "f4")]
    F410,
    /// f1…, by FVM messages
    F1,
    /// f3… of a BLS key, by FVM messages
    F3,
}

impl Account {
    /// The account that was `named`, or else the `usual` one, if a key of this kind has it; a BLS key's usual one is its only one.
    ///
    /// # Errors
    /// [`Trouble`] for an account that it does not have, with what to do.
    pub fn of(kind: KeyKind, named: Option<Self>, usual: Self) -> Result<Self, Trouble> {
        match (kind, named) {
            (KeyKind::Bls, None | Some(Self::F3)) => Ok(Self::F3),
            (KeyKind::Bls, Some(Self::Ethereum | Self::F410 | Self::F1)) => Err(Trouble::usage(NO_ETHEREUM)),
            (KeyKind::Secp256k1, Some(Self::F3)) => Err(Trouble::usage(NO_F3)),
            (KeyKind::Secp256k1, named) => Ok(named.unwrap_or(usual)),
        }
    }

    /// The address of this account of a key, as it is shown; `None` for one that it does not have.
    #[must_use]
    pub fn address(self, key: &Key) -> Option<String> {
        let Accounts { ethereum, f1, f3 } = key.accounts();
        match self {
            Self::Ethereum => ethereum.map(|address| address.to_string()),
            Self::F410 => ethereum.map(|address| address.to_address().to_string()),
            Self::F1 => f1,
            Self::F3 => f3,
        }
    }

    /// Who sends it, if it sends messages.
    #[must_use]
    pub const fn messenger(self) -> Option<Messenger> {
        match self {
            Self::Ethereum => None,
            Self::F410 => Some(Messenger::F410),
            Self::F1 => Some(Messenger::F1),
            Self::F3 => Some(Messenger::F3),
        }
    }
}

/// Which of a key's accounts sends a message.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Messenger {
    /// Its Ethereum account.
    F410,
    /// The Filecoin account of a secp256k1 key.
    F1,
    /// The Filecoin account of a BLS key.
    F3,
}

impl Messenger {
    /// The same, as `--as` names it.
    #[must_use]
    pub const fn account(self) -> Account {
        match self {
            Self::F410 => Account::F410,
            Self::F1 => Account::F1,
            Self::F3 => Account::F3,
        }
    }

    /// What signs for it.
    ///
    /// # Errors
    /// [`Trouble`] for a key that has no such account.
    pub fn pen(self, key: &Key) -> Result<Pen<'_>, Trouble> {
        match (self, key) {
            (Self::F410, Key::Secp256k1(key)) => Ok(Pen::F410(key)),
            (Self::F1, Key::Secp256k1(key)) => Ok(Pen::F1(key)),
            (Self::F3, Key::Bls(key)) => Ok(Pen::F3(key)),
            (Self::F410 | Self::F1, Key::Bls(_)) => Err(Trouble::usage(NO_ETHEREUM)),
            (Self::F3, Key::Secp256k1(_)) => Err(Trouble::usage(NO_F3)),
        }
    }
}

/// What signs Ethereum transactions.
///
/// # Errors
/// [`Trouble`] for a BLS key.
pub fn ethereum_key(key: &Key) -> Result<&SecpSecretKey, Trouble> {
    match key {
        Key::Secp256k1(key) => Ok(key),
        Key::Bls(_) => Err(Trouble::usage(NO_ETHEREUM)),
    }
}

/// A key, and the account that it signs messages for.
#[derive(Copy, Clone, Debug)]
pub enum Pen<'a> {
    /// As a wallet signs a text.
    F410(&'a SecpSecretKey),
    /// As Filecoin's secp256k1 keys do.
    F1(&'a SecpSecretKey),
    /// As Filecoin's BLS keys do.
    F3(&'a BlsSecretKey),
}

impl Pen<'_> {
    /// Who sends.
    #[must_use]
    pub fn address(self) -> Address {
        match self {
            Self::F410(key) => key.eth_address().to_address(),
            Self::F1(key) => key.f1_address(),
            Self::F3(key) => key.f3_address(),
        }
    }

    /// Signs `message` for the chain `chain_id`.
    ///
    /// # Errors
    /// [`FvmRejected`] for a field out of bounds.
    pub fn sign(self, message: Message, chain_id: u64) -> Result<FvmTransaction, FvmRejected> {
        match self {
            Self::F410(key) => FvmTransaction::sign_delegated(message, key, chain_id),
            Self::F1(key) => FvmTransaction::sign(message, key, chain_id),
            Self::F3(key) => FvmTransaction::sign_bls(message, key, chain_id),
        }
    }
}

#[cfg(test)]
mod tests {
    use fvm_ipld_encoding::RawBytes;
    use fvm_shared::econ::TokenAmount;

    use super::*;
    use crate::trouble::Kind;

    fn key(kind: KeyKind) -> Key {
        Key::from_bytes(kind, &[7; 32]).unwrap()
    }

    #[test]
    fn a_key_sends_from_its_own_accounts_and_is_told_so_for_another() {
        use KeyKind::{Bls, Secp256k1};
        for (kind, named, account) in [
            (Secp256k1, None, Account::F1),
            (Secp256k1, Some(Account::Ethereum), Account::Ethereum),
            (Secp256k1, Some(Account::F410), Account::F410),
            (Bls, None, Account::F3),
            (Bls, Some(Account::F3), Account::F3),
        ] {
            assert_eq!(Account::of(kind, named, Account::F1), Ok(account), "{kind} {named:?}");
            assert!(account.address(&key(kind)).is_some(), "{kind} {named:?}");
        }
        for (kind, named, says) in [
            (Secp256k1, Account::F3, "keys create NAME --kind bls"),
            (Bls, Account::Ethereum, "signs no Ethereum transaction"),
            (Bls, Account::F410, "leave out --as"),
            (Bls, Account::F1, "by a secp256k1 key"),
        ] {
            let refused = Account::of(kind, Some(named), Account::F1).unwrap_err();
            assert!(refused.kind == Kind::Usage && refused.message.contains(says), "{refused}");
            assert_eq!(named.address(&key(kind)), None);
        }
        assert_eq!(ethereum_key(&key(Bls)).unwrap_err().kind, Kind::Usage);
    }

    #[test]
    fn a_message_is_signed_as_its_senders_kind_wants_it_and_by_no_other_key() {
        let message = |from| Message {
            version: 0,
            from,
            to: Address::new_id(1),
            sequence: 0,
            value: TokenAmount::default(),
            method_num: 0,
            params: RawBytes::default(),
            gas_limit: 1,
            gas_fee_cap: TokenAmount::default(),
            gas_premium: TokenAmount::default(),
        };
        for (messenger, has, has_not) in [
            (Messenger::F410, KeyKind::Secp256k1, KeyKind::Bls),
            (Messenger::F1, KeyKind::Secp256k1, KeyKind::Bls),
            (Messenger::F3, KeyKind::Bls, KeyKind::Secp256k1),
        ] {
            assert!(messenger.pen(&key(has_not)).is_err(), "{messenger:?}");
            let key = key(has);
            let pen = messenger.pen(&key).unwrap();
            let signed = pen.sign(message(pen.address()), 7).unwrap();
            // Reading it verifies the signature.
            let read = FvmTransaction::decode(signed.raw(), 7).unwrap();
            assert_eq!(messenger.account().address(&key), Some(read.message().from.to_string()));
        }
    }
}
