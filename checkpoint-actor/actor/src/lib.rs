//! The parent's actor that accepts a subnet's checkpoints. One instance for each child.
//!
//! ```text
//! message ─▶ invoke ─▶ method ─▶ law (tributary-checkpoint) ─▶ state ─▶ event
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`state`] | what the actor keeps, and how a method changes it; compiles anywhere, tested on the host |
//! | `invoke` | the wasm entry point: which method, who calls, what it returns |
//! | `host` | the host's side: blocks, BLS, events |
//!
//! The rules are not here: `tributary_checkpoint` decides, this crate fetches what is asked and keeps what is accepted. Every
//! refusal ends the call with an exit code and a sentence, before the state root moves.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

pub mod state;

#[cfg(target_arch = "wasm32")]
mod host;
#[cfg(target_arch = "wasm32")]
mod invoke;
