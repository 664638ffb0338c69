//! The maps of the state, kept in memory: batches of changes in, the root and the changed nodes out.
//!
//! ```text
//! apply  ─▶  root  ─▶  unsaved  ─▶  evict
//! batch      CID       blocks       memory
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`hamt`] | [`Hamt`]: bytes to CBOR, placed by SHA-256; actors and their names |
//! | [`kamt`] | [`Kamt`]: word to word, placed by itself; a contract's storage |
//! | `tree` | what both do |
//! | `node` | one node: the block as it is stored, and where its pointers begin |
//! | `apply` | a batch applied to a node: what splits, what collapses |
//! | `parts`, `threads` | batches applied by sub-trees, on several threads |
//! | `hash` | digests of what has changed, four at a time |
//! | `keep` | what is written, what is dropped |
//! | `work` | nodes from the store |
//! | `kind`, `bits`, `slots`, `cbor` | the rules of each map, places, lists with 32 slots, bytes |
//!
//! Blocks and roots are those of `fvm_ipld_hamt` and `fvm_ipld_kamt` with the parameters of
//! [`tributary_primitives::layout`], byte for byte. They follow from the entries alone: not from the order in which they came, not
//! from what is in memory, not from the number of threads.
//!
//! The trees are `Send` and `Sync`. Reading one that may load nodes takes `&mut`; reading one from many threads is what `peek` is for.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

mod apply;
mod bits;
mod cbor;
mod error;
pub mod hamt;
mod hash;
pub mod kamt;
mod keep;
mod kind;
mod node;
mod parts;
mod slots;
mod threads;
mod tree;
mod work;

pub use error::{NodeRejected, TreeFatal};
pub use hamt::{Batch, Hamt};
pub use kamt::Kamt;
pub use kind::{KEY_BYTES_MAX, VALUE_BYTES_MAX};
