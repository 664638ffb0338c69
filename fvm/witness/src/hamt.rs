//! A key in a HAMT: keys are placed by the SHA-256 of their bytes, five bits a level.
//!
//! A pointer is a link to the node below, or a bucket `[[key, value], …]`.
//!
//! Source: "HashMap", ipld.io/specs/advanced-data-layouts/hamt/spec, and `fvm_ipld_hamt`.

use cid::Cid;
use ipld_core::ipld::Ipld;
use multihash_codetable::{Code, MultihashDigest};

use crate::node::{Bits, Node, NodeRejected};
use crate::question::Blocks;

/// The value under `key` in the map at `root`; `None` when the blocks show that there is none.
pub(crate) fn find<S: Blocks>(blocks: &mut S, root: &Cid, key: &[u8]) -> Result<Option<Ipld>, S::Refused> {
    let hash = Code::Sha2_256.digest(key);
    let mut bits = Bits::of(hash.digest());
    let mut at = *root;
    loop {
        let node = Node::read(blocks, &at)?;
        let place = bits.next().ok_or_else(|| node.malformed("it lies deeper than a key has bits"))?;
        match node.take(place) {
            None => return Ok(None),
            Some(Ipld::Link(below)) => at = below,
            Some(bucket) => {
                let entries = entries(&at, bucket)?;
                return Ok(entries.into_iter().find(|(found, _)| found == key).map(|(_, value)| value));
            }
        }
    }
}

/// The entries of a bucket of the node `cid`.
pub(crate) fn entries(cid: &Cid, bucket: Ipld) -> Result<Vec<(Vec<u8>, Ipld)>, NodeRejected> {
    let malformed = || NodeRejected::new(cid, "node of a map", "a pointer is neither link nor bucket");
    let Ipld::List(entries) = bucket else { return Err(malformed()) };
    let entry = |entry| match entry {
        Ipld::List(pair) => match <[Ipld; 2]>::try_from(pair) {
            Ok([Ipld::Bytes(key), value]) => Ok((key, value)),
            _ => Err(malformed()),
        },
        _ => Err(malformed()),
    };
    entries.into_iter().map(entry).collect()
}
