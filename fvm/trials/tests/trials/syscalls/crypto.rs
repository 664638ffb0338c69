//! `crypto`.

use alloy_primitives::keccak256;
use fvm_shared::address::Address;
use fvm_shared::error::ErrorNumber as No;
use tributary_crypto::{BlsSecretKey, bls};
use tributary_primitives::raw_cid;
use tributary_script::Op;
use tributary_trials::world::{Who, key};

use crate::actor::{NOWHERE, last, refused};

const MESSAGE: &[u8] = b"pay bob";
const KECCAK: u64 = 0x1b;

fn digest(message: &[u8]) -> [u8; 32] {
    raw_cid(message).hash().digest().try_into().unwrap()
}

fn verify(kind: u32, signature: &[u8], signer: &Address, message: &[u8]) -> Vec<Op> {
    let (signature, signer) = (signature.into(), signer.to_bytes().into());
    vec![Op::VerifySignature { kind, signature, signer, message: message.into() }]
}

#[test]
fn a_signature_is_its_signers_or_not_and_a_question_without_sense_is_refused() {
    let bls_key = BlsSecretKey::from_bytes(&[4; 32]).unwrap();
    let signer = Address::new_bls(&bls_key.public_key().0).unwrap();
    let (carol, bent) = (key(3).f1_address(), |signature: &[u8]| [&[signature[0] ^ 1], &signature[1..]].concat());
    let secp = key(3).sign(digest(MESSAGE));
    let aggregate = bls_key.sign(MESSAGE).0;
    let (good, bad) = (Ok(0i32.to_le_bytes().to_vec()), Ok((-1i32).to_le_bytes().to_vec()));
    for (what, ops, answer) in [
        ("secp", verify(1, &secp, &carol, MESSAGE), &good),
        ("secp, another message", verify(1, &secp, &carol, b"pay eve"), &bad),
        ("secp, another signer", verify(1, &secp, &Who::Dave.address(), MESSAGE), &bad),
        ("secp, bent", verify(1, &bent(&secp), &carol, MESSAGE), &bad),
        ("secp, cut", verify(1, &secp[..64], &carol, MESSAGE), &bad),
        ("secp, nothing", verify(1, &[], &carol, MESSAGE), &bad),
        ("bls", verify(2, &aggregate, &signer, MESSAGE), &good),
        ("bls, another message", verify(2, &aggregate, &signer, b"pay eve"), &bad),
        ("bls, cut", verify(2, &aggregate[..95], &signer, MESSAGE), &bad),
        ("secp for a bls signer", verify(1, &secp, &signer, MESSAGE), &bad),
        ("no kind", verify(3, &secp, &carol, MESSAGE), &refused(No::IllegalArgument)),
        ("no key's address", verify(1, &secp, &Address::new_id(100), MESSAGE), &refused(No::IllegalArgument)),
    ] {
        assert_eq!(last(what, ops), *answer, "{what}");
    }
}

#[test]
fn an_aggregate_is_of_its_keys_and_messages_or_not() {
    let keys = [1u8, 2, 3].map(|seed| BlsSecretKey::from_bytes(&[seed; 32]).unwrap());
    let public: Vec<u8> = keys.iter().flat_map(|key| key.public_key().0).collect();
    let parts: Vec<_> = keys.iter().zip([&b"a"[..], b"bc", b"def"]).map(|(key, part)| key.sign(part)).collect();
    let aggregate = bls::aggregate(&parts).unwrap().0;
    let ask = |signers: u32, messages: &[u8], lens: &[u32]| {
        let (signature, keys) = (aggregate.into(), public.as_slice().into());
        vec![Op::VerifyAggregate { signers, signature, keys, messages: messages.into(), lens: lens.to_vec() }]
    };
    for (what, ops, verdict) in [
        ("all of them", ask(3, b"abcdef", &[1, 2, 3]), 0i32),
        ("one less", ask(2, b"abcdef", &[1, 2]), -1),
        ("other messages", ask(3, b"abcdeg", &[1, 2, 3]), -1),
        ("cut elsewhere", ask(3, b"abcdef", &[2, 1, 3]), -1),
    ] {
        assert_eq!(last(what, ops), Ok(verdict.to_le_bytes().to_vec()), "{what}");
    }
    assert_eq!(last("too many for memory", ask(1_000_000_000, b"", &[])), refused(No::IllegalArgument));
}

#[test]
fn keys_are_recovered_and_bytes_are_hashed() {
    let signature = key(3).sign([1; 32]);
    let recover = |signature: &[u8]| vec![Op::Recover { hash: [1; 32].into(), signature: signature.into() }];
    assert_eq!(last("recover", recover(&signature)), Ok(key(3).public_key().to_vec()));
    assert_eq!(last("recover nobody", recover(&[0xff; 65])), refused(No::IllegalArgument));

    let hash = |code, out_len| vec![Op::Hash { code, data: MESSAGE.into(), out_len }];
    let digest = keccak256(MESSAGE);
    for (what, ops, answer) in [
        ("hash", hash(KECCAK, 32), Ok(digest.to_vec())),
        ("hash into more", hash(KECCAK, 64), Ok(digest.to_vec())),
        ("hash into less", hash(KECCAK, 5), Ok(digest[..5].to_vec())),
        ("hash into nothing", hash(KECCAK, 0), Ok(vec![])),
        ("no hash", hash(0x13, 32), refused(No::IllegalArgument)),
        ("hash from nowhere", vec![Op::HashAt { code: KECCAK, at: NOWHERE, len: 99 }], refused(No::IllegalArgument)),
    ] {
        assert_eq!(last(what, ops), answer, "{what}");
    }
}
