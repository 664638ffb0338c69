use super::*;
use crate::bits::Place;
use crate::bits::level;
use crate::cbor::{put_bytes, put_list, put_unsigned};
use crate::kind::{Hashed, Word};

/// Writes a list of a bit field and as many pointers as are given.
fn block(field: &[u8], pointers: &[Vec<u8>]) -> Vec<u8> {
    let mut out = vec![0x82];
    put_bytes(&mut out, field);
    put_list(&mut out, pointers.len());
    out.extend(pointers.concat());
    out
}

/// A node with these pointers in these slots.
fn node(pointers: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let taken = pointers.iter().fold(0, |taken, (slot, _)| taken | bit(*slot));
    let field: Vec<u8> = taken.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    block(&field, &pointers.iter().map(|(_, pointer)| pointer.clone()).collect::<Vec<_>>())
}

fn entries(keys: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    put_list(&mut out, keys.len());
    for key in keys {
        out.push(0x82);
        put_bytes(&mut out, key);
        out.extend([0x41, 7]);
    }
    out
}

fn link() -> Vec<u8> {
    [&LINK[..], &[9; 32]].concat()
}

fn kamt_bucket(key: &[u8]) -> Vec<u8> {
    [Word::BUCKET, &entries(&[key])].concat()
}

fn kamt_link(bits: usize, path: &[u8]) -> Vec<u8> {
    let mut out = [Word::LINK, &link()].concat();
    put_unsigned(&mut out, bits);
    put_bytes(&mut out, path);
    out
}

fn swap(mut bytes: Vec<u8>, at: usize, byte: u8) -> Vec<u8> {
    bytes[at] = byte;
    bytes
}

fn read<K: Kind>(block: Vec<u8>, path: &Path) -> Option<NodeRejected> {
    Node::read::<K>(block, Digest::default(), path).err()
}

fn place(key: &[u8]) -> Place {
    Hashed::place(key).unwrap()
}

/// Numbers as keys whose hashes start as that of 0 does: `first` of them, in ascending order.
fn neighbours(bits: usize, first: usize) -> Vec<[u8; 4]> {
    let zero = place(&[0; 4]);
    let shares = |key: &[u8; 4]| crate::bits::share(&place(key), &zero, bits);
    (0_u32..).map(u32::to_be_bytes).filter(shares).take(first).collect()
}

#[test]
fn each_malformed_hamt_node_is_refused_for_its_own_reason() {
    let keys = neighbours(5, 4);
    let keys: Vec<&[u8]> = keys.iter().map(<[u8; 4]>::as_slice).collect();
    let slot = level(&place(keys[0]), 0);
    let other = (slot + 1) % 32;
    let with = |pointer: Vec<u8>| node(&[(slot, pointer)]);
    let good = with(entries(&keys[..3]));
    assert_eq!(read::<Hashed>(good.clone(), &Path::default()), None);
    assert_eq!(read::<Hashed>(node(&[]), &Path::default()), None, "an empty root");
    assert_eq!(read::<Hashed>(with(link()), &Path::default()), None);
    let one = entries(&keys[..1]);
    let long_value = [&one[..one.len() - 2], &[0x59, 0x28, 0x01], &[0; 0x2801]].concat();
    for (bad, why) in [
        (vec![0; BLOCK_BYTES_MAX + 1], NodeRejected::TooLarge),
        (with(entries(&[&[1; 257]])), NodeRejected::TooLarge),
        (with(long_value), NodeRejected::TooLarge),
        (vec![], NodeRejected::Short),
        (good[..good.len() - 1].to_vec(), NodeRejected::Short),
        ([&good[..], &[0]].concat(), NodeRejected::Trailing),
        (vec![0x98, 0x02, 0x40, 0x80], NodeRejected::Header),
        (vec![0x9f, 0x40, 0x80, 0xff], NodeRejected::Header),
        (with([&one[..one.len() - 2], &[0x18, 7]].concat()), NodeRejected::Header),
        (vec![0x83, 0x40, 0x80, 0x80], NodeRejected::Shape),
        (vec![0x82, 0x80, 0x80], NodeRejected::Shape),
        (vec![0x82, 0x40, 0x40], NodeRejected::Shape),
        (vec![0xa1, 0x40, 0x80], NodeRejected::Shape),
        (block(&[0], &[]), NodeRejected::Bitfield),
        (block(&[0, 1], &[link()]), NodeRejected::Bitfield),
        (block(&[1, 0, 0, 0, 0], &[link()]), NodeRejected::Bitfield),
        (block(&[1], &[]), NodeRejected::Count),
        (block(&[3], &[link()]), NodeRejected::Count),
        (vec![0x82, 0x41, 0x01, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], NodeRejected::Count),
        (with(vec![0xf6]), NodeRejected::Pointer),
        (with(vec![0xa0]), NodeRejected::Pointer),
        (with(vec![0x81, 0x81, 0x40]), NodeRejected::Pointer),
        (with(vec![0x81, 0x82, 0x60, 0x00]), NodeRejected::Pointer),
        (with(swap(link(), 1, 0x2b)), NodeRejected::Link),
        (with(swap(link(), 6, 0x55)), NodeRejected::Link),
        (with(swap(link(), 7, 0x12)), NodeRejected::Link),
        (with(vec![0x80]), NodeRejected::Bucket),
        (with(entries(&keys)), NodeRejected::Bucket),
        (with(entries(&[keys[1], keys[0]])), NodeRejected::Order),
        (with(entries(&[keys[0], keys[0]])), NodeRejected::Order),
        (node(&[(other, one.clone())]), NodeRejected::Misplaced),
    ] {
        assert_eq!(read::<Hashed>(bad.clone(), &Path::default()), Some(why), "{:02x?}", &bad[..bad.len().min(80)]);
    }
}

#[test]
fn a_hamt_node_below_the_root_holds_more_than_a_bucket_and_only_what_leads_there() {
    let keys = neighbours(10, 4);
    let keys: Vec<&[u8]> = keys.iter().map(<[u8; 4]>::as_slice).collect();
    let (zero, slot) = (place(keys[0]), level(&place(keys[0]), 5));
    let below = Path::of(zero, 5);
    let other = (slot + 1) % 32;
    let mut two = [(slot, entries(&keys[..3])), (other, link())];
    two.sort_unstable();
    assert_eq!(read::<Hashed>(node(&two), &below), None);
    assert_eq!(read::<Hashed>(node(&[(slot, link())]), &below), None, "a link has more than a bucket below it");
    let elsewhere = Path::of([!zero[0]; 32], 5);
    for (bad, path, why) in [
        (node(&[]), below, NodeRejected::Collapsible),
        (node(&[(slot, entries(&keys[..3]))]), below, NodeRejected::Collapsible),
        (node(&two), elsewhere, NodeRejected::Misplaced),
    ] {
        assert_eq!(read::<Hashed>(bad, &path), Some(why));
    }
}

#[test]
fn nothing_lies_below_the_last_level() {
    let last = Path::of(Place::default(), 255);
    for (bad, why) in [
        (node(&[(0, link()), (1, link())]), NodeRejected::Depth),
        (node(&[(0, link()), (2, link())]), NodeRejected::Bitfield),
    ] {
        assert_eq!(read::<Hashed>(bad, &last), Some(why));
    }
    let mut one = Place::default();
    one[31] = 1;
    let both = |slot| node(&[(0, kamt_bucket(&[])), (slot, kamt_bucket(&[1]))]);
    assert_eq!(read::<Word>(both(1), &last), None);
    assert_eq!(read::<Word>(both(2), &last), Some(NodeRejected::Bitfield));
    assert_eq!(read::<Word>(node(&[(0, kamt_link(250, &[0; 32]))]), &Path::default()), None);
    assert_eq!(read::<Word>(node(&[(0, kamt_link(250, &[0; 32]))]), &Path::of(one, 5)), Some(NodeRejected::Depth));
}

#[test]
fn each_malformed_kamt_node_is_refused_for_its_own_reason() {
    let with = |pointer: Vec<u8>| node(&[(0, pointer)]);
    let valued = |value: &[u8]| with([Word::BUCKET, &[0x81, 0x82, 0x41, 1], value].concat());
    assert_eq!(read::<Word>(with(kamt_bucket(&[1])), &Path::default()), None);
    assert_eq!(read::<Word>(with(kamt_link(0, &[])), &Path::default()), None);
    assert_eq!(read::<Word>(with(kamt_link(15, &[0xff, 0xfe])), &Path::default()), None);
    for (bad, why) in [
        (with(entries(&[&[1]])), NodeRejected::Pointer),
        (with(link()), NodeRejected::Pointer),
        (with(vec![0xa1, 0x61, b'x', 0x80]), NodeRejected::Pointer),
        (with(swap(kamt_bucket(&[1]), 0, 0xa2)), NodeRejected::Pointer),
        (with(swap(kamt_link(0, &[]), 3, 0x84)), NodeRejected::Pointer),
        (with(swap(kamt_link(0, &[]), 10, 0x55)), NodeRejected::Link),
        (with(kamt_link(4, &[0])), NodeRejected::Skip),
        (with(kamt_link(5, &[])), NodeRejected::Skip),
        (with(kamt_link(5, &[0, 0])), NodeRejected::Skip),
        (with(kamt_link(5, &[4])), NodeRejected::Skip),
        (with(kamt_link(255, &[0; 32])), NodeRejected::Depth),
        (with(kamt_link(260, &[0; 33])), NodeRejected::Skip),
        (with([Word::BUCKET, &[0x80]].concat()), NodeRejected::Bucket),
        (with([Word::BUCKET, &entries(&[&[1], &[2]])].concat()), NodeRejected::Bucket),
        (with(kamt_bucket(&[0, 1])), NodeRejected::Word),
        (with(kamt_bucket(&[1; 33])), NodeRejected::Word),
        (valued(&[0x40]), NodeRejected::Word),
        (valued(&[0x42, 0, 1]), NodeRejected::Word),
        (valued(&[0x01]), NodeRejected::Word),
        (node(&[(1, kamt_bucket(&[1]))]), NodeRejected::Misplaced),
    ] {
        assert_eq!(read::<Word>(bad.clone(), &Path::default()), Some(why), "{bad:02x?}");
    }
    let below = Path::of(Place::default(), 5);
    for lonely in [kamt_bucket(&[1]), kamt_link(5, &[0])] {
        assert_eq!(read::<Word>(with(lonely), &below), Some(NodeRejected::Collapsible));
    }
}

#[test]
fn no_block_makes_the_reader_panic() {
    let good = node(&[(0, kamt_bucket(&[1])), (3, kamt_link(15, &[0xff, 0xfe])), (31, kamt_bucket(&[0xf8; 32]))]);
    assert_eq!(read::<Word>(good.clone(), &Path::default()), None);
    for at in 0..good.len() {
        let _ = read::<Word>(good[..at].to_vec(), &Path::default()).expect("it is cut");
        for byte in 0..=u8::MAX {
            let _ = read::<Word>(swap(good.clone(), at, byte), &Path::default());
            let _ = read::<Hashed>(swap(good.clone(), at, byte), &Path::default());
        }
    }
}
