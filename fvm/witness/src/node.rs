//! One node of a map: a bit for each place that is taken, and what stands there, in order.
//!
//! HAMT and KAMT share this much; they differ in what a pointer is.

use cid::Cid;
use fvm_ipld_encoding::IPLD_RAW;
use ipld_core::ipld::Ipld;
use serde::de::DeserializeOwned;
use tributary_primitives::layout::BIT_WIDTH;

use crate::items::{self, ITEMS_MAX};
use crate::question::Blocks;

/// Why a block is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeRejected {
    /// It is not what its place in the state demands. The chain under this root was not made by our rules.
    #[error("block {cid} is no {what}: {why}")]
    Malformed {
        /// The block.
        cid: Box<Cid>,
        /// What it should be.
        what: &'static str,
        /// Why it is not.
        why: String,
    },
    /// It would take too much memory. Actors may write such blocks.
    #[error(
        "block {0} has more items than are read of one: {ITEMS_MAX}, where bytes and links count as 8 and maps as 14"
    )]
    TooManyItems(Box<Cid>),
}

impl NodeRejected {
    pub(crate) fn new(cid: &Cid, what: &'static str, why: impl ToString) -> Self {
        Self::Malformed { cid: Box::new(*cid), what, why: why.to_string() }
    }
}

/// A block as IPLD; raw bytes are one byte string. Bounded: it has [`ITEMS_MAX`] items at most, and the decoder goes 256 levels deep at most.
pub(crate) fn decode(cid: &Cid, bytes: Vec<u8>) -> Result<Ipld, NodeRejected> {
    if cid.codec() == IPLD_RAW {
        return Ok(Ipld::Bytes(bytes));
    }
    if !items::are_few(&bytes) {
        return Err(NodeRejected::TooManyItems(Box::new(*cid)));
    }
    fvm_ipld_encoding::from_slice(&bytes).map_err(|why| NodeRejected::new(cid, "DAG-CBOR", why))
}

/// A block that must be a `what`.
pub(crate) fn read_as<T: DeserializeOwned, S: Blocks>(
    blocks: &mut S,
    cid: &Cid,
    what: &'static str,
) -> Result<T, S::Refused> {
    let bytes = blocks.block(cid)?;
    Ok(fvm_ipld_encoding::from_slice(&bytes).map_err(|why| NodeRejected::new(cid, what, why))?)
}

/// A node of a map.
pub(crate) struct Node {
    pub(crate) cid: Cid,
    taken: u32,
    pointers: Vec<Ipld>,
}

impl Node {
    pub(crate) fn read<S: Blocks>(blocks: &mut S, cid: &Cid) -> Result<Self, S::Refused> {
        let bytes = blocks.block(cid)?;
        Ok(Self::of(cid, decode(cid, bytes)?)?)
    }

    fn of(cid: &Cid, node: Ipld) -> Result<Self, NodeRejected> {
        let malformed = |why: &str| NodeRejected::new(cid, "node of a map", why);
        let Ipld::List(fields) = node else { return Err(malformed("it is no list")) };
        let Ok([Ipld::Bytes(taken), Ipld::List(pointers)]) = <[Ipld; 2]>::try_from(fields) else {
            return Err(malformed("it is not a bit field and a list"));
        };
        if taken.len() > 4 {
            return Err(malformed("it has more than 32 places"));
        }
        let taken = taken.iter().fold(0, |bits, byte| (bits << 8) | u32::from(*byte));
        if usize::try_from(taken.count_ones()) != Ok(pointers.len()) {
            return Err(malformed("its bits do not count its pointers"));
        }
        Ok(Self { cid: *cid, taken, pointers })
    }

    /// What stands at `place`, which is below 32.
    pub(crate) fn take(mut self, place: u32) -> Option<Ipld> {
        let index = self.index(place)?;
        Some(self.pointers.swap_remove(index))
    }

    fn index(&self, place: u32) -> Option<usize> {
        let bit = 1_u32.checked_shl(place)?;
        let below = usize::try_from((self.taken & (bit - 1)).count_ones()).ok()?;
        (self.taken & bit != 0).then_some(below)
    }

    /// What stands at every place; as many as [`BIT_WIDTH`] allows.
    pub(crate) fn places(&self) -> impl Iterator<Item = Option<&Ipld>> {
        (0..1_u32 << BIT_WIDTH).map(|place| self.index(place).and_then(|index| self.pointers.get(index)))
    }

    pub(crate) fn malformed(&self, why: &str) -> NodeRejected {
        NodeRejected::new(&self.cid, "node of a map", why)
    }
}

/// The bits of a key, from the highest, a level's worth at a time: five, at the end the fewer that are left.
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    length: usize,
    at: usize,
}

impl<'a> Bits<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, length: 8 * bytes.len(), at: 0 }
    }

    /// The first `length` bits of `bytes`; `None` when there are fewer.
    pub(crate) fn first(bytes: &'a [u8], length: usize) -> Option<Self> {
        (length <= 8 * bytes.len()).then_some(Self { bytes, length, at: 0 })
    }
}

impl Iterator for Bits<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let end = self.length.min(self.at + usize::try_from(BIT_WIDTH).ok()?);
        let bit = |at: usize| u32::from(self.bytes[at / 8] >> (7 - at % 8) & 1);
        let bits = (self.at < end).then(|| (self.at..end).fold(0, |bits, at| bits << 1 | bit(at)));
        self.at = end;
        bits
    }
}

#[cfg(test)]
mod tests {
    use tributary_primitives::cbor_cid;

    use super::*;

    #[test]
    fn bits_come_five_at_a_time_from_the_highest_and_the_rest_at_the_end() {
        let all: Vec<_> = Bits::of(&[0b1010_1100, 0b0101_0011]).collect();
        assert_eq!(all, [0b10101, 0b10001, 0b01001, 0b1]);
        assert!(Bits::first(&[0], 9).is_none());
        assert_eq!(Bits::first(&[0xff], 3).unwrap().next(), Some(0b111));
    }

    #[test]
    fn each_malformed_node_is_refused_for_its_own_reason() {
        let list = |pointers: usize| Ipld::List(vec![Ipld::Null; pointers]);
        let node = |bits: &[u8], pointers| Ipld::List(vec![Ipld::Bytes(bits.to_vec()), pointers]);
        let of = |node| Node::of(&cbor_cid(b"node"), node);
        for (bad, why) in [
            (Ipld::Null, "it is no list"),
            (Ipld::List(vec![]), "it is not a bit field and a list"),
            (node(&[1], Ipld::Null), "it is not a bit field and a list"),
            (node(&[1, 0, 0, 0, 0], list(1)), "it has more than 32 places"),
            (node(&[3], list(1)), "its bits do not count its pointers"),
        ] {
            assert_eq!(of(bad).err(), Some(NodeRejected::new(&cbor_cid(b"node"), "node of a map", why)));
        }
        let good = of(node(&[0x80, 0, 0, 1], list(2))).unwrap();
        assert_eq!(good.places().filter(Option::is_some).count(), 2);
        assert_eq!((good.index(0), good.index(31), good.index(5), good.index(32)), (Some(0), Some(1), None, None));
    }
}
