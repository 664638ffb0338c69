//! The JSON of every answer, as CometBFT v0.38 writes it.
//!
//! | in Go | in JSON |
//! |---|---|
//! | `int64`, `int`, `uint64` | a string of digits; 32 bits and fewer, a number |
//! | `HexBytes`, addresses, hashes | upper-case hex without `0x`; empty for none |
//! | `[]byte` | base64; `null` for none |
//! | `time.Time` | RFC 3339 with nanoseconds, UTC |
//!
//! Source: CometBFT `rpc/core/types/responses.go`, `types/block.go`, `libs/json`.

mod block;
mod genesis;
mod node;
mod results;

use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Serialize, Serializer};
use tributary_chain::ConsensusPublicKey;

pub use block::{BlockAnswer, BlockMeta, BlockchainAnswer, CommitAnswer, HeaderAnswer, SignedHeader};
pub use genesis::{ChunkAnswer, ConsensusParams, ConsensusParamsAnswer, GenesisAnswer, GenesisDoc};
pub use node::{Empty, NodeInfo, StatusAnswer, SyncInfo, Validator, ValidatorInfo, ValidatorsAnswer};
pub use results::ResultsAnswer;

/// An integer of 64 bits: its digits, in a string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Int64<T>(pub T);

impl<T: std::fmt::Display> Serialize for Int64<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Bytes in base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base64<T>(pub T);

impl<T: AsRef<[u8]>> Serialize for Base64<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&base64::display::Base64Display::new(self.0.as_ref(), &BASE64))
    }
}

/// An ed25519 key under the name that Tendermint gave its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublicKey {
    r#type: &'static str,
    value: Base64<[u8; 32]>,
}

impl From<&ConsensusPublicKey> for PublicKey {
    fn from(key: &ConsensusPublicKey) -> Self {
        Self { r#type: "tendermint/PubKeyEd25519", value: Base64(*key.as_bytes()) }
    }
}
