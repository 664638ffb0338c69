use alloy_primitives::U256;
use fvm_ipld_encoding::{BytesSer, RawBytes};
use tributary_primitives::EthAddress;

use super::*;

type Sign = fn(Message, u64) -> FvmTransaction;

fn key() -> SecpSecretKey {
    SecpSecretKey::from_bytes(&[7; 32]).unwrap()
}

fn bls_key() -> BlsSecretKey {
    BlsSecretKey::from_bytes(&[7; 32]).unwrap()
}

fn f1(message: Message, chain_id: u64) -> FvmTransaction {
    FvmTransaction::sign(message, &key(), chain_id).unwrap()
}

fn f3(message: Message, chain_id: u64) -> FvmTransaction {
    FvmTransaction::sign_bls(message, &bls_key(), chain_id).unwrap()
}

fn f410(message: Message, chain_id: u64) -> FvmTransaction {
    FvmTransaction::sign_delegated(message, &key(), chain_id).unwrap()
}

/// Every kind of sender: how it signs, its address, its signatures' type.
fn senders() -> [(Sign, Address, Kind); 3] {
    [
        (f1, key().f1_address(), Kind::Secp256k1),
        (f3, bls_key().f3_address(), Kind::Bls),
        (f410, key().eth_address().to_address(), Kind::Delegated),
    ]
}

fn good() -> Message {
    Message {
        version: 0,
        from: key().f1_address(),
        to: Address::new_id(100),
        sequence: 3,
        value: TokenAmount::from_atto(5),
        method_num: 2,
        params: RawBytes::new(vec![0x80]),
        gas_limit: 1_000,
        gas_fee_cap: TokenAmount::from_atto(10),
        gas_premium: TokenAmount::from_atto(1),
    }
}

/// The message in a transaction with another signature: its type's byte and its bytes.
fn resigned(transaction: &FvmTransaction, signature: &[u8]) -> Vec<u8> {
    let head = transaction.raw().len() - 1 - transaction.signature().data().len() - 2;
    [&transaction.raw()[..head], &fvm_ipld_encoding::to_vec(&BytesSer(signature)).unwrap()].concat()
}

#[test]
fn what_each_kind_of_key_signs_reads_back() {
    for (sign, from, kind) in senders() {
        let signed = sign(good(), 7);
        assert_eq!(signed.raw()[0], FIRST_BYTE);
        assert_eq!(FvmTransaction::decode(signed.raw(), 7), Ok(signed.clone()), "{kind}");
        assert_eq!((signed.message(), signed.cost_max()), (&Message { from, ..good() }, Some(10_005)));
        let claim = Claim { from, sequence: 3, cost_max: Some(10_005) };
        assert_eq!(FvmTransaction::costly(signed.raw()), (kind == Kind::Bls).then_some(claim), "{kind}");
        let signature = signed.signature();
        assert_eq!((signature.kind(), signature.data().len()), (kind, kind.signature_bytes()));
        assert_eq!(resigned(&signed, &[&[kind.number()], signature.data()].concat()), signed.raw());
    }
}

#[test]
fn a_message_for_one_chain_is_refused_on_another() {
    for (sign, from, _) in senders() {
        let refusal = FvmTransaction::decode(sign(good(), 7).raw(), 8);
        assert_eq!(refusal, Err(FvmRejected::BadSignature(from)));
    }
}

#[test]
fn a_message_that_another_key_signed_is_refused() {
    for (sign, from, kind) in senders() {
        let other = Message { sequence: 4, ..good() };
        let signature = [&[kind.number()], sign(other, 7).signature().data()].concat();
        let refusal = FvmTransaction::decode(&resigned(&sign(good(), 7), &signature), 7);
        assert_eq!(refusal, Err(FvmRejected::BadSignature(from)), "another message's");
    }
}

#[test]
fn the_mirror_image_of_a_signature_is_refused() {
    let order = "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141".parse::<U256>().unwrap();
    for (sign, from, _) in [senders()[0], senders()[2]] {
        let mut raw = sign(good(), 7).raw().to_vec();
        let start = raw.len() - 65;
        let s = U256::from_be_slice(&raw[start + 32..start + 64]);
        raw[start + 32..start + 64].copy_from_slice(&(order - s).to_be_bytes::<32>());
        raw[start + 64] ^= 1;
        assert_eq!(FvmTransaction::decode(&raw, 7), Err(FvmRejected::BadSignature(from)));
    }
}

/// Computed by other programs, message and all: those of type 1 and 3 by Python's `eth-account`, the latter from the text below; that of
/// type 2 by `py_ecc`.
///
/// ```text
/// Tributary message
/// chain id: 7
/// CID: bafy2bzaceb75k2nb3vgzrzbralqla7rwbtzjrwp77rybyn3ixlmt5qgeh4fg2
/// ```
#[test]
fn the_bytes_of_each_kind_of_signature_are_pinned() {
    let pinned: [(Sign, &str); 3] = [
        (
            f1,
            concat!(
                "9315eeef7a492ca8c88ac57796b6ebe93184d7b72486609b986098a9b8dddc38",
                "70a9068f5e6aa5680fc78e3c46d9c13ed9a37ce41c2faf3c47079f8ee6c04fc4",
                "00"
            ),
        ),
        (
            f3,
            concat!(
                "a2590362fa28f6650ac0032f5d73f2a58c5c29571438d1b585b8bbe43747be12",
                "eebb074ead13f7cc6b5412d1fc60350a185cd8ba20bad6a081f84c60c8dfa957",
                "ba2526ac2a17c2df48fb4994a2059b171b371aa9abe81bdcf733f78f6e3050f7"
            ),
        ),
        (
            f410,
            concat!(
                "95bc2631f0e92337501e09fa624f719e530d4227284db28f2a4d314af34ed808",
                "78facdb0da4ceb7275fc0c5e09703d04a1cf8f972841a4fb03f5f13bae4d173b",
                "01"
            ),
        ),
    ];
    for (sign, pinned) in pinned {
        let signature = sign(good(), 7).signature();
        assert_eq!(hex::encode(signature.data()), pinned, "{}", signature.kind());
    }
}

#[test]
fn each_fault_is_refused_for_its_own_reason() {
    let signed_by = |message: Message, signature: Signature| encode(&SignedMessage { message, signature });
    let with = |message| signed_by(message, Signature::Secp256k1([1; 65]));
    let from = |from| with(Message { from, ..good() });
    let huge = TokenAmount::from_atto(u128::MAX) + TokenAmount::from_atto(1);
    let mut spelled_otherwise = f1(good(), 7).raw().to_vec();
    spelled_otherwise.splice(2..3, [0x18, 0x00]);
    let mut at_infinity = [0; 48];
    at_infinity[0] = 0xc0;
    let at_infinity = Address::new_bls(&at_infinity).unwrap();
    let delegated = |namespace, name: &[u8]| Address::new_delegated(namespace, name).unwrap();
    let (as_f1, as_f3, as_f410) = (f1(good(), 7), f3(good(), 7), f410(good(), 7));
    let typed = |kind: u8, bytes: usize| resigned(&as_f1, &[&[kind][..], &vec![0; bytes]].concat());
    let ending_in = |transaction: &FvmTransaction, last: u8| {
        let mut raw = transaction.raw().to_vec();
        *raw.last_mut().unwrap() = last;
        raw
    };
    for (raw, reason) in [
        (with(Message { version: 1, ..good() }), "version is 1"),
        (from(Address::new_id(100)), "f0 names an actor by its number, which holds no key: send from"),
        (from(Address::new_actor(b"a")), "f1, f3 or f410, and call the actor, e.g. propose to a multisig"),
        (from(delegated(32, b"name")), "f4 of namespace 32 names an actor, which holds no key"),
        (from(delegated(10, &EthAddress::from_actor_id(7).0)), "it is no Ethereum account's address"),
        (from(delegated(10, &[7; 19])), "it is no Ethereum account's address"),
        (from(at_infinity), "its key is the point at infinity"),
        (from(bls_key().f3_address()), "whose signatures are of type 2 (BLS); this one is of type 1 (secp256k1)"),
        (from(key().eth_address().to_address()), "of type 3 (delegated); this one is of type 1 (secp256k1)"),
        (signed_by(good(), as_f3.signature()), "of type 1 (secp256k1); this one is of type 2 (BLS)"),
        (signed_by(good(), as_f410.signature()), "of type 1 (secp256k1); this one is of type 3 (delegated)"),
        (ending_in(&as_f1, 2), "recovery id 2; it must be 0 or 1"),
        (ending_in(&as_f410, 28), "recovery id 28; it must be 0 or 1, a wallet's 27 and 28 less 27"),
        (typed(0, 65), "no signature has type 0"),
        (typed(4, 65), "no signature has type 4"),
        (typed(1, 64), "expected a signature: type 1 and 65 bytes"),
        (typed(2, 65), "type 2 and 96"),
        (typed(3, 96), "or type 3 and 65"),
        (resigned(&as_f1, &[]), "expected a signature"),
        (with(Message { gas_limit: 0, ..good() }), "gas_limit is 0"),
        (with(Message { gas_limit: 1 << 63, ..good() }), "gas_limit is 9223372036854775808"),
        (with(Message { value: huge.clone(), ..good() }), "value is negative or above"),
        (with(Message { value: TokenAmount::from_atto(-1), ..good() }), "value is negative or above"),
        (with(Message { gas_fee_cap: huge, ..good() }), "gas_fee_cap is negative or above"),
        (with(Message { gas_premium: TokenAmount::from_atto(11), ..good() }), "gas_premium 11 is above"),
        (with(good()), "signature is not"),
        (resigned(&as_f3, &[&[2][..], &[0; 96]].concat()), "signature is not f3"),
        (vec![0x82], "not the DAG-CBOR tuple"),
        (spelled_otherwise, "DAG-CBOR"),
    ] {
        let refusal = FvmTransaction::decode(&raw, 7).unwrap_err().to_string();
        assert!(refusal.contains(reason), "{reason}: {refusal}");
    }
}
