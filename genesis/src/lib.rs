//! The genesis document, its rules, and the first state tree.
//!
//! ```text
//! genesis new ─▶ add-validator, add-account, add-code, set ─▶ seal ─▶ subnet-node
//!    draft                       draft                       sealed
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`document`] | words: [`Genesis`] as people write and read it |
//! | [`words`], [`time`] | addresses, amounts, keys, a point in time |
//! | [`parameters`] | the table of chain parameters |
//! | [`mod@verify`] | the rules; every broken one with its field |
//! | [`canonical`] | the form that is hashed |
//! | [`sealed`] | a verified document, its id and its first state |
//! | [`keys`] | a validator's key files |
//! | [`file`](mod@file) | a document on disk |
//! | [`command`] | the command `genesis` |
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

pub mod canonical;
pub mod command;
pub mod document;
pub mod file;
pub mod keys;
pub mod parameters;
pub mod sealed;
pub mod time;
pub mod verify;
pub mod words;

pub use document::{Genesis, GenesisAccount, GenesisCode, GenesisCronEntry, GenesisValidator, Seal};
pub use keys::{Keys, PublicKeys};
pub use parameters::ChainParameters;
pub use sealed::SealedGenesis;
pub use time::GenesisTime;
pub use verify::{GenesisRejected, Rule, Violation};
