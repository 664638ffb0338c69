//! `oracle`: every case through both executors; exit code 1 when they differ and nobody wants it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use tributary_oracle::bundle::Bundle;
use tributary_oracle::case::Case;
use tributary_oracle::contracts::Contracts;
use tributary_oracle::ours::Ours;
use tributary_oracle::outcome::{Difference, compare};
use tributary_oracle::reference::{Reference, on_deep_stack};
use tributary_oracle::wanted::{self, WANTED};
use tributary_oracle::world::World;
use tributary_oracle::{generated, rows, walk};

/// Runs the same messages through the reference executor and ours, and compares.
#[derive(Parser)]
struct Options {
    /// Generated programs to run.
    #[arg(long, env = "ORACLE_CASES", default_value_t = 2_000)]
    cases: u32,
    /// Gas limits to try for each walked message, beside those at its charges.
    #[arg(long, default_value_t = 60)]
    steps: u64,
    /// Only cases whose names start so; no generated ones.
    #[arg(long)]
    only: Option<String>,
    /// Filecoin's built-in actors: Ethereum's transactions are compared too. `bench --help` says where a bundle comes from.
    #[arg(long, value_name = "PATH")]
    bundle: Option<PathBuf>,
    /// Print wanted differences too.
    #[arg(long)]
    verbose: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match on_deep_stack(|| Oracle::new(&options).and_then(Oracle::run)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why:#}");
            ExitCode::FAILURE
        }
    }
}

struct Oracle<'a> {
    options: &'a Options,
    contracts: Option<Contracts>,
    reference: Reference,
    ours: Ours,
    started: Instant,
    unexpected: usize,
    happened: BTreeSet<usize>,
}

impl<'a> Oracle<'a> {
    fn new(options: &'a Options) -> Result<Self> {
        let started = Instant::now();
        let bundle = options.bundle.as_deref().map(Bundle::open).transpose()?;
        let contracts = bundle.map(Contracts::new).transpose()?;
        let world = Arc::new(World::new()?);
        let (reference, ours) = (Reference::new(Arc::clone(&world))?, Ours::new(world)?);
        Ok(Self { options, contracts, reference, ours, started, unexpected: 0, happened: BTreeSet::new() })
    }

    fn run(mut self) -> Result<bool> {
        let rows = rows::all();
        self.all("cases written by hand", &rows)?;
        let walks = walk::cases(&self.reference, self.options.steps)?;
        self.all("walks through gas limits", &walks)?;
        self.contracts()?;
        if self.options.only.is_none() {
            self.generated()?;
            self.stale();
        }
        let seconds = self.started.elapsed().as_secs();
        println!("{} unexpected differences, {} s", self.unexpected, seconds);
        Ok(self.unexpected == 0)
    }

    fn all(&mut self, what: &str, cases: &[Case]) -> Result<()> {
        let only = self.options.only.as_deref().unwrap_or_default();
        let cases: Vec<_> = cases.iter().filter(|case| case.name.starts_with(only)).collect();
        let (mut agree, mut wanted) = (0, 0);
        for case in &cases {
            let (meant, found) = self.differences(case)?;
            self.report(&found);
            agree += usize::from(meant.is_empty() && found.is_empty());
            wanted += usize::from(!meant.is_empty() && found.is_empty());
            self.happened.extend(meant.iter().filter_map(wanted::covering));
        }
        println!("{what}: {} run, {agree} agree, {wanted} differ as wanted", cases.len());
        Ok(())
    }

    fn contracts(&mut self) -> Result<()> {
        let Some(contracts) = &self.contracts else { return Ok(()) };
        let only = self.options.only.as_deref().unwrap_or_default();
        let cases = rows::ethereum::cases()?;
        let cases: Vec<_> = cases.iter().filter(|case| case.name.starts_with(only)).collect();
        let found = cases.iter().map(|case| contracts.differences(case)).collect::<Result<Vec<_>>>()?;
        let clean = |wanted: bool| {
            let pairs = cases.iter().zip(&found);
            pairs.filter(|(case, found)| found.is_empty() && case.wanted.is_some() == wanted).count()
        };
        let (agree, wanted) = (clean(false), clean(true));
        println!("Ethereum's transactions: {} run, {agree} agree, {wanted} differ as wanted", cases.len());
        self.report(&found.concat());
        Ok(())
    }

    /// What is wanted, and what is not.
    fn differences(&self, case: &Case) -> Result<(Vec<Difference>, Vec<Difference>)> {
        let (theirs, ours) = (self.reference.run(case)?, self.ours.run(case)?);
        let all = compare(&case.name, &theirs, &ours);
        let (meant, found): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|difference| wanted::covering(difference).is_some());
        self.explain(&meant);
        Ok((meant, found))
    }

    fn explain(&self, meant: &[Difference]) {
        if !self.options.verbose {
            return;
        }
        for difference in meant {
            if let Some(entry) = wanted::covering(difference).and_then(|at| WANTED.get(at)) {
                println!("wanted: {difference}\n    because {}", entry.reason);
            }
        }
    }

    fn report(&mut self, found: &[Difference]) {
        for difference in found {
            println!("UNEXPECTED {difference}");
        }
        self.unexpected += found.len();
    }

    fn generated(&mut self) -> Result<()> {
        let check = |case: &Case| -> Result<Option<String>> {
            let (_, found) = self.differences(case)?;
            let lines: Vec<_> = found.iter().map(ToString::to_string).collect();
            Ok((!lines.is_empty()).then(|| lines.join("\n")))
        };
        let outcome = generated::run(self.options.cases, check);
        println!("generated programs: {} asked for", self.options.cases);
        if let Err(why) = outcome {
            println!("UNEXPECTED {why:#}");
            self.unexpected += 1;
        }
        Ok(())
    }

    fn stale(&mut self) {
        for (at, entry) in WANTED.iter().enumerate() {
            if !self.happened.contains(&at) {
                println!("UNEXPECTED a wanted difference did not happen: {}", entry.reason);
                self.unexpected += 1;
            }
        }
    }
}
