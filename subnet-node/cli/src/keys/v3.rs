//! A secret sealed by a password: Ethereum's keystore V3.
//!
//! ```text
//! password ─scrypt─▶ 32 bytes ─┬─ first 16: AES-128-CTR key ──▶ ciphertext of the secret
//!                              └─ last 16, with the ciphertext ─keccak-256─▶ mac: tells a wrong password
//! ```
//!
//! What other tools sealed by PBKDF2 opens too. `f1`, our own member beside the standard's, is passed over by others.
//!
//! A BLS key, which the standard does not know, is sealed in the same way, so that Ethereum's tools do not take it for one of theirs:
//!
//! | | secp256k1 | BLS |
//! |---|---|---|
//! | `kind` | left out | `bls` |
//! | addresses | `address`, `f1` | `f3` |
//! | what is sealed | the key's 32 bytes | a 2, and the key's 32 bytes: 33, which are no Ethereum key |
//!
//! Source: Ethereum, "Web3 Secret Storage Definition", version 3.

use aes::Aes128;
use alloy_primitives::keccak256;
use ctr::cipher::{KeyIvInit as _, StreamCipher as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::key::{Accounts, Key, KeyKind, SECRET_BYTES};
use super::odd_scrypt;

/// The only version there is.
const VERSION: u64 = 3;
/// The only cipher of this version.
const CIPHER: &str = "aes-128-ctr";
/// The only function below PBKDF2.
const PRF: &str = "hmac-sha256";
/// What stands before a BLS key that is sealed: Filecoin's number of its signatures. The mac covers it, so no change of `kind` makes a key
/// of another kind of the same bytes.
const BLS_MARK: u8 = 2;
/// Bytes that a password is stretched to.
const DERIVED_BYTES: usize = 32;
/// Bytes of salt that we take.
const SALT_BYTES: usize = 32;
/// Most bytes of salt that are read.
const SALT_BYTES_MAX: usize = 256;
/// Most memory that scrypt is given: four times what the standard's files ask for.
const SCRYPT_BYTES_MAX: u64 = 1 << 30;
/// Most passes over that memory.
const SCRYPT_PASSES_MAX: u32 = 16;
/// Most rounds of PBKDF2: some seconds.
const PBKDF2_ROUNDS_MAX: u32 = 10_000_000;

/// How costly it is to try a password.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory is 128 bytes times this times 8.
    n: u64,
}

impl Cost {
    /// 256 MiB and most of a second. Source: go-ethereum, `accounts/keystore`, `StandardScryptN`.
    pub const STANDARD: Self = Self { n: 1 << 18 };
    /// Next to none, for tests.
    #[cfg(test)]
    pub const SMALL: Self = Self { n: 1 << 4 };
}

/// scrypt's block size and passes. Source: as above.
const SCRYPT_R: u32 = 8;
const SCRYPT_P: u32 = 1;

/// Why a file is no sealed key, or does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealedRejected {
    /// Not the JSON of one.
    #[error("it is no Ethereum keystore (version 3): {0}")]
    Malformed(String),
    /// A member that is not as it must be.
    #[error("it is no keystore that can be opened here: {name} {why}")]
    Unsupported {
        /// Which.
        name: &'static str,
        /// What it should be.
        why: String,
    },
    /// The mac is another.
    #[error("the password is wrong, or the file was changed")]
    Password,
    /// What was sealed is no key.
    #[error("what it seals is no {0} key")]
    NotAKey(KeyKind),
    /// The file names another account than its key has.
    #[error("it says that it is the key of {says}, and it is the key of {is}")]
    OtherAddress {
        /// What stands in the file.
        says: String,
        /// What the key has.
        is: String,
    },
}

/// A sealed key, as its file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    f1: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    f3: Option<String>,
    // Old files of go-ethereum's start it with a capital.
    #[serde(alias = "Crypto")]
    crypto: Crypto,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Crypto {
    cipher: String,
    cipherparams: CipherParams,
    ciphertext: HexText,
    #[serde(flatten)]
    kdf: Kdf,
    mac: HexText,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct CipherParams {
    iv: HexText,
}

/// How a password becomes a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kdf", content = "kdfparams", rename_all = "lowercase")]
enum Kdf {
    Scrypt { dklen: usize, n: u64, p: u32, r: u32, salt: HexText },
    Pbkdf2 { c: u32, dklen: usize, prf: String, salt: HexText },
}

/// Bytes in hex, without `0x` as the standard has it; `0x` is read too.
#[derive(Clone, Debug, PartialEq, Eq)]
struct HexText(Vec<u8>);

impl Serialize for HexText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for HexText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(text.strip_prefix("0x").unwrap_or(&text)).map(Self).map_err(serde::de::Error::custom)
    }
}

type Derived = Zeroizing<[u8; DERIVED_BYTES]>;

impl Sealed {
    /// Seals `key` by `password`. Cost: as `cost` says.
    #[must_use]
    pub fn seal(key: &Key, password: &[u8], cost: Cost) -> Self {
        let (salt, iv): ([u8; SALT_BYTES], [u8; 16]) = (rand::random(), rand::random());
        let salt = HexText(salt.to_vec());
        let kdf = Kdf::Scrypt { dklen: DERIVED_BYTES, n: cost.n, p: SCRYPT_P, r: SCRYPT_R, salt };
        let derived = kdf.derive(password).expect("our own numbers are within our bounds");
        let mut ciphertext = plain(key);
        apply(&derived, iv, &mut ciphertext);
        let crypto = Crypto {
            cipher: CIPHER.to_owned(),
            cipherparams: CipherParams { iv: HexText(iv.to_vec()) },
            mac: HexText(mac(&derived, &ciphertext).to_vec()),
            ciphertext: HexText(ciphertext),
            kdf,
        };
        let kind = match key.kind() {
            KeyKind::Secp256k1 => None,
            KeyKind::Bls => Some(KeyKind::Bls.name().to_owned()),
        };
        let Accounts { ethereum, f1, f3 } = key.accounts();
        let address = ethereum.map(|address| hex::encode(address.0));
        Self { version: VERSION, id: Some(uuid()), kind, address, f1, f3, crypto }
    }

    /// The key, if the password is right and the file says of itself what is true.
    ///
    /// # Errors
    /// [`SealedRejected`].
    pub fn open(&self, password: &[u8]) -> Result<Key, SealedRejected> {
        let Crypto { cipherparams, ciphertext, kdf, mac: expected, .. } = &self.crypto;
        let iv = <[u8; 16]>::try_from(cipherparams.iv.0.as_slice());
        let iv = iv.map_err(|_| unsupported("cipherparams.iv", "must have 16 bytes"))?;
        let derived = kdf.derive(password)?;
        if mac(&derived, &ciphertext.0)[..] != expected.0[..] {
            return Err(SealedRejected::Password);
        }
        let mut plain = Zeroizing::new(ciphertext.0.clone());
        apply(&derived, iv, &mut plain[..]);
        let key = read_plain(self.kind(), &plain).ok_or(SealedRejected::NotAKey(self.kind()))?;
        self.check_addresses(&key)?;
        Ok(key)
    }

    /// A file that was changed must not make its owner believe that another's address is their own.
    fn check_addresses(&self, key: &Key) -> Result<(), SealedRejected> {
        let Accounts { ethereum, f1, f3 } = key.accounts();
        let says = self.address.as_ref().map(|address| format!("0x{}", bare(address).to_lowercase()));
        let ethereum = ethereum.map(|address| address.to_string());
        let pairs = [(says, ethereum), (self.f1.clone(), f1), (self.f3.clone(), f3)];
        let is_other = |says: &String, is: &Option<String>| Some(says) != is.as_ref();
        let other = pairs.into_iter().find_map(|(says, is)| Some((says.filter(|says| is_other(says, &is))?, is)));
        match other {
            Some((says, is)) => {
                let is = is.unwrap_or_else(|| format!("no such account, as a {} key", key.kind()));
                Err(SealedRejected::OtherAddress { says, is })
            }
            None => Ok(()),
        }
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// [`SealedRejected`]; whatever the text, it is never shown.
    pub fn from_json(text: &[u8]) -> Result<Self, SealedRejected> {
        // The parser's own message could quote the file.
        let sealed: Self = serde_json::from_slice(text)
            .map_err(|why| SealedRejected::Malformed(format!("line {}, column {}", why.line(), why.column())))?;
        if sealed.version != VERSION {
            return Err(unsupported("version", "must be 3"));
        }
        if sealed.crypto.cipher != CIPHER {
            return Err(unsupported("cipher", "must be aes-128-ctr"));
        }
        if sealed.kind.as_deref().is_some_and(|kind| KeyKind::named(kind).is_none()) {
            return Err(unsupported("kind", "must be secp256k1 or bls"));
        }
        Ok(sealed)
    }

    /// The file's text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("texts and numbers have a JSON form");
        text.push('\n');
        text
    }

    /// What kind of key it seals, as the file says.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind.as_deref().and_then(KeyKind::named).unwrap_or(KeyKind::Secp256k1)
    }

    /// The accounts that stand in the file.
    #[must_use]
    pub fn accounts(&self) -> Accounts {
        let ethereum = self.address.as_ref().and_then(|address| format!("0x{}", bare(address)).parse().ok());
        Accounts { ethereum, f1: self.f1.clone(), f3: self.f3.clone() }
    }
}

/// What is sealed of a key.
fn plain(key: &Key) -> Vec<u8> {
    let secret = key.to_bytes();
    match key.kind() {
        KeyKind::Secp256k1 => secret.to_vec(),
        KeyKind::Bls => [&[BLS_MARK][..], &secret[..]].concat(),
    }
}

/// The key of this kind of which that was sealed.
fn read_plain(kind: KeyKind, plain: &[u8]) -> Option<Key> {
    let bytes = match kind {
        KeyKind::Secp256k1 => plain,
        KeyKind::Bls => plain.strip_prefix(&[BLS_MARK])?,
    };
    let mut secret = Zeroizing::new([0; SECRET_BYTES]);
    if bytes.len() != secret.len() {
        return None;
    }
    secret.copy_from_slice(bytes);
    Key::from_bytes(kind, &secret).ok()
}

impl Kdf {
    /// The key that a password becomes. Bounds are checked before memory or time is spent.
    fn derive(&self, password: &[u8]) -> Result<Derived, SealedRejected> {
        let mut derived = Zeroizing::new([0; DERIVED_BYTES]);
        match self {
            Self::Scrypt { dklen, n, p, r, salt } => {
                check_common(*dklen, salt)?;
                let bytes = n.checked_mul(128).and_then(|bytes| bytes.checked_mul((*r).into()));
                let is_bounded = n.is_power_of_two()
                    && *n > 1
                    && (1..=SCRYPT_PASSES_MAX).contains(p)
                    && bytes.is_some_and(|bytes| (1..=SCRYPT_BYTES_MAX).contains(&bytes));
                let bounds = "must have n a power of two, 128·n·r at most 1 GiB, p from 1 to 16";
                if !is_bounded {
                    return Err(unsupported("kdfparams", bounds));
                }
                scrypt_to(password, &salt.0, *n, *r, *p, &mut derived)
                    .ok_or_else(|| unsupported("kdfparams", bounds))?;
            }
            Self::Pbkdf2 { c, dklen, prf, salt } => {
                check_common(*dklen, salt)?;
                if prf != PRF || !(1..=PBKDF2_ROUNDS_MAX).contains(c) {
                    return Err(unsupported("kdfparams", "must have prf hmac-sha256 and c from 1 to 10000000"));
                }
                pbkdf2::pbkdf2_hmac::<Sha256>(password, &salt.0, *c, &mut derived[..]);
            }
        }
        Ok(derived)
    }
}

/// Stretches a password by scrypt, with numbers that were bounded; `None` where they do not even fit the machine.
fn scrypt_to(password: &[u8], salt: &[u8], n: u64, r: u32, p: u32, derived: &mut Derived) -> Option<()> {
    let log_n = n.trailing_zeros();
    // What the library takes, it computes; its rule is RFC 7914's.
    if log_n < r.checked_mul(16)? {
        let params = scrypt::Params::new(log_n.try_into().ok()?, r, p, DERIVED_BYTES).ok()?;
        return scrypt::scrypt(password, salt, &params, &mut derived[..]).ok();
    }
    let (n, r, p) = (n.try_into().ok()?, r.try_into().ok()?, p.try_into().ok()?);
    odd_scrypt::derive(password, salt, n, r, p, &mut derived[..]);
    Some(())
}

fn check_common(dklen: usize, salt: &HexText) -> Result<(), SealedRejected> {
    match dklen == DERIVED_BYTES && salt.0.len() <= SALT_BYTES_MAX {
        true => Ok(()),
        false => Err(unsupported("kdfparams", "must have dklen 32 and a salt of 256 bytes at most")),
    }
}

fn unsupported(name: &'static str, why: &str) -> SealedRejected {
    SealedRejected::Unsupported { name, why: why.to_owned() }
}

fn bare(address: &str) -> &str {
    address.strip_prefix("0x").unwrap_or(address)
}

/// Encrypts or decrypts in place: the same in counter mode.
fn apply(derived: &Derived, iv: [u8; 16], bytes: &mut [u8]) {
    let mut key = Zeroizing::new([0; 16]);
    key.copy_from_slice(&derived[..16]);
    ctr::Ctr128BE::<Aes128>::new((&*key).into(), (&iv).into()).apply_keystream(bytes);
}

fn mac(derived: &Derived, ciphertext: &[u8]) -> [u8; 32] {
    let input = Zeroizing::new([&derived[16..], ciphertext].concat());
    keccak256(&input[..]).0
}

/// A random name (version 4). Source: RFC 9562.
fn uuid() -> String {
    let mut bytes: [u8; 16] = rand::random();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex::encode(bytes);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

#[cfg(test)]
mod tests {
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

    fn key(secret: u8) -> Key {
        Key::from_bytes(KeyKind::Secp256k1, &[secret; 32]).unwrap()
    }

    fn bls_key(secret: u8) -> Key {
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
    fn a_bls_key_is_sealed_so_that_nobody_takes_it_for_an_ethereum_key() {
        let sealed = Sealed::seal(&bls_key(7), b"one", Cost::SMALL);
        let opened = sealed.open(b"one").unwrap();
        assert_eq!((opened.kind(), *opened.to_bytes()), (KeyKind::Bls, [7; 32]));
        assert_eq!(sealed.open(b"").unwrap_err(), SealedRejected::Password);
        assert_eq!((sealed.kind(), sealed.accounts()), (KeyKind::Bls, bls_key(7).accounts()));
        let written: Value = serde_json::from_str(&sealed.to_json()).unwrap();
        assert_eq!((&written["kind"], written.get("address"), written.get("f1")), (&json!("bls"), None, None));
        assert_eq!(written["crypto"]["ciphertext"].as_str().unwrap().len(), 2 * 33, "no length of an Ethereum key's");
        assert_eq!(Sealed::from_json(sealed.to_json().as_bytes()).unwrap(), sealed);
        // As another tool reads it, or who changed the file wants it read: the same bytes are no key of the other kind.
        let taken = Sealed { kind: None, f3: None, ..sealed };
        assert_eq!(taken.open(b"one").unwrap_err(), SealedRejected::NotAKey(KeyKind::Secp256k1));
        let ethereum = Sealed::seal(&key(7), b"one", Cost::SMALL);
        let taken = Sealed { kind: Some("bls".to_owned()), address: None, f1: None, ..ethereum };
        assert_eq!(taken.open(b"one").unwrap_err(), SealedRejected::NotAKey(KeyKind::Bls));
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

    #[test]
    fn what_was_sealed_and_is_no_key_is_told_as_such() {
        let zero = {
            let mut sealed = Sealed::seal(&key(7), b"", Cost::SMALL);
            let derived = sealed.crypto.kdf.derive(b"").unwrap();
            let mut ciphertext = vec![0; 32];
            apply(&derived, sealed.crypto.cipherparams.iv.0.as_slice().try_into().unwrap(), &mut ciphertext);
            sealed.crypto.mac = HexText(mac(&derived, &ciphertext).to_vec());
            sealed.crypto.ciphertext = HexText(ciphertext);
            sealed
        };
        assert_eq!(zero.open(b"").unwrap_err(), SealedRejected::NotAKey(KeyKind::Secp256k1));
    }

    #[test]
    fn a_random_name_is_of_version_4() {
        let name = uuid();
        assert_eq!((name.len(), &name[14..15], name.matches('-').count()), (36, "4", 4));
        assert!(["8", "9", "a", "b"].contains(&&name[19..20]));
    }
}
