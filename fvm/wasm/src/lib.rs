//! Runs one WASM actor: engine, syscalls, gas.
//!
//! An actor is a wasm module built with the public `fvm_sdk`. This crate checks, meters and compiles it
//! once ([`Engine::load`]) and runs one call of it at a time ([`invoke`]) against a [`Host`], which is
//! the state of the message as the executor keeps it. Gas is the reference FVM's to the milligas.
//!
//! | file | is |
//! |---|---|
//! | `host.rs` | the interface to the executor: start here |
//! | `call.rs` | one invocation and how it ends |
//! | `engine.rs`, `code.rs`, `codes.rs` | wasmtime's settings; compiled code; what of it is kept |
//! | `survey.rs`, `shape.rs`, `effort.rs` | what a module must be; what its functions may take of the stack and of a compiler |
//! | `instrument.rs`, `counter.rs`, `sections.rs` | how it is metered, and made fast; the binary format |
//! | `running.rs`, `memory.rs`, `registry.rs` | one running invocation: gas hand-over, its memory, its blocks |
//! | `syscalls/` | what an actor can ask, one file per import module |
//! | `gas.rs`, `prices.rs`, `stack.rs` | gas and its prices; bounds of the call stack |
//! | `block.rs`, `links.rs` | IPLD blocks and the links in them |
//! | `error.rs` | how a syscall can fail, by whose fault |
//!
//! Laws all the way: no clock, no disk, no randomness of its own; same host, same outcome.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that unwraps nothing fails, as it should"))]

mod block;
mod call;
mod code;
mod codes;
mod counter;
mod effort;
mod engine;
mod error;
mod gas;
mod host;
mod instrument;
mod links;
mod memory;
pub mod prices;
mod registry;
mod running;
mod sections;
mod shape;
mod stack;
mod survey;
mod syscalls;

pub use block::{BLOCK_BYTES_MAX, Block};
pub use call::{Invocation, InvocationOutcome, invoke};
pub use code::{Code, CodeRejected, MalformedModule};
pub use codes::{ASKED_COMPILED_BYTES_MAX, COMPILED_BYTES_MAX, Purpose};
pub use engine::{Allocation, Engine, EngineFatal, Loaded};
pub use error::{Halt, HostFatal, SyscallError, SyscallRejected};
pub use gas::{Gas, GasTracker, OutOfGas};
pub use host::{
    Access, FirstAccess, Host, MessageContext, NetworkContext, NewActor, RandomnessSource, Send, SendOutcome,
};
pub use stack::{
    ASKED_MEMORY_BYTES_MAX, CALL_DEPTH_MAX, CallStack, ELEMENT_BYTES, INSTANCE_MEMORY_BYTES_MAX, MEMORY_BYTES_MAX,
    NATIVE_STACK_BYTES, STACK_ELEMENTS_MAX, STACK_ELEMENTS_PER_CALL_MAX,
};
pub use survey::{
    CODE_BYTES_MAX, COMPILE_NS_PER_FUNCTION_MAX, FRAME_ELEMENTS_MAX, FRAMES_ELEMENTS_MAX, FUNCTION_BYTES_MAX,
    FUNCTIONS_MAX, LOCALS_PER_FUNCTION_MAX, Survey,
};
