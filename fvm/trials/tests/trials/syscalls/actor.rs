//! `actor`.

use fvm_shared::address::Address;
use fvm_shared::error::ErrorNumber as No;
use tributary_fvm::ReadState as _;
use tributary_genesis_code::SCRIPT_ENTRIES_ACTOR;
use tributary_primitives::actors::{BuiltinActor, EAM_ID, INIT_ID};
use tributary_primitives::raw_cid;
use tributary_script::{CidArg, Op};
use tributary_trials::world::{RICH, Who, World};

use crate::actor::{NOWHERE, id, last, refused};

const NOBODY: u64 = 9_999;

fn id_of(who: Who) -> u64 {
    World::new().tree().resolve(&who.address()).unwrap().unwrap()
}

#[test]
fn actors_are_found_and_described() {
    let (alice, bob) = (Who::Alice.address(), id_of(Who::Bob));
    let code = raw_cid(SCRIPT_ENTRIES_ACTOR).to_bytes();
    let account = BuiltinActor::Account.code().to_bytes();
    let resolve = |address: &Address| vec![Op::Resolve(address.to_bytes().into())];
    for (what, ops, answer) in [
        ("resolve an f410", resolve(&alice), id_of(Who::Alice).to_le_bytes().to_vec()),
        ("resolve an f1", resolve(&Who::Dave.address()), id_of(Who::Dave).to_le_bytes().to_vec()),
        ("resolve an id", resolve(&Address::new_id(id(1))), id(1).to_le_bytes().to_vec()),
        (
            "f4 of an Ethereum account",
            vec![Op::DelegatedAddress { actor: id_of(Who::Alice), out_len: 100 }],
            alice.to_bytes(),
        ),
        ("f4 of who has none", vec![Op::DelegatedAddress { actor: id(1), out_len: 100 }], vec![]),
        ("code of an actor", vec![Op::CodeCid { actor: id(1), out_len: 100 }], code.clone()),
        ("code of an account", vec![Op::CodeCid { actor: id_of(Who::Dave), out_len: 100 }], account.clone()),
        ("type of a code", vec![Op::BuiltinType(CidArg::Given(account.clone().into()))], 4i32.to_le_bytes().to_vec()),
        ("no type", vec![Op::BuiltinType(CidArg::Given(code.into()))], vec![0; 4]),
        ("code of a type", vec![Op::CodeForType { actor_type: 4, out_len: 100 }], account),
        ("balance", vec![Op::BalanceOf(bob)], RICH.to_le_bytes().to_vec()),
    ] {
        assert_eq!(last(what, ops), Ok(answer), "{what}");
    }
}

#[test]
fn what_is_asked_wrong_has_its_error_number() {
    let address = |bytes: &[u8]| vec![Op::Resolve(bytes.into())];
    let code = || CidArg::Given(raw_cid(SCRIPT_ENTRIES_ACTOR).to_bytes().into());
    let unknown = Address::new_actor(b"unknown").to_bytes();
    for (what, ops, number) in [
        ("resolve nobody", address(&unknown), No::NotFound),
        ("resolve nothing", address(&[]), No::IllegalArgument),
        ("resolve what is no address", address(&[9, 9]), No::IllegalArgument),
        ("f4 of nobody", vec![Op::DelegatedAddress { actor: NOBODY, out_len: 100 }], No::NotFound),
        ("f4 into too little", vec![Op::DelegatedAddress { actor: id_of(Who::Bob), out_len: 9 }], No::BufferTooSmall),
        ("code of nobody", vec![Op::CodeCid { actor: NOBODY, out_len: 100 }], No::NotFound),
        ("code into too little", vec![Op::CodeCid { actor: id(1), out_len: 9 }], No::BufferTooSmall),
        ("type of what is no CID", vec![Op::BuiltinType(CidArg::At(NOWHERE))], No::IllegalArgument),
        ("code of no type", vec![Op::CodeForType { actor_type: 99, out_len: 100 }], No::IllegalArgument),
        ("code of type 0", vec![Op::CodeForType { actor_type: 0, out_len: 100 }], No::IllegalArgument),
        ("balance of nobody", vec![Op::BalanceOf(NOBODY)], No::NotFound),
        ("create, but for init", vec![Op::CreateActor { id: NOBODY, code: code(), address: [].into() }], No::Forbidden),
        (
            "create over another, but for init",
            vec![Op::CreateActor { id: INIT_ID, code: code(), address: Address::new_id(EAM_ID).to_bytes().into() }],
            No::Forbidden,
        ),
    ] {
        assert_eq!(last(what, ops), refused(number), "{what}");
    }
}
