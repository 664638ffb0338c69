//! Where a password comes from: a file, the environment, or whoever sits at the terminal. Never an argument, which every process on
//! the machine can read.
//!
//! | | |
//! |---|---|
//! | `--password-file FILE`, `TRIBUTARY_PASSWORD_FILE` | the file's first line; the file is its owner's alone, or a pipe |
//! | `TRIBUTARY_PASSWORD` | the environment |
//! | else | the terminal, without echo |

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;

use clap::Args;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::{KeyRejected, read_private};

/// Environment variable that holds a password.
pub const VARIABLE: &str = "TRIBUTARY_PASSWORD";
/// Most bytes of a password.
const PASSWORD_BYTES_MAX: u64 = 1_024;
/// Who sits at it.
const TERMINAL: &str = "/dev/tty";

/// A password, wiped when it is not needed any more.
pub type Password = Zeroizing<Vec<u8>>;

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub enum PasswordUnavailable {
    /// No file, no variable, no terminal.
    #[error("no password: there is no terminal to ask at ({0}); name a file by --password-file, or set {VARIABLE}")]
    NoTerminal(io::Error),
    /// The file.
    #[error("--password-file: {0}")]
    File(#[from] KeyRejected),
    /// Nothing.
    #[error("the password is empty: everybody could open the key")]
    Empty,
    /// Two that differ.
    #[error("these are two passwords; nothing was done")]
    Differ,
    /// Too much.
    #[error("a password has {PASSWORD_BYTES_MAX} bytes at most")]
    TooLong,
}

/// Where the password is.
#[derive(Args, Clone, Debug, Default)]
pub struct PasswordArgs {
    /// File whose first line is the key's password; without it TRIBUTARY_PASSWORD, or the terminal
    #[arg(long, value_name = "FILE", env = "TRIBUTARY_PASSWORD_FILE")]
    pub password_file: Option<PathBuf>,
}

impl PasswordArgs {
    /// The password of a key that there is.
    ///
    /// # Errors
    /// [`PasswordUnavailable`].
    pub async fn known(&self, key: &str) -> Result<Password, PasswordUnavailable> {
        match self.silent()? {
            Some(password) => Ok(password),
            None => asked(&format!("password of {key}: ")).await,
        }
    }

    /// A password for a key that is made: whoever types it types it twice.
    ///
    /// # Errors
    /// [`PasswordUnavailable`].
    pub async fn chosen(&self, key: &str) -> Result<Password, PasswordUnavailable> {
        let password = match self.silent()? {
            Some(password) => password,
            None => {
                let first = asked(&format!("new password for {key}: ")).await?;
                if first != asked("the same again: ").await? {
                    return Err(PasswordUnavailable::Differ);
                }
                first
            }
        };
        if password.is_empty() { Err(PasswordUnavailable::Empty) } else { Ok(password) }
    }

    fn silent(&self) -> Result<Option<Password>, PasswordUnavailable> {
        let text = match &self.password_file {
            Some(path) => read_private(path)?,
            None => match std::env::var_os(VARIABLE) {
                Some(text) => Zeroizing::new(text.into_encoded_bytes()),
                None => return Ok(None),
            },
        };
        first_line(&text).map(Some)
    }
}

fn first_line(text: &[u8]) -> Result<Password, PasswordUnavailable> {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match u64::try_from(line.len()) {
        Ok(len) if len <= PASSWORD_BYTES_MAX => Ok(Zeroizing::new(line.to_vec())),
        _ => Err(PasswordUnavailable::TooLong),
    }
}

/// Asks at the terminal. Given up (by Ctrl-C), it leaves the terminal as it was.
async fn asked(prompt: &str) -> Result<Password, PasswordUnavailable> {
    let mut silent = Silent::open().map_err(PasswordUnavailable::NoTerminal)?;
    let read = silent.ask(prompt).map_err(PasswordUnavailable::NoTerminal)?;
    let line = read.await.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::UnexpectedEof)));
    drop(silent);
    first_line(&line.map_err(PasswordUnavailable::NoTerminal)?)
}

/// The terminal, which echoes nothing as long as this lives.
struct Silent {
    terminal: File,
    before: Termios,
}

impl Silent {
    fn open() -> io::Result<Self> {
        let terminal = OpenOptions::new().read(true).write(true).open(TERMINAL)?;
        let before = tcgetattr(&terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }

    /// Asks, and reads a line on a thread of its own: whoever waits for it can stop waiting.
    fn ask(&mut self, prompt: &str) -> io::Result<oneshot::Receiver<io::Result<Password>>> {
        self.terminal.write_all(prompt.as_bytes())?;
        self.terminal.flush()?;
        let input = self.terminal.try_clone()?.take(PASSWORD_BYTES_MAX + 2);
        let (answer, answered) = oneshot::channel();
        std::thread::Builder::new().name("password".to_owned()).spawn(move || {
            let mut line = Zeroizing::new(Vec::new());
            let read = BufReader::new(input).read_until(b'\n', &mut line);
            // Nobody waits any more: the program stops.
            drop(answer.send(read.map(|_| line)));
        })?;
        Ok(answered)
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        // What the terminal did not echo is the end of the line, too. There is nobody left to be told that it went away.
        drop(self.terminal.write_all(b"\n"));
        tcsetattr(&self.terminal, OptionalActions::Flush, &self.before).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn a_file_gives_its_first_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        let args = PasswordArgs { password_file: Some(path.clone()) };
        for (text, line) in [("secret", "secret"), ("secret\n", "secret"), ("a b \r\nmore\n", "a b "), ("\n", "")] {
            write(&path, text).unwrap();
            set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            assert_eq!(&args.known("alice").await.unwrap()[..], line.as_bytes());
        }
        assert!(matches!(args.chosen("alice").await, Err(PasswordUnavailable::Empty)));
        write(&path, "x".repeat(1_025)).unwrap();
        assert!(matches!(args.known("alice").await, Err(PasswordUnavailable::TooLong)));
        set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let exposed = args.known("alice").await.unwrap_err().to_string();
        assert!(exposed.contains("chmod 600"), "{exposed}");
    }
}
