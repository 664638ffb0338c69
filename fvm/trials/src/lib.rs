//! Puts the executor on trial: five targets for a fuzzer, and a chain in memory on which to try an actor that makes every syscall.
//!
//! A target is a function of bytes that panics when a law is broken:
//!
//! | target | the bytes are | laws |
//! |---|---|---|
//! | [`message`] | a transaction from a stranger, or what to sign | never panics, asks for little memory, has one spelling, keeps its hash and sender |
//! | [`wasm`] | a module, or what to make one of | never panics, is metered to a valid module, always the same; runs to an exit code, always the same |
//! | [`calls`] | transactions of accounts, actors and contracts that call each other | money, nonces, gas, atomicity, blocks |
//! | [`blocks`] | two large blocks of such transactions, made to collide | on threads as in order |
//! | [`state`] | changes of actors, names and slots | the tree is what a map would be, whatever its history |
//!
//! Each is used twice: by libFuzzer, which finds inputs by coverage (`fuzz/`, a workspace of its own), and by the tests, which replay
//! `seeds/` and so many mutations of them. `docs/fuzzing.md` tells how.
//!
//! | module | is |
//! |---|---|
//! | [`world`] | accounts, two script actors and two contracts; transactions of theirs |
//! | [`laws`] | what several trials hold a block to |
//! | [`memory`] | counts what is allocated |
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a law that is broken should stop the trial, with its place"
)]

pub mod blocks;
pub mod calls;
pub mod laws;
pub mod memory;
pub mod message;
pub mod state;
pub mod wasm;
pub mod world;

/// Panics when its input breaks a law.
pub type Target = fn(&[u8]);

/// Every target by name. Input beyond [`INPUT_BYTES_MAX`] is not looked at.
pub const TARGETS: [(&str, Target); 5] = [
    ("message", message::run),
    ("wasm", wasm::run),
    ("calls", calls::run),
    ("blocks", blocks::run),
    ("state", state::run),
];

/// Most bytes of an input: what is found should be small enough to read.
pub const INPUT_BYTES_MAX: usize = 4_096;
