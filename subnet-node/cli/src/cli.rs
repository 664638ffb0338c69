//! The command line of `tributary`.

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::commands::balance::BalanceArgs;
use crate::commands::call::CallArgs;
use crate::commands::deploy::DeployCommand;
use crate::commands::invoke::InvokeArgs;
use crate::commands::keys::KeysCommand;
use crate::commands::send::SendArgs;
use crate::commands::status::StatusArgs;
use crate::commands::watch::WatchCommand;

/// Keys, tokens, contracts and actors of a Tributary network, and where a transaction is on its way to the parent.
#[derive(Debug, Parser)]
#[command(name = "tributary", version, about, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    /// Print JSON: one object, or one a line where something is watched; troubles too, on standard error
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The same table as in [`crate::trouble`], for every `--help`.
pub const EXIT_CODES: &str = "\
EXIT CODES:
  0               done
  1  local        a file, or something else on this machine
  2  usage        the command line is wrong, or says what cannot be
  3  unreachable  no node there, no answer in time, none of use, or the node is busy
  4  refused      the node does not want it: another chain, a fee too low, no such method
  5  funds        the sender cannot pay for it
  6  nonce        the nonce is used up, too far ahead, or taken by one that waits
  7  failed       it reverted or would: in a block where it failed, or tried and not sent
  8  not-yet      not there within the time it was given; it may still come
  9  key          no such key, a wrong password, or no password to be had
  10 not-found    no such transaction, actor or address on this chain
  130 interrupted Ctrl-C or SIGTERM; what was sent stays on its way

ENVIRONMENT:
  TRIBUTARY_RPC, TRIBUTARY_PARENT_RPC, TRIBUTARY_CHAIN_ID, TRIBUTARY_TIMEOUT,
  TRIBUTARY_RESPONSE_BYTES_MAX, TRIBUTARY_KEY_NAME, TRIBUTARY_KEYSTORE and
  TRIBUTARY_PASSWORD_FILE stand for the flags; TRIBUTARY_PASSWORD is a key's password.";

/// Examples of each command.
pub mod examples {
    /// `keys`
    pub const KEYS: &str = "\
EXAMPLES:
  tributary keys create alice
  tributary keys list
  tributary keys list alice
  tributary keys import bob --from wallet.json
  tributary keys import carol --from -
  tributary keys export alice --to alice.json
  tributary keys export alice --plain --to key.json

One key is two accounts: an Ethereum account (0x…, which is f410…) and a Filecoin account (f1…).
They hold tokens each for itself.";
    /// `send`
    pub const SEND: &str = "\
EXAMPLES:
  tributary send bob 5TRB --key alice
  tributary send 0x70997970c51812dc3a010c7d01b50e0d17dc79c8 1.5TRB --key alice
  tributary send f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy 10TRB --key alice --as f1
  tributary send f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy 10TRB --key alice --as f410
  tributary send 0x70997970c51812dc3a010c7d01b50e0d17dc79c8 2.5 --key alice \\
    --token 0x5fbdb2315678afecb367f032d93f642f64180aa3
  tributary send f0101 1TRB --key alice --until accepted --parent-rpc http://127.0.0.1:8545

An Ethereum transaction cannot send to an f1 address that nobody used before: its account would have
to be made, which a message does: from the key's f1 (--as f1) or Ethereum account (--as f410).";
    /// `call`
    pub const CALL: &str = "\
EXAMPLES:
  tributary call 0x5fbdb2315678afecb367f032d93f642f64180aa3 'balanceOf(address)(uint256)' \\
    0x70997970c51812dc3a010c7d01b50e0d17dc79c8
  tributary call 0x5fbdb2315678afecb367f032d93f642f64180aa3 'name()(string)' --block 12
  tributary call f0135 Get
  tributary call f0122 3351908393
  tributary call f01 2 --params 0x82d82a4100

What comes back is read as the signature says; without that it is shown as bytes. Nothing is
signed, and nothing changes.";
    /// `invoke`
    pub const INVOKE: &str = "\
EXAMPLES:
  tributary invoke 0x5fbdb2315678afecb367f032d93f642f64180aa3 'bring(uint256)' 7 --key alice
  tributary invoke 0x5fbdb2315678afecb367f032d93f642f64180aa3 'pay()' --value 1TRB --key alice
  tributary invoke f0135 Increment --key alice
  tributary invoke f0135 Add --params 40 --key alice
  tributary invoke f0135 Increment --key alice --as f410

A contract's function is called by an Ethereum transaction of the key's Ethereum account, unless --as
says otherwise; an actor's method by a message of its f1, or with --as f410 of its Ethereum account.";
    /// `deploy`
    pub const DEPLOY: &str = "\
EXAMPLES:
  tributary deploy evm Tally.json --key alice
  tributary deploy evm Token.bin --constructor 'constructor(string,uint256)' Rapids 7 --key alice
  tributary deploy wasm adder.wasm --key alice
  tributary deploy wasm adder.wasm --install-only --key alice
  tributary deploy actor bafk2bzacebshb7jbta7k5dlqn4pn2xrnywx6bfmyb6h3ppkox7jtkugyombem \\
    --params '[1]' --key alice

WASM code is installed, and actors are made, by messages of the key's f1 account, or with --as f410
of its Ethereum account, which must hold tokens. A chain may let nobody install code, or one actor
alone: its parameter code_installer says.";
    /// `balance`
    pub const BALANCE: &str = "\
EXAMPLES:
  tributary balance alice
  tributary balance 0x70997970c51812dc3a010c7d01b50e0d17dc79c8
  tributary balance alice --token 0x5fbdb2315678afecb367f032d93f642f64180aa3";
    /// `status`
    pub const STATUS: &str = "\
EXAMPLES:
  tributary status 0xb1c9e7a1a46f0ad1ad2a5a7a5b0ac91c6f8b1cd77bde8c4a90b1a4e0e3d1f2c3
  tributary status 0xb1c9e7a1a46f0ad1ad2a5a7a5b0ac91c6f8b1cd77bde8c4a90b1a4e0e3d1f2c3 \\
    --parent-rpc http://127.0.0.1:8545
  tributary status 0xb1c9e7a1a46f0ad1ad2a5a7a5b0ac91c6f8b1cd77bde8c4a90b1a4e0e3d1f2c3 \\
    --until checkpoint --wait 30

STAGES:
  submitted   it was handed to a node
  admitted    it waits in this node's pool; missing_nonce is the one of its sender's before it
  block       it is in a block, which is final on this chain
  checkpoint  a checkpoint that carries it is signed by over two thirds of the validators' power
  accepted    the parent took such a checkpoint; --parent-rpc says whom to ask";
    /// `watch`
    pub const WATCH: &str = "\
EXAMPLES:
  tributary watch blocks
  tributary watch blocks --from 1 --count 10 --json
  tributary watch logs --address 0x5fbdb2315678afecb367f032d93f642f64180aa3
  tributary watch logs --from 1 \\
    --event 'Transfer(address indexed from, address indexed to, uint256 value)'
  tributary watch transaction 0xb1c9e7a1a46f0ad1ad2a5a7a5b0ac91c6f8b1cd77bde8c4a90b1a4e0e3d1f2c3 \\
    --until checkpoint

A WebSocket of the node rings at every block; where there is none (--no-websocket, https), the
chain is looked at every --poll-ms. What came is always asked for in order, so a connection that
breaks loses nothing. Ctrl-C ends it.";
    /// `completions`
    pub const COMPLETIONS: &str = "\
EXAMPLES:
  tributary completions bash > ~/.local/share/bash-completion/completions/tributary
  tributary completions zsh > ~/.zfunc/_tributary
  tributary completions fish > ~/.config/fish/completions/tributary.fish";
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
    use clap::CommandFactory as _;

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
        Cli::command().debug_assert();
    }

    #[test]
    fn every_example_in_the_help_is_a_command_line() {
        let mut examples = 0;
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().unwrap_or_else(|| panic!("{} has no examples", command.get_name()));
            let help = help.to_string();
            assert!(help.lines().all(|line| line.len() <= 105), "{} has lines that wrap", command.get_name());
            let help = help.replace("\\\n", "");
            for line in help.lines().filter(|line| line.starts_with("  tributary ")) {
                let line = line.split(" > ").next().unwrap();
                let parsed = Cli::try_parse_from(words(line));
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
                examples += 1;
            }
        }
        assert!(examples > 30, "{examples}");
    }

    #[test]
    fn what_is_wrong_is_refused_when_it_is_read() {
        for line in [
            "tributary send 0x1234 1TRB --key alice",
            "tributary send ../bob 1TRB --key alice",
            "tributary call t17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy Get",
            "tributary send f0101 1TRB --key ../alice",
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
