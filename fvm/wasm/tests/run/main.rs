//! Runs small hand-written actors against an in-memory host.
//!
//! | file | proves |
//! |---|---|
//! | `syscalls/` | every syscall answers right, and refuses right |
//! | `limits.rs` | no actor takes more gas, stack or memory than it may |
//! | `ending.rs` | every way an invocation can end has its exit code |
//! | `sending.rs` | calls of other actors: gas limits, read-only, transactions, depth |
//! | `loading.rs` | what is no actor is refused when it is loaded, for its own reason |
//! | `world.rs`, `guest.rs` | the host and the actors they use |

#![allow(clippy::unwrap_used, reason = "a test that unwraps nothing fails, as it should")]

mod ending;
mod guest;
mod limits;
mod loading;
mod sending;
mod syscalls;
mod world;
