//! Why CometBFT's methods refuse, in CometBFT's words, and every refusal in its shape.
//!
//! | code | message | data |
//! |---|---|---|
//! | -32602 | Invalid params | which parameter, and what is wrong with it |
//! | -32603 | Internal error | the sentence: CometBFT has this one code for all that a method refuses |
//!
//! Source: CometBFT `rpc/jsonrpc/types/types.go`; the sentences, `rpc/core`. Light clients read heights out of them.

use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee::types::error::{INTERNAL_ERROR_CODE, INVALID_PARAMS_CODE};
use tributary_primitives::Height;

use crate::error::RpcRejected;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CometRejected {
    /// Parameters that are neither an object nor a list, or a query that is none.
    #[error("{0}")]
    Parameters(String),
    /// Heights with a block start at 1.
    #[error("height must be greater than 0, but got {0}")]
    NotAHeight(i64),
    /// The chain is not that high.
    #[error("height {asked} must be less than or equal to the current blockchain height {latest}")]
    AboveLatest {
        /// The height asked for.
        asked: i64,
        /// The latest that could be answered.
        latest: Height,
    },
    /// The block was pruned, or was never here since the node joined later.
    #[error("height {asked} is not available, lowest height is {lowest}")]
    NotKept {
        /// The height asked for.
        asked: Height,
        /// The lowest kept.
        lowest: Height,
    },
    /// The latest block of a chain that has none.
    #[error("no block has been decided yet")]
    NoBlockYet,
    /// A page past the end, or before the first.
    #[error("page should be within [1, {pages}] range, given {page}")]
    Page {
        /// The page asked for.
        page: i64,
        /// How many there are.
        pages: usize,
    },
    /// A range of heights below zero.
    #[error("heights must be non-negative")]
    NegativeHeight,
    /// A range of heights that is empty.
    #[error("min height {min} can't be greater than max height {max}")]
    EmptyRange {
        /// Its lower end.
        min: i64,
        /// Its upper end.
        max: i64,
    },
    /// A part of genesis that does not exist.
    #[error("there are {last} chunks, {asked} is invalid")]
    Chunk {
        /// The chunk asked for.
        asked: i64,
        /// The number of the last one: CometBFT counts from 0 here.
        last: usize,
    },
    /// Genesis that does not fit one answer.
    #[error("genesis response is large, please use the genesis_chunked API instead")]
    LargeGenesis,
    /// No blocks come.
    #[error("{0}")]
    Unhealthy(String),
}

impl CometRejected {
    /// Whether the node, and not the caller, is why there is no result.
    pub(crate) const fn is_ours(&self) -> bool {
        matches!(self, Self::NotKept { .. } | Self::NoBlockYet | Self::Unhealthy(_))
    }
}

/// Any refusal of a method whose parameters are called `names`, as CometBFT would write it.
pub fn in_comets_shape(refused: &RpcRejected, names: &[&str]) -> ErrorObjectOwned {
    let (code, message) = match refused.code() {
        INVALID_PARAMS_CODE => (INVALID_PARAMS_CODE, "Invalid params"),
        _ => (INTERNAL_ERROR_CODE, "Internal error"),
    };
    let data = match refused {
        RpcRejected::InvalidArgument { position, reason } => match names.get(*position) {
            Some(name) => format!("{name}: {reason}"),
            None => reason.clone(),
        },
        other => other.to_string(),
    };
    ErrorObjectOwned::owned(code, message, Some(data))
}
