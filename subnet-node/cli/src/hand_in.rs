//! Hands a signed transaction in, and remembers that it did: whoever does not hear of it sends again, and pays twice.
//!
//! ```text
//! hand in ─▶ taken, or known already ─────────────────────────────────────▶ taken
//!    ▲  ├──▶ a refusal of the first hand-in ──────────────────────────────▶ not taken
//!    │  └──▶ no answer, or none of use ─▶ does the node have it? ── yes ──▶ taken
//!    └────────────── the same bytes, three times in all ──────── no ┘
//!                    and then ───────────────────────────────────────────▶ in doubt
//! ```
//!
//! | the latest transaction | the trouble that ends the command then says |
//! |---|---|
//! | none, or not taken | nothing of it |
//! | taken | its hash, and that `status` tells what became of it |
//! | in doubt, or a signal came before the answer | its hash, and how to go on without paying twice |

use std::cell::Cell;
use std::time::Duration;

use alloy_primitives::Bytes;
use serde::de::IgnoredAny;
use serde_json::json;
use tokio::time::sleep;
use tributary_primitives::Hash32;

use crate::node::{Answer, Node, NodeUnavailable};
use crate::report::note;
use crate::trouble::Trouble;

/// Times that the same bytes are handed in. A node takes them once.
const HAND_INS_MAX: u32 = 3;
/// Before they are handed in again.
const AGAIN: Duration = Duration::from_secs(1);
/// A node that broke or stopped meanwhile, and may have taken it. Source: JSON-RPC 2.0, "internal error"; EIP-1474, "resource unavailable".
const IN_DOUBT: [i32; 2] = [-32603, -32002];

/// A transaction as it travels.
#[derive(Copy, Clone, Debug)]
pub struct Signed<'a> {
    /// How a node is asked to take it.
    pub method: &'a str,
    /// Its bytes.
    pub raw: &'a [u8],
    /// Its name.
    pub hash: Hash32,
    /// Its nonce.
    pub nonce: u64,
}

/// What a command handed in.
#[derive(Debug)]
pub struct HandedIn {
    is_json: bool,
    latest: Cell<Option<Latest>>,
}

#[derive(Copy, Clone, Debug)]
struct Latest {
    hash: Hash32,
    nonce: u64,
    is_taken: bool,
}

impl HandedIn {
    /// Nothing yet.
    #[must_use]
    pub const fn nothing(is_json: bool) -> Self {
        Self { is_json, latest: Cell::new(None) }
    }

    /// Hands `signed` in until it is known whether the node took it, three times at most.
    ///
    /// # Errors
    /// [`Trouble`]: it was not taken, or that is in doubt, as [`Self::told`] says.
    pub async fn hand_in(&self, node: &Node, signed: Signed<'_>) -> Result<(), Trouble> {
        let Signed { hash, nonce, .. } = signed;
        let before = self.latest.replace(Some(Latest { hash, nonce, is_taken: false }));
        let mut hand_ins = 1;
        while let Err(why) = ask(node, signed).await {
            let is_refused = is_refusal(&why);
            if is_refused && hand_ins == 1 {
                self.latest.set(before);
                return Err(why.into());
            }
            if is_there(node, hash).await {
                break;
            }
            if is_refused || hand_ins == HAND_INS_MAX {
                return Err(why.into());
            }
            note(self.is_json, &format!("{why}; handing {hash} in again, which a node takes once"));
            sleep(AGAIN).await;
            hand_ins += 1;
        }
        self.latest.set(Some(Latest { hash, nonce, is_taken: true }));
        Ok(())
    }

    /// What ended the command, with what was handed in before.
    #[must_use]
    pub fn told(&self, trouble: Trouble) -> Trouble {
        let Some(Latest { hash, nonce, is_taken }) = self.latest.get() else { return trouble };
        let said = &trouble.message;
        let message = match is_taken {
            true if said.contains(&hash.to_string()) => said.clone(),
            true => format!("{said}; transaction {hash} was taken: `tributary status {hash}` tells what became of it"),
            false => format!(
                "{said}; transaction {hash} may have been taken: look by `tributary status {hash}` first, and if nobody knows it \
                 send again with --nonce {nonce}, so that only one of the two can run"
            ),
        };
        Trouble { message, ..trouble }.of(hash)
    }
}

/// A transaction that waits already is as good as taken.
async fn ask(node: &Node, signed: Signed<'_>) -> Answer<()> {
    match node.ask::<Hash32>(signed.method, &[json!(Bytes::from(signed.raw.to_vec()))]).await {
        Err(NodeUnavailable::Refused(refusal)) if refusal.message.starts_with("already known") => Ok(()),
        answer => answer.map(|_| ()),
    }
}

/// Whether the node judged the transaction, and did not want it.
fn is_refusal(why: &NodeUnavailable) -> bool {
    matches!(why, NodeUnavailable::Refused(refusal) if !IN_DOUBT.contains(&refusal.code))
}

/// Whether it is in a block or waits. A node that does not answer this either is asked no further.
async fn is_there(node: &Node, hash: Hash32) -> bool {
    matches!(node.ask::<Option<IgnoredAny>>("subnet_messageStatus", &[json!(hash)]).await, Ok(Some(_)))
}

#[cfg(test)]
mod tests;
