//! Messages a second, ours and the reference's, side by side in one run.
//!
//! A block opens the state, runs its messages in order and flushes. Blocks of the two take turns, so that a busy machine is busy
//! for both. Each workload runs in blocks of two sizes over the same actors: what the larger takes beyond the smaller is a
//! message's own cost, without opening and flushing; the larger by its messages is the cost with them.
//!
//! Time is the process's CPU time: on a shared machine the clock on the wall says more of the neighbours.
//!
//! One thread each; the reference runs on a deep stack that is made once, ours makes its own for every block.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use fvm_shared::address::Address;
use tributary_fvm::{CodeInstaller, ExecutionParams, Executor};
use tributary_genesis_code::COUNTER_ACTOR;
use tributary_message::{FvmTransaction, Transaction};
use tributary_oracle::case::Asked;
use tributary_oracle::ours;
use tributary_oracle::reference::{Reference, on_deep_stack};
use tributary_oracle::store::Store;
use tributary_oracle::world::{ERIN, SharedWorld, World};

/// `Increment` of the counter.
const INCREMENT: u64 = 2_922_929_132;
/// Receivers of transfers, and counters, in turn.
const ACTORS: u64 = 100;
/// Id of the first counter: behind all accounts.
const COUNTERS: u64 = 1_000;
const NANOS_PER_MICRO: f64 = 1_000.0;

/// Messages a second, ours and the reference's, side by side.
#[derive(Parser)]
struct Options {
    /// Messages in the larger block; the smaller has half.
    #[arg(long, default_value_t = 10_000)]
    messages: usize,
    /// Blocks of each size and side.
    #[arg(long, default_value_t = 7)]
    repetitions: usize,
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
    ensure!(options.repetitions >= 5, "fewer than five repetitions say nothing");
    let profile = if cfg!(debug_assertions) { "debug" } else { "release, without link-time optimisation" };
    println!("CPU time; profile: {profile}; threads: 1 each; messages a block: {}", options.messages);
    let accounts: Vec<_> =
        (0..ACTORS).map(|n| Address::new_secp256k1(&[u8::try_from(n).unwrap_or(0); 65])).collect::<Result<_, _>>()?;
    let counters: Vec<_> = (COUNTERS..COUNTERS + ACTORS).map(|id| (id, COUNTER_ACTOR.to_vec())).collect();
    let world = Arc::new(World::with(&accounts, &counters)?);
    let bench = Bench::new(world)?;
    // Behind the standard accounts.
    let first_account = ERIN + 1;
    bench.compare("transfer between accounts", options, |n| Asked {
        value: 1,
        ..Asked::to(Address::new_id(first_account + n % ACTORS), 0, vec![])
    })?;
    bench.compare("counter, reads and writes its root", options, |n| {
        Asked::to(Address::new_id(COUNTERS + n % ACTORS), INCREMENT, vec![])
    })?;
    println!("ERC-20: not compared; the reference's EVM is an actor that no registry carries");
    Ok(())
}

struct Bench {
    reference: Reference,
    executor: Executor,
    world: SharedWorld,
}

/// Nanoseconds of every block.
#[derive(Default)]
struct Times {
    small: Vec<f64>,
    large: Vec<f64>,
}

impl Bench {
    fn new(world: SharedWorld) -> Result<Self> {
        let params = ExecutionParams {
            fvm_gas_per_gas: 1,
            genesis_supply: world.supply.clone(),
            code_installer: CodeInstaller::Nobody,
        };
        Ok(Self { reference: Reference::new(Arc::clone(&world))?, executor: Executor::new(params, None)?, world })
    }

    fn compare(&self, what: &str, options: &Options, message: impl Fn(u64) -> Asked) -> Result<()> {
        let large = sign(options.messages, message)?;
        let small = &large[..options.messages / 2];
        let (mut theirs, mut ours) = (Times::default(), Times::default());
        // Once each for nothing: code is compiled, pages are touched.
        self.theirs(small)?;
        self.ours(small)?;
        for _ in 0..options.repetitions {
            theirs.small.push(self.theirs(small)?);
            ours.small.push(self.ours(small)?);
            theirs.large.push(self.theirs(&large)?);
            ours.large.push(self.ours(&large)?);
        }
        println!("{what}");
        for (how, cost) in
            [("with opening and flushing", Cost::with_flush as fn(&Times, f64) -> Cost), ("without", Cost::without)]
        {
            let count = count(&large);
            let (theirs, ours) = (cost(&theirs, count), cost(&ours, count));
            println!("  {how:26} theirs {theirs}   ours {ours}   ratio {:.2}", theirs.median / ours.median);
        }
        Ok(())
    }

    #[expect(clippy::float_arithmetic, reason = "times are read by people")]
    fn theirs(&self, messages: &[FvmTransaction]) -> Result<f64> {
        let store = Store::over(&self.world.theirs);
        let started = cpu_nanos();
        let (applied, _root) = self.reference.block(&store, messages)?;
        let nanos = cpu_nanos() - started;
        let failed = applied.iter().find(|applied| !applied.msg_receipt.exit_code.is_success());
        ensure!(failed.is_none(), "a message of the reference's failed: {failed:?}");
        Ok(nanos)
    }

    #[expect(clippy::float_arithmetic, reason = "times are read by people")]
    fn ours(&self, messages: &[FvmTransaction]) -> Result<f64> {
        let store = Arc::new(Store::over(&self.world.ours));
        let transactions: Vec<_> = messages.iter().map(|message| Transaction::Fvm(Arc::new(message.clone()))).collect();
        let started = cpu_nanos();
        let outcome = self.executor.execute_block(&store, &self.world.root, &ours::env(), &transactions)?;
        let nanos = cpu_nanos() - started;
        let failed = outcome.receipts.iter().find(|receipt| !receipt.exit_code.is_success());
        ensure!(failed.is_none(), "a message of ours failed: {failed:?}");
        Ok(nanos)
    }
}

fn sign(messages: usize, message: impl Fn(u64) -> Asked) -> Result<Vec<FvmTransaction>> {
    (0..u64::try_from(messages)?).map(|nonce| message(nonce).sign(nonce).context("a message of the bench")).collect()
}

/// CPU time of this process, all threads, in nanoseconds.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "a time is read by people")]
#[expect(unsafe_code, reason = "the standard library does not ask for CPU time")]
fn cpu_nanos() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a live `timespec`.
    let answer = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    assert_eq!(answer, 0, "every process has a CPU clock");
    (time.tv_sec * 1_000_000_000 + time.tv_nsec) as f64
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "a count is read by people")]
fn count(messages: &[FvmTransaction]) -> f64 {
    messages.len() as f64
}

/// Microseconds a message.
struct Cost {
    median: f64,
    least: f64,
    most: f64,
}

#[expect(clippy::float_arithmetic, reason = "times are read by people")]
impl Cost {
    fn with_flush(times: &Times, messages: f64) -> Self {
        Self::of(times.large.iter().map(|nanos| nanos / messages).collect())
    }

    fn without(times: &Times, messages: f64) -> Self {
        let beyond = times.large.iter().zip(&times.small).map(|(large, small)| (large - small) / (messages / 2.0));
        Self::of(beyond.collect())
    }

    fn of(mut nanos: Vec<f64>) -> Self {
        nanos.sort_by(f64::total_cmp);
        let at = |index: usize| nanos.get(index).copied().unwrap_or_default() / NANOS_PER_MICRO;
        Self { median: at(nanos.len() / 2), least: at(0), most: at(nanos.len().saturating_sub(1)) }
    }
}

#[expect(clippy::float_arithmetic, reason = "times are read by people")]
impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { median, least, most } = self;
        write!(f, "{median:6.1} µs ({least:.1}–{most:.1}), {:.0}/s", 1_000_000.0 / median)
    }
}
