//! `last_results_hash`: what the transactions of the block before returned.
//!
//! Simple-Merkle root over the deterministic part of Tendermint's `ExecTxResult`: code, data, gas wanted, gas used, in the block's
//! order. Source: CometBFT `types/results.go`, `NewResults`.

use prost::Message;
use tendermint_proto::v0_38::abci::ExecTxResult;
use tributary_primitives::Hash32;

use crate::merkle;

/// What one transaction returned, as far as all nodes must agree on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransactionResult {
    /// Exit code; 0 is success.
    pub code: u32,
    /// Returned bytes.
    pub data: Vec<u8>,
    /// Gas limit.
    pub gas_wanted: u64,
    /// Gas used.
    pub gas_used: u64,
}

/// The root over `results`; SHA-256 of nothing for an empty block. Cost: two hashes a result.
#[must_use]
pub fn results_hash(results: &[TransactionResult]) -> Hash32 {
    let leaves: Vec<_> = results.iter().map(TransactionResult::encode).collect();
    merkle::root(&leaves)
}

impl TransactionResult {
    fn encode(&self) -> Vec<u8> {
        ExecTxResult {
            code: self.code,
            data: self.data.clone().into(),
            gas_wanted: signed(self.gas_wanted),
            gas_used: signed(self.gas_used),
            ..ExecTxResult::default()
        }
        .encode_to_vec()
    }
}

/// Gas is `i64` on Tendermint's wire; a block's gas limit is far below.
fn signed(gas: u64) -> i64 {
    i64::try_from(gas).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leaf_is_the_protobuf_of_the_four_fields() {
        let result = TransactionResult { code: 2, data: vec![0xab], gas_wanted: 300, gas_used: 21 };
        assert_eq!(result.encode(), [0x08, 2, 0x12, 1, 0xab, 0x28, 0xac, 0x02, 0x30, 21]);
        assert!(TransactionResult::default().encode().is_empty());
    }

    #[test]
    fn order_and_every_field_count() {
        let one = TransactionResult { code: 1, data: vec![1], gas_wanted: 1, gas_used: 1 };
        let mut hashes = vec![
            results_hash(&[]),
            results_hash(&[one.clone(), TransactionResult::default()]),
            results_hash(&[TransactionResult::default(), one.clone()]),
        ];
        for other in [
            one.clone(),
            TransactionResult { code: 2, ..one.clone() },
            TransactionResult { data: vec![2], ..one.clone() },
            TransactionResult { gas_wanted: 2, ..one.clone() },
            TransactionResult { gas_used: 2, ..one },
        ] {
            hashes.push(results_hash(&[other]));
        }
        let count = hashes.len();
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), count);
    }
}
