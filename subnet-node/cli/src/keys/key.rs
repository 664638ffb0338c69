//! A secret key of either kind, and the accounts that are its.
//!
//! | kind | accounts | signs |
//! |---|---|---|
//! | `secp256k1` | Ethereum (`0x…`, which is `f410f…`), and Filecoin (`f1…`) | Ethereum transactions and FVM messages |
//! | `bls` | Filecoin (`f3…`) | FVM messages |
//!
//! The 32 bytes of a BLS key are written as Filecoin's tools write them, the lowest first; those of a secp256k1 key the highest first, as
//! everybody does. Source: filecoin-project, `bls-signatures`, `PrivateKey::as_bytes`.

use std::fmt;

use clap::ValueEnum;
use fvm_shared::address::Address;
use tributary_crypto::{BlsSecretKey, SecpSecretKey, SecretKeyRejected};
use tributary_primitives::{EthAddress, parse_address};
use zeroize::Zeroizing;

/// Bytes of a secret key of either kind.
pub const SECRET_BYTES: usize = 32;

/// A secret as it is written, wiped when it is not needed any more.
pub type Secret = Zeroizing<[u8; SECRET_BYTES]>;

/// What a key signs by.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub enum KeyKind {
    /// Two accounts: Ethereum's (0x…, which is f410…) and Filecoin's f1…
    #[value(name = "secp256k1")]
    Secp256k1,
    /// One account, Filecoin's f3…, which sends FVM messages and no Ethereum transactions
    Bls,
}

impl KeyKind {
    /// Its word, in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Secp256k1 => "secp256k1",
            Self::Bls => "bls",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Secp256k1, Self::Bls].into_iter().find(|kind| kind.name() == word)
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A secret key. Never printed.
#[derive(Clone, Debug)]
pub enum Key {
    /// Of an Ethereum account and an f1.
    Secp256k1(SecpSecretKey),
    /// Of an f3.
    Bls(BlsSecretKey),
}

impl Key {
    /// A fresh one, from the operating system's randomness.
    #[must_use]
    pub fn generate(kind: KeyKind) -> Self {
        match kind {
            KeyKind::Secp256k1 => Self::Secp256k1(SecpSecretKey::generate()),
            KeyKind::Bls => Self::Bls(BlsSecretKey::generate()),
        }
    }

    /// The key of this kind that is written so.
    ///
    /// # Errors
    /// [`SecretKeyRejected`] for zero or a number past the group's order.
    pub fn from_bytes(kind: KeyKind, bytes: &[u8; SECRET_BYTES]) -> Result<Self, SecretKeyRejected> {
        match kind {
            KeyKind::Secp256k1 => SecpSecretKey::from_bytes(bytes).map(Self::Secp256k1),
            KeyKind::Bls => BlsSecretKey::from_bytes(&reversed(bytes)).map(Self::Bls),
        }
    }

    /// How it is written.
    #[must_use]
    pub fn to_bytes(&self) -> Secret {
        match self {
            Self::Secp256k1(key) => Zeroizing::new(key.to_bytes()),
            Self::Bls(key) => reversed(&Zeroizing::new(key.to_bytes())),
        }
    }

    /// What it signs by.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        match self {
            Self::Secp256k1(_) => KeyKind::Secp256k1,
            Self::Bls(_) => KeyKind::Bls,
        }
    }

    /// The accounts that it has. Cost: 100 µs.
    #[must_use]
    pub fn accounts(&self) -> Accounts {
        match self {
            Self::Secp256k1(key) => Accounts {
                ethereum: Some(key.eth_address()),
                f1: Some(key.f1_address().to_string()),
                ..Accounts::default()
            },
            Self::Bls(key) => Accounts { f3: Some(key.f3_address().to_string()), ..Accounts::default() },
        }
    }
}

fn reversed(bytes: &[u8; SECRET_BYTES]) -> Secret {
    let mut reversed = Zeroizing::new(*bytes);
    reversed.reverse();
    reversed
}

/// A key's accounts: those that it has, or those that its file names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// `0x…`, which is `f410f…`.
    pub ethereum: Option<EthAddress>,
    /// `f1…`; missing in files of other tools.
    pub f1: Option<String>,
    /// `f3…`.
    pub f3: Option<String>,
}

impl Accounts {
    /// Their addresses; the one that the key's name stands for is the first.
    #[must_use]
    pub fn addresses(&self) -> Vec<Address> {
        let ethereum = self.ethereum.map(|address| address.to_address());
        let filecoin = [&self.f1, &self.f3].into_iter().flatten().filter_map(|address| parse_address(address).ok());
        ethereum.into_iter().chain(filecoin).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_goes_by_its_word() {
        for kind in KeyKind::value_variants() {
            assert_eq!(kind.to_possible_value().unwrap().get_name(), kind.name());
            assert_eq!(KeyKind::named(kind.name()), Some(*kind));
        }
        assert_eq!(KeyKind::named("ed25519"), None);
    }

    #[test]
    fn a_key_is_written_as_it_is_read() {
        let written: [u8; SECRET_BYTES] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        for kind in [KeyKind::Secp256k1, KeyKind::Bls] {
            let key = Key::from_bytes(kind, &written).unwrap();
            assert_eq!((key.kind(), *key.to_bytes()), (kind, written));
            let made = Key::generate(kind);
            assert_eq!(made.accounts(), Key::from_bytes(kind, &made.to_bytes()).unwrap().accounts());
            assert!(Key::from_bytes(kind, &[0; SECRET_BYTES]).is_err());
        }
        // The highest byte of a BLS key is its last; 0xff there is past the group's order.
        let (mut within, mut past) = ([0xff; SECRET_BYTES], [0xff; SECRET_BYTES]);
        (within[31], past[0]) = (0, 0);
        assert!(Key::from_bytes(KeyKind::Bls, &within).is_ok() && Key::from_bytes(KeyKind::Bls, &past).is_err());
    }

    #[test]
    fn a_keys_name_stands_for_its_first_account() {
        let key = |kind| Key::from_bytes(kind, &[7; SECRET_BYTES]).unwrap().accounts();
        let (secp256k1, bls) = (key(KeyKind::Secp256k1), key(KeyKind::Bls));
        let spelled = |accounts: &Accounts| accounts.addresses().iter().map(Address::to_string).collect::<Vec<_>>();
        let ethereum = secp256k1.ethereum.unwrap().to_address().to_string();
        assert_eq!(spelled(&secp256k1), [ethereum, secp256k1.f1.clone().unwrap()]);
        assert_eq!(spelled(&bls), [bls.f3.clone().unwrap()]);
        assert_eq!((bls.ethereum, &bls.f1, &secp256k1.f3), (None, &None, &None));
        assert_eq!(Accounts::default().addresses(), []);
    }
}
