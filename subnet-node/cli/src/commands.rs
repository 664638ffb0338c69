//! What each command does.
//!
//! | module | command | asks |
//! |---|---|---|
//! | [`keys`] | `keys` | nobody |
//! | [`send`] | `send` | sends |
//! | [`call`] | `call` | one question |
//! | [`invoke`] | `invoke` | sends |
//! | [`deploy`] | `deploy` | sends, up to twice |
//! | [`balance`] | `balance` | some questions |
//! | [`status`] | `status` | one look, or until a stage is reached |
//! | [`watch`] | `watch` | until Ctrl-C |
//! | [`sender`] | | who signs, how long it waits, and what is told then |
//! | [`progress`] | | looks at a transaction's way |
//! | [`target`] | | whom a command is about |

pub mod balance;
pub mod call;
pub mod deploy;
pub mod invoke;
pub mod keys;
pub mod progress;
pub mod send;
pub mod sender;
pub mod status;
pub mod target;
pub mod watch;

use std::io::{self, Write as _};

use clap_complete::Shell;

use crate::cli::{self, Command};
use crate::hand_in::HandedIn;
use crate::trouble::Trouble;

/// Does it, and prints what came of it.
///
/// # Errors
/// [`Trouble`], with what to do.
pub async fn run(command: Command, is_json: bool, handed_in: &HandedIn) -> Result<(), Trouble> {
    match command {
        Command::Keys(command) => keys::run(command, is_json).await,
        Command::Send(args) => args.run(is_json, handed_in).await,
        Command::Call(args) => args.run(is_json).await,
        Command::Invoke(args) => args.run(is_json, handed_in).await,
        Command::Deploy(command) => command.run(is_json, handed_in).await,
        Command::Balance(args) => args.run(is_json).await,
        Command::Status(args) => args.run(is_json).await,
        Command::Watch(command) => command.run(is_json).await,
        Command::Completions { shell } => complete(shell),
    }
}

fn complete(shell: Shell) -> Result<(), Trouble> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "tributary", &mut script);
    Ok(io::stdout().lock().write_all(&script)?)
}
