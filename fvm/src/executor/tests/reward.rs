//! The ids below 100: what is sent there, and that nobody else gets them.

use crate::ReadState as _;
use fvm_ipld_encoding::RawBytes;
use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;
use fvm_shared::message::Message;
use tributary_primitives::EthAddress;
use tributary_primitives::actors::{BURNT_FUNDS_ID, FIRST_USER_ID, REWARD_ID};

use super::world::*;

fn masked(id: u64) -> EthAddress {
    EthAddress::from_actor_id(id)
}

#[test]
fn what_the_reward_actor_gets_goes_to_the_blocks_proposer_with_the_tips() {
    let mut world = World::new();
    let receipts = world.block(&[
        message(&carol(), 0, Address::new_id(REWARD_ID), 0, vec![], 30),
        send(&alice(), 0, masked(REWARD_ID), 4, vec![]),
    ]);
    let tips = u128::from(receipts[0].fvm_gas_used) + u128::from(receipts[1].gas_used) * TIP;
    assert!(receipts.iter().all(|receipt| receipt.exit_code == ExitCode::OK));
    assert_eq!((world.balance(Address::new_id(REWARD_ID)), world.balance(PROPOSER)), (0, tips + 34));
    let before = world.balance(PROPOSER);
    world.block(&[]);
    assert_eq!(world.balance(PROPOSER), before, "once");
}

#[test]
fn the_reward_actor_has_no_method_of_filecoins_to_offer() {
    let world = World::new();
    let exit_code = |method| {
        let call = message(&carol(), 0, Address::new_id(REWARD_ID), method, vec![0x80], 7);
        world.run(&[call]).receipts[0].exit_code
    };
    for method in 1..=5 {
        assert_eq!(exit_code(method), ExitCode::USR_UNHANDLED_MESSAGE, "{method}");
    }
    assert_eq!(exit_code(1 << 24), ExitCode::OK);
}

#[test]
fn what_burnt_funds_gets_is_burnt() {
    let mut world = World::new();
    let burnt = Address::new_id(BURNT_FUNDS_ID);
    world.block(&[message(&carol(), 0, burnt, 0, vec![], 30), send(&alice(), 0, masked(BURNT_FUNDS_ID), 4, vec![])]);
    let with = world.balance(burnt);
    let mut without = World::new();
    without.block(&[message(&carol(), 0, burnt, 0, vec![], 0), send(&alice(), 0, masked(BURNT_FUNDS_ID), 0, vec![])]);
    assert!(with >= without.balance(burnt) + 34);
    assert_eq!(world.tree().burnt().unwrap(), atto(with), "and circulates no more");
}

#[test]
fn an_id_that_genesis_left_free_is_nobodys() {
    let mut world = World::new();
    let taken = [0, 1, 2, 3, 10, 99];
    for (nonce, id) in (0..).zip((0..FIRST_USER_ID).filter(|id| !taken.contains(id))) {
        let unsigned = unsigned_message(nonce, Address::new_id(id), 0, vec![], 5);
        let receipt = world.one(message_with(&carol(), Message { params: RawBytes::default(), ..unsigned }));
        assert_eq!(receipt.exit_code, ExitCode::SYS_INVALID_RECEIVER, "{id}");
    }
    assert_eq!(world.exec_code_by(&carol(), code()), Address::new_id(FIRST_USER_ID + 5), "actors come after genesis'");
}
