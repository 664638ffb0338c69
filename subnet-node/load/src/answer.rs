//! What a node's refusal of a transaction asks of who sent it.
//!
//! | the node says | first time | sent before |
//! |---|---|---|
//! | already known | taken | taken |
//! | nonce too low | refused | taken: the earlier try arrived after all, and is in a block |
//! | the pool is full, too many requests, nonce too high: come again | later | later |
//! | no block had it in the time that a synchronous call waits (EIP-7966) | later | later |
//! | anything else | refused | refused |
//!
//! Nodes agree on words rather than codes. Source: go-ethereum `core/txpool/errors.go`, reth `crates/rpc/rpc-eth-types/src/error`,
//! EIP-1474, EIP-7966.

use serde::{Deserialize, Serialize};

/// A JSON-RPC error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Its code.
    pub code: i64,
    /// Its sentence.
    #[serde(default)]
    pub message: String,
}

/// What becomes of a transaction that was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It waits for a block.
    Taken,
    /// Not now: send it again after a moment.
    Later,
    /// Not ever.
    Refused(Refusal),
}

/// EIP-1474, "limit exceeded".
const LIMIT_EXCEEDED: i64 = -32005;
/// EIP-7966, "timeout": it waits still, and the same call waits for it again.
const SYNC_TIMEOUT: i64 = 4;
/// What says that it is there already.
const KNOWN: [&str; 3] = ["already known", "already imported", "known transaction"];
/// What says that its nonce is used up.
const USED: [&str; 1] = ["nonce too low"];
/// What says that there may be room later.
const BUSY: [&str; 9] = [
    "pool is full",
    "txpool is full",
    "mempool is full",
    "nonce too high",
    "too many requests",
    "try again later",
    "limit exceeded",
    "rate limit",
    // Money that is promised to what waits comes free as that runs.
    "queued cost",
];

/// Judges a refusal of a transaction that was `sent_before`, or not.
#[must_use]
pub fn judge(refusal: Refusal, sent_before: bool) -> Verdict {
    let message = refusal.message.to_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
    if says(&KNOWN) || (sent_before && says(&USED)) {
        Verdict::Taken
    } else if [LIMIT_EXCEEDED, SYNC_TIMEOUT].contains(&refusal.code) || says(&BUSY) {
        Verdict::Later
    } else {
        Verdict::Refused(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_its_verdict() {
        let server = |message: &str| Refusal { code: -32000, message: message.to_owned() };
        let low = server("nonce too low: next nonce 5, tx nonce 4");
        let funds = server("insufficient funds for gas * price + value: balance 0");
        for (refusal, first, again) in [
            (server("already known: 0x01"), Verdict::Taken, Verdict::Taken),
            (server("transaction already imported"), Verdict::Taken, Verdict::Taken),
            (low.clone(), Verdict::Refused(low), Verdict::Taken),
            (server("txpool is full: 50000 transactions wait"), Verdict::Later, Verdict::Later),
            (server("nonce too high: next nonce 1, tx nonce 2000"), Verdict::Later, Verdict::Later),
            (server("The node is answering as many reads as it may; Try again later"), Verdict::Later, Verdict::Later),
            (Refusal { code: LIMIT_EXCEEDED, message: String::new() }, Verdict::Later, Verdict::Later),
            (Refusal { code: SYNC_TIMEOUT, message: "in no block within 2 s".into() }, Verdict::Later, Verdict::Later),
            (funds.clone(), Verdict::Refused(funds.clone()), Verdict::Refused(funds)),
        ] {
            assert_eq!(judge(refusal.clone(), false), first, "{refusal:?}");
            assert_eq!(judge(refusal.clone(), true), again, "{refusal:?}");
        }
    }
}
