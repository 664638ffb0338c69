//! Ethereum's clients against a real subnet of four, whose checkpoints a relayer carries to a parent: each runs its own cases and reports them in TAP (`tests/clients/README.md`).
//!
//! `make test` runs those that are quick to install and to run; `make clients` all of them, one after another, with a table at the end.

mod tap;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use self::tap::Report;
use crate::client::until;
use crate::hierarchy::{Hierarchy, finalized};
use crate::network::{CHAIN_ID, Plan, Process};
use crate::wallet::RICH_KEY;

/// The page that states what came of all of them.
const PAGE: &str = include_str!("../../../docs/clients.md");
/// The page that says the same in short, a column for each.
const README: &str = include_str!("../../../README.md");

/// A client's cases.
struct Suite {
    /// As it is called in the page and on the command line.
    name: &'static str,
    /// Where it is, below `tests/clients`.
    folder: &'static str,
    /// What installing it leaves there.
    installed: &'static str,
    /// How it is run, from its folder.
    command: &'static [&'static str],
    /// The subnet that it needs.
    subnet: Needs,
}

/// Of every subnet.
const PARAMETERS: &[&str] =
    &["heartbeat_ms=1000", "block_interval_min_ms=50", "timeout_rebroadcast_ms=500", "checkpoint_period=3"];
/// Of one whose blocks take a second.
const SLOW: &[&str] =
    &["heartbeat_ms=1000", "block_interval_min_ms=1000", "timeout_rebroadcast_ms=500", "checkpoint_period=3"];

/// What a subnet must be like.
#[derive(Clone, Copy)]
enum Needs {
    /// As every one of the tests.
    Nothing,
    /// web3.py's classes name their fixture's chain id, and look at transactions that wait.
    SlowBlocksOf(u64),
}

const ETHERS: Suite = suite("ethers", "ethers", "node_modules", &["npm", "test", "--silent"]);
const VIEM: Suite = suite("viem", "viem", "node_modules", &["npm", "test", "--silent"]);
const WALLET: Suite = suite("wallet", "viem", "node_modules", &["npm", "run", "wallet", "--silent"]);
const HARDHAT: Suite = suite("hardhat", "hardhat", "node_modules", &["npm", "test", "--silent"]);
const FOUNDRY: Suite = suite("foundry", "foundry", "node_modules", &["npm", "test", "--silent"]);
const WEB3PY: Suite = Suite {
    subnet: Needs::SlowBlocksOf(131_277_322_940_537),
    ..suite("web3.py", "web3py", ".venv", &[".venv/bin/pytest"])
};

const fn suite(
    name: &'static str,
    folder: &'static str,
    installed: &'static str,
    command: &'static [&'static str],
) -> Suite {
    Suite { name, folder, installed, command, subnet: Needs::Nothing }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_with_ethers_does_works() {
    ETHERS.run().await.assert_good();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_with_viem_does_works() {
    VIEM.run().await.assert_good();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_of_a_wallet_works() {
    WALLET.run().await.assert_good();
}

/// `CLIENT=name` runs one.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes and needs more than Node.js: make clients"]
async fn every_client_in_full() {
    let only = std::env::var("CLIENT").ok().filter(|name| !name.is_empty());
    let chosen = [ETHERS, VIEM, WALLET, HARDHAT, FOUNDRY, WEB3PY];
    let chosen = chosen.into_iter().filter(|suite| only.as_deref().is_none_or(|only| only == suite.name));
    let mut rows = Vec::new();
    for suite in chosen {
        let started = Instant::now();
        let report = suite.run().await;
        println!("{}", report.faults(suite.name));
        rows.push((suite.name, report, started.elapsed()));
    }
    assert!(!rows.is_empty(), "no client is called {only:?}");
    println!("{}", table(&rows));
    for (name, report, _) in &rows {
        report.assert_good();
        assert!(PAGE.contains(&report.row(name)), "docs/clients.md should say: {}", report.row(name));
        let [passed, failed, known, _] = report.counts();
        assert_eq!(in_the_readme(name), [passed, failed, known], "README.md, {name}");
    }
}

#[test]
fn the_readme_says_of_every_client_what_its_page_says() {
    for suite in [ETHERS, VIEM, WALLET, HARDHAT, FOUNDRY, WEB3PY] {
        let [passed, failed, known] = in_the_readme(suite.name);
        let row = format!("| {} | {passed} | {failed} | {known} |", suite.name);
        assert!(PAGE.contains(&row), "README.md says {row}, and docs/clients.md does not");
    }
}

/// Passed, failed and known to fail, as the README's table has them in a client's column.
fn in_the_readme(client: &str) -> [usize; 3] {
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>();
    let head = README.lines().find(|line| line.starts_with("| | ethers |")).expect("the table's first line");
    let is_its = |name: &&str| name.to_lowercase().split(' ').next() == Some(client);
    let column = cells(head).iter().position(is_its).unwrap_or_else(|| panic!("README.md has no column for {client}"));
    ["cases that passed", "failed", "known to fail"].map(|what| {
        let row = README.lines().find(|line| line.starts_with(&format!("| {what} |"))).expect(what);
        cells(row)[column].parse().expect("a number")
    })
}

fn table(rows: &[(&str, Report, Duration)]) -> String {
    let head = format!("{:<10}{:>8}{:>8}{:>8}{:>9}{:>6}", "client", "passed", "failed", "known", "skipped", "s");
    let rows = rows.iter().map(|(name, report, took)| {
        let [passed, failed, known, skipped] = report.counts();
        format!("{name:<10}{passed:>8}{failed:>8}{known:>8}{skipped:>9}{:>6}", took.as_secs())
    });
    std::iter::once(head).chain(rows).collect::<Vec<_>>().join("\n")
}

impl Suite {
    fn folder(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(self.folder)
    }

    /// A subnet of four for it alone, whose parent accepted a checkpoint of it.
    async fn subnet(&self) -> (Hierarchy, Process) {
        let plan = match self.subnet {
            Needs::Nothing => Plan { parameters: PARAMETERS, ..Hierarchy::child(4, CHAIN_ID + 1) },
            Needs::SlowBlocksOf(chain_id) => Plan { parameters: SLOW, ..Hierarchy::child(4, chain_id) },
        };
        let hierarchy = Hierarchy::planned(plan).await;
        let relayer = hierarchy.run_relayer();
        for at in 0..4 {
            let client = hierarchy.child.client(at);
            until("a finalized block", async || finalized(&client).await.is_some()).await;
        }
        (hierarchy, relayer)
    }

    /// Runs its cases against a subnet of four.
    async fn run(&self) -> Report {
        let folder = self.folder();
        let (program, arguments) = self.command.split_first().unwrap();
        assert!(folder.join(self.installed).exists(), "not installed: run `make clients CLIENT={}`", self.name);
        let (hierarchy, _relayer) = self.subnet().await;
        let urls: Vec<_> = (0..4).map(|at| format!("http://{}", hierarchy.child.rpc(at))).collect();
        let command = || {
            // A path with a slash is looked up from here, not from the folder.
            let program = if program.contains('/') { folder.join(program) } else { program.into() };
            Command::new(program)
                .args(arguments)
                .current_dir(&folder)
                .env("RPC_URL", urls.join(","))
                .env("PRIVATE_KEY", format!("0x{}", hex::encode(RICH_KEY)))
                .output()
                .unwrap()
        };
        let output = tokio::task::block_in_place(command);
        Report::read(&String::from_utf8_lossy(&output.stdout), &String::from_utf8_lossy(&output.stderr))
    }
}
