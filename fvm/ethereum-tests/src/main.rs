//! The `ethereum-tests` program: reads its command line, judges every file, prints what came of it.

mod cli;

use std::io::Write as _;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::thread::available_parallelism;

use anyhow::Context as _;
use clap::Parser as _;
use cli::Cli;
use tributary_ethereum_tests::{Report, executor, suite};

/// Failures shown unless all are asked for.
const FAILURES_SHOWN: usize = 10;

/// Files between two lines of progress.
const PROGRESS_FILES: usize = 100;

fn main() -> ExitCode {
    match execute(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("ethereum-tests: {why:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all went as it should.
fn execute(cli: &Cli) -> anyhow::Result<bool> {
    let mut files = Vec::new();
    for path in &cli.paths {
        files.extend(suite::files(path).with_context(|| format!("{} cannot be read", path.display()))?);
    }
    let jobs = cli.jobs.or_else(|| available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    let report = suite::run(&executor()?, &files, cli.fork, jobs, |done| {
        if done.is_multiple_of(PROGRESS_FILES) || done == files.len() {
            eprintln!("{done} of {} files", files.len());
        }
    });
    print(cli, &report)?;
    if report.total().all() == 0 && report.failures.is_empty() {
        anyhow::bail!("no entry for {} in {} files; `--fork` names another", cli.fork, report.files);
    }
    Ok(report.is_good())
}

fn print(cli: &Cli, report: &Report) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if cli.json {
        writeln!(out, "{:#}", report.to_json(cli.fork))?;
        return Ok(());
    }
    writeln!(out, "{report}")?;
    let shown = if cli.list_failures { report.failures.len() } else { FAILURES_SHOWN };
    for failure in report.failures.iter().take(shown) {
        writeln!(out, "\nfailed: {}\n  {}", failure.case, failure.why)?;
    }
    if report.failures.len() > shown {
        writeln!(out, "\n{} more; --list-failures shows them", report.failures.len() - shown)?;
    }
    Ok(())
}
