//! Ethereum's public state tests, run on our executor.
//!
//! ```text
//! file ─▶ Test ─▶ World: the state before, in ours
//!                   └─▶ signed bytes ─▶ Executor::execute_block ─▶ Outcome: Merkle Patricia root, hash of the logs
//!                                                                     │
//!                                          published for a fork ─▶ judge ◀─ stock revm on its own database
//! ```
//!
//! | module | does |
//! |---|---|
//! | [`fixture`] | reads a file |
//! | [`transaction`] | a test's transaction, and its signed bytes |
//! | [`alloc`] | accounts as Ethereum has them, their Merkle Patricia root, what a transaction left |
//! | [`ours`] | our executor as a test sees it |
//! | [`oracle`] | stock revm over its own database |
//! | [`fork`] | forks, and the rules by which outcomes differ, by name |
//! | [`judge`] | passed, refused, explained or failed |
//! | [`suite`], [`report`] | many files; what came of them |
//!
//! # What differs from Ethereum
//!
//! The executor runs Osaka. Its own ways, as a test sees them; an entry that one of the first four touches is counted under its
//! name, see [`Rule`]:
//!
//! | way of ours | what a test sees |
//! |---|---|
//! | no blobs | a transaction of type 0x03 is refused; BLOBBASEFEE answers 1 |
//! | at most 128 KiB a transaction | a larger one is refused, as by the pools of Ethereum's clients |
//! | tips go to the proposer after the block's last transaction | a proposer that destroys itself as it is made keeps the tip |
//! | an address of `0xff`, 11 zero bytes and an id stands for an actor | a test with an account there cannot be set up |
//! | a transaction names its chain (EIP-155) | legacy transactions are signed with the chain id, also if the published ones are not |
//! | no beacon chain | nothing: a test that calls the contract of EIP-4788, EIP-7002 or EIP-7251 has its code in its state; ours is without |
//! | base fees are burnt to f099 | nothing: f099 has no Ethereum address of its own |
//! | the contract of past hashes (EIP-2935) is there from genesis | it is left out, unless the test has it too |
//! | system actors, placeholders of empty accounts | left out: Ethereum has no such accounts |
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

pub mod alloc;
pub mod fixture;
pub mod fork;
pub mod judge;
pub mod oracle;
pub mod ours;
pub mod report;
pub mod suite;
pub mod transaction;

pub use fork::{Fork, Rule};
pub use judge::Verdict;
pub use ours::executor;
pub use report::Report;
