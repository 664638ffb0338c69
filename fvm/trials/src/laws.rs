//! Laws that several trials hold a block to.

use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use tributary_fvm::ReadState as _;
use tributary_primitives::actors::BURNT_FUNDS_ID;

use crate::world::chain::Left;
use crate::world::{Actors, Who, World, proposer};

/// All money there is.
#[must_use]
pub fn sum(actors: &Actors) -> TokenAmount {
    actors.values().map(|actor| &actor.balance).sum()
}

/// A transaction of `sender` that failed or was skipped changed balances of its sender, the proposer and burnt funds, its sender's
/// nonce, and nothing else.
pub fn check_fees_alone(world: &World, sender: Who, before: &Actors, after: &Actors) {
    assert_eq!(sum(before), sum(after), "money was made or lost");
    let id_of = |address: &Address| world.tree().resolve(address).unwrap();
    let paid: [Option<ActorID>; 3] = [id_of(&sender.address()), id_of(&proposer().to_address()), Some(BURNT_FUNDS_ID)];
    assert!(before.keys().eq(after.keys()), "what failed made or deleted an actor");
    for (id, actor) in before {
        if paid.contains(&Some(*id)) {
            assert_eq!(actor.state, after[id].state, "what failed changed the state of {id}");
        } else {
            assert_eq!(actor, &after[id], "what failed changed actor {id}");
        }
    }
}

/// A block run in another way left what it left when it ran in order.
pub fn check_same(left: &Left, in_order: &Left, how: &str) {
    let receipts = left.outcome.receipts.iter().zip(&in_order.outcome.receipts);
    let other = receipts.enumerate().find(|(_, (receipt, in_order))| receipt != in_order);
    assert!(other.is_none(), "{how}: another receipt than in order, of transaction {other:?}");
    assert!(left.leaves == in_order.leaves, "{how}: other leaves changed than in order");
    assert!(left.outcome == in_order.outcome, "{how}: another root, other gas or fewer receipts than in order");
    assert!(left.stored == in_order.stored, "{how}: other blocks of state than in order");
}
