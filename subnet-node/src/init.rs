//! Makes a node's home: settings, keys, and the genesis document. Nothing that is there is overwritten.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tributary_genesis::keys::public_path;
use tributary_genesis::{Genesis, Keys, SealedGenesis};

use crate::config::TEMPLATE;
use crate::home::Home;

/// Options of `init`.
#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// Where the home shall be; made if it is not there.
    #[arg(long, env = "TRIBUTARY_HOME", value_name = "DIR")]
    pub home: PathBuf,
    /// The chain's sealed genesis document, verified and copied into the home. Can be put there later as genesis.json.
    #[arg(long, value_name = "FILE")]
    pub genesis: Option<PathBuf>,
    /// Name in logs and metrics.
    #[arg(long, default_value = "node")]
    pub moniker: String,
}

/// The home cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum InitRejected {
    /// A file is there, and may be in use.
    #[error("{path} is there already; choose another --home, or remove it if it is no longer needed", path = .0.display())]
    Exists(PathBuf),
    /// The system refuses.
    #[error("{path}: {why}", path = .path.display())]
    NotAccessible {
        /// The file.
        path: PathBuf,
        /// What it says.
        why: io::Error,
    },
}

/// Makes a home and returns it.
///
/// # Errors
/// [`InitRejected`], or what is wrong with the genesis document. Files made before the error stay; none is half written.
pub fn init(args: &InitArgs) -> anyhow::Result<Home> {
    let genesis = args.genesis.as_deref().map(read_sealed).transpose()?;
    let home = Home::at(&args.home);
    make(&home, &args.moniker, genesis.as_ref())?;
    Ok(home)
}

/// Makes a home with fresh keys. Its public keys, for the genesis document, lie beside the secret ones.
///
/// # Errors
/// As [`init`].
pub fn make(home: &Home, moniker: &str, genesis: Option<&SealedGenesis>) -> anyhow::Result<Keys> {
    fs::create_dir_all(home.path()).map_err(|why| InitRejected::NotAccessible { path: home.path().to_owned(), why })?;
    let moniker = format!("moniker = {}", toml::Value::from(moniker));
    write_new(&home.config(), TEMPLATE.replacen("moniker = \"node\"", &moniker, 1).as_bytes())?;
    if let Some(genesis) = genesis {
        write_new(&home.genesis(), genesis.genesis().to_json().as_bytes())?;
    }
    let keys = Keys::generate();
    keys.write_new(&home.keys())?;
    keys.public().write_new(&public_path(&home.keys()))?;
    Ok(keys)
}

fn read_sealed(path: &Path) -> anyhow::Result<SealedGenesis> {
    let json = fs::read(path).map_err(|why| InitRejected::NotAccessible { path: path.to_owned(), why })?;
    Ok(Genesis::from_json(&json)?.verify()?)
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), InitRejected> {
    if path.exists() {
        return Err(InitRejected::Exists(path.to_owned()));
    }
    fs::write(path, bytes).map_err(|why| InitRejected::NotAccessible { path: path.to_owned(), why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::NodeConfig;

    #[test]
    fn a_home_is_made_once_and_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::at(directory.path().join("node0"));
        make(&home, "the \"first\"", None).unwrap();
        assert_eq!(NodeConfig::load(&home.config(), &[]).unwrap().moniker, "the \"first\"");
        let keys = fs::read(home.keys()).unwrap();
        let refusal = make(&home, "second", None).unwrap_err().to_string();
        assert!(refusal.contains("config.toml is there already"), "{refusal}");
        assert_eq!(fs::read(home.keys()).unwrap(), keys);
    }

    #[test]
    fn a_genesis_that_is_none_makes_no_home() {
        let directory = tempfile::tempdir().unwrap();
        let (genesis, home) = (directory.path().join("genesis.json"), directory.path().join("home"));
        fs::write(&genesis, "{}").unwrap();
        let args = InitArgs { home: home.clone(), genesis: Some(genesis), moniker: "node".to_owned() };
        assert!(init(&args).is_err());
        assert!(!home.exists());
    }
}
