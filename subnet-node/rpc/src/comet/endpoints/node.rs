//! The node: how it is, who it is, how far it has come.

use tributary_primitives::Height;

use super::kept;
use crate::comet::chain::{Decided, Outline};
use crate::comet::json::{Empty, NodeInfo, StatusAnswer, SyncInfo, ValidatorInfo};
use crate::comet::refusal::CometRejected;
use crate::error::RpcRejected;
use crate::node::Node;

/// How often the lowest block is looked for again when it went meanwhile. What is kept moves once a second.
const LOOKS_MAX: usize = 3;

/// `health`: an empty result while blocks come.
pub fn health(node: &Node, (): ()) -> Result<Empty, RpcRejected> {
    node.comet.health().map_err(CometRejected::Unhealthy)?;
    Ok(Empty {})
}

/// `status`
pub fn status(node: &Node, (): ()) -> Result<StatusAnswer, RpcRejected> {
    let (card, origin) = (node.comet.card(), node.comet.origin());
    let latest_height = node.comet.extent()?.latest;
    let latest = node.comet.outline(latest_height)?;
    let (earliest_height, earliest) = earliest(node, latest_height)?;
    let set = node.comet.validators(latest_height.next())?;
    Ok(StatusAnswer {
        node_info: NodeInfo::of(card, origin, node.config.listen),
        sync_info: SyncInfo::of(
            (latest_height, latest.as_ref()),
            (earliest_height, earliest.as_ref()),
            node.comet.is_catching_up(),
        ),
        validator_info: ValidatorInfo::of(card, set.as_ref()),
    })
}

/// The lowest block that is kept; `None` on a chain without blocks, as its latest.
fn earliest(node: &Node, latest: Height) -> Result<(Height, Option<Decided<Outline>>), RpcRejected> {
    if latest == Height::GENESIS {
        return Ok((latest, None));
    }
    for _ in 1..LOOKS_MAX {
        let lowest = node.comet.extent()?.lowest;
        if let Some(outline) = node.comet.outline(lowest)? {
            return Ok((lowest, Some(outline)));
        }
    }
    let lowest = node.comet.extent()?.lowest;
    Ok((lowest, Some(kept(node, lowest, node.comet.outline(lowest)?)?)))
}
