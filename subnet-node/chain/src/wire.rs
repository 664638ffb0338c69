//! Counts what a protobuf block holds before anything is allocated for it.
//!
//! Decoding turns a two-byte empty entry into a structure of dozens of bytes, so a limit on the block's bytes alone would let
//! a peer have far more allocated. Only the two lists that can be long are walked; all else is left to the decoder.

use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// Field numbers of `tendermint.types.Block`, `Data` and `Commit`.
const BLOCK_DATA: u32 = 2;
const BLOCK_LAST_COMMIT: u32 = 4;
const DATA_TXS: u32 = 1;
const COMMIT_SIGNATURES: u32 = 4;

/// How long the lists of an encoded block are.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) transactions: usize,
    pub(crate) signatures: usize,
}

/// Counts; `None` when the bytes are no protobuf message. Allocates nothing.
pub(crate) fn count(block: &[u8]) -> Option<Counts> {
    let mut counts = Counts::default();
    each_message(block, &mut |tag, inside| {
        match tag {
            // A field that stands twice is merged by the decoder, so its entries add up.
            BLOCK_DATA => counts.transactions += entries(inside, DATA_TXS)?,
            BLOCK_LAST_COMMIT => counts.signatures += entries(inside, COMMIT_SIGNATURES)?,
            _ => {}
        }
        Some(())
    })?;
    Some(counts)
}

fn entries(message: &[u8], wanted: u32) -> Option<usize> {
    let mut count = 0;
    each_message(message, &mut |tag, _| {
        count += usize::from(tag == wanted);
        Some(())
    })?;
    Some(count)
}

/// Calls `visit` with each length-delimited field; skips the others.
fn each_message(mut buf: &[u8], visit: &mut impl FnMut(u32, &[u8]) -> Option<()>) -> Option<()> {
    while buf.has_remaining() {
        let (tag, wire_type) = decode_key(&mut buf).ok()?;
        if wire_type == WireType::LengthDelimited {
            let length = usize::try_from(decode_varint(&mut buf).ok()?).ok()?;
            let (inside, rest) = buf.split_at_checked(length)?;
            visit(tag, inside)?;
            buf = rest;
        } else {
            skip_field(wire_type, tag, &mut buf, DecodeContext::default()).ok()?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_counted_wherever_they_stand() {
        assert_eq!(count(&[]), Some(Counts::default()));
        // data{txs: ["", "a"]}, last_commit{signatures: [{}]}, data{txs: [""]}, a varint field 9.
        let block = [0x12, 5, 0x0a, 0, 0x0a, 1, b'a', 0x22, 2, 0x22, 0, 0x12, 2, 0x0a, 0, 0x48, 7];
        assert_eq!(count(&block), Some(Counts { transactions: 3, signatures: 1 }));
    }

    #[test]
    fn a_length_past_the_end_is_no_message() {
        assert_eq!(count(&[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]), None);
        assert_eq!(count(&[0x12, 2, 0x0a]), None);
        assert_eq!(count(&[0x12]), None);
    }
}
