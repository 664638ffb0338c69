//! What execution costs, ours beside peers, in one run.
//!
//! ```text
//! workload ─▶ World     signs the block's transactions; knows every account's nonce
//!               ├─▶ Ours   the executor: transactions in order, then the state's root
//!               └─▶ Bare   revm over maps in memory: Ethereum's rules, no root, nothing stored
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`workload`] | what a block is filled with |
//! | [`world`] | the first state, and signed blocks on top of it |
//! | [`ours`] | our executor, in two layers: execution, and the root |
//! | [`bare`] | the peer for Ethereum transactions: the best simple executor |
//! | [`clock`] | CPU time, and what is said of several measurements |
//!
//! Blocks of the two take turns, so that a machine that is busy is busy for both; time is CPU time of the whole process, so that
//! work moved to another thread still counts. Receipts are compared: who is faster and wrong says nothing.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

pub mod bare;
pub mod clock;
pub mod contract;
pub mod ours;
pub mod workload;
pub mod world;
