//! The command line, and the command that needs no chain.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use tributary_relayer::key::make_key;
use tributary_relayer::settings::Choices;
use tributary_service::logs::LogFormat;

/// Carries certificates from subnets to their parent.
///
/// A relayer asks a child chain for its checkpoint certificates, judges them as the parent's actor will, and hands in what the
/// parent does not have. Anyone may run one, and several at once do no harm. It keeps nothing on disk but its key.
#[derive(Parser, Debug)]
#[command(name = "relayer", version, after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct Cli {
    #[command(flatten)]
    pub logs: Logs,
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  Make a key and see whom to fund on the parent:
    relayer new-key relayer.json

  Register a child, whose draft guesses its name, before sealing the draft:
    relayer register --parent http://127.0.0.1:8545 --key relayer.json --genesis child.json

  Carry the checkpoints of two children until stopped, with metrics on port 9464:
    relayer run --parent http://127.0.0.1:8545 --key relayer.json \\
      --child http://127.0.0.1:8645 --child http://127.0.0.1:8745 --listen 127.0.0.1:9464

  Carry what there is and end, as from a timer:
    relayer run --once --parent http://127.0.0.1:8545 --child http://127.0.0.1:8645 --key relayer.json

  See how far the parent is behind:
    relayer status --parent http://127.0.0.1:8545 --child http://127.0.0.1:8645";

const EXIT_CODES: &str = "\
Exit codes:
  0  done, or stopped by a signal
  1  not done; the last line says why
  2  the command line is wrong";

const RUN_EXAMPLES: &str = "\
Examples:
    relayer run --config relayer.toml
    relayer run --parent http://127.0.0.1:8545 --child http://127.0.0.1:8645 --key relayer.json --once";

const STATUS_EXAMPLES: &str = "\
Examples:
    relayer status --parent http://127.0.0.1:8545 --child http://127.0.0.1:8645
    relayer status --config relayer.toml --json

With a key it also shows what that holds on the parent. One child that does not answer is exit code 1, after the others are shown.";

const REGISTER_EXAMPLES: &str = "\
Examples:
    relayer register --parent http://127.0.0.1:8545 --key relayer.json --genesis child.json

Prints the child's name, such as /r31415/f0100. Asked again with the same document it sends nothing. Exit code 1, too, when the document
guessed another name.";

const NEW_KEY_EXAMPLES: &str = "\
Examples:
    relayer new-key relayer.json";

#[derive(Args, Debug)]
pub struct Logs {
    /// What to log, as in `info` or `tributary_relayer=debug`
    #[arg(long, global = true, value_name = "FILTER", env = "RELAYER_LOG", default_value = "info")]
    pub log: String,
    /// How to log, to standard error
    #[arg(long, global = true, value_name = "FORMAT", env = "RELAYER_LOG_FORMAT", default_value = "human")]
    pub log_format: LogFormat,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Carry certificates until stopped by SIGTERM or SIGINT
    #[command(after_help = format!("{RUN_EXAMPLES}\n\n{RUN_HELP}\n\n{EXIT_CODES}"))]
    Run(RunCommand),
    /// Show how far the parent is behind each child, once
    #[command(after_help = format!("{STATUS_EXAMPLES}\n\n{EXIT_CODES}"))]
    Status(StatusCommand),
    /// Register a child with its parent, from the child's genesis document, and print the child's name
    #[command(after_help = format!("{REGISTER_EXAMPLES}\n\n{EXIT_CODES}"))]
    Register(RegisterCommand),
    /// Make a key that pays on the parent, and print its addresses
    #[command(after_help = format!("{NEW_KEY_EXAMPLES}\n\n{EXIT_CODES}"))]
    NewKey {
        /// Where to write it; must not exist
        file: PathBuf,
    },
}

const RUN_HELP: &str = "\
Every flag may stand in the configuration file under the same name, with _ for - and `children` for --child:

  parent = \"http://127.0.0.1:8545\"
  children = [\"http://127.0.0.1:8645\"]
  key = \"/etc/relayer/key.json\"
  listen = \"127.0.0.1:9464\"
  patience_ms = 30000

The key's address must hold tokens on the parent; the log says so when it does not.";

#[derive(Args, Debug)]
pub struct RunCommand {
    #[command(flatten)]
    pub choices: Choices,
    /// Read choices from this TOML file; flags win
    #[arg(long, value_name = "FILE", env = "RELAYER_CONFIG")]
    pub config: Option<PathBuf>,
    /// Carry what there is, then end
    #[arg(long)]
    pub once: bool,
    /// Stop, as on SIGTERM, when standard input ends: for a supervisor that holds the other end of a pipe
    #[arg(long)]
    pub stop_on_stdin_close: bool,
}

#[derive(Args, Debug)]
pub struct StatusCommand {
    #[command(flatten)]
    pub choices: Choices,
    /// Read choices from this TOML file; flags win
    #[arg(long, value_name = "FILE", env = "RELAYER_CONFIG")]
    pub config: Option<PathBuf>,
    /// Print JSON: a list with one object for each child
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct RegisterCommand {
    /// JSON-RPC URL of the parent chain's node
    #[arg(long, value_name = "URL", env = "RELAYER_PARENT")]
    pub parent: String,
    /// Key that pays on the parent
    #[arg(long, value_name = "FILE", env = "RELAYER_KEY")]
    pub key: PathBuf,
    /// The child's genesis document with its validators, draft or sealed
    #[arg(long, value_name = "FILE")]
    pub genesis: PathBuf,
}

/// The choices of flags and file.
pub fn choices(flags: Choices, config: Option<&Path>) -> anyhow::Result<Choices> {
    Ok(match config {
        Some(path) => flags.or(Choices::read(path)?),
        None => flags,
    })
}

/// Makes a key and prints its addresses, one `name: value` a line.
pub fn new_key(file: &Path) -> anyhow::Result<()> {
    let key = make_key(file)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "f1: {}", key.f1_address())?;
    writeln!(out, "ethereum: {}", key.eth_address())?;
    writeln!(out, "key: {}", file.display())?;
    tracing::info!("send the f1 address tokens on the parent before the first `relayer run`");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn every_example_in_the_help_is_a_command_line() {
        use clap::CommandFactory as _;
        let program = Cli::command();
        for command in program.get_subcommands().chain([&program]) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.ends_with(EXIT_CODES), "{}", command.get_name());
            let joined = help.replace("\\\n", " ");
            let examples: Vec<_> = joined.lines().map(str::trim).filter(|line| line.starts_with("relayer ")).collect();
            assert!(!examples.is_empty(), "{} has no examples", command.get_name());
            for example in examples {
                let parsed = Cli::try_parse_from(example.split_whitespace());
                assert!(parsed.is_ok(), "{example}: {:?}", parsed.err());
            }
        }
    }

    #[test]
    fn the_file_in_the_help_is_a_configuration() {
        let file: String =
            RUN_HELP.lines().filter_map(|line| line.strip_prefix("  ")).map(|line| format!("{line}\n")).collect();
        let folder = tempfile::tempdir().expect("a folder for a file");
        let path = folder.path().join("relayer.toml");
        std::fs::write(&path, file).expect("a file in it");
        let settings = Choices::read(&path).and_then(Choices::check);
        assert!(settings.is_ok(), "{:?}", settings.err());
    }
}
