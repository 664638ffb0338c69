//! What a message costs, ours and the reference's, side by side in one run.
//!
//! Both start from one state, go on from block to block, and take turns, so that a busy machine is busy for both. A block of the
//! reference's opens the state, runs its messages and flushes: there is no other way to use it. Ours keeps the state that it has
//! read from block to block, as a node does.
//!
//! Time is the process's CPU time: on a shared machine the clock on the wall says more of the neighbours. One thread each.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, ensure};
use clap::Parser;
use tributary_bench::clock::{Cost, timed};
use tributary_bench::ours::Ours;
use tributary_bench::workload::Workload;
use tributary_bench::world::World as Bench;
use tributary_message::{FvmTransaction, Transaction};
use tributary_oracle::reference::{Reference, on_deep_stack};
use tributary_oracle::store::Store;
use tributary_oracle::world::World;

/// What a message costs, ours and the reference's, side by side.
#[derive(Parser)]
struct Options {
    /// Keys; each has an f1 and an f410 account.
    #[arg(long, default_value_t = 1_000)]
    accounts: usize,
    /// Messages a block.
    #[arg(long, default_value_t = 1_000)]
    messages: usize,
    /// Blocks of each workload that count; one before them warms up.
    #[arg(long, default_value_t = 9)]
    blocks: usize,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match on_deep_stack(|| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    ensure!(options.blocks >= 5, "fewer than five blocks say nothing");
    let profile = if cfg!(debug_assertions) { "debug" } else { "release, without link-time optimisation" };
    println!(
        "CPU time a message; profile: {profile}; {} accounts of each kind, blocks of {}, {} of them: median (least–most)",
        options.accounts, options.messages, options.blocks
    );
    let (mut bench, mut ours) = Bench::new(options.accounts)?;
    for workload in [Workload::FvmTransfer, Workload::Counter] {
        let mut theirs = Theirs::beside(&ours, &bench)?;
        println!("{}", workload.name());
        Times::of(workload, options, &mut bench, &mut ours, &mut theirs)?.print(options.messages);
    }
    for workload in [Workload::EthTransfer, Workload::Erc20] {
        println!("{} (ours alone: the reference's EVM is an actor that no registry carries)", workload.name());
        let mut times = Times::default();
        for block in 0..=options.blocks {
            times.ours(&mut ours, &bench.block(workload, options.messages)?, block > 0)?;
        }
        times.print(options.messages);
    }
    Ok(())
}

/// The reference, on a copy of our state.
struct Theirs {
    reference: Reference,
    store: Store,
    root: cid::Cid,
}

impl Theirs {
    fn beside(ours: &Ours, bench: &Bench) -> Result<Self> {
        let (store, root) = ours.state();
        let world = Arc::new(World::around(store.blocks(), *root, bench.supply())?);
        let store = Store::over(&world.theirs);
        Ok(Self { reference: Reference::new(world)?, store, root: *root })
    }
}

/// CPU nanoseconds of each block.
#[derive(Default)]
struct Times {
    ours_execute: Vec<u64>,
    ours_with_root: Vec<u64>,
    theirs_execute: Vec<u64>,
    theirs_with_root: Vec<u64>,
}

impl Times {
    fn of(
        workload: Workload,
        options: &Options,
        bench: &mut Bench,
        ours: &mut Ours,
        theirs: &mut Theirs,
    ) -> Result<Self> {
        let mut times = Self::default();
        for block in 0..=options.blocks {
            let transactions = bench.block(workload, options.messages)?;
            times.theirs(theirs, &transactions, block > 0)?;
            times.ours(ours, &transactions, block > 0)?;
        }
        Ok(times)
    }

    fn ours(&mut self, ours: &mut Ours, transactions: &[Transaction], counts: bool) -> Result<()> {
        let ran = ours.timed_block(transactions)?;
        if counts {
            self.ours_execute.push(ran.execute);
            self.ours_with_root.push(ran.execute + ran.commit);
        }
        Ok(())
    }

    fn theirs(&mut self, theirs: &mut Theirs, transactions: &[Transaction], counts: bool) -> Result<()> {
        let messages: Vec<_> = transactions.iter().filter_map(message).collect();
        let (ran, execute) = timed(|| theirs.reference.run_on(&theirs.store, &theirs.root, &messages));
        let (applied, open) = ran?;
        let failed = applied.iter().find(|applied| !applied.msg_receipt.exit_code.is_success());
        ensure!(failed.is_none(), "a message of the reference's failed: {failed:?}");
        let (root, flush) = timed(|| open.flush());
        theirs.root = root?;
        if counts {
            self.theirs_execute.push(execute);
            self.theirs_with_root.push(execute + flush);
        }
        Ok(())
    }

    fn print(&self, messages: usize) {
        for (layer, theirs, ours) in [
            ("execute", &self.theirs_execute, &self.ours_execute),
            ("with root", &self.theirs_with_root, &self.ours_with_root),
        ] {
            let (theirs, ours) = (Cost::of(theirs, messages), Cost::of(ours, messages));
            let Some(ours) = ours else { continue };
            let theirs = theirs.map(|theirs| {
                let ratio = ours.hundredths_of(&theirs);
                format!("   theirs {theirs}   theirs/ours {}.{:02}", ratio / 100, ratio % 100)
            });
            println!("  {layer:10} ours {ours}{}", theirs.unwrap_or_default());
        }
    }
}

fn message(transaction: &Transaction) -> Option<FvmTransaction> {
    match transaction {
        Transaction::Fvm(message) => Some(message.as_ref().clone()),
        Transaction::Ethereum(_) => None,
    }
}
