//! Signatures and their keys: secp256k1 and BLS12-381 on the host.
//!
//! | module | scheme | who signs with it |
//! |---|---|---|
//! | [`bls`] | BLS12-381, keys in G1 | validators: checkpoints; users: FVM messages from f3 |
//! | [`secp`] | secp256k1 with recovery | users: Ethereum transactions and FVM messages |
//!
//! The only home of the two C libraries. Nothing here compiles to wasm: actors ask the host.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

pub mod bls;
pub mod secp;

pub use bls::BlsSecretKey;
pub use secp::SecpSecretKey;

/// Why bytes are no secret key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these 32 bytes are no {scheme} secret key: it must be above zero and below the group's order")]
pub struct SecretKeyRejected {
    scheme: &'static str,
}
