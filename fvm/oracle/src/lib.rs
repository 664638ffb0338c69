//! Runs the same messages through the reference executor and ours, and compares what both saw.
//!
//! ```text
//!            ┌─▶ reference   crate `fvm` on its wasmtime ─▶ Outcome ─┐
//! Case ──────┤                                                       ├─▶ differences ─▶ wanted?  no ─▶ exit code 1
//!            └─▶ ours        `tributary-fvm`             ─▶ Outcome ─┘
//! ```
//!
//! | module | is |
//! |---|---|
//! | [`world`] | the state both start from, to the byte |
//! | [`case`] | messages to run, and hands to write them with |
//! | [`reference`](mod@reference), [`ours`] | the two executors |
//! | [`outcome`] | what an executor did, and how two outcomes differ |
//! | [`wanted`] | differences that are meant, each with its reason |
//! | [`rows`] | cases written by hand, one a behaviour |
//! | [`walk`] | the same message with ever less gas |
//! | [`generated`] | programs made at random |
//! | [`bundle`] | Filecoin's built-in actors, if a user has them |
//! | [`ethereum`] | Ethereum's transactions as messages of Filecoin's |
//! | [`contracts`] | both executors on Ethereum's transactions |
//! | [`chain`] | the reference going on from block to block: the bench's |
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

pub mod bundle;
pub mod case;
pub mod chain;
pub mod contracts;
pub mod ethereum;
pub mod generated;
pub mod ours;
pub mod outcome;
pub mod reference;
pub mod rows;
pub mod store;
pub mod walk;
pub mod wanted;
pub mod world;
