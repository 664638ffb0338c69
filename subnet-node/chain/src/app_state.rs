//! What the state after a block is, as one hash: a header's `app_hash`.
//!
//! ```text
//!              app hash
//!             /        \
//!          inner      leaf 2        leaf = entry number (1 byte) ‖ value
//!         /     \        │
//!     leaf 0  leaf 1     └─ outbox root (CID bytes)
//!       │        └─ receipts root (32 bytes)
//!       └─ state root (CID bytes)
//! ```
//!
//! A simple-Merkle tree (see [`crate::merkle`]) over a fixed list, so a proof of one entry is two hashes. The list grows only at
//! its end. Each leaf starts with its number: without it, a proof that claims a tree of another size could pass one entry off
//! as another.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use cid::Cid;
use serde::{Deserialize, Serialize};
use tributary_primitives::{Hash32, Height};

use crate::merkle::{self, MerkleProof};

/// The height whose outcome the header of `header_height` commits to: the one before.
///
/// The one place that knows of this shift. Header H carries the app hash and the results after block H - 1, so that executing a block
/// overlaps deciding on the next; header 1 carries the state of genesis. Height 0 has no header: `None`.
#[must_use]
pub const fn state_height_of_header(header_height: Height) -> Option<Height> {
    header_height.previous()
}

/// The roots after one block.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppState {
    /// Root of the actors' state tree.
    pub state_root: Cid,
    /// Root of the block's receipts.
    pub receipts_root: Hash32,
    /// Root of the messages queued for other networks.
    pub outbox_root: Cid,
}

/// One entry of the list, by its number.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AppEntry {
    /// Entry 0.
    StateRoot,
    /// Entry 1.
    ReceiptsRoot,
    /// Entry 2.
    OutboxRoot,
}

impl AppEntry {
    const ALL: [Self; 3] = [Self::StateRoot, Self::ReceiptsRoot, Self::OutboxRoot];

    const fn number(self) -> u8 {
        match self {
            Self::StateRoot => 0,
            Self::ReceiptsRoot => 1,
            Self::OutboxRoot => 2,
        }
    }

    fn leaf(self, value: &[u8]) -> Vec<u8> {
        [&[self.number()], value].concat()
    }
}

impl AppState {
    /// The hash a header carries. Cost: five hashes.
    #[must_use]
    pub fn app_hash(&self) -> AppHash {
        AppHash(merkle::root(&self.leaves()))
    }

    /// Proves the value of one entry.
    #[must_use]
    pub fn prove(&self, entry: AppEntry) -> EntryProof {
        let path = MerkleProof::of(&self.leaves(), usize::from(entry.number())).expect("every entry has a leaf");
        EntryProof { entry, value: self.value(entry), path }
    }

    fn value(&self, entry: AppEntry) -> Vec<u8> {
        match entry {
            AppEntry::StateRoot => self.state_root.to_bytes(),
            AppEntry::ReceiptsRoot => self.receipts_root.0.to_vec(),
            AppEntry::OutboxRoot => self.outbox_root.to_bytes(),
        }
    }

    fn leaves(&self) -> [Vec<u8>; 3] {
        AppEntry::ALL.map(|entry| entry.leaf(&self.value(entry)))
    }
}

/// An entry, its value and its way to the app hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryProof {
    /// Which entry.
    pub entry: AppEntry,
    /// A CID's bytes, or 32 bytes of hash.
    pub value: Vec<u8>,
    /// From the entry's leaf to the app hash.
    pub path: MerkleProof,
}

impl EntryProof {
    /// Whether the entry has this value under `app_hash`. Cost: a few hashes.
    #[must_use]
    pub fn leads_to(&self, app_hash: AppHash) -> bool {
        let numbered = self.path.index == u64::from(self.entry.number());
        numbered && self.path.root_from(&self.entry.leaf(&self.value)) == Some(app_hash.0)
    }
}

/// The root over [`AppState`]'s entries. 32 bytes.
#[derive(Copy, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AppHash(pub Hash32);

impl AppHash {
    /// As a header holds it.
    #[must_use]
    pub fn to_tendermint(self) -> tendermint::AppHash {
        self.0.0.to_vec().try_into().expect("any bytes are an app hash to Tendermint")
    }
}

impl fmt::Display for AppHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for AppHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl BorshSerialize for AppHash {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        BorshSerialize::serialize(&self.0.0, writer)
    }
}

impl BorshDeserialize for AppHash {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        BorshDeserialize::deserialize_reader(reader).map(|hash| Self(Hash32(hash)))
    }
}

#[cfg(test)]
mod tests {
    use tributary_primitives::cbor_cid;

    use super::*;

    fn state() -> AppState {
        AppState { state_root: cbor_cid(b"state"), receipts_root: Hash32([7; 32]), outbox_root: cbor_cid(b"outbox") }
    }

    #[test]
    fn the_hash_is_pinned() {
        assert_eq!(
            state().app_hash().to_string(),
            "0x4f10f8e8e2ddce1f9a4efaa7950c84988732da808c4fbe465aeba0cd5878a058"
        );
    }

    #[test]
    fn each_entry_is_proved_and_passes_for_no_other() {
        let hash = state().app_hash();
        for entry in AppEntry::ALL {
            let proof = state().prove(entry);
            assert!(proof.leads_to(hash));
            for other in AppEntry::ALL.into_iter().filter(|other| *other != entry) {
                let index = u64::from(other.number());
                assert!(!EntryProof { entry: other, ..proof.clone() }.leads_to(hash));
                for total in 1..=4 {
                    let path = MerkleProof { total, index, ..proof.path.clone() };
                    assert!(!EntryProof { entry: other, path, ..proof.clone() }.leads_to(hash));
                }
            }
            assert!(!EntryProof { value: vec![1], ..proof }.leads_to(hash));
        }
    }

    #[test]
    fn a_header_commits_to_the_state_before_its_block() {
        assert_eq!(state_height_of_header(Height(5)), Some(Height(4)));
        assert_eq!(state_height_of_header(Height::FIRST), Some(Height::GENESIS));
        assert_eq!(state_height_of_header(Height::GENESIS), None);
    }
}
