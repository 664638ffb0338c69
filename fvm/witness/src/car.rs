//! CARv1: a header that names one root, then blocks, each with its length and its CID.
//!
//! ```text
//! file    varint │ header   {"roots": [CID], "version": 1} in DAG-CBOR
//!         varint │ CID │ block      as often as there are blocks; the varint counts CID and block
//! ```
//!
//! Reading trusts nothing: a length is bounded before anything is allocated, a block must hash to its CID, and every byte has one
//! spelling only, so two files that read alike are alike.
//!
//! `fvm_ipld_car` is not used: its reader believes any length, and takes a file cut inside a length for a whole one. Tests hold our
//! files against it.
//!
//! Source: "Content Addressable aRchives (CARv1)", ipld.io/specs/transport/car/carv1.

use std::io::{self, Read, Write};

use cid::Cid;
use serde::{Deserialize, Serialize};

use crate::block::{Place, bytes_max, is_named_by, place};

/// Bytes of a CID that names a block of state: version, codec, hash, length of the digest, digest.
const CID_BYTES: usize = 1 + 1 + 3 + 1 + 32;
/// Most bytes of a header: one root takes 60.
const HEADER_BYTES_MAX: usize = 128;
/// Most bytes of a length; four hold 256 MiB, more than a block may have.
const VARINT_BYTES_MAX: usize = 4;

/// Why bytes are no archive of ours. `at` counts bytes from the file's start.
#[derive(Debug, thiserror::Error)]
pub enum CarRejected {
    /// The file ends inside a header or a block.
    #[error("the file ends early, at byte {at}; fetch it again")]
    EndsEarly {
        /// Where it ends.
        at: u64,
    },
    /// A length that is longer than it need be, or larger than anything here.
    #[error("the length at byte {at} is not a minimal varint of at most {VARINT_BYTES_MAX} bytes")]
    BadLength {
        /// Where the length starts.
        at: u64,
    },
    /// Not a CARv1 header with one root.
    #[error("the file is no CARv1 with one root: {0}")]
    BadHeader(String),
    /// A block larger than any block of state.
    #[error("the block at byte {at} has {bytes} bytes; at most {most} are allowed")]
    BlockTooLarge {
        /// Where its length starts.
        at: u64,
        /// Its bytes.
        bytes: usize,
        /// Most that are allowed.
        most: usize,
    },
    /// A name that no block of state has.
    #[error("the block at byte {at} has no CID of state: blake2b-256 of DAG-CBOR, CBOR or raw bytes")]
    BadName {
        /// Where its length starts.
        at: u64,
    },
    /// Bytes that do not hash to their CID.
    #[error("the bytes under {0} are not what it names; the file was damaged or tampered with")]
    WrongHash(Box<Cid>),
    /// The file cannot be read.
    #[error("the file cannot be read")]
    Unreadable(#[source] io::Error),
}

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    roots: Vec<Cid>,
    version: u64,
}

/// Writes a CARv1.
#[derive(Debug)]
pub struct CarWriter<W> {
    to: W,
}

impl<W: Write> CarWriter<W> {
    /// One with `root` in its header, which is written now.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn new(mut to: W, root: &Cid) -> io::Result<Self> {
        let header = header(root);
        to.write_all(&varint(header.len()))?;
        to.write_all(&header)?;
        Ok(Self { to })
    }

    /// Adds a block.
    ///
    /// # Errors
    /// Those of the writer below.
    pub fn block(&mut self, cid: &Cid, bytes: &[u8]) -> io::Result<()> {
        let name = cid.to_bytes();
        self.to.write_all(&varint(name.len() + bytes.len()))?;
        self.to.write_all(&name)?;
        self.to.write_all(bytes)
    }

    /// The writer below.
    pub fn into_inner(self) -> W {
        self.to
    }
}

fn header(root: &Cid) -> Vec<u8> {
    let header = Header { roots: vec![*root], version: 1 };
    fvm_ipld_encoding::to_vec(&header).expect("a CID and a number have a DAG-CBOR form")
}

/// The unsigned varint of multiformats: seven bits a byte, the lowest first.
fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(VARINT_BYTES_MAX);
    loop {
        let low = u8::try_from(number & 0x7f).expect("seven bits");
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// Reads a CARv1, one block in memory at a time.
#[derive(Debug)]
pub struct CarReader<R> {
    from: R,
    at: u64,
}

impl<R: Read> CarReader<R> {
    /// Reads the header; the reader and the root it names.
    ///
    /// # Errors
    /// [`CarRejected`].
    pub fn open(from: R) -> Result<(Self, Cid), CarRejected> {
        let mut reader = Self { from, at: 0 };
        let length = reader.length()?.ok_or(CarRejected::EndsEarly { at: 0 })?;
        if length > HEADER_BYTES_MAX {
            return Err(CarRejected::BadHeader(format!("a header of {length} bytes")));
        }
        let bytes = reader.bytes(length)?;
        let found: Header =
            fvm_ipld_encoding::from_slice(&bytes).map_err(|why| CarRejected::BadHeader(why.to_string()))?;
        match found.roots.as_slice() {
            [root] if header(root) == bytes => Ok((reader, *root)),
            roots => Err(CarRejected::BadHeader(format!(
                "{} roots, version {}, or not canonical",
                roots.len(),
                found.version
            ))),
        }
    }

    /// The next block, checked against its CID; `None` at the end. Memory: that block.
    ///
    /// # Errors
    /// [`CarRejected`]; nothing more can be read then.
    pub fn block(&mut self) -> Result<Option<(Cid, Vec<u8>)>, CarRejected> {
        let at = self.at;
        let Some(length) = self.length()? else { return Ok(None) };
        let bytes = length.checked_sub(CID_BYTES).ok_or(CarRejected::BadName { at })?;
        let name = self.bytes(CID_BYTES)?;
        let cid = Cid::try_from(name.as_slice()).map_err(|_| CarRejected::BadName { at })?;
        if !matches!(place(&cid), Ok(Place::Stored)) || cid.to_bytes() != name {
            return Err(CarRejected::BadName { at });
        }
        let most = bytes_max(&cid);
        if bytes > most {
            return Err(CarRejected::BlockTooLarge { at, bytes, most });
        }
        let block = self.bytes(bytes)?;
        if !is_named_by(&block, &cid) {
            return Err(CarRejected::WrongHash(Box::new(cid)));
        }
        Ok(Some((cid, block)))
    }

    /// A length; `None` where the file ends.
    fn length(&mut self) -> Result<Option<usize>, CarRejected> {
        let start = self.at;
        let mut number = 0_usize;
        for position in 0..VARINT_BYTES_MAX {
            let Some(byte) = self.byte()? else {
                return if position == 0 { Ok(None) } else { Err(CarRejected::EndsEarly { at: self.at }) };
            };
            number |= usize::from(byte & 0x7f) << (7 * position);
            if byte & 0x80 == 0 {
                let is_minimal = byte != 0 || position == 0;
                return if is_minimal { Ok(Some(number)) } else { Err(CarRejected::BadLength { at: start }) };
            }
        }
        Err(CarRejected::BadLength { at: start })
    }

    fn byte(&mut self) -> Result<Option<u8>, CarRejected> {
        let mut byte = [0];
        match self.from.read_exact(&mut byte) {
            Ok(()) => {
                self.at += 1;
                Ok(Some(byte[0]))
            }
            Err(why) if why.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(why) => Err(CarRejected::Unreadable(why)),
        }
    }

    /// Exactly `count` bytes, which the caller has bounded.
    fn bytes(&mut self, count: usize) -> Result<Vec<u8>, CarRejected> {
        let mut bytes = vec![0; count];
        self.from.read_exact(&mut bytes).map_err(|why| match why.kind() {
            io::ErrorKind::UnexpectedEof => CarRejected::EndsEarly { at: self.at },
            _ => CarRejected::Unreadable(why),
        })?;
        self.at = self.at.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use fvm_ipld_blockstore::{Blockstore, MemoryBlockstore};
    use tributary_primitives::layout::BLOCK_BYTES_MAX;
    use tributary_primitives::{cbor_cid, raw_cid};

    use super::*;

    fn file(blocks: &[(Cid, &[u8])]) -> Vec<u8> {
        let mut car = CarWriter::new(Vec::new(), &blocks[0].0).unwrap();
        blocks.iter().for_each(|(cid, bytes)| car.block(cid, bytes).unwrap());
        car.into_inner()
    }

    fn read(bytes: &[u8]) -> Result<Vec<(Cid, Vec<u8>)>, CarRejected> {
        let (mut reader, _) = CarReader::open(bytes)?;
        std::iter::from_fn(|| reader.block().transpose()).collect()
    }

    #[test]
    fn what_is_written_reads_back_and_filecoins_own_reader_agrees() {
        let big = vec![7; 70_000];
        let blocks: [(Cid, &[u8]); 3] = [(cbor_cid(&[0x80]), &[0x80]), (raw_cid(&big), &big), (raw_cid(b"x"), b"x")];
        let bytes = file(&blocks);
        assert_eq!(read(&bytes).unwrap(), blocks.map(|(cid, bytes)| (cid, bytes.to_vec())));
        let store = MemoryBlockstore::default();
        assert_eq!(fvm_ipld_car::load_car(&store, bytes.as_slice()).unwrap(), [blocks[0].0]);
        assert_eq!(store.get(&blocks[1].0).unwrap(), Some(big));
    }

    #[test]
    fn each_fault_is_refused_for_its_own_reason() {
        let good = file(&[(raw_cid(b"block"), b"block")]);
        let header = 1 + 60;
        type Fault = fn(&mut Vec<u8>);
        let rows: [(&str, Fault); 9] = [
            ("the file ends early, at byte 0", |file| file.clear()),
            ("the file ends early, at byte 100", |file| file.truncate(102)),
            ("a header of 200 bytes", |file| file.splice(0..1, [0xc8, 0x01]).for_each(drop)),
            ("the file is no CARv1", |file| file[1] = 0xa3),
            ("the length at byte 61 is not a minimal varint", |file| file.splice(61..62, [0xab, 0x00]).for_each(drop)),
            ("the length at byte 61", |file| file.splice(61..62, [0xff; 5]).for_each(drop)),
            ("the block at byte 61 has no CID of state", |file| file[63] = 0x70),
            ("are not what it names", |file| *file.last_mut().unwrap() ^= 1),
            ("the file ends early", |file| file.push(0x80)),
        ];
        assert_eq!((read(&good).unwrap().len(), good.len()), (1, header + 1 + CID_BYTES + 5));
        for (reason, fault) in rows {
            let mut bad = good.clone();
            fault(&mut bad);
            let refusal = read(&bad).unwrap_err().to_string();
            assert!(refusal.contains(reason), "{refusal} is not {reason}");
        }
    }

    #[test]
    fn a_length_beyond_what_a_block_may_have_is_refused_before_it_is_allocated() {
        let cid = cbor_cid(b"x");
        let mut bytes = file(&[(cid, b"x")]);
        bytes.truncate(61);
        bytes.extend(varint(CID_BYTES + BLOCK_BYTES_MAX + 1));
        bytes.extend(cid.to_bytes());
        assert!(matches!(read(&bytes), Err(CarRejected::BlockTooLarge { at: 61, .. })));
    }

    #[test]
    fn no_byte_can_change_unseen() {
        let bytes = file(&[(raw_cid(b"one"), b"one"), (cbor_cid(&[0x80]), &[0x80])]);
        let all = |bytes: &[u8]| CarReader::open(bytes).and_then(|(_, root)| Ok((root, read(bytes)?)));
        let good = all(&bytes).unwrap();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                assert!(all(&changed).ok().as_ref() != Some(&good), "byte {at}, bit {bit}");
            }
        }
    }
}
