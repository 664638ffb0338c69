//! The little CBOR that nodes are written in: headers in their shortest form, definite lengths, links by blake2b-256.

use crate::error::NodeRejected;

/// What stands before the digest of a link: tag 42, 39 bytes, and the CID's prefix.
pub(crate) const LINK: [u8; 11] = [0xd8, 0x2a, 0x58, 0x27, 0x00, 0x01, 0x71, 0xa0, 0xe4, 0x02, 0x20];

/// Bytes of a whole link.
pub(crate) const LINK_BYTES: usize = LINK.len() + 32;

/// The CBOR tag of a link.
const TAG_LINK: u64 = 42;

/// The kinds of items that nodes are made of.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Major {
    Unsigned,
    Negative,
    Bytes,
    Text,
    Array,
    Map,
    Tag,
    Simple,
}

/// What is left of a block.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next header: its kind and its number.
    pub(crate) fn header(&mut self) -> Result<(Major, u64), NodeRejected> {
        let first = self.take(1)?[0];
        let argument = match first & 0x1f {
            small @ 0..24 => u64::from(small),
            size @ 24..28 => self.number(1 << (size - 24))?,
            _ => return Err(NodeRejected::Header),
        };
        Ok((major(first, argument)?, argument))
    }

    /// A number of `size` bytes that does not fit into fewer.
    fn number(&mut self, size: usize) -> Result<u64, NodeRejected> {
        let number = self.take(size)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let fits_in_less = if size == 1 { number < 24 } else { number >> (4 * size) == 0 };
        if fits_in_less { Err(NodeRejected::Header) } else { Ok(number) }
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], NodeRejected> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(NodeRejected::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    /// As [`Reader::take`], for a length that a header told.
    fn take_told(&mut self, length: u64) -> Result<&'a [u8], NodeRejected> {
        self.take(usize::try_from(length).map_err(|_| NodeRejected::Short)?)
    }

    /// Whether `bytes` come next; then they are taken.
    pub(crate) fn skips(&mut self, bytes: &[u8]) -> bool {
        let rest = self.0.strip_prefix(bytes);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// A byte string; `fault` when the next item is something else.
    pub(crate) fn bytes(&mut self, fault: NodeRejected) -> Result<&'a [u8], NodeRejected> {
        match self.header()? {
            (Major::Bytes, length) => self.take_told(length),
            _ => Err(fault),
        }
    }

    /// The length of a list; `fault` when the next item is something else.
    pub(crate) fn list(&mut self, fault: NodeRejected) -> Result<u64, NodeRejected> {
        match self.header()? {
            (Major::Array, length) => Ok(length),
            _ => Err(fault),
        }
    }

    /// The next item with all that is in it. Counts the items still to come instead of recursing, so no nesting is too deep.
    pub(crate) fn item(&mut self) -> Result<&'a [u8], NodeRejected> {
        let start = self.0;
        let mut items: u64 = 1;
        while items > 0 {
            let (major, argument) = self.header()?;
            let more = match major {
                Major::Unsigned | Major::Negative | Major::Simple => 0,
                Major::Bytes | Major::Text => self.take_told(argument).map(|_| 0)?,
                Major::Array => argument,
                Major::Map => argument.checked_mul(2).ok_or(NodeRejected::Short)?,
                Major::Tag => 1,
            };
            items = (items - 1).checked_add(more).ok_or(NodeRejected::Short)?;
        }
        Ok(&start[..start.len() - self.0.len()])
    }
}

fn major(first: u8, argument: u64) -> Result<Major, NodeRejected> {
    match first >> 5 {
        0 => Ok(Major::Unsigned),
        1 => Ok(Major::Negative),
        2 => Ok(Major::Bytes),
        3 => Ok(Major::Text),
        4 => Ok(Major::Array),
        5 => Ok(Major::Map),
        6 if argument == TAG_LINK => Ok(Major::Tag),
        // False, true and null: state has no floating point.
        7 if (20..=22).contains(&argument) => Ok(Major::Simple),
        _ => Err(NodeRejected::Header),
    }
}

/// Appends a header whose number is at most 65535.
fn put_header(out: &mut Vec<u8>, major: u8, argument: usize) {
    let argument = u16::try_from(argument).expect("no length or number in a node is as large");
    match argument.to_be_bytes() {
        [0, small @ 0..24] => out.push(major << 5 | small),
        [0, byte] => out.extend([major << 5 | 24, byte]),
        [high, low] => out.extend([major << 5 | 25, high, low]),
    }
}

pub(crate) fn put_unsigned(out: &mut Vec<u8>, number: usize) {
    put_header(out, 0, number);
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_header(out, 2, bytes.len());
    out.extend_from_slice(bytes);
}

pub(crate) fn put_list(out: &mut Vec<u8>, length: usize) {
    put_header(out, 4, length);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_taken_with_all_that_is_in_it() {
        let bytes = [0x83, 0x01, 0x82, 0x41, 0xff, 0xa1, 0x61, b'a', 0xf6, 0x38, 0x18, 0x00];
        let mut reader = Reader(&bytes);
        assert_eq!(reader.item(), Ok(&bytes[..11]));
        assert_eq!(reader.0, [0]);
    }

    #[test]
    fn each_header_out_of_form_is_refused() {
        for (bytes, why) in [
            (&[0x18, 0x17][..], NodeRejected::Header),
            (&[0x19, 0x00, 0xff], NodeRejected::Header),
            (&[0x1a, 0x00, 0x00, 0xff, 0xff], NodeRejected::Header),
            (&[0x1b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], NodeRejected::Header),
            (&[0x5f, 0xff], NodeRejected::Header),
            (&[0xc1, 0x00], NodeRejected::Header),
            (&[0xf7], NodeRejected::Header),
            (&[0xfb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0], NodeRejected::Header),
            (&[], NodeRejected::Short),
            (&[0x42, 0x00], NodeRejected::Short),
            (&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], NodeRejected::Short),
            (&[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], NodeRejected::Short),
        ] {
            assert_eq!(Reader(bytes).item(), Err(why), "{bytes:02x?}");
        }
    }

    #[test]
    fn headers_are_written_in_their_shortest_form() {
        for number in [0, 23, 24, 255, 256, 65535] {
            let mut out = Vec::new();
            put_unsigned(&mut out, number);
            let read = Reader(&out).header().unwrap();
            assert_eq!(read, (Major::Unsigned, u64::try_from(number).unwrap()));
        }
    }
}
