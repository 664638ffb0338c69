//! What the chain knows after a block, as it lies on disk beside it.

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
