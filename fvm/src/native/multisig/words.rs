//! What is said to a multisig and what it answers: Filecoin's tuples.
//!
//! Source: filecoin-project/builtin-actors, `actors/multisig/src/types.rs`.

use fvm_ipld_encoding::tuple::{Deserialize_tuple, Serialize_tuple, serde_tuple};
use fvm_ipld_encoding::{RawBytes, strict_bytes, to_vec};
use fvm_shared::MethodNum;
use fvm_shared::address::Address;
use fvm_shared::clock::ChainEpoch;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use multihash_codetable::{Code, MultihashDigest};
use serde::{Deserialize, Serialize};

use super::state::SIGNERS_MAX;

/// The number of a proposal, counted from zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct TransactionId(pub(crate) i64);

impl TransactionId {
    /// The number after this one.
    pub(super) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Its key in the map of pending transactions: zigzag, then seven bits a byte, low ones first.
    ///
    /// Source: Protocol Buffers, "Encoding", `sint64`.
    pub(super) fn key(self) -> Vec<u8> {
        let mut rest = ((self.0 << 1) ^ (self.0 >> 63)).cast_unsigned();
        let mut key = Vec::with_capacity(10);
        while rest > 0x7f {
            key.push(rest.to_le_bytes()[0] | 0x80);
            rest >>= 7;
        }
        key.push(rest.to_le_bytes()[0]);
        key
    }
}

/// What the wallet is to do once enough signers approve. Also how it is kept while it waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub(crate) struct Transaction {
    pub(crate) to: Address,
    pub(crate) value: TokenAmount,
    pub(crate) method: MethodNum,
    pub(crate) params: RawBytes,
    /// Who approved, the proposer first.
    pub(crate) approved: Vec<Address>,
}

#[derive(Serialize_tuple)]
struct Proposal<'a> {
    requester: Option<&'a Address>,
    to: &'a Address,
    value: &'a TokenAmount,
    method: MethodNum,
    params: &'a RawBytes,
}

impl Transaction {
    /// What [`Self::hash`] hashes.
    pub(super) fn proposal(&self) -> Vec<u8> {
        let Self { to, value, method, params, approved } = self;
        let proposal = Proposal { requester: approved.first(), to, value, method: *method, params };
        to_vec(&proposal).expect("words and bytes have a CBOR form")
    }

    /// Names the proposal, so that an approval cannot go to another one of the same number: blake2b-256.
    pub(super) fn hash(proposal: &[u8]) -> Vec<u8> {
        Code::Blake2b256.digest(proposal).digest().to_vec()
    }
}

/// Most bytes of [`ConstructorParams`]: the heads of two arrays, three numbers of nine bytes, and as many signers as there may be, each an
/// address of at most 65 bytes under a head of two.
pub(super) const CONSTRUCTOR_BYTES_MAX: usize = 1 + 3 + 3 * 9 + SIGNERS_MAX * (2 + 65);

#[derive(Clone, Debug, Serialize_tuple, Deserialize_tuple)]
pub(crate) struct ConstructorParams {
    pub(crate) signers: Vec<Address>,
    pub(crate) threshold: u64,
    pub(crate) unlock_duration: ChainEpoch,
    pub(crate) start_epoch: ChainEpoch,
}

#[derive(Clone, Debug, Serialize_tuple, Deserialize_tuple)]
pub(crate) struct ProposeParams {
    pub(crate) to: Address,
    pub(crate) value: TokenAmount,
    pub(crate) method: MethodNum,
    pub(crate) params: RawBytes,
}

/// Of `Approve` and `Cancel`. An empty hash stands for any proposal of that number.
#[derive(Clone, Debug, Serialize_tuple, Deserialize_tuple)]
pub(crate) struct TransactionParams {
    pub(crate) id: TransactionId,
    #[serde(with = "strict_bytes")]
    pub(crate) hash: Vec<u8>,
}

#[derive(Clone, Debug, Serialize_tuple, Deserialize_tuple)]
pub(crate) struct AddSignerParams {
    pub(crate) signer: Address,
    pub(crate) increase: bool,
}

#[derive(Clone, Debug, Serialize_tuple, Deserialize_tuple)]
pub(crate) struct RemoveSignerParams {
    pub(crate) signer: Address,
    pub(crate) decrease: bool,
}

#[derive(Clone, Debug, Serialize_tuple, Deserialize_tuple)]
pub(crate) struct SwapSignerParams {
    pub(crate) from: Address,
    pub(crate) to: Address,
}

#[derive(Clone, Debug, Serialize_tuple, Deserialize_tuple)]
pub(crate) struct ThresholdParams {
    pub(crate) threshold: u64,
}

#[derive(Clone, Debug, Serialize_tuple, Deserialize_tuple)]
pub(crate) struct LockBalanceParams {
    pub(crate) start_epoch: ChainEpoch,
    pub(crate) unlock_duration: ChainEpoch,
    pub(crate) amount: TokenAmount,
}

/// Of `Receive`. Source: FRC-0046, "universal receiver".
#[derive(Clone, Debug, Serialize_tuple, Deserialize_tuple)]
pub(crate) struct ReceiverParams {
    pub(crate) kind: u32,
    pub(crate) payload: RawBytes,
}

/// Exit code and return value are of the transaction, and mean nothing while it waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub(crate) struct ProposeReturn {
    pub(crate) id: TransactionId,
    pub(crate) applied: bool,
    pub(crate) code: ExitCode,
    pub(crate) ret: RawBytes,
}

/// As [`ProposeReturn`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub(crate) struct ApproveReturn {
    pub(crate) applied: bool,
    pub(crate) code: ExitCode,
    pub(crate) ret: RawBytes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transactions_key_is_its_signed_varint() {
        for (id, key) in [
            (0, &[0][..]),
            (1, &[2]),
            (-1, &[1]),
            (63, &[126]),
            (64, &[128, 1]),
            (300, &[216, 4]),
            (i64::MAX, &[254, 255, 255, 255, 255, 255, 255, 255, 255, 1]),
            (i64::MIN, &[255, 255, 255, 255, 255, 255, 255, 255, 255, 1]),
        ] {
            assert_eq!(TransactionId(id).key(), key, "{id}");
        }
    }

    #[test]
    fn the_longest_parameters_of_a_constructor_are_not_too_long() {
        // The longest address there is: a namespace of ten bytes, and a subaddress of 54.
        let signer = Address::new_delegated(u64::MAX, &[7; 54]).unwrap();
        let params = ConstructorParams {
            signers: vec![signer; SIGNERS_MAX],
            threshold: u64::MAX,
            unlock_duration: ChainEpoch::MAX,
            start_epoch: ChainEpoch::MIN,
        };
        assert_eq!(to_vec(&params).unwrap().len(), CONSTRUCTOR_BYTES_MAX);
    }

    #[test]
    fn a_proposals_name_covers_all_but_who_approved_later() {
        let one = Transaction {
            to: Address::new_id(100),
            value: TokenAmount::from_atto(5),
            method: 2,
            params: RawBytes::new(vec![1]),
            approved: vec![Address::new_id(101)],
        };
        // [f0101, f0100, 5, 2, h'01'] in CBOR, by hand.
        assert_eq!(one.proposal(), [0x85, 0x42, 0, 101, 0x42, 0, 100, 0x42, 0, 5, 2, 0x41, 1]);
        let hash = |transaction: &Transaction| Transaction::hash(&transaction.proposal());
        let approved = vec![Address::new_id(101), Address::new_id(102)];
        assert_eq!(hash(&one), hash(&Transaction { approved, ..one.clone() }));
        for other in [
            Transaction { to: Address::new_id(99), ..one.clone() },
            Transaction { value: TokenAmount::from_atto(6), ..one.clone() },
            Transaction { method: 3, ..one.clone() },
            Transaction { params: RawBytes::default(), ..one.clone() },
            Transaction { approved: vec![Address::new_id(102)], ..one.clone() },
            Transaction { approved: vec![], ..one.clone() },
        ] {
            assert_ne!(hash(&one), hash(&other), "{other:?}");
        }
    }
}
