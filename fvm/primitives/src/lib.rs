//! The words every crate shares: heights, powers, subnet ids, keys, CIDs.
//!
//! | module | words |
//! |---|---|
//! | [`height`] | [`Height`] of a block |
//! | [`power`] | [`VotingPower`] and what a quorum is |
//! | [`subnet`] | [`SubnetId`]: where a network stands in the hierarchy |
//! | [`eth`] | [`EthAddress`] and how it maps to f0 and f410 addresses |
//! | [`address`] | addresses as people write them: [`parse_address`] |
//! | [`bls`] | [`BlsPublicKey`], [`BlsSignature`], what a proof of possession signs |
//! | [`bitmap`] | [`SignerBitmap`]: who signed |
//! | [`hash`] | [`Hash32`] and the CIDs of this chain |
//! | [`actors`] | well-known actor ids and built-in actor code |
//! | [`init`] | how a user makes an actor of installed code |
//! | [`links`] | which CIDs name blocks, and the links of a block |
//! | [`layout`] | how the state lies in its blocks: tuples and maps |
//! | [`entry`] | [`EntryKey`]: what an actor keeps by key, and its bounds |
//!
//! Nothing here does I/O, keeps time or allocates by a number it was told. Everything compiles to wasm32, so that actors,
//! the node and the relayer speak of the same things with the same types.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

pub mod actors;
pub mod address;
pub mod bitmap;
pub mod bls;
pub mod entry;
pub mod eth;
pub mod hash;
pub mod height;
pub mod init;
pub mod layout;
pub mod links;
pub mod power;
pub mod subnet;

pub use address::parse_address;
pub use bitmap::SignerBitmap;
pub use bls::{BlsPublicKey, BlsSignature};
pub use entry::EntryKey;
pub use eth::EthAddress;
pub use hash::{Hash32, cbor_cid, cbor_cid_of, raw_cid};
pub use height::Height;
pub use power::VotingPower;
pub use subnet::SubnetId;

/// Most validators a network may have.
///
/// Bounds every list of validators, signatures and keys before it is allocated. A certificate of this size costs the
/// parent one pairing check and 256 point additions, about 11 ms.
pub const VALIDATORS_MAX: usize = 256;
