//! How a password becomes a key, and how much work that may be.

use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::hex_text::HexText;
use super::rejected::{SealedRejected, unsupported};
use crate::keys::odd_scrypt;

/// The only function below PBKDF2.
const PRF: &str = "hmac-sha256";
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
/// scrypt's block size and passes. Source: go-ethereum, `accounts/keystore`.
const SCRYPT_R: u32 = 8;
const SCRYPT_P: u32 = 1;

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

/// How a password becomes a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kdf", content = "kdfparams", rename_all = "lowercase")]
pub(super) enum Kdf {
    Scrypt { dklen: usize, n: u64, p: u32, r: u32, salt: HexText },
    Pbkdf2 { c: u32, dklen: usize, prf: String, salt: HexText },
}

/// What a password became, wiped when it is not needed any more.
pub(super) type Derived = Zeroizing<[u8; DERIVED_BYTES]>;

impl Kdf {
    /// Ours, with salt that was never used before.
    pub(super) fn draw(cost: Cost) -> Self {
        let salt: [u8; SALT_BYTES] = rand::random();
        Self::Scrypt { dklen: DERIVED_BYTES, n: cost.n, p: SCRYPT_P, r: SCRYPT_R, salt: HexText(salt.to_vec()) }
    }

    /// The key that a password becomes. Bounds are checked before memory or time is spent.
    pub(super) fn derive(&self, password: &[u8]) -> Result<Derived, SealedRejected> {
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
