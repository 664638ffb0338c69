//! What the chain started from.

use super::foreseen;
use crate::comet::json::{ChunkAnswer, ConsensusParams, ConsensusParamsAnswer, GenesisAnswer, GenesisDoc, Int64};
use crate::comet::parameters::Int;
use crate::comet::refusal::CometRejected;
use crate::error::RpcRejected;
use crate::node::Node;

/// Bytes of a chunk of genesis, before base64. Source: CometBFT `rpc/core/env.go`.
const CHUNK_BYTES: usize = 16 << 20;

/// `consensus_params`: the same at every height.
pub fn consensus_params(node: &Node, (height,): (Option<Int>,)) -> Result<ConsensusParamsAnswer, RpcRejected> {
    let height = foreseen(node, height)?;
    Ok(ConsensusParamsAnswer {
        block_height: Int64(height.0),
        consensus_params: ConsensusParams::of(node.comet.origin()),
    })
}

/// `genesis`: whole, if it fits one chunk.
pub fn genesis(node: &Node, (): ()) -> Result<GenesisAnswer, RpcRejected> {
    let json = document(node)?;
    if json.len() > CHUNK_BYTES {
        return Err(CometRejected::LargeGenesis.into());
    }
    let genesis = serde_json::value::RawValue::from_string(json);
    Ok(GenesisAnswer { genesis: genesis.map_err(|_| NO_JSON)? })
}

/// `genesis_chunked`: one chunk of the same, in base64.
pub fn chunk(node: &Node, (chunk,): (Option<Int>,)) -> Result<ChunkAnswer, RpcRejected> {
    let json = document(node)?;
    let Int(asked) = chunk.unwrap_or(Int(0));
    let mut chunks = json.as_bytes().chunks(CHUNK_BYTES);
    let total = chunks.len();
    let data = usize::try_from(asked).ok().and_then(|number| chunks.nth(number));
    let data = data.ok_or(CometRejected::Chunk { asked, last: total.saturating_sub(1) })?;
    Ok(ChunkAnswer::of(asked, total, data))
}

/// Genesis has a JSON form, or the node does not start.
const NO_JSON: RpcRejected = RpcRejected::Internal("genesis has no JSON form");

fn document(node: &Node) -> Result<String, RpcRejected> {
    let document = GenesisDoc::of(node.comet.origin()).ok_or(NO_JSON)?;
    serde_json::to_string(&document).map_err(|_| NO_JSON)
}
