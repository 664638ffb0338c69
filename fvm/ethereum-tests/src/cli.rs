//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Parser;
use tributary_ethereum_tests::Fork;

/// Runs Ethereum's public state tests on Tributary's executor.
///
/// Each test is a state, a block and a transaction, with the state root and the logs that Ethereum's clients agree on. The
/// state is put into ours, the transaction is signed and run as a node runs it, and what it leaves is compared. Where a
/// difference has a named reason (a younger fork, a rule of ours) it is counted under that name; any other is a failure.
#[derive(Parser, Debug)]
#[command(name = "ethereum-tests", version, after_help = HELP)]
pub struct Cli {
    /// Files of tests, or folders of such files at any depth
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Which entries count: Cancun, Prague or Osaka. All run by the rules of Osaka, which are this chain's
    #[arg(long, value_name = "NAME", default_value = "Osaka")]
    pub fork: Fork,
    /// Threads [default: one for each core]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Print every failure, not only the first ten
    #[arg(long)]
    pub list_failures: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

const HELP: &str = "\
Result, on standard output: a table of entries by folder, then the named rules with their counts.
  passed            state root and logs are what is published
  refused by rule   the executor takes no such transaction: blobs, more than 2^24 gas; nothing changed
  fork difference   published for an older fork; stock revm without the named later rules gives what is published
  deviation         a rule of our own, by name
  failed            nothing explains it
Progress goes to standard error. Exit code: 0 when something ran and nothing failed, 1 otherwise, 2 for a bad command line.

Examples:
  The public tests, last published for Cancun:
    git clone --depth 1 https://github.com/ethereum/tests
    ethereum-tests --fork Cancun tests/GeneralStateTests

  One file, with everything that fails:
    ethereum-tests --fork Cancun --list-failures tests/GeneralStateTests/stExample/add11.json

  Our own cases:
    ethereum-tests fvm/ethereum-tests/cases";
