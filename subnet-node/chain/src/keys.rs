//! The keys validators vote with: ed25519, checked by ZIP-215's rules as Tendermint does.
//!
//! A validator's address is the first 20 bytes of SHA-256 of its public key.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_consensus::{Signature, SigningKey, VerificationKey};
use sha2::{Digest, Sha256};

/// A validator's secret. One key signs in one process at a time, or it will be caught signing twice.
///
/// Never printed.
#[derive(Clone)]
pub struct ConsensusKey(SigningKey);

impl ConsensusKey {
    /// The key grown from a 32-byte seed (RFC 8032's private key).
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from(seed))
    }

    /// The half that everyone may know.
    #[must_use]
    pub fn public_key(&self) -> ConsensusPublicKey {
        ConsensusPublicKey(self.0.verification_key())
    }

    /// Signs `message`. Deterministic. Cost: about 20 µs.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> ConsensusSignature {
        ConsensusSignature(self.0.sign(message).to_bytes())
    }
}

impl fmt::Debug for ConsensusKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConsensusKey(of {})", self.public_key().address())
    }
}

/// A point that is known to be a usable ed25519 key.
#[derive(Copy, Clone, PartialEq, Eq)]
pub struct ConsensusPublicKey(VerificationKey);

/// Bytes that are no ed25519 public key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is no ed25519 public key", hex::encode(.0))]
pub struct PublicKeyRejected(pub Vec<u8>);

impl ConsensusPublicKey {
    /// Reads 32 bytes as a key. Cost: one point decompression.
    ///
    /// # Errors
    /// [`PublicKeyRejected`] for bytes of another length or off the curve.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PublicKeyRejected> {
        VerificationKey::try_from(bytes).map(Self).map_err(|_| PublicKeyRejected(bytes.to_vec()))
    }

    /// The compressed point.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The first 20 bytes of SHA-256 of the key.
    ///
    /// Source: CometBFT `crypto/ed25519`, `PubKey.Address`.
    #[must_use]
    pub fn address(&self) -> ValidatorAddress {
        let digest: [u8; 32] = Sha256::digest(self.as_bytes()).into();
        let (address, _) = digest.split_first_chunk().expect("20 of 32 bytes");
        ValidatorAddress(*address)
    }

    /// Whether the holder of this key's secret signed `message`. Cost: about 50 µs.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &ConsensusSignature) -> bool {
        self.0.verify(&Signature::from(signature.0), message).is_ok()
    }

    pub(crate) fn to_tendermint(self) -> tendermint::PublicKey {
        tendermint::PublicKey::from_raw_ed25519(self.as_bytes()).expect("checked when it was read")
    }
}

impl fmt::Display for ConsensusPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.as_bytes()))
    }
}

impl fmt::Debug for ConsensusPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What names a validator in headers and votes. In text 40 upper-case hex digits, as Tendermint prints it.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct ValidatorAddress(pub [u8; 20]);

impl ValidatorAddress {
    pub(crate) fn to_tendermint(self) -> tendermint::account::Id {
        tendermint::account::Id::new(self.0)
    }
}

impl From<tendermint::account::Id> for ValidatorAddress {
    fn from(id: tendermint::account::Id) -> Self {
        Self(id.as_bytes().try_into().expect("an account id is 20 bytes"))
    }
}

impl fmt::Display for ValidatorAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(self.0))
    }
}

impl fmt::Debug for ValidatorAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// 64 bytes that may or may not verify.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct ConsensusSignature(pub [u8; 64]);

impl ConsensusSignature {
    /// Reads 64 bytes; `None` for another length.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Debug for ConsensusSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", hex::encode(&self.0[..8]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, section 7.1, test 1.
    #[test]
    fn a_key_and_its_address_are_pinned() {
        let seed = hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        let key = ConsensusKey::from_seed(seed.try_into().unwrap());
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(key.public_key().to_string(), public);
        let tendermint = tendermint::account::Id::from(key.public_key().to_tendermint());
        assert_eq!(key.public_key().address(), tendermint.into());
        assert_eq!(key.public_key().address().to_string(), tendermint.to_string());
        assert!(!format!("{key:?}").contains("9d61"), "a secret is never printed");
    }

    #[test]
    fn a_signature_verifies_for_its_message_and_key_alone() {
        let (key, other) = (ConsensusKey::from_seed([1; 32]), ConsensusKey::from_seed([2; 32]));
        let signature = key.sign(b"block");
        assert!(key.public_key().verifies(b"block", &signature));
        assert!(!key.public_key().verifies(b"blocks", &signature));
        assert!(!other.public_key().verifies(b"block", &signature));
    }

    #[test]
    fn bytes_off_the_curve_or_of_another_length_are_no_key() {
        let off_the_curve =
            [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for bytes in [&off_the_curve[..], &[1; 31], &[1; 33], &[]] {
            assert_eq!(ConsensusPublicKey::from_bytes(bytes), Err(PublicKeyRejected(bytes.to_vec())));
        }
    }
}
