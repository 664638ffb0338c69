//! Hashes and signatures.

use fvm_shared::address::Address;
use multihash_codetable::{Code, MultihashDigest};
use tributary_crypto::{BlsSecretKey, bls};
use tributary_script::Op;

use crate::case::Case;
use crate::world::{Who, dave, dave_address};

const SECP: u32 = 1;
const BLS: u32 = 2;
const MESSAGE: &[u8] = b"pay bob";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = hashes();
    cases.extend(signatures());
    cases.extend(aggregates());
    cases.extend(recoveries());
    cases.into_iter().map(|case| Case { name: format!("crypto/{}", case.name), ..case }).collect()
}

fn hashes() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, code) in [
        ("sha2-256", 0x12),
        ("keccak-256", 0x1b),
        ("ripemd-160", 0x1053),
        ("blake2b-256", 0xb220),
        ("blake2b-512", 0xb240),
    ] {
        let of = |data: &[u8], out_len| Op::Hash { code, data: data.into(), out_len };
        cases.push(Case::ops(
            format!("{name} into buffers of many lengths"),
            [0, 1, 19, 20, 21, 32, 64, 100].map(|len| of(b"abc", len)),
        ));
        cases.push(Case::ops(format!("{name} of much and of nothing"), [of(&[7; 10_000], 64), of(b"", 64)]));
    }
    for code in [0, 0x11, 0xb210, 0xb21f, 0x13, u64::MAX] {
        cases.push(Case::ops(
            format!("hash {code:#x}, which is none"),
            [Op::Hash { code, data: b"abc".into(), out_len: 64 }],
        ));
    }
    cases.push(Case::ops(
        "hash of what is not in memory",
        [Op::HashAt { code: 0x12, at: 0xffff_fff0, len: 64 }, Op::HashAt { code: 0x12, at: 0, len: u32::MAX }],
    ));
    cases
}

fn digest(message: &[u8]) -> [u8; 32] {
    Code::Blake2b256.digest(message).digest().try_into().expect("blake2b-256 gives 32 bytes")
}

fn signatures() -> Vec<Case> {
    let secp = Who::Alice.key().sign(digest(MESSAGE)).to_vec();
    let bls = dave().sign(MESSAGE).0.to_vec();
    let (alice, dave) = (Who::Alice.address(), dave_address());
    let broken = |signature: &[u8], at: usize| {
        let mut signature = signature.to_vec();
        signature[at] ^= 1;
        signature
    };
    let high_s = {
        // The other root of the same signature: s is n - s, and the parity flips.
        let n = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
        let n: Vec<u8> = (0..32).map(|i| u8::from_str_radix(&n[2 * i..2 * i + 2], 16).expect("hex")).collect();
        let mut high = secp.clone();
        let mut borrow = 0i32;
        for i in (0..32).rev() {
            let rest = i32::from(n[i]) - i32::from(secp[32 + i]) - borrow;
            borrow = i32::from(rest < 0);
            high[32 + i] = u8::try_from(rest.rem_euclid(256)).expect("below 256");
        }
        high[64] ^= 1;
        high
    };
    let rows: Vec<(&str, u32, Vec<u8>, Address, &[u8])> = vec![
        ("secp, good", SECP, secp.clone(), alice, MESSAGE),
        ("secp, another message", SECP, secp.clone(), alice, b"pay eve"),
        ("secp, another signer", SECP, secp.clone(), Who::Bob.address(), MESSAGE),
        ("secp, broken r", SECP, broken(&secp, 3), alice, MESSAGE),
        ("secp, broken recovery id", SECP, broken(&secp, 64), alice, MESSAGE),
        ("secp, recovery id 27", SECP, [&secp[..64], &[secp[64] + 27]].concat(), alice, MESSAGE),
        ("secp, recovery id 2", SECP, [&secp[..64], &[secp[64] + 2]].concat(), alice, MESSAGE),
        ("secp, high s", SECP, high_s, alice, MESSAGE),
        ("secp, cut short", SECP, secp[..64].to_vec(), alice, MESSAGE),
        ("secp, too long", SECP, [&secp[..], &[0]].concat(), alice, MESSAGE),
        ("secp, nothing", SECP, vec![], alice, MESSAGE),
        ("secp, zeros", SECP, vec![0; 65], alice, MESSAGE),
        ("secp, of an f3", SECP, secp.clone(), dave, MESSAGE),
        ("secp, of an id", SECP, secp.clone(), Address::new_id(100), MESSAGE),
        ("secp, no message", SECP, Who::Alice.key().sign(digest(b"")).to_vec(), alice, b""),
        ("BLS, good", BLS, bls.clone(), dave, MESSAGE),
        ("BLS, another message", BLS, bls.clone(), dave, b"pay eve"),
        ("BLS, broken", BLS, broken(&bls, 50), dave, MESSAGE),
        ("BLS, cut short", BLS, bls[..95].to_vec(), dave, MESSAGE),
        ("BLS, too long", BLS, [&bls[..], &[0]].concat(), dave, MESSAGE),
        ("BLS, zeros", BLS, vec![0; 96], dave, MESSAGE),
        ("BLS, infinity", BLS, infinity(96), dave, MESSAGE),
        ("BLS, of an f1", BLS, bls.clone(), alice, MESSAGE),
        ("BLS, of a key that is none", BLS, bls.clone(), Address::new_bls(&[7; 48]).expect("48 bytes"), MESSAGE),
        (
            "BLS, infinity of the infinite key",
            BLS,
            infinity(96),
            Address::new_bls(&infinity(48)).expect("48 bytes"),
            MESSAGE,
        ),
        ("type 0", 0, secp.clone(), alice, MESSAGE),
        ("type 3", 3, secp.clone(), alice, MESSAGE),
        ("type of all bits", u32::MAX, secp.clone(), alice, MESSAGE),
    ];
    let mut cases: Vec<_> = rows
        .into_iter()
        .map(|(name, kind, signature, signer, message)| {
            let (signature, signer, message) = (signature.into(), signer.to_bytes().into(), message.into());
            Case::ops(format!("signature: {name}"), [Op::VerifySignature { kind, signature, signer, message }])
        })
        .collect();
    let signer = b"\x01short".into();
    let odd = Op::VerifySignature { kind: SECP, signature: secp.into(), signer, message: MESSAGE.into() };
    cases.push(Case::ops("signature: of what is no address", [odd]));
    cases
}

/// A compressed point at infinity.
fn infinity(len: usize) -> Vec<u8> {
    let mut point = vec![0; len];
    point[0] = 0xc0;
    point
}

fn aggregates() -> Vec<Case> {
    let keys: Vec<_> = (5..8).map(|seed| BlsSecretKey::from_bytes(&[seed; 32]).expect("a secret key")).collect();
    let messages: [&[u8]; 3] = [b"one", b"second", b""];
    let signatures: Vec<_> = keys.iter().zip(messages).map(|(key, message)| key.sign(message)).collect();
    let sum = bls::aggregate(&signatures).expect("three signatures").0.to_vec();
    let public: Vec<u8> = keys.iter().flat_map(|key| key.public_key().0).collect();
    let all = messages.concat();
    let row = |name: &str, signers, signature: &[u8], keys: &[u8], messages: &[u8], lens: &[u32]| {
        let (signature, keys, messages, lens) = (signature.into(), keys.into(), messages.into(), lens.to_vec());
        Case::ops(format!("aggregate: {name}"), [Op::VerifyAggregate { signers, signature, keys, messages, lens }])
    };
    let same = bls::aggregate(&[keys[0].sign(b"same"), keys[1].sign(b"same")]).expect("two signatures").0;
    vec![
        row("good", 3, &sum, &public, &all, &[3, 6, 0]),
        row("one signer", 1, &signatures[0].0, &public[..48], b"one", &[3]),
        row("no signers, no signature", 0, &[0; 96], &[], &[], &[]),
        row("no signers, the infinite signature", 0, &infinity(96), &[], &[], &[]),
        row("no signers, some signature", 0, &sum, &[], &[], &[]),
        row("two over one message", 2, &same, &public[..96], b"samesame", &[4, 4]),
        row("other lengths", 3, &sum, &public, &all, &[4, 5, 0]),
        row("keys in another order", 3, &sum, &[&public[48..], &public[..48]].concat(), &all, &[3, 6, 0]),
        row("a key that is none", 3, &sum, &[&[7; 48], &public[48..]].concat(), &all, &[3, 6, 0]),
        row("the infinite key", 3, &sum, &[&infinity(48), &public[48..]].concat(), &all, &[3, 6, 0]),
        row("a broken signature", 3, &[7; 96], &public, &all, &[3, 6, 0]),
        row("lengths that overflow", 2, &same, &public[..96], b"samesame", &[u32::MAX, 9]),
        row("lengths past memory", 1, &same, &public[..48], b"same", &[0xf000_0000]),
        row("more signers than memory", 0x1000_0000, &same, &public[..48], b"same", &[4]),
        row("so many signers that their keys' length overflows", u32::MAX, &same, &public[..48], b"same", &[4]),
    ]
}

fn recoveries() -> Vec<Case> {
    let hash = digest(MESSAGE);
    let good = Who::Alice.key().sign(hash);
    let with_id = |id: u8| [&good[..64], &[id]].concat();
    let row = |name: &str, hash: &[u8], signature: &[u8]| {
        Case::ops(format!("recover: {name}"), [Op::Recover { hash: hash.into(), signature: signature.into() }])
    };
    vec![
        row("good", &hash, &good),
        row("another hash", &[7; 32], &good),
        row("the zero hash", &[0; 32], &good),
        row("zeros", &hash, &[0; 65]),
        row("all bits", &hash, &[0xff; 65]),
        row("the other id", &hash, &with_id(good[64] ^ 1)),
        row("id 2", &hash, &with_id(2)),
        row("id 3", &hash, &with_id(3)),
        row("id 4", &hash, &with_id(4)),
        row("id 27", &hash, &with_id(27 + good[64])),
        row("id 255", &hash, &with_id(255)),
    ]
}
