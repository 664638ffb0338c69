//! Finds the links of a block, paying for each field looked at.
//!
//! ```text
//! DAG-CBOR   every item, every tag 42 ─▶ a CID
//!              ├─ sector commitment    names no block: skipped
//!              ├─ identity hash        a block inside the CID: scanned in place
//!              ├─ blake2b-256          a link
//!              └─ anything else        cannot exist here: NotFound
//! CBOR, raw  no links
//! ```
//!
//! Source of the rules and the order of charges: ref-fvm 4.8 `fvm/src/ipld`.

use cid::Cid;
use fvm_ipld_encoding::{CBOR, DAG_CBOR, IPLD_RAW};
use fvm_shared::IDENTITY_HASH;
use fvm_shared::commcid::{FIL_COMMITMENT_SEALED, FIL_COMMITMENT_UNSEALED};
use fvm_shared::error::ErrorNumber;

use crate::block::CODECS;
use crate::error::{SyscallError, rejected};
use crate::gas::GasTracker;
use crate::prices;

/// Multihash code of the one hash that names state.
pub(crate) const BLAKE2B_256: u64 = 0xb220;

/// Bytes in its digest.
pub(crate) const BLAKE2B_256_BYTES: u8 = 32;

/// CBOR tag of a CID in DAG-CBOR.
const TAG_CID: u64 = 42;

/// The links of `data`, in order. Cost: linear in the number of CBOR items.
pub(crate) fn scan(codec: u64, data: &[u8], gas: &mut GasTracker) -> Result<Vec<Cid>, SyscallError> {
    let mut links = Vec::new();
    scan_into(codec, data, gas, &mut links)?;
    Ok(links)
}

fn scan_into(codec: u64, data: &[u8], gas: &mut GasTracker, links: &mut Vec<Cid>) -> Result<(), SyscallError> {
    match codec {
        DAG_CBOR => scan_dag_cbor(data, gas, links),
        CBOR | IPLD_RAW => Ok(()),
        _ => Err(rejected(ErrorNumber::IllegalCodec, format!("codec {codec:#x} is not allowed"))),
    }
}

fn scan_dag_cbor(data: &[u8], gas: &mut GasTracker, links: &mut Vec<Cid>) -> Result<(), SyscallError> {
    let mut reader = Reader(data);
    let mut items: u64 = 1;
    while items > 0 {
        items -= 1;
        gas.charge(prices::CBOR_FIELD)?;
        let (major, argument) = reader.header()?;
        let more = match major {
            Major::Number => 0,
            Major::Bytes | Major::Text => {
                reader.take(argument)?;
                0
            }
            Major::Array => argument,
            Major::Map => argument.checked_mul(2).ok_or_else(too_many_items)?,
            Major::Tag if argument == TAG_CID => {
                gas.charge(prices::CBOR_CID)?;
                visit(&reader.cid()?, gas, links)?;
                0
            }
            Major::Tag => 1,
        };
        items = items.checked_add(more).ok_or_else(too_many_items)?;
    }
    if reader.0.is_empty() { Ok(()) } else { Err(malformed("bytes follow the CBOR item")) }
}

fn visit(cid: &Cid, gas: &mut GasTracker, links: &mut Vec<Cid>) -> Result<(), SyscallError> {
    if matches!(cid.codec(), FIL_COMMITMENT_SEALED | FIL_COMMITMENT_UNSEALED) {
        return Ok(());
    }
    if !CODECS.contains(&cid.codec()) {
        return Err(rejected(ErrorNumber::NotFound, format!("a link has the forbidden codec {:#x}", cid.codec())));
    }
    let hash = cid.hash();
    // A digest has at most 64 bytes and each level inside it costs seven: the recursion is shallow.
    if hash.code() == IDENTITY_HASH {
        return scan_into(cid.codec(), hash.digest(), gas, links);
    }
    if hash.code() != BLAKE2B_256 || hash.size() != BLAKE2B_256_BYTES {
        return Err(rejected(ErrorNumber::NotFound, format!("a link has the forbidden hash {:#x}", hash.code())));
    }
    links.push(*cid);
    Ok(())
}

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
    fn take(&mut self, count: u64) -> Result<&'a [u8], SyscallError> {
        let count = usize::try_from(count).map_err(|_| ends_early())?;
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(ends_early)?;
        self.0 = rest;
        Ok(taken)
    }

    fn header(&mut self) -> Result<(Major, u64), SyscallError> {
        let first = self.big_endian(1)?;
        let argument = match first & 0x1f {
            small @ 0..=23 => small,
            24 => self.big_endian(1)?,
            25 => self.big_endian(2)?,
            26 => self.big_endian(4)?,
            27 => self.big_endian(8)?,
            _ => return Err(malformed("a CBOR header is not valid")),
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

    fn big_endian(&mut self, bytes: u64) -> Result<u64, SyscallError> {
        let bytes = self.take(bytes)?;
        Ok(bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }

    /// The byte string after tag 42: a zero byte, then exactly one CID.
    fn cid(&mut self) -> Result<Cid, SyscallError> {
        let (Major::Bytes, size) = self.header()? else {
            return Err(malformed("a link is not a byte string"));
        };
        let Some((0, mut bytes)) = self.take(size)?.split_first().map(|(zero, cid)| (*zero, cid)) else {
            return Err(malformed("a link does not start with a zero byte"));
        };
        let cid = Cid::read_bytes(&mut bytes).map_err(|why| malformed(format!("a link: {why}")))?;
        if bytes.is_empty() { Ok(cid) } else { Err(malformed("bytes follow a link's CID")) }
    }
}

fn malformed(reason: impl Into<std::borrow::Cow<'static, str>>) -> SyscallError {
    rejected(ErrorNumber::Serialization, reason)
}

fn ends_early() -> SyscallError {
    malformed("the CBOR ends early")
}

fn too_many_items() -> SyscallError {
    malformed("the CBOR announces more than 2⁶⁴ items")
}

#[cfg(test)]
mod tests {
    use cid::multihash::Multihash;
    use fvm_ipld_encoding::to_vec;
    use multihash_codetable::{Code, MultihashDigest};

    use super::*;
    use crate::gas::Gas;

    fn link_to(data: &[u8]) -> Cid {
        Cid::new_v1(IPLD_RAW, Code::Blake2b256.digest(data))
    }

    fn scanned(codec: u64, data: &[u8]) -> (Result<Vec<Cid>, SyscallError>, Gas) {
        let mut gas = GasTracker::new(1_000_000);
        (scan(codec, data, &mut gas), gas.used())
    }

    #[test]
    fn only_dag_cbor_has_links_and_pays_for_its_fields() {
        let link = link_to(b"foobar");
        let data = to_vec(&(0_u64, link, 1_u64)).unwrap();
        for (codec, links, gas) in
            [(DAG_CBOR, vec![link], Gas::new(4 * 35 + 400)), (CBOR, vec![], Gas::ZERO), (IPLD_RAW, vec![], Gas::ZERO)]
        {
            let (found, used) = scanned(codec, &data);
            assert_eq!((found.unwrap(), used), (links, gas), "{codec:#x}");
        }
    }

    #[test]
    fn a_block_inside_a_cid_is_scanned_in_place() {
        let link = link_to(b"foobar");
        let inner = to_vec(&(0_u64, link)).unwrap();
        let inline = Cid::new_v1(DAG_CBOR, Multihash::wrap(IDENTITY_HASH, &inner).unwrap());
        let (found, used) = scanned(DAG_CBOR, &to_vec(&(inline, 7_u64)).unwrap());
        assert_eq!((found.unwrap(), used), (vec![link], Gas::new(6 * 35 + 2 * 400)));
    }

    #[test]
    fn a_sector_commitment_is_no_link() {
        let piece = Cid::new_v1(FIL_COMMITMENT_UNSEALED, *link_to(b"x").hash());
        assert_eq!(scanned(DAG_CBOR, &to_vec(&(piece,)).unwrap()).0.unwrap(), vec![]);
    }

    #[test]
    fn a_link_to_what_cannot_exist_is_not_found() {
        let codec = Cid::new_v1(0x70, *link_to(b"x").hash());
        let hash = Cid::new_v1(DAG_CBOR, Code::Sha2_256.digest(b"x"));
        for cid in [codec, hash] {
            let Err(SyscallError::Rejected(why)) = scanned(DAG_CBOR, &to_vec(&(cid,)).unwrap()).0 else {
                panic!("{cid} is a link")
            };
            assert_eq!(why.number, ErrorNumber::NotFound);
        }
    }

    #[test]
    fn malformed_cbor_is_a_serialization_error_wherever_it_breaks() {
        let mut valid = to_vec(&("abc", link_to(b"x"), [1_u64; 30])).unwrap();
        for end in 0..valid.len() {
            assert!(scanned(DAG_CBOR, &valid[..end]).0.is_err(), "cut at {end}");
        }
        valid.push(0);
        let table: [&[u8]; 6] = [
            &valid,
            &[0x1f],                                                       // reserved header
            &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],       // 2⁶⁴ map entries
            &[0x82, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], // 2⁶⁴ items more
            &[0xd8, 0x2a, 0x01],                                           // tag 42 on a number
            &[0xd8, 0x2a, 0x41, 0x01],                                     // no zero byte
        ];
        for data in table {
            let Err(SyscallError::Rejected(why)) = scanned(DAG_CBOR, data).0 else { panic!("{data:x?} is valid") };
            assert_eq!(why.number, ErrorNumber::Serialization, "{data:x?}");
        }
    }

    #[test]
    fn a_scan_stops_when_gas_runs_out() {
        let data = to_vec(&vec![1_u64; 100]).unwrap();
        let mut gas = GasTracker::new(35 * 50);
        assert!(matches!(scan(DAG_CBOR, &data, &mut gas), Err(SyscallError::Halt(_))));
    }
}
