//! Nodes from the store: loaded at first need, counted while they are kept.

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use tributary_primitives::cbor_cid_of;

use crate::bits::Path;
use crate::error::{NodeRejected, TreeFatal};
use crate::keep::Kept;
use crate::kind::Kind;
use crate::node::{Digest, Node};

/// What a descent needs beside the node it is in.
pub(crate) struct Work<'a, S> {
    pub(crate) store: &'a S,
    pub(crate) kept: &'a mut Kept,
}

impl Node {
    /// The node that the link of `slot` leads to, at the end of `path`; from now on it is kept.
    pub(crate) fn open<K: Kind, S: Blockstore>(
        &mut self,
        work: &mut Work<'_, S>,
        slot: u8,
        path: &Path,
    ) -> Result<&mut Self, TreeFatal> {
        if !self.below.has(slot) {
            let below = load::<K, S>(work.store, &self.digest_below::<K>(slot), path)?;
            self.below.insert(slot, work.kept.add(below));
        }
        let below = self.below.get_mut(slot).expect("it is there, or was put there above");
        work.kept.touch(below);
        Ok(below)
    }
}

/// The node with this digest, at the end of `path`.
pub(crate) fn load<K: Kind, S: Blockstore>(store: &S, digest: &Digest, path: &Path) -> Result<Node, TreeFatal> {
    let cid = cbor_cid_of(digest);
    let block = store.get(&cid).map_err(|why| TreeFatal::store(&cid, why))?;
    let block = block.ok_or_else(|| TreeFatal::Missing(Box::new(cid)))?;
    Node::read::<K>(block, *digest, path).map_err(|why| TreeFatal::malformed(&cid, why))
}

/// The root under a CID that anyone may have written.
pub(crate) fn load_root<K: Kind, S: Blockstore>(store: &S, root: &Cid) -> Result<Node, TreeFatal> {
    let digest = root.hash().digest().first_chunk().filter(|digest| cbor_cid_of(digest) == *root);
    let digest = digest.ok_or_else(|| TreeFatal::malformed(root, NodeRejected::Link))?;
    load::<K, S>(store, digest, &Path::default())
}
