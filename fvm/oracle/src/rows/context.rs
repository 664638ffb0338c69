//! Actors, events, gas, network, randomness, debug.

use fvm_shared::EMPTY_ARR_CID;
use fvm_shared::address::Address;
use tributary_primitives::EthAddress;
use tributary_primitives::actors::BuiltinActor;
use tributary_script::{BadPlace, Bytes, CidArg, EventHeader, Op};

use crate::case::{Asked, CBOR, Case, DAG_CBOR, RAW};
use crate::world::{ALICE, BOB, ERIN, FIRST, HEIGHT, SECOND, Who, dave_address, erin_address};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = actors();
    cases.extend(events());
    cases.extend(network());
    cases.extend(gas_and_debug());
    cases
}

fn actors() -> Vec<Case> {
    let resolve = |address: Address| Op::Resolve(address.to_bytes().into());
    let delegated = |actor| Op::DelegatedAddress { actor, out_len: 100 };
    let code = |actor| Op::CodeCid { actor, out_len: 100 };
    let code_of_types = |types: &[i32]| -> Vec<Op> {
        types.iter().map(|actor_type| Op::CodeForType { actor_type: *actor_type, out_len: 100 }).collect()
    };
    let create = |id, code: CidArg| Op::CreateActor { id, code, address: Bytes(vec![]) };
    let empty = || CidArg::Given(EMPTY_ARR_CID.to_bytes().into());
    [
        ("resolve an id", vec![resolve(Address::new_id(BOB)), resolve(Address::new_id(9_999))]),
        ("resolve an f1", vec![resolve(Who::Bob.address()), resolve(Who::Nobody.address())]),
        ("resolve an f2", vec![resolve(Address::new_actor(b"nobody"))]),
        ("resolve an f3", vec![resolve(dave_address())]),
        ("resolve an f410", vec![resolve(erin_address()), resolve(EthAddress([1; 20]).to_address())]),
        ("resolve a masked id", vec![resolve(EthAddress::from_actor_id(BOB).to_address())]),
        (
            "resolve what is no address",
            vec![Op::Resolve(Bytes(vec![])), Op::Resolve(Bytes(vec![1, 2])), Op::Resolve(Bytes(vec![9; 30]))],
        ),
        (
            "resolve a long id",
            vec![Op::Resolve(Bytes(vec![0, 0x80, 0x00])), Op::Resolve(Bytes([&[0][..], &[0xff; 10]].concat()))],
        ),
        ("f4 of a placeholder", vec![delegated(ERIN), delegated(ERIN)]),
        ("f4 of an account", vec![delegated(BOB)]),
        ("f4 of nobody", vec![delegated(9_999), delegated(u64::MAX)]),
        ("f4 into a small buffer", vec![Op::DelegatedAddress { actor: ERIN, out_len: 10 }]),
        (
            "code of actors",
            vec![code(FIRST), code(SECOND), code(BOB), code(ALICE), code(ERIN), code(0), code(1), code(99)],
        ),
        ("code of nobody", vec![code(9_999), code(9_999)]),
        ("code into a small buffer", vec![Op::CodeCid { actor: BOB, out_len: 5 }]),
        ("type of an account's code", vec![code(BOB), Op::BuiltinType(CidArg::Latest)]),
        ("type of a placeholder's code", vec![code(ERIN), Op::BuiltinType(CidArg::Latest)]),
        ("type of installed code", vec![code(FIRST), Op::BuiltinType(CidArg::Latest)]),
        ("type of what is no code", vec![Op::BuiltinType(empty()), Op::BuiltinType(CidArg::Given(Bytes(vec![9])))]),
        ("code of types", code_of_types(&[-1, 0, 1, 2, 3, 4, 9, 10, 13, 14, 15, 16, 17])),
        ("code of types that Filecoin alone has", code_of_types(&[5, 6, 7, 8, 11, 12])),
        (
            "code of far types",
            vec![
                Op::CodeForType { actor_type: i32::MIN, out_len: 100 },
                Op::CodeForType { actor_type: i32::MAX, out_len: 100 },
            ],
        ),
        ("code of a type into a small buffer", vec![Op::CodeForType { actor_type: 4, out_len: 5 }]),
        ("the next address", vec![Op::NextAddress { out_len: 21 }, Op::NextAddress { out_len: 100 }]),
        ("the next address into a small buffer", vec![Op::NextAddress { out_len: 20 }]),
        ("create an actor outside init", vec![create(5_000, empty())]),
        ("create an actor of what is no code", vec![create(5_000, CidArg::Given(Bytes(vec![9])))]),
        (
            "create an actor with an address that is none",
            vec![Op::CreateActor { id: 5_000, code: empty(), address: Bytes(vec![9]) }],
        ),
        (
            "create an actor with an address",
            vec![Op::CreateActor { id: 5_000, code: empty(), address: erin_address().to_bytes().into() }],
        ),
        (
            "create a placeholder",
            vec![create(5_000, CidArg::Given(BuiltinActor::Placeholder.code().to_bytes().into()))],
        ),
        (
            "balances",
            vec![
                Op::BalanceOf(BOB),
                Op::BalanceOf(BOB),
                Op::BalanceOf(99),
                Op::BalanceOf(ALICE),
                Op::BalanceOf(SECOND),
            ],
        ),
        ("balance of nobody", vec![Op::BalanceOf(9_999), Op::BalanceOf(u64::MAX)]),
        ("balance first, code then", vec![Op::BalanceOf(SECOND), code(SECOND), delegated(SECOND)]),
    ]
    .into_iter()
    .map(|(name, ops)| Case::ops(format!("actor/{name}"), ops))
    .collect()
}

fn header(flags: u64, codec: u64, key_len: u32, value_len: u32) -> EventHeader {
    EventHeader { flags, codec, key_len, value_len }
}

fn events() -> Vec<Case> {
    let good = header(3, RAW, 1, 2);
    let emit = |headers: &[EventHeader], keys: &[u8], values: &[u8]| Op::Emit {
        headers: headers.to_vec(),
        keys: keys.into(),
        values: values.into(),
    };
    let many = |count: usize| emit(&vec![header(0, RAW, 0, 0); count], b"", b"");
    let fine = || emit(&[header(3, RAW, 1, 2)], b"k", &[1, 2]);
    [
        ("one entry", vec![fine()]),
        (
            "entries of every flag",
            vec![emit(&[0, 1, 2, 3].map(|flags| header(flags, CBOR, 1, 1)), b"abcd", &[1, 2, 3, 4])],
        ),
        ("no entries", vec![emit(&[], b"", b"")]),
        ("empty key and value", vec![many(1)]),
        ("the same key twice", vec![emit(&[header(0, RAW, 1, 0), header(0, RAW, 1, 0)], b"aa", b"")]),
        ("255 entries", vec![many(255)]),
        ("256 entries", vec![many(256)]),
        ("a key of 31 bytes", vec![emit(&[header(0, RAW, 31, 0)], &[b'k'; 31], b"")]),
        ("a key of 32 bytes", vec![emit(&[header(0, RAW, 32, 0)], &[b'k'; 32], b"")]),
        ("a key that is no text", vec![emit(&[header(0, RAW, 1, 0)], &[0xff], b"")]),
        (
            "a key cut inside a character",
            vec![emit(&[header(0, RAW, 1, 0), header(0, RAW, 1, 0)], "é".as_bytes(), b"")],
        ),
        ("8 KiB of values", vec![emit(&[header(0, RAW, 0, 8_192)], b"", &[7; 8_192])]),
        ("more than 8 KiB of values", vec![emit(&[header(0, RAW, 0, 8_193)], b"", &[7; 8_193])]),
        ("a value said to be 4 GiB", vec![emit(&[header(0, RAW, 0, u32::MAX)], b"", b"")]),
        ("a key said to be 4 GiB", vec![emit(&[header(0, RAW, u32::MAX, 0)], b"", b"")]),
        ("DAG-CBOR, which is not allowed", vec![emit(&[header(3, DAG_CBOR, 1, 2)], b"k", &[1, 2])]),
        ("a codec that is none", vec![emit(&[header(3, 9, 1, 2)], b"k", &[1, 2])]),
        ("flags that are none", vec![emit(&[header(4, RAW, 1, 2)], b"k", &[1, 2])]),
        ("keys too short", vec![emit(std::slice::from_ref(&good), b"", &[1, 2])]),
        ("keys too long", vec![emit(std::slice::from_ref(&good), b"kk", &[1, 2])]),
        ("values too short", vec![emit(std::slice::from_ref(&good), b"k", &[1])]),
        ("values too long", vec![emit(&[good], b"k", &[1, 2, 3])]),
        ("CBOR that is none", vec![emit(&[header(0, CBOR, 0, 1)], b"", &[0xff])]),
        ("three events", vec![fine(), many(2), fine()]),
        ("an event, then a trap", vec![fine(), Op::Unreachable]),
        ("an event, then an abort", vec![fine(), Op::ExitWithLog(20)]),
    ]
    .into_iter()
    .map(|(name, ops)| Case::ops(format!("event/{name}"), ops))
    .collect()
}

fn network() -> Vec<Case> {
    let now = i64::try_from(HEIGHT).expect("a small number");
    let tipset = |epoch| Op::TipsetCid { epoch, out_len: 100 };
    let cases: Vec<(&str, Vec<Op>)> = vec![
        ("network/context", vec![Op::NetworkContext]),
        ("network/circulating supply", vec![Op::CirculatingSupply]),
        ("network/block before this", vec![tipset(now - 1)]),
        ("network/block of now", vec![tipset(now)]),
        ("network/block to come", vec![tipset(now + 1), tipset(i64::MAX)]),
        ("network/block before time", vec![tipset(-1), tipset(i64::MIN)]),
        ("network/block into a small buffer", vec![Op::TipsetCid { epoch: now - 1, out_len: 5 }]),
        ("network/block that is no longer known", vec![tipset(0)]),
        ("rand/of now", vec![Op::ChainRandomness(now), Op::BeaconRandomness(now)]),
        ("rand/of the past", vec![Op::ChainRandomness(now - 10), Op::BeaconRandomness(0)]),
        ("rand/of the future", vec![Op::ChainRandomness(now + 1), Op::BeaconRandomness(now + 1)]),
        ("rand/of before time", vec![Op::ChainRandomness(-1), Op::BeaconRandomness(-1)]),
        ("rand/of the first number there is", vec![Op::ChainRandomness(i64::MIN)]),
        ("rand/of the last number there is", vec![Op::ChainRandomness(i64::MAX)]),
        ("vm/context", vec![Op::MessageContext]),
    ];
    let mut cases: Vec<_> = cases.into_iter().map(|(name, ops)| Case::ops(name, ops)).collect();
    let with_value = Asked { value: 77, ..Asked::script(FIRST, [Op::MessageContext, Op::CurrentBalance]) };
    cases.push(Case::one("vm/context with value", with_value));
    cases.push(Case::one("vm/context of a second message", Asked::script(FIRST, [Op::MessageContext])));
    cases
}

fn gas_and_debug() -> Vec<Case> {
    let charge = |amount| Op::Charge { name: b"work".into(), amount };
    let cases: Vec<(&str, Vec<Op>)> = vec![
        ("gas/available", vec![Op::Available, Op::Available]),
        ("gas/charge", vec![Op::Available, charge(0), charge(1), charge(1_000_000), Op::Available]),
        ("gas/charge more than there is", vec![charge(u64::MAX)]),
        ("gas/charge under a name that is no text", vec![Op::Charge { name: Bytes(vec![0xff]), amount: 1 }]),
        ("gas/charge under no name", vec![Op::Charge { name: Bytes(vec![]), amount: 1 }]),
        ("debug/enabled", vec![Op::DebugEnabled]),
        ("debug/log", vec![Op::Log(b"hello".into()), Op::Log(Bytes(vec![])), Op::Log(Bytes(vec![0xff]))]),
        ("debug/artifact", vec![Op::StoreArtifact { name: b"a".into(), data: b"b".into() }]),
        ("debug/artifact with a bad name", vec![Op::StoreArtifact { name: b"a/b".into(), data: b"b".into() }]),
        (
            "memory/result without a place",
            [BadPlace::Stat, BadPlace::Gas, BadPlace::Root, BadPlace::Context].map(Op::BadPlace).into(),
        ),
        ("memory/send without a place for its result", vec![Op::BadPlace(BadPlace::Send), Op::CurrentBalance]),
    ];
    cases.into_iter().map(|(name, ops)| Case::ops(name, ops)).collect()
}
