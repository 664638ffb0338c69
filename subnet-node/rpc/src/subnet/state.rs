//! What an actor keeps in its state.

use tributary_primitives::Height;
use tributary_proof::json::AtPath;
use tributary_witness::{PartsOf, ValueAt};

use super::PROOF_WITNESS_BYTES_MAX;
use super::message::block_id;
use super::parameter::{AnyAddress, Path};
use super::view::{ActorState, atto};
use crate::backend::Witnessed;
use crate::error::RpcRejected;
use crate::node::Node;

/// `subnet_readState`: at the height given, or at the latest; `null` if there is no such actor.
///
/// The way there may be as long as one that is proven, though nothing of it is sent but its end.
pub fn read(
    node: &Node,
    (at, path, height): (AnyAddress, Option<Path>, Option<Height>),
) -> Result<Option<ActorState>, RpcRejected> {
    let Path(path) = path.unwrap_or_default();
    let question = PartsOf::from(ValueAt { actor: at.0, path: path.clone() });
    let Witnessed { parts, witness } = node.state(block_id(height))?.parts(&question)?;
    if witness.len() > PROOF_WITNESS_BYTES_MAX {
        let (bytes, most) = (witness.len(), PROOF_WITNESS_BYTES_MAX);
        let sentence = format!("the way there has {bytes} bytes, and at most {most} are read; ask for less");
        return Err(RpcRejected::AboveLimit(sentence));
    }
    let Some((_, actor)) = parts.actor else { return Ok(None) };
    let there = AtPath::new(&path, parts.value.as_ref()).map_err(|why| RpcRejected::argument(1, why))?;
    Ok(Some(ActorState {
        balance: atto(&actor.balance),
        code: actor.code.to_string(),
        head: actor.state.to_string(),
        nonce: actor.sequence,
        state: there.value,
    }))
}
