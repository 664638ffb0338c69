//! How much of the past this node keeps, and how the rest goes.
//!
//! | `storage.history` | blocks, receipts, certificates, records, what is found by hash | states |
//! |---|---|---|
//! | `"archive"` | all | all |
//! | `"checkpoints"` | all | after each checkpoint and the base; after each of the last blocks |
//! | a number | of so many last blocks | after each of these |
//!
//! Certificates of checkpoints, genesis, and blocks whose checkpoint may still be certified are always kept.
//!
//! ```text
//! head moved ─▶ law: from where on is the past kept? ─▶ said on disk ─▶ what is below goes, block by block
//!                                       │                               (a thread that pauses after each)
//!                                       ▼
//!       half as many IPLD blocks again? ─▶ those that nothing kept leads to go
//! ```
//!
//! | module | is |
//! |---|---|
//! | [`law`] | what is kept |
//! | [`prune`] | deletes the rest, height by height |
//! | [`collect`] | deletes the nodes of states that went, and what only those led to |
//! | [`pruner`] | the thread |

pub mod collect;
pub mod law;
pub mod prune;
pub mod pruner;
