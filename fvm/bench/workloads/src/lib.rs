//! What benchmarks fill blocks with, whether the blocks are run in one process or handed in over a network.
//!
//! | module | holds |
//! |---|---|
//! | [`contract`] | the contracts as they were compiled, and calls of them |
//! | [`pools`] | constant-product pools: what makes them, and swaps |
//! | [`actors`] | what WASM actors are asked to do |
//! | [`pairs`] | who sends to whom |
//! | [`draw`] | numbers that look random and are the same in every run |
//!
//! Words and laws: nothing here signs or sends.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

pub mod actors;
pub mod contract;
pub mod draw;
pub mod pairs;
pub mod pools;

/// What the transactions of the mixed workload do, in turn: of five three are payments, one is a token's, one a swap.
#[must_use]
pub const fn mixed<D: Copy>(payment: D, token: D, swap: D) -> [D; 5] {
    [payment, payment, payment, token, swap]
}
