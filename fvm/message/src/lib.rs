//! Transactions as users sign them: Ethereum envelopes and FVM messages.
//!
//! The first byte on the wire says which:
//!
//! | first byte | transaction | sender |
//! |---|---|---|
//! | `0xc0` and above | Ethereum, legacy (RLP list) | f410 |
//! | `0x01`, `0x02`, `0x04` | Ethereum, typed: EIP-2930, EIP-1559, EIP-7702 | f410 |
//! | `0x03` | Ethereum, EIP-4844: refused, a subnet has no blobs | |
//! | `0x82` | FVM: DAG-CBOR tuple `[message, signature]` | f1, f3, f410 |
//!
//! A [`Transaction`] exists only decoded, bounded and with its sender recovered: that is the costly part (26 µs; 0.85 ms for a message
//! from an f3), so it is done once, when the bytes arrive. The bytes are kept, since their hash names the transaction everywhere.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

pub mod ethereum;
pub mod funds;
pub mod fvm;
pub mod words;

use std::fmt;
use std::sync::Arc;

use fvm_shared::address::Address;
use tributary_primitives::Hash32;

pub use ethereum::{EthereumRejected, EthereumTransaction};
pub use fvm::{FvmRejected, FvmTransaction};

/// Most bytes of an Ethereum transaction on the wire: 128 KiB, as Ethereum's clients bound theirs.
pub const ETHEREUM_BYTES_MAX: usize = 128 * 1024;

/// Most bytes of any transaction on the wire: 512 KiB. An FVM message may have as many, since it carries a whole module of code.
pub const TRANSACTION_BYTES_MAX: usize = 512 * 1024;

/// A transaction that somebody signed.
#[derive(Clone, PartialEq, Eq)]
pub enum Transaction {
    /// Signed by an Ethereum wallet.
    Ethereum(Arc<EthereumTransaction>),
    /// Signed as Filecoin's messages are.
    Fvm(Arc<FvmTransaction>),
}

/// Why bytes are no transaction of this chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransactionRejected {
    /// Nothing at all.
    #[error("transaction is empty")]
    Empty,
    /// More bytes than a transaction of its kind may have.
    #[error("transaction has {bytes} bytes; at most {most} are allowed")]
    TooLarge {
        /// Bytes found.
        bytes: usize,
        /// Most of its kind: [`ETHEREUM_BYTES_MAX`] or [`TRANSACTION_BYTES_MAX`], or fewer where the chain says so.
        most: usize,
    },
    /// A first byte that starts no known transaction.
    #[error(
        "transaction starts with {0:#04x}, which is no known type (0x01, 0x02, 0x04, an RLP list, or 0x82 for an FVM message)"
    )]
    UnknownType(u8),
    /// An Ethereum transaction with a fault.
    #[error(transparent)]
    Ethereum(#[from] EthereumRejected),
    /// An FVM message with a fault.
    #[error(transparent)]
    Fvm(#[from] FvmRejected),
}

impl Transaction {
    /// Reads a transaction for the chain `chain_id` and recovers its sender. Cost: 30 µs; 0.85 ms for a message from an f3.
    ///
    /// # Errors
    /// [`TransactionRejected`] with the field and the rule it breaks.
    pub fn decode(raw: &[u8], chain_id: u64) -> Result<Self, TransactionRejected> {
        let (bytes, most) = (raw.len(), bytes_max(raw));
        if bytes > most {
            return Err(TransactionRejected::TooLarge { bytes, most });
        }
        match raw.first() {
            None => Err(TransactionRejected::Empty),
            Some(0x01..=0x04 | 0xc0..) => Ok(Self::Ethereum(Arc::new(EthereumTransaction::decode(raw, chain_id)?))),
            Some(&fvm::FIRST_BYTE) => Ok(Self::Fvm(Arc::new(FvmTransaction::decode(raw, chain_id)?))),
            Some(other) => Err(TransactionRejected::UnknownType(*other)),
        }
    }

    /// What bytes claim that are costly to read: see [`FvmTransaction::costly`].
    #[must_use]
    pub fn costly(raw: &[u8]) -> Option<fvm::Claim> {
        let is_message = raw.first() == Some(&fvm::FIRST_BYTE) && raw.len() <= bytes_max(raw);
        is_message.then(|| FvmTransaction::costly(raw)).flatten()
    }

    /// The hash that a transaction with these bytes would have, before it is decoded: to look it up. Cost: one hash.
    #[must_use]
    pub fn hash_of(raw: &[u8]) -> Hash32 {
        match raw.first() {
            Some(&fvm::FIRST_BYTE) => fvm::hash_of(raw),
            _ => Hash32(alloy_primitives::keccak256(raw).0),
        }
    }

    /// The bytes as they were signed and sent.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        match self {
            Self::Ethereum(transaction) => transaction.raw(),
            Self::Fvm(transaction) => transaction.raw(),
        }
    }

    /// The transaction's name: keccak-256 of an Ethereum envelope, the digest of an FVM message's CID.
    #[must_use]
    pub fn hash(&self) -> Hash32 {
        match self {
            Self::Ethereum(transaction) => transaction.hash(),
            Self::Fvm(transaction) => transaction.hash(),
        }
    }

    /// Who signed: f410 for Ethereum; f1, f3 or f410 for an FVM message.
    #[must_use]
    pub fn sender(&self) -> Address {
        match self {
            Self::Ethereum(transaction) => transaction.sender().to_address(),
            Self::Fvm(transaction) => transaction.message().from,
        }
    }

    /// The sender's nonce that this transaction uses up.
    #[must_use]
    pub fn nonce(&self) -> u64 {
        match self {
            Self::Ethereum(transaction) => transaction.nonce(),
            Self::Fvm(transaction) => transaction.message().sequence,
        }
    }

    /// Most gas it can take, in its own: Ethereum's, or the FVM's.
    #[must_use]
    pub fn gas_limit(&self) -> u64 {
        match self {
            Self::Ethereum(transaction) => transaction.gas_limit(),
            Self::Fvm(transaction) => transaction.message().gas_limit,
        }
    }

    /// Most of the block's gas this transaction can take. FVM gas weighs `1 / fvm_gas_per_gas`, rounded up.
    #[must_use]
    pub fn block_gas_limit(&self, fvm_gas_per_gas: u64) -> u64 {
        match self {
            Self::Ethereum(transaction) => transaction.gas_limit(),
            Self::Fvm(transaction) => transaction.message().gas_limit.div_ceil(fvm_gas_per_gas.max(1)),
        }
    }

    /// Most attoTRB the sender pays for a unit of the block's gas, tip included.
    #[must_use]
    pub fn fee_cap(&self, fvm_gas_per_gas: u64) -> u128 {
        match self {
            Self::Ethereum(transaction) => transaction.max_fee_per_gas(),
            Self::Fvm(transaction) => transaction.fee_cap().saturating_mul(fvm_gas_per_gas.into()),
        }
    }

    /// Most attoTRB the sender tips the proposer for a unit of the block's gas.
    #[must_use]
    pub fn tip_cap(&self, fvm_gas_per_gas: u64) -> u128 {
        match self {
            Self::Ethereum(transaction) => transaction.max_priority_fee_per_gas(),
            Self::Fvm(transaction) => transaction.premium().saturating_mul(fvm_gas_per_gas.into()),
        }
    }

    /// What the sender gives away in the worst case: value and all the gas at the fee cap, in attoTRB. `None` past 2^128.
    #[must_use]
    pub fn cost_max(&self) -> Option<u128> {
        match self {
            Self::Ethereum(transaction) => transaction.cost_max(),
            Self::Fvm(transaction) => transaction.cost_max(),
        }
    }
}

/// Most bytes of a transaction that starts as these do.
fn bytes_max(raw: &[u8]) -> usize {
    match raw.first() {
        Some(&fvm::FIRST_BYTE) => TRANSACTION_BYTES_MAX,
        _ => ETHEREUM_BYTES_MAX,
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "transaction {} of {} nonce {}", self.hash(), self.sender(), self.nonce())
    }
}

#[cfg(test)]
mod tests {
    use alloy_consensus::TxLegacy;
    use fvm_ipld_encoding::RawBytes;
    use fvm_shared::econ::TokenAmount;
    use fvm_shared::message::Message;
    use tributary_crypto::SecpSecretKey;

    use super::*;

    fn key() -> SecpSecretKey {
        SecpSecretKey::from_bytes(&[7; 32]).unwrap()
    }

    type Make = fn(usize, u64) -> Vec<u8>;

    /// An Ethereum transaction with so many bytes of call data, and this nonce.
    fn ethereum_with(input: usize, nonce: u64) -> Vec<u8> {
        let unsigned = TxLegacy { chain_id: Some(1), nonce, input: vec![1; input].into(), ..TxLegacy::default() };
        EthereumTransaction::sign(unsigned, &key()).raw().to_vec()
    }

    /// A message with so many bytes of parameters, and this nonce.
    fn message_with(params: usize, sequence: u64) -> Vec<u8> {
        let unsigned = Message {
            version: 0,
            from: Address::new_id(0),
            to: Address::new_id(1),
            sequence,
            value: TokenAmount::default(),
            method_num: 2,
            params: RawBytes::new(vec![1; params]),
            gas_limit: 1,
            gas_fee_cap: TokenAmount::default(),
            gas_premium: TokenAmount::default(),
        };
        FvmTransaction::sign(unsigned, &key(), 1).unwrap().raw().to_vec()
    }

    /// One of exactly so many bytes. What stands around a payload is as long for all that are about as large, but for the few whose
    /// signature has a number that starts with zeros.
    fn of_bytes(bytes: usize, with: Make) -> Vec<u8> {
        let almost = bytes - 1_000;
        let around = (0..8).map(|nonce| with(almost, nonce).len() - almost).max().unwrap();
        (0..8).map(|nonce| with(bytes - around, nonce)).find(|raw| raw.len() == bytes).unwrap()
    }

    #[test]
    fn a_transaction_of_either_kind_may_have_as_many_bytes_as_its_kind_and_not_one_more() {
        let kinds: [(Make, usize); 2] = [(ethereum_with, 131_072), (message_with, 524_288)];
        for (with, most) in kinds {
            assert_eq!(Transaction::decode(&of_bytes(most, with), 1).unwrap().raw().len(), most);
            let refusal = Transaction::decode(&of_bytes(most + 1, with), 1).unwrap_err();
            assert_eq!(refusal, TransactionRejected::TooLarge { bytes: most + 1, most });
        }
    }

    #[test]
    fn the_hash_of_bytes_is_the_hash_of_the_transaction() {
        let legacy = TxLegacy { chain_id: Some(1), ..TxLegacy::default() };
        let ethereum = EthereumTransaction::sign(legacy, &key());
        assert_eq!(Transaction::hash_of(ethereum.raw()), ethereum.hash());
        assert_eq!(Transaction::hash_of(&[fvm::FIRST_BYTE]), fvm::hash_of(&[fvm::FIRST_BYTE]));
    }

    #[test]
    fn bytes_that_start_no_transaction_are_refused_for_their_own_reason() {
        let of_no_kind = vec![0x05; ETHEREUM_BYTES_MAX + 1];
        for (raw, refusal) in [
            (&[][..], TransactionRejected::Empty),
            (&[0x00], TransactionRejected::UnknownType(0)),
            (&[0x05, 1], TransactionRejected::UnknownType(5)),
            (&[0x83], TransactionRejected::UnknownType(0x83)),
            (&[0x03, 1], TransactionRejected::Ethereum(EthereumRejected::Blobs)),
            (&of_no_kind, TransactionRejected::TooLarge { bytes: ETHEREUM_BYTES_MAX + 1, most: ETHEREUM_BYTES_MAX }),
        ] {
            assert_eq!(Transaction::decode(raw, 1).unwrap_err(), refusal);
        }
    }
}
