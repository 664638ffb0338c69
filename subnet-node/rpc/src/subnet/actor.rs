//! Actors, their nonces and ids.

use fvm_shared::address::Address;
use tributary_primitives::actors::BuiltinActor;
use tributary_primitives::{EthAddress, Height};

use super::message::block_id;
use super::parameter::AnyAddress;
use super::view::{Actor, Link, atto};
use crate::error::RpcRejected;
use crate::node::Node;

/// `subnet_getActor`: at the height given, or at the latest; `null` if there is none.
pub fn actor(node: &Node, (at, height): (AnyAddress, Option<Height>)) -> Result<Option<Actor>, RpcRejected> {
    let Some(actor) = node.state(block_id(height))?.actor(&at.0)? else { return Ok(None) };
    let own = actor.delegated.as_ref().and_then(EthAddress::from_address);
    Ok(Some(Actor {
        code: Link::from(&actor.code),
        head: Link::from(&actor.state),
        nonce: actor.nonce,
        balance: atto(&actor.balance),
        delegated_address: actor.delegated.as_ref().map(Address::to_string),
        id: Address::new_id(actor.id).to_string(),
        builtin: BuiltinActor::from_code(&actor.code).map(|builtin| builtin.name().to_owned()),
        eth_address: own.unwrap_or_else(|| EthAddress::from_actor_id(actor.id)),
    }))
}

/// `subnet_nonce`: the nonce for the next message, counting what waits in the mempool without a gap. 0 for nobody.
pub fn nonce(node: &Node, (sender,): (AnyAddress,)) -> Result<u64, RpcRejected> {
    let actor = node.state(None)?.actor(&sender.0)?;
    Ok(node.backend.pending_nonce(&sender.0, actor.map_or(0, |actor| actor.nonce)))
}

/// `subnet_resolve`: the id address of any address; `null` if there is no such actor.
pub fn resolve(node: &Node, (at,): (AnyAddress,)) -> Result<Option<String>, RpcRejected> {
    Ok(node.state(None)?.actor(&at.0)?.map(|actor| Address::new_id(actor.id).to_string()))
}
