//! Prints what a transaction costs, ours beside bare revm: `make bench`.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Parser;
use tributary_bench::bare::Bare;
use tributary_bench::clock::Cost;
use tributary_bench::ours::Ours;
use tributary_bench::workload::Workload;
use tributary_bench::world::World;
use tributary_fvm::{Stats, Workers};

/// What a transaction costs on one core: execution, execution with the state's root, and bare revm in the same run.
#[derive(Parser)]
#[command(name = "bench", after_help = "Example: bench --accounts 100000 --transactions 10000 --workload erc20")]
struct Options {
    /// Keys; each has an f1 and an f410 account and holds the token.
    #[arg(long, default_value_t = 1_000)]
    accounts: usize,
    /// Transactions a block.
    #[arg(long, default_value_t = 1_000)]
    transactions: usize,
    /// Blocks of each workload that count; one before them warms up.
    #[arg(long, default_value_t = 9)]
    blocks: usize,
    /// Also runs each block on so many threads, and compares the results.
    #[arg(long, default_value_t = 1)]
    threads: u32,
    /// Only this one; may be given again.
    #[arg(long)]
    workload: Vec<Workload>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why:#}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
fn run(options: &Options) -> Result<()> {
    ensure!(options.blocks >= 5, "fewer than five blocks say nothing");
    ensure!(
        options.transactions > 0,
        "a block without transactions costs nothing to speak of; give --transactions 1 or more"
    );
    let workloads = if options.workload.is_empty() { &Workload::ALL[..] } else { &options.workload };
    let (mut world, mut ours) = World::new(options.accounts)?;
    let mut bare = Bare::new(&world)?;
    let mut twin = ours.twin(Workers::new(options.threads))?;
    println!(
        "CPU time a transaction; {} accounts of each kind, blocks of {}, {} of them: median (least–most)",
        options.accounts, options.transactions, options.blocks
    );
    for workload in workloads {
        println!("{}", workload.name());
        Measured::of(*workload, options, &mut world, &mut ours, &mut twin, &mut bare)?.print(options.transactions);
    }
    Ok(())
}

/// CPU nanoseconds of each block.
#[derive(Default)]
struct Measured {
    execute: Vec<u64>,
    with_root: Vec<u64>,
    bare: Vec<u64>,
    wall: Vec<u64>,
    twin_wall: Vec<u64>,
    twin_cpu: Vec<u64>,
    stats: Vec<Stats>,
}

impl Measured {
    fn of(
        workload: Workload,
        options: &Options,
        world: &mut World,
        ours: &mut Ours,
        twin: &mut Ours,
        bare: &mut Bare,
    ) -> Result<Self> {
        let mut measured = Self::default();
        for block in 0..=options.blocks {
            let transactions = world.block(workload, options.transactions)?;
            let ran = ours.timed_block(&transactions)?;
            let theirs = (options.threads > 1).then(|| twin.timed_block(&transactions)).transpose()?;
            if let Some(theirs) = &theirs {
                ensure!(theirs.run == ran.run && twin.state().1 == ours.state().1, "other results on several threads");
            }
            let peer = if workload.is_ethereums() { Some(bare.block(&transactions)?) } else { None };
            if let Some((gas, _)) = &peer {
                let equal = ran.run.receipts.iter().map(|receipt| receipt.gas_used).eq(gas.iter().copied());
                ensure!(equal, "the peer used other gas than we");
            }
            if block > 0 {
                measured.execute.push(ran.execute.cpu);
                measured.with_root.push((ran.execute + ran.commit).cpu);
                measured.bare.extend(peer.map(|(_, time)| time.cpu));
                measured.wall.push(ran.execute.wall);
                measured.twin_wall.extend(theirs.as_ref().map(|theirs| theirs.execute.wall));
                measured.twin_cpu.extend(theirs.as_ref().map(|theirs| theirs.execute.cpu));
                measured.stats.extend(theirs.map(|theirs| theirs.stats));
            }
        }
        Ok(measured)
    }

    #[expect(clippy::print_stdout, reason = "the report is what the program is for")]
    fn print(&self, transactions: usize) {
        let cost = |nanos: &[u64]| Cost::of(nanos, transactions);
        let peer = cost(&self.bare);
        for (layer, ours) in [("execute", cost(&self.execute)), ("with root", cost(&self.with_root))] {
            let Some(ours) = ours else { continue };
            let ratio = peer.as_ref().map(|peer| ours.hundredths_of(peer));
            let ratio = ratio.map(|ratio| format!("   bare revm/ours {}.{:02}", ratio / 100, ratio % 100));
            println!("  {layer:10} {ours}{}", ratio.unwrap_or_default());
        }
        if let Some(peer) = peer {
            println!("  {:10} {peer}", "bare revm");
        }
        if let (Some(one), Some(many), Some(cpu)) = (cost(&self.wall), cost(&self.twin_wall), cost(&self.twin_cpu)) {
            let ratio = many.hundredths_of(&one);
            println!(
                "  wall in order {one}\n  wall threads {many}  faster {}.{:02}  cpu {cpu}\n  {:?}",
                ratio / 100,
                ratio % 100,
                self.stats.last()
            );
        }
    }
}
