//! Bytes as the standard writes them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes in hex, without `0x` as the standard has it; `0x` is read too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HexText(pub(super) Vec<u8>);

impl Serialize for HexText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for HexText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(text.strip_prefix("0x").unwrap_or(&text)).map(Self).map_err(serde::de::Error::custom)
    }
}
