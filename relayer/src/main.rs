//! The `relayer` program: reads its command line and runs until a signal.

mod cli;
mod register;
mod run;
mod status;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};
use tributary_service::logs;

/// 0: done, or stopped by a signal. 1: not done, and the reason on standard error. 2: a command line that is none.
fn main() -> ExitCode {
    match execute(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("relayer: {why:#}");
            ExitCode::FAILURE
        }
    }
}

fn execute(cli: Cli) -> anyhow::Result<()> {
    logs::start(cli.logs.log_format, &cli.logs.log)?;
    match cli.command {
        Command::Run(command) => run::run(command),
        Command::Status(command) => status::status(command),
        Command::Register(command) => register::register(command),
        Command::NewKey { file } => cli::new_key(&file),
    }
}
