//! The sender's key on disk.
//!
//! ```json
//! { "secp256k1": "0x…64 hex digits…" }
//! ```
//!
//! Only its owner may read the file (mode 0600): a key that others can read is not used.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tributary_crypto::SecpSecretKey;
use tributary_primitives::Hash32;

/// Most bytes of a key file. Other keys may stand beside the one that is used.
const KEY_FILE_BYTES_MAX: u64 = 16 * 1024;

/// Mode of a key file: read and written by its owner alone.
const KEY_FILE_MODE: u32 = 0o600;

/// Bits that let others in.
const OTHERS: u32 = 0o077;

#[derive(Serialize, Deserialize)]
struct KeyFile {
    secp256k1: Hash32,
}

/// Why a key file cannot be used or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileRejected {
    /// It is not there, or not to be read.
    #[error("{path}: {why}; make one with `relayer new-key {path}`")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// It cannot be made.
    #[error("{path} cannot be made: {why}")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// Others can read it.
    #[error("{path} can be read by others (mode {mode:03o}): run `chmod 600 {path}`")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is no key file.
    #[error("{path} is no key file: {why}; it must hold {{\"secp256k1\": \"0x…64 hex digits…\"}}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// Reads the key in `path`.
///
/// # Errors
/// [`KeyFileRejected`] for a file that is missing, open to others, or no key file.
pub fn read_key(path: &Path) -> Result<SecpSecretKey, KeyFileRejected> {
    let unreadable = |why| KeyFileRejected::Unreadable { path: path.to_owned(), why };
    let malformed = |why: String| KeyFileRejected::Malformed { path: path.to_owned(), why };
    let file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(KeyFileRejected::Exposed { path: path.to_owned(), mode });
    }
    let mut text = Vec::new();
    file.take(KEY_FILE_BYTES_MAX).read_to_end(&mut text).map_err(unreadable)?;
    // The parser's own message could quote the file, and with it the key.
    let KeyFile { secp256k1 } = serde_json::from_slice(&text)
        .map_err(|why| malformed(format!("line {}, column {}", why.line(), why.column())))?;
    SecpSecretKey::from_bytes(&secp256k1.0).map_err(|why| malformed(why.to_string()))
}

/// Makes a fresh key and writes it to `path`, which must not exist.
///
/// # Errors
/// [`KeyFileRejected::Unwritable`]; an existing file stays as it is.
pub fn make_key(path: &Path) -> Result<SecpSecretKey, KeyFileRejected> {
    let key = SecpSecretKey::generate();
    let file = KeyFile { secp256k1: Hash32(key.to_bytes()) };
    let text = serde_json::to_vec(&file).expect("one hex string has a JSON form");
    let written =
        OpenOptions::new().write(true).create_new(true).mode(KEY_FILE_MODE).open(path).and_then(|mut file| {
            file.write_all(&text)?;
            file.write_all(b"\n")?;
            file.sync_all()
        });
    written.map_err(|why| KeyFileRejected::Unwritable { path: path.to_owned(), why })?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_that_was_made_reads_back_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relayer.json");
        let made = make_key(&path).unwrap();
        assert_eq!(read_key(&path).unwrap().f1_address(), made.f1_address());
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        let again = make_key(&path).unwrap_err();
        assert!(matches!(again, KeyFileRejected::Unwritable { .. }), "an existing key is kept");
        assert_eq!(read_key(&path).unwrap().f1_address(), made.f1_address());
    }

    #[test]
    fn each_bad_file_is_refused_for_its_own_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        let good = format!(r#"{{"secp256k1":"0x{}"}}"#, "07".repeat(32));
        let zero = format!(r#"{{"secp256k1":"0x{}"}}"#, "00".repeat(32));
        assert!(read_key(&path).unwrap_err().to_string().contains("relayer new-key"), "missing");
        for (text, mode, reason) in [
            (good.as_str(), 0o640, "chmod 600"),
            (good.as_str(), 0o604, "chmod 600"),
            ("{}", 0o600, "line 1"),
            (r#"{"secp256k1":"0x07"}"#, 0o600, "no key file"),
            (zero.as_str(), 0o600, "no secp256k1 secret key"),
        ] {
            write(&path, text).unwrap();
            set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let refusal = read_key(&path).unwrap_err().to_string();
            assert!(refusal.contains(reason), "{refusal}");
            assert!(!refusal.contains("0707"), "the key is never told: {refusal}");
        }
    }
}
