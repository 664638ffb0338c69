//! A validator's keys, and the files they are kept in.
//!
//! ```text
//! keys.json          mode 0600; three secrets; `subnet-node init` and `genesis new-keys` make it, the node alone reads it
//! keys.public.json   what others may know: goes into the genesis document
//! ```
//!
//! | key | scheme | signs |
//! |---|---|---|
//! | consensus | ed25519 | blocks |
//! | bls | BLS12-381 | checkpoints |
//! | network | ed25519 | connections to peers (libp2p) |

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tributary_crypto::{BlsSecretKey, bls};
use tributary_primitives::{BlsPublicKey, BlsSignature};

use crate::words::ConsensusPublicKey;

/// The version of key file this code reads and writes.
pub const KEYS_VERSION: u64 = 1;

/// Most bytes of a key file, asked before it is parsed; a usual one has 300.
const KEY_FILE_BYTES_MAX: u64 = 4_096;

/// A validator's secrets. Never printed.
#[derive(Clone)]
pub struct Keys {
    /// Seed of the ed25519 key that signs blocks.
    pub consensus_seed: [u8; 32],
    /// Signs checkpoints.
    pub bls: BlsSecretKey,
    /// Seed of the ed25519 key that names this node to its peers.
    pub network_seed: [u8; 32],
}

/// What others may know of a validator's keys.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicKeys {
    /// [`KEYS_VERSION`].
    pub version: u64,
    /// Verifies the validator's votes.
    pub consensus_key: ConsensusPublicKey,
    /// Verifies its signatures of checkpoints.
    pub bls_key: BlsPublicKey,
    /// Proof that the holder of `bls_key` knows its secret.
    pub bls_possession: BlsSignature,
    /// The node's ed25519 key on the network; its libp2p peer id is made of it.
    pub network_key: ConsensusPublicKey,
}

/// The file's form: hex texts.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    version: u64,
    consensus_seed: Secret,
    bls_secret: Secret,
    network_seed: Secret,
}

#[derive(Serialize, Deserialize)]
struct Secret(#[serde(with = "tributary_primitives::hash")] [u8; 32]);

/// Why a key file is not used. Whoever keeps the files is at fault.
#[derive(Debug, thiserror::Error)]
pub enum KeysRejected {
    /// It cannot be read or written.
    #[error("{path}: {reason}", path = .path.display())]
    NotAccessible {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        reason: io::Error,
    },
    /// Making keys never replaces keys.
    #[error("{path} exists; keys are never overwritten. Move it away or name another file", path = .0.display())]
    Exists(PathBuf),
    /// Others on this machine can read it.
    #[error("{path} can be read by others (mode {mode:o}); `chmod 600 {path}` keeps it to you", path = .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not the form of a key file.
    #[error("{path} is no key file: {reason}", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong, without any of the content.
        reason: String,
    },
}

impl Keys {
    /// Fresh keys from the operating system's randomness.
    #[must_use]
    pub fn generate() -> Self {
        Self { consensus_seed: rand::random(), bls: BlsSecretKey::generate(), network_seed: rand::random() }
    }

    /// The key that signs blocks.
    #[must_use]
    pub fn consensus(&self) -> ed25519_consensus::SigningKey {
        self.consensus_seed.into()
    }

    /// What others may know. Cost: one BLS signature.
    #[must_use]
    pub fn public(&self) -> PublicKeys {
        let network = ed25519_consensus::SigningKey::from(self.network_seed);
        PublicKeys {
            version: KEYS_VERSION,
            consensus_key: ConsensusPublicKey(self.consensus().verification_key().to_bytes()),
            bls_key: self.bls.public_key(),
            bls_possession: self.bls.prove_possession(),
            network_key: ConsensusPublicKey(network.verification_key().to_bytes()),
        }
    }

    /// Writes the secrets to a new file that only its owner can read, and waits until the disk has it.
    ///
    /// # Errors
    /// [`KeysRejected::Exists`] rather than overwriting, [`KeysRejected::NotAccessible`].
    pub fn write_new(&self, path: &Path) -> Result<(), KeysRejected> {
        let file = KeyFile {
            version: KEYS_VERSION,
            consensus_seed: Secret(self.consensus_seed),
            bls_secret: Secret(self.bls.to_bytes()),
            network_seed: Secret(self.network_seed),
        };
        let json = serde_json::to_string_pretty(&file).expect("a number and three texts");
        write_new(path, &json, 0o600)
    }

    /// Reads the secrets.
    ///
    /// # Errors
    /// [`KeysRejected::Exposed`] before anything is read, [`KeysRejected::Unreadable`], [`KeysRejected::NotAccessible`].
    pub fn read(path: &Path) -> Result<Self, KeysRejected> {
        let file = File::open(path).map_err(not_accessible(path))?;
        is_private(&file, path)?;
        let file: KeyFile = read_json(file, path)?;
        is_version(file.version, path)?;
        let bls = BlsSecretKey::from_bytes(&file.bls_secret.0).map_err(|reason| unreadable(path, reason))?;
        Ok(Self { consensus_seed: file.consensus_seed.0, bls, network_seed: file.network_seed.0 })
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys of {}", self.public().consensus_key)
    }
}

impl PublicKeys {
    /// Writes the public half to a new file.
    ///
    /// # Errors
    /// [`KeysRejected::Exists`] rather than overwriting, [`KeysRejected::NotAccessible`].
    pub fn write_new(&self, path: &Path) -> Result<(), KeysRejected> {
        write_new(path, &serde_json::to_string_pretty(self).expect("a number and four texts"), 0o644)
    }

    /// Reads the public half and checks the proof of possession.
    ///
    /// # Errors
    /// [`KeysRejected::Unreadable`], [`KeysRejected::NotAccessible`].
    pub fn read(path: &Path) -> Result<Self, KeysRejected> {
        let keys: Self = read_json(File::open(path).map_err(not_accessible(path))?, path)?;
        is_version(keys.version, path)?;
        if !bls::possesses(&keys.bls_key, &keys.bls_possession) {
            return Err(unreadable(path, "bls_possession is no proof of possession of bls_key"));
        }
        Ok(keys)
    }
}

/// Where the public half of `keys` lies: beside it, `keys.json` and `keys.public.json`.
#[must_use]
pub fn public_path(keys: &Path) -> PathBuf {
    keys.with_extension("public.json")
}

fn write_new(path: &Path, json: &str, mode: u32) -> Result<(), KeysRejected> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(path).map_err(|reason| match reason.kind() {
        io::ErrorKind::AlreadyExists => KeysRejected::Exists(path.to_owned()),
        _ => not_accessible(path)(reason),
    })?;
    let written = file.write_all(json.as_bytes()).and_then(|()| file.write_all(b"\n")).and_then(|()| file.sync_all());
    written.map_err(not_accessible(path))
}

fn read_json<T: for<'de> Deserialize<'de>>(file: File, path: &Path) -> Result<T, KeysRejected> {
    let mut json = Vec::new();
    let bytes = file.take(KEY_FILE_BYTES_MAX + 1).read_to_end(&mut json).map_err(not_accessible(path))?;
    if u64::try_from(bytes).is_ok_and(|bytes| bytes > KEY_FILE_BYTES_MAX) {
        return Err(unreadable(path, format!("it has more than {KEY_FILE_BYTES_MAX} bytes")));
    }
    // The parser's words could quote a secret; where it stopped is enough to find the place.
    serde_json::from_slice(&json)
        .map_err(|reason| unreadable(path, format!("see line {}, column {}", reason.line(), reason.column())))
}

fn is_version(version: u64, path: &Path) -> Result<(), KeysRejected> {
    if version == KEYS_VERSION {
        Ok(())
    } else {
        Err(unreadable(path, format!("version {version}, not {KEYS_VERSION}")))
    }
}

#[cfg(unix)]
fn is_private(file: &File, path: &Path) -> Result<(), KeysRejected> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = file.metadata().map_err(not_accessible(path))?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeysRejected::Exposed { path: path.to_owned(), mode }) }
}

/// Only Unix has permission bits to ask.
#[cfg(not(unix))]
fn is_private(_: &File, _: &Path) -> Result<(), KeysRejected> {
    Ok(())
}

fn unreadable(path: &Path, reason: impl ToString) -> KeysRejected {
    KeysRejected::Unreadable { path: path.to_owned(), reason: reason.to_string() }
}

fn not_accessible(path: &Path) -> impl Fn(io::Error) -> KeysRejected + '_ {
    move |reason| KeysRejected::NotAccessible { path: path.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn keys_come_back_from_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let keys = Keys::generate();
        keys.write_new(&path).unwrap();
        keys.public().write_new(&public_path(&path)).unwrap();
        assert_eq!(Keys::read(&path).unwrap().public(), keys.public());
        assert_eq!(PublicKeys::read(&folder.path().join("keys.public.json")).unwrap(), keys.public());
        assert!(keys.public().consensus_key.is_a_key());
    }

    #[test]
    fn keys_are_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let first = Keys::generate();
        first.write_new(&path).unwrap();
        assert!(matches!(Keys::generate().write_new(&path), Err(KeysRejected::Exists(_))));
        assert_eq!(Keys::read(&path).unwrap().public(), first.public());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        Keys::generate().write_new(&path).unwrap();
        for mode in [0o640, 0o604] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(Keys::read(&path), Err(KeysRejected::Exposed { mode: found, .. }) if found == mode));
        }
    }

    #[test]
    fn each_damaged_file_is_refused_and_no_secret_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let good = folder.path().join("keys.json");
        Keys::generate().write_new(&good).unwrap();
        let json = fs::read_to_string(&good).unwrap();
        let secret = json.split('"').nth(5).unwrap().to_owned();
        let rows: [(&str, String, &str); 5] = [
            ("version", json.replacen(": 1", ": 2", 1), "version 2"),
            ("unknown field", json.replacen("bls_secret", "bls_sekret", 1), "see line"),
            ("short seed", json.replacen(&secret, &secret[..10], 1), "see line"),
            ("not json", secret.clone(), "see line"),
            ("too long", " ".repeat(5_000), "more than 4096 bytes"),
        ];
        for (name, damaged, reason) in rows {
            fs::write(&good, damaged).unwrap();
            let refusal = Keys::read(&good).unwrap_err().to_string();
            assert!(refusal.contains(reason), "{name}: {refusal}");
            assert!(!refusal.contains(&secret[2..]), "{name}: {refusal}");
        }
    }

    #[test]
    fn a_public_file_without_proof_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.public.json");
        let stolen = PublicKeys { bls_key: Keys::generate().public().bls_key, ..Keys::generate().public() };
        stolen.write_new(&path).unwrap();
        assert!(PublicKeys::read(&path).unwrap_err().to_string().contains("no proof of possession"));
    }
}
