//! BLS12-381 as Filecoin uses it: keys in G1 (48 bytes), signatures in G2 (96 bytes).
//!
//! Every public key and signature is checked to be a point of the right subgroup before use, and the key at infinity is refused.
//! Bytes that are no point make a check answer `false`: to a judge a malformed signature and a wrong one are the same.
//!
//! Source: draft-irtf-cfrg-bls-signature-05; ciphersuite as in Filecoin's specification, "Signatures".

use std::collections::BTreeSet;
use std::fmt;

use blst::BLST_ERROR;
use blst::min_pk::{AggregateSignature, PublicKey, SecretKey, Signature};
use fvm_shared::address::Address;
use tributary_primitives::{BlsPublicKey, BlsSignature};

use crate::SecretKeyRejected;

/// The ciphersuite: no augmentation; possession of keys is proved apart.
const CIPHERSUITE: &[u8] = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_";

/// A validator's checkpoint key, or a user's. Never printed.
#[derive(Clone)]
pub struct BlsSecretKey(SecretKey);

impl BlsSecretKey {
    /// A fresh key from the operating system's randomness.
    #[must_use]
    pub fn generate() -> Self {
        Self(SecretKey::key_gen(&rand::random::<[u8; 32]>(), &[]).expect("32 bytes are enough key material"))
    }

    /// The key with these 32 big-endian bytes.
    ///
    /// # Errors
    /// [`SecretKeyRejected`] for zero or a number past the group's order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, SecretKeyRejected> {
        SecretKey::from_bytes(bytes).map(Self).map_err(|_| SecretKeyRejected { scheme: "BLS12-381" })
    }

    /// The key's 32 big-endian bytes, to be kept secret.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The key that verifies what this one signs. Cost: 100 µs.
    #[must_use]
    pub fn public_key(&self) -> BlsPublicKey {
        BlsPublicKey(self.0.sk_to_pk().compress())
    }

    /// The f3 address of this key. Cost: 100 µs.
    #[must_use]
    pub fn f3_address(&self) -> Address {
        Address::new_bls(&self.public_key().0).expect("48 bytes are a key's length")
    }

    /// Signs `message`. Cost: 260 µs.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> BlsSignature {
        BlsSignature(self.0.sign(message, CIPHERSUITE, &[]).compress())
    }

    /// Signs that this key's secret is held here; checked by [`possesses`].
    #[must_use]
    pub fn prove_possession(&self) -> BlsSignature {
        self.sign(&self.public_key().possession_message())
    }
}

impl fmt::Debug for BlsSecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlsSecretKey of {}", self.public_key())
    }
}

/// Whether the bytes are a public key: a point of the curve and of the right subgroup, and not the one at infinity. Cost: 40 µs.
#[must_use]
pub fn is_a_key(key: &BlsPublicKey) -> bool {
    parse_key(key).is_some()
}

/// Whether `key` signed `message`. Cost: 0.85 ms.
#[must_use]
pub fn verify(key: &BlsPublicKey, message: &[u8], signature: &BlsSignature) -> bool {
    let (Some(key), Some(signature)) = (parse_key(key), parse_signature(signature)) else { return false };
    is_success(signature.verify(false, message, CIPHERSUITE, &[], &key, false))
}

/// Whether the holder of `key` proved to hold its secret. Cost: 0.85 ms.
#[must_use]
pub fn possesses(key: &BlsPublicKey, proof: &BlsSignature) -> bool {
    verify(key, &key.possession_message(), proof)
}

/// Whether all of `keys` signed the one `message`: their sum is checked once. Cost: 0.85 ms, and 40 µs a key.
///
/// Sound only for keys whose possession was proved. Nobody's signature is no signature: no keys answer `false`.
///
/// Source: draft-irtf-cfrg-bls-signature-05, `FastAggregateVerify`.
#[must_use]
pub fn fast_aggregate_verify(keys: &[BlsPublicKey], message: &[u8], signature: &BlsSignature) -> bool {
    let Some(signature) = parse_signature(signature) else { return false };
    let Some(keys) = keys.iter().map(parse_key).collect::<Option<Vec<_>>>() else { return false };
    let keys: Vec<_> = keys.iter().collect();
    !keys.is_empty() && is_success(signature.fast_aggregate_verify(false, message, CIPHERSUITE, &keys))
}

/// Whether each of `keys` signed its own of `messages`, which must all differ. Cost: 0.4 ms, and 0.3 ms a key.
///
/// As the FVM's `verify_bls_aggregate`: no keys at all answer `true`, two equal messages `false`.
#[must_use]
pub fn verify_aggregate(keys: &[BlsPublicKey], messages: &[&[u8]], signature: &BlsSignature) -> bool {
    if keys.len() != messages.len() || messages.iter().collect::<BTreeSet<_>>().len() != messages.len() {
        return false;
    }
    if keys.is_empty() {
        return true;
    }
    let Some(signature) = parse_signature(signature) else { return false };
    let Some(keys) = keys.iter().map(parse_key).collect::<Option<Vec<_>>>() else { return false };
    let keys: Vec<_> = keys.iter().collect();
    is_success(signature.aggregate_verify(false, messages, CIPHERSUITE, &keys, false))
}

/// The sum of `signatures`; `None` for none, or when one of them is no signature. Cost: 37 µs each.
#[must_use]
pub fn aggregate(signatures: &[BlsSignature]) -> Option<BlsSignature> {
    let signatures = signatures.iter().map(parse_signature).collect::<Option<Vec<_>>>()?;
    let signatures: Vec<_> = signatures.iter().collect();
    let sum = AggregateSignature::aggregate(&signatures, false).ok()?;
    Some(BlsSignature(sum.to_signature().compress()))
}

fn parse_key(key: &BlsPublicKey) -> Option<PublicKey> {
    PublicKey::key_validate(&key.0).ok()
}

fn parse_signature(signature: &BlsSignature) -> Option<Signature> {
    Signature::sig_validate(&signature.0, false).ok()
}

fn is_success(outcome: BLST_ERROR) -> bool {
    outcome == BLST_ERROR::BLST_SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Vec<BlsSecretKey> {
        (1..=3u8).map(|seed| BlsSecretKey::from_bytes(&[seed; 32]).unwrap()).collect()
    }

    #[test]
    fn one_signature_of_all_verifies_and_fails_without_one_of_them() {
        let keys = keys();
        let public: Vec<_> = keys.iter().map(BlsSecretKey::public_key).collect();
        let signatures: Vec<_> = keys.iter().map(|key| key.sign(b"checkpoint")).collect();
        let all = aggregate(&signatures).unwrap();
        assert!(fast_aggregate_verify(&public, b"checkpoint", &all));
        assert!(!fast_aggregate_verify(&public[..2], b"checkpoint", &all), "a key is missing");
        assert!(!fast_aggregate_verify(&public, b"another", &all), "another message");
        assert!(!fast_aggregate_verify(&[], b"checkpoint", &all), "nobody");
        assert!(
            !fast_aggregate_verify(&public, b"checkpoint", &aggregate(&signatures[..2]).unwrap()),
            "a signature is missing"
        );
    }

    #[test]
    fn an_aggregate_over_equal_messages_is_refused_as_the_fvm_refuses_it() {
        let keys = keys();
        let public: Vec<_> = keys.iter().map(BlsSecretKey::public_key).collect();
        let messages: [&[u8]; 3] = [b"a", b"b", b"c"];
        let sum = aggregate(&keys.iter().zip(messages).map(|(key, m)| key.sign(m)).collect::<Vec<_>>()).unwrap();
        assert!(verify_aggregate(&public, &messages, &sum));
        assert!(verify_aggregate(&[], &[], &sum), "no signers");
        let same: [&[u8]; 3] = [b"a"; 3];
        let sum = aggregate(&keys.iter().map(|key| key.sign(b"a")).collect::<Vec<_>>()).unwrap();
        assert!(!verify_aggregate(&public, &same, &sum));
    }

    #[test]
    fn bytes_that_are_no_point_verify_nothing() {
        let key = &keys()[0];
        let signature = key.sign(b"m");
        let mut infinity = [0; 48];
        infinity[0] = 0xc0;
        for bad in [BlsPublicKey([0; 48]), BlsPublicKey([0xff; 48]), BlsPublicKey(infinity)] {
            assert!(!verify(&bad, b"m", &signature), "{bad}");
            assert!(!is_a_key(&bad), "{bad}");
        }
        assert!(!verify(&key.public_key(), b"m", &BlsSignature([0; 96])));
        assert_eq!(aggregate(&[signature, BlsSignature([1; 96])]), None);
        assert_eq!(aggregate(&[]), None);
    }

    #[test]
    fn a_point_of_the_curve_is_a_key_in_the_right_subgroup_alone() {
        assert!(keys().iter().all(|key| is_a_key(&key.public_key())));
        // x = 4 is on the curve, and in a larger group than the keys'.
        let mut outside = [0; 48];
        (outside[0], outside[47]) = (0x80, 4);
        assert!(!is_a_key(&BlsPublicKey(outside)));
    }

    #[test]
    fn possession_is_proved_by_the_holder_alone() {
        let keys = keys();
        let proof = keys[0].prove_possession();
        assert!(possesses(&keys[0].public_key(), &proof));
        assert!(!possesses(&keys[1].public_key(), &proof));
        assert!(BlsSecretKey::from_bytes(&[0; 32]).is_err());
    }

    #[test]
    fn a_generated_key_comes_back_from_its_bytes() {
        let key = BlsSecretKey::generate();
        assert_eq!(BlsSecretKey::from_bytes(&key.to_bytes()).unwrap().public_key(), key.public_key());
    }
}
