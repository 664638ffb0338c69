//! The same message with ever less gas: where it stops must not matter to whether two executors agree.
//!
//! For each of [`WALKED`]: what it uses with all the gas, then a limit that just holds each of the reference's charges and one just below it,
//! and limits from below its inclusion up to a little above what it uses.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use fvm_shared::address::Address;

use crate::case::{Asked, Case};
use crate::outcome::Outcome;
use crate::reference::Reference;
use crate::rows;
use crate::world::BOB;

/// Cases, of one message each, that are walked.
pub const WALKED: [&str; 14] = [
    "account/transfer by id",
    "account/transfer to an unknown f410",
    "ipld/write the state twice, read it",
    "ipld/the counter counts",
    "ipld/delete itself, burning",
    "crypto/signature: secp, good",
    "event/three events",
    "send/value on from a callee",
    "send/gas limit 8000000",
    "send/itself, aborting",
    "send/a callee that calls back",
    "send/events of three, one aborting",
    "send/read-only: writes",
    "module/copies and fills memory",
];

/// Limits close to what a message uses, as differences from it.
const NEAR: [i64; 7] = [-1_000, -2, -1, 0, 1, 2, 1_000];

/// The walks: of each message its charges, and `steps` limits evenly.
///
/// # Errors
/// When the reference cannot run a case to its end.
pub fn cases(reference: &Reference, steps: u64) -> Result<Vec<Case>> {
    let rows = rows::all();
    let mut walks = Vec::new();
    for name in WALKED {
        let row = rows.iter().find(|row| row.name == name).with_context(|| format!("there is no case {name}"))?;
        let Outcome::Ran { messages, .. } = reference.run(row)? else { continue };
        let used = messages.first().context("a case has a message")?.gas_used;
        let near = NEAR.iter().filter_map(|apart| used.checked_add_signed(*apart));
        let charges = reference.charges(row)?;
        ensure!(!charges.is_empty(), "the reference does not tell what it charges for {name}");
        let close = charges.into_iter().flat_map(|charged| [charged.saturating_sub(1), charged]);
        let limits: BTreeSet<_> = (1..=steps).map(|step| used / steps * step).chain(near).chain(close).collect();
        walks.extend(limits.into_iter().map(|gas_limit| with_limit(row, gas_limit)));
    }
    Ok(walks)
}

fn with_limit(row: &Case, gas_limit: u64) -> Case {
    let mut messages: Vec<_> = row.messages.iter().map(|asked| Asked { gas_limit, ..asked.clone() }).collect();
    // One after it, so that a wrong nonce or balance shows at once.
    messages.push(Asked { value: 1, ..Asked::to(Address::new_id(BOB), 0, vec![]) });
    Case { name: format!("walk/{}/{gas_limit}", row.name), messages }
}
