//! Laws that hold for every block: money, nonces, determinism.

use crate::ReadState as _;
use proptest::prelude::*;
use tributary_message::Transaction;
use tributary_primitives::EthAddress;

use super::world::*;

/// One transaction of a random block.
#[derive(Clone, Debug)]
enum Act {
    Pay { from: bool, to: u8, value: u128 },
    Keep { slot: u64, value: u64, reverts: bool },
    Make { value: u128, destroys: bool },
    Message { method: u64, value: u128 },
    MessageToKey { key: u8, value: u128 },
    OutOfOrder,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (any::<bool>(), 60..66u8, 0..1_000u128).prop_map(|(from, to, value)| Act::Pay { from, to, value }),
        (0..4u64, 0..3u64, any::<bool>()).prop_map(|(slot, value, reverts)| Act::Keep { slot, value, reverts }),
        (0..100u128, any::<bool>()).prop_map(|(value, destroys)| Act::Make { value, destroys }),
        (2..10u64, 0..100u128).prop_map(|(method, value)| Act::Message { method, value }),
        (66..70u8, 0..100u128).prop_map(|(key, value)| Act::MessageToKey { key, value }),
        Just(Act::OutOfOrder),
    ]
}

/// Nonces of Alice, Bob and Carol as they should be.
struct Nonces {
    alice: u64,
    bob: u64,
    carol: u64,
}

fn take(nonce: &mut u64) -> u64 {
    *nonce += 1;
    *nonce - 1
}

fn sign_act(act: &Act, nonces: &mut Nonces, keeper: EthAddress, actor: fvm_shared::address::Address) -> Transaction {
    match act {
        Act::Pay { from: true, to, value } => {
            send(&alice(), take(&mut nonces.alice), key(*to).eth_address(), *value, vec![])
        }
        Act::Pay { from: false, to, value } => {
            send(&bob(), take(&mut nonces.bob), key(*to).eth_address(), *value, vec![])
        }
        Act::Keep { slot, value, reverts } => {
            let mut input = words(&[*slot, *value]);
            input.extend(std::iter::repeat_n(0, usize::from(*reverts)));
            send(&alice(), take(&mut nonces.alice), keeper, 0, input)
        }
        Act::Make { value, destroys } => {
            let code = if *destroys { vec![0x30, 0xff] } else { init_code(KEEPER) };
            sign(&bob(), unsigned(take(&mut nonces.bob), None, *value, code))
        }
        Act::Message { method, value } => message(&carol(), take(&mut nonces.carol), actor, *method, vec![], *value),
        Act::MessageToKey { key: seed, value } => {
            message(&carol(), take(&mut nonces.carol), key(*seed).f1_address(), 0, vec![], *value)
        }
        Act::OutOfOrder => send(&alice(), nonces.alice + 5, keeper, 1, vec![]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_block_conserves_money_uses_up_nonces_and_has_one_root(acts in proptest::collection::vec(act(), 1..20)) {
        let mut world = World::new();
        let keeper = world.one(sign(&alice(), unsigned(0, None, 0, init_code(KEEPER)))).contract.unwrap();
        let actor = world.exec(0);
        let mut nonces = Nonces { alice: 1, bob: 0, carol: 1 };
        let block: Vec<_> = acts.iter().map(|act| sign_act(act, &mut nonces, keeper, actor)).collect();
        let once = world.run(&block);
        prop_assert_eq!(&once, &world.run(&block), "the same block twice");
        for wanted in super::trace::EVERYTHING {
            let traced = world.replay(&block, 0..block.len(), wanted);
            let receipts: Vec<_> = traced.into_iter().map(|traced| traced.receipt).collect();
            prop_assert_eq!(&receipts, &once.receipts, "traced, for {:?}", wanted);
        }
        for (act, receipt) in acts.iter().zip(&once.receipts) {
            prop_assert_eq!(receipt.skipped, matches!(act, Act::OutOfOrder), "{:?}", receipt);
        }
        // Asserts that the sum of all balances is what it was.
        world.block(&block);
        prop_assert_eq!(world.root, once.state_root);
        for (address, nonce) in [
            (alice().eth_address().to_address(), nonces.alice),
            (bob().eth_address().to_address(), nonces.bob),
            (carol().f1_address(), nonces.carol),
        ] {
            prop_assert_eq!(world.tree().nonce(&address).unwrap(), nonce);
        }
    }

    #[test]
    fn many_transactions_in_one_block_and_in_blocks_of_one_move_the_same_money(
        payments in proptest::collection::vec((60..66u8, 1..1_000u128), 1..12)
    ) {
        let transactions: Vec<_> = payments.iter().zip(0..).map(|((to, value), nonce)| {
            send(&alice(), nonce, key(*to).eth_address(), *value, vec![])
        }).collect();
        let (mut together, mut apart) = (World::new(), World::new());
        together.block(&transactions);
        for transaction in transactions {
            apart.one(transaction);
        }
        for (to, _) in payments {
            let address = key(to).eth_address().to_address();
            prop_assert_eq!(together.tree().actor_at(&address).unwrap().map(|(_, actor)| actor), apart.tree().actor_at(&address).unwrap().map(|(_, actor)| actor));
        }
    }
}
