//! What execution costs, ours beside peers, in one run.
//!
//! ```text
//! workload ─▶ World       signs the block's transactions; knows every account's nonce
//!               ├─▶ decode   each transaction from its bytes, its sender recovered
//!               ├─▶ Ours     the executor: transactions in order, then the state's root
//!               ├─▶ Ours     the same on several threads
//!               └─▶ Bare     revm over maps in memory: Ethereum's rules, no root, nothing stored
//! measure  ─▶ rows ─▶ report: table, JSON, picture
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`workload`] | what a block is filled with |
//! | [`world`] | the first state, and signed blocks on top of it |
//! | [`contract`] | the contracts that the workloads call; with who deals with whom they are a crate of their own, since loads over a network have the same |
//! | [`ours`] | our executor, in two layers: execution, and the root |
//! | [`store`] | where its blocks of state go |
//! | [`leaves`] | where it reads the state, as a node does |
//! | [`instances`] | what an instance of an actor costs, by how it gets its memory |
//! | [`bare`] | the peer for Ethereum transactions: the best simple executor |
//! | [`measure`] | one workload at one size, and whether all agree |
//! | [`clock`], [`machine`] | CPU time, and what is said of several measurements; where it was measured |
//! | [`report`] | the rows as a table, as JSON, as a picture |
//! | [`threads`] | work without order, spread over threads |
//!
//! Blocks of all take turns, so that a machine that is busy is busy for all; CPU time is that of the whole process, so that work
//! moved to another thread still counts. Receipts, gas and roots are compared: who is faster and wrong says nothing.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

pub mod bare;
pub mod clock;
pub mod instances;
pub mod leaves;
pub mod machine;
pub mod measure;
pub mod ours;
pub mod report;
pub mod store;
pub mod threads;
pub mod workload;
pub mod world;

pub use tributary_workloads::contract;
