//! Who signed, one bit for each validator of a set.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::VALIDATORS_MAX;

/// A set of positions in a validator set of known size.
///
/// Bit `i` of byte `i / 8`, lowest bit first, is validator `i`. Bits past the size are zero, so one set has one encoding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignerBitmap {
    size: usize,
    bits: Vec<u8>,
}

/// Why bytes are no bitmap for a set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BitmapRejected {
    /// More validators than a set may have.
    #[error("bitmap for {0} validators; at most {VALIDATORS_MAX} are allowed")]
    TooLarge(usize),
    /// The number of bytes does not fit the number of validators.
    #[error("bitmap of {bytes} bytes for {size} validators")]
    WrongLength {
        /// Validators.
        size: usize,
        /// Bytes found.
        bytes: usize,
    },
    /// A bit past the last validator is set.
    #[error("bitmap names a validator past the last of {0}")]
    StrayBit(usize),
}

impl SignerBitmap {
    /// Nobody of `size` validators.
    ///
    /// # Errors
    /// [`BitmapRejected::TooLarge`] past [`VALIDATORS_MAX`].
    pub fn none_of(size: usize) -> Result<Self, BitmapRejected> {
        if size > VALIDATORS_MAX {
            return Err(BitmapRejected::TooLarge(size));
        }
        Ok(Self { size, bits: vec![0; size.div_ceil(8)] })
    }

    /// Reads `bits` as a bitmap for `size` validators.
    ///
    /// # Errors
    /// [`BitmapRejected`] when it is not the one encoding of such a set.
    pub fn from_bits(size: usize, bits: Vec<u8>) -> Result<Self, BitmapRejected> {
        if size > VALIDATORS_MAX {
            return Err(BitmapRejected::TooLarge(size));
        }
        if bits.len() != size.div_ceil(8) {
            return Err(BitmapRejected::WrongLength { size, bytes: bits.len() });
        }
        let stray = bits.last().is_some_and(|last| !size.is_multiple_of(8) && last >> (size % 8) != 0);
        if stray {
            return Err(BitmapRejected::StrayBit(size));
        }
        Ok(Self { size, bits })
    }

    /// Adds the validator at `position`. A position past the size is ignored: there is nobody there.
    pub fn insert(&mut self, position: usize) {
        if position < self.size {
            self.bits[position / 8] |= 1 << (position % 8);
        }
    }

    /// Whether the validator at `position` is in.
    #[must_use]
    pub fn contains(&self, position: usize) -> bool {
        position < self.size && self.bits[position / 8] >> (position % 8) & 1 == 1
    }

    /// The positions that are in, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.size).filter(|position| self.contains(*position))
    }

    /// Validators of the set, in or out.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }

    /// How many are in.
    #[must_use]
    pub fn count(&self) -> usize {
        self.iter().count()
    }
}

/// The tuple `[size, bytes]` in DAG-CBOR; in JSON the list of positions would lose the size, so the same tuple with numbers.
impl Serialize for SignerBitmap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.size, fvm_ipld_encoding::BytesSer(&self.bits)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SignerBitmap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (size, fvm_ipld_encoding::BytesDe(bits)) = Deserialize::deserialize(deserializer)?;
        Self::from_bits(size, bits).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bitmap_holds_who_was_put_in_and_reads_back() {
        let mut signers = SignerBitmap::none_of(10).unwrap();
        for position in [0, 7, 9, 10, 4_000] {
            signers.insert(position);
        }
        assert_eq!(signers.iter().collect::<Vec<_>>(), [0, 7, 9]);
        let cbor = fvm_ipld_encoding::to_vec(&signers).unwrap();
        assert_eq!(fvm_ipld_encoding::from_slice::<SignerBitmap>(&cbor).unwrap(), signers);
    }

    #[test]
    fn each_second_spelling_of_a_set_is_refused() {
        for (size, bits, refusal) in [
            (257, vec![0; 33], BitmapRejected::TooLarge(257)),
            (9, vec![0; 1], BitmapRejected::WrongLength { size: 9, bytes: 1 }),
            (9, vec![0; 3], BitmapRejected::WrongLength { size: 9, bytes: 3 }),
            (9, vec![0, 2], BitmapRejected::StrayBit(9)),
        ] {
            assert_eq!(SignerBitmap::from_bits(size, bits).unwrap_err(), refusal);
        }
        assert!(SignerBitmap::from_bits(8, vec![0xff]).is_ok());
    }
}
