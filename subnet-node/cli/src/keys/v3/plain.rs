//! What is sealed of a key: its bytes, and for a BLS key what keeps them from being read as an Ethereum key's.

use zeroize::Zeroizing;

use crate::keys::key::{Key, KeyKind, SECRET_BYTES};

/// What stands before a BLS key that is sealed: Filecoin's number of its signatures. The mac covers it, so no change of `kind` makes a key
/// of another kind of the same bytes.
const BLS_MARK: u8 = 2;

/// What is sealed of a key.
pub(super) fn plain(key: &Key) -> Vec<u8> {
    let secret = key.to_bytes();
    match key.kind() {
        KeyKind::Secp256k1 => secret.to_vec(),
        KeyKind::Bls => [&[BLS_MARK][..], &secret[..]].concat(),
    }
}

/// The key of this kind of which that was sealed.
pub(super) fn read_plain(kind: KeyKind, plain: &[u8]) -> Option<Key> {
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::keys::v3::crypto::Crypto;
    use crate::keys::v3::tests::{bls_key, key};
    use crate::keys::v3::{Cost, Sealed, SealedRejected};

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
    fn what_was_sealed_and_is_no_key_is_told_as_such() {
        let zero = Crypto::seal(vec![0; 32], b"", Cost::SMALL);
        let zero = Sealed { crypto: zero, ..Sealed::seal(&key(7), b"", Cost::SMALL) };
        assert_eq!(zero.open(b"").unwrap_err(), SealedRejected::NotAKey(KeyKind::Secp256k1));
    }
}
