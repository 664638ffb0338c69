//! A secret as other tools write it.
//!
//! | text | from |
//! |---|---|
//! | `{"secp256k1": "0x…"}` | `relayer new-key`, `subnet-node actor --key` |
//! | 64 hex digits, with or without `0x` | wallets |

use serde::{Deserialize, Serialize};
use tributary_crypto::SecpSecretKey;
use tributary_primitives::Hash32;
use zeroize::Zeroizing;

/// Why a text is no secret. The text is never shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretRejected {
    /// None of the forms.
    #[error("it is neither a keystore, nor {{\"secp256k1\": \"0x…64 hex digits…\"}}, nor 64 hex digits")]
    Malformed,
    /// 32 bytes that are no key.
    #[error("these 32 bytes are no secp256k1 key")]
    NotAKey,
}

#[derive(Serialize, Deserialize)]
struct Plain {
    secp256k1: Hash32,
}

/// Reads the key in a text of either form.
///
/// # Errors
/// [`SecretRejected`].
pub fn read(text: &[u8]) -> Result<SecpSecretKey, SecretRejected> {
    let secret = Zeroizing::new(read_bytes(text).ok_or(SecretRejected::Malformed)?);
    SecpSecretKey::from_bytes(&secret).map_err(|_| SecretRejected::NotAKey)
}

fn read_bytes(text: &[u8]) -> Option<[u8; 32]> {
    if let Ok(Plain { secp256k1 }) = serde_json::from_slice(text) {
        return Some(secp256k1.0);
    }
    let digits = text.trim_ascii();
    let digits = digits.strip_prefix(b"0x").unwrap_or(digits);
    let mut secret = [0; 32];
    hex::decode_to_slice(digits, &mut secret).ok()?;
    Some(secret)
}

/// The key as a file that `relayer` and `subnet-node actor` read: in clear.
#[must_use]
pub fn to_json(key: &SecpSecretKey) -> Zeroizing<String> {
    let plain = Plain { secp256k1: Hash32(key.to_bytes()) };
    let mut text = serde_json::to_string(&plain).expect("one hex string has a JSON form");
    text.push('\n');
    Zeroizing::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reads_in_every_form_and_nothing_else_does() {
        let digits = "07".repeat(32);
        let key = SecpSecretKey::from_bytes(&[7; 32]).unwrap();
        for text in [
            digits.clone(),
            format!("0x{digits}\n"),
            format!(r#"{{"secp256k1":"0x{digits}"}}"#),
            to_json(&key).to_string(),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap().to_bytes(), [7; 32]);
        }
        for text in ["", "0x", "07", "{}", r#"{"secp256k1":"0x07"}"#, &format!("{digits}07"), &"zz".repeat(32)] {
            assert_eq!(read(text.as_bytes()).unwrap_err(), SecretRejected::Malformed, "{text}");
        }
        assert_eq!(read("00".repeat(32).as_bytes()).unwrap_err(), SecretRejected::NotAKey);
    }
}
