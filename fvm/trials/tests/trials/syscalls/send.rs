//! `send`: what a caller may ask, and what it gets back. Calls in calls are in `nesting.rs`.

use fvm_shared::address::Address;
use fvm_shared::error::{ErrorNumber as No, ExitCode};
use tributary_fvm::ReadState as _;
use tributary_primitives::EthAddress;
use tributary_script::{Bytes, Op, Params, SendOp};
use tributary_trials::world::{ACTOR_BALANCE, RICH, Who, World, fvm, key, script};

use crate::actor::{NONCE, answers, call, id, last, refused, sent, transfer};

const NOBODY: u64 = 9_999;

#[test]
fn value_goes_to_whoever_can_have_an_account() {
    let (old, key, eth) = (Who::Bob.address(), key(40).f1_address(), EthAddress([0xaa; 20]).to_address());
    let bls = Address::new_bls(&tributary_crypto::BlsSecretKey::from_bytes(&[5; 32]).unwrap().public_key().0).unwrap();
    for (what, to, before) in [
        ("an account", old, RICH),
        ("a new key", key, 0),
        ("a new BLS key", bls, 0),
        ("a new Ethereum address", eth, 0),
    ] {
        let mut world = World::new();
        let receipt = world.one(fvm(Who::Carol, script(NONCE, id(0), vec![Op::Send(transfer(&to, 5))])));
        assert_eq!(receipt.exit_code, ExitCode::OK, "{what}");
        let balance = world.tree().balance(&to).unwrap();
        assert_eq!(u128::try_from(balance.atto()).unwrap(), before + 5, "{what}");
    }
}

#[test]
fn what_the_caller_asks_wrong_has_its_error_number() {
    let bob = Who::Bob.address();
    let more_than_it_has = u64::try_from(ACTOR_BALANCE).unwrap() + 1;
    let to = |bytes: &[u8]| SendOp { to: Bytes(bytes.to_vec()), ..transfer(&bob, 0) };
    for (what, send, number) in [
        ("more than it has", transfer(&bob, more_than_it_has), No::InsufficientFunds),
        ("more than there is", SendOp { value: (1, 0), ..transfer(&bob, 0) }, No::InsufficientFunds),
        ("more than it has, to itself", transfer(&Address::new_id(id(0)), more_than_it_has), No::InsufficientFunds),
        ("to nobody", transfer(&Address::new_id(NOBODY), 5), No::NotFound),
        ("to an f2 of nobody", transfer(&Address::new_actor(b"nobody"), 0), No::NotFound),
        ("to what is no address", to(&[9]), No::IllegalArgument),
        ("to nothing", to(&[]), No::IllegalArgument),
        ("flags that are none", SendOp { flags: 2, ..transfer(&bob, 0) }, No::IllegalArgument),
        ("parameters that are none", SendOp { params: Params::Block(9), ..transfer(&bob, 0) }, No::InvalidHandle),
        ("value, read-only", SendOp { flags: 1, ..transfer(&bob, 5) }, No::ReadOnly),
    ] {
        assert_eq!(last(what, vec![Op::Send(send)]), refused(number), "{what}");
    }
}

#[test]
fn what_a_callee_does_wrong_is_an_exit_code_and_the_caller_goes_on() {
    for (what, ops, exit_code, says) in [
        ("nothing", vec![Op::CurrentBalance], 0, 1),
        ("aborts", vec![Op::Write(7), Op::Exit { code: 20, block: 0, message: b"no".into() }], 20, 0),
        ("aborts with data", vec![Op::CurrentBalance, Op::ExitWithLog(33)], 33, 1),
        ("aborts with a code of the system", vec![Op::Exit { code: 2, block: 0, message: b"".into() }], 9, 0),
        ("returns what is no block", vec![Op::Return(77)], 11, 0),
        ("traps", vec![Op::Unreachable], 4, 0),
        ("panics", vec![Op::Panic], 24, 0),
    ] {
        let answers = answers(what, vec![Op::Send(call(1, ops)), Op::CurrentBalance]);
        let (code, log) = sent(&answers, 0);
        assert_eq!((code, log.len()), (exit_code, says), "{what}");
        assert_eq!(answers.last().unwrap(), &Ok(ACTOR_BALANCE.to_le_bytes().to_vec()), "{what}");
    }
    let method = SendOp { method: 77, ..transfer(&Address::new_id(1), 0) };
    assert_eq!(sent(&answers("a method of nobody", vec![Op::Send(method)]), 0).0, 22);
}
