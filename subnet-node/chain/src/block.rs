//! A block and its one encoding: Tendermint's protobuf `Block`, as CometBFT 0.38 writes it.
//!
//! ```text
//! bytes
//!   ├─ within block_bytes_max?            no ─▶ TooLong
//!   ├─ lists within their bounds?         no ─▶ TooManyTransactions, TooManySignatures
//!   ├─ a protobuf Block?                  no ─▶ Malformed
//!   ├─ without Tendermint's evidence?     no ─▶ Evidence      (this chain carries evidence as transactions)
//!   └─ the same bytes when encoded again? no ─▶ NotCanonical  (one block, one encoding, one reference)
//! ```

mod outline;

use prost::Message;
use tendermint::block::{Commit, Header};
use tendermint_proto::v0_38::types as pb;
use tributary_primitives::VALIDATORS_MAX;

use crate::wire;

pub use outline::BlockOutline;

/// Blocks are cut into parts of this many bytes: to be named, and to travel.
///
/// Source: CometBFT `types/params.go`, `BlockPartSizeBytes`.
pub const PART_BYTES: usize = 64 * 1024;

/// Largest `block_bytes_max` that a chain may choose. A block must fit one reply of the block-sync protocol.
pub const BLOCK_BYTES_LIMIT: usize = 32 * 1024 * 1024;

/// Most transactions in a block: what a block of [`BLOCK_BYTES_LIMIT`] holds when each takes 256 bytes.
pub const TRANSACTIONS_MAX: usize = 128 * 1024;

/// Header, transactions, and the commit that decided the block before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What is hashed and voted on.
    pub header: Header,
    /// Raw transactions in order; the header's `data_hash` commits to them.
    pub transactions: Vec<Vec<u8>>,
    /// Who signed the block before; `None` in the first block only.
    pub last_commit: Option<Commit>,
}

/// Why bytes are no block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockBytesRejected {
    /// Longer than the chain allows.
    #[error("block of {bytes} bytes; at most {max} are allowed")]
    TooLong {
        /// Bytes found.
        bytes: usize,
        /// The chain's `block_bytes_max`.
        max: usize,
    },
    /// More entries than [`TRANSACTIONS_MAX`].
    #[error("block of {0} transactions; at most {TRANSACTIONS_MAX} are allowed")]
    TooManyTransactions(usize),
    /// More entries than there can be validators.
    #[error("last commit of {0} signatures; at most {VALIDATORS_MAX} are allowed")]
    TooManySignatures(usize),
    /// Not the protobuf message, or a field with a value that Tendermint forbids.
    #[error("not a Tendermint block: {0}")]
    Malformed(String),
    /// Tendermint's own evidence list is not empty.
    #[error("block carries Tendermint evidence, which this chain does not use")]
    Evidence,
    /// A second spelling of the same block.
    #[error("block is not encoded the one way that is allowed")]
    NotCanonical,
}

impl Block {
    /// The block's one encoding. Cost: one copy.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        pb::Block {
            header: Some(self.header.clone().into()),
            data: Some(pb::Data { txs: self.transactions.clone() }),
            evidence: Some(pb::EvidenceList::default()),
            last_commit: self.last_commit.clone().map(Into::into),
        }
        .encode_to_vec()
    }

    /// Reads a block of at most `bytes_max` bytes. Cost: two copies; allocates a small multiple of `bytes`.
    ///
    /// # Errors
    /// [`BlockBytesRejected`] for everything but the one encoding of a block.
    pub fn decode(bytes: &[u8], bytes_max: usize) -> Result<Self, BlockBytesRejected> {
        if bytes.len() > bytes_max {
            return Err(BlockBytesRejected::TooLong { bytes: bytes.len(), max: bytes_max });
        }
        check_counts(bytes)?;
        let block = Self::from_proto(pb::Block::decode(bytes).map_err(malformed)?)?;
        if block.encode() != bytes {
            return Err(BlockBytesRejected::NotCanonical);
        }
        Ok(block)
    }

    fn from_proto(block: pb::Block) -> Result<Self, BlockBytesRejected> {
        if block.evidence.is_some_and(|list| !list.evidence.is_empty()) {
            return Err(BlockBytesRejected::Evidence);
        }
        let header = block.header.ok_or_else(|| BlockBytesRejected::Malformed("no header".to_owned()))?;
        Ok(Self {
            header: header.try_into().map_err(malformed)?,
            transactions: block.data.unwrap_or_default().txs,
            last_commit: block.last_commit.map(TryInto::try_into).transpose().map_err(malformed)?,
        })
    }
}

fn check_counts(bytes: &[u8]) -> Result<(), BlockBytesRejected> {
    let counts = wire::count(bytes).ok_or_else(|| malformed("broken protobuf"))?;
    if counts.transactions > TRANSACTIONS_MAX {
        return Err(BlockBytesRejected::TooManyTransactions(counts.transactions));
    }
    if counts.signatures > VALIDATORS_MAX {
        return Err(BlockBytesRejected::TooManySignatures(counts.signatures));
    }
    Ok(())
}

fn malformed(reason: impl ToString) -> BlockBytesRejected {
    BlockBytesRejected::Malformed(reason.to_string())
}

#[cfg(test)]
mod tests;
