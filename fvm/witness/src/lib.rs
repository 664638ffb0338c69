//! State for those who do not hold it: proofs of parts of it, and archives of all of it.
//!
//! A *witness* is the list of IPLD blocks on the way from a state root to an answer. Whoever trusts the root, by a checkpoint's
//! certificate or a light client, can check it with nothing else: every block is named by its hash in the block before it.
//!
//! ```text
//! state root ─▶ actors ─▶ … ─▶ init ─▶ address map ─▶ … ─▶ id
//!            └▶ actors ─▶ … ─▶ actor ─┬─▶ state ─▶ … any path below it          ValueAt
//!                                     └─▶ contract head ─▶ storage ─▶ … ─▶ slot  SlotAt
//!            └▶ actors ─▶ … ─▶ f098 ─▶ entries ─▶ … ─▶ of the actor ─▶ … ─▶ value   EntryAt
//! ```
//!
//! That nothing is there is proven the same way: the last block shows the empty place where it would be.
//!
//! | module | decides |
//! |---|---|
//! | [`question`] | what can be asked, and which blocks answer it |
//! | [`parts`] | several of those about one actor, at once |
//! | [`witness`] | making and verifying a witness |
//! | [`archive`] | the whole state as a file, out and back in |
//! | [`mod@changes`] | which actors, and which of their slots and entries, differ between two states |
//! | [`car`] | CARv1, the form of both |
//! | `hamt`, `kamt`, `node` | looking up a key in a map of blocks |
//! | `items` | how much of a block is decoded |
//! | `block` | blocks in both: their links, their size, their names |
//!
//! **Witnesses are CARv1 files**, with the state root as their root and the blocks in the order in which the question meets them.
//! A tuple of blocks would be 38 bytes a block shorter, but no Filecoin or IPFS tool could open it; and the header carries both a
//! version and the root that the witness speaks of.
//!
//! Maps are read by code of our own: the crates that write them (`fvm_ipld_hamt`, `fvm_ipld_kamt`) trust their store and may
//! panic on a node that no honest chain wrote, which a verifier must refuse. Tests hold the two readings against each other.
//!
//! Everything compiles to wasm32. Nothing here asks a clock or a random number; disks are the caller's.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

pub mod archive;
mod block;
pub mod car;
pub mod changes;
mod hamt;
mod items;
mod kamt;
mod node;
pub mod parts;
pub mod question;
pub mod witness;

#[cfg(test)]
mod testing;

pub use archive::{ArchiveRejected, Archived, export, import};
pub use block::BlockRejected;
pub use car::CarRejected;
pub use changes::{
    ActorChange, EntriesChange, EntryChange, EntryChanges, SlotChange, SlotChanges, changes, entries_changed,
    entry_changes, slot_changes,
};
pub use ipld_core::ipld::Ipld;
pub use items::ITEMS_MAX;
pub use node::NodeRejected;
pub use parts::{Parts, PartsOf, TooManyParts};
pub use question::{ActorAt, EntryAt, Question, SlotAt, StatePath, ValueAt};
pub use witness::{WitnessFatal, WitnessRejected, make, read, verify};
