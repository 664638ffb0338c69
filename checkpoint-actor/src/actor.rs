//! How to talk to a checkpoint actor: its methods, what they take and give, and the event it emits.
//!
//! | method | number | parameters | returns |
//! |---|---|---|---|
//! | `Constructor` | [`CONSTRUCTOR`] | [`ConstructorParams`] | nothing |
//! | `SubmitCheckpoint` | [`SUBMIT_CHECKPOINT`] | [`CheckpointCertificate`] | nothing |
//! | `LatestCheckpoint` | [`LATEST_CHECKPOINT`] | nothing | [`CertificateReturn`] |
//! | `CheckpointAt` | [`CHECKPOINT_AT`] | [`CheckpointAtParams`] | [`CertificateReturn`] |
//! | `Subnet` | [`SUBNET`] | nothing | [`Registration`](crate::Registration) |
//!
//! Parameters and returns travel with codec CBOR (0x51), not DAG-CBOR: a checkpoint holds CIDs of the *child's* blocks, and
//! DAG-CBOR would make the parent look for them in its own store.
//!
//! Anyone may call any method but the constructor, which only the init actor calls. Numbers of methods are the hash of the
//! name. Source: FRC-0042, "Calling convention for hashed method name".

use fvm_ipld_encoding::tuple::{Deserialize_tuple, Serialize_tuple, serde_tuple};
use fvm_shared::MethodNum;
use tributary_primitives::{Height, SubnetId};

use crate::checkpoint::CheckpointCertificate;
use crate::registration::Candidate;

/// Registers the subnet; called once, by the init actor.
pub const CONSTRUCTOR: MethodNum = 1;
/// Hands in a certificate.
pub const SUBMIT_CHECKPOINT: MethodNum = 1_487_690_799;
/// Asks for the latest accepted certificate.
pub const LATEST_CHECKPOINT: MethodNum = 3_351_908_393;
/// Asks for the certificate accepted at a height.
pub const CHECKPOINT_AT: MethodNum = 1_768_416_485;
/// Asks who is registered here.
pub const SUBNET: MethodNum = 3_574_622_209;

/// What registers a subnet. Its id is `parent` and then the id that the new actor gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct ConstructorParams {
    /// The network the actor is made on.
    pub parent: SubnetId,
    /// Blocks from one checkpoint to the next.
    pub checkpoint_period: u64,
    /// The first validator set; a candidate's position is its bit in every certificate's bitmap.
    pub validators: Vec<Candidate>,
}

/// Which certificate.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct CheckpointAtParams {
    /// Height of its checkpoint.
    pub height: Height,
}

/// An accepted certificate; `None` (CBOR null) if there is none.
pub type CertificateReturn = Option<CheckpointCertificate>;

/// Keys and type of the event that every accepted checkpoint emits. Values are CBOR (0x51) and indexed.
///
/// Source of `$type`: FIP-0083, "Add built-in actor events".
pub mod event {
    /// Key of the event's type.
    pub const TYPE_KEY: &str = "$type";
    /// The type: a checkpoint was accepted.
    pub const CHECKPOINT_ACCEPTED: &str = "checkpoint-accepted";
    /// Key of the checkpoint's height, an unsigned number.
    pub const HEIGHT_KEY: &str = "height";
    /// Key of the checkpoint's CID.
    pub const CID_KEY: &str = "cid";
}

#[cfg(test)]
mod tests {
    use multihash_codetable::{Code, MultihashDigest};
    use tributary_primitives::{BlsPublicKey, BlsSignature, VotingPower};

    use super::*;

    /// The first four bytes of blake2b-512 over `1|name` that make a number not below 2^24, big-endian.
    fn frc42(name: &str) -> MethodNum {
        let digest = Code::Blake2b512.digest(format!("1|{name}").as_bytes());
        let numbers = digest.digest().chunks_exact(4).map(|chunk| u32::from_be_bytes(chunk.try_into().unwrap()));
        numbers.map(MethodNum::from).find(|number| *number >= 1 << 24).unwrap()
    }

    #[test]
    fn the_hash_is_the_one_of_frc_42() {
        assert_eq!(frc42("Receive"), 3_726_118_371, "the universal receiver hook of FRC-0046");
        assert_eq!(frc42("InvokeEVM"), 3_844_450_837, "the EVM actor's InvokeContract");
    }

    #[test]
    fn method_numbers_are_the_hashes_of_their_names() {
        for (name, number) in [
            ("SubmitCheckpoint", SUBMIT_CHECKPOINT),
            ("LatestCheckpoint", LATEST_CHECKPOINT),
            ("CheckpointAt", CHECKPOINT_AT),
            ("Subnet", SUBNET),
        ] {
            assert_eq!(number, frc42(name), "{name}");
        }
    }

    #[test]
    fn the_bytes_of_the_constructor_are_pinned() {
        let candidate =
            Candidate { key: BlsPublicKey([1; 48]), possession: BlsSignature([2; 96]), power: VotingPower(10) };
        let params =
            ConstructorParams { parent: SubnetId::root(7), checkpoint_period: 10, validators: vec![candidate] };
        let cbor = fvm_ipld_encoding::to_vec(&params).unwrap();
        let (key, possession) = ("01".repeat(48), "02".repeat(96));
        assert_eq!(hex::encode(&cbor), format!("838207800a81835830{key}5860{possession}0a"));
        assert_eq!(fvm_ipld_encoding::from_slice::<ConstructorParams>(&cbor).unwrap(), params);
    }
}
