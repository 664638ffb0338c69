//! Links in blocks: which CIDs name blocks of state, and where they stand in a block.
//!
//! ```text
//! block
//!   ├─ CBOR, raw bytes          no links
//!   └─ DAG-CBOR                 every item, every tag 42 ─▶ a CID
//!        ├─ sector commitment               names no block          Nowhere
//!        ├─ identity hash                   holds its block         Inline: scanned in place
//!        ├─ blake2b-256 of CBOR, DAG-CBOR,  names a block           Stored: a link
//!        │    or raw bytes
//!        └─ anything else                   cannot be state         LinkRejected::Foreign
//! ```
//!
//! The executor pays for every item and every CID before it is looked at; whoever checks an archive pays nothing. Both find the same
//! links, so a block that an actor may write is a block that can be exported, canonical or not.
//!
//! Source of the rules and the order of payments: ref-fvm 4.8 `fvm/src/ipld`.

use cid::Cid;
use fvm_ipld_encoding::{CBOR, DAG_CBOR, IPLD_RAW};
use fvm_shared::IDENTITY_HASH;
use fvm_shared::commcid::{FIL_COMMITMENT_SEALED, FIL_COMMITMENT_UNSEALED};

/// Codecs a block may have: CBOR without links, DAG-CBOR, raw bytes.
pub const CODECS: [u64; 3] = [CBOR, DAG_CBOR, IPLD_RAW];

/// Multihash code of the one hash that names state.
pub const BLAKE2B_256: u64 = 0xb220;

/// Bytes in its digest.
pub const BLAKE2B_256_BYTES: u8 = 32;

/// CBOR tag of a CID in DAG-CBOR.
const TAG_CID: u64 = 42;

/// Why the links of a block cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkRejected {
    /// The block is in none of [`CODECS`].
    #[error("codec {0:#x} is not allowed")]
    Codec(u64),
    /// The block's bytes are not DAG-CBOR.
    #[error("no DAG-CBOR: {0}")]
    Malformed(&'static str),
    /// A CID in it whose codec or hash no block of state has.
    #[error("{0} names no block of state: it must be blake2b-256 of DAG-CBOR, CBOR or raw bytes")]
    Foreign(Box<Cid>),
}

/// Where the block that a CID names is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// In a store.
    Stored,
    /// In the CID itself.
    Inline(&'a [u8]),
    /// Not in this state.
    Nowhere,
}

/// Where the block of `cid` is.
///
/// # Errors
/// [`LinkRejected::Foreign`].
pub fn place(cid: &Cid) -> Result<Place<'_>, LinkRejected> {
    let hash = cid.hash();
    match (cid.codec(), hash.code()) {
        (FIL_COMMITMENT_SEALED | FIL_COMMITMENT_UNSEALED, _) => Ok(Place::Nowhere),
        (CBOR | DAG_CBOR | IPLD_RAW, IDENTITY_HASH) => Ok(Place::Inline(hash.digest())),
        (CBOR | DAG_CBOR | IPLD_RAW, BLAKE2B_256) if hash.size() == BLAKE2B_256_BYTES => Ok(Place::Stored),
        _ => Err(LinkRejected::Foreign(Box::new(*cid))),
    }
}

/// What a scan pays for, before it looks.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// One CBOR item.
    Item,
    /// One CID, beside its item.
    Cid,
}

/// The stored blocks that a block links to, in order, repeated as they repeat. Cost: linear in its bytes.
///
/// # Errors
/// [`LinkRejected`], or what `pay` says.
pub fn links<E: From<LinkRejected>>(
    codec: u64,
    bytes: &[u8],
    pay: &mut impl FnMut(Part) -> Result<(), E>,
) -> Result<Vec<Cid>, E> {
    let mut found = Vec::new();
    collect(codec, bytes, pay, &mut found)?;
    Ok(found)
}

fn collect<E: From<LinkRejected>>(
    codec: u64,
    bytes: &[u8],
    pay: &mut impl FnMut(Part) -> Result<(), E>,
    found: &mut Vec<Cid>,
) -> Result<(), E> {
    match codec {
        DAG_CBOR => scan(bytes, pay, found),
        CBOR | IPLD_RAW => Ok(()),
        _ => Err(LinkRejected::Codec(codec).into()),
    }
}

/// Counts the items still to come instead of recursing, so no nesting is too deep.
fn scan<E: From<LinkRejected>>(
    bytes: &[u8],
    pay: &mut impl FnMut(Part) -> Result<(), E>,
    found: &mut Vec<Cid>,
) -> Result<(), E> {
    let mut reader = Reader(bytes);
    let mut items: u64 = 1;
    while items > 0 {
        items -= 1;
        pay(Part::Item)?;
        let (major, argument) = reader.header()?;
        let more = match major {
            Major::Number => 0,
            Major::Bytes | Major::Text => reader.take(argument).map(|_| 0)?,
            Major::Array => argument,
            Major::Map => argument.checked_mul(2).ok_or(TOO_MANY)?,
            Major::Tag if argument == TAG_CID => {
                pay(Part::Cid)?;
                visit(&reader.cid()?, pay, found)?;
                0
            }
            Major::Tag => 1,
        };
        items = items.checked_add(more).ok_or(TOO_MANY)?;
    }
    if reader.0.is_empty() { Ok(()) } else { Err(LinkRejected::Malformed("bytes follow the item").into()) }
}

fn visit<E: From<LinkRejected>>(
    cid: &Cid,
    pay: &mut impl FnMut(Part) -> Result<(), E>,
    found: &mut Vec<Cid>,
) -> Result<(), E> {
    match place(cid)? {
        Place::Stored => found.push(*cid),
        // A digest has at most 64 bytes and each level inside it costs seven: the recursion is shallow.
        Place::Inline(bytes) => collect(cid.codec(), bytes, pay, found)?,
        Place::Nowhere => {}
    }
    Ok(())
}

const TOO_MANY: LinkRejected = LinkRejected::Malformed("it announces more than 2⁶⁴ items");
const ENDS_EARLY: LinkRejected = LinkRejected::Malformed("it ends early");

/// A CBOR item's major type, as far as a scan tells them apart. RFC 8949, section 3.1.
enum Major {
    /// Types 0, 1 and 7: nothing follows the header.
    Number,
    Bytes,
    Text,
    Array,
    Map,
    Tag,
}

/// What is left to read. Every method moves past what it reads and never past the end.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: u64) -> Result<&'a [u8], LinkRejected> {
        let count = usize::try_from(count).map_err(|_| ENDS_EARLY)?;
        let (taken, rest) = self.0.split_at_checked(count).ok_or(ENDS_EARLY)?;
        self.0 = rest;
        Ok(taken)
    }

    fn header(&mut self) -> Result<(Major, u64), LinkRejected> {
        let first = self.big_endian(1)?;
        let argument = match first & 0x1f {
            small @ 0..=23 => small,
            24 => self.big_endian(1)?,
            25 => self.big_endian(2)?,
            26 => self.big_endian(4)?,
            27 => self.big_endian(8)?,
            _ => return Err(LinkRejected::Malformed("a header is not valid")),
        };
        let major = match first >> 5 {
            2 => Major::Bytes,
            3 => Major::Text,
            4 => Major::Array,
            5 => Major::Map,
            6 => Major::Tag,
            _ => Major::Number,
        };
        Ok((major, argument))
    }

    fn big_endian(&mut self, bytes: u64) -> Result<u64, LinkRejected> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }

    /// The byte string after tag 42: a zero byte, then exactly one CID.
    fn cid(&mut self) -> Result<Cid, LinkRejected> {
        let malformed = |why| Err(LinkRejected::Malformed(why));
        let (Major::Bytes, size) = self.header()? else { return malformed("a link is not a byte string") };
        let [0, rest @ ..] = self.take(size)? else { return malformed("a link does not start with a zero byte") };
        let mut rest = rest;
        let Ok(cid) = Cid::read_bytes(&mut rest) else { return malformed("a link holds no CID") };
        if rest.is_empty() { Ok(cid) } else { malformed("bytes follow a link's CID") }
    }
}

#[cfg(test)]
mod tests {
    use cid::multihash::Multihash;
    use fvm_ipld_encoding::to_vec;
    use multihash_codetable::{Code, MultihashDigest};

    use super::*;
    use crate::{cbor_cid, raw_cid};

    fn free(codec: u64, bytes: &[u8]) -> Result<Vec<Cid>, LinkRejected> {
        links(codec, bytes, &mut |_| Ok(()))
    }

    fn inline(bytes: &[u8]) -> Cid {
        Cid::new_v1(DAG_CBOR, Multihash::wrap(IDENTITY_HASH, bytes).unwrap())
    }

    #[test]
    fn links_are_found_in_order_and_inside_inline_blocks_and_only_in_dag_cbor() {
        let (a, b) = (raw_cid(b"a"), cbor_cid(b"b"));
        let piece = Cid::new_v1(FIL_COMMITMENT_UNSEALED, *a.hash());
        let bytes = to_vec(&(1, a, (inline(&to_vec(&(b,)).unwrap()), a), "text", piece)).unwrap();
        assert_eq!(free(DAG_CBOR, &bytes), Ok(vec![a, b, a]));
        for without in [CBOR, IPLD_RAW] {
            assert_eq!(free(without, &bytes), Ok(vec![]), "{without:#x}");
        }
        assert_eq!(free(0x70, &bytes), Err(LinkRejected::Codec(0x70)));
    }

    #[test]
    fn a_link_to_what_cannot_be_state_is_refused() {
        let codec = Cid::new_v1(0x70, *raw_cid(b"x").hash());
        let hash = Cid::new_v1(DAG_CBOR, Code::Sha2_256.digest(b"x"));
        let short = Cid::new_v1(DAG_CBOR, Multihash::wrap(BLAKE2B_256, &[0; 31]).unwrap());
        let inline_codec = Cid::new_v1(0x70, *inline(b"x").hash());
        for foreign in [codec, hash, short, inline_codec] {
            assert_eq!(
                free(DAG_CBOR, &to_vec(&(foreign,)).unwrap()),
                Err(LinkRejected::Foreign(Box::new(foreign))),
                "{foreign}"
            );
        }
    }

    #[test]
    fn bytes_that_are_no_cbor_are_refused_wherever_they_break() {
        let valid = to_vec(&("abc", raw_cid(b"x"), [1_u64; 30])).unwrap();
        assert!(free(DAG_CBOR, &valid).is_ok());
        for end in 0..valid.len() {
            assert!(matches!(free(DAG_CBOR, &valid[..end]), Err(LinkRejected::Malformed(_))), "cut at {end}");
        }
        let link_and_more = [&[0xd8, 0x2a, 0x58, 0x28, 0x00][..], &raw_cid(b"x").to_bytes(), &[0x00]].concat();
        let rows: [(&[u8], LinkRejected); 8] = [
            (&[0x01, 0x01], LinkRejected::Malformed("bytes follow the item")),
            (&[0x1f], LinkRejected::Malformed("a header is not valid")),
            (&[0xd8, 0x2a, 0x01], LinkRejected::Malformed("a link is not a byte string")),
            (&[0xd8, 0x2a, 0x41, 0x01], LinkRejected::Malformed("a link does not start with a zero byte")),
            (&[0xd8, 0x2a, 0x42, 0x00, 0x01], LinkRejected::Malformed("a link holds no CID")),
            (&link_and_more, LinkRejected::Malformed("bytes follow a link's CID")),
            (&[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], TOO_MANY),
            (&[0x82, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], TOO_MANY),
        ];
        for (bytes, refusal) in rows {
            assert_eq!(free(DAG_CBOR, bytes), Err(refusal), "{bytes:x?}");
        }
    }

    #[test]
    fn every_item_and_every_cid_is_paid_for_before_it_is_looked_at() {
        let bytes = to_vec(&(0_u64, inline(&to_vec(&(raw_cid(b"x"),)).unwrap()))).unwrap();
        let mut paid = Vec::new();
        links::<LinkRejected>(DAG_CBOR, &bytes, &mut |part| {
            paid.push(part);
            Ok(())
        })
        .unwrap();
        assert_eq!(paid, [Part::Item, Part::Item, Part::Item, Part::Cid, Part::Item, Part::Item, Part::Cid]);
        let refused = LinkRejected::Malformed("no money");
        assert_eq!(links(DAG_CBOR, &[0x1f], &mut |_| Err(refused.clone())), Err(refused.clone()));
    }
}
