//! Tendermint's simple Merkle tree (RFC 6962's shape over SHA-256), with proofs of one leaf.
//!
//! ```text
//! root = SHA-256(1 ‖ left ‖ right)        left holds the largest power of two smaller than the number of leaves
//! leaf = SHA-256(0 ‖ bytes)
//! ```
//!
//! Roots come from `tendermint`; proofs are made and followed here, since that crate has only their type.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tributary_primitives::Hash32;

/// Most hashes in a proof: a tree of 2^64 leaves.
const AUNTS_MAX: usize = 64;

/// The root over `leaves`; SHA-256 of nothing when there are none. Cost: two hashes a leaf.
#[must_use]
pub fn root(leaves: &[impl AsRef<[u8]>]) -> Hash32 {
    Hash32(tendermint::merkle::simple_hash_from_byte_vectors::<tendermint::crypto::default::Sha256>(leaves))
}

/// The way from one leaf to the root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, BorshSerialize, BorshDeserialize)]
pub struct MerkleProof {
    /// Leaves in the tree.
    pub total: u64,
    /// Which leaf, from 0.
    pub index: u64,
    /// The sibling at each level, lowest first. SHA-256 digests.
    #[serde(with = "aunts")]
    pub aunts: Vec<[u8; 32]>,
}

impl MerkleProof {
    /// The proof of leaf `index`; `None` past the last leaf. Cost: the whole tree is hashed.
    #[must_use]
    pub fn of(leaves: &[impl AsRef<[u8]>], index: usize) -> Option<Self> {
        leaves.get(index)?;
        let mut aunts = Vec::new();
        collect_aunts(leaves, index, &mut aunts);
        Some(Self { total: u64::try_from(leaves.len()).ok()?, index: u64::try_from(index).ok()?, aunts })
    }

    /// The root this proof leads to from `leaf`; `None` when its length does not fit `index` and `total`.
    #[must_use]
    pub fn root_from(&self, leaf: &[u8]) -> Option<Hash32> {
        if self.aunts.len() > AUNTS_MAX {
            return None;
        }
        climb(self.total, self.index, leaf_hash(leaf), &self.aunts).map(Hash32)
    }
}

fn collect_aunts(leaves: &[impl AsRef<[u8]>], index: usize, aunts: &mut Vec<[u8; 32]>) {
    if leaves.len() < 2 {
        return;
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    if index < left.len() {
        collect_aunts(left, index, aunts);
        aunts.push(root(right).0);
    } else {
        collect_aunts(right, index - left.len(), aunts);
        aunts.push(root(left).0);
    }
}

/// Recursion depth is at most 64: `total` halves each time.
fn climb(total: u64, index: u64, leaf: [u8; 32], aunts: &[[u8; 32]]) -> Option<[u8; 32]> {
    if index >= total {
        return None;
    }
    if total == 1 {
        return aunts.is_empty().then_some(leaf);
    }
    let (aunt, below) = aunts.split_last()?;
    let left = total.checked_next_power_of_two()? / 2;
    if index < left {
        climb(left, index, leaf, below).map(|hash| inner_hash(&hash, aunt))
    } else {
        climb(total - left, index - left, leaf, below).map(|hash| inner_hash(aunt, &hash))
    }
}

fn leaf_hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([0]).chain_update(bytes).finalize().into()
}

fn inner_hash(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

mod aunts {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use tributary_primitives::Hash32;

    pub(super) fn serialize<S: Serializer>(aunts: &[[u8; 32]], serializer: S) -> Result<S::Ok, S::Error> {
        aunts.iter().copied().map(Hash32).collect::<Vec<_>>().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<[u8; 32]>, D::Error> {
        Ok(Vec::<Hash32>::deserialize(deserializer)?.into_iter().map(|hash| hash.0).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_leaf_of_every_small_tree_proves_itself_and_nothing_else() {
        for total in 1..=20_u8 {
            let leaves: Vec<[u8; 1]> = (0..total).map(|leaf| [leaf]).collect();
            for index in 0..leaves.len() {
                let proof = MerkleProof::of(&leaves, index).unwrap();
                assert_eq!(proof.root_from(&leaves[index]), Some(root(&leaves)), "leaf {index} of {total}");
                assert_ne!(proof.root_from(&[99]), Some(root(&leaves)));
            }
            assert_eq!(MerkleProof::of(&leaves, leaves.len()), None);
        }
    }

    #[test]
    fn a_proof_of_the_wrong_length_leads_nowhere() {
        let proof = MerkleProof::of(&[[0], [1], [2]], 1).unwrap();
        for crooked in [
            MerkleProof { aunts: vec![], ..proof.clone() },
            MerkleProof { aunts: vec![[0; 32]; 3], ..proof.clone() },
            MerkleProof { aunts: vec![[0; 32]; 65], ..proof.clone() },
            MerkleProof { index: 3, ..proof.clone() },
            MerkleProof { total: 0, ..proof.clone() },
            MerkleProof { total: u64::MAX, ..proof },
        ] {
            assert_eq!(crooked.root_from(&[1]), None, "{crooked:?}");
        }
    }
}
