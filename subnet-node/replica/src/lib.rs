//! The node's laws: what may wait, what goes into a block, what a proposal must hold, when a checkpoint is cut.
//!
//! | module | decides |
//! |---|---|
//! | [`mempool`] | which transactions wait, and which of them a proposer takes |
//! | [`filling`] | how full a proposer makes its blocks |
//! | [`proposal`] | whether a proposal's transactions are well formed and within the block's limits |
//! | [`recent`] | which transactions need not be read again |
//! | [`shares`] | when checkpoint shares make a certificate |
//!
//! Events in, answers out; the same input gives the same output. Nothing here reads a clock, a disk, a socket or a random
//! number: time comes in as a value, and what must be slow (signatures) is asked of the caller's own function.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

pub mod filling;
pub mod mempool;
pub mod proposal;
pub mod recent;
pub mod shares;
