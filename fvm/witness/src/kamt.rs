//! A slot in a contract's storage, a KAMT: slots are placed by themselves, five bits a level, and levels that all slots below share
//! are skipped.
//!
//! A pointer is `{"l": [node below, bits skipped, those bits]}` or a bucket `{"v": [[slot, value], …]}`.
//!
//! Source: `fvm_ipld_kamt`, and filecoin-project/builtin-actors, `actors/evm/src/interpreter/system.rs`.

use cid::Cid;
use ipld_core::ipld::Ipld;

use crate::node::{Bits, Node, NodeRejected};
use crate::question::Blocks;

/// The value of `slot` in the storage at `root`; zero when the blocks show that it has none.
pub(crate) fn find<S: Blocks>(blocks: &mut S, root: &Cid, slot: &[u8; 32]) -> Result<[u8; 32], S::Refused> {
    let mut bits = Bits::of(slot);
    let mut at = *root;
    loop {
        let node = Node::read(blocks, &at)?;
        let place = bits.next().ok_or_else(|| node.malformed("it lies deeper than a slot has bits"))?;
        let Some(pointer) = node.take(place) else { return Ok([0; 32]) };
        match read(&at, pointer)? {
            Pointer::Bucket(entries) => return Ok(value_of(&at, slot, entries)?),
            Pointer::Link { below, length, skipped } => {
                if !follows(&at, &mut bits, length, &skipped)? {
                    return Ok([0; 32]);
                }
                at = below;
            }
        }
    }
}

pub(crate) enum Pointer {
    Bucket(Vec<Ipld>),
    Link { below: Cid, length: usize, skipped: Vec<u8> },
}

pub(crate) fn read(cid: &Cid, pointer: Ipld) -> Result<Pointer, NodeRejected> {
    let malformed = || NodeRejected::new(cid, "node of a contract's storage", "a pointer is neither link nor bucket");
    let Ipld::Map(map) = pointer else { return Err(malformed()) };
    let mut entries = map.into_iter();
    match (entries.next(), entries.next()) {
        (Some((tag, Ipld::List(entries))), None) if tag == "v" => Ok(Pointer::Bucket(entries)),
        (Some((tag, Ipld::List(fields))), None) if tag == "l" => match <[Ipld; 3]>::try_from(fields) {
            Ok([Ipld::Link(below), Ipld::Integer(length), Ipld::Bytes(skipped)]) => {
                let length = usize::try_from(length).map_err(|_| malformed())?;
                Ok(Pointer::Link { below, length, skipped })
            }
            _ => Err(malformed()),
        },
        _ => Err(malformed()),
    }
}

/// The places that a link skips, a level's each.
pub(crate) fn skipped<'a>(cid: &Cid, length: usize, bits: &'a [u8]) -> Result<Bits<'a>, NodeRejected> {
    let malformed =
        || NodeRejected::new(cid, "node of a contract's storage", "a link skips bits that it does not have");
    Bits::first(bits, length).ok_or_else(malformed)
}

/// Whether the slot goes on as the levels do that the link skips.
fn follows(cid: &Cid, slot: &mut Bits<'_>, length: usize, bits: &[u8]) -> Result<bool, NodeRejected> {
    Ok(skipped(cid, length, bits)?.all(|place| slot.next() == Some(place)))
}

fn value_of(cid: &Cid, slot: &[u8; 32], entries: Vec<Ipld>) -> Result<[u8; 32], NodeRejected> {
    for found in entries {
        let (key, value) = entry(cid, found)?;
        if key == *slot {
            return Ok(value);
        }
    }
    Ok([0; 32])
}

/// Slot and value.
pub(crate) fn entry(cid: &Cid, entry: Ipld) -> Result<([u8; 32], [u8; 32]), NodeRejected> {
    let malformed = || NodeRejected::new(cid, "node of a contract's storage", "an entry is no slot and value");
    let Ipld::List(pair) = entry else { return Err(malformed()) };
    let Ok([Ipld::Bytes(key), Ipld::Bytes(value)]) = <[Ipld; 2]>::try_from(pair) else { return Err(malformed()) };
    Ok((word(&key).ok_or_else(malformed)?, word(&value).ok_or_else(malformed)?))
}

/// 32 bytes from those without leading zeros; `None` for more than 32.
fn word(bytes: &[u8]) -> Option<[u8; 32]> {
    let mut word = [0; 32];
    word[32_usize.checked_sub(bytes.len())?..].copy_from_slice(bytes);
    Some(word)
}

#[cfg(test)]
mod tests {
    use tributary_primitives::cbor_cid;

    use super::*;

    #[test]
    fn each_malformed_pointer_is_refused() {
        let cid = cbor_cid(b"node");
        let map = |tag: &str, fields: Vec<Ipld>| Ipld::Map([(tag.to_owned(), Ipld::List(fields))].into());
        let link = |length: i128| map("l", vec![Ipld::Link(cid), Ipld::Integer(length), Ipld::Bytes(vec![0])]);
        for bad in [Ipld::Null, map("x", vec![]), map("l", vec![]), link(-1), Ipld::Map([].into())] {
            assert!(read(&cid, bad.clone()).is_err(), "{bad:?}");
        }
        assert!(read(&cid, link(5)).is_ok());
        assert!(follows(&cid, &mut Bits::of(&[0; 32]), 9, &[0]).is_err(), "nine bits of eight");
        assert!(value_of(&cid, &[0; 32], vec![Ipld::List(vec![Ipld::Bytes(vec![1; 33]), Ipld::Null])]).is_err());
    }
}
