//! secp256k1 with public key recovery: how users sign.
//!
//! A signature is 65 bytes: r, s (32 each, big-endian) and the recovery id (0 or 1; 2 and 3 are possible but astronomically rare).

use std::fmt;
use std::sync::LazyLock;

use fvm_shared::address::Address;
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{All, Message, PublicKey, Secp256k1, SecretKey};
use tributary_primitives::EthAddress;

use crate::SecretKeyRejected;

/// The library's precomputed tables, made once: 1 ms.
static CONTEXT: LazyLock<Secp256k1<All>> = LazyLock::new(Secp256k1::new);

/// Keccak-256, by which Ethereum names accounts.
fn keccak(bytes: &[u8]) -> [u8; 32] {
    use multihash_codetable::{Code, MultihashDigest};
    Code::Keccak256.digest(bytes).digest().try_into().expect("keccak-256 gives 32 bytes")
}

/// A user's key. Never printed.
#[derive(Clone)]
pub struct SecpSecretKey(SecretKey);

impl SecpSecretKey {
    /// A fresh key from the operating system's randomness.
    #[must_use]
    pub fn generate() -> Self {
        loop {
            // A draw outside the group's order has a chance below 2^-127.
            if let Ok(key) = Self::from_bytes(&rand::random()) {
                return key;
            }
        }
    }

    /// The key with these 32 big-endian bytes.
    ///
    /// # Errors
    /// [`SecretKeyRejected`] for zero or a number past the group's order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, SecretKeyRejected> {
        SecretKey::from_byte_array(*bytes).map(Self).map_err(|_| SecretKeyRejected { scheme: "secp256k1" })
    }

    /// The key's 32 big-endian bytes, to be kept secret.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.secret_bytes()
    }

    /// The uncompressed public key: 0x04, x, y.
    #[must_use]
    pub fn public_key(&self) -> [u8; 65] {
        PublicKey::from_secret_key(&CONTEXT, &self.0).serialize_uncompressed()
    }

    /// The Ethereum address of this key.
    #[must_use]
    pub fn eth_address(&self) -> EthAddress {
        eth_address(&self.public_key())
    }

    /// The f1 address of this key.
    #[must_use]
    pub fn f1_address(&self) -> Address {
        f1_address(&self.public_key())
    }

    /// Signs a 32-byte digest. Deterministic (RFC 6979), s in the lower half. Cost: 16 µs.
    #[must_use]
    pub fn sign(&self, digest: [u8; 32]) -> [u8; 65] {
        let (recovery, compact) =
            CONTEXT.sign_ecdsa_recoverable(Message::from_digest(digest), &self.0).serialize_compact();
        let mut signature = [0; 65];
        signature[..64].copy_from_slice(&compact);
        signature[64] = u8::try_from(i32::from(recovery)).expect("a recovery id is 0 to 3");
        signature
    }
}

impl fmt::Debug for SecpSecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecpSecretKey of {}", self.eth_address())
    }
}

/// The uncompressed public key that made `signature` over `digest`; `None` if none did. Cost: 26 µs.
#[must_use]
pub fn recover(digest: [u8; 32], signature: &[u8; 65]) -> Option<[u8; 65]> {
    let (recovery, compact) = signature.split_last()?;
    let recovery = RecoveryId::try_from(i32::from(*recovery)).ok()?;
    let signature = RecoverableSignature::from_compact(compact, recovery).ok()?;
    let key = CONTEXT.recover_ecdsa(Message::from_digest(digest), &signature).ok()?;
    Some(key.serialize_uncompressed())
}

/// Half of the group's order, rounded down. Source: SEC 2, secp256k1.
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x5d, 0x57, 0x6e,
    0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];

/// Whether s is in the lower half (EIP-2). Anyone can turn a signature into its mirror image, with `-s`, which holds as well: where a
/// signature's bytes name something, only one of the two may do.
#[must_use]
pub fn is_low_s(signature: &[u8; 65]) -> bool {
    signature[32..64] <= HALF_ORDER[..]
}

/// The Ethereum address of an uncompressed public key: the last 20 bytes of its keccak-256.
#[must_use]
pub fn eth_address(public_key: &[u8; 65]) -> EthAddress {
    let hash = keccak(&public_key[1..]);
    let mut address = [0; 20];
    address.copy_from_slice(&hash[12..]);
    EthAddress(address)
}

/// The f1 address of an uncompressed public key.
#[must_use]
pub fn f1_address(public_key: &[u8; 65]) -> Address {
    Address::new_secp256k1(public_key).expect("65 bytes are a key's length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signer_is_recovered_and_no_one_else() {
        let key = SecpSecretKey::from_bytes(&[7; 32]).unwrap();
        let signature = key.sign([1; 32]);
        assert_eq!(recover([1; 32], &signature), Some(key.public_key()));
        assert_ne!(recover([2; 32], &signature), Some(key.public_key()));
        let mut bad = signature;
        bad[64] = 4;
        assert_eq!(recover([1; 32], &bad), None, "no such recovery id");
        assert_eq!(recover([1; 32], &[0; 65]), None, "r and s of zero");
    }

    #[test]
    fn the_lower_half_ends_at_half_of_the_order() {
        let with = |s: [u8; 32]| {
            let mut signature = [1; 65];
            signature[32..64].copy_from_slice(&s);
            is_low_s(&signature)
        };
        let mut above = HALF_ORDER;
        above[31] += 1;
        assert!(with(HALF_ORDER) && with([0; 32]) && !with(above) && !with([0xff; 32]));
        for seed in 1..20 {
            assert!(is_low_s(&SecpSecretKey::from_bytes(&[seed; 32]).unwrap().sign([seed; 32])));
        }
    }

    #[test]
    fn a_key_has_the_address_ethereum_gives_it() {
        // The first account of the mnemonic "test test … junk", known to every Ethereum developer.
        let secret =
            tributary_primitives::hash::parse_hex("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
        let key = SecpSecretKey::from_bytes(&secret.unwrap()).unwrap();
        assert_eq!(key.eth_address().to_string(), "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266");
    }

    #[test]
    fn no_key_is_made_from_zero_or_past_the_order() {
        assert!(SecpSecretKey::from_bytes(&[0; 32]).is_err());
        assert!(SecpSecretKey::from_bytes(&[0xff; 32]).is_err());
        let key = SecpSecretKey::generate();
        assert_eq!(SecpSecretKey::from_bytes(&key.to_bytes()).unwrap().public_key(), key.public_key());
    }
}
