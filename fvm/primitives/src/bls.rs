//! BLS12-381 keys and signatures as bytes. What they mean is checked on the host.
//!
//! Filecoin's choice of groups: public keys in G1 (48 bytes compressed), signatures in G2 (96 bytes compressed), ciphersuite
//! `BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_`. Source: draft-irtf-cfrg-bls-signature-05.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hash::{HexRejected, parse_hex, write_hex};

/// What a proof of possession signs, before the key itself.
const POSSESSION_DOMAIN: &[u8] = b"tributary/bls-possession/v1";

macro_rules! bytes_word {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = HexRejected;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse_hex(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                crate::hash::serialize(&self.0, serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::hash::deserialize(deserializer).map(Self)
            }
        }
    };
}

bytes_word! {
    /// A compressed G1 point: 48 bytes that may or may not be a key.
    BlsPublicKey, 48
}
bytes_word! {
    /// A compressed G2 point: 96 bytes that may or may not be a signature.
    BlsSignature, 96
}

impl BlsPublicKey {
    /// The message whose signature proves that the signer holds this key's secret.
    ///
    /// Without such a proof a validator could register a key made from the others' keys, and sign for all of them.
    ///
    /// Source: Ristenpart, Yilek, "The Power of Proofs-of-Possession", EUROCRYPT 2007.
    #[must_use]
    pub fn possession_message(&self) -> Vec<u8> {
        [POSSESSION_DOMAIN, &self.0].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_bytes_in_cbor_and_hex_in_text() {
        let key = BlsPublicKey([7; 48]);
        let cbor = fvm_ipld_encoding::to_vec(&key).unwrap();
        assert_eq!((cbor.len(), fvm_ipld_encoding::from_slice(&cbor).unwrap()), (50, key));
        assert_eq!(key.to_string().parse(), Ok(key));
    }
}
