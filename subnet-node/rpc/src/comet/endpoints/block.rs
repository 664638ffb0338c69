//! Blocks, their headers, their commits and what became of them.

use tributary_chain::tendermint::block::Header;
use tributary_primitives::Height;

use super::{decided, kept};
use crate::comet::chain::{Decided, Outline};
use crate::comet::json::{
    BlockAnswer, BlockMeta, BlockchainAnswer, CommitAnswer, HeaderAnswer, Int64, ResultsAnswer, SignedHeader,
};
use crate::comet::parameters::{BlockHash, Int};
use crate::comet::refusal::CometRejected;
use crate::error::RpcRejected;
use crate::node::Node;

/// Most blocks that `blockchain` tells of. Source: CometBFT `rpc/core/blocks.go`.
const BLOCKCHAIN_MAX: u64 = 20;

/// `header`
pub fn header(node: &Node, (height,): (Option<Int>,)) -> Result<HeaderAnswer, RpcRejected> {
    let (height, _) = decided(node, height)?;
    Ok(HeaderAnswer { header: Some((&outline(node, height)?.what.header).into()) })
}

/// `header_by_hash`: a header, or none.
pub fn header_by_hash(node: &Node, (hash,): (Option<BlockHash>,)) -> Result<HeaderAnswer, RpcRejected> {
    let Some(height) = found(node, hash)? else { return Ok(HeaderAnswer { header: None }) };
    Ok(HeaderAnswer { header: node.comet.outline(height)?.map(|outline| (&outline.what.header).into()) })
}

/// `block`
pub fn block(node: &Node, (height,): (Option<Int>,)) -> Result<BlockAnswer, RpcRejected> {
    let (height, _) = decided(node, height)?;
    Ok(BlockAnswer::of(&kept(node, height, node.comet.block(height)?)?))
}

/// `block_by_hash`: a block, or none.
pub fn block_by_hash(node: &Node, (hash,): (Option<BlockHash>,)) -> Result<BlockAnswer, RpcRejected> {
    let Some(height) = found(node, hash)? else { return Ok(BlockAnswer::none()) };
    Ok(node.comet.block(height)?.as_ref().map_or_else(BlockAnswer::none, BlockAnswer::of))
}

/// `blockchain`: the highest of a range, the highest first.
pub fn blockchain(node: &Node, (min, max): (Option<Int>, Option<Int>)) -> Result<BlockchainAnswer, RpcRejected> {
    let extent = node.comet.extent()?;
    let bound = |asked: Option<Int>, by_default: Height| match asked {
        None | Some(Int(0)) => Ok(by_default.0),
        Some(Int(asked)) => u64::try_from(asked).map_err(|_| CometRejected::NegativeHeight),
    };
    let max = bound(max, extent.latest)?.min(extent.latest.0);
    let min = bound(min, extent.lowest)?.max(extent.lowest.0).max((max + 1).saturating_sub(BLOCKCHAIN_MAX));
    if min > max {
        let signed = |height: u64| i64::try_from(height).unwrap_or(i64::MAX);
        return Err(CometRejected::EmptyRange { min: signed(min), max: signed(max) }.into());
    }
    let mut block_metas = Vec::new();
    for height in (min..=max).rev().map(Height) {
        block_metas.push(BlockMeta::of(&outline(node, height)?));
    }
    Ok(BlockchainAnswer { last_height: Int64(extent.latest.0), block_metas })
}

/// `block_results`
pub fn results(node: &Node, (height,): (Option<Int>,)) -> Result<ResultsAnswer, RpcRejected> {
    let (height, _) = decided(node, height)?;
    Ok(ResultsAnswer::of(height, &kept(node, height, node.comet.results(height)?)?))
}

/// `commit`: the one that the next block carries, or of the latest block the one that this node saw.
pub fn commit(node: &Node, (height,): (Option<Int>,)) -> Result<CommitAnswer, RpcRejected> {
    let (height, extent) = decided(node, height)?;
    let header = outline(node, height)?.what.header;
    if height == extent.latest {
        let commit = kept(node, height, node.comet.seen_commit(height)?)?;
        return Ok(answer(&header, &commit, false));
    }
    let next = outline(node, height.next())?.what;
    Ok(answer(&header, &kept(node, height, next.last_commit)?, true))
}

fn answer(header: &Header, commit: &tributary_chain::tendermint::block::Commit, canonical: bool) -> CommitAnswer {
    CommitAnswer { signed_header: SignedHeader { header: header.into(), commit: commit.into() }, canonical }
}

fn outline(node: &Node, height: Height) -> Result<Decided<Outline>, RpcRejected> {
    kept(node, height, node.comet.outline(height)?)
}

fn found(node: &Node, hash: Option<BlockHash>) -> Result<Option<Height>, RpcRejected> {
    match hash {
        Some(BlockHash(hash)) => Ok(node.comet.height_of(&hash)?),
        None => Ok(None),
    }
}
