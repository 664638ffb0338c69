//! `tributary keys`: makes, brings, takes out and lists keys. Asks no node.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::cli::examples;
use crate::keys::key::{Accounts, Key, KeyKind};
use crate::keys::password::{Password, PasswordArgs};
use crate::keys::v3::{Cost, Sealed, SealedRejected};
use crate::keys::{KeyName, KeyRejected, Keyring, Listed, Unlisted, read_bounded, read_private, secret, write_private};
use crate::report::{Report, note, print_all};
use crate::trouble::{Kind, Trouble};

/// Standard input, or output.
const STANDARD: &str = "-";

/// Where keys are kept.
#[derive(Args, Clone, Debug)]
pub struct KeyringArgs {
    /// Folder of the keys [default: ~/.tributary/keys]
    #[arg(long, value_name = "DIR", env = "TRIBUTARY_KEYSTORE")]
    pub keystore: Option<PathBuf>,
}

impl KeyringArgs {
    /// The folder.
    ///
    /// # Errors
    /// For a user without a home.
    pub fn keyring(&self) -> Result<Keyring, Trouble> {
        let default = || std::env::home_dir().map(|home| home.join(".tributary").join("keys"));
        let folder = self.keystore.clone().or_else(default);
        folder
            .map(Keyring::at)
            .ok_or_else(|| Trouble::new(Kind::Key, "no home to keep keys in; name a folder by --keystore"))
    }
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a new key, and encrypt it by a password
    #[command(after_help = examples::KEYS_CREATE)]
    Create {
        /// What to call it
        name: KeyName,
        /// What it signs by, and so which accounts it has
        #[arg(long, value_name = "KIND", value_enum, default_value = "secp256k1")]
        kind: KeyKind,
        /// Where keys are kept
        #[command(flatten)]
        keyring: KeyringArgs,
        /// Where its password is
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Bring a key: a keystore (by its own password, which it keeps), {"secp256k1": "0x…"}, a Lotus wallet's export, or 64 hex digits
    #[command(after_help = examples::KEYS_IMPORT)]
    Import {
        /// What to call it
        name: KeyName,
        /// The file that has it, readable by its owner alone; - for standard input
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// What kind of key it is; bare hex digits do not say it [default: as the file says, and secp256k1 of digits]
        #[arg(long, value_name = "KIND", value_enum)]
        kind: Option<KeyKind>,
        /// Where keys are kept
        #[command(flatten)]
        keyring: KeyringArgs,
        /// Where its password is
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Take a key out: as the encrypted keystore that it is, or in clear
    #[command(after_help = examples::KEYS_EXPORT)]
    Export {
        /// Which
        name: KeyName,
        /// A file that is not there yet; - for standard output
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// In clear: {"secp256k1": "0x…"}, as `relayer` and `subnet-node actor` read it; a BLS key as `lotus wallet import` does
        #[arg(long)]
        plain: bool,
        /// Where keys are kept
        #[command(flatten)]
        keyring: KeyringArgs,
        /// Where its password is
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// List the keys with their addresses; needs no password
    #[command(after_help = examples::KEYS_LIST)]
    List {
        /// Only this one
        name: Option<KeyName>,
        /// Where keys are kept
        #[command(flatten)]
        keyring: KeyringArgs,
    },
}

/// Does it.
///
/// # Errors
/// [`Trouble`].
pub async fn run(command: KeysCommand, is_json: bool) -> Result<(), Trouble> {
    match command {
        KeysCommand::Create { name, kind, keyring, password } => {
            let keyring = keyring.keyring()?;
            keyring.refuse_taken(&name)?;
            let password = password.chosen(&name.to_string()).await?;
            keep(&keyring, &name, Key::generate(kind), password).await?.print(is_json)
        }
        KeysCommand::Import { name, from, kind, keyring, password } => {
            let keyring = keyring.keyring()?;
            keyring.refuse_taken(&name)?;
            let (key, password) = brought(&name, &from, kind, &password).await?;
            keep(&keyring, &name, key, password).await?.print(is_json)
        }
        KeysCommand::Export { name, to, plain, keyring, password } => {
            let keyring = keyring.keyring()?;
            let sealed = keyring.sealed(&name)?;
            let text = match plain {
                true => secret::to_text(&open(keyring, &name, &password).await?),
                false => Zeroizing::new(sealed.to_json()),
            };
            if to == Path::new(STANDARD) {
                return Ok(io::stdout().lock().write_all(text.as_bytes())?);
            }
            write_private(&to, text.as_bytes())?;
            if plain {
                note(is_json, "this file holds the key in clear: whoever reads it has the tokens");
            }
            Report::new().with("name", name.to_string()).with("file", to.display().to_string()).print(is_json)
        }
        KeysCommand::List { name, keyring } => {
            let keyring = keyring.keyring()?;
            match name {
                Some(name) => list(vec![Ok(keyring.listed(name)?)], is_json),
                None => list(keyring.list()?, is_json),
            }
        }
    }
}

/// Prints the keys that can be read, and then tells of those that cannot: people on standard error, programs in the list, too.
fn list(found: Vec<Result<Listed, Unlisted>>, is_json: bool) -> Result<(), Trouble> {
    if found.is_empty() {
        note(is_json, "no key yet; `tributary keys create NAME` makes one");
    }
    let reports: Vec<_> = found.iter().filter(|one| is_json || one.is_ok()).map(of_found).collect();
    print_all(&reports, is_json)?;
    let all = found.len();
    let unlisted: Vec<_> = found.into_iter().filter_map(Result::err).collect();
    for Unlisted { name, why } in &unlisted {
        note(is_json, &format!("{name}: {why}"));
    }
    match unlisted.len() {
        0 => Ok(()),
        some => Err(Trouble::new(Kind::Key, format!("{some} of {all} keys cannot be read; the others are listed"))),
    }
}

/// The key of this name, opened by its password.
///
/// # Errors
/// [`Trouble`] of [`Kind::Key`].
pub async fn open(keyring: Keyring, name: &KeyName, password: &PasswordArgs) -> Result<Key, Trouble> {
    // A key that is not there is told before anybody is asked for its password.
    keyring.sealed(name)?;
    let password = password.known(&name.to_string()).await?;
    let name = name.clone();
    Ok(apart(move || keyring.open(&name, &password)).await??)
}

async fn keep(keyring: &Keyring, name: &KeyName, key: Key, password: Password) -> Result<Report, Trouble> {
    let kept = Listed { name: name.clone(), kind: key.kind(), accounts: key.accounts() };
    let sealed = apart(move || Sealed::seal(&key, &password, Cost::STANDARD)).await?;
    keyring.add(name, &sealed)?;
    Ok(told(&kept).with("file", keyring.path(name).display().to_string()))
}

/// The same members of each, so that a program finds out by `problem` alone which cannot be read.
fn of_found(found: &Result<Listed, Unlisted>) -> Report {
    match found {
        Ok(listed) => told(listed).with("problem", Value::Null),
        Err(Unlisted { name, why }) => of_key(name, None, &Accounts::default()).with("problem", why.to_string()),
    }
}

fn told(key: &Listed) -> Report {
    of_key(&key.name, Some(key.kind), &key.accounts)
}

fn of_key(name: &KeyName, kind: Option<KeyKind>, accounts: &Accounts) -> Report {
    let Accounts { ethereum, f1, f3 } = accounts;
    Report::new()
        .with("name", name.to_string())
        .with("kind", json!(kind.map(KeyKind::name)))
        .with("ethereum", json!(ethereum))
        .with("f4", json!(ethereum.map(|address| address.to_address().to_string())))
        .with("f1", json!(f1))
        .with("f3", json!(f3))
}

/// What is brought, and the password that it is kept by: its own, if it has one.
async fn brought(
    name: &KeyName,
    from: &Path,
    said: Option<KeyKind>,
    password: &PasswordArgs,
) -> Result<(Key, Password), Trouble> {
    let text = if from == Path::new(STANDARD) {
        apart(|| read_bounded(io::stdin().lock())).await?.map_err(|why| Trouble::new(Kind::Key, why.to_string()))?
    } else {
        read_private(from)?
    };
    match Sealed::from_json(&text) {
        Ok(sealed) => {
            check_kind(from, sealed.kind(), said)?;
            let password = password.known(&from.display().to_string()).await?;
            let (opened, password) = apart(move || (sealed.open(&password), password)).await?;
            let rejected = |why| KeyRejected::Sealed { path: from.to_owned(), why };
            Ok((opened.map_err(rejected)?, password))
        }
        // A keystore of a kind that is not opened here is told so, and not taken for a text that is no key.
        Err(why @ SealedRejected::Unsupported { .. }) => Err(KeyRejected::Sealed { path: from.to_owned(), why }.into()),
        Err(_) => {
            let read = secret::read(&text, said.unwrap_or(KeyKind::Secp256k1));
            let key = read.map_err(|why| KeyRejected::Secret { path: from.to_owned(), why })?;
            check_kind(from, key.kind(), said)?;
            Ok((key, password.chosen(&name.to_string()).await?))
        }
    }
}

/// Refuses a key of another kind than was said.
fn check_kind(from: &Path, is: KeyKind, said: Option<KeyKind>) -> Result<(), Trouble> {
    match said {
        Some(said) if said != is => {
            let from = from.display();
            Err(Trouble::usage(format!("{from} has a {is} key, and --kind says {said}: leave out --kind")))
        }
        _ => Ok(()),
    }
}

/// Does something slow on a thread of its own, so that a signal is heard meanwhile.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Trouble> {
    tokio::task::spawn_blocking(work).await.map_err(|why| Trouble::local(why.to_string()))
}
