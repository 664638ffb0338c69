//! What a transaction's gas limit must lie between before it may even wait: below, it could not be included; above, it is not valid.
//!
//! Execution skips a transaction outside of these bounds, and a skipped transaction pays nothing; a mempool asks first, so that nobody
//! fills blocks for free.

use std::ops::RangeInclusive;

use revm::interpreter::gas::calculate_initial_tx_gas_for_tx;
use tributary_message::Transaction;

use crate::evm::{self, SPEC, TRANSACTION_GAS_MAX};
use crate::fees;

/// What the transaction's own gas limit must lie in, both ends included: Ethereum's gas, or the FVM's for a message.
///
/// For an Ethereum transaction from its intrinsic gas, or its calldata's floor if that is higher, to the cap of one transaction; for
/// an FVM message from its inclusion up, in which an f3's signature counts. Cost: a look at each byte of the call data.
///
/// Source: EIP-2028, EIP-2930, EIP-3860, EIP-7623, EIP-7702, EIP-7825.
#[must_use]
pub fn gas_limits(transaction: &Transaction) -> RangeInclusive<u64> {
    match transaction {
        Transaction::Ethereum(transaction) => {
            let needed = calculate_initial_tx_gas_for_tx(evm::transaction(transaction), SPEC, None);
            needed.initial_regular_gas().max(needed.floor_gas)..=TRANSACTION_GAS_MAX
        }
        Transaction::Fvm(message) => {
            fees::inclusion(message.message().from.protocol(), message.raw().len()).round_up()..=u64::MAX
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy_consensus::TxLegacy;
    use alloy_primitives::{Address, TxKind};
    use tributary_crypto::SecpSecretKey;
    use tributary_message::EthereumTransaction;

    use super::*;

    #[test]
    fn bounds_are_those_of_the_eips() {
        let of = |to, input: Vec<u8>| {
            let unsigned = TxLegacy { chain_id: Some(1), to, input: input.into(), ..TxLegacy::default() };
            let signed = EthereumTransaction::sign(unsigned, &SecpSecretKey::from_bytes(&[7; 32]).unwrap());
            *gas_limits(&Transaction::Ethereum(signed.into())).start()
        };
        let call = TxKind::Call(Address::ZERO);
        for (to, input, needed) in [
            (call, vec![], 21_000),
            (call, vec![0; 10], 21_000 + 100),
            (call, vec![1; 10], 21_000 + 400),
            (TxKind::Create, vec![], 53_000),
        ] {
            assert_eq!(of(to, input.clone()), needed, "{input:?}");
        }
    }
}
