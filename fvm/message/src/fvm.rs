//! FVM messages: Filecoin's signed message, from whoever holds a key.
//!
//! On the wire the DAG-CBOR tuple `[message, signature]`; the message is Filecoin's tuple of ten fields, the signature a byte
//! string whose first byte is its type. Who may sign, how, and what: [`signature`].
//!
//! Cheap questions first: the form, the fields and the sender's kind of key are looked at before the signature is verified.
//!
//! Source: Filecoin specification, "Messages".

pub mod signature;

use fvm_ipld_encoding::tuple::{Deserialize_tuple, Serialize_tuple, serde_tuple};
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::message::Message;
use tributary_crypto::{BlsSecretKey, SecpSecretKey};
use tributary_primitives::{Hash32, cbor_cid};

pub use signature::{Kind, Signature};

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

/// What a message says before anybody looked who signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Who is to have sent it.
    pub from: Address,
    /// The sender's nonce that it would use up.
    pub sequence: u64,
    /// What the sender would give away in the worst case, in attoTRB; `None` past 2^128.
    pub cost_max: Option<u128>,
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
    /// No key is behind the sender's address.
    #[error("message is from {0}: {why}", why = signature::why_no_key(.0))]
    NotFromAKey(Address),
    /// The signature is of another type than the sender's.
    #[error("message is from {from}, whose signatures are of type {want}; this one is of type {got}")]
    WrongKind {
        /// The sender.
        from: Address,
        /// How it signs.
        want: Kind,
        /// How this was signed.
        got: Kind,
    },
    /// The recovery id is not 0 or 1.
    #[error("message signature ends with recovery id {0}; it must be 0 or 1, a wallet's 27 and 28 less 27")]
    BadRecoveryId(u8),
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
    /// Reads a signed message for the chain `chain_id` and checks that its sender signed it. Cost: 30 µs; 0.85 ms from an f3.
    ///
    /// # Errors
    /// [`FvmRejected`]; the caller bounds the bytes first.
    pub fn decode(raw: &[u8], chain_id: u64) -> Result<Self, FvmRejected> {
        let SignedMessage { message, signature } = parse(raw)?;
        let (fee_cap, premium, value) = check(&message)?;
        check_kind(&message.from, &signature)?;
        if !signature.is_by_sender(&message, chain_id) {
            return Err(FvmRejected::BadSignature(message.from));
        }
        Ok(Self { message, raw: raw.to_vec(), hash: hash_of(raw), fee_cap, premium, value })
    }

    /// What bytes claim of which [`Self::decode`] verifies a BLS signature, the costliest of all by thirty times; `None` for all others. Cost:
    /// some microseconds.
    #[must_use]
    pub fn costly(raw: &[u8]) -> Option<Claim> {
        let SignedMessage { message, signature } = parse(raw).ok()?;
        let (fee_cap, _, value) = check(&message).ok().filter(|_| signature.kind() == Kind::Bls)?;
        let cost_max = cost_max(fee_cap, message.gas_limit, value);
        Some(Claim { from: message.from, sequence: message.sequence, cost_max })
    }

    /// Signs `message` for the chain `chain_id`; its sender becomes the key's f1 address. Reads back with [`Self::decode`].
    ///
    /// # Errors
    /// [`FvmRejected`] for a field out of bounds.
    pub fn sign(message: Message, key: &SecpSecretKey, chain_id: u64) -> Result<Self, FvmRejected> {
        let message = Message { from: key.f1_address(), ..message };
        let signature = Signature::by_secp256k1(key, &message, chain_id);
        Self::signed(message, signature)
    }

    /// The same from the key's f3 address.
    ///
    /// # Errors
    /// As for [`Self::sign`].
    pub fn sign_bls(message: Message, key: &BlsSecretKey, chain_id: u64) -> Result<Self, FvmRejected> {
        let message = Message { from: key.f3_address(), ..message };
        let signature = Signature::by_bls(key, &message, chain_id);
        Self::signed(message, signature)
    }

    /// The same from the key's Ethereum account, f410, as a wallet signs a text.
    ///
    /// # Errors
    /// As for [`Self::sign`].
    pub fn sign_delegated(message: Message, key: &SecpSecretKey, chain_id: u64) -> Result<Self, FvmRejected> {
        let message = Message { from: key.eth_address().to_address(), ..message };
        let signature = Signature::by_wallet(key, &message, chain_id);
        Self::signed(message, signature)
    }

    fn signed(message: Message, signature: Signature) -> Result<Self, FvmRejected> {
        let (fee_cap, premium, value) = check(&message)?;
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
        cost_max(self.fee_cap, self.message.gas_limit, self.value)
    }
}

/// The digest of the CID of a signed message's bytes.
#[must_use]
pub fn hash_of(raw: &[u8]) -> Hash32 {
    digest_of(cbor_cid(raw))
}

fn cost_max(fee_cap: u128, gas_limit: u64, value: u128) -> Option<u128> {
    fee_cap.checked_mul(gas_limit.into())?.checked_add(value)
}

fn parse(raw: &[u8]) -> Result<SignedMessage, FvmRejected> {
    let signed: SignedMessage =
        fvm_ipld_encoding::from_slice(raw).map_err(|why| FvmRejected::Malformed(why.to_string()))?;
    if encode(&signed) == raw { Ok(signed) } else { Err(FvmRejected::NotCanonical) }
}

fn encode(signed: &SignedMessage) -> Vec<u8> {
    fvm_ipld_encoding::to_vec(signed).expect("a message of integers, bytes and addresses has a DAG-CBOR form")
}

fn digest_of(cid: cid::Cid) -> Hash32 {
    Hash32(cid.hash().digest().try_into().expect("blake2b-256 gives 32 bytes"))
}

/// Fee cap, premium and value, once every field is within its bounds.
fn check(message: &Message) -> Result<(u128, u128, u128), FvmRejected> {
    if message.version != 0 {
        return Err(FvmRejected::UnknownVersion(message.version));
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

/// Whether the signature can be the sender's at all.
fn check_kind(from: &Address, signature: &Signature) -> Result<(), FvmRejected> {
    let got = signature.kind();
    match (Kind::of_sender(from), signature.recovery_id()) {
        (None, _) => Err(FvmRejected::NotFromAKey(*from)),
        (Some(want), _) if want != got => Err(FvmRejected::WrongKind { from: *from, want, got }),
        (Some(_), Some(id)) if id > 1 => Err(FvmRejected::BadRecoveryId(id)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
