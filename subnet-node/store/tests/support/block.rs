//! Made-up blocks: everything about one follows from its height, so what a store holds can be checked against it.

use std::path::Path;

use cid::Cid;
use tributary_primitives::{Hash32, Height, cbor_cid};
use tributary_store::{
    BlockCommit, ChainIdentity, IpldBlock, LeafChange, Nodes, PIECE_BYTES, Store, StoreConfig, StoreFatal,
};

/// Bytes of a block: several pages of the log, so that a kill can fall within one record.
const BLOCK_BYTES: usize = 100_000;

/// Blocks from one whose trees are written to the next.
pub const TREES_EVERY: u64 = 4;

/// Nodes of trees, and how many are a piece: some pieces, the last one not full.
pub const NODES: usize = 13;
pub const NODES_OF_A_PIECE: usize = 4;

/// Ten leaves take turns: each block sets one to its height, and takes out the one that stood five blocks.
fn leaves_at(height: Height) -> Vec<LeafChange> {
    let key = |height: u64| vec![1, u8::try_from(height % 10).unwrap()];
    vec![(key(height.0), Some(height.0.to_be_bytes().to_vec())), (key(height.0 + 5), None)]
}

pub struct Block {
    pub height: Height,
    pub hash: Hash32,
    pub block: Vec<u8>,
    pub certificate: Vec<u8>,
    pub receipts: Vec<u8>,
    pub app: Vec<u8>,
    pub transactions: Vec<(Hash32, u32)>,
    pub ipld: Vec<IpldBlock>,
    pub leaves: Vec<LeafChange>,
}

impl Block {
    pub fn at(height: Height) -> Self {
        Self::fork(height, 0)
    }

    /// Another block for the same height.
    pub fn fork(height: Height, fork: u8) -> Self {
        let bytes = |kind: u8, length: usize| -> Vec<u8> {
            let seed = [&height.0.to_be_bytes()[..], &[fork, kind]].concat();
            seed.iter().copied().cycle().take(length).collect()
        };
        let hash = |kind: u8| Hash32(bytes(kind, 32).try_into().unwrap());
        let ipld = (100..110_u8).map(|kind| bytes(kind, 500)).map(|block| (cbor_cid(&block), block)).collect();
        Self {
            height,
            hash: hash(1),
            block: bytes(2, BLOCK_BYTES),
            certificate: bytes(3, 300),
            receipts: bytes(4, 30_000),
            app: bytes(5, 100),
            transactions: (0..20_u8).map(|index| (hash(200 + index), index.into())).collect(),
            ipld,
            leaves: leaves_at(height),
        }
    }

    pub fn commit(&self) -> BlockCommit<'_> {
        BlockCommit {
            height: self.height,
            block_hash: self.hash,
            block: &self.block,
            certificate: &self.certificate,
            receipts: &self.receipts,
            app: &self.app,
            transactions: &self.transactions,
            leaves: &self.leaves,
            ipld: &self.ipld,
        }
    }

    /// The nodes that the trees after it have and none before.
    pub fn nodes(&self) -> Nodes {
        let node = |number: usize| {
            let mut block = [&self.hash.0[..], &number.to_be_bytes()].concat();
            block.resize(PIECE_BYTES / NODES_OF_A_PIECE, 0);
            (cbor_cid(&block), block)
        };
        let mut nodes: Vec<_> = (0..NODES).map(node).collect();
        nodes.sort();
        nodes.into()
    }
}

pub fn genesis(name: &[u8]) -> Cid {
    cbor_cid(name)
}

pub fn identity() -> ChainIdentity {
    ChainIdentity { genesis: genesis(b"genesis"), format: 1 }
}

/// A small store, so that tables are written within a test.
pub fn open(path: &Path, identity: &ChainIdentity) -> Result<Store, StoreFatal> {
    let config = StoreConfig { cache_bytes: 1 << 20, write_buffer_bytes: 1 << 20, ..StoreConfig::default() };
    Store::open(path, &config, identity)
}
