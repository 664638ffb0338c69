//! The command line for people: `tributary`.
//!
//! ```text
//! a person ─▶ cli ─▶ commands ─┬─▶ keys      a secret, sealed on disk
//!                              ├─▶ abi       words of Solidity in, bytes out
//!                              ├─▶ submit    nonce, gas, fees, signature
//!                              ├─▶ hand_in   to the node, until it is known whether it took it
//!                              ├─▶ way       how far a transaction got (law)
//!                              └─▶ node      JSON-RPC, bounded in time and size
//! report ─▶ standard output     trouble ─▶ standard error and exit code
//! ```
//!
//! | module | is |
//! |---|---|
//! | [`cli`] | the command line, with its examples |
//! | [`commands`] | what each command does |
//! | [`keys`] | secrets on disk: Ethereum's keystore V3, in a folder |
//! | [`amount`] | amounts as people write them |
//! | [`abi`] | calls of contracts and their answers, by Solidity's signatures |
//! | [`artifact`] | a contract's bytecode, as compilers write it |
//! | [`node`], [`wire`] | a node that is asked by JSON-RPC, and its answers |
//! | [`submit`] | a transaction, from what it shall do to its bytes |
//! | [`hand_in`] | brings it to a node, and remembers that it did |
//! | [`way`] | where a transaction is on its way: submit, admit, block, checkpoint, accepted by the parent (law) |
//! | [`bell`], [`follow`] | when to look at a chain again; which blocks are due then (law) |
//! | [`report`] | lines for people, JSON for programs |
//! | [`trouble`] | what went wrong, for people and for scripts |
//!
//! It stands on no engine, no store and no runtime: whoever sends tokens needs none of what runs a node.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

pub mod abi;
pub mod amount;
pub mod artifact;
pub mod bell;
pub mod cli;
pub mod commands;
pub mod follow;
pub mod hand_in;
pub mod keys;
pub mod node;
pub mod report;
pub mod submit;
pub mod trouble;
pub mod way;
pub mod wire;
