//! Calls in calls: what is seen of whom, and what an abort takes with it.

use fvm_ipld_encoding::{BytesSer, to_vec};
use fvm_shared::address::Address;
use fvm_shared::error::{ErrorNumber, ExitCode};
use tributary_fvm::{Hints, ReadState as _, Workers};
use tributary_primitives::{EthAddress, Hash32, cbor_cid};
use tributary_script::{Bytes, CidArg, EventHeader, Op, Params, Script, SendOp};
use tributary_trials::world::{
    ACTOR_BALANCE, INVOKE_EVM, Who, World, create, env, ethereum, fvm, init_code, script, words,
};

use crate::actor::{CBOR, DAG_CBOR, MADE, NONCE, RAW, answers, call, id, read, refused, sent, transfer};

fn event() -> Op {
    let headers = vec![EventHeader { flags: 3, codec: RAW, key_len: 1, value_len: 1 }];
    Op::Emit { headers, keys: b"k".into(), values: b"v".into() }
}

/// Each level writes its number, pays Bob one, emits, and calls the next; level `aborting` aborts at its end.
fn levels(level: u64, last: u64, aborting: u64) -> Vec<Op> {
    let mut ops = vec![Op::Write(level), Op::Send(transfer(&Who::Bob.address(), 1)), event()];
    if level < last {
        let actor = usize::from(level % 2 == 1);
        ops.push(Op::Send(call(actor, levels(level + 1, last, aborting))));
    }
    ops.extend((level == aborting).then_some(Op::ExitWithLog(20)));
    ops
}

/// Odd levels run on the first actor, even ones on the second.
#[test]
fn an_abort_takes_with_it_what_was_done_below_and_leaves_what_was_done_above() {
    let state_of = |level: u8| cbor_cid(&[0x81, level]);
    for aborting in 1..=5u64 {
        let mut world = World::new();
        let start = world.actors();
        let bob = world.tree().balance(&Who::Bob.address()).unwrap();
        let receipt = world.one(fvm(Who::Carol, script(NONCE, id(0), levels(1, 4, aborting))));
        let kept = aborting - 1;
        assert_eq!(receipt.exit_code.is_success(), kept > 0, "level {aborting} aborts");
        assert_eq!(u64::try_from(receipt.events.len()).unwrap(), kept.min(4));
        let paid = world.tree().balance(&Who::Bob.address()).unwrap() - bob;
        assert_eq!(u64::try_from(paid.atto()).unwrap(), kept.min(4));
        let last = |parity| (1..=kept.min(4)).rev().find(|level| level % 2 == parity);
        for (actor, parity) in [(id(0), 1), (id(1), 0)] {
            let expected = last(parity).map_or(start[&actor].state, |level| state_of(u8::try_from(level).unwrap()));
            assert_eq!(world.actors()[&actor].state, expected, "actor {actor} when level {aborting} aborts");
        }
    }
}

#[test]
fn an_actor_called_again_while_it_waits_finds_and_leaves_its_newest_state() {
    let again = |ops| Op::Send(call(1, vec![Op::Send(call(0, ops))]));
    for (what, ops, state) in [
        ("it writes", vec![Op::Write(9)], 9u8),
        ("it reads", vec![Op::ReadState], 1),
        ("it writes and aborts", vec![Op::Write(9), Op::ExitWithLog(20)], 1),
    ] {
        let answers = answers(what, vec![Op::Write(1), again(ops), Op::ReadState]);
        assert_eq!(answers.last().unwrap(), &Ok(vec![0x81, state]), "{what}");
    }
    let inner = answers("it reads", vec![Op::Write(1), again(vec![Op::ReadState])]);
    let (_, middle) = sent(&inner, 2);
    assert_eq!(sent(&middle, 0).1.last().unwrap(), &Ok(vec![0x81, 1]), "and what it reads is what was written");
}

#[test]
fn an_actor_deleted_below_is_gone_for_the_rest_of_the_message_unless_that_aborts() {
    let delete = |more: Vec<Op>| Op::Send(call(1, [vec![Op::SelfDestruct(true)], more].concat()));
    let balance = || Op::BalanceOf(id(1));
    let gone = answers("gone", vec![delete(vec![]), balance()]);
    assert_eq!(gone.last().unwrap(), &Err(6), "not found");
    let there = answers("there", vec![delete(vec![Op::ExitWithLog(20)]), balance()]);
    assert_eq!(there.last().unwrap(), &Ok(ACTOR_BALANCE.to_le_bytes().to_vec()));
}

#[test]
fn a_callee_runs_out_of_its_own_gas_and_its_caller_goes_on() {
    let spin = vec![Op::Write(9), Op::Spin(u64::MAX)];
    for gas_limit in [0, 1, 100_000, 1_000_000, 10_000_000] {
        let limited = SendOp { gas_limit, ..call(1, spin.clone()) };
        let answers = answers("limited", vec![Op::Send(limited), Op::Send(call(1, vec![Op::Root { out_len: 100 }]))]);
        assert_eq!(sent(&answers, 0).0, 7, "{gas_limit}");
        let (_, log) = sent(&answers, answers.len() - 3);
        assert_ne!(log, [Ok(cbor_cid(&[0x81, 9]).to_bytes())], "what it wrote is undone");
    }
}

/// Actor, contract, the same actor again: by a forwarder, whose call data names whom to call with what.
#[test]
fn an_actor_is_called_again_by_a_contract_that_it_called() {
    let forwarder = World::new().names.contracts[1];
    let through = |ops: Vec<Op>| {
        let script = to_vec(&Script(ops)).unwrap();
        let data = [&[0; 12][..], &EthAddress::from_actor_id(id(0)).0, &script].concat();
        let make = Op::Create { codec: CBOR, data: to_vec(&BytesSer(&data)).unwrap().into() };
        let to = Bytes(forwarder.to_address().to_bytes());
        let params = Params::Block(MADE);
        let send = SendOp { to, method: INVOKE_EVM, params, ..transfer(&Address::new_id(0), 0) };
        vec![make, Op::Write(1), Op::Send(send), Op::ReadState]
    };
    for (what, ops, exit_code, state, count) in [
        ("goes well", vec![Op::Write(9)], 0, 9u8, 1u8),
        ("aborts", vec![Op::Write(9), Op::ExitWithLog(20)], 33, 1, 0),
        ("traps", vec![Op::Write(9), Op::Unreachable], 33, 1, 0),
    ] {
        let mut world = World::new();
        let receipt = world.one(fvm(Who::Carol, script(NONCE, id(0), through(ops))));
        assert_eq!(receipt.exit_code, ExitCode::OK, "{what}");
        let answers = crate::actor::read(&receipt.return_data);
        // Create; link and set root; the send.
        assert_eq!(sent(&answers[..4], 3).0, exit_code, "{what}");
        assert_eq!(answers.last().unwrap(), &Ok(vec![0x81, state]), "{what}");
        let counted = world.tree().storage(&forwarder.to_address(), &Hash32::default()).unwrap();
        assert_eq!(counted.0[31], count, "{what}");
    }
}

/// Writes the state `[7]` and ends with a block that links to it: an abort, or an answer for exit code 0.
fn seven_linked(code: u32) -> Vec<Op> {
    let linking = Op::Create { codec: DAG_CBOR, data: to_vec(&(cbor_cid(&[0x81, 7]),)).unwrap().into() };
    vec![Op::Write(7), linking, Op::Exit { code, block: MADE + 1, message: Bytes(vec![]) }]
}

/// In order and on threads; another message opens the state that was kept.
#[test]
fn what_a_call_answers_may_link_to_what_it_linked_also_when_it_aborts() {
    let seven = || CidArg::Given(cbor_cid(&[0x81, 7]).to_bytes().into());
    let through = |code| {
        let linking = Op::Create { codec: DAG_CBOR, data: to_vec(&(cbor_cid(&[0x81, 7]),)).unwrap().into() };
        let deep = Op::Send(call(0, seven_linked(code)));
        Op::Send(call(1, vec![deep, linking, Op::Exit { code, block: MADE + 2, message: Bytes(vec![]) }]))
    };
    for code in [0, 20] {
        for (what, send) in [("called", Op::Send(call(1, seven_linked(code)))), ("below", through(code))] {
            let open = vec![send.clone(), Op::Open(seven()), Op::Read { block: MADE + 2, offset: 0, len: 2 }];
            assert_eq!(answers(what, open).last(), Some(&Ok(vec![0x81, 7])), "{what}, {code}");

            let keeps = fvm(Who::Carol, script(NONCE, id(0), vec![send, Op::SetRoot(seven())]));
            let reads = fvm(Who::Dave, script(0, id(0), vec![Op::ReadState]));
            let block = |workers| {
                World::new()
                    .chain()
                    .block(Workers::new(workers), &Hints::Senders, &env(), &[keeps.clone(), reads.clone()])
                    .0
            };
            let left = block(1);
            let log = read(&left.outcome.receipts[1].return_data);
            assert_eq!(log.last(), Some(&Ok(vec![0x81, 7])), "{what}, {code}");
            assert!(left.stored.contains_key(&cbor_cid(&[0x81, 7])), "{what}, {code}");
            assert_eq!(block(2), left, "{what}, {code}");
        }
    }
}

#[test]
fn a_message_that_aborts_leaves_no_block_behind() {
    let send = Op::Send(call(1, seven_linked(20)));
    let aborts = fvm(Who::Carol, script(NONCE, id(0), vec![send, Op::Write(8), Op::ExitWithLog(20)]));
    for workers in [1, 2] {
        let (left, ..) =
            World::new().chain().block(Workers::new(workers), &Hints::Nothing, &env(), std::slice::from_ref(&aborts));
        assert_eq!(left.outcome.receipts[0].exit_code, ExitCode::new(20));
        for state in [7, 8] {
            assert!(!left.stored.contains_key(&cbor_cid(&[0x81, state])), "[{state}], {workers} workers");
        }
    }
}

/// A contract answers what it likes, but its answer makes no block reachable: this one no node has.
#[test]
fn a_contract_makes_no_block_reachable() {
    let nothing = cbor_cid(b"nothing");
    let linking = to_vec(&(nothing,)).unwrap();
    let mut answer = words(&[0, DAG_CBOR, 96, u64::try_from(linking.len()).unwrap()]);
    answer.extend(&linking);
    let mut world = World::new();
    // Init code is itself code that returns what follows it.
    let made = world.one(ethereum(Who::Alice, create(2, init_code(&init_code(&answer)))));
    let to = Bytes(made.contract.unwrap().to_address().to_bytes());
    let send = Op::Send(SendOp { to, method: 5_000, ..transfer(&Address::new_id(0), 0) });
    let nothing = || CidArg::Given(nothing.to_bytes().into());
    let ops = vec![send, Op::Open(nothing()), Op::SetRoot(nothing())];
    let receipt = world.one(fvm(Who::Carol, script(NONCE, id(0), ops)));
    let answers = read(&receipt.return_data);
    assert_eq!(sent(&answers, 0), (21, vec![]), "its answer is none");
    assert_eq!(answers[1..], [refused(ErrorNumber::NotFound), refused(ErrorNumber::NotFound)]);
}
