//! From this chain's words to Ethereum's and back.
//!
//! | module | makes |
//! |---|---|
//! | [`block`] | an Ethereum block of a decided one |
//! | [`transaction`] | an Ethereum transaction with its place in a block |
//! | [`receipt`] | an Ethereum receipt with gas and logs counted through the block |
//! | [`log`] | an Ethereum log of an actor's event, if it has that shape |
//! | [`simulated`] | an Ethereum block of one that was only simulated |
//! | [`outcome`] | a result, or go-ethereum's refusal, of a call's exit code |

pub mod block;
pub mod log;
pub mod outcome;
pub mod receipt;
pub mod simulated;
pub mod transaction;

use alloy_primitives::{Address, B256, U256};
use cid::Cid;
use fvm_shared::bigint::BigInt;
use fvm_shared::econ::TokenAmount;
use num_traits::ToPrimitive;
use tributary_primitives::{EthAddress, Hash32};

/// An address in alloy's words.
pub const fn address(address: EthAddress) -> Address {
    Address::new(address.0)
}

/// A hash in alloy's words.
pub const fn hash(hash: Hash32) -> B256 {
    B256::new(hash.0)
}

/// The 32-byte digest of a CID, which is what fits where Ethereum has a root; zero for a digest of another length.
pub fn digest(cid: &Cid) -> B256 {
    B256::try_from(cid.hash().digest()).unwrap_or_default()
}

/// An amount in wei. Amounts on this chain are never negative and far below 2^256; what is not is held to those ends.
pub fn wei(amount: &TokenAmount) -> U256 {
    let (sign, bytes) = amount.atto().to_bytes_be();
    match sign {
        fvm_shared::bigint::Sign::Minus => U256::ZERO,
        _ => U256::try_from_be_slice(&bytes).unwrap_or(U256::MAX),
    }
}

/// A price per unit of gas; held to the ends of its type.
pub fn price(amount: &TokenAmount) -> u128 {
    amount.atto().to_u128().unwrap_or(if amount.is_negative() { 0 } else { u128::MAX })
}

/// An amount of wei in our words.
pub fn tokens(wei: U256) -> TokenAmount {
    let bytes = wei.to_be_bytes::<32>();
    TokenAmount::from_atto(BigInt::from_bytes_be(fvm_shared::bigint::Sign::Plus, &bytes))
}

/// A length or position as Ethereum counts it.
pub fn count(length: usize) -> u64 {
    u64::try_from(length).expect("lengths in memory are below 2^64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_comes_back_and_what_cannot_be_is_held_to_the_ends() {
        for amount in [TokenAmount::default(), TokenAmount::from_atto(1), TokenAmount::from_whole(1_000_000_000)] {
            assert_eq!(tokens(wei(&amount)), amount);
        }
        assert_eq!(tokens(U256::MAX).atto().to_string(), U256::MAX.to_string());
        assert_eq!(wei(&TokenAmount::from_atto(-1)), U256::ZERO);
        assert_eq!(wei(&TokenAmount::from_atto(BigInt::from(1) << 256)), U256::MAX);
        assert_eq!((price(&TokenAmount::from_atto(-1)), price(&TokenAmount::from_atto(7))), (0, 7));
    }
}
