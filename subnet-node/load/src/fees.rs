//! What a transaction may pay, and what a sender needs. A law, in wei, which are attoTRB on a chain of ours.
//!
//! A chain that is full raises its base fee by an eighth every block, so a cap near today's fee would end the run within seconds. The
//! cap is as far above as the sender's money bears; what is paid is the base fee of the block and the tip.

/// Transactions of one sender that a node holds against its money at once: as many as one of ours lets wait.
const COVERED: u128 = 1_024;
/// How far above today's base fee senders are given money for.
const FUNDED_HEADROOM: u128 = 1_000;
/// How far above today's base fee the cap ever is.
const HEADROOM_MAX: u128 = 1_000_000_000;
/// Least that the cap is above today's base fee; with less, a full chain prices the run out at once.
const HEADROOM_MIN: u128 = 2;

/// What a transaction offers for a unit of gas.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Fees {
    /// At most, with the tip.
    pub cap: u128,
    /// Beyond the base fee.
    pub tip: u128,
}

/// A sender's money bears no fee that would last.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the senders are too poor: {money} wei each bear a fee of {bears} wei per gas, and the chain asks {base_fee} already; \
     give the key that pays more money, or take fewer --senders"
)]
pub struct MoneyRejected {
    money: u128,
    bears: u128,
    base_fee: u128,
}

impl Fees {
    /// Of transactions that use up to `gas`, for senders that hold `money` each.
    ///
    /// # Errors
    /// [`MoneyRejected`] where twice the base fee is more than they can promise.
    pub fn borne_by(money: u128, gas: u64, base_fee: u128, tip: u128) -> Result<Self, MoneyRejected> {
        let bears = money / COVERED / u128::from(gas.max(1));
        let cap = bears.min(base_fee.max(1).saturating_mul(HEADROOM_MAX).max(tip));
        if cap < base_fee.saturating_mul(HEADROOM_MIN).saturating_add(tip) {
            return Err(MoneyRejected { money, bears, base_fee });
        }
        Ok(Self { cap, tip })
    }
}

/// What a sender is given who has too little, from a purse with so much for each.
#[must_use]
pub fn grant(purse: u128, gas: u64, base_fee: u128, tip: u128) -> u128 {
    let wanted = base_fee.max(1).saturating_mul(FUNDED_HEADROOM).saturating_add(tip);
    wanted.saturating_mul(u128::from(gas)).saturating_mul(COVERED).min(purse)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GWEI: u128 = 1_000_000_000;

    #[test]
    fn the_cap_is_as_high_as_the_money_bears() {
        let cap = |money, base_fee, tip| Fees::borne_by(money, 21_000, base_fee, tip).map(|fees| fees.cap).ok();
        for (money, base_fee, tip, expected) in [
            (21_000 * 1_024 * 50 * GWEI, GWEI, 0, Some(50 * GWEI)),
            (u128::MAX, GWEI, GWEI, Some(GWEI * HEADROOM_MAX)),
            (u128::MAX, 0, 0, Some(HEADROOM_MAX)),
            (u128::MAX, 0, 5 * GWEI, Some(5 * GWEI)),
            (21_000 * 1_024 * 2 * GWEI, GWEI, 0, Some(2 * GWEI)),
            (21_000 * 1_024 * 2 * GWEI, GWEI, 1, None),
            (21_000 * 1_024 * 2 * GWEI - 1, GWEI, 0, None),
            (0, GWEI, 0, None),
        ] {
            assert_eq!(cap(money, base_fee, tip), expected, "{money} {base_fee} {tip}");
        }
    }

    #[test]
    fn a_grant_lasts_while_the_base_fee_rises_a_thousandfold_unless_the_purse_is_small() {
        let full = grant(u128::MAX, 21_000, GWEI, GWEI);
        assert_eq!(Fees::borne_by(full, 21_000, GWEI, GWEI).unwrap(), Fees { cap: 1_001 * GWEI, tip: GWEI });
        assert_eq!(grant(7, 21_000, GWEI, GWEI), 7);
    }
}
