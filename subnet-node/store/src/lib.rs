//! Blocks, receipts, state and indices in RocksDB: what a node must still know after it was killed.
//!
//! One directory is one chain. Each column family is a map; numbers in keys are big-endian, so that keys sort by height.
//!
//! | family | key | value | written by |
//! |---|---|---|---|
//! | `ipld` | CID | block of the state tree, receipts or outbox | [`Store::commit_block`], [`Store::begin_trees`], [`Store::commit_base`], an import |
//! | `leaves` | leaf | its value after the last block | [`Store::commit_block`], [`Store::commit_base`] |
//! | `changes` | height | leaves that the block changed | [`Store::commit_block`] |
//! | `trees` | height | nothing: the state after it has all nodes in `ipld` | [`Store::begin_trees`], [`Store::commit_base`] |
//! | `blocks` | height | Tendermint block | [`Store::commit_block`] |
//! | `certificates` | height | consensus' commit certificate of the block | [`Store::commit_block`] |
//! | `receipts` | height | receipts of the block's transactions | [`Store::commit_block`] |
//! | `app` | height | what the chain knows after the block: state root, gas used, base fee | [`Store::commit_block`], [`Store::commit_base`] |
//! | `transactions` | transaction hash | height, index in the block | [`Store::commit_block`] |
//! | `hashes` | block hash | height | [`Store::commit_block`], [`Store::commit_base`] |
//! | `checkpoints` | height | certificate of the checkpoint | [`Store::put_checkpoint`] |
//! | `shares` | height, BLS public key | share of a checkpoint not certified yet | [`Store::put_share`]; deleted with the certificate |
//! | `undecided` | height, round, block hash | proposed block | [`Store::put_undecided`]; deleted when a block of its height is committed |
//! | `meta` | `genesis`, `format`, `tip`, `base` | which chain, which layout, last and first height | opening, commits |
//! | `meta` | `decided` | the last decision: height, block hash, certificate | [`Store::decide`] |
//! | `meta` | `kept`, `pruned` | from where on the past is kept, and up to where it is gone | [`Store::keep_from`], [`Store::delete_block`], [`Store::delete_state`] |
//! | `meta` | `collected` | how many IPLD blocks the last collection left | [`Collection::sweep`] |
//!
//! Values are bytes: their types belong to the crates above, which alone know how to read them.
//!
//! **A block is there whole or not at all.** Everything one block brings, the tip among it, is one write batch: one record of
//! RocksDB's write-ahead log, checksummed. So a crash at any instruction leaves a store that ends at a whole block.
//!
//! **A proposal is there before it is voted for**, and so before a decision can come for it: [`Store::put_undecided`] brings it to the disk itself.
//!
//! **A decision is there before its block is.** [`Store::decide`] brings it to the disk itself, and all that was written before it; so
//! consensus may forget a height as soon as that call returned. What a power loss takes of the commit that follows is executed again.
//! A block that is committed without it, as by a tool, is on the disk itself when [`Store::commit_block`] returns.
//!
//! | file | is |
//! |---|---|
//! | `family` | the families and how RocksDB keeps each |
//! | `key` | keys and small values as bytes |
//! | `directory` | opening: lock, identity, creation |
//! | `commit` | the atomic batch and its rules |
//! | `store` | [`Store`] and its reads |
//! | `undecided`, `decided` | proposals, and the last decision, until their block is committed |
//! | `checkpoint` | shares and certificates of checkpoints |
//! | `history` | what is kept of the past, and the deletion of the rest |
//! | `collection` | IPLD blocks that nobody needs any more |
//! | `ipld` | [`Store`] as a block store, and [`Buffered`] for one block's execution |
//! | `leaves` | the state's leaves, now and at a commit |
//! | `trees` | nodes of trees, piece by piece beside commits |
//! | `sizes` | what the metrics show |
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

mod checkpoint;
mod collection;
mod commit;
mod decided;
mod directory;
mod error;
mod family;
mod history;
mod ipld;
mod key;
mod leaves;
mod sizes;
mod store;
mod trees;
mod undecided;

pub use collection::{Collection, CollectionUnavailable, DELETED_AT_ONCE, MARKED_MAX, Marked, PUT_MAX, Swept};
pub use commit::{BaseCommit, BlockCommit, Committed, LeafChange};
pub use decided::Decision;
pub use directory::{ChainIdentity, StoreConfig};
pub use error::StoreFatal;
pub use family::Family;
pub use history::{Deleted, Kept};
pub use ipld::{Buffered, IpldBlock, Nodes};
pub use leaves::Snapshot;
pub use sizes::{FamilySize, StoreSizes};
pub use store::{Store, Tip, TransactionPlace};
pub use trees::{PIECE_BYTES, TreesWrite};
pub use undecided::Survives;
