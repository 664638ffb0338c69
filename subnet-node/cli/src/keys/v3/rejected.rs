//! Why a file is no sealed key, or does not open.

use crate::keys::key::KeyKind;

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

/// A member that is not as it must be.
pub(super) fn unsupported(name: &'static str, why: &str) -> SealedRejected {
    SealedRejected::Unsupported { name, why: why.to_owned() }
}
