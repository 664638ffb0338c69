//! What a transaction offers for its gas, and how the offer rises when blocks pass it by.
//!
//! Amounts are attoTRB per FVM gas. An offer leaves room for the base fee to double, which EIP-1559 lets happen in six full
//! blocks; what is not needed is not paid. A node replaces a waiting transaction only for an eighth more, so a bump raises both
//! parts by an eighth, rounded up.

/// The premium: a tenth of the base fee, at least [`PREMIUM_MIN`].
const PREMIUM_PART: u128 = 10;

/// Smallest premium. Above zero, so that an eighth more is more.
const PREMIUM_MIN: u128 = 1;

/// What a transaction offers.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Fees {
    /// Most that is paid per FVM gas, base fee and premium together.
    pub cap: u128,
    /// Most that goes to the proposer per FVM gas.
    pub premium: u128,
}

impl Fees {
    /// An offer for a parent whose base fee is `base_fee`: twice that, and the premium.
    #[must_use]
    pub fn quote(base_fee: u128) -> Self {
        let premium = (base_fee / PREMIUM_PART).max(PREMIUM_MIN);
        Self { cap: base_fee.saturating_mul(2).saturating_add(premium), premium }
    }

    /// The offer that may replace this one: at least an eighth more in both parts, and no less than `quote`.
    #[must_use]
    pub fn bumped(self, quote: Self) -> Self {
        Self { cap: an_eighth_more(self.cap).max(quote.cap), premium: an_eighth_more(self.premium).max(quote.premium) }
    }

    /// The offer held under `cap_max`.
    #[must_use]
    pub fn at_most(self, cap_max: u128) -> Self {
        Self { cap: self.cap.min(cap_max), premium: self.premium.min(cap_max) }
    }

    /// Whether a node that has `self` waiting takes `other` in its place.
    #[must_use]
    pub fn is_replaced_by(self, other: Self) -> bool {
        other.cap >= an_eighth_more(self.cap) && other.premium >= an_eighth_more(self.premium)
    }
}

/// `amount` and an eighth of it, rounded up. Saturates.
const fn an_eighth_more(amount: u128) -> u128 {
    amount.saturating_add(amount.div_ceil(8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_lets_the_base_fee_double() {
        for (base_fee, cap, premium) in [(0, 1, 1), (1, 3, 1), (100, 210, 10), (u128::MAX, u128::MAX, u128::MAX / 10)] {
            assert_eq!(Fees::quote(base_fee), Fees { cap, premium }, "base fee {base_fee}");
        }
    }

    #[test]
    fn a_bump_is_an_eighth_rounded_up_and_never_below_todays_quote() {
        let waiting = Fees { cap: 100, premium: 1 };
        assert_eq!(waiting.bumped(Fees::quote(0)), Fees { cap: 113, premium: 2 });
        assert_eq!(waiting.bumped(Fees::quote(1_000)), Fees::quote(1_000));
        assert!(waiting.is_replaced_by(waiting.bumped(Fees::quote(0))));
        assert!(!waiting.is_replaced_by(Fees { cap: 112, premium: 2 }));
        assert!(!waiting.is_replaced_by(Fees { cap: 113, premium: 1 }));
    }

    #[test]
    fn an_offer_never_passes_its_bound() {
        assert_eq!(Fees { cap: 100, premium: 20 }.at_most(10), Fees { cap: 10, premium: 10 });
        assert_eq!(Fees { cap: 100, premium: 20 }.at_most(500), Fees { cap: 100, premium: 20 });
    }
}
