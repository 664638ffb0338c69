//! How many items a block of CBOR has, counted before any of them is made: an item of one byte is 112 as IPLD, and a list makes room for
//! what it only announces.
//!
//! | item | counts as | since it takes |
//! |---|---|---|
//! | number, text, list | 1 | its own place |
//! | bytes, link | 8 | two maps of one member each, as JSON |
//! | map | 14 | room for eleven members with the first |
//!
//! So a block takes some 8 MiB as IPLD at most, half as much again while a long list grows, and not much more as JSON.

/// Most items of a block that is decoded. A node of a map, of 96 entries at most, has some thousands.
pub const ITEMS_MAX: u64 = 65_536;

/// As what bytes and links count.
const OF_BYTES: u64 = 8;
/// As what a map counts, without its keys and values.
const OF_A_MAP: u64 = 14;

/// Whether the block has [`ITEMS_MAX`] items at most. Of one that is no CBOR, what stands before the fault is counted: a decoder gets no
/// further. Cost: one pass over the heads of its items.
pub(crate) fn are_few(block: &[u8]) -> bool {
    let (mut counted, mut announced, mut rest) = (0_u64, 1_u64, block);
    while announced > 0 {
        if announced.saturating_add(counted) > ITEMS_MAX {
            return false;
        }
        announced -= 1;
        let Some((major, argument)) = head(&mut rest) else { return true };
        if matches!(major, 2 | 3) {
            let bytes = usize::try_from(argument).ok().and_then(|length| rest.split_at_checked(length));
            let Some((_, after)) = bytes else { return true };
            rest = after;
        }
        let (counts, below) = match major {
            2 => (OF_BYTES, 0),
            4 => (1, argument),
            5 => (OF_A_MAP, argument.saturating_mul(2)),
            // A tag is one with what follows it.
            6 => (0, 1),
            _ => (1, 0),
        };
        counted += counts;
        announced = announced.saturating_add(below);
    }
    counted <= ITEMS_MAX
}

/// The next item's major type and argument, RFC 8949, section 3; `None` for what DAG-CBOR does not have, and at the end.
fn head(rest: &mut &[u8]) -> Option<(u8, u64)> {
    let (first, after) = rest.split_first()?;
    let length = match first & 0x1f {
        small @ 0..=23 => {
            *rest = after;
            return Some((first >> 5, u64::from(small)));
        }
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        _ => return None,
    };
    let (argument, after) = after.split_at_checked(length)?;
    *rest = after;
    Some((first >> 5, argument.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))))
}

#[cfg(test)]
mod tests {
    use fvm_ipld_encoding::to_vec;
    use ipld_core::ipld::Ipld;
    use tributary_primitives::raw_cid;

    use super::*;

    #[test]
    fn each_kind_of_item_counts_as_what_it_takes() {
        let map = Ipld::Map([(String::new(), Ipld::Null)].into());
        for (item, counts) in [
            (Ipld::Null, 1),
            (Ipld::Integer(-70_000), 1),
            (Ipld::Float(0.5), 1),
            (Ipld::String("a text".to_owned()), 1),
            (Ipld::List(vec![]), 1),
            (Ipld::Bytes(vec![0xff; 300]), 8),
            (Ipld::Link(raw_cid(b"x")), 8),
            (Ipld::Map([].into()), 14),
            (map, 16),
            (Ipld::List(vec![Ipld::List(vec![Ipld::Null])]), 3),
        ] {
            let few = |number: u64| {
                let nulls = ITEMS_MAX - 1 - counts + number;
                let mut list = vec![Ipld::Null; usize::try_from(nulls).unwrap()];
                list.insert(0, item.clone());
                let at_the_end: Vec<_> = list.iter().rev().cloned().collect();
                [list, at_the_end].map(|list| are_few(&to_vec(&list).unwrap()))
            };
            assert_eq!((few(0), few(1)), ([true; 2], [false; 2]), "{item:?}");
        }
    }

    #[test]
    fn what_is_announced_counts_and_what_is_no_cbor_is_left_to_the_decoder() {
        for many in
            [&[0x9a, 0, 1, 0, 0][..], &[0xba, 0xff, 0xff, 0xff, 0xff], &[0xbb, 255, 255, 255, 255, 255, 255, 255, 255]]
        {
            assert!(!are_few(many), "{many:x?}");
        }
        // A hundred lists, each of 1,000 items, in one another.
        assert!(!are_few(&[0x99, 0x03, 0xe8].repeat(100)));
        for broken in [&[][..], &[0x82, 0x1f], &[0x5b, 255, 255, 255, 255, 255, 255, 255, 255], &[0x19, 0], &[0xd8]] {
            assert!(are_few(broken), "{broken:x?}");
        }
    }
}
