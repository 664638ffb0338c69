//! Fixed-size bytes, their two spellings, and the CIDs of this chain.

use std::fmt;
use std::str::FromStr;

use cid::Cid;
use cid::multihash::Multihash;
use multihash_codetable::{Code, MultihashDigest};
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::links::BLAKE2B_256;

/// Codec of DAG-CBOR blocks.
pub const DAG_CBOR: u64 = 0x71;
/// Codec of raw blocks, such as code.
pub const RAW: u64 = 0x55;

/// The CID of a DAG-CBOR block: CIDv1, blake2b-256, as everywhere in the FVM.
#[must_use]
pub fn cbor_cid(block: &[u8]) -> Cid {
    Cid::new_v1(DAG_CBOR, Code::Blake2b256.digest(block))
}

/// The CID of the DAG-CBOR block with this blake2b-256 digest, for whoever has hashed it already.
#[must_use]
pub fn cbor_cid_of(digest: &[u8; 32]) -> Cid {
    Cid::new_v1(DAG_CBOR, Multihash::wrap(BLAKE2B_256, digest).expect("a multihash holds 64 bytes"))
}

/// The CID of raw bytes, such as an actor's code: CIDv1, blake2b-256.
#[must_use]
pub fn raw_cid(bytes: &[u8]) -> Cid {
    Cid::new_v1(RAW, Code::Blake2b256.digest(bytes))
}

/// A 32-byte hash: of a block, a transaction, a list of receipts. In text `0x` and 64 hex digits.
#[derive(Copy, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash32(pub [u8; 32]);

impl fmt::Display for Hash32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for Hash32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash32 {
    type Err = HexRejected;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_hex(text).map(Self)
    }
}

/// In JSON `0x` and hex, in DAG-CBOR a byte string.
impl Serialize for Hash32 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Hash32 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        self::deserialize(deserializer).map(Self)
    }
}

/// Why a text is not the hex it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HexRejected {
    /// The `0x` is missing.
    #[error("hex must start with 0x")]
    NoPrefix,
    /// Too many or too few digits.
    #[error("hex of {got} digits where {want} are needed")]
    WrongLength {
        /// Digits found after `0x`.
        got: usize,
        /// Digits needed.
        want: usize,
    },
    /// A character that is no hex digit.
    #[error("hex holds a character that is no digit of 0-9, a-f, A-F")]
    NotHex,
}

/// Exactly `N` bytes from `0x` and hex digits of either case.
///
/// # Errors
/// [`HexRejected`], before anything is allocated.
pub fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], HexRejected> {
    let digits = text.strip_prefix("0x").ok_or(HexRejected::NoPrefix)?.as_bytes();
    if digits.len() != 2 * N {
        return Err(HexRejected::WrongLength { got: digits.len(), want: 2 * N });
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = match (nibble(pair[0]), nibble(pair[1])) {
            (Some(high), Some(low)) => high << 4 | low,
            _ => return Err(HexRejected::NotHex),
        };
    }
    Ok(bytes)
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Writes `0x` and lower-case hex.
///
/// # Errors
/// Those of the formatter.
pub fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("0x")?;
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(self.0, f)
    }
}

/// Serializes as `0x` and hex in JSON, as a byte string in DAG-CBOR. For `#[serde(with = …)]` and hand-written impls.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<const N: usize, S: Serializer>(bytes: &[u8; N], serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() { serializer.collect_str(&Hex(bytes)) } else { serializer.serialize_bytes(bytes) }
}

/// The counterpart of [`serialize`]: exactly `N` bytes, nothing else.
///
/// # Errors
/// Those of the deserializer, and a wrong length.
pub fn deserialize<'de, const N: usize, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; N], D::Error> {
    struct Exactly<const N: usize>;
    impl<const N: usize> Visitor<'_> for Exactly<N> {
        type Value = [u8; N];

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a string of {N} bytes")
        }

        fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
            bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))
        }
    }
    if deserializer.is_human_readable() {
        let text = String::deserialize(deserializer)?;
        return parse_hex(&text).map_err(D::Error::custom);
    }
    deserializer.deserialize_bytes(Exactly)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_reads_back_from_its_text_and_its_cbor() {
        let hash = Hash32([0xab; 32]);
        assert_eq!(hash.to_string().parse::<Hash32>().unwrap(), hash);
        let cbor = fvm_ipld_encoding::to_vec(&hash).unwrap();
        assert_eq!(cbor[..2], [0x58, 32], "a CBOR byte string");
        assert_eq!(fvm_ipld_encoding::from_slice::<Hash32>(&cbor).unwrap(), hash);
        assert!(fvm_ipld_encoding::from_slice::<Hash32>(&cbor[..20]).is_err());
    }

    #[test]
    fn each_bad_text_is_refused_for_its_own_reason() {
        for (text, refusal) in [
            ("ab", HexRejected::NoPrefix),
            ("0xabc", HexRejected::WrongLength { got: 3, want: 4 }),
            ("0xabcg", HexRejected::NotHex),
        ] {
            assert_eq!(parse_hex::<2>(text), Err(refusal), "{text}");
        }
        assert_eq!(parse_hex::<2>("0xaBcD"), Ok([0xab, 0xcd]));
    }

    #[test]
    fn the_cid_of_an_empty_tuple_is_pinned() {
        assert_eq!(cbor_cid(&[0x80]).to_string(), "bafy2bzacebc3bt6cedhoyw34drrmjvazhu4oj25er2ebk4u445pzycvq4ta4a");
    }
}
