//! `crypto` and `tributary`.

use fvm_shared::address::Address;
use fvm_shared::error::ErrorNumber;
use multihash_codetable::{Code, MultihashDigest};
use tributary_crypto::{BlsSecretKey, SecpSecretKey, bls, secp};

use super::{answer_of, buffer_of, expect_error, run};

#[test]
fn hashes_are_the_functions_they_say_and_cut_to_the_buffer() {
    for (number, code) in [
        (0x12, Code::Sha2_256),
        (0x1b, Code::Keccak256),
        (0x1053, Code::Ripemd160),
        (0xb220, Code::Blake2b256),
        (0xb240, Code::Blake2b512),
    ] {
        for room in [100, 7] {
            let call = format!(
                "(call $hash (i32.const 0) (i64.const {number}) (i32.const 1024) (i32.const 3) (i32.const 256) (i32.const {room}))"
            );
            let digest = code.digest(b"abc").digest().to_vec();
            let expected = &digest[..digest.len().min(room)];
            assert_eq!(run(&buffer_of(&call), &[(1_024, b"abc")]).returned(), expected, "{number:#x}");
        }
    }
    let call = "(call $hash (i32.const 0) (i64.const 0x13) (i32.const 0) (i32.const 0) (i32.const 256) (i32.const 9))";
    expect_error("unknown", &run(&answer_of(call, 0), &[]), ErrorNumber::IllegalArgument);
}

#[test]
fn a_signature_holds_for_its_signer_and_message_alone() {
    let (secp_key, bls_key) =
        (SecpSecretKey::from_bytes(&[7; 32]).unwrap(), BlsSecretKey::from_bytes(&[9; 32]).unwrap());
    let digest = Code::Blake2b256.digest(b"message").digest().try_into().unwrap();
    let secp = (1, secp_key.sign(digest).to_vec(), secp_key.f1_address());
    let bls = (2, bls_key.sign(b"message").0.to_vec(), Address::new_bls(&bls_key.public_key().0).unwrap());
    let other = Address::new_secp256k1(&SecpSecretKey::from_bytes(&[8; 32]).unwrap().public_key()).unwrap();
    let verify = |kind: u32, signature: &[u8], signer: &Address, message: &[u8]| {
        let signer = signer.to_bytes();
        let call = format!(
            "(call $verify_signature (i32.const 0) (i32.const {kind}) (i32.const 1024) (i32.const {})
               (i32.const 2048) (i32.const {}) (i32.const 3072) (i32.const {}))",
            signature.len(),
            signer.len(),
            message.len()
        );
        run(&answer_of(&call, 4), &[(1_024, signature), (2_048, &signer), (3_072, message)])
    };
    for (kind, signature, signer) in [&secp, &bls] {
        let mut bent = signature.clone();
        bent[5] ^= 1;
        let table = [
            ("good", *kind, &signature[..], *signer, &b"message"[..], 0),
            ("message", *kind, signature, *signer, b"massage", -1),
            ("signature", *kind, &bent, *signer, b"message", -1),
            ("length", *kind, &signature[1..], *signer, b"message", -1),
            ("signer", *kind, signature, other, b"message", -1),
            ("kind", 3 - *kind, signature, *signer, b"message", -1),
        ];
        for (what, kind, signature, signer, message, verdict) in table {
            assert_eq!(verify(kind, signature, &signer, message).returned(), i32::to_le_bytes(verdict), "{what}");
        }
    }
    for (what, kind, signer) in [("kind", 3, secp.2), ("signer", 1, Address::new_id(5))] {
        expect_error(what, &verify(kind, &secp.1, &signer, b"message"), ErrorNumber::IllegalArgument);
    }
}

#[test]
fn a_public_key_is_recovered_or_there_is_none() {
    let key = SecpSecretKey::from_bytes(&[7; 32]).unwrap();
    let signature = key.sign([1; 32]);
    let call = "(call $recover_secp_public_key (i32.const 0) (i32.const 1024) (i32.const 2048))";
    let returned = run(&answer_of(call, 65), &[(1_024, &[1; 32]), (2_048, &signature)]).returned();
    assert_eq!(returned, key.public_key());
    assert_eq!(secp::f1_address(&returned.try_into().unwrap()), key.f1_address());
    let ran = run(&answer_of(call, 65), &[(1_024, &[1; 32]), (2_048, &[0xff; 65])]);
    expect_error("no key", &ran, ErrorNumber::IllegalArgument);
}

#[test]
fn an_aggregate_holds_for_its_signers_and_messages_alone() {
    let keys: Vec<_> = [1, 2, 3].map(|seed| BlsSecretKey::from_bytes(&[seed; 32]).unwrap()).into();
    let public: Vec<u8> = keys.iter().flat_map(|key| key.public_key().0).collect();

    let messages = [&b"a"[..], b"bc", b"def"];
    let parts: Vec<_> = keys.iter().zip(messages).map(|(key, message)| key.sign(message)).collect();
    let apart = bls::aggregate(&parts).unwrap().0;
    let parts: Vec<_> = keys.iter().map(|key| key.sign(b"one")).collect();
    let together = bls::aggregate(&parts).unwrap().0;
    let lens: Vec<u8> = [1_u32, 2, 3].iter().flat_map(|len| len.to_le_bytes()).collect();

    let verify_apart = |signers: u32, signature: &[u8]| {
        let call = format!(
            "(call $verify_bls_aggregate (i32.const 0) (i32.const {signers}) (i32.const 1024) (i32.const 2048)
               (i32.const 3072) (i32.const 4096))"
        );
        run(&answer_of(&call, 4), &[(1_024, signature), (2_048, &public), (3_072, b"abcdef"), (4_096, &lens)])
    };
    let verify_together = |signers: u32, signature: &[u8]| {
        let call = format!(
            "(call $bls_fast_aggregate_verify (i32.const 0) (i32.const {signers}) (i32.const 2048)
               (i32.const 3072) (i32.const 3) (i32.const 1024))"
        );
        run(&answer_of(&call, 4), &[(1_024, signature), (2_048, &public), (3_072, b"one")])
    };
    for (what, ran, verdict) in [
        ("apart", verify_apart(3, &apart), 0),
        ("apart, a signer less", verify_apart(2, &apart), -1),
        ("apart, other signature", verify_apart(3, &together), -1),
        ("apart, nobody", verify_apart(0, &[0; 96]), 0),
        ("together", verify_together(3, &together), 0),
        ("together, a signer less", verify_together(2, &together), -1),
        ("together, other signature", verify_together(3, &apart), -1),
        ("together, nobody", verify_together(0, &together), -1),
    ] {
        assert_eq!(ran.returned(), i32::to_le_bytes(verdict), "{what}");
    }
    for ran in [verify_apart(1_000_000_000, &apart), verify_together(2_000, &together)] {
        expect_error("too many for memory", &ran, ErrorNumber::IllegalArgument);
    }
}
