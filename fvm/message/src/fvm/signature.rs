//! Who may sign a message, and how.
//!
//! | sender | type | signature | is over |
//! |---|---|---|---|
//! | f1, a secp256k1 key | 1 | r, s, recovery id: 65 bytes | blake2b-256 of the preimage |
//! | f3, a BLS key | 2 | a point of G2: 96 bytes | the preimage |
//! | f410, an Ethereum account | 3 | r, s, recovery id: 65 bytes | a text, by a wallet's `personal_sign` |
//! | any other | | | nobody: no key is behind it |
//!
//! The preimage is `tributary/message/v1`, the chain id (8 bytes, big-endian) and the bytes of the unsigned message's CID. The text
//! says the same to whoever reads it in a wallet; its three lines have no end of line after the last:
//!
//! ```text
//! Tributary message
//! chain id: 7
//! CID: bafy2bzacec…
//! ```
//!
//! Domain and chain id bind a message to one chain; Filecoin has only one and needs none.
//!
//! The signature's bytes are part of the transaction's name, so there is one spelling of each: s is in the lower half, as Ethereum
//! wants it (EIP-2), and the recovery id is 0 or 1; a BLS signature is one point with one encoding. Else anyone could give a message
//! on its way a second name.
//!
//! Sources: Filecoin specification, "Signatures" and "Messages"; FIP-0055 for type 3; EIP-191 for the text.

use std::fmt;

use alloy_primitives::eip191_hash_message;
use fvm_shared::address::{Address, Payload};
use fvm_shared::message::Message;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tributary_crypto::{BlsSecretKey, SecpSecretKey, bls, secp};
use tributary_primitives::actors::EAM_ID;
use tributary_primitives::{BlsPublicKey, BlsSignature, EthAddress, cbor_cid, raw_cid};

use super::digest_of;

/// What the preimage starts with.
const DOMAIN: &[u8; 20] = b"tributary/message/v1";

/// Bytes of a CID of this chain: version, codec, hash function (3) and length, 32 of digest.
const CID_BYTES: usize = 38;

/// Bytes of the preimage, whatever the message: what a BLS signature is over.
pub const PREIMAGE_BYTES: usize = DOMAIN.len() + 8 + CID_BYTES;

/// The types of signatures.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Of an f1 address.
    Secp256k1,
    /// Of an f3 address.
    Bls,
    /// Of an f410 address, whose account is delegated to Ethereum's keys.
    Delegated,
}

impl Kind {
    /// How `sender` signs; `None` if no key is behind it.
    #[must_use]
    pub fn of_sender(sender: &Address) -> Option<Self> {
        match sender.payload() {
            Payload::Secp256k1(_) => Some(Self::Secp256k1),
            // Everybody has the secret key of the point at infinity.
            Payload::BLS(_) => (!sender.is_bls_zero_address()).then_some(Self::Bls),
            Payload::Delegated(_) => EthAddress::from_address(sender).map(|_| Self::Delegated),
            Payload::ID(_) | Payload::Actor(_) => None,
        }
    }

    /// The byte that stands for it.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Secp256k1 => 1,
            Self::Bls => 2,
            Self::Delegated => 3,
        }
    }

    /// Bytes of a signature, without its type's.
    #[must_use]
    pub const fn signature_bytes(self) -> usize {
        match self {
            Self::Secp256k1 | Self::Delegated => 65,
            Self::Bls => 96,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secp256k1 => "1 (secp256k1)",
            Self::Bls => "2 (BLS)",
            Self::Delegated => "3 (delegated)",
        })
    }
}

/// Why no key is behind an address, and what to do instead.
pub(super) fn why_no_key(sender: &Address) -> String {
    const INSTEAD: &str = "send from a key's account, f1, f3 or f410";
    const CALL: &str = "and call the actor, e.g. propose to a multisig";
    match sender.payload() {
        Payload::ID(_) => format!("f0 names an actor by its number, which holds no key: {INSTEAD}, by its own address"),
        Payload::Actor(_) => format!("f2 names an actor, which holds no key: {INSTEAD}, {CALL}"),
        Payload::Delegated(name) if name.namespace() != EAM_ID => {
            format!("f4 of namespace {} names an actor, which holds no key: {INSTEAD}, {CALL}", name.namespace())
        }
        Payload::Delegated(_) => format!("it is no Ethereum account's address: {INSTEAD}"),
        Payload::Secp256k1(_) | Payload::BLS(_) => {
            format!("its key is the point at infinity, whose secret everybody has: {INSTEAD}")
        }
    }
}

/// A signature as it travels: its type, and its bytes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// r, s and the recovery id.
    Secp256k1([u8; 65]),
    /// A point of G2, compressed.
    Bls(BlsSignature),
    /// r, s and the recovery id.
    Delegated([u8; 65]),
}

impl Signature {
    /// Of the f1 account of `key`.
    pub(super) fn by_secp256k1(key: &SecpSecretKey, message: &Message, chain_id: u64) -> Self {
        Self::Secp256k1(key.sign(digest(message, chain_id)))
    }

    /// Of the f3 account of `key`.
    pub(super) fn by_bls(key: &BlsSecretKey, message: &Message, chain_id: u64) -> Self {
        Self::Bls(key.sign(&preimage(message, chain_id)))
    }

    /// Of the Ethereum account of `key`, as its wallet makes it.
    pub(super) fn by_wallet(key: &SecpSecretKey, message: &Message, chain_id: u64) -> Self {
        Self::Delegated(key.sign(wallet_digest(message, chain_id)))
    }

    /// Its type.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Secp256k1(_) => Kind::Secp256k1,
            Self::Bls(_) => Kind::Bls,
            Self::Delegated(_) => Kind::Delegated,
        }
    }

    /// Its bytes, without its type's.
    #[must_use]
    pub const fn data(&self) -> &[u8] {
        match self {
            Self::Secp256k1(data) | Self::Delegated(data) => data,
            Self::Bls(point) => &point.0,
        }
    }

    /// The recovery id of those that have one.
    pub(super) const fn recovery_id(&self) -> Option<u8> {
        match self {
            Self::Secp256k1(data) | Self::Delegated(data) => Some(data[64]),
            Self::Bls(_) => None,
        }
    }

    /// Whether the sender of `message` made it, for the chain `chain_id`. Cost: 27 µs; 0.85 ms for BLS.
    pub(super) fn is_by_sender(&self, message: &Message, chain_id: u64) -> bool {
        let from = message.from;
        match (self, from.payload()) {
            (Self::Secp256k1(signature), Payload::Secp256k1(_)) => {
                signer(digest(message, chain_id), signature).is_some_and(|key| secp::f1_address(&key) == from)
            }
            (Self::Bls(signature), Payload::BLS(key)) => {
                bls::verify(&BlsPublicKey(*key), &preimage(message, chain_id), signature)
            }
            (Self::Delegated(signature), Payload::Delegated(_)) => signer(wallet_digest(message, chain_id), signature)
                .is_some_and(|key| secp::eth_address(&key).to_address() == from),
            _ => false,
        }
    }
}

/// Whose signature it is, unless it is the mirror image of one.
fn signer(digest: [u8; 32], signature: &[u8; 65]) -> Option<[u8; 65]> {
    secp::is_low_s(signature).then(|| secp::recover(digest, signature)).flatten()
}

fn cid_of(message: &Message) -> cid::Cid {
    cbor_cid(&fvm_ipld_encoding::to_vec(message).expect("a message has a DAG-CBOR form"))
}

fn preimage(message: &Message, chain_id: u64) -> Vec<u8> {
    [&DOMAIN[..], &chain_id.to_be_bytes(), &cid_of(message).to_bytes()].concat()
}

fn digest(message: &Message, chain_id: u64) -> [u8; 32] {
    digest_of(raw_cid(&preimage(message, chain_id))).0
}

fn wallet_text(message: &Message, chain_id: u64) -> String {
    format!("Tributary message\nchain id: {chain_id}\nCID: {}", cid_of(message))
}

fn wallet_digest(message: &Message, chain_id: u64) -> [u8; 32] {
    eip191_hash_message(wallet_text(message, chain_id)).0
}

/// A byte string: the type's byte, then its bytes.
impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&[&[self.kind().number()][..], self.data()].concat())
    }
}

/// Nothing is allocated: type and length are looked at where the bytes lie.
impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Typed;
        impl Visitor<'_> for Typed {
            type Value = Signature;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a signature: type 1 and 65 bytes, type 2 and 96, or type 3 and 65")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Signature, E> {
                let (kind, data) = bytes.split_first().ok_or_else(|| E::invalid_length(0, &self))?;
                let wrong_length = |_| E::invalid_length(bytes.len(), &self);
                match kind {
                    1 => data.try_into().map(Signature::Secp256k1).map_err(wrong_length),
                    2 => data.try_into().map(|point| Signature::Bls(BlsSignature(point))).map_err(wrong_length),
                    3 => data.try_into().map(Signature::Delegated).map_err(wrong_length),
                    other => {
                        Err(E::custom(format_args!("no signature has type {other}: 1 secp256k1, 2 BLS, 3 delegated")))
                    }
                }
            }
        }
        deserializer.deserialize_bytes(Typed)
    }
}
