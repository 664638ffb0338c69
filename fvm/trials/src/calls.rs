//! Transactions of accounts, actors and contracts that call each other.
//!
//! The bytes are a little language ([`language`]): messages, scripts for actors, programs for contracts, each naming the others by
//! number. `compile` turns a message into a transaction, knowing what the ones before it made.
//!
//! | law | how it is held |
//! |---|---|
//! | money | the sum of all balances, burnt ones among them, is what genesis made |
//! | nonces | of the sender one more for each message that ran, of every other actor none, and 0 for who is new; contracts count theirs in their own heads |
//! | gas | at most the limit; none for what was skipped |
//! | a skipped message | leaves the state root as it was |
//! | a failed message | changes its sender, burnt funds and the proposer, and nothing else |
//! | blocks | one block of all messages, twice, and a block for each give the same root and the same receipts |
//! | threads | however many run a block: same receipts, same root, same blocks of state in the store |

pub(crate) mod compile;
pub mod language;

use arbitrary::{Arbitrary as _, Unstructured};
use fvm_shared::econ::TokenAmount;
use tributary_fvm::ReadState as _;
use tributary_fvm::{Hints, Receipt, Workers};
use tributary_message::Transaction;

use self::language::Message;
use crate::laws::{check_fees_alone, check_same, sum};
use crate::world::{Actors, RICH, WORKERS, Who, World, env};

/// Messages of a trial.
const MESSAGES_MAX: usize = 12;

/// The target.
pub fn run(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let messages = Vec::<Message>::arbitrary(&mut input).unwrap_or_default();
    let mut world = World::new();
    let start = world.clone();
    let (mut transactions, mut receipts) = (Vec::new(), Vec::new());
    for message in messages.iter().take(MESSAGES_MAX) {
        let Some(transaction) = compile::transaction(&world, message) else { continue };
        let receipt = step(&mut world, message, &transaction);
        transactions.push(transaction);
        receipts.push(receipt);
    }
    let (once, twice) = (start.run(&transactions), start.run(&transactions));
    assert_eq!(once, twice, "the same block, another outcome");
    assert_eq!(once.receipts, receipts, "a block of many, other receipts");
    assert_eq!(once.state_root, world.root, "a block of many, another state");
    let on = |threads, hints: &Hints| start.chain().block(Workers::new(threads), hints, &env(), &transactions).0;
    let in_order = on(1, &Hints::Nothing);
    assert_eq!(in_order.outcome, once, "a store of its own, another outcome");
    // Ahead of their turn, and in lanes: each transaction in the next one's.
    for hints in [Hints::Senders, Hints::Lanes((0..transactions.len()).collect())] {
        for threads in 2..=WORKERS {
            check_same(&on(threads, &hints), &in_order, &format!("{threads} threads, {hints:?}"));
        }
    }
}

/// Runs one message in a block of its own.
fn step(world: &mut World, message: &Message, transaction: &Transaction) -> Receipt {
    let (root, before) = (world.root, world.actors());
    let receipt = world.one(transaction.clone());
    let after = world.actors();
    assert_eq!(sum(&after), sum(&before), "money was made or lost");
    assert_eq!(sum(&after), TokenAmount::from_atto(5 * RICH));
    check_nonces(world, message.from, &receipt, &before, &after);
    check_gas(transaction, &receipt);
    if receipt.skipped {
        assert_eq!(world.root, root, "what was skipped changed the state");
    } else if !receipt.exit_code.is_success() {
        assert!(receipt.events.is_empty(), "what failed left events");
        check_fees_alone(world, message.from, &before, &after);
    }
    world.names.remember(&receipt);
    receipt
}

fn check_nonces(world: &World, sender: Who, receipt: &Receipt, before: &Actors, after: &Actors) {
    let sender = world.tree().resolve(&sender.address()).unwrap().filter(|_| !receipt.skipped);
    assert!(sender.is_none_or(|id| after.contains_key(&id)), "who sent is gone");
    for (id, actor) in after {
        let was = before.get(id).map_or(0, |actor| actor.sequence);
        let used = u64::from(Some(*id) == sender);
        assert_eq!(actor.sequence, was + used, "nonce of actor {id}");
    }
}

fn check_gas(transaction: &Transaction, receipt: &Receipt) {
    let (used, limit) = match transaction {
        Transaction::Ethereum(transaction) => (receipt.gas_used, transaction.gas_limit()),
        Transaction::Fvm(transaction) => (receipt.fvm_gas_used, transaction.message().gas_limit),
    };
    assert!(used <= limit, "{used} gas of {limit}");
    assert_eq!(used == 0, receipt.skipped, "what runs pays, and nothing else does");
}
