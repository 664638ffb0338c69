//! Amounts as people write them.
//!
//! | text | of the chain's tokens | of a contract's |
//! |---|---|---|
//! | `1.5TRB` | 1.5 TRB | |
//! | `1000` | attoTRB (10^-18 TRB), as everywhere in this project | that many whole tokens |
//! | `1.5` | refused: is it TRB? | one and a half, by the contract's `decimals` |
//! | `1000units` | | the contract's smallest units |
//!
//! Nothing is ever rounded: an amount with more decimals than there are is refused.

use alloy_primitives::U256;

/// Decimals of the chain's own token.
pub const TRB_DECIMALS: u8 = 18;
/// At most this much of a text is shown in a refusal.
const SHOWN_CHARACTERS_MAX: usize = 80;

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountRejected {
    /// Of the chain's token.
    #[error("{0:?} is not an amount like 1.5TRB (at most 18 decimals), or 1000 for attoTRB; below 2^128 attoTRB")]
    NotTrb(String),
    /// Of a contract's token.
    #[error("{text:?} is not an amount of a token with {decimals} decimals, like 1.5 or 1000units")]
    NotTokens {
        /// What was given, cut short.
        text: String,
        /// What the contract has.
        decimals: u8,
    },
}

/// Reads an amount of the chain's token; attoTRB.
///
/// # Errors
/// [`AmountRejected::NotTrb`].
pub fn parse_trb(text: &str) -> Result<u128, AmountRejected> {
    let read = match text.strip_suffix("TRB").or_else(|| text.strip_suffix("trb")) {
        Some(trb) => parse(trb.trim_end(), TRB_DECIMALS),
        None => parse(text, 0),
    };
    read.and_then(|amount| u128::try_from(amount).ok()).ok_or_else(|| AmountRejected::NotTrb(shown(text)))
}

/// Reads an amount of a token whose contract has so many decimals; its smallest units.
///
/// # Errors
/// [`AmountRejected::NotTokens`].
pub fn parse_tokens(text: &str, decimals: u8) -> Result<U256, AmountRejected> {
    let read = match text.strip_suffix("units") {
        Some(units) => parse(units.trim_end(), 0),
        None => parse(text, decimals),
    };
    read.ok_or_else(|| AmountRejected::NotTokens { text: shown(text), decimals })
}

/// `units` in decimals, without zeros that say nothing.
#[must_use]
pub fn in_decimals(units: U256, decimals: u8) -> String {
    let digits = units.to_string();
    let places = usize::from(decimals);
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

/// attoTRB as TRB.
#[must_use]
pub fn in_trb(atto: u128) -> String {
    format!("{} TRB", in_decimals(U256::from(atto), TRB_DECIMALS))
}

/// A decimal number times 10^`decimals`, if that is whole and fits.
fn parse(text: &str, decimals: u8) -> Option<U256> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let places = usize::from(decimals);
    let has_fraction = text.contains('.');
    if !digits(whole) || !digits(fraction) || (has_fraction && fraction.len() > places) {
        return None;
    }
    let fraction = if has_fraction { fraction } else { "" };
    U256::from_str_radix(&format!("{whole}{fraction:0<places$}"), 10).ok()
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRB: u128 = 1_000_000_000_000_000_000;

    #[test]
    fn the_chains_amounts_are_atto_or_carry_their_unit() {
        for (text, atto) in [
            ("0", 0),
            ("1000", 1_000),
            ("1TRB", TRB),
            ("1.5TRB", 3 * TRB / 2),
            ("0.000000000000000001 trb", 1),
            ("340282366920938463463374607431768211455", u128::MAX),
        ] {
            assert_eq!(parse_trb(text), Ok(atto), "{text}");
        }
        for text in [
            "",
            "-1",
            "+1",
            "1.5",
            "TRB",
            ".5TRB",
            "1.TRB",
            "1e3",
            "0x10",
            "1_000",
            "1.0000000000000000001TRB",
            "340282366920938463464TRB",
            "340282366920938463463374607431768211456",
        ] {
            assert_eq!(parse_trb(text), Err(AmountRejected::NotTrb(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn a_tokens_amounts_are_whole_tokens_or_its_units() {
        for (text, decimals, units) in
            [("1.5", 6, 1_500_000), ("2", 6, 2_000_000), ("2", 0, 2), ("7units", 6, 7), ("0.000001", 6, 1)]
        {
            assert_eq!(parse_tokens(text, decimals), Ok(U256::from(units)), "{text}");
        }
        let most = U256::MAX.to_string();
        assert_eq!(parse_tokens(&most, 0), Ok(U256::MAX));
        for (text, decimals) in [("1.5", 0), ("0.0000001", 6), ("1.5units", 6), ("", 6), ("-1", 6), (most.as_str(), 1)]
        {
            assert!(parse_tokens(text, decimals).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_shown_reads_back() {
        for (units, decimals, text) in [
            (0, 18, "0"),
            (1, 18, "0.000000000000000001"),
            (3 * TRB / 2, 18, "1.5"),
            (10 * TRB, 18, "10"),
            (100, 0, "100"),
            (120, 2, "1.2"),
        ] {
            assert_eq!(in_decimals(U256::from(units), decimals), text);
            assert_eq!(parse(text, decimals), Some(U256::from(units)), "{text}");
        }
        assert_eq!(in_trb(TRB / 4), "0.25 TRB");
        assert!(in_decimals(U256::MAX, 255).starts_with("0.000"));
    }
}
