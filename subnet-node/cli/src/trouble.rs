//! What kept a command from being done: a sentence for people, a number for scripts.
//!
//! | exit code | kind | when |
//! |---|---|---|
//! | 0 | | done |
//! | 1 | `local` | a file, or something else on this machine |
//! | 2 | `usage` | the command line is wrong, or says what cannot be |
//! | 3 | `unreachable` | no node there, no answer in time, none of use, or the node is busy |
//! | 4 | `refused` | the node does not want it: another chain, a fee too low, no such method, too many logs |
//! | 5 | `funds` | the sender cannot pay for it |
//! | 6 | `nonce` | the nonce is used up, too far ahead, or taken by one that waits |
//! | 7 | `failed` | it reverted or would: in a block where it failed, or tried and not sent |
//! | 8 | `not-yet` | not there within the time that it was given; it may still come |
//! | 9 | `key` | no such key, one that cannot be read, a wrong password, or none to be had |
//! | 10 | `not-found` | no such transaction, actor or address on this chain |
//! | 130 | `interrupted` | Ctrl-C or SIGTERM; what was sent stays on its way |

use std::io::{self, Write as _};
use std::process::ExitCode;

use serde_json::json;
use tributary_primitives::Hash32;

use crate::abi::AbiRejected;
use crate::amount::AmountRejected;
use crate::artifact::ArtifactRejected;
use crate::keys::KeyRejected;
use crate::keys::password::PasswordUnavailable;
use crate::node::{NodeUnavailable, Refusal, TOO_MUCH};

/// What scripts tell apart.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// This machine.
    Local,
    /// The command line.
    Usage,
    /// The node, or the way to it.
    Unreachable,
    /// The node does not want it.
    Refused,
    /// The sender cannot pay.
    Funds,
    /// The nonce.
    Nonce,
    /// It ran, or would run, and failed.
    Failed,
    /// In time, no.
    NotYet,
    /// The key or its password.
    Key,
    /// Nothing there.
    NotFound,
    /// A signal.
    Interrupted,
    /// Nobody reads standard output any more, as behind `head`: no trouble.
    Unread,
}

impl Kind {
    /// The kinds that are trouble, in the order of their exit codes.
    pub const ALL: [Self; 11] = [
        Self::Local,
        Self::Usage,
        Self::Unreachable,
        Self::Refused,
        Self::Funds,
        Self::Nonce,
        Self::Failed,
        Self::NotYet,
        Self::Key,
        Self::NotFound,
        Self::Interrupted,
    ];

    /// What the process ends with.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Unread => 0,
            Self::Local => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::Refused => 4,
            Self::Funds => 5,
            Self::Nonce => 6,
            Self::Failed => 7,
            Self::NotYet => 8,
            Self::Key => 9,
            Self::NotFound => 10,
            Self::Interrupted => 130,
        }
    }

    /// The same for JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unread => "unread",
            Self::Local => "local",
            Self::Usage => "usage",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Funds => "funds",
            Self::Nonce => "nonce",
            Self::Failed => "failed",
            Self::NotYet => "not-yet",
            Self::Key => "key",
            Self::NotFound => "not-found",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Why a command is not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Trouble {
    /// For scripts.
    pub kind: Kind,
    /// For people: what happened, and what to do.
    pub message: String,
    /// The transaction that was handed in before, if one was, and may be on its way.
    pub transaction: Option<Hash32>,
}

impl Trouble {
    /// Of this kind.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), transaction: None }
    }

    /// Something on this machine.
    #[must_use]
    pub fn local(message: impl Into<String>) -> Self {
        Self::new(Kind::Local, message)
    }

    /// The command line says what cannot be.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// A signal came.
    #[must_use]
    pub fn interrupted() -> Self {
        Self::new(Kind::Interrupted, "stopped by a signal")
    }

    /// The same, about this transaction.
    #[must_use]
    pub fn of(mut self, transaction: Hash32) -> Self {
        self.transaction = Some(transaction);
        self
    }

    /// Says it on standard error, as JSON or in a line, and gives the exit code.
    #[must_use]
    pub fn tell(&self, is_json: bool) -> ExitCode {
        let code = self.kind.exit_code();
        if self.kind != Kind::Unread {
            let transaction = self.transaction.map(|hash| hash.to_string());
            let (kind, message) = (self.kind.name(), &self.message);
            let error = json!({ "kind": kind, "exit_code": code, "message": message, "transaction": transaction });
            let said = match is_json {
                true => json!({ "error": error }).to_string(),
                false => format!("tributary: {}", self.message),
            };
            // Whoever closed standard error does not want to know.
            drop(writeln!(io::stderr().lock(), "{said}"));
        }
        ExitCode::from(code)
    }
}

/// Of what is written to standard output.
impl From<io::Error> for Trouble {
    fn from(why: io::Error) -> Self {
        match why.kind() {
            io::ErrorKind::BrokenPipe => Self::new(Kind::Unread, ""),
            _ => Self::local(format!("standard output: {why}")),
        }
    }
}

impl From<AmountRejected> for Trouble {
    fn from(why: AmountRejected) -> Self {
        Self::usage(why.to_string())
    }
}

impl From<AbiRejected> for Trouble {
    fn from(why: AbiRejected) -> Self {
        match why {
            AbiRejected::Answer { .. } => Self::new(Kind::Failed, why.to_string()),
            _ => Self::usage(why.to_string()),
        }
    }
}

impl From<ArtifactRejected> for Trouble {
    fn from(why: ArtifactRejected) -> Self {
        Self::local(why.to_string())
    }
}

impl From<KeyRejected> for Trouble {
    fn from(why: KeyRejected) -> Self {
        Self::new(Kind::Key, why.to_string())
    }
}

impl From<PasswordUnavailable> for Trouble {
    fn from(why: PasswordUnavailable) -> Self {
        Self::new(Kind::Key, why.to_string())
    }
}

impl From<NodeUnavailable> for Trouble {
    fn from(why: NodeUnavailable) -> Self {
        match why {
            NodeUnavailable::Refused(refusal) => Self::from(refusal),
            NodeUnavailable::OtherChain { .. } | NodeUnavailable::OtherSubnet { .. } => {
                Self::new(Kind::Refused, why.to_string())
            }
            NodeUnavailable::NotAUrl { .. } => Self::usage(why.to_string()),
            _ => Self::new(Kind::Unreachable, why.to_string()),
        }
    }
}

/// Words that nodes agree on, what they mean, and what to do then.
///
/// Source: go-ethereum, `core/error.go`, `core/txpool/errors.go`, `core/vm/errors.go`.
const WORDS: &[(&str, Kind, &str)] = &[
    ("insufficient funds", Kind::Funds, "send the account tokens first; `tributary balance` shows what it holds"),
    ("nonce too low", Kind::Nonce, "a transaction with this nonce is in a block already; leave out --nonce"),
    ("nonce too high", Kind::Nonce, "the ones before it are missing; leave out --nonce"),
    (
        "replacement transaction underpriced",
        Kind::Nonce,
        "one with this nonce waits already: wait for it, or offer more by --fee-cap and --tip",
    ),
    ("transaction underpriced", Kind::Refused, "offer more by --fee-cap"),
    ("max fee per gas less than block base fee", Kind::Refused, "offer more by --fee-cap"),
    ("txpool is full", Kind::Unreachable, "try again in a moment"),
    (TOO_MUCH, Kind::Refused, "name contracts by --address, or one event by --event or --topic"),
    ("invalid sender: invalid chain id", Kind::Refused, "it is signed for another chain"),
    ("execution reverted", Kind::Failed, ""),
    ("execution stopped", Kind::Failed, ""),
    ("out of gas", Kind::Failed, "give it more by --gas-limit"),
    ("gas required exceeds allowance", Kind::Failed, "no amount of gas that the node tries is enough"),
    ("invalid receiver", Kind::NotFound, ""),
    ("invalid opcode", Kind::Failed, ""),
    ("invalid jump destination", Kind::Failed, ""),
    ("stack ", Kind::Failed, ""),
    ("return data out of bounds", Kind::Failed, ""),
];

/// EIP-1474, "limit exceeded": here what one request may ask, or too many requests at once.
const LIMIT: i32 = -32005;
/// JSON-RPC 2.0, "method not found".
const NO_METHOD: i32 = -32601;
/// What a contract that reverted is answered with. Source: go-ethereum.
const REVERTED: i32 = 3;

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        let said = refusal.message.to_lowercase();
        let known = WORDS.iter().find(|(words, ..)| said.starts_with(words));
        let (kind, hint) = match (known, refusal.code) {
            (Some((_, kind, hint)), _) => (*kind, *hint),
            (None, REVERTED) => (Kind::Failed, ""),
            (None, LIMIT) => (Kind::Unreachable, "try again in a moment, or ask for less"),
            (None, NO_METHOD) => (Kind::Refused, "is it a Tributary node of this version?"),
            (None, _) => (Kind::Refused, ""),
        };
        let hint = if hint.is_empty() { String::new() } else { format!("; {hint}") };
        Self::new(kind, format!("{refusal}{hint}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_code_of_its_own_and_stands_in_the_help() {
        let mut codes: Vec<_> = Kind::ALL.iter().map(|kind| kind.exit_code()).collect();
        codes.dedup();
        assert_eq!(codes.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            let row = crate::cli::EXIT_CODES.lines().find(|line| {
                let mut words = line.split_whitespace();
                words.next() == Some(&kind.exit_code().to_string()) && words.next() == Some(kind.name())
            });
            assert!(row.is_some(), "{} {}", kind.exit_code(), kind.name());
        }
    }

    #[test]
    fn a_nodes_refusal_gets_the_exit_code_that_scripts_wait_for() {
        for (code, message, kind) in [
            (-32000, "insufficient funds for gas * price + value: balance 0, tx cost 1, overshot 1", Kind::Funds),
            (-32000, "insufficient funds for transfer (exit code 6)", Kind::Funds),
            (-32000, "nonce too low: next nonce 5, tx nonce 4", Kind::Nonce),
            (-32000, "nonce too high: next nonce 5, tx nonce 4000; at most 64 of a sender wait", Kind::Nonce),
            (-32000, "replacement transaction underpriced: max fee per gas must be at least 9", Kind::Nonce),
            (-32000, "transaction underpriced: max fee per gas 1, minimum needed 7", Kind::Refused),
            (-32000, "invalid sender: invalid chain id for signer: have 5 want 31415", Kind::Refused),
            (3, "execution reverted: no", Kind::Failed),
            (3, "some other words", Kind::Failed),
            (-32000, "out of gas (exit code 7)", Kind::Failed),
            (-32000, "invalid receiver: there is no such actor (exit code 5)", Kind::NotFound),
            (
                -32005,
                "the node is answering as many reads as it may and as many wait, in all or of this client; try again later",
                Kind::Unreachable,
            ),
            (-32005, "query exceeds max results 20000, narrow it by address or topics", Kind::Refused),
            (-32601, "the method m does not exist/is not available", Kind::Refused),
            (-32602, "invalid argument 0: no hex", Kind::Refused),
        ] {
            let refusal = Refusal { method: "m".to_owned(), code, message: message.to_owned(), data: Vec::new() };
            let trouble = Trouble::from(refusal);
            assert_eq!(trouble.kind, kind, "{message}");
            assert!(trouble.message.contains(message), "the node's own words stay: {}", trouble.message);
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_trouble() {
        assert_eq!(Trouble::from(io::Error::from(io::ErrorKind::BrokenPipe)).kind.exit_code(), 0);
        assert_eq!(Trouble::from(io::Error::from(io::ErrorKind::StorageFull)).kind, Kind::Local);
    }
}
