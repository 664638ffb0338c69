//! FVM messages: Filecoin's signed message, from a secp256k1 key.
//!
//! On the wire the DAG-CBOR tuple `[message, signature]`; the message is Filecoin's tuple of ten fields, the signature a byte
//! string whose first byte is the type (1, secp256k1) and whose other 65 are r, s and the recovery id.
//!
//! What is signed: blake2b-256 of the chain's domain and the bytes of the message's CID. The domain binds the message to one
//! chain; Filecoin has only one chain and needs none. Source: Filecoin specification, "Messages".
//!
//! The signature's bytes are part of the transaction's hash, so its s must be in the lower half, as Ethereum wants it (EIP-2):
//! else anyone could give a message on its way a second name.

use fvm_ipld_encoding::tuple::{Deserialize_tuple, Serialize_tuple, serde_tuple};
use fvm_shared::address::{Address, Protocol};
use fvm_shared::crypto::signature::{Signature, SignatureType};
use fvm_shared::econ::TokenAmount;
use fvm_shared::message::Message;
use tributary_crypto::{SecpSecretKey, secp};
use tributary_primitives::{Hash32, cbor_cid, raw_cid};

/// First byte of every FVM transaction: a CBOR array of two.
pub const FIRST_BYTE: u8 = 0x82;

/// A message with its signature, as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
struct SignedMessage {
    message: Message,
    signature: Signature,
}

/// A signed FVM message whose sender was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FvmTransaction {
    message: Message,
    raw: Vec<u8>,
    hash: Hash32,
    fee_cap: u128,
    premium: u128,
    value: u128,
}

/// Why bytes are no FVM message of this chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FvmRejected {
    /// Not the DAG-CBOR of a signed message.
    #[error("message is not the DAG-CBOR tuple [message, signature]: {0}")]
    Malformed(String),
    /// Decodes, but another spelling of the same message is the right one.
    #[error("message is not in DAG-CBOR's one canonical form")]
    NotCanonical,
    /// `version` is not 0.
    #[error("message version is {0}; only 0 is known")]
    UnknownVersion(u64),
    /// The sender is not an f1 address.
    #[error("message is from {0}; a signed message comes from an f1 (secp256k1) address")]
    NotFromAKey(Address),
    /// `gas_limit` is zero or past what the FVM counts.
    #[error("message gas_limit is {0}; it must be from 1 to 2^63-1")]
    BadGasLimit(u64),
    /// A token amount is negative or past 2^128.
    #[error("message {0} is negative or above 2^128 attoTRB")]
    BadAmount(&'static str),
    /// The premium is above the fee cap.
    #[error("message gas_premium {premium} is above gas_fee_cap {fee_cap}")]
    PremiumAboveCap {
        /// Most tip per FVM gas.
        premium: u128,
        /// Most fee per FVM gas.
        fee_cap: u128,
    },
    /// The signature is not the sender's over this message for this chain.
    #[error("message signature is not {0}'s for this chain")]
    BadSignature(Address),
}

impl FvmTransaction {
    /// Reads a signed message for the chain `chain_id` and checks that its sender signed it.
    ///
    /// # Errors
    /// [`FvmRejected`]; the caller bounds the bytes first.
    pub fn decode(raw: &[u8], chain_id: u64) -> Result<Self, FvmRejected> {
        let signed: SignedMessage =
            fvm_ipld_encoding::from_slice(raw).map_err(|why| FvmRejected::Malformed(why.to_string()))?;
        if encode(&signed) != raw {
            return Err(FvmRejected::NotCanonical);
        }
        let SignedMessage { message, signature } = signed;
        let (fee_cap, premium, value) = check(&message)?;
        if !is_signed_by_sender(&message, &signature, chain_id) {
            return Err(FvmRejected::BadSignature(message.from));
        }
        Ok(Self { message, raw: raw.to_vec(), hash: hash_of(raw), fee_cap, premium, value })
    }

    /// Signs `message` for the chain `chain_id`; its sender becomes the key's f1 address. Reads back with [`Self::decode`].
    ///
    /// # Errors
    /// [`FvmRejected`] for a field out of bounds.
    pub fn sign(message: Message, key: &SecpSecretKey, chain_id: u64) -> Result<Self, FvmRejected> {
        let message = Message { from: key.f1_address(), ..message };
        let (fee_cap, premium, value) = check(&message)?;
        let signature = Signature::new_secp256k1(key.sign(signing_digest(&message, chain_id)).to_vec());
        let raw = encode(&SignedMessage { message: message.clone(), signature });
        Ok(Self { message, hash: hash_of(&raw), raw, fee_cap, premium, value })
    }

    /// The bytes as they travel.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// What was signed.
    #[must_use]
    pub const fn message(&self) -> &Message {
        &self.message
    }

    /// Who signed it and how, as it travels. Cost: one decoding.
    #[must_use]
    pub fn signature(&self) -> Signature {
        let signed: SignedMessage =
            fvm_ipld_encoding::from_slice(&self.raw).expect("it was made of these bytes, or they of it");
        signed.signature
    }

    /// The 32-byte digest of the signed message's CID.
    #[must_use]
    pub const fn hash(&self) -> Hash32 {
        self.hash
    }

    /// Most fee per FVM gas, in attoTRB.
    #[must_use]
    pub const fn fee_cap(&self) -> u128 {
        self.fee_cap
    }

    /// Most tip per FVM gas, in attoTRB.
    #[must_use]
    pub const fn premium(&self) -> u128 {
        self.premium
    }

    /// What it moves, in attoTRB.
    #[must_use]
    pub const fn value(&self) -> u128 {
        self.value
    }

    /// Value and all gas at the fee cap; `None` past 2^128.
    #[must_use]
    pub fn cost_max(&self) -> Option<u128> {
        self.fee_cap.checked_mul(self.message.gas_limit.into())?.checked_add(self.value)
    }
}

/// The digest of the CID of a signed message's bytes.
#[must_use]
pub fn hash_of(raw: &[u8]) -> Hash32 {
    digest_of(cbor_cid(raw))
}

fn encode(signed: &SignedMessage) -> Vec<u8> {
    fvm_ipld_encoding::to_vec(signed).expect("a message of integers, bytes and addresses has a DAG-CBOR form")
}

fn digest_of(cid: cid::Cid) -> Hash32 {
    Hash32(cid.hash().digest().try_into().expect("blake2b-256 gives 32 bytes"))
}

/// What the sender's key signs: blake2b-256 over `tributary/message/v1`, the chain id (8 bytes, big-endian) and the bytes
/// of the unsigned message's CID.
fn signing_digest(message: &Message, chain_id: u64) -> [u8; 32] {
    let unsigned = fvm_ipld_encoding::to_vec(message).expect("a message has a DAG-CBOR form");
    let cid = cbor_cid(&unsigned).to_bytes();
    digest_of(raw_cid(&[&b"tributary/message/v1"[..], &chain_id.to_be_bytes(), &cid].concat())).0
}

/// Fee cap, premium and value, once every field is within its bounds.
fn check(message: &Message) -> Result<(u128, u128, u128), FvmRejected> {
    if message.version != 0 {
        return Err(FvmRejected::UnknownVersion(message.version));
    }
    if message.from.protocol() != Protocol::Secp256k1 {
        return Err(FvmRejected::NotFromAKey(message.from));
    }
    if message.gas_limit == 0 || i64::try_from(message.gas_limit).is_err() {
        return Err(FvmRejected::BadGasLimit(message.gas_limit));
    }
    let fee_cap = amount(&message.gas_fee_cap, "gas_fee_cap")?;
    let premium = amount(&message.gas_premium, "gas_premium")?;
    let value = amount(&message.value, "value")?;
    if premium > fee_cap {
        return Err(FvmRejected::PremiumAboveCap { premium, fee_cap });
    }
    Ok((fee_cap, premium, value))
}

fn amount(amount: &TokenAmount, field: &'static str) -> Result<u128, FvmRejected> {
    u128::try_from(amount.atto()).map_err(|_| FvmRejected::BadAmount(field))
}

fn is_signed_by_sender(message: &Message, signature: &Signature, chain_id: u64) -> bool {
    let Ok(bytes) = <&[u8; 65]>::try_from(signature.bytes.as_slice()) else { return false };
    signature.sig_type == SignatureType::Secp256k1
        && secp::is_low_s(bytes)
        && secp::recover(signing_digest(message, chain_id), bytes).map(|key| secp::f1_address(&key))
            == Some(message.from)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::U256;
    use fvm_ipld_encoding::RawBytes;

    use super::*;

    fn key() -> SecpSecretKey {
        SecpSecretKey::from_bytes(&[7; 32]).unwrap()
    }

    fn good() -> Message {
        Message {
            version: 0,
            from: key().f1_address(),
            to: Address::new_id(100),
            sequence: 3,
            value: TokenAmount::from_atto(5),
            method_num: 2,
            params: RawBytes::new(vec![0x80]),
            gas_limit: 1_000,
            gas_fee_cap: TokenAmount::from_atto(10),
            gas_premium: TokenAmount::from_atto(1),
        }
    }

    #[test]
    fn what_a_key_signs_reads_back() {
        let signed = FvmTransaction::sign(good(), &key(), 7).unwrap();
        assert_eq!(signed.raw()[0], FIRST_BYTE);
        assert_eq!(FvmTransaction::decode(signed.raw(), 7), Ok(signed.clone()));
        assert_eq!((signed.message(), signed.cost_max()), (&good(), Some(10_005)));
        assert!(is_signed_by_sender(signed.message(), &signed.signature(), 7));
    }

    #[test]
    fn a_message_for_one_chain_is_refused_on_another() {
        let signed = FvmTransaction::sign(good(), &key(), 7).unwrap();
        let refusal = FvmTransaction::decode(signed.raw(), 8).unwrap_err();
        assert_eq!(refusal, FvmRejected::BadSignature(key().f1_address()));
    }

    #[test]
    fn the_mirror_image_of_a_signature_is_refused() {
        let signed = FvmTransaction::sign(good(), &key(), 7).unwrap();
        let mut raw = signed.raw().to_vec();
        let start = raw.len() - 65;
        let order = "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141".parse::<U256>().unwrap();
        let s = U256::from_be_slice(&raw[start + 32..start + 64]);
        raw[start + 32..start + 64].copy_from_slice(&(order - s).to_be_bytes::<32>());
        raw[start + 64] ^= 1;
        let refusal = FvmTransaction::decode(&raw, 7).unwrap_err();
        assert_eq!(refusal, FvmRejected::BadSignature(key().f1_address()));
    }

    #[test]
    fn each_fault_is_refused_for_its_own_reason() {
        let signature = Signature::new_secp256k1(vec![1; 65]);
        let with = |message: Message| encode(&SignedMessage { message, signature: signature.clone() });
        let huge = TokenAmount::from_atto(u128::MAX) + TokenAmount::from_atto(1);
        let mut spelled_otherwise = FvmTransaction::sign(good(), &key(), 7).unwrap().raw().to_vec();
        spelled_otherwise.splice(2..3, [0x18, 0x00]);
        for (raw, reason) in [
            (with(Message { version: 1, ..good() }), "version is 1"),
            (with(Message { from: Address::new_id(100), ..good() }), "f1 (secp256k1)"),
            (with(Message { gas_limit: 0, ..good() }), "gas_limit is 0"),
            (with(Message { gas_limit: 1 << 63, ..good() }), "gas_limit is 9223372036854775808"),
            (with(Message { value: huge.clone(), ..good() }), "value is negative or above"),
            (with(Message { value: TokenAmount::from_atto(-1), ..good() }), "value is negative or above"),
            (with(Message { gas_fee_cap: huge, ..good() }), "gas_fee_cap is negative or above"),
            (with(Message { gas_premium: TokenAmount::from_atto(11), ..good() }), "gas_premium 11 is above"),
            (with(good()), "signature is not"),
            (vec![0x82], "not the DAG-CBOR tuple"),
            (spelled_otherwise, "DAG-CBOR"),
        ] {
            let refusal = FvmTransaction::decode(&raw, 7).unwrap_err().to_string();
            assert!(refusal.contains(reason), "{reason}: {refusal}");
        }
    }
}
