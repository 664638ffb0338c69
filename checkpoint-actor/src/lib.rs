//! What a checkpoint is, how a subnet is registered with its parent, and how a certificate is judged.
//!
//! | module | holds |
//! |---|---|
//! | [`checkpoint`] | words: [`Checkpoint`], [`CheckpointCertificate`], what validators sign |
//! | [`registration`] | words and the law of who may become a subnet: [`Registration`] |
//! | [`mod@judge`] | the law: does this certificate follow, and did a quorum sign it? |
//! | [`exit_code`] | one number for each refusal, as a receipt shows it |
//! | [`actor`] | methods, parameters, returns and events of the parent's actor |
//!
//! The parent's actor, the node, the relayer and genesis all speak these types, and all judge with this law; only who verifies
//! the signature differs (the actor asks its host, the others call the BLS library). So everything here compiles to wasm32 and
//! holds no cryptography but hashing.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

pub mod actor;
pub mod checkpoint;
pub mod exit_code;
pub mod judge;
pub mod registration;

pub use checkpoint::{Checkpoint, CheckpointCertificate};
pub use judge::{Accepted, CertificateRejected, Standing, is_certified, judge};
pub use registration::{Candidate, ConfigurationNumber, Registration, RegistrationRejected, Validator};
