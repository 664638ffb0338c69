//! Calls between actors.

use fvm_shared::address::Address;
use tributary_primitives::EthAddress;
use tributary_script::{Bytes, CidArg, EventHeader, Op, Params, SendOp};

use crate::case::{Case, DAG_CBOR, RAW, call, transfer};
use crate::world::{ALICE, BALANCE, BOB, COUNTER, ERIN, FIRST, SECOND, THIRD, Who, dave_address, erin_address};

/// The flag of a read-only send.
const READ_ONLY: u64 = 1;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = values();
    cases.extend(limits());
    cases.extend(outcomes());
    cases.extend(read_only());
    cases.into_iter().map(|(name, ops)| Case::ops(format!("send/{name}"), ops)).collect()
}

type Rows = Vec<(String, Vec<Op>)>;

fn rows<const N: usize>(rows: [(&str, Vec<Op>); N]) -> Rows {
    rows.into_iter().map(|(name, ops)| (name.to_owned(), ops)).collect()
}

fn pay(to: Address, value: u64) -> Op {
    Op::Send(transfer(to, value))
}

fn event() -> Op {
    let headers = vec![EventHeader { flags: 3, codec: RAW, key_len: 1, value_len: 1 }];
    Op::Emit { headers, keys: b"k".into(), values: b"v".into() }
}

fn values() -> Rows {
    let id = Address::new_id;
    let unknown_f4 = || EthAddress([0xaa; 20]).to_address();
    let mut rows = rows([
        ("value to an account", vec![pay(id(BOB), 5), pay(id(BOB), 6), Op::CurrentBalance]),
        ("value to the origin", vec![pay(id(ALICE), 5)]),
        ("value to an f1", vec![pay(Who::Bob.address(), 5)]),
        ("value to an f3", vec![pay(dave_address(), 5)]),
        ("value to an f410", vec![pay(erin_address(), 5)]),
        ("value to an actor", vec![pay(id(SECOND), 5), Op::BalanceOf(SECOND)]),
        ("value to itself", vec![pay(id(FIRST), 5), Op::CurrentBalance]),
        ("value to itself, more than it has", vec![pay(id(FIRST), BALANCE + 1)]),
        ("value it does not have", vec![pay(id(BOB), BALANCE + 1), Op::CurrentBalance]),
        ("value of more than 2^64", vec![Op::Send(SendOp { value: (1, 0), ..transfer(id(BOB), 0) })]),
        ("value to nobody", vec![pay(id(9_999), 5), pay(id(9_999), 0)]),
        ("value it does not have to nobody", vec![pay(id(9_999), BALANCE + 1)]),
        ("value to an unknown f2", vec![pay(Address::new_actor(b"nobody"), 5)]),
        ("value to an unknown f410", vec![pay(unknown_f4(), 5), pay(unknown_f4(), 5)]),
        ("nothing to an unknown f410", vec![pay(unknown_f4(), 0)]),
        ("value it does not have to an unknown f410", vec![pay(unknown_f4(), BALANCE + 1), pay(unknown_f4(), 1)]),
        ("value to an unknown f1", vec![pay(Who::Nobody.address(), 5)]),
        ("value to the zero f3", vec![pay(zero_f3(), 5)]),
        ("value to the system actor", vec![pay(id(0), 5)]),
        ("value to burnt funds", vec![pay(id(99), 5)]),
        ("nothing to an account", vec![pay(id(BOB), 0)]),
        ("method of nobody", vec![Op::Send(SendOp { method: 7, ..transfer(id(9_999), 0) })]),
        ("method of a placeholder", vec![Op::Send(SendOp { method: 7, ..transfer(id(ERIN), 0) })]),
        ("to what is no address", vec![Op::Send(SendOp { to: Bytes(vec![9]), ..transfer(id(BOB), 0) })]),
        ("to no address", vec![Op::Send(SendOp { to: Bytes(vec![]), ..transfer(id(BOB), 0) })]),
        ("flags that are none", vec![Op::Send(SendOp { flags: 2, ..transfer(id(BOB), 0) })]),
        ("parameters that are none", vec![Op::Send(SendOp { params: Params::Block(9), ..transfer(id(BOB), 0) })]),
        ("method 0 with parameters", vec![Op::Send(SendOp { params: Params::Block(1), ..transfer(id(SECOND), 5) })]),
        ("balance first, value then", vec![Op::BalanceOf(BOB), pay(id(BOB), 5)]),
        ("value, then an abort", vec![pay(id(BOB), 5), Op::ExitWithLog(20)]),
        ("value to an account by two names", vec![pay(id(BOB), 5), pay(Who::Bob.address(), 5)]),
    ]);
    let two = [pay(id(BOB), 5), pay(id(THIRD), 5)];
    rows.push(("value on from a callee".to_owned(), vec![Op::Send(SendOp { value: (0, 9), ..call(SECOND, two) })]));
    rows
}

fn limits() -> Rows {
    let limited = |gas_limit, ops: Vec<Op>| Op::Send(SendOp { gas_limit, ..call(SECOND, ops) });
    let mut all = rows([
        ("gas limit 0", vec![limited(0, vec![Op::Write(7)]), Op::Available]),
        (
            "gas limit 0 for value",
            vec![Op::Send(SendOp { gas_limit: 0, ..transfer(Address::new_id(BOB), 5) }), Op::CurrentBalance],
        ),
        ("gas limit of all bits less one", vec![limited(u64::MAX - 1, vec![Op::Write(7)])]),
        ("gas limit above what there is", vec![limited(u64::MAX / 2, vec![Op::Write(7)])]),
        (
            "gas limit in an outer limit",
            vec![limited(
                80_000_000,
                vec![Op::Send(SendOp { gas_limit: 40_000_000, ..call(THIRD, [Op::Spin(u64::MAX)]) }), Op::Available],
            )],
        ),
        (
            "an outer limit below the inner",
            vec![
                limited(
                    40_000_000,
                    vec![Op::Send(SendOp { gas_limit: 80_000_000, ..call(THIRD, [Op::Spin(u64::MAX)]) })],
                ),
                Op::Available,
            ],
        ),
        (
            "endless loop in a limit",
            vec![limited(50_000_000, vec![Op::Write(7), Op::Spin(u64::MAX)]), Op::BalanceOf(SECOND), Op::Available],
        ),
        (
            "a charge past the limit",
            vec![limited(50_000_000, vec![Op::Charge { name: b"x".into(), amount: 60_000_000 }]), Op::Available],
        ),
        ("available under a limit", vec![limited(50_000_000, vec![Op::Available]), Op::Available]),
    ]);
    for limit in (0..16).map(|step| step * 1_000_000) {
        all.push((format!("gas limit {limit}"), vec![limited(limit, vec![Op::Write(7)]), Op::Available]));
    }
    all
}

fn outcomes() -> Rows {
    let id = Address::new_id;
    let second = |ops: Vec<Op>| Op::Send(call(SECOND, ops));
    let exit = |code, block| Op::Exit { code, block, message: b"why".into() };
    let mut all = rows([
        ("an answer", vec![second(vec![Op::MessageContext])]),
        (
            "context behind a call",
            vec![Op::Send(SendOp { value: (0, 3), ..call(SECOND, [Op::MessageContext, Op::CurrentBalance]) })],
        ),
        ("no parameters", vec![Op::Send(SendOp { method: 3, read: true, ..transfer(id(SECOND), 0) })]),
        ("an answer of a block that is none", vec![second(vec![Op::Return(77)])]),
        ("an answer of nothing", vec![second(vec![Op::Return(0)])]),
        ("an answer of its parameters", vec![second(vec![Op::Return(1)])]),
        (
            "an answer with links",
            vec![
                second(vec![
                    Op::ReadState,
                    Op::Create { codec: DAG_CBOR, data: root_of_seven() },
                    Op::Write(7),
                    Op::Create { codec: DAG_CBOR, data: root_of_seven() },
                    Op::Return(4),
                ]),
                Op::Open(CidArg::Given(seven())),
            ],
        ),
        (
            "an abort with links",
            vec![
                second(abort_with_links()),
                Op::Open(CidArg::Given(seven())),
                Op::Read { block: 4, offset: 0, len: 2 },
            ],
        ),
        (
            "an abort with links, kept as the state",
            vec![second(abort_with_links()), Op::SetRoot(CidArg::Given(seven())), Op::ReadState],
        ),
        (
            "an abort with links, all of it undone",
            vec![second(abort_with_links()), Op::SetRoot(CidArg::Given(seven())), Op::ExitWithLog(20)],
        ),
        (
            "an abort with links below an abort",
            vec![
                second(vec![
                    Op::Send(call(THIRD, abort_with_links())),
                    Op::Create { codec: DAG_CBOR, data: root_of_seven() },
                    Op::Exit { code: 21, block: 4, message: b"why".into() },
                ]),
                Op::SetRoot(CidArg::Given(seven())),
                Op::ReadState,
            ],
        ),
        ("an abort with data", vec![second(vec![Op::Write(7), Op::ExitWithLog(33)]), Op::ReadState]),
        ("an abort with its parameters", vec![second(vec![exit(40, 1)])]),
        ("an abort without data", vec![second(vec![exit(40, 0)])]),
        ("an exit of 0", vec![second(vec![Op::Write(7), exit(0, 1)])]),
        ("a trap", vec![second(vec![Op::Write(7), event(), Op::Unreachable]), Op::Stat(2)]),
        ("a panic", vec![second(vec![Op::Panic])]),
        (
            "parameters that are no script",
            vec![
                Op::Create { codec: RAW, data: b"\xff".into() },
                Op::Send(SendOp { method: 2, params: Params::Block(2), ..transfer(id(SECOND), 0) }),
            ],
        ),
        (
            "the counter",
            vec![
                Op::Send(SendOp { method: 2_922_929_132, read: true, ..transfer(id(COUNTER), 0) }),
                Op::Send(SendOp { method: 355_179_992, read: true, ..transfer(id(COUNTER), 0) }),
            ],
        ),
        (
            "the counter, a method it lacks",
            vec![Op::Send(SendOp { method: 3, read: true, ..transfer(id(COUNTER), 0) })],
        ),
        ("itself", vec![Op::Write(1), Op::Send(call(FIRST, [Op::ReadState, Op::Write(2)])), Op::ReadState]),
        (
            "itself, aborting",
            vec![Op::Write(1), Op::Send(call(FIRST, [Op::Write(2), Op::ExitWithLog(20)])), Op::ReadState],
        ),
        ("a callee that calls back", vec![second(vec![Op::Send(call(FIRST, [Op::Write(2)]))]), Op::ReadState]),
        (
            "a callee that deletes itself",
            vec![second(vec![Op::SelfDestruct(true)]), Op::BalanceOf(SECOND), second(vec![Op::MessageContext])],
        ),
        (
            "a callee that deletes its caller",
            vec![
                second(vec![Op::Send(call(FIRST, [Op::SelfDestruct(true)]))]),
                Op::CurrentBalance,
                Op::ReadState,
                Op::Write(1),
            ],
        ),
        (
            "what deleted itself sends",
            vec![Op::SelfDestruct(true), pay(id(BOB), 0), pay(id(BOB), 1), second(vec![Op::MessageContext])],
        ),
        (
            "events of three, one aborting",
            vec![
                event(),
                second(vec![event(), Op::Send(call(THIRD, [event(), Op::ExitWithLog(20)])), event()]),
                event(),
            ],
        ),
        (
            "an abort undoes what it called",
            vec![
                second(vec![Op::Send(call(THIRD, [Op::Write(7)])), Op::ExitWithLog(20)]),
                Op::Send(call(THIRD, [Op::ReadState])),
            ],
        ),
        (
            "an abort undoes an account",
            vec![
                second(vec![pay(EthAddress([0xaa; 20]).to_address(), 5), Op::ExitWithLog(20)]),
                pay(EthAddress([0xab; 20]).to_address(), 5),
            ],
        ),
        (
            "first looks are undone with a call",
            vec![second(vec![Op::BalanceOf(BOB), Op::ExitWithLog(20)]), Op::BalanceOf(BOB)],
        ),
        ("first looks are kept with a call", vec![second(vec![Op::BalanceOf(BOB)]), Op::BalanceOf(BOB)]),
        ("blocks of another", vec![second(vec![Op::Write(7)]), Op::Open(CidArg::Given(seven()))]),
        ("calls without end", vec![Op::Send(SendOp { method: 2, params: Params::Block(1), ..call(FIRST, []) })]),
        ("two that call each other without end", vec![second(vec![Op::CallBack])]),
    ]);
    for code in (0..16).chain([16, 17, 33, 1_000, u32::MAX]) {
        all.push((
            format!("exit code {code}"),
            vec![Op::Send(call(SECOND, [Op::Write(7), exit(code, 0)])), Op::ReadState],
        ));
    }
    all
}

/// The CID of the state `[7]`.
fn seven() -> Bytes {
    tributary_primitives::cbor_cid(&[0x81, 7]).to_bytes().into()
}

/// Writes the state `[7]`, of which nothing stays but the block, and aborts with a block that links to it.
fn abort_with_links() -> Vec<Op> {
    let linking = Op::Create { codec: DAG_CBOR, data: root_of_seven() };
    vec![Op::Write(7), linking, Op::Exit { code: 20, block: 3, message: b"why".into() }]
}

/// A block that links to the state `[7]`.
fn root_of_seven() -> Bytes {
    fvm_ipld_encoding::to_vec(&(tributary_primitives::cbor_cid(&[0x81, 7]),)).expect("a CID encodes").into()
}

fn read_only() -> Rows {
    let id = Address::new_id;
    let ask = |ops: Vec<Op>| Op::Send(SendOp { flags: READ_ONLY, ..call(SECOND, ops) });
    let create = Op::CreateActor { id: 5_000, code: CidArg::Given(seven()), address: Bytes(vec![]) };
    rows([
        ("read-only: reads", vec![ask(vec![Op::ReadState, Op::CurrentBalance, Op::MessageContext])]),
        ("read-only: writes", vec![ask(vec![Op::Write(7)]), Op::Send(call(SECOND, [Op::ReadState]))]),
        ("read-only: emits", vec![ask(vec![event()])]),
        ("read-only: deletes itself", vec![ask(vec![Op::SelfDestruct(true)])]),
        ("read-only: creates", vec![ask(vec![create])]),
        ("read-only: pays", vec![ask(vec![pay(id(BOB), 5), pay(id(BOB), 0)])]),
        ("read-only: pays an unknown f410", vec![ask(vec![pay(EthAddress([0xaa; 20]).to_address(), 0)])]),
        ("read-only: pays an unknown f1", vec![ask(vec![pay(Who::Nobody.address(), 0)])]),
        ("read-only: pays an unknown f2", vec![ask(vec![pay(Address::new_actor(b"nobody"), 0)])]),
        ("read-only: pays the zero f3", vec![ask(vec![pay(zero_f3(), 0)])]),
        ("read-only: calls on", vec![ask(vec![Op::Send(call(THIRD, [Op::MessageContext, Op::Write(7)]))])]),
        ("read-only with value", vec![Op::Send(SendOp { flags: READ_ONLY, ..transfer(id(BOB), 5) })]),
        (
            "read-only to itself",
            vec![Op::Send(SendOp { flags: READ_ONLY, ..call(FIRST, [Op::Write(7)]) }), Op::Write(8)],
        ),
        ("read-only, then not", vec![ask(vec![Op::Write(7)]), Op::Send(call(SECOND, [Op::Write(7)]))]),
    ])
}

/// The f3 address of the point at infinity.
fn zero_f3() -> Address {
    let mut key = [0; 48];
    key[0] = 0xc0;
    Address::new_bls(&key).expect("48 bytes")
}
