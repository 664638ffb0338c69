//! What became of one transaction, and the root that commits to all of a block's.
//!
//! A receipt is a DAG-CBOR tuple in the order of the fields below. A block's receipts are the leaves of a simple Merkle tree,
//! the one Tendermint uses for its own lists: a proof that a transaction ran is then log₂ n hashes, checked by the same code as
//! a proof of an entry of the block's header. Filecoin's AMT would prove the same with blocks of IPLD that nobody else reads.
//!
//! Source: RFC 6962, section 2.1, as in CometBFT `crypto/merkle`.

use fvm_ipld_encoding::tuple::{Deserialize_tuple, Serialize_tuple, serde_tuple};
use fvm_ipld_encoding::{strict_bytes, to_vec};
use fvm_shared::ActorID;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use multihash_codetable::{Code, MultihashDigest};
use tributary_primitives::{EthAddress, Hash32};

mod said;

pub use said::Said;

/// What became of one transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct Receipt {
    /// The transaction.
    pub transaction: Hash32,
    /// Zero, or why nothing but the nonce and the fee changed.
    pub exit_code: ExitCode,
    /// What it took of the block, in block gas.
    pub gas_used: u64,
    /// The same in FVM gas; zero for an Ethereum transaction.
    pub fvm_gas_used: u64,
    /// What it paid for a unit of gas, in attoTRB: of block gas for an Ethereum transaction, of FVM gas for an FVM message.
    pub effective_gas_price: TokenAmount,
    /// What the call returned: also a contract's reason for reverting.
    #[serde(with = "strict_bytes")]
    pub return_data: Vec<u8>,
    /// The contract that an Ethereum transaction without receiver made.
    pub contract: Option<EthAddress>,
    /// In the order of emission; none when the exit code is not zero.
    pub events: Vec<Event>,
    /// Whether the transaction did not run at all: its nonce or its sender's funds did not allow it. No fee, no change.
    pub skipped: bool,
}

/// An event, and who emitted it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct Event {
    /// The actor.
    pub emitter: ActorID,
    /// Its Ethereum address: its own if it has one, the masked id otherwise.
    pub address: EthAddress,
    /// What it says.
    pub said: Said,
}

impl Receipt {
    /// The receipt of a transaction that did not run.
    #[must_use]
    pub fn skipped(transaction: Hash32, reason: ExitCode) -> Self {
        Self {
            transaction,
            exit_code: reason,
            gas_used: 0,
            fvm_gas_used: 0,
            effective_gas_price: TokenAmount::default(),
            return_data: Vec::new(),
            contract: None,
            events: Vec::new(),
            skipped: true,
        }
    }

    /// The bytes that the receipts root commits to.
    #[must_use]
    pub fn to_cbor(&self) -> Vec<u8> {
        to_vec(self).expect("a receipt holds nothing that DAG-CBOR cannot hold")
    }
}

/// The root of a block's receipts, in the order of its transactions. Cost: two SHA-256 a receipt.
#[must_use]
pub fn receipts_root(receipts: &[Receipt]) -> Hash32 {
    let leaves: Vec<_> = receipts.iter().map(|receipt| sha256(&[&[0], &receipt.to_cbor()])).collect();
    Hash32(merkle_root(&leaves))
}

/// The root over hashed leaves; the hash of nothing when there are none.
fn merkle_root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().div_ceil(2).next_power_of_two());
            sha256(&[&[1], &merkle_root(left), &merkle_root(right)])
        }
    }
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    Code::Sha2_256.digest(&parts.concat()).digest().try_into().expect("SHA-256 gives 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(gas_used: u64) -> Receipt {
        Receipt { gas_used, skipped: false, ..Receipt::skipped(Hash32([7; 32]), ExitCode::OK) }
    }

    #[test]
    fn a_receipt_reads_back_from_its_cbor() {
        let receipt = Receipt { contract: Some(EthAddress([3; 20])), return_data: vec![1, 2], ..receipt(21_000) };
        assert_eq!(fvm_ipld_encoding::from_slice::<Receipt>(&receipt.to_cbor()).unwrap(), receipt);
    }

    #[test]
    fn the_split_is_at_the_largest_power_of_two_below_the_length() {
        for (length, left) in [(2usize, 1), (3, 2), (4, 2), (5, 4), (8, 4), (9, 8)] {
            assert_eq!(length.div_ceil(2).next_power_of_two(), left, "{length}");
        }
    }

    #[test]
    fn the_root_depends_on_every_receipt_and_on_their_order() {
        let (a, b, c) = (receipt(1), receipt(2), receipt(3));
        let root = receipts_root(&[a.clone(), b.clone(), c.clone()]);
        assert_ne!(root, receipts_root(&[b.clone(), a.clone(), c]));
        assert_ne!(root, receipts_root(&[a, b]));
        let empty = "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(receipts_root(&[]).to_string(), empty, "RFC 6962's root of an empty tree");
    }
}
