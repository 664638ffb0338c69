//! A part of a subnet's state, proven to whoever knows its validators. No node, no chain, no trust but in them.
//!
//! ```text
//! validators ──signed──▶ certificate ──names──▶ checkpoint ──names──▶ state root ──leads, block by block, to──▶ the value
//!  trusted              one BLS signature                                              witness
//! ```
//!
//! A [`Proof`] is what `subnet_getProof` answers: the value, the certificate and the witness. [`verify()`] believes none of it before it is
//! proven:
//!
//! ```text
//! proof
//!   ├─ asks for an actor, slots, keys, a path that can be?   no ─▶ BadQuestion, TooManyParts
//!   ├─ a certificate?                                        no ─▶ NoCertificate
//!   ├─ of the subnet, by a quorum of its set, signed?        no ─▶ Uncertified
//!   ├─ a witness for that under the state root in it?        no ─▶ Witness
//!   ├─ says in plain words what was proven?                  no ─▶ Contradicted
//!   └─ proven
//! ```
//!
//! What it proves is how things were after the checkpoint's block: whoever needs a fresh answer looks at the height.
//!
//! | module | holds |
//! |---|---|
//! | [`json`] | the answer's JSON, written by nodes and read here |
//! | [`trusted`] | the validators: of a genesis document, of a set, of a registration |
//! | [`mod@verify`] | the law above |
//! | [`hex_bytes`] | bytes in JSON |
//!
//! As in `tributary_checkpoint`, who verifies BLS signatures is the caller's choice; everything here compiles to wasm32.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

pub mod hex_bytes;
pub mod json;
pub mod trusted;
pub mod verify;

pub use hex_bytes::HexBytes;
pub use json::{Actor, Certificate, Checkpoint, Link, NoJson, Proof};
pub use tributary_witness::{Parts, PartsOf, TooManyParts};
pub use trusted::{Trusted, TrustedRejected};
pub use verify::{ProofRejected, Proven, verify};

#[cfg(test)]
mod testing;
