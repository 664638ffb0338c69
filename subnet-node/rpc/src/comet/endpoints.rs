//! One function for each method of CometBFT's that is served.

mod block;
mod genesis;
mod node;
mod validators;

use tributary_primitives::Height;

use super::Endpoint;
use super::chain::Extent;
use super::parameters::Int;
use super::refusal::CometRejected;
use crate::error::RpcRejected;
use crate::node::Node;

/// Every method.
pub fn all() -> Vec<Endpoint> {
    vec![
        Endpoint::new("health", &[], node::health),
        Endpoint::new("status", &[], node::status),
        Endpoint::new("header", &["height"], block::header),
        Endpoint::new("header_by_hash", &["hash"], block::header_by_hash),
        Endpoint::new("block", &["height"], block::block),
        Endpoint::new("block_by_hash", &["hash"], block::block_by_hash),
        Endpoint::new("blockchain", &["minHeight", "maxHeight"], block::blockchain),
        Endpoint::new("block_results", &["height"], block::results),
        Endpoint::new("commit", &["height"], block::commit),
        Endpoint::new("validators", &["height", "page", "per_page"], validators::validators),
        Endpoint::new("consensus_params", &["height"], genesis::consensus_params),
        Endpoint::new("genesis", &[], genesis::genesis),
        Endpoint::new("genesis_chunked", &["chunk"], genesis::chunk),
    ]
}

/// The height that a caller means, the latest if none, of a block that was decided.
fn decided(node: &Node, asked: Option<Int>) -> Result<(Height, Extent), RpcRejected> {
    let extent = node.comet.extent()?;
    if asked.is_none() && extent.latest == Height::GENESIS {
        return Err(CometRejected::NoBlockYet.into());
    }
    Ok((within(extent, extent.latest, asked)?, extent))
}

/// The height that a caller means, the last if none, of those up to the one after the latest: so far validators are known.
fn foreseen(node: &Node, asked: Option<Int>) -> Result<Height, RpcRejected> {
    let extent = node.comet.extent()?;
    within(extent, extent.latest.next(), asked)
}

fn within(extent: Extent, last: Height, asked: Option<Int>) -> Result<Height, RpcRejected> {
    let Some(Int(asked)) = asked else { return Ok(last) };
    let height = u64::try_from(asked).ok().filter(|height| *height > 0).map(Height);
    let height = height.ok_or(CometRejected::NotAHeight(asked))?;
    if height > last {
        return Err(CometRejected::AboveLatest { asked, latest: last }.into());
    }
    if height < extent.lowest {
        return Err(CometRejected::NotKept { asked: height, lowest: extent.lowest }.into());
    }
    Ok(height)
}

/// What was read of the block at `height`; if it is not there, it went since the height was looked at.
fn kept<T>(node: &Node, height: Height, read: Option<T>) -> Result<T, RpcRejected> {
    match read {
        Some(read) => Ok(read),
        None => Err(CometRejected::NotKept { asked: height, lowest: node.comet.extent()?.lowest }.into()),
    }
}
