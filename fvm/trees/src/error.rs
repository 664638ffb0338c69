//! What stops a tree, and what is wrong with a block that is no node.

use cid::Cid;

/// The tree cannot be read, or would hold what it must never hold. It is good for nothing afterwards: load it again.
#[derive(Debug, thiserror::Error)]
pub enum TreeFatal {
    /// A node that the root reaches is not in the store.
    #[error("tree node {0} is missing from the store; restore the data folder or sync it again")]
    Missing(Box<Cid>),
    /// A node is not what its place in the tree demands.
    #[error("tree node {cid}: {why}")]
    Malformed {
        /// The node.
        cid: Box<Cid>,
        /// What is wrong with it.
        why: NodeRejected,
    },
    /// The store does not answer.
    #[error("the store of tree node {cid}: {why:#}")]
    Store {
        /// The node that was read or written.
        cid: Box<Cid>,
        /// What the store says.
        why: anyhow::Error,
    },
    /// The batch holds a key or a value that no node may hold.
    #[error("an entry to write: {0}")]
    Entry(NodeRejected),
    /// More keys than a bucket holds have one hash.
    #[error("more keys than a bucket holds have one hash")]
    Collision,
}

impl TreeFatal {
    pub(crate) fn malformed(cid: &Cid, why: NodeRejected) -> Self {
        Self::Malformed { cid: Box::new(*cid), why }
    }

    pub(crate) fn store(cid: &Cid, why: anyhow::Error) -> Self {
        Self::Store { cid: Box::new(*cid), why }
    }
}

/// Why bytes are no node of a tree: the library would not have written them.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeRejected {
    /// The block, a key or a value has more bytes than its bound.
    #[error("it has more bytes than a node, a key or a value may have")]
    TooLarge,
    /// It ends before what its headers announce.
    #[error("it ends too early")]
    Short,
    /// Bytes follow it.
    #[error("bytes follow it")]
    Trailing,
    /// A CBOR header that is not in its shortest form, or of a kind that no node has.
    #[error("a CBOR header is not canonical")]
    Header,
    /// It is not a bit field and a list of pointers.
    #[error("it is not a bit field and a list")]
    Shape,
    /// The bit field has leading zeros, more than 32 places, or places that the last level does not have.
    #[error("its bit field is not canonical")]
    Bitfield,
    /// The bit field does not count the pointers.
    #[error("its bits do not count its pointers")]
    Count,
    /// A pointer is neither link nor bucket.
    #[error("a pointer is neither link nor bucket")]
    Pointer,
    /// A link names anything but DAG-CBOR by blake2b-256.
    #[error("a link is not to DAG-CBOR by blake2b-256")]
    Link,
    /// A link skips half a level, names its bits wrongly, or skips levels in a map where none may.
    #[error("the levels that a link skips are not canonical")]
    Skip,
    /// A link leads below the last level.
    #[error("it lies deeper than a key has bits")]
    Depth,
    /// A bucket holds nothing, or more than it may.
    #[error("a bucket holds nothing or too much")]
    Bucket,
    /// The keys of a bucket do not ascend.
    #[error("the keys of a bucket do not ascend")]
    Order,
    /// A key stands where its hash does not lead.
    #[error("a key stands where its hash does not lead")]
    Misplaced,
    /// A slot or a value is no word: a byte string without leading zeros, of at most 32 bytes; a value is not zero.
    #[error("a word is not canonical")]
    Word,
    /// A node below the root that should have been a bucket, or skipped, in the node above it.
    #[error("it should be part of the node above")]
    Collapsible,
}
