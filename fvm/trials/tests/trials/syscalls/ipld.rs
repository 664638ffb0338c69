//! `ipld`.

use fvm_ipld_encoding::to_vec;
use fvm_shared::EMPTY_ARR_CID;
use fvm_shared::error::ErrorNumber as No;
use tributary_primitives::cbor_cid;
use tributary_script::{CidArg, Op};

use crate::actor::{BLAKE2B_256, CBOR, DAG_CBOR, MADE, NOWHERE, RAW, ROOT, answers, last, refused};

const BLOCK_BYTES_MAX: u32 = 1 << 20;

fn create(codec: u64, data: impl AsRef<[u8]>) -> Op {
    Op::Create { codec, data: data.into() }
}

fn link(block: u32, hash: u64, hash_len: u32, out_len: u32) -> Op {
    Op::Link { block, hash, hash_len, out_len }
}

fn opened(codec: u64, block: u32, size: u32) -> Vec<u8> {
    [&codec.to_le_bytes()[..], &block.to_le_bytes(), &size.to_le_bytes()].concat()
}

#[test]
fn blocks_are_made_linked_opened_and_read() {
    let cid = cbor_cid(&[0x81, 7]).to_bytes();
    for (what, ops, answer) in [
        ("create", vec![create(RAW, b"x"), create(CBOR, [7]), create(DAG_CBOR, [7])], 4u32.to_le_bytes().to_vec()),
        ("create nothing", vec![create(RAW, [])], MADE.to_le_bytes().to_vec()),
        ("link", vec![create(DAG_CBOR, [0x81, 7]), link(MADE, BLAKE2B_256, 32, 100)], cid),
        ("open", vec![Op::Write(7), ROOT, Op::Open(CidArg::Latest)], opened(DAG_CBOR, 3, 2)),
        ("stat", vec![create(RAW, b"abc"), Op::Stat(MADE)], [&RAW.to_le_bytes()[..], &3u32.to_le_bytes()].concat()),
        ("read", vec![Op::Write(7), Op::ReadState], vec![0x81, 7]),
        (
            "read the rest",
            vec![create(RAW, b"abcdef"), Op::Read { block: MADE, offset: 4, len: 4 }],
            b"ef\0\0".to_vec(),
        ),
        ("create the largest", vec![Op::CreateLarge { codec: RAW, len: BLOCK_BYTES_MAX }], MADE.to_le_bytes().to_vec()),
    ] {
        assert_eq!(last(what, ops), Ok(answer), "{what}");
    }
    let past = answers("read past the end", vec![create(RAW, b"abc"), Op::Read { block: MADE, offset: 9, len: 4 }]);
    assert_eq!(past[1], Ok((-10i32).to_le_bytes().to_vec()));
}

#[test]
fn what_is_asked_wrong_has_its_error_number() {
    let stranger = CidArg::Given(EMPTY_ARR_CID.to_bytes().into());
    let linking = to_vec(&(EMPTY_ARR_CID,)).unwrap();
    let made = |op: Op| vec![create(RAW, b"abc"), op];
    for (what, ops, number) in [
        ("open what is not reachable", vec![Op::Open(stranger)], No::NotFound),
        ("open what is no CID", vec![Op::Open(CidArg::Given([0xff; 40].into()))], No::IllegalArgument),
        ("open from nowhere", vec![Op::Open(CidArg::At(NOWHERE))], No::IllegalArgument),
        ("create in no codec", vec![create(0x70, [7])], No::IllegalCodec),
        ("create what is no CBOR", vec![create(DAG_CBOR, [0x82, 7])], No::Serialization),
        ("create a link to what is not reachable", vec![create(DAG_CBOR, linking)], No::NotFound),
        ("create too much", vec![Op::CreateLarge { codec: RAW, len: BLOCK_BYTES_MAX + 1 }], No::LimitExceeded),
        ("create from nowhere", vec![Op::CreateAt { codec: RAW, at: NOWHERE, len: 99 }], No::IllegalArgument),
        ("stat of no block", made(Op::Stat(9)), No::InvalidHandle),
        ("stat of block 0", made(Op::Stat(0)), No::InvalidHandle),
        ("link of no block", made(link(9, BLAKE2B_256, 32, 100)), No::InvalidHandle),
        ("link by another hash", made(link(MADE, 0x12, 32, 100)), No::IllegalCid),
        ("link by a shorter hash", made(link(MADE, BLAKE2B_256, 31, 100)), No::IllegalCid),
        ("link into too little", made(link(MADE, BLAKE2B_256, 32, 37)), No::BufferTooSmall),
    ] {
        assert_eq!(last(what, ops), refused(number), "{what}");
    }
    let read = answers("read no block", vec![Op::Read { block: 9, offset: 0, len: 1 }]);
    assert_eq!(read[0], refused(No::InvalidHandle));
}
