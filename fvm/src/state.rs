//! The state: a tree of actors that Filecoin's tools can read, and an overlay for the block in execution.
//!
//! ```text
//! state root  [5, actors, info]
//!   └─ actors      HAMT   f0 address ─▶ [code, state, nonce, balance, f4 | null]
//!        ├─ f00  system   [manifest, installed code]
//!        ├─ f01  init     [address map, next id, name]
//!        │         └─ address map   HAMT   address ─▶ id
//!        ├─ f098 entries  HAMT   f0 address ─▶ root
//!        │         └─ of an actor   HAMT   key ─▶ value
//!        ├─ …    contract [bytecode, keccak, storage, transient | null, nonce, tombstone | null]
//!        │         └─ storage       KAMT   slot ─▶ value
//!        └─ …    WASM actor: blocks of its own
//! ```
//!
//! The tuples and the maps' shape are `tributary_primitives::layout`'s, so that a proof can be checked without this crate.
//!
//! | module | holds |
//! |---|---|
//! | [`reader`] | [`ReadState`]: what anyone may ask of a state |
//! | [`tree`] | [`StateTree`]: the tree as stored |
//! | [`leaf`] | the state leaf by leaf: one read for a look-up, and what a block changed |
//! | [`actor`] | [`Actor`]: an actor in the executor's hands |
//! | [`view`] | [`StateView`]: what a transaction may read; a parallel executor will bring another |
//! | [`overlay`] | [`BlockState`]: the state under the changes of a block |
//! | [`init`] | the address map and the next id |
//! | `entries` | what actors keep by key |
//! | [`system`] | which code is built in and which is installed |
//! | [`contract`] | a contract's storage |
//! | [`history`] | hashes of past blocks (EIP-2935) |
//! | [`memory`], [`shared`] | a store for tests and tools; one handle on any store |

pub mod actor;
pub mod contract;
mod entries;
pub mod history;
pub mod init;
pub mod leaf;
pub mod memory;
pub mod overlay;
pub mod reader;
pub mod shared;
pub mod system;
pub mod tree;
pub mod view;

pub use actor::{Actor, ActorCode, ActorHead};
pub use leaf::{Leaf, LeafChanges, Leaves, SharedLeaves, own_block};
pub use memory::MemoryStore;
pub use overlay::{BlockState, Settled};
pub use reader::{FlatState, ReadState};
pub use shared::SharedStore;
pub use tree::StateTree;
pub use view::StateView;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::OnceLock;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_primitives::cbor_cid;

use crate::error::StateFatal;

/// A map whose order nobody sees. Keys come from strangers, so each process hashes with a seed of its own.
pub(crate) type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// A block that must be there.
pub(crate) fn read_block<B: Blockstore>(store: &B, cid: &Cid) -> Result<Vec<u8>, StateFatal> {
    store.get(cid).map_err(StateFatal::tree)?.ok_or_else(|| StateFatal::missing(cid))
}

/// A DAG-CBOR block that must be there and be a `what`.
pub(crate) fn read_cbor<T, B>(store: &B, cid: &Cid, what: &'static str) -> Result<T, StateFatal>
where
    T: DeserializeOwned,
    B: Blockstore,
{
    let bytes = read_block(store, cid)?;
    fvm_ipld_encoding::from_slice(&bytes).map_err(|why| StateFatal::malformed(cid, what, why))
}

/// Threads that change trees and hash what changed, when that is much.
pub(crate) fn tree_threads() -> usize {
    static THREADS: OnceLock<usize> = OnceLock::new();
    *THREADS.get_or_init(|| std::thread::available_parallelism().map_or(1, NonZeroUsize::get))
}

/// Stores `value` as a DAG-CBOR block.
pub(crate) fn write_cbor<T: Serialize, B: Blockstore>(store: &B, value: &T) -> Result<Cid, StateFatal> {
    write_block(store, &leaf::encode(value)?)
}

/// Stores a DAG-CBOR block.
pub(crate) fn write_block<B: Blockstore>(store: &B, block: &[u8]) -> Result<Cid, StateFatal> {
    let cid = cbor_cid(block);
    store.put_keyed(&cid, block).map_err(StateFatal::tree)?;
    Ok(cid)
}
