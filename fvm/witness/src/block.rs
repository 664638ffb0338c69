//! Which CIDs name blocks of state, and the links of a block.
//!
//! ```text
//! CID
//!   ├─ sector commitment               names no block          Nowhere
//!   ├─ identity hash, or no bytes      holds its block         Inline
//!   ├─ blake2b-256 of (DAG-)CBOR, raw  names a block           Stored
//!   └─ anything else                   cannot be state         LinkRejected
//! ```
//!
//! Only DAG-CBOR has links. They are found as the FVM finds them, by every tag 42, so a block that an actor may write is a block
//! that can be exported, canonical or not.
//!
//! Source: ref-fvm 4.8 `fvm/src/ipld`.

use cid::Cid;
use fvm_ipld_encoding::{CBOR, DAG_CBOR, IPLD_RAW};
use fvm_shared::IDENTITY_HASH;
use fvm_shared::commcid::{FIL_COMMITMENT_SEALED, FIL_COMMITMENT_UNSEALED};
use multihash_codetable::{Code, MultihashDigest};
use tributary_primitives::layout::{BLOCK_BYTES_MAX, CODE_BYTES_MAX};
use tributary_primitives::raw_cid;

/// Multihash code of the one hash that names state.
const BLAKE2B_256: u64 = 0xb220;
/// Bytes in its digest.
const BLAKE2B_256_BYTES: u8 = 32;
/// CBOR tag of a CID in DAG-CBOR.
const TAG_CID: u64 = 42;

/// Why the links of a block cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkRejected {
    /// A CID whose codec or hash no block of state has.
    #[error("{0} names no block of state: it must be blake2b-256 of DAG-CBOR, CBOR or raw bytes")]
    Foreign(Box<Cid>),
    /// Bytes that are not DAG-CBOR.
    #[error("block {cid} is not DAG-CBOR: {why}")]
    NotDagCbor {
        /// The block.
        cid: Box<Cid>,
        /// What is wrong.
        why: &'static str,
    },
}

/// Where the block that a CID names is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    Stored,
    /// In the CID itself.
    Inline(&'a [u8]),
    Nowhere,
}

/// Where the block of `cid` is.
pub(crate) fn place(cid: &Cid) -> Result<Place<'_>, LinkRejected> {
    let (codec, hash) = (cid.codec(), cid.hash());
    if matches!(codec, FIL_COMMITMENT_SEALED | FIL_COMMITMENT_UNSEALED) {
        return Ok(Place::Nowhere);
    }
    if hash.code() == IDENTITY_HASH {
        return Ok(Place::Inline(hash.digest()));
    }
    if *cid == raw_cid(&[]) {
        return Ok(Place::Inline(&[]));
    }
    let is_state = matches!(codec, CBOR | DAG_CBOR | IPLD_RAW);
    if is_state && hash.code() == BLAKE2B_256 && hash.size() == BLAKE2B_256_BYTES {
        return Ok(Place::Stored);
    }
    Err(LinkRejected::Foreign(Box::new(*cid)))
}

/// Most bytes that the block of `cid` may have: code is raw and may be larger than what actors write.
pub(crate) fn bytes_max(cid: &Cid) -> usize {
    if cid.codec() == IPLD_RAW { CODE_BYTES_MAX } else { BLOCK_BYTES_MAX }
}

/// Whether `bytes` are what `cid`, one of [`Place::Stored`], names. Cost: one hash of the bytes.
pub(crate) fn is_named_by(bytes: &[u8], cid: &Cid) -> bool {
    Code::Blake2b256.digest(bytes).digest() == cid.hash().digest()
}

/// The stored blocks that the block `cid` links to, in order, repeated as they repeat. Cost: linear in its bytes.
pub(crate) fn links(cid: &Cid, bytes: &[u8]) -> Result<Vec<Cid>, LinkRejected> {
    let mut found = Vec::new();
    collect(cid, bytes, &mut found)?;
    Ok(found)
}

fn collect(cid: &Cid, bytes: &[u8], found: &mut Vec<Cid>) -> Result<(), LinkRejected> {
    if cid.codec() != DAG_CBOR {
        return Ok(());
    }
    let cids = cids_in(bytes).map_err(|why| LinkRejected::NotDagCbor { cid: Box::new(*cid), why })?;
    for link in cids {
        match place(&link)? {
            Place::Stored => found.push(link),
            // A digest has at most 64 bytes and each level inside it costs seven: the recursion is shallow.
            Place::Inline(bytes) => collect(&link, bytes, found)?,
            Place::Nowhere => {}
        }
    }
    Ok(())
}

/// Every CID in DAG-CBOR `bytes`. Counts the items still to come instead of recursing, so no nesting is too deep.
fn cids_in(bytes: &[u8]) -> Result<Vec<Cid>, &'static str> {
    let mut reader = Reader(bytes);
    let mut cids = Vec::new();
    let mut items: u64 = 1;
    while items > 0 {
        items -= 1;
        let (major, argument) = reader.header()?;
        let more = match major {
            2 | 3 => reader.take(argument).map(|_| 0)?,
            4 => argument,
            5 => argument.checked_mul(2).ok_or(TOO_MANY)?,
            6 if argument == TAG_CID => {
                cids.push(reader.cid()?);
                0
            }
            6 => 1,
            _ => 0,
        };
        items = items.checked_add(more).ok_or(TOO_MANY)?;
    }
    if reader.0.is_empty() { Ok(cids) } else { Err("bytes follow the item") }
}

const TOO_MANY: &str = "it announces more than 2⁶⁴ items";
const ENDS_EARLY: &str = "it ends early";

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: u64) -> Result<&'a [u8], &'static str> {
        let count = usize::try_from(count).map_err(|_| ENDS_EARLY)?;
        let (taken, rest) = self.0.split_at_checked(count).ok_or(ENDS_EARLY)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Major type and argument. RFC 8949, section 3.
    fn header(&mut self) -> Result<(u64, u64), &'static str> {
        let first = self.big_endian(1)?;
        let argument = match first & 0x1f {
            small @ 0..=23 => small,
            24 => self.big_endian(1)?,
            25 => self.big_endian(2)?,
            26 => self.big_endian(4)?,
            27 => self.big_endian(8)?,
            _ => return Err("a header is not valid"),
        };
        Ok((first >> 5, argument))
    }

    fn big_endian(&mut self, bytes: u64) -> Result<u64, &'static str> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }

    /// The byte string after tag 42: a zero byte, then exactly one CID.
    fn cid(&mut self) -> Result<Cid, &'static str> {
        let (2, size) = self.header()? else { return Err("a link is not a byte string") };
        let [0, cid @ ..] = self.take(size)? else { return Err("a link does not start with a zero byte") };
        Cid::try_from(cid).map_err(|_| "a link holds no CID")
    }
}

#[cfg(test)]
mod tests {
    use cid::multihash::Multihash;
    use fvm_ipld_encoding::to_vec;
    use tributary_primitives::cbor_cid;

    use super::*;

    #[test]
    fn links_are_found_in_order_and_inside_inline_blocks() {
        let (a, b) = (raw_cid(b"a"), cbor_cid(b"b"));
        let inline = Cid::new_v1(DAG_CBOR, Multihash::wrap(IDENTITY_HASH, &to_vec(&(b,)).unwrap()).unwrap());
        let piece = Cid::new_v1(FIL_COMMITMENT_UNSEALED, *a.hash());
        let bytes = to_vec(&(1, a, (inline, a), "text", piece, raw_cid(&[]))).unwrap();
        assert_eq!(links(&cbor_cid(&bytes), &bytes), Ok(vec![a, b, a]));
        assert_eq!(links(&raw_cid(&bytes), &bytes), Ok(vec![]), "raw bytes have no links");
    }

    #[test]
    fn a_link_to_what_cannot_be_state_is_refused() {
        let hash = Cid::new_v1(DAG_CBOR, Code::Sha2_256.digest(b"x"));
        let codec = Cid::new_v1(0x70, *raw_cid(b"x").hash());
        for foreign in [hash, codec] {
            let bytes = to_vec(&(foreign,)).unwrap();
            assert_eq!(links(&cbor_cid(&bytes), &bytes), Err(LinkRejected::Foreign(Box::new(foreign))));
        }
    }

    #[test]
    fn bytes_that_are_no_cbor_are_refused_wherever_they_break() {
        let valid = to_vec(&("abc", raw_cid(b"x"), [1_u64; 30])).unwrap();
        let refused = |bytes: &[u8]| match links(&cbor_cid(bytes), bytes) {
            Err(LinkRejected::NotDagCbor { why, .. }) => why,
            other => panic!("{other:?}"),
        };
        for end in 0..valid.len() {
            refused(&valid[..end]);
        }
        let huge_map: &[u8] = &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        let rows: [(&[u8], &str); 6] = [
            (&[0x01, 0x01], "bytes follow the item"),
            (&[0x1f], "a header is not valid"),
            (&[0xd8, 0x2a, 0x01], "a link is not a byte string"),
            (&[0xd8, 0x2a, 0x41, 0x01], "a link does not start with a zero byte"),
            (&[0xd8, 0x2a, 0x42, 0x00, 0x01], "a link holds no CID"),
            (huge_map, TOO_MANY),
        ];
        for (bytes, why) in rows {
            assert_eq!(refused(bytes), why, "{bytes:x?}");
        }
    }
}
