//! The two spellings of an amount: the FVM's `TokenAmount` and the EVM's `U256`, both in attoTRB.
//!
//! A balance is never negative and the sum of all is at most `u128::MAX`, which genesis holds; so a balance fits both.

use fvm_shared::bigint::{BigInt, Sign};
use fvm_shared::econ::TokenAmount;
use revm::primitives::U256;

/// `None` for a negative amount and past 2^256.
pub(crate) fn to_u256(amount: &TokenAmount) -> Option<U256> {
    let (sign, bytes) = amount.atto().to_bytes_be();
    match sign {
        Sign::Minus => None,
        Sign::NoSign | Sign::Plus => U256::try_from_be_slice(&bytes),
    }
}

pub(crate) fn to_tokens(amount: U256) -> TokenAmount {
    TokenAmount::from_atto(BigInt::from_bytes_be(Sign::Plus, &amount.to_be_bytes::<32>()))
}

/// `price` for each of `units`, in attoTRB. Exact.
pub(crate) fn fee(price: u128, units: u64) -> U256 {
    U256::from(price).saturating_mul(U256::from(units))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_amount_keeps_its_value() {
        for amount in [0u128, 1, 1 << 64, u128::MAX] {
            let tokens = TokenAmount::from_atto(amount);
            assert_eq!(to_u256(&tokens), Some(U256::from(amount)));
            assert_eq!(to_tokens(U256::from(amount)), tokens);
        }
        assert_eq!(to_u256(&TokenAmount::from_atto(-1)), None);
        assert_eq!(to_u256(&(to_tokens(U256::MAX) + TokenAmount::from_atto(1))), None);
    }
}
