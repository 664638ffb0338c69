//! The command line of `tributary`.

pub mod examples;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use clap_complete::Shell;

use crate::commands::balance::BalanceArgs;
use crate::commands::call::CallArgs;
use crate::commands::deploy::DeployCommand;
use crate::commands::invoke::InvokeArgs;
use crate::commands::keys::KeysCommand;
use crate::commands::send::SendArgs;
use crate::commands::status::StatusArgs;
use crate::commands::watch::WatchCommand;
use crate::trouble::Trouble;

/// Keys, tokens, contracts and actors of a Tributary network, and where a transaction is on its way to the parent.
#[derive(Debug, Parser)]
#[command(name = "tributary", version, about, max_term_width = 100, after_help = ENVIRONMENT)]
pub struct Cli {
    /// Print JSON: one object, a list of them, or one a line where something is watched; troubles too, on standard error
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The same table as in [`crate::trouble`], at the end of every `--help`.
pub const EXIT_CODES: &str = "\
EXIT CODES:
  0               done
  1  local        a file, or something else on this machine
  2  usage        the command line is wrong, or says what cannot be
  3  unreachable  no node there, no answer in time, none of use, or the node is busy
  4  refused      the node does not want it: another chain, a fee too low, no such method, too
                  many logs
  5  funds        the sender cannot pay for it
  6  nonce        the nonce is used up, too far ahead, or taken by one that waits
  7  failed       it reverted or would: in a block where it failed, or tried and not sent
  8  not-yet      not there within the time it was given; it may still come
  9  key          no such key, one that cannot be read, a wrong password, or none to be had
  10 not-found    no such transaction, actor or address on this chain
  130 interrupted Ctrl-C or SIGTERM; what was sent stays on its way
Trouble that names a transaction means that it was sent, or may have been: before you send again,
look by `tributary status`.";

const ENVIRONMENT: &str = "\
ENVIRONMENT:
  TRIBUTARY_RPC, TRIBUTARY_PARENT_RPC, TRIBUTARY_CHAIN_ID, TRIBUTARY_TIMEOUT,
  TRIBUTARY_RESPONSE_BYTES_MAX, TRIBUTARY_KEY_NAME, TRIBUTARY_KEYSTORE and
  TRIBUTARY_PASSWORD_FILE stand for the flags; TRIBUTARY_PASSWORD is a key's password.";

/// The command line, with the exit codes at the end of each command's help.
#[must_use]
pub fn command() -> clap::Command {
    with_exit_codes(Cli::command())
}

fn with_exit_codes(command: clap::Command) -> clap::Command {
    let help = command.get_after_help().map_or_else(String::new, |help| format!("{help}\n\n"));
    command.mut_subcommands(with_exit_codes).after_help(help + EXIT_CODES)
}

/// What the program was called with.
///
/// # Errors
/// The exit code, after it said what is wrong, or the help that was asked for.
pub fn read() -> Result<Cli, ExitCode> {
    let words: Vec<_> = std::env::args_os().collect();
    parse(&words).map_err(|said| match said.use_stderr() && wants_json(&words) {
        true => Trouble::usage(in_one_line(&said)).tell(true),
        false => said.exit(),
    })
}

fn parse(words: &[OsString]) -> Result<Cli, clap::Error> {
    let matches = command().try_get_matches_from(words)?;
    Cli::from_arg_matches(&matches).map_err(|why| why.format(&mut command()))
}

/// Whether whoever called it reads JSON, as far as a command line tells that cannot be read.
fn wants_json(words: &[OsString]) -> bool {
    words.iter().take_while(|word| *word != "--").any(|word| word == "--json")
}

/// What is wrong, for a JSON text: clap says it in paragraphs, or by the whole help.
fn in_one_line(said: &clap::Error) -> String {
    if said.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "a command is missing; --help lists them".to_owned();
    }
    let said = said.to_string();
    let paragraphs = said.trim_start_matches("error: ").trim().split("\n\n");
    paragraphs.map(|lines| lines.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join("; ")
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make, bring, take out and list keys, which are encrypted on disk
    #[command(subcommand, after_help = examples::KEYS)]
    Keys(KeysCommand),
    /// Send tokens to anybody: the chain's own, or a contract's
    #[command(after_help = examples::SEND)]
    Send(SendArgs),
    /// Ask a contract or an actor, for nothing
    #[command(after_help = examples::CALL)]
    Call(CallArgs),
    /// Call a contract or an actor by a transaction
    #[command(after_help = examples::INVOKE)]
    Invoke(InvokeArgs),
    /// Make a contract of EVM bytecode, or an actor of WASM code
    #[command(subcommand, after_help = examples::DEPLOY)]
    Deploy(DeployCommand),
    /// Show what somebody holds
    #[command(after_help = examples::BALANCE)]
    Balance(BalanceArgs),
    /// Show where a transaction is on its way: submitted, admitted, block, checkpoint, accepted by the parent
    #[command(after_help = examples::STATUS)]
    Status(StatusArgs),
    /// Follow blocks, logs, or one transaction
    #[command(subcommand, after_help = examples::WATCH)]
    Watch(WatchCommand),
    /// Print completions for a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// Which shell
        shell: Shell,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Splits as a shell does, as far as the examples go: words, and words in single quotes.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut is_quoted = false;
        for letter in line.trim().chars() {
            match letter {
                '\'' => is_quoted = !is_quoted,
                ' ' if !is_quoted && words.last().unwrap().is_empty() => {}
                ' ' if !is_quoted => words.push(String::new()),
                letter => words.last_mut().unwrap().push(letter),
            }
        }
        words
    }

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    /// Every command below this one, with its words.
    fn all_below(command: &clap::Command, words: &str) -> Vec<(String, clap::Command)> {
        let named = |below: &clap::Command| (format!("{words} {}", below.get_name()), below.clone());
        let below: Vec<_> = command.get_subcommands().map(named).collect();
        below
            .into_iter()
            .flat_map(|(words, below)| [all_below(&below, &words), vec![(words, below)]].concat())
            .collect()
    }

    #[test]
    fn the_help_of_every_command_has_examples_that_are_command_lines_and_the_exit_codes() {
        let commands = all_below(&command(), "tributary");
        assert!(commands.len() > 18, "{}", commands.len());
        for (name, command) in commands {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.ends_with(EXIT_CODES), "{name} tells no exit codes");
            assert!(help.lines().all(|line| line.chars().count() <= 100), "{name} has lines that wrap");
            let help = help.replace("\\\n", "");
            let examples: Vec<_> = help.lines().filter(|line| line.starts_with("  tributary ")).collect();
            assert!(!examples.is_empty(), "{name} has no examples");
            for line in examples {
                assert!(line.trim().starts_with(&name), "{line} is no example of {name}");
                let parsed = Cli::try_parse_from(words(line.split(" > ").next().unwrap()));
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
            }
        }
    }

    #[test]
    fn whoever_reads_json_is_told_in_json_what_is_wrong_with_the_command_line() {
        for (line, says) in [
            ("tributary --json send", "were not provided: --key <NAME> <ADDRESS|KEY> <AMOUNT>; Usage:"),
            ("tributary send f0101 1TRB --key alice --until done --json", "invalid value 'done'"),
            ("tributary --json keys", "a command is missing"),
            ("tributary --json nonsense", "unrecognized subcommand 'nonsense'"),
        ] {
            let words: Vec<_> = words(line).into_iter().map(OsString::from).collect();
            let said = parse(&words).unwrap_err();
            assert!(said.use_stderr() && wants_json(&words), "{line}");
            let told = in_one_line(&said);
            assert!(told.contains(says) && !told.contains(['\n', '\u{1b}']), "{line}: {told}");
        }
        let words = |line: &str| words(line).into_iter().map(OsString::from).collect::<Vec<_>>();
        assert!(!wants_json(&words("tributary call f0101 Get -- --json")), "an argument");
        assert!(!parse(&words("tributary --json --help")).unwrap_err().use_stderr(), "help is help");
    }

    #[test]
    fn what_is_wrong_is_refused_when_it_is_read() {
        for line in [
            "tributary send 0x1234 1TRB --key alice",
            "tributary send ../bob 1TRB --key alice",
            "tributary call t17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy Get",
            "tributary send f0101 1TRB --key ../alice",
            "tributary send f0101 1TRB --key f3wo44vs6uyzuzc7dipubydfzrdwfwhjzovcvdx5bqpish5srqx7veq7chbmew4uqiwakzvb6r6gquvt3xvksa",
            "tributary keys create alice --kind ed25519",
            "tributary send f0101 1TRB",
            "tributary send f0101 1TRB --key alice --password secret",
            "tributary send f0101 1TRB --key alice --timeout 0",
            "tributary send f0101 1TRB --key alice --timeout 601",
            "tributary send f0101 1TRB --key alice --response-bytes-max 10",
            "tributary send f0101 1TRB --key alice --until done",
            "tributary invoke f0101 bring(uint --key alice",
            "tributary invoke f0101 lower --key alice",
            "tributary call f0101 Get --params [1",
            "tributary status 0x12",
            "tributary deploy actor nocid --key alice",
            "tributary watch logs --event Transfer",
            "tributary completions tcsh",
        ] {
            assert!(Cli::try_parse_from(words(line)).is_err(), "{line}");
        }
    }

    #[test]
    fn completions_know_every_command_in_every_shell() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "tributary", &mut script);
            let script = String::from_utf8(script).unwrap();
            for command in Cli::command().get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
            }
            assert!(script.contains("password-file"), "{shell}");
        }
    }
}
