//! The command `genesis`: makes, seals, verifies and shows genesis documents.

use std::process::ExitCode;

use clap::Parser as _;
use tributary_genesis::command::Arguments;

fn main() -> ExitCode {
    let mut output = std::io::stdout().lock();
    match Arguments::parse().run(&mut output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            // One line a cause, from what was asked to why it cannot be.
            eprintln!("genesis: {reason:#}");
            ExitCode::FAILURE
        }
    }
}
