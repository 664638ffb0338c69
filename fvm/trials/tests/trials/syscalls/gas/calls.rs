//! What calls cost: their receiver, their value, what goes in and what comes back.

use fvm_ipld_encoding::{RawBytes, to_vec};
use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;
use tributary_genesis_code::SCRIPT_ENTRIES_ACTOR;
use tributary_primitives::actors::INIT_ID;
use tributary_primitives::raw_cid;
use tributary_script::{Op, Params, SendOp};
use tributary_trials::world::{Who, key};

use super::{LOOKUP, SYSCALL, TRANSFER, UPDATE, bytes, charged, check, create, linking, mark, mark_in, row, run};
use crate::actor::{CBOR, MADE, RAW, ROOT, call, id, transfer};
use crate::charges::MILLIGAS;

#[test]
fn a_send_pays_for_its_receiver_and_for_the_value() {
    let send = |to: &Address, value| Op::Send(transfer(to, value));
    let (bob, itself, burnt) = (Who::Bob.address(), Address::new_id(id(0)), Address::new_id(99));
    let made: [(&str, u64); 3] =
        [("address", 1_050_000 + 1_000_000), ("storage", 650_000), ("lookup, update", 500_000 + 475_000)];
    let made = [&made[..], &[TRANSFER, UPDATE]].concat();
    check(
        0,
        vec![
            row("nothing", vec![], send(&bob, 0), &[LOOKUP]),
            row("nothing again", vec![send(&bob, 0)], send(&bob, 0), &[]),
            row("value", vec![], send(&bob, 5), &[LOOKUP, TRANSFER, UPDATE, UPDATE]),
            row("value again", vec![send(&bob, 5)], send(&bob, 5), &[TRANSFER]),
            row("value to itself", vec![], send(&itself, 5), &[TRANSFER]),
            row("value to the burnt funds", vec![], send(&burnt, 5), &[TRANSFER, UPDATE]),
            row("value to a new key", vec![], send(&key(40).f1_address(), 5), &made),
        ],
    );
}

#[test]
fn a_call_pays_for_the_links_that_go_in_and_that_come_back() {
    let other = |params| SendOp { params, read: false, ..call(1, vec![]) };
    let (into, _) = charged("a link in", vec![ROOT, linking()], Op::Send(other(Params::Block(MADE))));
    assert!(into.starts_with(&[500_000 * MILLIGAS, (75_000 + 300) * MILLIGAS]), "{into:?}");
    let returning = call(1, vec![ROOT, linking(), Op::Return(MADE)]).params;
    let (back, _) = charged("a link back", vec![], Op::Send(other(returning)));
    assert_eq!(back.last(), Some(&(300 * MILLIGAS)), "{back:?}");
}

/// Up to the constructor. What comes before is init's own, a native actor here: its call, its parameters, two blocks to find the code in.
#[test]
fn the_init_actor_pays_for_the_actor_that_it_creates() {
    let params = to_vec(&(raw_cid(SCRIPT_ENTRIES_ACTOR), RawBytes::default())).unwrap();
    assert_eq!(params.len(), 45);
    let exec = SendOp { params: Params::Block(MADE), method: 2, ..transfer(&Address::new_id(INIT_ID), 0) };
    let (charges, refused) = charged("exec", vec![create(CBOR, params)], Op::Send(exec));
    let by_init: [u64; 3] = [75_000 + 10 * 45, 2 * (187_440 + 300), 1_050_000 + 1_000_000];
    let by_create_actor: [u64; 2] = [650_000, 500_000 + 475_000];
    let expected: Vec<u64> =
        by_init.into_iter().chain(by_create_actor).chain([75_000]).map(|gas| gas * MILLIGAS).collect();
    assert!(charges.starts_with(&expected), "{charges:?}, not {expected:?}");
    assert_eq!(refused, 0);
}

#[test]
fn an_exit_pays_for_the_bytes_that_it_brings_to_the_chain() {
    let rows: [(&str, u32, u32, &[u64]); 4] = [
        ("well", 0, 0, &[]),
        ("well, with data", 0, MADE, &[1_300 * 100 * MILLIGAS]),
        ("aborting", 16, 0, &[]),
        ("aborting with data", 33, MADE, &[1_300 * 100 * MILLIGAS]),
    ];
    for (what, code, block, charges) in rows {
        let exit = Op::Exit { code, block, message: bytes(1_000).into() };
        let (receipt, all) = run(vec![create(RAW, bytes(100)), mark(), exit]);
        assert_eq!(receipt.exit_code, ExitCode::new(code), "{what}");
        let [_, entered, own @ ..] = &all[mark_in(&all) + 1..] else { panic!("{what}: {all:?}") };
        assert_eq!((*entered, own), (SYSCALL * MILLIGAS, charges), "{what}");
    }
}
