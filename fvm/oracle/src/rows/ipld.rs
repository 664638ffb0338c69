//! Blocks and state roots.

use cid::Cid;
use cid::multihash::Multihash;
use fvm_ipld_encoding::to_vec;
use fvm_shared::EMPTY_ARR_CID;
use tributary_script::{Bytes, CidArg, Op};

use crate::case::{Asked, BLAKE2B_256, CBOR, Case, DAG_CBOR, RAW};
use crate::world::{COUNTER, FIRST, LOST};

/// Bytes of a block, at most.
const BLOCK_BYTES_MAX: u32 = 1 << 20;
/// An address that no memory of the test actor reaches.
const NOWHERE: u32 = 0xffff_fff0;

fn given(cid: &Cid) -> CidArg {
    CidArg::Given(cid.to_bytes().into())
}

fn create(codec: u64, data: impl AsRef<[u8]>) -> Op {
    Op::Create { codec, data: data.into() }
}

fn link(block: u32) -> Op {
    Op::Link { block, hash: BLAKE2B_256, hash_len: 32, out_len: 100 }
}

fn read(block: u32, offset: u32, len: u32) -> Op {
    Op::Read { block, offset, len }
}

/// The first block that a script makes: block 1 is its parameters.
const MADE: u32 = 2;
const ROOT: Op = Op::Root { out_len: 100 };

pub(super) fn cases() -> Vec<Case> {
    let mut cases = blocks();
    cases.extend(roots());
    cases.extend(odd_cbor());
    cases.into_iter().map(|case| Case { name: format!("ipld/{}", case.name), ..case }).collect()
}

fn blocks() -> Vec<Case> {
    let number = || create(DAG_CBOR, [7]);
    let not_mine = CidArg::Given(EMPTY_ARR_CID.to_bytes().into());
    let linking_elsewhere = to_vec(&(EMPTY_ARR_CID,)).expect("a CID encodes");
    vec![
        Case::ops("open a CID that is not reachable", [Op::Open(not_mine.clone())]),
        Case::ops("open what is no CID", [Op::Open(CidArg::Given(Bytes(vec![0xff; 40])))]),
        Case::ops("open a CID out of memory", [Op::Open(CidArg::At(NOWHERE))]),
        Case::ops("open, read, stat the state", [Op::ReadState, Op::Stat(MADE)]),
        Case::ops("open the state twice", [ROOT, Op::Open(CidArg::Latest), Op::Open(CidArg::Latest), Op::Stat(3)]),
        Case::ops("create in every codec", [create(RAW, b"x"), create(CBOR, [7]), create(DAG_CBOR, [7]), Op::Stat(4)]),
        Case::ops("create in a codec that is none", [create(0x70, [7]), create(0, [7]), create(u64::MAX, [7])]),
        Case::ops("create nothing", [create(RAW, []), create(CBOR, []), create(DAG_CBOR, [])]),
        Case::ops("create from out of memory", [Op::CreateAt { codec: RAW, at: NOWHERE, len: 32 }]),
        Case::ops("create a link that is not reachable", [create(DAG_CBOR, &linking_elsewhere)]),
        Case::ops("create a link in CBOR that is no state", [create(CBOR, &linking_elsewhere)]),
        Case::ops("create the largest raw block", [Op::CreateLarge { codec: RAW, len: BLOCK_BYTES_MAX }]),
        Case::ops("create a raw block too large", [Op::CreateLarge { codec: RAW, len: BLOCK_BYTES_MAX + 1 }]),
        Case::ops(
            "create the largest state",
            [Op::CreateLarge { codec: DAG_CBOR, len: BLOCK_BYTES_MAX - 5 }, link(MADE)],
        ),
        Case::ops("create a state too large", [Op::CreateLarge { codec: DAG_CBOR, len: BLOCK_BYTES_MAX - 4 }]),
        Case::ops("create too large in a codec that is none", [Op::CreateLarge { codec: 9, len: BLOCK_BYTES_MAX + 1 }]),
        Case::ops("read in parts", [create(RAW, b"0123456789"), read(MADE, 0, 4), read(MADE, 4, 4), read(MADE, 8, 4)]),
        Case::ops(
            "read past the end",
            [create(RAW, b"0123456789"), read(MADE, 10, 4), read(MADE, 11, 0), read(MADE, 99, 9)],
        ),
        Case::ops(
            "read at the far end",
            [
                create(RAW, b"01"),
                read(MADE, i32::MAX.unsigned_abs(), 0),
                read(MADE, i32::MAX.unsigned_abs(), 1),
                read(MADE, u32::MAX, 1),
            ],
        ),
        Case::ops("read nothing", [create(RAW, b"01"), read(MADE, 0, 0)]),
        Case::ops("read a handle that is none", [read(0, 0, 4), read(MADE, 0, 4), read(u32::MAX, 0, 4)]),
        Case::ops("read the parameters", [read(1, 0, 8), Op::Stat(1)]),
        Case::ops("stat a handle that is none", [Op::Stat(0), Op::Stat(MADE), Op::Stat(u32::MAX)]),
        Case::ops(
            "link in every codec",
            [number(), link(MADE), create(RAW, b"x"), link(3), create(CBOR, [7]), link(4)],
        ),
        Case::ops("link twice", [number(), link(MADE), link(MADE)]),
        Case::ops(
            "link with another hash",
            [number(), Op::Link { block: MADE, hash: 0x12, hash_len: 32, out_len: 100 }],
        ),
        Case::ops(
            "link with a shorter hash",
            [number(), Op::Link { block: MADE, hash: BLAKE2B_256, hash_len: 20, out_len: 100 }],
        ),
        Case::ops(
            "link into a small buffer",
            [number(), Op::Link { block: MADE, hash: BLAKE2B_256, hash_len: 32, out_len: 37 }],
        ),
        Case::ops("link a handle that is none", [link(0), link(MADE)]),
        Case::ops("link the parameters", [link(1)]),
        Case::ops("link a large block", [Op::CreateLarge { codec: RAW, len: 100_000 }, link(MADE)]),
        Case::ops(
            "make a chain of blocks",
            [number(), link(MADE), Op::Open(CidArg::Latest), Op::SetRoot(CidArg::Latest), Op::ReadState],
        ),
    ]
}

fn roots() -> Vec<Case> {
    let empty = given(&EMPTY_ARR_CID);
    let set_latest = || Op::SetRoot(CidArg::Latest);
    vec![
        Case::ops("write the state", [Op::Write(7)]),
        Case::ops("write the state twice, read it", [Op::Write(7), Op::Write(8), Op::ReadState]),
        Case::ops("root into a small buffer", [Op::Root { out_len: 37 }, Op::Root { out_len: 0 }]),
        Case::ops("set the root it has", [ROOT, set_latest()]),
        Case::ops("set a root that is not reachable", [Op::SetRoot(empty)]),
        Case::ops("set a root that is no CID", [Op::SetRoot(CidArg::Given(Bytes(vec![0xff; 40])))]),
        Case::ops("set a root of bytes", [create(RAW, b"x"), link(MADE), set_latest(), ROOT]),
        Case::ops("set a root, then trap", [Op::Write(7), Op::Unreachable]),
        Case::ops("set a root, then abort", [Op::Write(7), Op::ExitWithLog(20)]),
        Case::ops("balance", [Op::CurrentBalance, Op::BalanceOf(FIRST)]),
        Case::ops("delete itself with funds, unburnt", [Op::SelfDestruct(false), Op::CurrentBalance]),
        Case::ops("delete itself, burning", [Op::SelfDestruct(true), Op::CurrentBalance, ROOT, Op::Write(7)]),
        Case::ops("delete itself twice", [Op::SelfDestruct(true), Op::SelfDestruct(true), Op::SelfDestruct(false)]),
        Case::ops("delete itself, then abort", [Op::SelfDestruct(true), Op::ExitWithLog(20)]),
        Case {
            name: "call what deleted itself".to_owned(),
            messages: vec![Asked::script(FIRST, [Op::SelfDestruct(true)]), Asked::script(FIRST, [Op::CurrentBalance])],
        },
        Case {
            name: "pay what deleted itself".to_owned(),
            messages: vec![
                Asked::script(FIRST, [Op::SelfDestruct(true)]),
                Asked { value: 5, ..Asked::to(fvm_shared::address::Address::new_id(FIRST), 0, vec![]) },
            ],
        },
        Case::one(
            "the counter counts",
            Asked::to(fvm_shared::address::Address::new_id(COUNTER), 2_922_929_132, vec![]),
        ),
        Case::one("the counter answers", Asked::to(fvm_shared::address::Address::new_id(COUNTER), 355_179_992, vec![])),
        Case::one("a state that is lost", Asked::script(LOST, [ROOT, Op::Open(CidArg::Latest)])),
    ]
}

/// Scans for links see every byte of a block: what is odd in it, both must find.
fn odd_cbor() -> Vec<Case> {
    let identity = |bytes: &[u8]| Cid::new_v1(DAG_CBOR, Multihash::wrap(0, bytes).expect("short"));
    let inline = to_vec(&(identity(&to_vec(&(EMPTY_ARR_CID,)).expect("encodes")),)).expect("encodes");
    let inline_leaf = to_vec(&(identity(&[7]),)).expect("encodes");
    let tag_42 = |body: &[u8]| [&[0xd8, 42][..], body].concat();
    let mut deep = vec![0x81; 300];
    deep.push(0);
    let odd: Vec<(&str, Vec<u8>)> = vec![
        ("two values", vec![1, 2]),
        ("a value cut short", vec![0x82, 1]),
        ("bytes cut short", vec![0x45, 1]),
        ("a float", vec![0xfb, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("a half float", vec![0xf9, 0, 0]),
        ("simple values", vec![0x84, 0xf4, 0xf5, 0xf6, 0xf7]),
        ("an unknown simple value", vec![0xe0]),
        ("an array without end", vec![0x9f, 1, 0xff]),
        ("text that is none", vec![0x61, 0xff]),
        ("a number written too long", vec![0x18, 1]),
        ("a map with keys out of order", vec![0xa2, 0x61, b'b', 1, 0x61, b'a', 2]),
        ("a map with a key twice", vec![0xa2, 0x61, b'a', 1, 0x61, b'a', 2]),
        ("a map with a number as key", vec![0xa1, 1, 2]),
        ("another tag", vec![0xc1, 1]),
        ("a link that is a number", tag_42(&[1])),
        ("a link without its zero", tag_42(&[0x41, 1])),
        ("a link of nothing", tag_42(&[0x40])),
        ("a link that is no CID", tag_42(&[0x43, 0, 1, 2])),
        ("a nested tag", vec![0xd8, 42, 0xd8, 42, 0x41, 0]),
        ("deep nesting", deep),
        ("a link to an inline block", inline_leaf),
        ("a link to an inline block with a link", inline),
        ("a long array", [&[0x99, 3, 0xe8][..], &[0; 1000]].concat()),
        ("an array that claims too much", vec![0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    ];
    let mut cases: Vec<_> = odd
        .iter()
        .map(|(what, data)| {
            Case::ops(format!("create state: {what}"), [create(DAG_CBOR, data), link(MADE), Op::Stat(MADE)])
        })
        .collect();
    // A block of links: the reachable one, found and paid for.
    cases.push(Case::ops(
        "state that links to itself as it was",
        [
            ROOT,
            Op::Open(CidArg::Latest),
            create(DAG_CBOR, first_state_linked()),
            link(3),
            Op::SetRoot(CidArg::Latest),
            Op::ReadState,
        ],
    ));
    cases
}

/// `[root]`, with the root that test actors start with.
fn first_state_linked() -> Vec<u8> {
    let root = tributary_primitives::cbor_cid(&to_vec(&(0u64,)).expect("a number encodes"));
    to_vec(&(root, root)).expect("CIDs encode")
}
