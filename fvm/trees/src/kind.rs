//! In what the two maps differ: how keys are placed, what a bucket holds, and what stands before a pointer.

use sha2::{Digest, Sha256};

use crate::bits::Place;
use crate::cbor::Reader;
use crate::error::NodeRejected;

/// Most bytes of a key.
pub const KEY_BYTES_MAX: usize = 256;

/// Most bytes of an encoded value. With it and [`KEY_BYTES_MAX`], a node of 96 entries is below `layout::BLOCK_BYTES_MAX`.
pub const VALUE_BYTES_MAX: usize = 10 * 1024;

/// A map's own rules.
pub(crate) trait Kind {
    /// Most entries of a bucket.
    const BUCKET_MAX: usize;
    /// Whether a link skips the levels that all keys below share.
    const SKIPS: bool;
    /// What stands before the list of a bucket.
    const BUCKET: &'static [u8];
    /// What stands before a link.
    const LINK: &'static [u8];

    /// Where a key stands.
    fn place(key: &[u8]) -> Result<Place, NodeRejected>;

    /// Whether a whole item is a value of this map.
    fn check(value: &[u8]) -> Result<(), NodeRejected>;
}

/// The HAMT's rules: SHA-256 places a key; a pointer is a link or a bucket as it is.
#[derive(Clone, Debug)]
pub(crate) enum Hashed {}

impl Kind for Hashed {
    const BUCKET_MAX: usize = 3;
    const SKIPS: bool = false;
    const BUCKET: &'static [u8] = &[];
    const LINK: &'static [u8] = &[];

    fn place(key: &[u8]) -> Result<Place, NodeRejected> {
        if key.len() > KEY_BYTES_MAX { Err(NodeRejected::TooLarge) } else { Ok(Sha256::digest(key).into()) }
    }

    fn check(_: &[u8]) -> Result<(), NodeRejected> {
        Ok(())
    }
}

/// The KAMT's rules: a word places itself; a pointer is `{"v": bucket}` or `{"l": [link, bits skipped, those bits]}`.
#[derive(Clone, Debug)]
pub(crate) enum Word {}

impl Kind for Word {
    const BUCKET_MAX: usize = 1;
    const SKIPS: bool = true;
    const BUCKET: &'static [u8] = &[0xa1, 0x61, b'v'];
    const LINK: &'static [u8] = &[0xa1, 0x61, b'l', 0x83];

    fn place(key: &[u8]) -> Result<Place, NodeRejected> {
        word(key)
    }

    fn check(value: &[u8]) -> Result<(), NodeRejected> {
        let bytes = Reader(value).bytes(NodeRejected::Word)?;
        if bytes.is_empty() { Err(NodeRejected::Word) } else { word(bytes).map(drop) }
    }
}

/// 32 bytes, from a spelling without leading zeros.
pub(crate) fn word(bytes: &[u8]) -> Result<[u8; 32], NodeRejected> {
    let start = 32_usize.checked_sub(bytes.len()).ok_or(NodeRejected::Word)?;
    if bytes.first() == Some(&0) {
        return Err(NodeRejected::Word);
    }
    let mut word = [0; 32];
    word[start..].copy_from_slice(bytes);
    Ok(word)
}

/// A word's spelling: without leading zeros.
pub(crate) fn trim(word: &[u8; 32]) -> &[u8] {
    let start = word.iter().position(|byte| *byte != 0).unwrap_or(word.len());
    &word[start..]
}
