//! What the chain knows after a block, as it lies on disk beside it. No header commits to a record, only to [`AppState`](tributary_chain::AppState).

use alloy_primitives::Bloom;
use cid::Cid;
use fvm_ipld_encoding::tuple::{Deserialize_tuple, Serialize_tuple, serde_tuple};
use tributary_chain::CommitCertificate;
use tributary_checkpoint::Checkpoint;
use tributary_fvm::Receipt;
use tributary_primitives::{EthAddress, Hash32};

/// After one block. A DAG-CBOR tuple in the order of the fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct Record {
    /// Root of the state tree.
    pub state_root: Cid,
    /// Root of the block's receipts.
    pub receipts_root: Hash32,
    /// Root of the messages queued for the parent.
    pub outbox_root: Cid,
    /// Tendermint's hash of what the block's transactions returned.
    pub results_hash: Hash32,
    /// Gas the block used.
    pub gas_used: u64,
    /// Base fee of the block, attoTRB per gas.
    pub base_fee: u64,
    /// Base fee of the next one.
    pub next_base_fee: u64,
    /// Time of the block, nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// PREVRANDAO of the block.
    pub randomness: Hash32,
    /// Where the tips of the block went.
    pub proposer: EthAddress,
    /// Name of the last checkpoint cut, at this block or before.
    pub last_checkpoint: Option<Cid>,
    /// The checkpoint cut at this block, if a period ends here.
    pub checkpoint: Option<Checkpoint>,
    /// Bloom filter of the block's logs.
    #[serde(with = "bloom_bytes")]
    pub logs_bloom: Bloom,
}

impl Record {
    /// A period ends with this block.
    pub fn cut(&mut self, checkpoint: Checkpoint) {
        self.last_checkpoint = Some(checkpoint.cid());
        self.checkpoint = Some(checkpoint);
    }

    /// As it lies on disk.
    #[must_use]
    pub fn to_cbor(&self) -> Vec<u8> {
        fvm_ipld_encoding::to_vec(self).expect("a record of CIDs, hashes and numbers has a DAG-CBOR form")
    }

    /// Reads what [`Self::to_cbor`] wrote.
    ///
    /// # Errors
    /// What the decoder said.
    pub fn from_cbor(bytes: &[u8]) -> Result<Self, String> {
        fvm_ipld_encoding::from_slice(bytes).map_err(|why| why.to_string())
    }
}

/// A block's receipts as they lie on disk.
#[must_use]
pub fn encode_receipts(receipts: &[Receipt]) -> Vec<u8> {
    fvm_ipld_encoding::to_vec(receipts).expect("receipts have a DAG-CBOR form")
}

/// Reads what [`encode_receipts`] wrote.
///
/// # Errors
/// What the decoder said.
pub fn decode_receipts(bytes: &[u8]) -> Result<Vec<Receipt>, String> {
    fvm_ipld_encoding::from_slice(bytes).map_err(|why| why.to_string())
}

/// A commit certificate as it lies on disk.
#[must_use]
pub fn encode_certificate(certificate: &CommitCertificate) -> Vec<u8> {
    borsh::to_vec(certificate).expect("writing to memory does not fail")
}

/// Reads what [`encode_certificate`] wrote.
///
/// # Errors
/// What the decoder said.
pub fn decode_certificate(bytes: &[u8]) -> Result<CommitCertificate, String> {
    borsh::from_slice(bytes).map_err(|why| why.to_string())
}

/// A bloom filter as plain bytes: none where nothing was logged.
mod bloom_bytes {
    use alloy_primitives::Bloom;
    use fvm_ipld_encoding::strict_bytes;
    use serde::de::Error as _;
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bloom: &Bloom, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = if bloom.is_zero() { &[] } else { bloom.as_slice() };
        strict_bytes::serialize(bytes, serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bloom, D::Error> {
        let bytes: Vec<u8> = strict_bytes::deserialize(deserializer)?;
        if bytes.is_empty() {
            return Ok(Bloom::ZERO);
        }
        Bloom::try_from(bytes.as_slice())
            .map_err(|_| D::Error::invalid_length(bytes.len(), &"a bloom filter of 256 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use tributary_primitives::cbor_cid;

    use super::*;

    fn record(logs_bloom: Bloom) -> Record {
        Record {
            state_root: cbor_cid(b"state"),
            receipts_root: Hash32([1; 32]),
            outbox_root: cbor_cid(b"outbox"),
            results_hash: Hash32([2; 32]),
            gas_used: 3,
            base_fee: 4,
            next_base_fee: 5,
            time_ns: 6,
            randomness: Hash32([7; 32]),
            proposer: EthAddress([8; 20]),
            last_checkpoint: None,
            checkpoint: None,
            logs_bloom,
        }
    }

    #[test]
    fn a_record_reads_back_and_takes_a_bloom_only_where_something_was_logged() {
        let (quiet, loud) = (record(Bloom::ZERO), record(Bloom::repeat_byte(9)));
        for one in [&quiet, &loud] {
            assert_eq!(Record::from_cbor(&one.to_cbor()).as_ref(), Ok(one));
        }
        let bloom = 256 + 2;
        assert_eq!(loud.to_cbor().len() - quiet.to_cbor().len(), bloom, "and the two bytes of its length");
    }

    #[test]
    fn a_bloom_of_another_length_is_none() {
        let mut bytes = record(Bloom::ZERO).to_cbor();
        assert_eq!(bytes.pop(), Some(0x40), "no bytes");
        bytes.extend([0x41, 9]);
        assert!(Record::from_cbor(&bytes).unwrap_err().contains("a bloom filter of 256 bytes"));
    }
}
