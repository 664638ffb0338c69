//! Reads the settings: file, then environment, then flags; the later wins.
//!
//! | source | example |
//! |---|---|
//! | `HOME/config.toml` | `[rpc]` `listen = "0.0.0.0:8545"` |
//! | environment | `TRIBUTARY__RPC__LISTEN=0.0.0.0:8545` |
//! | flags | `--set rpc.listen=0.0.0.0:8545` |
//!
//! A key that is not known is refused with its name: a setting that is spelled wrong must not be silently without effect.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use config::{Environment, File, FileFormat};
use tributary_fvm::Workers;

use super::{NodeConfig, StorageConfig, TEMPLATE};
use crate::history::law::History;

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigRejected {
    /// There is no file.
    #[error("{path} is not there; `subnet-node init --home DIR` makes a home with it", path = .0.display())]
    Missing(PathBuf),
    /// A source is not readable, a key is not known, or a value is of the wrong kind.
    #[error("configuration: {0}")]
    Unusable(#[from] config::ConfigError),
    /// A flag `--set` without `=`.
    #[error("--set {0:?} must be KEY=VALUE, as in --set rpc.listen=0.0.0.0:8545")]
    NoValue(String),
    /// More threads than an executor takes.
    #[error(
        "execution.threads is {0}; a block runs on {most} threads at most, and 0 stands for as many as the machine has cores",
        most = Workers::MAX
    )]
    TooManyThreads(u32),
    /// Fewer blocks than a node keeps.
    #[error("storage.history is {blocks}; a node that writes trees every {trees_every} blocks keeps {least} at least")]
    TooLittleHistory {
        /// As many as are asked for.
        blocks: u64,
        /// Blocks from trees to trees.
        trees_every: NonZeroU64,
        /// As few as may be.
        least: u64,
    },
}

impl NodeConfig {
    /// Reads the template's defaults, then `file`, then the environment, then `overrides` (`key=value` each).
    ///
    /// # Errors
    /// [`ConfigRejected`] with the key and where it came from.
    pub fn load(file: &Path, overrides: &[String]) -> Result<Self, ConfigRejected> {
        if !file.exists() {
            return Err(ConfigRejected::Missing(file.to_owned()));
        }
        let environment = Environment::with_prefix("TRIBUTARY")
            .prefix_separator("__")
            .separator("__")
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key("consensus.peers")
            .with_list_parse_key("gossip.peers")
            .with_list_parse_key("rpc.methods_allowed")
            .with_list_parse_key("rpc.methods_denied")
            .with_list_parse_key("rpc.cors_origins")
            .with_list_parse_key("rpc.allowed_hosts");
        let mut sources = config::Config::builder()
            .add_source(File::from_str(TEMPLATE, FileFormat::Toml))
            .add_source(File::from(file).format(FileFormat::Toml))
            .add_source(environment);
        for setting in overrides {
            let (key, value) = setting.split_once('=').ok_or_else(|| ConfigRejected::NoValue(setting.clone()))?;
            sources = sources.set_override(key.trim(), value.trim())?;
        }
        let config: Self = sources.build()?.try_deserialize()?;
        if config.execution.threads > Workers::MAX {
            return Err(ConfigRejected::TooManyThreads(config.execution.threads));
        }
        let StorageConfig { history, trees_every, .. } = config.storage;
        let least = History::blocks_min(trees_every.get());
        match history {
            History::Blocks(blocks) if blocks < least => {
                Err(ConfigRejected::TooLittleHistory { blocks, trees_every, least })
            }
            _ => Ok(config),
        }
    }
}
