//! Blocks as Tendermint has them: header, commit, validator set, app hash.
//!
//! ```text
//!   facts about H-1 ──▶ next_header ──▶ Block ──encode──▶ bytes ──BlockRef::of──▶ what votes name
//!   (Expected)             │                                 │
//!                          └──────── judge_block ◀──decode───┘
//!   votes ──▶ CommitCertificate ──to_commit──▶ last_commit of the next block, and LightBlock for clients
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`keys`] | [`ConsensusKey`] and its public half, address and signature (ed25519) |
//! | [`validators`] | [`ValidatorSet`]: order, hash, who proposes |
//! | [`chain_id`] | [`ChainId`]: `name-revision` |
//! | [`time`] | [`BlockTime`] |
//! | [`block_ref`] | [`BlockRef`]: what a vote names |
//! | [`block`] | [`Block`] and its one encoding; [`BlockOutline`], without the transactions |
//! | [`sign_bytes`] | what votes, proposals and proposal streams sign |
//! | [`commit`] | [`CommitCertificate`] ↔ Tendermint's commit, and its check |
//! | [`app_state`] | [`AppState`] → [`AppHash`], with proofs of one entry |
//! | [`results`] | the hash of what the transactions of a block returned |
//! | [`header`] | [`Expected`], [`next_header`]: the only header a height may have |
//! | [`judge`] | [`judge_block`]: one refusal for each rule |
//! | [`evidence`] | [`Equivocation`]: two signatures that cannot both be honest |
//! | [`light_block`] | [`LightBlock`]: what a light client verifies |
//! | [`merkle`] | Tendermint's simple Merkle tree |
//!
//! Words and laws only: no clock, disk or socket. The only crate that names `tendermint`, `ed25519-consensus` and
//! `prost` on the node's side; others use the re-exported [`tendermint`].
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::as_conversions, reason = "a test that cannot go on should stop"))]

pub mod app_state;
pub mod block;
pub mod block_ref;
pub mod chain_id;
pub mod commit;
pub mod evidence;
pub mod header;
pub mod judge;
pub mod keys;
pub mod light_block;
pub mod merkle;
pub mod results;
pub mod sign_bytes;
pub mod time;
pub mod validators;
mod wire;

#[cfg(test)]
mod testing;

pub use app_state::{AppHash, AppState, state_height_of_header};
pub use block::{Block, BlockBytesRejected, BlockOutline, PART_BYTES};
pub use block_ref::BlockRef;
pub use chain_id::{ChainId, ChainIdRejected};
pub use commit::{CommitCertificate, CommitRejected, check_commit};
pub use evidence::Equivocation;
pub use header::{Expected, HeaderRules, LastBlock, next_block, next_header};
pub use judge::{BlockRejected, judge_block};
pub use keys::{ConsensusKey, ConsensusPublicKey, ConsensusSignature, ValidatorAddress};
pub use light_block::LightBlock;
pub use results::{TransactionResult, results_hash};
pub use tendermint;
pub use time::BlockTime;
pub use validators::{Validator, ValidatorSet, ValidatorSetRejected};
