//! Whether a proposal's transactions are well formed and within the block's limits.
//!
//! What depends on the state (nonces, funds) is not asked here: a decided block may hold a transaction that turns out void, and
//! execution skips it. So a proposal can be judged before the block below it was executed.

use std::collections::HashSet;

use tributary_message::{Transaction, TransactionRejected};

use crate::mempool::ChainRules;

/// Why a proposal's transactions are refused. The proposer is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposalRejected {
    /// Bytes that are no transaction of this chain.
    #[error("transaction {index} of the proposal: {why}")]
    NotATransaction {
        /// Position in the block.
        index: usize,
        /// What is wrong with it.
        why: TransactionRejected,
    },
    /// More bytes than a transaction of this chain may have.
    #[error("transaction {index} of the proposal has {bytes} bytes; this chain allows {most} at most")]
    TooLarge {
        /// Position in the block.
        index: usize,
        /// Its bytes.
        bytes: usize,
        /// Most of this chain.
        most: usize,
    },
    /// The same transaction twice.
    #[error("transaction {index} of the proposal stands in it twice")]
    Duplicate {
        /// Position of the second one.
        index: usize,
    },
    /// More messages from f3 than the gas of a block includes.
    #[error("{count} messages of the proposal have BLS signatures; the gas of a block includes {most} at most")]
    TooManyPairings {
        /// How many.
        count: usize,
        /// Most.
        most: usize,
    },
    /// More gas than a block has.
    #[error("transactions of the proposal may use {gas} gas; a block has {limit}")]
    GasAboveBlock {
        /// Sum of their limits, in the block's gas.
        gas: u64,
        /// Gas of a block.
        limit: u64,
    },
}

/// Refuses a proposal whose signatures cost more to verify than its gas pays for, before any is verified: one BLS signature takes as long as
/// thirty others. `most` messages with one are included by a whole block's gas. Cost: some microseconds for each FVM message.
///
/// # Errors
/// [`ProposalRejected::TooManyPairings`].
pub fn judge_pairings(raw: &[impl AsRef<[u8]>], most: usize) -> Result<(), ProposalRejected> {
    match raw.iter().filter(|raw| Transaction::costly(raw.as_ref()).is_some()).count() {
        count if count > most => Err(ProposalRejected::TooManyPairings { count, most }),
        _ => Ok(()),
    }
}

/// The proposal's transactions, if they may stand in one block.
///
/// `read` is what reading them in order came to. Whoever reads them looks first whether they were read before: who signed is
/// recovered once.
///
/// # Errors
/// [`ProposalRejected`] for the first fault.
pub fn judge_transactions(
    read: Vec<Result<Transaction, TransactionRejected>>,
    rules: ChainRules,
) -> Result<Vec<Transaction>, ProposalRejected> {
    let mut seen = HashSet::with_capacity(read.len());
    let mut gas = 0_u64;
    let mut transactions = Vec::with_capacity(read.len());
    for (index, read) in read.into_iter().enumerate() {
        let transaction = read.map_err(|why| ProposalRejected::NotATransaction { index, why })?;
        let (bytes, most) = (transaction.raw().len(), rules.transaction_bytes_max);
        if bytes > most {
            return Err(ProposalRejected::TooLarge { index, bytes, most });
        }
        if !seen.insert(transaction.hash()) {
            return Err(ProposalRejected::Duplicate { index });
        }
        gas = gas.saturating_add(transaction.block_gas_limit(rules.fvm_gas_per_gas));
        if gas > rules.block_gas_limit {
            return Err(ProposalRejected::GasAboveBlock { gas, limit: rules.block_gas_limit });
        }
        transactions.push(transaction);
    }
    Ok(transactions)
}

#[cfg(test)]
mod tests {
    use fvm_ipld_encoding::RawBytes;
    use fvm_shared::address::Address;
    use fvm_shared::econ::TokenAmount;
    use fvm_shared::message::Message;
    use tributary_crypto::BlsSecretKey;
    use tributary_message::FvmTransaction;

    use super::*;
    use crate::mempool::tests::{RULES, transfer};

    fn judge_by(rules: ChainRules, raw: &[Vec<u8>]) -> Result<usize, ProposalRejected> {
        let read = raw.iter().map(|raw| Transaction::decode(raw, 7)).collect();
        judge_transactions(read, rules).map(|transactions| transactions.len())
    }

    fn judge(raw: &[Vec<u8>]) -> Result<usize, ProposalRejected> {
        judge_by(RULES, raw)
    }

    #[test]
    fn each_fault_is_refused_for_its_own_reason() {
        let (one, two) = (transfer(1, 0, 10).raw().to_vec(), transfer(2, 0, 10).raw().to_vec());
        assert_eq!(judge(&[one.clone(), two]), Ok(2));
        assert_eq!(judge(&[one.clone(), one.clone()]), Err(ProposalRejected::Duplicate { index: 1 }));
        let refusal = judge(&[one.clone(), vec![9]]).unwrap_err();
        assert!(matches!(refusal, ProposalRejected::NotATransaction { index: 1, .. }), "{refusal}");
        let bytes = one.len();
        let narrow = ChainRules { transaction_bytes_max: bytes - 1, ..RULES };
        let refusal = Err(ProposalRejected::TooLarge { index: 0, bytes, most: bytes - 1 });
        assert_eq!(judge_by(narrow, std::slice::from_ref(&one)), refusal);
        let as_large = ChainRules { transaction_bytes_max: bytes, ..RULES };
        assert_eq!(judge_by(as_large, std::slice::from_ref(&one)), Ok(1));
        let many: Vec<_> = (0..6).map(|nonce| transfer(1, nonce, 10).raw().to_vec()).collect();
        assert_eq!(judge(&many), Err(ProposalRejected::GasAboveBlock { gas: 126_000, limit: 105_000 }));
    }

    #[test]
    fn more_bls_signatures_than_a_block_pays_for_are_not_even_verified() {
        let unsigned = Message {
            version: 0,
            from: Address::new_id(0),
            to: Address::new_id(100),
            sequence: 0,
            value: TokenAmount::default(),
            method_num: 0,
            params: RawBytes::default(),
            gas_limit: 1,
            gas_fee_cap: TokenAmount::default(),
            gas_premium: TokenAmount::default(),
        };
        let key = BlsSecretKey::from_bytes(&[7; 32]).unwrap();
        let mut from_f3 = FvmTransaction::sign_bls(unsigned, &key, 7).unwrap().raw().to_vec();
        *from_f3.last_mut().unwrap() ^= 1;
        let raw = [from_f3.clone(), transfer(1, 0, 10).raw().to_vec(), vec![0x82], from_f3];
        assert_eq!(judge_pairings(&raw, 2), Ok(()));
        assert_eq!(judge_pairings(&raw, 1), Err(ProposalRejected::TooManyPairings { count: 2, most: 1 }));
    }
}
