//! Methods and parameters of FVM messages, as people write them: one reading for every command.
//!
//! | text | is |
//! |---|---|
//! | `Increment` | the exported method of that name (FRC-0042) |
//! | `2` | the method with that number |
//! | `[1, "a"]` | parameters in JSON, encoded as DAG-CBOR |
//! | `0x8201` | parameters in CBOR |

use std::str::FromStr;

use fvm_ipld_encoding::to_vec;
use multihash_codetable::{Code, MultihashDigest as _};

/// First number of an exported method.
///
/// Source: FRC-0042.
const EXPORTED_MIN: u32 = 1 << 24;

/// What is not understood, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordRejected {
    /// No method.
    #[error("{0:?} is no method: a number, or a name of letters, digits and _ that starts with a capital")]
    Method(String),
    /// No parameters.
    #[error("parameters are JSON, such as '[1, \"a\"]', or CBOR in hex, such as 0x8201: {0}")]
    Params(String),
}

/// A method, by name or by number.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Method(u64);

impl Method {
    /// The exported method with this name.
    ///
    /// Source: FRC-0042: of blake2b-512 of `1|Name`, the first big-endian word that is no reserved number.
    ///
    /// # Errors
    /// [`WordRejected::Method`] for what is no name.
    pub fn named(name: &str) -> Result<Self, WordRejected> {
        let rejected = || WordRejected::Method(name.to_owned());
        let is_name = name.starts_with(|first: char| first.is_ascii_uppercase() || first == '_')
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if !is_name {
            return Err(rejected());
        }
        let hash = Code::Blake2b512.digest(format!("1|{name}").as_bytes());
        let words =
            hash.digest().chunks_exact(4).map(|word| word.iter().fold(0, |word, byte| word << 8 | u32::from(*byte)));
        let number = words.into_iter().find(|number| *number >= EXPORTED_MIN);
        number.map(|number| Self(number.into())).ok_or_else(rejected)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl FromStr for Method {
    type Err = WordRejected;

    fn from_str(text: &str) -> Result<Self, WordRejected> {
        match text.starts_with(|first: char| first.is_ascii_digit()) {
            true => text.parse().map(Self).map_err(|_| WordRejected::Method(text.to_owned())),
            false => Self::named(text),
        }
    }
}

/// Parameters in CBOR.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<u8>);

impl Params {
    /// The bytes; none for no parameters.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl FromStr for Params {
    type Err = WordRejected;

    fn from_str(text: &str) -> Result<Self, WordRejected> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        if let Some(digits) = text.strip_prefix("0x") {
            return hex::decode(digits).map(Self).map_err(|why| WordRejected::Params(why.to_string()));
        }
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(|why| WordRejected::Params(why.to_string()))?;
        to_vec(&value).map(Self).map_err(|why| WordRejected::Params(why.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_goes_by_its_name_or_its_number() {
        // Numbers that FRC-0042 and Filecoin's actors give.
        for (text, number) in [
            ("Increment", 2_922_929_132),
            ("Get", 355_179_992),
            ("AuthenticateMessage", 2_643_134_072),
            ("InvokeEVM", 3_844_450_837),
            ("Receive", 3_726_118_371),
            ("0", 0),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(text.parse(), Ok(Method(number)), "{text}");
        }
        for text in ["", "get", "Get!", "1x", "18446744073709551616"] {
            assert_eq!(text.parse::<Method>(), Err(WordRejected::Method(text.to_owned())));
        }
    }

    #[test]
    fn parameters_are_json_or_cbor_in_hex() {
        for (text, bytes) in
            [("", &[][..]), ("0x8101", &[0x81, 1]), ("[1, \"a\"]", &[0x82, 1, 0x61, b'a']), ("7", &[7])]
        {
            assert_eq!(text.parse::<Params>().unwrap().into_bytes(), bytes);
        }
        for text in ["0x8", "0xzz", "[1", "nonsense"] {
            assert!(matches!(text.parse::<Params>(), Err(WordRejected::Params(_))), "{text}");
        }
    }
}
