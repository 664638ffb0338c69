//! What gas costs: the base fee's law, the two units of gas, what being in a block takes, and who gets what is paid.
//!
//! ```text
//! price paid ─┬─ base fee        ─▶ burnt: balance of f099
//!             └─ tip             ─▶ the block's proposer
//! ```
//!
//! Both are folded into the state after the block's last transaction, so transactions do not conflict over the two accounts, and
//! a transaction that reads the proposer's balance does not see the tips of its own block.

use fvm_shared::address::Protocol;
use fvm_shared::crypto::signature::SignatureType;
use fvm_shared::econ::TokenAmount;
use tributary_message::fvm::signature::PREIMAGE_BYTES;
use tributary_wasm::{Gas, prices};

/// The base fee moves by at most 1/8 a block.
///
/// Source: EIP-1559, `BASE_FEE_MAX_CHANGE_DENOMINATOR`.
const CHANGE_DENOMINATOR: u128 = 8;

/// A block's target is half its limit.
///
/// Source: EIP-1559, `ELASTICITY_MULTIPLIER`.
const ELASTICITY: u64 = 2;

/// The base fee of the next block, in attoTRB per unit of block gas; at least `floor`.
///
/// Exact over all of `u64`; held to `u64::MAX`. A limit below two has no target and leaves the fee as it is.
///
/// Source: EIP-1559.
#[must_use]
pub fn next_base_fee(base_fee: u64, gas_used: u64, gas_limit: u64, floor: u64) -> u64 {
    let target = gas_limit / ELASTICITY;
    let change = |distance: u64| {
        let change = u128::from(base_fee) * u128::from(distance) / u128::from(target.max(1)) / CHANGE_DENOMINATOR;
        u64::try_from(change).unwrap_or(u64::MAX)
    };
    let next = match gas_used.cmp(&target) {
        _ if target == 0 => base_fee,
        std::cmp::Ordering::Equal => base_fee,
        std::cmp::Ordering::Greater => base_fee.saturating_add(change(gas_used - target).max(1)),
        std::cmp::Ordering::Less => base_fee.saturating_sub(change(target - gas_used)),
    };
    next.max(floor)
}

/// The base fee per unit of FVM gas, rounded up: nobody runs for nothing.
#[must_use]
pub fn fvm_base_fee(base_fee: u64, fvm_gas_per_gas: u64) -> u64 {
    base_fee.div_ceil(fvm_gas_per_gas.max(1))
}

/// What FVM gas weighs in a block, rounded up.
#[must_use]
pub fn block_gas(fvm_gas: u64, fvm_gas_per_gas: u64) -> u64 {
    fvm_gas.div_ceil(fvm_gas_per_gas.max(1))
}

/// What being in a block costs a message from such an address, of `message_bytes`, signature and all: the reference's price, and from an f3 the verification of
/// its signature, as an actor pays for it.
///
/// A block's gas so bounds how many there are: one takes 0.85 ms, thirty times what a secp256k1 signature does.
///
/// Source: ours. The reference asks nothing for signatures at inclusion, since Filecoin's blocks carry one aggregate for all of their
/// BLS messages; here each has its own.
#[must_use]
pub fn inclusion(from: Protocol, message_bytes: usize) -> Gas {
    let verification = match from {
        Protocol::BLS => prices::signature(SignatureType::BLS, PREIMAGE_BYTES),
        _ => Gas::ZERO,
    };
    prices::inclusion(message_bytes) + verification
}

/// What a transaction pays for a unit of gas; `None` when its cap does not reach the base fee.
///
/// Source: EIP-1559, `effective_gas_price`.
#[must_use]
pub fn effective_price(fee_cap: u128, tip_cap: u128, base_fee: u64) -> Option<u128> {
    let base_fee = u128::from(base_fee);
    let room = fee_cap.checked_sub(base_fee)?;
    Some(base_fee + tip_cap.min(room))
}

/// Tokens that circulate, in attoTRB: what genesis made less what was burnt, never below zero.
#[must_use]
pub fn circulating_supply(genesis_supply: &TokenAmount, burnt: &TokenAmount) -> TokenAmount {
    (genesis_supply - burnt).max(TokenAmount::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_fee_follows_eip_1559() {
        // (base fee, used, limit, next); the first three rows are from go-ethereum's `TestCalcBaseFee`.
        for (base_fee, used, limit, next) in [
            (1_000_000_000, 10_000_000, 20_000_000, 1_000_000_000),
            (1_000_000_000, 9_000_000, 20_000_000, 987_500_000),
            (1_000_000_000, 11_000_000, 20_000_000, 1_012_500_000),
            (1_000_000_000, 20_000_000, 20_000_000, 1_125_000_000),
            (1_000_000_000, 0, 20_000_000, 875_000_000),
            (7, 11_000_000, 20_000_000, 8),
            (100, 0, 0, 100),
            (u64::MAX, u64::MAX, u64::MAX, u64::MAX),
        ] {
            assert_eq!(next_base_fee(base_fee, used, limit, 0), next, "{base_fee} {used} {limit}");
        }
    }

    #[test]
    fn the_base_fee_never_falls_below_its_floor() {
        assert_eq!(next_base_fee(101, 0, 20_000_000, 100), 100);
        assert_eq!(next_base_fee(0, 10_000_000, 20_000_000, 100), 100);
    }

    #[test]
    fn fvm_gas_weighs_and_costs_its_share_rounded_up() {
        for (fvm_gas, weight) in [(0, 0), (1, 1), (500, 1), (501, 2)] {
            assert_eq!(block_gas(fvm_gas, 500), weight);
        }
        assert_eq!((fvm_base_fee(0, 500), fvm_base_fee(1, 500), fvm_base_fee(1_000, 500)), (0, 1, 2));
    }

    /// The preimage is 66 bytes, at 26 gas each.
    #[test]
    fn only_an_f3_pays_for_its_signature_with_its_inclusion() {
        for (from, more) in [(Protocol::BLS, 16_598_605 + 66 * 26), (Protocol::Secp256k1, 0), (Protocol::Delegated, 0)]
        {
            assert_eq!(inclusion(from, 200), prices::inclusion(200) + Gas::new(more), "{from:?}");
        }
    }

    #[test]
    fn the_tip_is_held_to_what_the_cap_leaves() {
        for (cap, tip, base, price) in [
            (10, 2, 5, Some(7)),
            (10, 9, 5, Some(10)),
            (5, 0, 5, Some(5)),
            (4, 0, 5, None),
            (u128::MAX, u128::MAX, 1, Some(u128::MAX)),
        ] {
            assert_eq!(effective_price(cap, tip, base), price);
        }
    }

    #[test]
    fn what_was_burnt_circulates_no_more() {
        let (ten, three) = (TokenAmount::from_atto(10), TokenAmount::from_atto(3));
        assert_eq!(circulating_supply(&ten, &three), TokenAmount::from_atto(7));
        assert_eq!(circulating_supply(&three, &ten), TokenAmount::default());
    }
}
