//! The executor: one state, two runtimes, blocks in order or as if in order.
//!
//! ```text
//! block ─▶ Executor::execute_block
//!            for each transaction
//!              valid?   nonce, funds, fee cap, gas left in the block       no ─▶ skipped receipt
//!              journal ◀── StateView: the state before the transaction
//!                ├─ Ethereum ─▶ evm     revm, Ethereum's gas to the unit
//!                └─ FVM      ─▶ kernel  WASM actors on wasmtime, built-in actors natively
//!              changes ─▶ BlockState
//!            fees: base fee burnt, tips to the proposer
//!            flush ─▶ new state root
//! ```
//!
//! | module | decides |
//! |---|---|
//! | [`executor`] | what a block, a call and an estimate are |
//! | [`state`] | where everything is kept |
//! | [`journal`] | what a transaction has changed so far, and how it is undone; one for both runtimes |
//! | `evm` | Ethereum's rules, by revm |
//! | `kernel` | calls between actors of the FVM |
//! | `native` | the built-in actors |
//! | [`fees`] | what gas costs |
//! | [`intrinsic`] | what a gas limit must be before a transaction may wait |
//! | [`genesis`] | the first state |
//! | [`trace`] | what happened inside a transaction |
//! | [`receipt`], [`block`], [`call`], [`overrides`], [`simulation`] | the words of the interface |
//!
//! All of it is law: the same block on the same state gives the same outcome, on every machine and in every build. Nothing here
//! asks a clock, a socket or a random number; a store is only asked for blocks by their hash.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

pub mod block;
pub mod call;
pub mod error;
mod evm;
pub mod executor;
pub mod fees;
pub mod genesis;
pub mod intrinsic;
pub mod journal;
mod kernel;
mod money;
mod native;
pub mod overrides;
pub mod receipt;
pub mod simulation;
pub mod state;
pub mod trace;

pub use block::{BlockEnv, BlockOutcome, BlockRun, CodeInstaller, ExecutionParams};
pub use call::{
    Accessed, AccessedAccount, CallOutcome, CallRejected, CallRequest, EthereumCall, FvmCall, GasEstimate, Leash,
    SignedAuthorization,
};
pub use error::{ExecutorFatal, StateFatal};
pub use evm::{TRANSACTION_GAS_MAX, precompiled_contracts};
pub use executor::{Executor, Hints, Pace, State, TracedCall, Traffic, Workers};
pub use genesis::{CRON_ENTRIES_MAX, CronEntry, GenesisAccount, GenesisRejected, GenesisState, build_genesis_state};
pub use overrides::{AccountOverride, AccountOverrides, BlockOverrides, Overrides, OverridesRejected, StorageOverride};
pub use receipt::{Event, Receipt, receipts_root};
pub use state::{ReadState, StateTree};
pub use trace::{Trace, TraceCallRejected, TraceLimits, TraceRejected, TraceRequest, Traced, Wanted};
pub use tributary_parallel::Stats;
