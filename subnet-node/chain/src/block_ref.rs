//! What a vote names: Tendermint's block id, and the block's time.
//!
//! The time is the header's. It stands here so that the bytes a vote signs (which hold a timestamp) can be made again from
//! the certificate alone, and every validator signs the same bytes.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use tendermint::block::{Header, Id, parts};
use tributary_primitives::Hash32;

use crate::block::PART_BYTES;
use crate::merkle;
use crate::time::BlockTime;

/// Names one block with one encoding.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockRef {
    /// The header's hash.
    pub hash: Hash32,
    /// Parts of [`PART_BYTES`] that the encoded block is cut into; at least 1.
    pub parts_total: u32,
    /// Simple-Merkle root over those parts.
    pub parts_hash: Hash32,
    /// The header's time.
    pub time: BlockTime,
}

/// Bytes of a reference in borsh.
pub const BLOCK_REF_BYTES: usize = 32 + 4 + 32 + 8;

impl BlockRef {
    /// Names the block with `header` whose encoding is `bytes`; `None` when the header's time is outside of 1970 to 2554
    /// or there are more parts than a `u32` counts. Cost: SHA-256 over `bytes`.
    #[must_use]
    pub fn of(header: &Header, bytes: &[u8]) -> Option<Self> {
        let (parts_total, parts_hash) = parts_of(bytes)?;
        Some(Self {
            hash: header_hash(header),
            parts_total,
            parts_hash,
            time: BlockTime::from_tendermint(header.time)?,
        })
    }

    /// Whether `bytes` are the ones this names, by parts. Says nothing of the header. Cost: SHA-256 over `bytes`.
    #[must_use]
    pub fn names_bytes(&self, bytes: &[u8]) -> bool {
        parts_of(bytes) == Some((self.parts_total, self.parts_hash))
    }

    /// Whether `header` is the one this names: same hash, same time. Cost: a few hashes.
    #[must_use]
    pub fn names_header(&self, header: &Header) -> bool {
        BlockTime::from_tendermint(header.time) == Some(self.time) && header_hash(header) == self.hash
    }

    /// Tendermint's block id: everything but the time.
    #[must_use]
    pub fn block_id(&self) -> Id {
        let parts = parts::Header::new(self.parts_total, tendermint::Hash::Sha256(self.parts_hash.0));
        Id {
            hash: tendermint::Hash::Sha256(self.hash.0),
            part_set_header: parts.expect("refused only for a hash without parts, or parts without a hash"),
        }
    }
}

fn parts_of(bytes: &[u8]) -> Option<(u32, Hash32)> {
    let parts: Vec<&[u8]> = bytes.chunks(PART_BYTES).collect();
    let total = u32::try_from(parts.len()).ok().filter(|total| *total > 0)?;
    Some((total, merkle::root(&parts)))
}

fn header_hash(header: &Header) -> Hash32 {
    match header.hash() {
        tendermint::Hash::Sha256(hash) => Hash32(hash),
        tendermint::Hash::None => unreachable!("a Merkle root is always a SHA-256 hash"),
    }
}

impl BorshSerialize for BlockRef {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        (self.hash.0, self.parts_total, self.parts_hash.0, self.time).serialize(writer)
    }
}

/// A reference to a block of no parts does not exist, so that [`BlockRef::block_id`] cannot fail.
impl BorshDeserialize for BlockRef {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        let (hash, parts_total, parts_hash, time) = BorshDeserialize::deserialize_reader(reader)?;
        if parts_total == 0 {
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "a block has at least one part"));
        }
        Ok(Self { hash: Hash32(hash), parts_total, parts_hash: Hash32(parts_hash), time })
    }
}

impl fmt::Display for BlockRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.hash.0[..8]))
    }
}

impl fmt::Debug for BlockRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Chain;

    #[test]
    fn a_reference_reads_back_and_names_its_block_alone() {
        let chain = Chain::of(4);
        let (block, reference) = chain.first_block();
        let bytes = block.encode();
        assert_eq!(borsh::to_vec(&reference).unwrap().len(), BLOCK_REF_BYTES);
        assert_eq!(borsh::from_slice::<BlockRef>(&borsh::to_vec(&reference).unwrap()).unwrap(), reference);
        assert!(reference.names_bytes(&bytes) && reference.names_header(&block.header));

        let mut longer = bytes.clone();
        longer.push(0);
        assert!(!reference.names_bytes(&longer) && !reference.names_bytes(&[]));
        let mut later = block.header;
        later.time = (later.time + std::time::Duration::from_nanos(1)).unwrap();
        assert!(!reference.names_header(&later));
        assert!(!BlockRef { time: BlockTime::EPOCH, ..reference }.names_header(&chain.first_block().0.header));
    }

    #[test]
    fn a_reference_without_parts_does_not_decode() {
        let mut bytes = borsh::to_vec(&Chain::of(1).first_block().1).unwrap();
        bytes[32..36].fill(0);
        assert!(borsh::from_slice::<BlockRef>(&bytes).is_err());
    }
}
