//! A secret sealed by a password: Ethereum's keystore V3.
//!
//! ```text
//! password ─scrypt─▶ 32 bytes ─┬─ first 16: AES-128-CTR key ──▶ ciphertext of the secret
//!                              └─ last 16, with the ciphertext ─keccak-256─▶ mac: tells a wrong password
//! ```
//!
//! What other tools sealed by PBKDF2 opens too. `f1`, our own member beside the standard's, is passed over by others.
//!
//! A BLS key, which the standard does not know, is sealed in the same way, so that Ethereum's tools do not take it for one of theirs:
//!
//! | | secp256k1 | BLS |
//! |---|---|---|
//! | `kind` | left out | `bls` |
//! | addresses | `address`, `f1` | `f3` |
//! | what is sealed | the key's 32 bytes | a 2, and the key's 32 bytes: 33, which are no Ethereum key |
//!
//! | module | is |
//! |---|---|
//! | `crypto` | bytes sealed by a password |
//! | `kdf` | how the password becomes a key |
//! | `plain` | the bytes that are sealed of a key, by its kind |
//! | `rejected` | why a file is none, or does not open |
//! | `hex_text`, `id` | bytes in hex, and the file's random name |
//!
//! Source: Ethereum, "Web3 Secret Storage Definition", version 3.

mod crypto;
mod hex_text;
mod id;
mod kdf;
mod plain;
mod rejected;

pub use kdf::Cost;
pub use rejected::SealedRejected;

use serde::{Deserialize, Serialize};

use super::key::{Accounts, Key, KeyKind};
use crypto::Crypto;
use id::uuid;
use plain::{plain, read_plain};
use rejected::unsupported;

/// The only version there is.
const VERSION: u64 = 3;

/// A sealed key, as its file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    f1: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    f3: Option<String>,
    // Old files of go-ethereum's start it with a capital.
    #[serde(alias = "Crypto")]
    crypto: Crypto,
}

impl Sealed {
    /// Seals `key` by `password`. Cost: as `cost` says.
    #[must_use]
    pub fn seal(key: &Key, password: &[u8], cost: Cost) -> Self {
        let crypto = Crypto::seal(plain(key), password, cost);
        let kind = match key.kind() {
            KeyKind::Secp256k1 => None,
            KeyKind::Bls => Some(KeyKind::Bls.name().to_owned()),
        };
        let Accounts { ethereum, f1, f3 } = key.accounts();
        let address = ethereum.map(|address| hex::encode(address.0));
        Self { version: VERSION, id: Some(uuid()), kind, address, f1, f3, crypto }
    }

    /// The key, if the password is right and the file says of itself what is true.
    ///
    /// # Errors
    /// [`SealedRejected`].
    pub fn open(&self, password: &[u8]) -> Result<Key, SealedRejected> {
        let plain = self.crypto.open(password)?;
        let key = read_plain(self.kind(), &plain).ok_or(SealedRejected::NotAKey(self.kind()))?;
        self.check_addresses(&key)?;
        Ok(key)
    }

    /// A file that was changed must not make its owner believe that another's address is their own.
    fn check_addresses(&self, key: &Key) -> Result<(), SealedRejected> {
        let Accounts { ethereum, f1, f3 } = key.accounts();
        let says = self.address.as_ref().map(|address| format!("0x{}", bare(address).to_lowercase()));
        let ethereum = ethereum.map(|address| address.to_string());
        let pairs = [(says, ethereum), (self.f1.clone(), f1), (self.f3.clone(), f3)];
        let is_other = |says: &String, is: &Option<String>| Some(says) != is.as_ref();
        let other = pairs.into_iter().find_map(|(says, is)| Some((says.filter(|says| is_other(says, &is))?, is)));
        match other {
            Some((says, is)) => {
                let is = is.unwrap_or_else(|| format!("no such account, as a {} key", key.kind()));
                Err(SealedRejected::OtherAddress { says, is })
            }
            None => Ok(()),
        }
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// [`SealedRejected`]; whatever the text, it is never shown.
    pub fn from_json(text: &[u8]) -> Result<Self, SealedRejected> {
        // The parser's own message could quote the file.
        let sealed: Self = serde_json::from_slice(text)
            .map_err(|why| SealedRejected::Malformed(format!("line {}, column {}", why.line(), why.column())))?;
        if sealed.version != VERSION {
            return Err(unsupported("version", "must be 3"));
        }
        sealed.crypto.check_cipher()?;
        if sealed.kind.as_deref().is_some_and(|kind| KeyKind::named(kind).is_none()) {
            return Err(unsupported("kind", "must be secp256k1 or bls"));
        }
        Ok(sealed)
    }

    /// The file's text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("texts and numbers have a JSON form");
        text.push('\n');
        text
    }

    /// What kind of key it seals, as the file says.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind.as_deref().and_then(KeyKind::named).unwrap_or(KeyKind::Secp256k1)
    }

    /// The accounts that stand in the file.
    #[must_use]
    pub fn accounts(&self) -> Accounts {
        let ethereum = self.address.as_ref().and_then(|address| format!("0x{}", bare(address)).parse().ok());
        Accounts { ethereum, f1: self.f1.clone(), f3: self.f3.clone() }
    }
}

fn bare(address: &str) -> &str {
    address.strip_prefix("0x").unwrap_or(address)
}

#[cfg(test)]
mod tests;
