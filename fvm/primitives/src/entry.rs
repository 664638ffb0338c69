//! Entries: what an actor of installed code keeps by key, beside the blocks under its state root.
//!
//! | | bytes | why no more |
//! |---|---|---|
//! | key | 1 to 64 | room for a word, a hash, or two; a key is held in place, without allocating |
//! | value | 0 to 1,024 | a change of one entry rewrites a node of the map, which holds 96 of them at most: some 105 KiB, hashed in 130 µs |
//!
//! What is larger belongs into a block, and its CID into an entry.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// Most bytes of an entry's key; at the least it has one.
pub const ENTRY_KEY_BYTES_MAX: usize = 64;

/// Most bytes of an entry's value, which may have none.
pub const ENTRY_VALUE_BYTES_MAX: usize = 1024;

/// The key of an entry: 1 to [`ENTRY_KEY_BYTES_MAX`] bytes, ordered as bytes are.
#[derive(Clone, Copy)]
pub struct EntryKey {
    len: u8,
    /// Zero from `len` on.
    bytes: [u8; ENTRY_KEY_BYTES_MAX],
}

impl EntryKey {
    /// The key of these bytes; `None` when there are none, or more than [`ENTRY_KEY_BYTES_MAX`].
    #[must_use]
    pub fn new(key: &[u8]) -> Option<Self> {
        let len = u8::try_from(key.len()).ok().filter(|len| *len > 0)?;
        let mut bytes = [0; ENTRY_KEY_BYTES_MAX];
        bytes.get_mut(..key.len())?.copy_from_slice(key);
        Some(Self { len, bytes })
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl PartialEq for EntryKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for EntryKey {}

impl PartialOrd for EntryKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EntryKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for EntryKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

/// As `0x` and hex digits.
impl fmt::Display for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_byte_to_sixty_four() {
        for (len, is_key) in [(0, false), (1, true), (64, true), (65, false), (256, false), (257, false)] {
            let bytes = vec![7; len];
            let key = EntryKey::new(&bytes);
            assert_eq!(key.as_ref().map(EntryKey::as_bytes), is_key.then_some(&bytes[..]), "{len} bytes");
        }
    }

    #[test]
    fn keys_are_ordered_and_told_apart_as_bytes_are() {
        let keys = [&[0][..], &[0, 0], &[0, 1], &[1], &[1, 0, 0], &[255; 64]].map(|key| EntryKey::new(key).unwrap());
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
        assert_eq!(keys[1].to_string(), "0x0000");
    }
}
