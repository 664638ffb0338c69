//! `self`.

use fvm_shared::EMPTY_ARR_CID;
use fvm_shared::error::{ErrorNumber as No, ExitCode};
use tributary_fvm::ReadState as _;
use tributary_primitives::cbor_cid;
use tributary_script::{CidArg, Op, SendOp};
use tributary_trials::world::{ACTOR_BALANCE, Who, World, fvm, script};

use crate::actor::{BLAKE2B_256, DAG_CBOR, MADE, NONCE, NOWHERE, ROOT, answers, call, id, last, refused, sent};

#[test]
fn an_actor_has_a_root_and_a_balance() {
    for (what, ops, answer) in [
        ("the first root", vec![ROOT], EMPTY_ARR_CID.to_bytes()),
        ("a new root", vec![Op::Write(7), ROOT], cbor_cid(&[0x81, 7]).to_bytes()),
        ("set root", vec![Op::Write(7)], vec![]),
        ("the same root", vec![ROOT, Op::SetRoot(CidArg::Latest)], vec![]),
        ("balance", vec![Op::CurrentBalance], ACTOR_BALANCE.to_le_bytes().to_vec()),
        ("balance of who is gone", vec![Op::SelfDestruct(true), Op::CurrentBalance], vec![0; 16]),
    ] {
        assert_eq!(last(what, ops), Ok(answer), "{what}");
    }
}

#[test]
fn what_is_asked_wrong_has_its_error_number() {
    let stranger = CidArg::Given(cbor_cid(b"stranger").to_bytes().into());
    let link = Op::Link { block: MADE, hash: BLAKE2B_256, hash_len: 32, out_len: 100 };
    let made = || vec![Op::Create { codec: DAG_CBOR, data: [7].into() }, link.clone()];
    for (what, ops, number) in [
        ("root into too little", vec![Op::Root { out_len: 3 }], No::BufferTooSmall),
        ("set what is not reachable", vec![Op::SetRoot(stranger)], No::NotFound),
        ("set what is no CID", vec![Op::SetRoot(CidArg::Given([0xff; 40].into()))], No::IllegalArgument),
        ("set from nowhere", vec![Op::SetRoot(CidArg::At(NOWHERE))], No::IllegalArgument),
        ("delete with funds", vec![Op::SelfDestruct(false)], No::IllegalOperation),
        ("root of who is gone", vec![Op::SelfDestruct(true), ROOT], No::IllegalOperation),
        (
            "set root of who is gone",
            [made(), vec![Op::SelfDestruct(true), Op::SetRoot(CidArg::Latest)]].concat(),
            No::IllegalOperation,
        ),
    ] {
        assert_eq!(last(what, ops), refused(number), "{what}");
    }
    for (what, op) in [("set root", Op::SetRoot(CidArg::Latest)), ("delete", Op::SelfDestruct(true))] {
        let ops = [made(), vec![op]].concat();
        let read_only = answers(what, vec![Op::Send(SendOp { flags: 1, ..call(1, ops) })]);
        assert_eq!(sent(&read_only, 0).1.pop().unwrap(), refused(No::ReadOnly), "{what}");
    }
}

#[test]
fn who_deletes_itself_burns_what_it_had_and_receives_no_more() {
    let mut world = World::new();
    let burnt = world.tree().burnt().unwrap();
    let receipt = world.one(fvm(Who::Carol, script(NONCE, id(0), vec![Op::SelfDestruct(true)])));
    assert_eq!(receipt.exit_code, ExitCode::OK);
    assert_eq!(world.tree().actor(id(0)).unwrap(), None);
    let fees = u128::from(receipt.fvm_gas_used) * 2;
    let more = world.tree().burnt().unwrap() - burnt;
    assert_eq!(u128::try_from(more.atto()).unwrap(), ACTOR_BALANCE + fees);
    let receipt = world.one(fvm(Who::Carol, script(NONCE + 1, id(0), vec![ROOT])));
    assert_eq!(receipt.exit_code, ExitCode::SYS_INVALID_RECEIVER);
}
