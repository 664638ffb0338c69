//! Bytes sealed by a password: encrypted, and told from any others by their mac.

use aes::Aes128;
use alloy_primitives::keccak256;
use ctr::cipher::{KeyIvInit as _, StreamCipher as _};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::hex_text::HexText;
use super::kdf::{Cost, Derived, Kdf};
use super::rejected::{SealedRejected, unsupported};

/// The only cipher of this version.
const CIPHER: &str = "aes-128-ctr";

/// What is sealed, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Crypto {
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

impl Crypto {
    /// Seals `bytes` by `password`. Cost: as `cost` says.
    pub(super) fn seal(mut bytes: Vec<u8>, password: &[u8], cost: Cost) -> Self {
        let (kdf, iv): (_, [u8; 16]) = (Kdf::draw(cost), rand::random());
        let derived = kdf.derive(password).expect("our own numbers are within our bounds");
        apply(&derived, iv, &mut bytes);
        Self {
            cipher: CIPHER.to_owned(),
            cipherparams: CipherParams { iv: HexText(iv.to_vec()) },
            mac: HexText(mac(&derived, &bytes).to_vec()),
            ciphertext: HexText(bytes),
            kdf,
        }
    }

    /// What was sealed, if the password is right.
    pub(super) fn open(&self, password: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealedRejected> {
        let Self { cipherparams, ciphertext, kdf, mac: expected, .. } = self;
        let iv = <[u8; 16]>::try_from(cipherparams.iv.0.as_slice());
        let iv = iv.map_err(|_| unsupported("cipherparams.iv", "must have 16 bytes"))?;
        let derived = kdf.derive(password)?;
        if mac(&derived, &ciphertext.0)[..] != expected.0[..] {
            return Err(SealedRejected::Password);
        }
        let mut plain = Zeroizing::new(ciphertext.0.clone());
        apply(&derived, iv, &mut plain[..]);
        Ok(plain)
    }

    /// Whether it is sealed by the cipher that there is.
    pub(super) fn check_cipher(&self) -> Result<(), SealedRejected> {
        match self.cipher == CIPHER {
            true => Ok(()),
            false => Err(unsupported("cipher", "must be aes-128-ctr")),
        }
    }
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
