//! A secret as other tools write it.
//!
//! | text | kind | from |
//! |---|---|---|
//! | `{"secp256k1": "0x…"}` | secp256k1 | `relayer new-key`, `subnet-node actor --key` |
//! | `{"Type": "bls", "PrivateKey": "…base64…"}`, as it is or all of it in hex | as `Type` says | `lotus wallet export` |
//! | 64 hex digits, with or without `0x` | as whoever brings it says | wallets |

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use tributary_primitives::Hash32;
use zeroize::{Zeroize as _, Zeroizing};

use super::key::{Key, KeyKind, SECRET_BYTES, Secret};

/// Why a text is no secret. The text is never shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretRejected {
    /// None of the forms.
    #[error(
        "it is neither a keystore, nor {{\"secp256k1\": \"0x…64 hex digits…\"}}, nor what `lotus wallet export` prints, nor 64 hex digits"
    )]
    Malformed,
    /// A key of Lotus' that signs no message here.
    #[error("it is a key of Lotus' whose type is neither secp256k1, nor delegated, nor bls: it has no account here")]
    UnknownType,
    /// 32 bytes that are no key.
    #[error("these 32 bytes are no {0} key{order}", order = order_of(*.0))]
    NotAKey(KeyKind),
}

fn order_of(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Secp256k1 => "",
        KeyKind::Bls => ": are they written as Filecoin's tools write them, the lowest first?",
    }
}

#[derive(Serialize, Deserialize)]
struct Plain {
    secp256k1: Hash32,
}

/// Source: Lotus, `chain/types/keystore.go`.
#[derive(Serialize, Deserialize)]
struct KeyInfo {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(rename = "PrivateKey")]
    private_key: String,
}

impl Drop for KeyInfo {
    fn drop(&mut self) {
        self.private_key.zeroize();
    }
}

/// Reads the key in a text of any form; `digits_are` says of which kind bare hex digits are.
///
/// # Errors
/// [`SecretRejected`].
pub fn read(text: &[u8], digits_are: KeyKind) -> Result<Key, SecretRejected> {
    let (kind, secret) = read_bytes(text, digits_are)?;
    Key::from_bytes(kind, &secret).map_err(|_| SecretRejected::NotAKey(kind))
}

fn read_bytes(text: &[u8], digits_are: KeyKind) -> Result<(KeyKind, Secret), SecretRejected> {
    if let Ok(Plain { secp256k1 }) = serde_json::from_slice(text) {
        return Ok((KeyKind::Secp256k1, Zeroizing::new(secp256k1.0)));
    }
    if let Ok(info) = serde_json::from_slice::<KeyInfo>(text) {
        return of_lotus(&info);
    }
    let digits = text.trim_ascii();
    let digits = digits.strip_prefix(b"0x").unwrap_or(digits);
    let bytes = Zeroizing::new(hex::decode(digits).map_err(|_| SecretRejected::Malformed)?);
    match serde_json::from_slice::<KeyInfo>(&bytes) {
        Ok(info) => of_lotus(&info),
        Err(_) => Ok((digits_are, exactly(&bytes)?)),
    }
}

/// An Ethereum account of Lotus' is of a secp256k1 key, as here.
fn of_lotus(info: &KeyInfo) -> Result<(KeyKind, Secret), SecretRejected> {
    let kind = match info.kind.as_str() {
        "secp256k1" | "delegated" => KeyKind::Secp256k1,
        "bls" => KeyKind::Bls,
        _ => return Err(SecretRejected::UnknownType),
    };
    let bytes = BASE64.decode(info.private_key.as_bytes()).map_err(|_| SecretRejected::Malformed)?;
    Ok((kind, exactly(&Zeroizing::new(bytes))?))
}

fn exactly(bytes: &[u8]) -> Result<Secret, SecretRejected> {
    let mut secret = Zeroizing::new([0; SECRET_BYTES]);
    if bytes.len() != secret.len() {
        return Err(SecretRejected::Malformed);
    }
    secret.copy_from_slice(bytes);
    Ok(secret)
}

/// The key in clear: a secp256k1 key as `relayer` and `subnet-node actor` read it, a BLS key as `lotus wallet import` does.
#[must_use]
pub fn to_text(key: &Key) -> Zeroizing<String> {
    let secret = key.to_bytes();
    let mut text = Zeroizing::new(match key.kind() {
        KeyKind::Secp256k1 => {
            let plain = Plain { secp256k1: Hash32(*secret) };
            serde_json::to_string(&plain).expect("one hex string has a JSON form")
        }
        KeyKind::Bls => {
            let info = KeyInfo { kind: KeyKind::Bls.name().to_owned(), private_key: BASE64.encode(&secret[..]) };
            let json = Zeroizing::new(serde_json::to_vec(&info).expect("two texts have a JSON form"));
            hex::encode(&json[..])
        }
    });
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `lotus wallet export` printed for the f3 and the f1 beside them.
    const LOTUS: [(&str, &str); 2] = [
        (
            "7b2254797065223a22626c73222c22507269766174654b6579223a22746d39534b6349696537354e3664595459764f67794b4277676f366570567a315651776c\
             675459427569733d227d",
            "f3wo44vs6uyzuzc7dipubydfzrdwfwhjzovcvdx5bqpish5srqx7veq7chbmew4uqiwakzvb6r6gquvt3xvksa",
        ),
        (
            "7b2254797065223a22736563703235366b31222c22507269766174654b6579223a226a7244314c48516258503942453964505635787350454237337a71744144\
             2b61644c52747a685a6646556f3d227d",
            "f162husxmdufmecnuuzwzjwlbvuv6vy6hvvzy7x5y",
        ),
    ];

    #[test]
    fn a_secret_reads_in_every_form_and_nothing_else_does() {
        let digits = "07".repeat(32);
        let key = Key::from_bytes(KeyKind::Secp256k1, &[7; 32]).unwrap();
        for text in [
            digits.clone(),
            format!("0x{digits}\n"),
            format!(r#"{{"secp256k1":"0x{digits}"}}"#),
            to_text(&key).to_string(),
        ] {
            let read = read(text.as_bytes(), KeyKind::Secp256k1).unwrap();
            assert_eq!((read.kind(), *read.to_bytes()), (KeyKind::Secp256k1, [7; 32]));
        }
        let short = r#"{"Type":"bls","PrivateKey":"Bwc="}"#;
        for text in ["", "0x", "07", "{}", r#"{"secp256k1":"0x07"}"#, short, &format!("{digits}07"), &"zz".repeat(32)] {
            assert_eq!(read(text.as_bytes(), KeyKind::Bls).unwrap_err(), SecretRejected::Malformed, "{text}");
        }
        let ledger = short.replace("bls", "secp256k1-ledger");
        assert_eq!(read(ledger.as_bytes(), KeyKind::Bls).unwrap_err(), SecretRejected::UnknownType);
        for kind in [KeyKind::Secp256k1, KeyKind::Bls] {
            assert_eq!(read("00".repeat(32).as_bytes(), kind).unwrap_err(), SecretRejected::NotAKey(kind));
        }
        let told = SecretRejected::NotAKey(KeyKind::Bls).to_string();
        assert!(told.contains("no bls key") && told.contains("the lowest first"), "{told}");
    }

    #[test]
    fn what_lotus_exports_is_the_key_of_the_same_address() {
        for (text, address) in LOTUS {
            let json = String::from_utf8(hex::decode(text).unwrap()).unwrap();
            for text in [text, &format!("{text}\n"), &json] {
                // What it says of itself counts, whatever digits are taken for.
                let key = read(text.as_bytes(), KeyKind::Bls).unwrap();
                let accounts = key.accounts();
                assert_eq!(accounts.f3.or(accounts.f1).unwrap(), address);
                assert_eq!(read(to_text(&key).as_bytes(), KeyKind::Secp256k1).unwrap().to_bytes(), key.to_bytes());
            }
        }
        let (exported, _) = LOTUS[0];
        let key = read(exported.as_bytes(), KeyKind::Secp256k1).unwrap();
        assert_eq!(to_text(&key).trim_end(), exported, "and Lotus reads it");
        let delegated = r#"{"Type":"delegated","PrivateKey":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="}"#;
        assert_eq!(*read(delegated.as_bytes(), KeyKind::Bls).unwrap().to_bytes(), [7; 32]);
    }

    #[test]
    fn bare_digits_are_of_the_kind_that_whoever_brings_them_says() {
        let digits = "b66f5229c2227bbe4de9d61362f3a0c8a070828e9ea55cf5550c25813601ba2b";
        let bls = read(digits.as_bytes(), KeyKind::Bls).unwrap();
        assert_eq!(bls.accounts().f3.as_deref(), Some(LOTUS[0].1), "the lowest byte first");
        assert_eq!(read(digits.as_bytes(), KeyKind::Secp256k1).unwrap().kind(), KeyKind::Secp256k1);
    }
}
