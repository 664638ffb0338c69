//! Large blocks made to collide: on threads they come to what they come to in order.
//!
//! The bytes are two blocks, one on top of the other ([`language`]). Each is a few patterns of transactions, repeated with numbers that
//! move on from turn to turn, so that some hundred bytes fill a block. `crowd` is who sends and what is called, `fill` signs.
//!
//! | law | how it is held |
//! |---|---|
//! | threads | two to four workers leave what one leaves: receipts, gas, root, leaves changed, blocks of state in the store |
//! | hints | workers go by hints that are good, none, or wrong: one way, or every way where the input says so |
//! | state kept | workers go on with the state of their first block; in order the second block starts from the store |
//! | executions | no transaction is run more than twice |
//! | money | the sum of all balances stays |

mod crowd;
mod fill;
pub mod language;

use arbitrary::{Arbitrary as _, Unstructured};
use tributary_fvm::{BlockEnv, Hints, Receipt, Stats, Workers};
use tributary_message::Transaction;
use tributary_primitives::Height;

use self::crowd::START;
use self::language::{BlockGas, Trial};
use crate::laws::{check_same, sum};
use crate::world::chain::Left;
use crate::world::{World, env};

/// Transactions of the first block, and of the one on top of it.
const TRANSACTIONS_MAX: [usize; 2] = [600, 300];
/// Kinds of hints that workers may get.
const WAYS: usize = 5;
/// Block gas in a part of what there may be.
const GAS_PART: u64 = 1_000;

/// The target.
pub fn run(data: &[u8]) {
    let Ok(trial) = Trial::arbitrary(&mut Unstructured::new(data)) else { return };
    let blocks = in_order(&trial);
    let chance = usize::from(trial.threads / 6);
    for way in 0..if trial.threads % 2 == 0 { 1 } else { WAYS } {
        on_threads(2 + u32::from(trial.threads / 2 % 3), chance + way, &blocks);
    }
}

/// What each transaction of the two blocks comes to, for who wants to know what an input does.
#[must_use]
pub fn receipts(data: &[u8]) -> Vec<Vec<Receipt>> {
    let trial = Trial::arbitrary(&mut Unstructured::new(data)).unwrap();
    in_order(&trial).into_iter().map(|ran| ran.left.outcome.receipts).collect()
}

/// A block, and what it left when it ran in order.
struct Ran {
    env: BlockEnv,
    transactions: Vec<Transaction>,
    left: Left,
}

/// The specification. The second block is filled once the first is known: it knows what was made, and everybody's nonce.
fn in_order(trial: &Trial) -> Vec<Ran> {
    let (mut world, mut chain) = (World::clone(&START), START.chain());
    let mut blocks = Vec::new();
    for (number, most) in TRANSACTIONS_MAX.into_iter().enumerate() {
        let env = env_of(trial, number);
        let transactions = fill::block(&world, trial.patterns(number), most);
        let (left, _, went_on) = chain.block(Workers::ONE, &Hints::Nothing, &env, &transactions);
        let mut names = world.names.clone();
        left.outcome.receipts.iter().for_each(|receipt| names.remember(receipt));
        let after = went_on.world(&left, names);
        assert_eq!(sum(&after.actors()), sum(&world.actors()), "money was made or lost");
        (world, chain) = (after, went_on.reopened(&left));
        blocks.push(Ran { env, transactions, left });
    }
    blocks
}

fn on_threads(threads: u32, way: usize, blocks: &[Ran]) {
    let mut chain = START.chain();
    for (number, Ran { env, transactions, left: in_order }) in blocks.iter().enumerate() {
        let hints = hints(way + number, transactions.len());
        let (left, stats, went_on) = chain.block(Workers::new(threads), &hints, env, transactions);
        check_same(&left, in_order, &format!("block {number} on {threads} threads, {hints:?}"));
        let Stats { speculated, repeated, .. } = stats;
        assert!(repeated <= speculated && speculated <= transactions.len(), "one was run three times: {stats:?}");
        chain = went_on;
    }
}

/// What workers go by.
fn hints(way: usize, transactions: usize) -> Hints {
    match way % WAYS {
        0 => Hints::Learnt,
        1 => Hints::Senders,
        2 => Hints::Nothing,
        // Long runs in one lane, so that some of them get far; or all mixed up.
        3 => Hints::Lanes((0..transactions).map(|index| index / (1 + way)).collect()),
        _ => Hints::Lanes((0..transactions).map(|index| index * (7 + way) / 5).collect()),
    }
}

fn env_of(trial: &Trial, number: usize) -> BlockEnv {
    let all = env();
    let gas_limit = match trial.gas {
        BlockGas::Plenty => all.gas_limit,
        BlockGas::Part(so_many) => GAS_PART * (1 + u64::from(so_many)),
    };
    BlockEnv { height: Height(all.height.0 + u64::try_from(number).unwrap()), gas_limit, ..all }
}
