//! Bytes as Ethereum's JSON spells them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Any number of bytes: `0x` and two hex digits each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HexBytes(pub Vec<u8>);

impl Serialize for HexBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("0x{}", hex::encode(&self.0)))
    }
}

impl<'de> Deserialize<'de> for HexBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse(&String::deserialize(deserializer)?).map(Self).map_err(serde::de::Error::custom)
    }
}

/// The bytes of `0x…`.
///
/// # Errors
/// A sentence in go-ethereum's words (`common/hexutil`), with the position of a stray character.
pub fn parse(text: &str) -> Result<Vec<u8>, String> {
    let digits = text.strip_prefix("0x").ok_or("hex string without 0x prefix")?;
    hex::decode(digits).map_err(|why| match why {
        hex::FromHexError::OddLength => "hex string of odd length".to_owned(),
        other => format!("invalid hex string: {other}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bad_spelling_of_bytes_is_refused_for_its_own_reason() {
        assert_eq!(parse("0x00fF"), Ok(vec![0, 0xff]));
        assert_eq!(parse("0x"), Ok(vec![]));
        for (text, refusal) in [
            ("", "hex string without 0x prefix"),
            ("00", "hex string without 0x prefix"),
            ("0x0", "hex string of odd length"),
            ("0x0g", "invalid hex string: Invalid character 'g' at position 1"),
        ] {
            assert_eq!(parse(text).unwrap_err(), refusal, "{text}");
        }
    }
}
