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
pub mod fvm;
pub mod words;

use std::fmt;
use std::sync::Arc;

use fvm_shared::address::Address;
use tributary_primitives::Hash32;

pub use ethereum::{EthereumRejected, EthereumTransaction};
pub use fvm::{FvmRejected, FvmTransaction};

/// Most bytes of one transaction on the wire: 128 KiB, as Ethereum's clients bound theirs.
pub const TRANSACTION_BYTES_MAX: usize = 128 * 1024;

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
    /// More bytes than [`TRANSACTION_BYTES_MAX`].
    #[error("transaction has {0} bytes; at most {TRANSACTION_BYTES_MAX} are allowed")]
    TooLarge(usize),
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
        if raw.len() > TRANSACTION_BYTES_MAX {
            return Err(TransactionRejected::TooLarge(raw.len()));
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
        let is_message = raw.first() == Some(&fvm::FIRST_BYTE) && raw.len() <= TRANSACTION_BYTES_MAX;
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

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "transaction {} of {} nonce {}", self.hash(), self.sender(), self.nonce())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_bytes_is_the_hash_of_the_transaction() {
        let key = tributary_crypto::SecpSecretKey::from_bytes(&[7; 32]).unwrap();
        let legacy = alloy_consensus::TxLegacy { chain_id: Some(1), ..Default::default() };
        let ethereum = EthereumTransaction::sign(legacy, &key);
        assert_eq!(Transaction::hash_of(ethereum.raw()), ethereum.hash());
        assert_eq!(Transaction::hash_of(&[fvm::FIRST_BYTE]), fvm::hash_of(&[fvm::FIRST_BYTE]));
    }

    #[test]
    fn bytes_that_start_no_transaction_are_refused_for_their_own_reason() {
        let too_large = vec![0xc0; TRANSACTION_BYTES_MAX + 1];
        for (raw, refusal) in [
            (&[][..], TransactionRejected::Empty),
            (&[0x00], TransactionRejected::UnknownType(0)),
            (&[0x05, 1], TransactionRejected::UnknownType(5)),
            (&[0x83], TransactionRejected::UnknownType(0x83)),
            (&[0x03, 1], TransactionRejected::Ethereum(EthereumRejected::Blobs)),
            (&too_large, TransactionRejected::TooLarge(TRANSACTION_BYTES_MAX + 1)),
        ] {
            assert_eq!(Transaction::decode(raw, 1).unwrap_err(), refusal);
        }
    }
}
