//! Secrets on disk: one sealed file a key, in a folder of their owner's.
//!
//! ```text
//! ~/.tributary/keys/        mode 0700
//!   alice.json              mode 0600, Ethereum's keystore V3
//! ```
//!
//! A secp256k1 key is two accounts: an Ethereum account (`0x…`, which is `f410f…`) and a Filecoin account (`f1…`); a BLS key is one,
//! `f3…`. Their addresses stand in the file in clear, so that keys can be listed without a password. A file that others can read is not
//! used.
//!
//! | module | is |
//! |---|---|
//! | [`key`] | a key of either kind, and its accounts |
//! | [`v3`] | the sealed file |
//! | `odd_scrypt` | scrypt with numbers that its standard forbids and files use |
//! | [`secret`] | a secret as other tools write it |
//! | [`password`] | where a password comes from |

pub mod key;
mod odd_scrypt;
pub mod password;
pub mod secret;
pub mod v3;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use fvm_shared::address::{Address, Protocol};
use tributary_primitives::{EthAddress, parse_address};

use key::{Accounts, Key, KeyKind};
use v3::{Sealed, SealedRejected};

/// Most bytes of a file with a key.
pub const KEY_FILE_BYTES_MAX: u64 = 64 * 1024;
/// Most keys that are listed.
const KEYS_MAX: usize = 10_000;
/// Most characters of a name.
const NAME_CHARACTERS_MAX: usize = 64;
/// Mode of a file with a key: read and written by its owner alone.
const FILE_MODE: u32 = 0o600;
/// Mode of the folder.
const FOLDER_MODE: u32 = 0o700;
/// Bits that let others in.
const OTHERS: u32 = 0o077;
/// What follows a key's name.
const EXTENSION: &str = "json";

/// Why a key cannot be had, or kept.
#[derive(Debug, thiserror::Error)]
pub enum KeyRejected {
    /// Not a name.
    #[error(
        "{0:?} is no name for a key: it has 1 to {NAME_CHARACTERS_MAX} letters, digits, - and _, and starts with a letter or digit"
    )]
    Name(String),
    /// An address, where a key is meant.
    #[error("{text} is {why}; `tributary keys list` shows your keys with their addresses")]
    Address {
        /// The address.
        text: String,
        /// What to do.
        why: &'static str,
    },
    /// No key of that name.
    #[error(
        "there is no key {name} in {folder}; `tributary keys list` shows those there are, `tributary keys create {name}` makes one"
    )]
    Unknown {
        /// The name.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// There is one of that name.
    #[error("there is a key {name} in {folder} already, and it stays; take another name")]
    Taken {
        /// The name.
        name: String,
        /// Where.
        folder: PathBuf,
    },
    /// The system says no.
    #[error("{path}: {why}")]
    File {
        /// Which file or folder.
        path: PathBuf,
        /// What it says.
        why: io::Error,
    },
    /// Others can read it.
    #[error("{path} can be read by others (mode {mode:03o}): run `chmod 600 {path}`")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It holds no key, or not by this password.
    #[error("{path}: {why}")]
    Sealed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: SealedRejected,
    },
    /// A text that was brought is no secret.
    #[error("{path} holds no key: {why}")]
    Secret {
        /// Where it came from.
        path: PathBuf,
        /// What is wrong.
        why: secret::SecretRejected,
    },
    /// More files than anybody has keys.
    #[error("{0} holds more than {KEYS_MAX} files: is it a folder of keys?")]
    TooMany(PathBuf),
}

/// What a key is called here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName(String);

impl FromStr for KeyName {
    type Err = KeyRejected;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_name = text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text.len() <= NAME_CHARACTERS_MAX
            && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_');
        match is_name {
            true => Ok(Self(text.to_owned())),
            // An f3 is longer than any name.
            false => Err(an_address(text).unwrap_or_else(|| KeyRejected::Name(text.chars().take(80).collect()))),
        }
    }
}

impl std::fmt::Display for KeyName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

/// What to tell whoever names a key by an address: nobody finds a secret by it, and behind some there is none.
fn an_address(text: &str) -> Option<KeyRejected> {
    let address = parse_address(text).ok()?;
    Some(KeyRejected::Address { text: text.to_owned(), why: why_no_name(&address) })
}

fn why_no_name(address: &Address) -> &'static str {
    let is_ethereum = EthAddress::from_address(address).is_some();
    match address.protocol() {
        Protocol::ID => {
            "an actor's number, which signs nothing: an account signs under its own address, so name its key; \
             any other actor has none, so name a key of yours, and call the actor"
        }
        Protocol::Delegated if is_ethereum => "an address, and a key goes by the name that it is kept under",
        Protocol::Secp256k1 | Protocol::BLS => "an address, and a key goes by the name that it is kept under",
        Protocol::Actor | Protocol::Delegated => {
            "an actor's address, behind which is no key, so nothing is signed in its name: name a key of yours, and call \
             the actor, e.g. propose to a multisig"
        }
    }
}

/// A key that is kept, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// What it is called.
    pub name: KeyName,
    /// What it signs by, as the file says.
    pub kind: KeyKind,
    /// Its accounts, as the file says.
    pub accounts: Accounts,
}

/// A key that is kept, and cannot be listed.
#[derive(Debug)]
pub struct Unlisted {
    /// What it is called.
    pub name: KeyName,
    /// Why.
    pub why: KeyRejected,
}

/// The folder.
#[derive(Clone, Debug)]
pub struct Keyring {
    folder: PathBuf,
}

impl Keyring {
    /// Of this folder, which need not be there yet.
    #[must_use]
    pub const fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where a key of this name is, or would be.
    #[must_use]
    pub fn path(&self, name: &KeyName) -> PathBuf {
        self.folder.join(format!("{name}.{EXTENSION}"))
    }

    /// All keys, by name: one that cannot be read hides no other. What is no key of a good name is passed over.
    ///
    /// # Errors
    /// [`KeyRejected`] for a folder that cannot be read, or is none of keys.
    pub fn list(&self) -> Result<Vec<Result<Listed, Unlisted>>, KeyRejected> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(why) => return Err(file(&self.folder, why)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let path = entry.map_err(|why| file(&self.folder, why))?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            if let (Some(name), true) = (stem, path.extension().is_some_and(|extension| extension == EXTENSION)) {
                names.push(name);
            }
            if names.len() > KEYS_MAX {
                return Err(KeyRejected::TooMany(self.folder.clone()));
            }
        }
        names.sort();
        let listed = |name: KeyName| self.listed(name.clone()).map_err(|why| Unlisted { name, why });
        Ok(names.into_iter().map(listed).collect())
    }

    /// One key.
    ///
    /// # Errors
    /// As [`Self::sealed`].
    pub fn listed(&self, name: KeyName) -> Result<Listed, KeyRejected> {
        let sealed = self.sealed(&name)?;
        Ok(Listed { name, kind: sealed.kind(), accounts: sealed.accounts() })
    }

    /// The sealed key of this name.
    ///
    /// # Errors
    /// [`KeyRejected`] for one that is not there, or open to others, or no key.
    pub fn sealed(&self, name: &KeyName) -> Result<Sealed, KeyRejected> {
        let path = self.path(name);
        let text = match read_private(&path) {
            Err(KeyRejected::File { why, .. }) if why.kind() == io::ErrorKind::NotFound => {
                let unknown = || KeyRejected::Unknown { name: name.to_string(), folder: self.folder.clone() };
                return Err(an_address(&name.0).unwrap_or_else(unknown));
            }
            text => text?,
        };
        Sealed::from_json(&text).map_err(|why| KeyRejected::Sealed { path, why })
    }

    /// The key of this name, opened. Cost: most of a second, by intent.
    ///
    /// # Errors
    /// As [`Self::sealed`], and for a wrong password.
    pub fn open(&self, name: &KeyName, password: &[u8]) -> Result<Key, KeyRejected> {
        let sealed = self.sealed(name)?;
        sealed.open(password).map_err(|why| KeyRejected::Sealed { path: self.path(name), why })
    }

    /// Refuses a name that is taken, before anybody is asked for a password.
    ///
    /// # Errors
    /// [`KeyRejected::Taken`].
    pub fn refuse_taken(&self, name: &KeyName) -> Result<(), KeyRejected> {
        match self.path(name).exists() {
            true => Err(KeyRejected::Taken { name: name.to_string(), folder: self.folder.clone() }),
            false => Ok(()),
        }
    }

    /// Keeps a key under this name.
    ///
    /// # Errors
    /// [`KeyRejected`]; a key that is there stays as it is.
    pub fn add(&self, name: &KeyName, sealed: &Sealed) -> Result<(), KeyRejected> {
        let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&self.folder);
        made.map_err(|why| file(&self.folder, why))?;
        match write_private(&self.path(name), sealed.to_json().as_bytes()) {
            Err(KeyRejected::File { why, .. }) if why.kind() == io::ErrorKind::AlreadyExists => {
                Err(KeyRejected::Taken { name: name.to_string(), folder: self.folder.clone() })
            }
            written => written,
        }
    }
}

/// Reads a file that must be its owner's alone.
///
/// # Errors
/// [`KeyRejected`] for one that is not there, too large to be a key's, or open to others.
pub fn read_private(path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, KeyRejected> {
    let opened = File::open(path).map_err(|why| file(path, why))?;
    let metadata = opened.metadata().map_err(|why| file(path, why))?;
    let mode = metadata.mode() & 0o777;
    // A pipe of the shell's (`<(…)`) is nobody else's whatever its mode.
    if metadata.is_file() && mode & OTHERS != 0 {
        return Err(KeyRejected::Exposed { path: path.to_owned(), mode });
    }
    read_bounded(opened).map_err(|why| file(path, why))
}

/// Reads to the end, [`KEY_FILE_BYTES_MAX`] at most.
///
/// # Errors
/// What the system says, or that it is too much.
pub fn read_bounded(input: impl io::Read) -> io::Result<zeroize::Zeroizing<Vec<u8>>> {
    let mut bytes = zeroize::Zeroizing::new(Vec::new());
    input.take(KEY_FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    let is_bounded = u64::try_from(bytes.len()).is_ok_and(|len| len <= KEY_FILE_BYTES_MAX);
    if is_bounded {
        Ok(bytes)
    } else {
        Err(io::Error::other(format!("more than {KEY_FILE_BYTES_MAX} bytes are no key")))
    }
}

/// Writes a new file, mode 0600 from its first byte on.
///
/// # Errors
/// [`KeyRejected::File`]; a file that is there stays as it is, and none is left half written.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), KeyRejected> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path);
    let mut made = opened.map_err(|why| file(path, why))?;
    let written = made.write_all(bytes).and_then(|()| made.sync_all());
    written.map_err(|why| {
        // It holds no whole key; that it cannot be removed changes nothing about what is told.
        drop(fs::remove_file(path));
        file(path, why)
    })
}

fn file(path: &Path, why: io::Error) -> KeyRejected {
    KeyRejected::File { path: path.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt as _;

    use super::v3::Cost;
    use super::*;

    fn keyring() -> (tempfile::TempDir, Keyring) {
        let folder = tempfile::tempdir().unwrap();
        let keyring = Keyring::at(folder.path().join("deep").join("keys"));
        (folder, keyring)
    }

    fn sealed(secret: u8) -> Sealed {
        Sealed::seal(&Key::from_bytes(KeyKind::Secp256k1, &[secret; 32]).unwrap(), b"password", Cost::SMALL)
    }

    #[test]
    fn a_key_that_was_kept_is_listed_and_opens_and_is_its_owners_alone() {
        let (_folder, keyring) = keyring();
        assert!(keyring.list().unwrap().is_empty(), "nothing there yet, not even the folder");
        let (alice, bob) = ("alice".parse().unwrap(), "bob-2".parse().unwrap());
        keyring.add(&bob, &sealed(2)).unwrap();
        keyring.add(&alice, &sealed(1)).unwrap();
        let key = keyring.open(&alice, b"password").unwrap();
        assert_eq!(*key.to_bytes(), [1; 32]);
        let listed: Vec<_> = keyring.list().unwrap().into_iter().map(Result::unwrap).collect();
        assert_eq!(listed.iter().map(|key| &key.name).collect::<Vec<_>>(), [&alice, &bob]);
        assert_eq!((listed[0].kind, &listed[0].accounts), (KeyKind::Secp256k1, &key.accounts()));
        assert_eq!(keyring.path(&alice).metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(keyring.folder.metadata().unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_key_that_is_there_is_never_written_over() {
        let (_folder, keyring) = keyring();
        let alice = "alice".parse().unwrap();
        keyring.refuse_taken(&alice).unwrap();
        keyring.add(&alice, &sealed(1)).unwrap();
        assert!(matches!(keyring.add(&alice, &sealed(2)), Err(KeyRejected::Taken { .. })));
        assert!(matches!(keyring.refuse_taken(&alice), Err(KeyRejected::Taken { .. })));
        assert_eq!(*keyring.open(&alice, b"password").unwrap().to_bytes(), [1; 32]);
    }

    #[test]
    fn whoever_names_a_key_by_an_address_is_told_what_to_name_in_its_place() {
        let (_folder, keyring) = keyring();
        let refusal = |text: &str| match text.parse() {
            Ok(name) => keyring.open(&name, b"password").unwrap_err().to_string(),
            Err(why) => why.to_string(),
        };
        for (text, says) in [
            ("f24vg6ut43yw2h2jqydgbg2xq7x6f4kub3bg6as6i", "behind which is no key"),
            ("f0135", "an actor's number"),
            ("f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy", "goes by the name"),
            ("0x70997970c51812dc3a010c7d01b50e0d17dc79c8", "goes by the name"),
            (
                "f3wo44vs6uyzuzc7dipubydfzrdwfwhjzovcvdx5bqpish5srqx7veq7chbmew4uqiwakzvb6r6gquvt3xvksa",
                "goes by the name",
            ),
        ] {
            let refusal = refusal(text);
            assert!(refusal.starts_with(text) && refusal.contains(says), "{refusal}");
        }
        // Whoever has a key of such a name still opens it.
        let odd = "f0135".parse().unwrap();
        keyring.add(&odd, &sealed(1)).unwrap();
        assert_eq!(*keyring.open(&odd, b"password").unwrap().to_bytes(), [1; 32]);
    }

    #[test]
    fn each_key_that_cannot_be_used_is_refused_for_its_own_reason() {
        let (_folder, keyring) = keyring();
        let alice: KeyName = "alice".parse().unwrap();
        let refusal = || keyring.open(&alice, b"password").unwrap_err().to_string();
        assert!(refusal().contains("keys create alice"), "{}", refusal());
        keyring.add(&alice, &sealed(1)).unwrap();
        let path = keyring.path(&alice);
        set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert!(refusal().contains("chmod 600"), "{}", refusal());
        set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert!(keyring.open(&alice, b"another").unwrap_err().to_string().contains("password is wrong"));
        write(&path, "{}").unwrap();
        assert!(refusal().contains("no Ethereum keystore"), "{}", refusal());
        write(&path, vec![b' '; 70_000]).unwrap();
        assert!(refusal().contains("are no key"), "{}", refusal());
    }

    #[test]
    fn a_key_that_cannot_be_read_hides_no_other() {
        let (_folder, keyring) = keyring();
        let [broken, exposed, good, last]: [KeyName; 4] =
            ["broken", "exposed", "good", "last"].map(|name| name.parse().unwrap());
        for name in [&broken, &exposed, &good, &last] {
            keyring.add(name, &sealed(1)).unwrap();
        }
        write(keyring.path(&broken), "{}").unwrap();
        set_permissions(keyring.path(&exposed), Permissions::from_mode(0o644)).unwrap();
        let told: Vec<_> = keyring
            .list()
            .unwrap()
            .into_iter()
            .map(|one| match one {
                Ok(listed) => (listed.name, String::new()),
                Err(Unlisted { name, why }) => (name, why.to_string()),
            })
            .collect();
        assert_eq!(told.iter().map(|(name, _)| name).collect::<Vec<_>>(), [&broken, &exposed, &good, &last]);
        assert!(told[0].1.contains("no Ethereum keystore") && told[1].1.contains("chmod 600"), "{told:?}");
        assert!(told[2].1.is_empty() && told[3].1.is_empty(), "{told:?}");
    }

    #[test]
    fn a_name_stays_in_its_folder() {
        for name in ["a", "A-1_b", "0x1", &"a".repeat(64)] {
            assert_eq!(name.parse::<KeyName>().unwrap().to_string(), *name);
        }
        for name in ["", ".", "..", "../a", "a/b", "a.json", "-a", "_a", "a b", "ä", &"a".repeat(65)] {
            assert!(matches!(name.parse::<KeyName>(), Err(KeyRejected::Name(_))), "{name}");
        }
    }
}
