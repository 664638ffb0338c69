//! Carries certificates from subnets to their parent.
//!
//! ```text
//!            child A ──┐                       ┌──▶ actor of A ┐
//!            child B ──┼─ certificates ─▶ relayer ─▶ actor of B ├ parent
//!            child C ──┘   (judged first)      └──▶ actor of C ┘
//! ```
//!
//! Anyone may run a relayer, and several may run at once: the parent's actor judges every certificate by itself, and one that
//! is accepted already is success. A relayer is trusted with nothing but being there.
//!
//! | module | is | holds |
//! |---|---|---|
//! | [`view`], [`fees`], [`limits`] | words | what is seen, offered and allowed |
//! | [`law`], [`choice`] | law | [`law::next_step`]: what to do now; which certificate |
//! | [`look`], [`carrier`], [`desk`] | hands | one loop for each child, one desk for each parent |
//! | [`chain`], [`clock`] | hands | JSON-RPC and time, behind traits |
//! | [`registration`] | law | the message that registers a child |
//! | [`errand`] | hand | one message for a person: tried, signed, sent, waited for |
//! | [`key`], [`settings`], [`telemetry`], [`service`] | hands | key file, configuration, metrics, health |
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

pub mod carrier;
pub mod chain;
pub mod choice;
pub mod clock;
pub mod desk;
pub mod errand;
pub mod fees;
#[cfg(test)]
pub(crate) mod fixture;
pub mod key;
pub mod law;
pub mod limits;
pub mod look;
pub mod registration;
pub mod service;
pub mod settings;
pub mod telemetry;
pub mod view;
