//! `tributary keys`: makes, brings, takes out and lists keys. Asks no node.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use tributary_crypto::SecpSecretKey;
use tributary_primitives::EthAddress;
use zeroize::Zeroizing;

use crate::cli::examples;
use crate::keys::password::{Password, PasswordArgs};
use crate::keys::v3::{Cost, Sealed, SealedRejected};
use crate::keys::{KeyName, KeyRejected, Keyring, read_bounded, read_private, secret, write_private};
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
        /// Where keys are kept
        #[command(flatten)]
        keyring: KeyringArgs,
        /// Where its password is
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Bring a key: an Ethereum keystore (by its own password, which it keeps), {"secp256k1": "0x…"}, or 64 hex digits
    #[command(after_help = examples::KEYS_IMPORT)]
    Import {
        /// What to call it
        name: KeyName,
        /// The file that has it, readable by its owner alone; - for standard input
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// Where keys are kept
        #[command(flatten)]
        keyring: KeyringArgs,
        /// Where its password is
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Take a key out: as the encrypted Ethereum keystore that it is, or in clear
    #[command(after_help = examples::KEYS_EXPORT)]
    Export {
        /// Which
        name: KeyName,
        /// A file that is not there yet; - for standard output
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// In clear, {"secp256k1": "0x…"}, as `relayer` and `subnet-node actor` read it
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
        KeysCommand::Create { name, keyring, password } => {
            let keyring = keyring.keyring()?;
            keyring.refuse_taken(&name)?;
            let password = password.chosen(&name.to_string()).await?;
            keep(&keyring, &name, SecpSecretKey::generate(), password).await?.print(is_json)
        }
        KeysCommand::Import { name, from, keyring, password } => {
            let keyring = keyring.keyring()?;
            keyring.refuse_taken(&name)?;
            let (key, password) = brought(&name, &from, &password).await?;
            keep(&keyring, &name, key, password).await?.print(is_json)
        }
        KeysCommand::Export { name, to, plain, keyring, password } => {
            let keyring = keyring.keyring()?;
            let sealed = keyring.sealed(&name)?;
            let text = match plain {
                true => secret::to_json(&open(keyring, &name, &password).await?),
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
            let listed = match name {
                Some(name) => vec![keyring.listed(name)?],
                None => keyring.list()?,
            };
            let reports: Vec<_> = listed.iter().map(|key| addresses(&key.name, key.ethereum, key.f1.clone())).collect();
            if reports.is_empty() {
                note(is_json, "no key yet; `tributary keys create NAME` makes one");
            }
            print_all(&reports, is_json)
        }
    }
}

/// The key of this name, opened by its password.
///
/// # Errors
/// [`Trouble`] of [`Kind::Key`].
pub async fn open(keyring: Keyring, name: &KeyName, password: &PasswordArgs) -> Result<SecpSecretKey, Trouble> {
    // A key that is not there is told before anybody is asked for its password.
    keyring.sealed(name)?;
    let password = password.known(&name.to_string()).await?;
    let name = name.clone();
    Ok(apart(move || keyring.open(&name, &password)).await??)
}

async fn keep(keyring: &Keyring, name: &KeyName, key: SecpSecretKey, password: Password) -> Result<Report, Trouble> {
    let (ethereum, f1) = (key.eth_address(), key.f1_address().to_string());
    let sealed = apart(move || Sealed::seal(&key, &password, Cost::STANDARD)).await?;
    keyring.add(name, &sealed)?;
    Ok(addresses(name, Some(ethereum), Some(f1)).with("file", keyring.path(name).display().to_string()))
}

fn addresses(name: &KeyName, ethereum: Option<EthAddress>, f1: Option<String>) -> Report {
    Report::new()
        .with("name", name.to_string())
        .with("ethereum", json!(ethereum))
        .with("f4", json!(ethereum.map(|address| address.to_address().to_string())))
        .with("f1", json!(f1))
}

/// What is brought, and the password that it is kept by: its own, if it has one.
async fn brought(name: &KeyName, from: &Path, password: &PasswordArgs) -> Result<(SecpSecretKey, Password), Trouble> {
    let text = if from == Path::new(STANDARD) {
        apart(|| read_bounded(io::stdin().lock())).await?.map_err(|why| Trouble::new(Kind::Key, why.to_string()))?
    } else {
        read_private(from)?
    };
    match Sealed::from_json(&text) {
        Ok(sealed) => {
            let password = password.known(&from.display().to_string()).await?;
            let (opened, password) = apart(move || (sealed.open(&password), password)).await?;
            let rejected = |why| KeyRejected::Sealed { path: from.to_owned(), why };
            Ok((opened.map_err(rejected)?, password))
        }
        // A keystore of a kind that is not opened here is told so, and not taken for a text that is no key.
        Err(why @ SealedRejected::Unsupported { .. }) => Err(KeyRejected::Sealed { path: from.to_owned(), why }.into()),
        Err(_) => {
            let key = secret::read(&text).map_err(|why| KeyRejected::Secret { path: from.to_owned(), why })?;
            Ok((key, password.chosen(&name.to_string()).await?))
        }
    }
}

/// Does something slow on a thread of its own, so that a signal is heard meanwhile.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Trouble> {
    tokio::task::spawn_blocking(work).await.map_err(|why| Trouble::local(why.to_string()))
}
