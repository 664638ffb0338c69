//! Keys, and the values that belong to the store itself, as bytes.
//!
//! | bytes | layout |
//! |---|---|
//! | height | 8, big-endian |
//! | share key | height, 48 of the BLS public key |
//! | undecided key | height, round (4, big-endian), 32 of the block hash |
//! | tip | height, 32 of the block hash |
//! | transaction place | height, index (4, big-endian) |
//! | kept | height of blocks, height of states |

use tributary_primitives::{BlsPublicKey, Hash32, Height};

use crate::Kept;

/// Height as a key.
pub const fn height(height: Height) -> [u8; 8] {
    height.0.to_be_bytes()
}

/// The height that `bytes` are; `None` when they are no height.
pub fn as_height(bytes: &[u8]) -> Option<Height> {
    Some(Height(u64::from_be_bytes(bytes.try_into().ok()?)))
}

/// Where a share of `signer` for the checkpoint at a height is.
pub fn share(at: Height, signer: &BlsPublicKey) -> [u8; 56] {
    let mut key = [0; 56];
    key[..8].copy_from_slice(&height(at));
    key[8..].copy_from_slice(&signer.0);
    key
}

/// Height and signer of a share's key.
pub fn as_share(key: &[u8]) -> Option<(Height, BlsPublicKey)> {
    let (at, signer) = key.split_at_checked(8)?;
    Some((as_height(at)?, BlsPublicKey(signer.try_into().ok()?)))
}

/// Where a proposed block is.
pub fn undecided(at: Height, round: u32, block: &Hash32) -> [u8; 44] {
    let mut key = [0; 44];
    key[..8].copy_from_slice(&height(at));
    key[8..12].copy_from_slice(&round.to_be_bytes());
    key[12..].copy_from_slice(&block.0);
    key
}

/// Height, round and block hash of a proposed block's key.
pub fn as_undecided(key: &[u8]) -> Option<(Height, u32, Hash32)> {
    let (place, block) = key.split_at_checked(12)?;
    let (at, round) = as_place(place)?;
    Some((at, round, Hash32(block.try_into().ok()?)))
}

/// A height and a number below it: a transaction's index, a proposal's round.
pub fn place(at: Height, number: u32) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&height(at));
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    bytes
}

/// The counterpart of [`place`].
pub fn as_place(bytes: &[u8]) -> Option<(Height, u32)> {
    let (at, number) = bytes.split_at_checked(8)?;
    Some((as_height(at)?, u32::from_be_bytes(number.try_into().ok()?)))
}

/// A height and the hash of its block.
pub fn tip(at: Height, block: &Hash32) -> [u8; 40] {
    let mut bytes = [0; 40];
    bytes[..8].copy_from_slice(&height(at));
    bytes[8..].copy_from_slice(&block.0);
    bytes
}

/// The counterpart of [`tip`].
pub fn as_tip(bytes: &[u8]) -> Option<(Height, Hash32)> {
    let (at, block) = bytes.split_at_checked(8)?;
    Some((as_height(at)?, Hash32(block.try_into().ok()?)))
}

/// From where on blocks and states are kept.
pub fn kept(kept: Kept) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&height(kept.blocks));
    bytes[8..].copy_from_slice(&height(kept.states));
    bytes
}

/// The counterpart of [`kept`].
pub fn as_kept(bytes: &[u8]) -> Option<Kept> {
    let (blocks, states) = bytes.split_at_checked(8)?;
    Some(Kept { blocks: as_height(blocks)?, states: as_height(states)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: Hash32 = Hash32([9; 32]);
    const SIGNER: BlsPublicKey = BlsPublicKey([7; 48]);

    #[test]
    fn every_key_and_value_reads_back() {
        let at = Height(0x0102);
        assert_eq!(as_height(&height(at)), Some(at));
        assert_eq!(as_share(&share(at, &SIGNER)), Some((at, SIGNER)));
        assert_eq!(as_undecided(&undecided(at, 3, &BLOCK)), Some((at, 3, BLOCK)));
        assert_eq!(as_place(&place(at, 4)), Some((at, 4)));
        assert_eq!(as_tip(&tip(at, &BLOCK)), Some((at, BLOCK)));
        let from = Kept { blocks: at, states: Height(0x0304) };
        assert_eq!(as_kept(&kept(from)), Some(from));
    }

    #[test]
    fn bytes_of_any_other_length_are_no_key() {
        for length in [0, 7, 9, 11, 13, 15, 17, 39, 41, 43, 45, 55, 57] {
            let bytes = vec![1; length];
            assert_eq!(as_height(&bytes), None, "{length}");
            assert_eq!(as_share(&bytes), None, "{length}");
            assert_eq!(as_undecided(&bytes), None, "{length}");
            assert_eq!(as_place(&bytes), None, "{length}");
            assert_eq!(as_tip(&bytes), None, "{length}");
            assert_eq!(as_kept(&bytes), None, "{length}");
        }
    }

    #[test]
    fn keys_sort_by_height_then_round() {
        let keys = [(1, 0), (1, 300), (2, 1), (256, 0)].map(|(at, round)| undecided(Height(at), round, &BLOCK));
        assert!(keys.is_sorted());
    }
}
