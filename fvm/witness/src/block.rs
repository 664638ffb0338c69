//! Blocks of state, as an archive and a witness hold them. `tributary_primitives::links` has the rules of links; one more is here: no
//! bytes are no block, so whoever names the code of a contract without code names nothing that is stored.

use cid::Cid;
use fvm_ipld_encoding::IPLD_RAW;
use multihash_codetable::{Code, MultihashDigest};
use tributary_primitives::layout::{BLOCK_BYTES_MAX, CODE_BYTES_MAX};
pub(crate) use tributary_primitives::links::Place;
use tributary_primitives::links::{self, LinkRejected};
use tributary_primitives::raw_cid;

/// The links of a block cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("block {cid}: {why}")]
pub struct BlockRejected {
    /// The block.
    pub cid: Box<Cid>,
    /// Why not.
    pub why: LinkRejected,
}

/// Where the block of `cid` is.
pub(crate) fn place(cid: &Cid) -> Result<Place<'_>, LinkRejected> {
    if is_empty(cid) { Ok(Place::Inline(&[])) } else { links::place(cid) }
}

fn is_empty(cid: &Cid) -> bool {
    *cid == raw_cid(&[])
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
pub(crate) fn links(cid: &Cid, bytes: &[u8]) -> Result<Vec<Cid>, BlockRejected> {
    let found = links::links(cid.codec(), bytes, &mut |_| Ok(()));
    let mut found = found.map_err(|why| BlockRejected { cid: Box::new(*cid), why })?;
    found.retain(|link| !is_empty(link));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use fvm_ipld_encoding::to_vec;
    use tributary_primitives::cbor_cid;

    use super::*;

    #[test]
    fn links_are_those_of_the_executor_without_the_block_of_no_bytes() {
        let (a, b) = (raw_cid(b"a"), cbor_cid(b"b"));
        let bytes = to_vec(&(a, raw_cid(&[]), b, a)).unwrap();
        assert_eq!(links(&cbor_cid(&bytes), &bytes), Ok(vec![a, b, a]));
    }

    #[test]
    fn a_refusal_names_the_block() {
        let cid = cbor_cid(&[0x1f]);
        let refusal = links(&cid, &[0x1f]).unwrap_err().to_string();
        assert_eq!(refusal, format!("block {cid}: no DAG-CBOR: a header is not valid"));
    }
}
