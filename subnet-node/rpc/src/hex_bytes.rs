//! Bytes and 256-bit positions as Ethereum's JSON spells them.

use serde::{Deserialize, Deserializer};

pub use tributary_proof::hex_bytes::{HexBytes, parse};

/// A storage slot: a number of up to 256 bits, or its 32 bytes; `0x` and at most 64 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(pub [u8; 32]);

impl<'de> Deserialize<'de> for Slot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_slot(&String::deserialize(deserializer)?).map(Self).map_err(serde::de::Error::custom)
    }
}

fn parse_slot(text: &str) -> Result<[u8; 32], String> {
    let digits = text.strip_prefix("0x").ok_or("hex string without 0x prefix")?;
    match digits.len() {
        0 => return Err("empty hex string".to_owned()),
        65.. => return Err(format!("a storage slot of {} hex digits; at most 64 are allowed", digits.len())),
        _ => {}
    }
    let bytes = parse(&format!("0x{digits:0>64}"))?;
    bytes.try_into().map_err(|_| "a storage slot has 32 bytes".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_a_number_or_its_bytes() {
        let mut seven = [0; 32];
        seven[31] = 7;
        let long = format!("0x{:064x}", 7);
        for text in ["0x7", "0x07", &long] {
            assert_eq!(parse_slot(text), Ok(seven), "{text}");
        }
        let too_long = format!("0x{:065x}", 7);
        for (text, reason) in
            [("7", "without 0x"), ("0x", "empty"), (&too_long, "65 hex digits"), ("0xzz", "invalid hex")]
        {
            assert!(parse_slot(text).unwrap_err().contains(reason), "{text}");
        }
    }
}
