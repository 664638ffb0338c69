//! A checkpoint: what a subnet says to its parent about one of its heights; and the certificate that a quorum agrees.
//!
//! ```text
//! CheckpointCertificate
//! ├─ checkpoint
//! │   ├─ subnet, height, block_hash
//! │   ├─ state_root        after the block at `height`
//! │   ├─ previous          CID of the checkpoint cut before this one
//! │   ├─ outbox_root, outbox_count
//! │   ├─ configuration     which validator set signs
//! │   └─ supply
//! ├─ signers               one bit for each validator of that set
//! └─ signature             one BLS signature, whatever the number of signers
//! ```
//!
//! Both are DAG-CBOR tuples in this order of fields.

use cid::Cid;
use fvm_ipld_encoding::tuple::{Deserialize_tuple, Serialize_tuple, serde_tuple};
use fvm_shared::econ::TokenAmount;
use tributary_primitives::{BlsSignature, Hash32, Height, SignerBitmap, SubnetId, cbor_cid};

use crate::registration::ConfigurationNumber;

/// Stands before a checkpoint's bytes in what is signed, so that no other signature can be taken for one of a checkpoint.
const CHECKPOINT_DOMAIN: &[u8] = b"tributary/checkpoint/v1";

/// What a subnet commits to on its parent, once in every period of blocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct Checkpoint {
    /// Who speaks.
    pub subnet: SubnetId,
    /// The block after which this holds; a multiple of the subnet's checkpoint period.
    pub height: Height,
    /// Hash of the header of that block.
    pub block_hash: Hash32,
    /// Root of the state tree after that block (the header itself names the root before it).
    pub state_root: Cid,
    /// The checkpoint cut one period earlier, carried to the parent or not; `None` for the first.
    pub previous: Option<Cid>,
    /// Root of the list of messages for the parent.
    pub outbox_root: Cid,
    /// Messages for the parent ever queued, from genesis up to `height`. Never falls.
    pub outbox_count: u64,
    /// The validator set whose quorum signs this.
    pub configuration: ConfigurationNumber,
    /// Native tokens in existence after that block, attoTRB.
    pub supply: TokenAmount,
}

impl Checkpoint {
    /// The DAG-CBOR block whose CID names this checkpoint. About 200 bytes.
    #[must_use]
    pub fn to_block(&self) -> Vec<u8> {
        fvm_ipld_encoding::to_vec(self).expect("a tuple of words; amounts on this chain are far below CBOR's 128 bytes")
    }

    /// The name of this checkpoint: what the next one calls `previous`. Cost: one encoding and one hash.
    #[must_use]
    pub fn cid(&self) -> Cid {
        cbor_cid(&self.to_block())
    }

    /// The bytes that validators sign: `tributary/checkpoint/v1`, then the DAG-CBOR block.
    #[must_use]
    pub fn signing_payload(&self) -> Vec<u8> {
        [CHECKPOINT_DOMAIN, &self.to_block()].concat()
    }
}

/// A checkpoint and the proof that more than two thirds of its validator set's power signed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct CheckpointCertificate {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// Who signed, by position in the validator set that [`Checkpoint::configuration`] names.
    pub signers: SignerBitmap,
    /// The signers' BLS signatures over [`Checkpoint::signing_payload`], aggregated.
    pub signature: BlsSignature,
}

impl CheckpointCertificate {
    /// The CBOR of this certificate: the parameters of `SubmitCheckpoint`, and how the parent keeps it.
    #[must_use]
    pub fn to_cbor(&self) -> Vec<u8> {
        fvm_ipld_encoding::to_vec(self).expect("a tuple of a checkpoint, a bitmap and 96 bytes")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The first checkpoint of `/r31415/f0100`, with nothing in the outbox.
    pub fn first_checkpoint() -> Checkpoint {
        Checkpoint {
            subnet: SubnetId::root(31_415).child(100).unwrap(),
            height: Height(10),
            block_hash: Hash32([0xb1; 32]),
            state_root: cbor_cid(b"state"),
            previous: None,
            outbox_root: cbor_cid(b"outbox"),
            outbox_count: 0,
            configuration: ConfigurationNumber::FIRST,
            supply: TokenAmount::from_whole(1_000_000),
        }
    }

    #[test]
    fn the_bytes_and_the_name_of_a_checkpoint_are_pinned() {
        let checkpoint = first_checkpoint();
        let block = checkpoint.to_block();
        assert_eq!(hex::encode(&block), include_str!("../vectors/checkpoint.hex").trim());
        assert_eq!(checkpoint.cid().to_string(), include_str!("../vectors/checkpoint.cid").trim());
        assert_eq!(fvm_ipld_encoding::from_slice::<Checkpoint>(&block).unwrap(), checkpoint);
    }

    #[test]
    fn validators_sign_the_domain_and_then_the_block() {
        let checkpoint = first_checkpoint();
        let payload = checkpoint.signing_payload();
        assert_eq!(payload.strip_prefix(b"tributary/checkpoint/v1"), Some(checkpoint.to_block().as_slice()));
    }

    #[test]
    fn the_bytes_of_a_certificate_are_pinned() {
        let mut signers = SignerBitmap::none_of(4).unwrap();
        [0, 1, 3].into_iter().for_each(|position| signers.insert(position));
        let certificate =
            CheckpointCertificate { checkpoint: first_checkpoint(), signers, signature: BlsSignature([0x5a; 96]) };
        let cbor = certificate.to_cbor();
        assert_eq!(hex::encode(&cbor), include_str!("../vectors/certificate.hex").trim());
        assert_eq!(fvm_ipld_encoding::from_slice::<CheckpointCertificate>(&cbor).unwrap(), certificate);
    }

    #[test]
    fn a_tuple_with_a_field_more_or_less_is_no_checkpoint() {
        let block = first_checkpoint().to_block();
        assert_eq!(block[0], 0x89, "an array of nine");
        for (head, tail) in [(0x88, &[][..]), (0x8a, &[0x00][..])] {
            let other: Vec<u8> = [&[head], &block[1..], tail].concat();
            assert!(fvm_ipld_encoding::from_slice::<Checkpoint>(&other).is_err(), "{head:#x}");
        }
    }
}
