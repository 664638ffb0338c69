//! Every syscall as an actor built with `fvm_sdk` finds it: for each what it answers, then one fault a row, then what it costs.
//!
//! The imports' own corner cases, by actors in WebAssembly text, are in `fvm/wasm/tests/run/syscalls/`.

mod actor;
mod crypto;
mod entries;
mod events;
mod gas;
mod ipld;
mod network;
mod self_;
mod send;
