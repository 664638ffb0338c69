use serde_json::{Value, json};

use super::*;

/// The key and the password of both vectors of the definition.
const SECRET: &str = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
const PASSWORD: &[u8] = b"testpassword";

fn scrypt_vector() -> Value {
    json!({
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": { "iv": "83dbcc02d8ccb40e466191a123791e0e" },
            "ciphertext": "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
            "kdf": "scrypt",
            "kdfparams": {
                "dklen": 32, "n": 262_144, "r": 1, "p": 8,
                "salt": "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19",
            },
            "mac": "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097",
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3,
    })
}

fn pbkdf2_vector() -> Value {
    json!({
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": { "iv": "6087dab2f9fdbbfaddc31a909735c1e6" },
            "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
            "kdf": "pbkdf2",
            "kdfparams": {
                "c": 262_144, "dklen": 32, "prf": "hmac-sha256",
                "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
            },
            "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3,
    })
}

fn read(json: &Value) -> Result<Sealed, SealedRejected> {
    Sealed::from_json(json.to_string().as_bytes())
}

/// Also for the tests of the parts.
pub(super) fn key(secret: u8) -> Key {
    Key::from_bytes(KeyKind::Secp256k1, &[secret; 32]).unwrap()
}

pub(super) fn bls_key(secret: u8) -> Key {
    Key::from_bytes(KeyKind::Bls, &[secret; 32]).unwrap()
}

#[test]
fn the_definitions_own_files_open() {
    for vector in [scrypt_vector(), pbkdf2_vector()] {
        let sealed = read(&vector).unwrap();
        assert_eq!(hex::encode(*sealed.open(PASSWORD).unwrap().to_bytes()), SECRET);
        assert_eq!(sealed.open(b"Testpassword").unwrap_err(), SealedRejected::Password);
        let written: Value = serde_json::from_str(&sealed.to_json()).unwrap();
        assert_eq!(written, vector, "and are written as they were read");
    }
}

#[test]
fn a_file_of_go_ethereums_own_tests_opens() {
    let light = json!({
        "address": "45dea0fb0bba44f4fcf290bba71fd57d7117cbb8",
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": { "iv": "dc4926b48a105133d2f16b96833abf1e" },
            "ciphertext": "b87781948a1befd247bff51ef4063f716cf6c2d3481163e9a8f42e1f9bb74145",
            "kdf": "scrypt",
            "kdfparams": {
                "dklen": 32, "n": 2, "p": 1, "r": 8,
                "salt": "004244bbdc51cadda545b1cfa43cff9ed2ae88e08c61f1479dbb45410722f8f0",
            },
            "mac": "39990c1684557447940d4c69e06b1b82b2aceacb43f284df65c956daf3046b85",
        },
        "id": "ce541d8d-c79b-40f8-9f8c-20f59616faba",
        "version": 3,
    });
    // Opening it also checks that the address is its key's.
    let key = read(&light).unwrap().open(b"").unwrap();
    assert_eq!(key.accounts().ethereum.unwrap().to_string(), "0x45dea0fb0bba44f4fcf290bba71fd57d7117cbb8");
}

#[test]
fn an_old_file_of_go_ethereums_opens_too() {
    let mut old = pbkdf2_vector();
    let crypto = old.as_object_mut().unwrap().remove("crypto").unwrap();
    old["Crypto"] = crypto;
    old["address"] = json!("0x008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b");
    let sealed = read(&old).unwrap();
    assert_eq!(sealed.accounts().ethereum.unwrap().to_string(), "0x008aeeda4d805471df9b2a5b0f38a0c3bcba786b");
    assert_eq!(hex::encode(*sealed.open(PASSWORD).unwrap().to_bytes()), SECRET);
}

#[test]
fn what_was_sealed_opens_by_its_password_alone_and_never_looks_the_same() {
    let (one, other) = (Sealed::seal(&key(7), b"one", Cost::SMALL), Sealed::seal(&key(7), b"one", Cost::SMALL));
    assert_eq!(*one.open(b"one").unwrap().to_bytes(), [7; 32]);
    assert_eq!(one.open(b"").unwrap_err(), SealedRejected::Password);
    assert_ne!(one.crypto, other.crypto, "salt and iv are drawn anew");
    let read_back = Sealed::from_json(one.to_json().as_bytes()).unwrap();
    assert_eq!(read_back, one);
    assert!(!one.to_json().contains(&"07".repeat(8)), "the secret does not stand in the file");
    assert_eq!((one.kind(), one.accounts()), (KeyKind::Secp256k1, key(7).accounts()));
}

#[test]
fn a_file_that_claims_anothers_address_does_not_open() {
    let sealed = Sealed::seal(&key(7), b"", Cost::SMALL);
    let other = Sealed::seal(&key(8), b"", Cost::SMALL);
    let says_ethereum = Sealed { address: other.address.clone(), ..sealed.clone() };
    let says_f1 = Sealed { f1: other.f1, ..sealed.clone() };
    let bls = Sealed::seal(&bls_key(7), b"", Cost::SMALL);
    let other = Sealed::seal(&bls_key(8), b"", Cost::SMALL);
    let says_f3 = Sealed { f3: other.f3, ..bls.clone() };
    let says_anothers_kind = Sealed { f1: sealed.f1.clone(), ..bls };
    for lies in [says_ethereum, says_f1, says_f3, says_anothers_kind] {
        assert!(matches!(lies.open(b""), Err(SealedRejected::OtherAddress { .. })));
    }
    assert!(Sealed { address: None, f1: None, ..sealed }.open(b"").is_ok(), "it need not say");
}

#[test]
fn each_bad_file_is_refused_for_its_own_reason_before_any_work_is_done() {
    let with = |change: fn(&mut Value)| {
        let mut json = scrypt_vector();
        change(&mut json);
        read(&json).and_then(|sealed| sealed.open(PASSWORD)).unwrap_err().to_string()
    };
    for (refusal, reason) in [
        (with(|json| json["version"] = json!(1)), "version must be 3"),
        (with(|json| json["kind"] = json!("ed25519")), "kind must be secp256k1 or bls"),
        (with(|json| json["crypto"] = json!({})), "no Ethereum keystore"),
        (with(|json| json["crypto"]["cipher"] = json!("aes-128-cbc")), "aes-128-ctr"),
        (with(|json| json["crypto"]["cipherparams"]["iv"] = json!("00")), "16 bytes"),
        (with(|json| json["crypto"]["kdf"] = json!("argon2id")), "no Ethereum keystore"),
        (with(|json| json["crypto"]["kdfparams"]["n"] = json!(262_143)), "power of two"),
        (with(|json| json["crypto"]["kdfparams"]["n"] = json!(1)), "power of two"),
        (with(|json| json["crypto"]["kdfparams"]["n"] = json!(1_u64 << 63)), "power of two"),
        (with(|json| json["crypto"]["kdfparams"]["r"] = json!(1_000)), "1 GiB"),
        (with(|json| json["crypto"]["kdfparams"]["r"] = json!(0)), "1 GiB"),
        (with(|json| json["crypto"]["kdfparams"]["p"] = json!(17)), "p from 1 to 16"),
        (with(|json| json["crypto"]["kdfparams"]["dklen"] = json!(64)), "dklen 32"),
        (with(|json| json["crypto"]["kdfparams"]["salt"] = json!("00".repeat(257))), "256 bytes"),
        (with(|json| json["crypto"]["mac"] = json!("00")), "password is wrong"),
        (with(|json| json["crypto"]["ciphertext"] = json!("zz")), "no Ethereum keystore"),
    ] {
        assert!(refusal.contains(reason), "{refusal}");
    }
    let rounds = |c: u64| {
        let mut json = pbkdf2_vector();
        json["crypto"]["kdfparams"]["c"] = json!(c);
        read(&json).and_then(|sealed| sealed.open(PASSWORD)).unwrap_err().to_string()
    };
    assert!(rounds(10_000_001).contains("10000000") && rounds(0).contains("10000000"));
}
