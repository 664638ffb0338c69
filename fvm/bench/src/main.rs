//! Prints what a transaction costs, ours beside bare revm: `make bench`.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum as _};
use tributary_bench::instances;
use tributary_bench::machine::Machine;
use tributary_bench::measure::{Row, SetUp, Size, measure, set_up};
use tributary_bench::report::{growth, json, plot, table};
use tributary_bench::threads::cores;
use tributary_bench::workload::Workload;
use tributary_bench::world::Founding;
use tributary_fvm::Workers;

/// What a transaction costs, layer by layer: in order, on several threads, and bare revm in the same run.
#[derive(Parser)]
#[command(name = "bench", after_help = "Example: bench --accounts 100000 --transactions 10000 --workload erc20")]
struct Options {
    /// Keys; each has an f1 and an f410 account. Several sizes with commas.
    #[arg(long, value_delimiter = ',', default_value = "2000")]
    accounts: Vec<usize>,
    /// Transactions a block. Several sizes with commas.
    #[arg(long, value_delimiter = ',', default_value = "1000")]
    transactions: Vec<usize>,
    /// Blocks of each workload that count.
    #[arg(long, default_value_t = 9)]
    blocks: usize,
    /// Blocks of each workload before those that count. If not given, as many as it takes for every account to send once.
    #[arg(long)]
    warm_up: Option<usize>,
    /// Each block runs in order, and on so many threads. Several numbers with commas; `all` is one for each core.
    #[arg(long, value_delimiter = ',', default_value = "all", value_parser = threads)]
    threads: Vec<u32>,
    /// Each block also runs as on a node that may use all cores: in order or on threads, whichever was faster lately. It looks at the
    /// slower way in one block of 32: give it `--blocks 64` or more.
    #[arg(long)]
    node: bool,
    /// Only this one; may be given again.
    #[arg(long)]
    workload: Vec<Workload>,
    /// Every workload with 1,000, 100,000 and 1,000,000 accounts, blocks of 1,000 and 10,000. Takes hours and some 20 GB with the last; `--warm-up 1`
    /// makes it less than one.
    #[arg(long, conflicts_with_all = ["accounts", "transactions", "workload"])]
    all: bool,
    /// How costs grow: plain transfers and ERC-20, in order and by bare revm, on 10,000, 100,000 and 1,000,000 Ethereum accounts, in
    /// blocks of 100, 1,000, 5,000 and 10,000. Unless told otherwise 30,000 transactions warm up, whatever the size: of a large state little.
    #[arg(long, conflicts_with_all = ["accounts", "transactions", "workload", "threads", "node", "all", "plot"])]
    growth: bool,
    /// With `--growth`, no more accounts than this.
    #[arg(long, requires = "growth")]
    accounts_max: Option<usize>,
    /// What a call of an actor costs by how its instance gets its memory, and nothing else: slots or `mmap`, data copied or mapped.
    /// `--blocks` says how often they take turns.
    #[arg(long, conflicts_with_all = ["accounts", "transactions", "workload", "threads", "node", "all", "growth", "json", "plot"])]
    instantiation: bool,
    /// Writes everything here, for machines.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draws the first size here, in SVG.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// States and blocks of `--growth`.
const GROWING_ACCOUNTS: [usize; 3] = [10_000, 100_000, 1_000_000];
/// Of 5,000 transfers among a million accounts come 10,000 keys, by which the root is judged.
const GROWING_BLOCKS: [usize; 4] = [100, 1_000, 5_000, 10_000];
/// Its transactions that warm up: as many for every size of block, so that all find the state alike; three of the largest. For every
/// account to send once would take a hundred.
const GROWING_WARM_UP: usize = 30_000;

/// The node's, so that what is measured is what it pays.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match run(&Options::parse().completed()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why:#}");
            ExitCode::FAILURE
        }
    }
}

impl Options {
    fn completed(mut self) -> Self {
        if self.all {
            (self.accounts, self.transactions) = (vec![1_000, 100_000, 1_000_000], vec![1_000, 10_000]);
        }
        if self.growth {
            let most = self.accounts_max.unwrap_or(usize::MAX);
            self.accounts = GROWING_ACCOUNTS.map(|accounts| accounts.min(most)).to_vec();
            self.accounts.dedup();
            self.transactions = GROWING_BLOCKS.to_vec();
            self.workload = vec![Workload::EthTransfer, Workload::Erc20];
            self.threads.clear();
        }
        if self.workload.is_empty() {
            self.workload = Workload::value_variants().to_vec();
        }
        // In order is always there.
        self.threads.retain(|threads| *threads > 1);
        self.threads.sort_unstable();
        self.threads.dedup();
        self
    }

    fn node_threads(&self) -> Result<Option<u32>> {
        Ok(self.node.then(|| u32::try_from(cores())).transpose()?)
    }

    const fn founding(&self) -> Founding {
        if self.growth { Founding::Directly } else { Founding::ByTransactions }
    }

    fn size(&self, accounts: usize, transactions: usize) -> Size {
        let first = if self.growth { GROWING_WARM_UP } else { accounts };
        let warm_up = self.warm_up.unwrap_or_else(|| first.div_ceil(transactions));
        Size { accounts, transactions, warm_up, blocks: self.blocks }
    }
}

fn threads(text: &str) -> Result<u32> {
    let threads = if text == "all" { u32::try_from(cores())? } else { text.parse().context("a number, or `all`")? };
    ensure!((1..=Workers::MAX).contains(&threads), "from 1 to {} threads", Workers::MAX);
    Ok(threads)
}

#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
fn run(options: &Options) -> Result<()> {
    ensure!(options.blocks >= 5, "fewer than five blocks say nothing");
    ensure!(
        !options.transactions.contains(&0),
        "a block without transactions costs nothing to speak of; give --transactions 1 or more"
    );
    let machine = Machine::this();
    println!("{machine}");
    if options.instantiation {
        println!("\n{}", instances::table(&instances::compare(options.blocks, instances::CALLS)?));
        return Ok(());
    }
    if options.growth {
        println!("\n{}", growth::head(options.blocks));
    }
    let (mut set_ups, mut groups) = (Vec::new(), Vec::new());
    for accounts in &options.accounts {
        let (set_up, measured) = with_accounts(options, *accounts)?;
        set_ups.push(set_up);
        groups.extend(measured);
    }
    if options.growth {
        println!();
        set_ups.iter().for_each(|set_up| println!("{}", growth::set_up(set_up)));
    }
    if let Some(file) = &options.json {
        fs::write(file, format!("{:#}\n", json::document(&machine, &set_ups, &groups)))?;
    }
    if let (Some(file), Some(size)) = (&options.plot, groups.iter().flatten().map(|row| row.size).next()) {
        let of_size = |rows: &&Vec<Row>| rows.iter().all(|row| row.size == size);
        let groups: Vec<_> = groups.iter().filter(of_size).cloned().collect();
        fs::write(file, plot::svg(&table::title(size), &groups))?;
    }
    Ok(())
}

/// Every workload and size of block, on one world; each starts from the same state.
#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
fn with_accounts(options: &Options, accounts: usize) -> Result<(SetUp, Vec<Vec<Row>>)> {
    let ((mut world, ours, bare), set_up) = set_up(accounts, &options.workload, options.founding())?;
    let mut groups = Vec::new();
    for transactions in &options.transactions {
        let size = options.size(accounts, *transactions);
        if !options.growth {
            println!("\n{}\n\n{}", table::title(size), table::head());
        }
        for workload in &options.workload {
            let rows =
                measure(*workload, size, (&options.threads, options.node_threads()?), (&mut world, &ours, &bare))?;
            println!("{}", if options.growth { growth::lines(&rows) } else { table::lines(&rows) });
            groups.push(rows);
        }
    }
    Ok((set_up, groups))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGES: [&str; 2] = [include_str!("../../../docs/performance.md"), include_str!("../README.md")];

    #[test]
    fn the_commands_of_the_pages_are_understood() {
        let of_ours = |line: &&str| !line.starts_with("make bench-");
        let lines = PAGES.iter().flat_map(|page| page.lines()).filter(of_ours);
        let commands = lines.filter_map(|line| line.strip_prefix("make bench"));
        let flags: Vec<_> = commands.map(|command| command.split('"').nth(1).unwrap_or_default()).collect();
        assert!(flags.len() >= 4, "{flags:?}");
        for flags in flags {
            let parsed = Options::try_parse_from(std::iter::once("bench").chain(flags.split_whitespace()));
            assert!(parsed.is_ok(), "{flags}");
        }
    }

    #[test]
    fn all_is_more_than_the_default_and_growth_alone_does_not_warm_every_account_up() {
        let options = |flags: &[&str]| Options::try_parse_from(["bench"].iter().chain(flags)).map(Options::completed);
        let (small, all) = (options(&[]).unwrap(), options(&["--all", "--threads", "2,1,2"]).unwrap());
        assert_eq!((small.accounts.len(), small.transactions.len(), small.workload.len()), (1, 1, 17));
        assert_eq!((all.accounts.len(), all.transactions.len(), all.threads), (3, 2, vec![2]));
        assert_eq!(small.size(2_500, 1_000).warm_up, 3);
        let growth = options(&["--growth", "--accounts-max", "20000"]).unwrap();
        assert_eq!((growth.accounts.clone(), growth.size(20_000, 10_000).warm_up), (vec![10_000, 20_000], 3));
        assert_eq!(growth.transactions, [100, 1_000, 5_000, 10_000]);
        assert!(options(&["--growth", "--accounts", "2"]).is_err() && options(&["--accounts-max", "2"]).is_err());
        assert!(options(&["--instantiation", "--blocks", "31"]).is_ok());
        assert!(options(&["--instantiation", "--all"]).is_err() && options(&["--instantiation", "--node"]).is_err());
        assert!(options(&["--threads", "0"]).is_err() && options(&["--all", "--accounts", "2"]).is_err());
    }
}
