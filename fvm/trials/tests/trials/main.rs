//! The trials of `make test`.
//!
//! | file | proves |
//! |---|---|
//! | `seeds.rs` | every kept seed, and so many mutations of each target's, keep the laws |
//! | `syscalls/` | an actor built with `fvm_sdk` gets from every syscall what it should: answers, error numbers, gas |
//! | `limits.rs` | what an actor may not use up: time, stack, memory, depth, block sizes |
//! | `nesting.rs` | calls in calls: re-entrancy, aborts and limits below, both runtimes |
//! | `out_of_gas.rs` | whatever a transaction does, with too little gas it changes nothing but fee and nonce |
//! | `actor.rs` | scripts, and what comes back from them |
//! | `charges.rs` | what a message was charged, charge after charge |
//! | `instructions.rs` | with how much gas a transaction gets an instruction of the EVM further |
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod actor;
mod charges;
mod instructions;
mod limits;
mod nesting;
mod out_of_gas;
mod seeds;
mod syscalls;
