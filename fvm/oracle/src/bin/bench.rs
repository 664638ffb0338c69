//! What a message costs, ours and the reference's, side by side in one run.
//!
//! Both start from one state, go on from block to block, and take turns, so that a busy machine is busy for both. A block of the
//! reference's opens the state, runs its messages and flushes: there is no other way to use it. Ours keeps the state that it has
//! read from block to block, as a node does. What both return and log is compared: who is faster and wrong says nothing.
//!
//! The reference's EVM is an actor, which comes out of a bundle that the user names. With one, both start Ethereum's workloads from one
//! genesis, run the same set-up, and end with the token's state the same to the byte.
//!
//! Time is the process's CPU time: on a shared machine the clock on the wall says more of the neighbours. One thread each.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Parser;
use tributary_bench::clock::Cost;
use tributary_bench::ours::Ours;
use tributary_bench::workload::Workload;
use tributary_bench::world::World as Bench;
use tributary_fvm::Receipt;
use tributary_oracle::bundle::Bundle;
use tributary_oracle::chain::{Chain, actor_at};
use tributary_oracle::outcome::Seen;
use tributary_oracle::reference::on_deep_stack;
use tributary_oracle::world::World;

/// Ethereum transactions in a block of the reference's set-up.
const SET_UP_BLOCK: usize = 1_000;

const AFTER_HELP: &str = "\
A bundle is the file that Filecoin's built-in actors are released in: an asset of each release of filecoin-project/builtin-actors \
on GitHub (builtin-actors-mainnet.car), or what `make bundle` writes in a checkout of it (output/builtin-actors.car). \
That of v18.0.0 is known to work.

Example: bench --bundle builtin-actors-mainnet.car --blocks 25";

/// What a message costs, ours and the reference's, side by side.
#[derive(Parser)]
#[command(after_help = AFTER_HELP)]
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
    /// Filecoin's built-in actors: the reference runs Ethereum's workloads too.
    #[arg(long, value_name = "PATH")]
    bundle: Option<PathBuf>,
}

/// The node's, for both.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

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
    let bundle = options.bundle.as_deref().map(Bundle::open).transpose()?;
    let profile = if cfg!(debug_assertions) { "debug" } else { "release, with thin link-time optimisation" };
    println!(
        "CPU time a message; profile: {profile}; {} accounts of each kind, blocks of {}, {} of them: median (least–most)",
        options.accounts, options.messages, options.blocks
    );
    let (mut bench, mut ours) = Bench::new(options.accounts)?;
    for workload in [Workload::FvmTransfer, Workload::Counter] {
        let mut theirs = beside(&ours, &bench)?;
        measure(workload, options, &mut bench, &mut ours, Some(&mut theirs))?;
    }
    let mut theirs = bundle.map(|bundle| of_filecoin(&bundle, &bench)).transpose()?;
    if theirs.is_none() {
        println!("ours alone from here on: the reference's EVM is an actor, which --bundle PATH brings (see --help)");
    }
    for workload in [Workload::EthTransfer, Workload::Erc20] {
        measure(workload, options, &mut bench, &mut ours, theirs.as_mut())?;
    }
    theirs.map_or(Ok(()), |theirs| same_token(&bench, &ours, &theirs))
}

/// The reference, on a copy of our state.
fn beside(ours: &Ours, bench: &Bench) -> Result<Chain> {
    let (store, root) = ours.state();
    Chain::new(World::around(store.blocks(), *root, bench.genesis().supply())?)
}

/// The reference with Filecoin's actors, on our genesis, its set-up run.
fn of_filecoin(bundle: &Bundle, bench: &Bench) -> Result<Chain> {
    let mut theirs = Chain::new(World::of_filecoin(bundle, &bench.genesis())?)?;
    for block in bench.set_up().chunks(SET_UP_BLOCK) {
        theirs.block(block)?;
    }
    Ok(theirs)
}

fn measure(
    workload: Workload,
    options: &Options,
    bench: &mut Bench,
    ours: &mut Ours,
    mut theirs: Option<&mut Chain>,
) -> Result<()> {
    let mut times = Times::default();
    for block in 0..=options.blocks {
        let transactions = bench.block(workload, options.messages)?;
        let peer = theirs.as_deref_mut().map(|theirs| theirs.block(&transactions)).transpose()?;
        let ran = ours.timed_block(&transactions)?;
        if block > 0 {
            times.ours_execute.push(ran.execute.cpu);
            times.ours_with_root.push((ran.execute + ran.commit).cpu);
            times.theirs_execute.extend(peer.iter().map(|peer| peer.execute));
            times.theirs_with_root.extend(peer.iter().map(|peer| peer.execute + peer.flush));
        }
        if let Some(peer) = peer {
            agree(peer.seen, ran.run.receipts)?;
        }
    }
    println!("{}", workload.name());
    times.print(options.messages);
    Ok(())
}

/// Refuses what returned or logged something else. Gas is another matter: the reference's EVM pays for its instructions.
fn agree(theirs: Vec<Seen>, ours: Vec<Receipt>) -> Result<()> {
    ensure!(theirs.len() == ours.len(), "{} of the reference's messages ran, of ours {}", theirs.len(), ours.len());
    for (theirs, ours) in theirs.into_iter().zip(ours.into_iter().map(Seen::from)) {
        let same = theirs.return_data == ours.return_data && theirs.events == ours.events;
        ensure!(same, "a message came to something else: theirs {theirs:?}, ours {ours:?}");
    }
    Ok(())
}

/// Refuses another balance of anybody's, or anything else in the token.
fn same_token(bench: &Bench, ours: &Ours, theirs: &Chain) -> Result<()> {
    let (store, root) = ours.state();
    let ours = actor_at(store, root, bench.token())?.state;
    let theirs = theirs.actor_at(bench.token())?.state;
    ensure!(ours == theirs, "the token's state differs: theirs {theirs}, ours {ours}");
    println!("the token's state, every balance in it, is the same on both: {ours}");
    Ok(())
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
    fn print(&self, messages: usize) {
        for (layer, theirs, ours) in [
            ("execute", &self.theirs_execute, &self.ours_execute),
            ("with root", &self.theirs_with_root, &self.ours_with_root),
        ] {
            let (theirs, ours) = (Cost::of(theirs, messages), Cost::of(ours, messages));
            let Some(ours) = ours else { continue };
            let theirs = theirs.map(|theirs| {
                let ratio = ours.hundredths_of(&theirs);
                let rate = theirs.per_second();
                format!("   theirs {theirs}, {rate} a second   theirs/ours {}.{:02}", ratio / 100, ratio % 100)
            });
            println!("  {layer:10} ours {ours}, {} a second{}", ours.per_second(), theirs.unwrap_or_default());
        }
    }
}
