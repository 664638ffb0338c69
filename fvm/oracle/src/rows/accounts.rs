//! Plain transfers, senders, receivers that do not exist yet.

use fvm_shared::address::Address;
use tributary_primitives::EthAddress;

use crate::case::{Asked, Case};
use crate::world::{ALICE, BALANCE, BOB, FIRST, Who, dave_address, erin_address};

pub(super) fn cases() -> Vec<Case> {
    let id = Address::new_id;
    let value = |to, value| Asked { value, ..Asked::to(to, 0, vec![]) };
    let masked = |id| Address::new_delegated(10, &EthAddress::from_actor_id(id).0).expect("a short address");
    let f3 = |key: [u8; 48]| Address::new_bls(&key).expect("48 bytes");
    let mut zero_f3 = [0; 48];
    zero_f3[0] = 0xc0;
    let unknown_f1 = Who::Nobody.address();
    let unknown_f4 = EthAddress([0xaa; 20]).to_address();
    let other_f4 = Address::new_delegated(32, b"somewhere").expect("a short address");
    let mut cases: Vec<Case> = [
        ("transfer by id", value(id(BOB), 5)),
        ("transfer by f1", value(Who::Bob.address(), 5)),
        ("transfer by f3", value(dave_address(), 5)),
        ("transfer by f410", value(erin_address(), 5)),
        ("transfer of all", value(id(BOB), BALANCE)),
        ("transfer of more than all", value(id(BOB), BALANCE + 1)),
        ("transfer of nothing", value(id(BOB), 0)),
        ("transfer to self", value(id(ALICE), 5)),
        ("transfer to self of more than all", value(id(ALICE), BALANCE + 1)),
        ("transfer to an actor", value(id(FIRST), 5)),
        ("transfer to burnt funds", value(id(99), 5)),
        ("transfer to an id that is nobody", value(id(9_999), 5)),
        ("nothing to an id that is nobody", value(id(9_999), 0)),
        ("transfer to an unknown f2", value(Address::new_actor(b"nobody"), 5)),
        ("transfer to an unknown f410", value(unknown_f4, 5)),
        ("nothing to an unknown f410", value(unknown_f4, 0)),
        ("transfer to an f410 of ten bytes", value(Address::new_delegated(10, &[7; 10]).expect("a short address"), 5)),
        ("transfer to an f410 that masks an id", value(masked(BOB), 5)),
        ("transfer to an f410 that masks nobody's id", value(masked(9_999), 5)),
        ("transfer to an unknown f4 of another namespace", value(other_f4, 5)),
        ("more than all to an unknown f410", value(unknown_f4, BALANCE + 1)),
        ("transfer to an unknown f1", value(unknown_f1, 5)),
        ("nothing to an unknown f1", value(unknown_f1, 0)),
        ("more than all to an unknown f1", value(unknown_f1, BALANCE + 1)),
        ("transfer to an f3 that is no key", value(f3([0; 48]), 5)),
        ("transfer to the zero f3", value(f3(zero_f3), 5)),
        ("method 0 with parameters", Asked { value: 5, ..Asked::to(id(BOB), 0, vec![0xff, 0xff]) }),
        ("method of a placeholder", Asked::to(erin_address(), 7, vec![])),
        ("method of an actor without parameters", Asked { value: 5, ..Asked::to(id(FIRST), 7, vec![]) }),
        ("method of nobody", Asked::to(id(9_999), 7, vec![])),
        ("parameters that are no script", Asked::to(id(FIRST), 7, vec![0xff])),
        ("a nonce too high", Asked { nonce_gap: 1, ..value(id(BOB), 5) }),
        ("a sender that is nobody", Asked { from: Who::Nobody, ..value(id(BOB), 5) }),
        ("a sender that is an f3", Asked { from: Who::Dave, ..value(id(BOB), 5) }),
        ("an f3 that calls an actor", Asked { from: Who::Dave, ..Asked::to(id(FIRST), 7, vec![]) }),
        ("a sender that is a placeholder", Asked { from: Who::Erin, ..value(id(BOB), 5) }),
        ("a placeholder that calls an actor", Asked { from: Who::Erin, ..Asked::to(id(FIRST), 7, vec![]) }),
        ("a placeholder's nonce too high", Asked { from: Who::Erin, nonce_gap: 1, ..value(id(BOB), 5) }),
        ("a placeholder without gas", Asked { from: Who::Erin, gas_limit: 1, ..value(id(BOB), 5) }),
        ("a placeholder that fails", Asked { from: Who::Erin, ..Asked::to(id(9_999), 7, vec![]) }),
        ("no gas", Asked { gas_limit: 1, ..value(id(BOB), 5) }),
        ("more gas than a counter holds", Asked { gas_limit: i64::MAX.unsigned_abs() / 1_000, ..value(id(BOB), 5) }),
    ]
    .into_iter()
    .map(|(name, message)| Case::one(format!("account/{name}"), message))
    .collect();
    cases.push(Case {
        name: "account/transfers back and forth".to_owned(),
        messages: vec![
            value(id(BOB), 5),
            Asked { from: Who::Bob, ..value(id(ALICE), 7) },
            value(unknown_f4, 3),
            Asked { from: Who::Bob, ..value(unknown_f4, 3) },
            value(unknown_f1, 3),
            Asked { from: Who::Bob, ..value(unknown_f1, 3) },
            Asked { from: Who::Nobody, ..value(id(BOB), 2) },
        ],
    });
    cases.push(Case {
        name: "account/a placeholder sends, receives and sends again".to_owned(),
        messages: vec![
            Asked { from: Who::Erin, ..value(id(BOB), 5) },
            value(erin_address(), 7),
            Asked { from: Who::Erin, ..value(unknown_f4, 3) },
            Asked { from: Who::Erin, ..value(erin_address(), 2) },
        ],
    });
    cases
}
