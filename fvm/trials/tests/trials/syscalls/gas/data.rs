//! What is paid by its size: signatures, hashes, events, blocks.

use fvm_shared::address::Address;
use tributary_crypto::BlsSecretKey;
use tributary_script::{CidArg, EventHeader, Op};
use tributary_trials::world::key;

use super::{bytes, check, create, linking, row};
use crate::actor::{BLAKE2B_256, CBOR, DAG_CBOR, MADE, RAW, ROOT};

/// Links the first block that a script makes.
fn link() -> Op {
    Op::Link { block: MADE, hash: BLAKE2B_256, hash_len: 32, out_len: 100 }
}

#[test]
fn signatures_and_hashes_are_paid_by_the_byte() {
    let keys = [1u8, 2].map(|seed| BlsSecretKey::from_bytes(&[seed; 32]).unwrap());
    let bls = Address::new_bls(&keys[0].public_key().0).unwrap();
    let verify = |kind, signature: &[u8], signer: &Address| Op::VerifySignature {
        kind,
        signature: signature.into(),
        signer: signer.to_bytes().into(),
        message: bytes(100).into(),
    };
    let aggregate = Op::VerifyAggregate {
        signers: 2,
        signature: keys[0].sign(b"abc").0.into(),
        keys: keys.iter().flat_map(|key| key.public_key().0).collect::<Vec<_>>().into(),
        messages: bytes(10).into(),
        lens: vec![3, 7],
    };
    let hash = |code| Op::Hash { code, data: bytes(1_000).into(), out_len: 64 };
    let secp = key(3).sign([1; 32]);
    check(
        0,
        vec![
            row("secp", vec![], verify(1, &secp, &key(3).f1_address()), &[("secp", 1_637_292 + 10 * 100)]),
            row("BLS", vec![], verify(2, &keys[0].sign(&bytes(100)).0, &bls), &[("BLS", 16_598_605 + 26 * 100)]),
            row("aggregate", vec![], aggregate, &[("pairings, bytes", 8_299_302 * (2 + 1) + 7 * 10)]),
            row(
                "recover",
                vec![],
                Op::Recover { hash: [1; 32].into(), signature: secp.into() },
                &[("recover", 1_637_292)],
            ),
            row("sha2-256", vec![], hash(0x12), &[("hash", 7 * 1_000)]),
            row("keccak-256", vec![], hash(0x1b), &[("hash", 33 * 1_000)]),
            row("ripemd-160", vec![], hash(0x1053), &[("hash", 35 * 1_000)]),
            row("blake2b-256", vec![], hash(0xb220), &[("hash", 10 * 1_000)]),
            row("blake2b-512", vec![], hash(0xb240), &[("hash", 10 * 1_000)]),
        ],
    );
}

/// What stands around an event and its entries is estimated: 12 bytes and 9.
#[test]
fn an_event_is_paid_by_its_entries_its_keys_and_its_bytes() {
    let header = |key_len, value_len| EventHeader { flags: 3, codec: RAW, key_len, value_len };
    let emit =
        |headers, keys, values| Op::Emit { headers, keys: "k".repeat(keys).into(), values: bytes(values).into() };
    // Copied and allocated three times at 2.4 a byte, hashed at 10.
    let one: [(&str, u64); 1] =
        [("event", (2_000 + 1_400) + (500 + 16 * 3) + 24 * 3 * (12 + 9 + 3 + 101) / 10 + 10 * (12 + 9 + 3 + 101))];
    let two: u64 = (2_000 + 1_400 * 2) + (500 + 16 * 10) + 24 * 3 * (12 + 18 + 10 + 60) / 10 + 10 * (12 + 18 + 10 + 60);
    check(
        0,
        vec![
            row("one entry", vec![], emit(vec![header(3, 101)], 3, 101), &one),
            row("two entries", vec![], emit(vec![header(4, 20), header(6, 40)], 10, 60), &[("event", two)]),
        ],
    );
    let unknown = EventHeader { codec: DAG_CBOR, ..header(3, 101) };
    check(1, vec![row("a codec that is none", vec![], emit(vec![unknown], 3, 101), &one)]);
}

#[test]
fn blocks_are_paid_by_their_items_and_by_what_is_kept_of_them() {
    let item: (&str, u64) = ("item", 35);
    let open: [(&str, u64); 4] = [("read, checked", 187_440 + 300), item, item, ("held", 10 * 2)];
    let link_price: u64 = 334_000 + 3_340 * 100 + 172_000 + 300 + 10 * 100 + 24 * 100 / 10;
    let read = |offset| Op::Read { block: MADE, offset, len: 100 };
    let block = || vec![create(RAW, bytes(100))];
    let linked = || vec![ROOT, linking(), link()];
    check(
        0,
        vec![
            row("open", vec![Op::Write(7), ROOT], Op::Open(CidArg::Latest), &open),
            row(
                "open what links",
                linked(),
                Op::Open(CidArg::Latest),
                &[("read, checked", 187_440 + 300), item, item, ("CID", 400), ("held", 10 * 44)],
            ),
            row("create", vec![], create(RAW, bytes(100)), &[("held", 10 * 100)]),
            row("create nothing", vec![], create(RAW, []), &[]),
            row("create what has no links", vec![], create(CBOR, [0x82, 1, 2]), &[("held", 10 * 3)]),
            row("create items", vec![], create(DAG_CBOR, [0x82, 1, 2]), &[item, item, item, ("held", 10 * 3)]),
            row("create what links", vec![ROOT], linking(), &[item, item, ("CID", 400), ("held", 10 * 44)]),
            row("read", block(), read(0), &[("copied", 4 * 100 / 10)]),
            row("read the rest", block(), read(60), &[("copied", 4 * 40 / 10)]),
            row("read past the end", block(), read(200), &[]),
            row("stat", block(), Op::Stat(MADE), &[]),
            row("link", block(), link(), &[("kept, hashed", link_price)]),
        ],
    );
}
