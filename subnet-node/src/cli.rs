//! The command line of `subnet-node`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::actor::ActorCommand;
use crate::bench::BenchArgs;
use crate::devnet::DevnetArgs;
use crate::init::InitArgs;
use crate::inspect::InspectArgs;
use crate::proof::VerifyProofArgs;

/// A Tributary node: runs a subnet, or a root network, as a validator or a follower.
#[derive(Debug, Parser)]
#[command(name = "subnet-node", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a node's home: settings, keys, and the genesis document.
    #[command(after_help = "EXAMPLES:
  subnet-node init --home ./node0 --genesis genesis.json
  subnet-node init --home ./node0                          # keys and settings first, genesis later
  genesis add-validator genesis.json --keys-public ./node0/keys.public.json --power 10

EXIT CODES:
  0  the home is made
  1  not made, or not wholly; the last line says why
  2  the command line is wrong")]
    Init(InitArgs),
    /// Run the node of a home until SIGTERM or Ctrl-C.
    #[command(after_help = "EXAMPLES:
  subnet-node run --home ./node0
  subnet-node run --home ./node0 --set rpc.listen=0.0.0.0:8545 --set log.format=json
  TRIBUTARY__LOG__FILTER=debug subnet-node run --home ./node0

EXIT CODES:
  0  stopped when asked to
  1  could not start, or had to stop; the last line says why and what to do
  2  the command line is wrong")]
    Run(RunArgs),
    /// Install code on a network, make actors of it, and talk to them.
    #[command(
        subcommand,
        after_help = "EXAMPLES:
  subnet-node actor check counter.wasm
  subnet-node actor install counter.wasm --key key.json --rpc http://127.0.0.1:8645
  subnet-node actor create bafk2bz… --key key.json --rpc http://127.0.0.1:8645
  subnet-node actor call f0135 Increment --key key.json --rpc http://127.0.0.1:8645
  subnet-node actor query f0135 Get --rpc http://127.0.0.1:8645 --json

Parameters are JSON, encoded as DAG-CBOR, or CBOR in hex. TRIBUTARY_RPC and TRIBUTARY_KEY stand for the flags.

EXIT CODES:
  0  done
  1  not done; the last line says why
  2  the command line is wrong
  7  the message is in a block and failed there, or what was queried fails"
    )]
    Actor(ActorCommand),
    /// Run a root network, a subnet and a relayer on this machine, and show how checkpoints land.
    #[command(after_help = "EXAMPLES:
  subnet-node devnet
  subnet-node devnet --fresh --until-checkpoint 3 --json
  subnet-node devnet --validators 7 --parent-validators 1 --no-load

EXIT CODES:
  0  stopped when asked to, or the checkpoints asked for are accepted
  1  could not start, a process ended by itself, or --deadline-s is over; the last lines say which
  2  the command line is wrong")]
    Devnet(DevnetArgs),
    /// Measure what a network takes from its clients: transactions a second and their latency, submit to block.
    #[command(after_help = "EXAMPLES:
  subnet-node bench
  subnet-node bench --validators 4 --workload erc20 --duration 60 --json erc20.json
  subnet-node bench --loop open --rate 500 --batch 1
  subnet-node bench --rpc http://127.0.0.1:8645 --rpc http://127.0.0.1:8646 --key-file key.json
  anvil --silent --block-time 0.2 --gas-limit 60000000 &
  export TRIBUTARY_PEER_KEY=0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80
  subnet-node bench --rounds 3 --peer anvil=http://127.0.0.1:8545

That key is the first of the development accounts that anvil, and many tools, give money to. Keys come from files or from the environment
(TRIBUTARY_KEY, TRIBUTARY_PEER_KEY), never from an argument, which every process on the machine could read. Of a network that it did not
start, bench asks eth_ methods only (and web3_clientVersion, which may be missing). Ctrl-C ends the run; the figures so far are shown.

EXIT CODES:
  0    every transaction that was taken is in a block, the receipts looked at went well, and all nodes have one block and state
  1    not measured; the last line says why
  2    the command line is wrong
  7    measured, and some transaction was refused, failed, or is in no block, or nodes do not agree
  130  stopped by a signal; the figures are of what ran")]
    Bench(BenchArgs),
    /// Look into the state of a stopped node, prove parts of it, export all of it; run a dumped block again.
    #[command(after_help = "EXAMPLES:
  subnet-node inspect head --home node0
  subnet-node inspect actor 0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266 --home node0 --height 12
  subnet-node inspect state f01 --home node0
  subnet-node inspect storage 0x0000f90827f1c53a10cb7a02335b175320002935 1 --home node0
  subnet-node inspect diff 1 2 --home node0
  subnet-node inspect export state.car --home node0
  subnet-node inspect check state.car
  subnet-node inspect import state.car --into copy
  subnet-node inspect witness proof.car --home node0 actor f01
  subnet-node inspect verify proof.car --root bafy2bzace… actor f01
  subnet-node inspect replay --dump node0/dumps/block-7

EXIT CODES:
  0  found, written or proven
  1  refused, not there, or the node runs; the last line says which
  2  the command line is wrong
replay has more: see `subnet-node inspect replay --help`")]
    Inspect(InspectArgs),
    /// Check what a node answered to subnet_getProof: needs the answer and the validators that you trust. No node, no home.
    #[command(after_help = "EXAMPLES:
  subnet-node verify-proof proof.json --genesis genesis.json
  subnet-node verify-proof proof.json --validators set.json --subnet /r31415/f0100 --json
  subnet-node verify-proof proof.json --genesis genesis.json --address 0xf39f… --height-min 1000
  curl -s -H 'content-type: application/json' $NODE -d '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subnet_getProof\",\"params\":[\"f01\"]}' |
    subnet-node verify-proof --genesis genesis.json

The answer may be as it came, with the envelope of JSON-RPC, or the result alone. What it proves is how things were after the block
that it names; --height-min refuses one that is too old. docs/proofs.md walks through it.

EXIT CODES:
  0  what is printed is proven, which may be that there is nothing
  1  nothing was checked: a file cannot be read, or holds no proof, or no validators; the last line says why
  2  the command line is wrong
  3  it was checked and does not hold, or is not about what was asked for; the last line says why")]
    VerifyProof(VerifyProofArgs),
}

/// Options of `run`.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// The node's home, made by `subnet-node init`.
    #[arg(long, env = "TRIBUTARY_HOME", value_name = "DIR")]
    pub home: PathBuf,
    /// A setting that wins over file and environment; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Stop, as on SIGTERM, when standard input ends: for a supervisor that holds the other end of a pipe.
    #[arg(long)]
    pub stop_on_stdin_close: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    /// Words of a line as a shell has them, as far as the examples go.
    fn words(line: &str) -> Vec<String> {
        let line = line.trim().replace('\'', "");
        line.split_whitespace().map(str::to_owned).collect()
    }

    /// The names and helps of all commands below this one. The questions of a proof are words of the command above them.
    fn helps_below(command: &clap::Command) -> Vec<(String, String)> {
        let mut helps = Vec::new();
        for below in command.get_subcommands().filter(|_| !["witness", "verify"].contains(&command.get_name())) {
            let help = below.get_after_help().map(ToString::to_string).unwrap_or_default();
            helps.push((below.get_name().to_owned(), help));
            helps.extend(helps_below(below));
        }
        helps
    }

    #[test]
    fn the_help_of_every_command_has_examples_that_are_command_lines() {
        let all = helps_below(&Cli::command());
        assert!(all.len() > 22, "{}", all.len());
        for (name, help) in all {
            let joined = help.replace("\\\n", "");
            let examples: Vec<_> = joined.lines().filter(|line| line.starts_with("  subnet-node ")).collect();
            assert!(!examples.is_empty(), "{name} has no examples");
            // What is too long to be shown is cut short.
            for line in examples.into_iter().filter(|line| !line.contains('…')) {
                let line = line.split(['#', '|', '&']).next().unwrap();
                let parsed = Cli::try_parse_from(words(line));
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
            }
        }
    }
}
