//! Deletes what is not kept, height by height.

use std::ops::ControlFlow;

use tributary_primitives::{Hash32, Height};
use tributary_store::{Deleted, Kept, Store};

use super::law::{Keeping, Standing};
use crate::ledger::LedgerFatal;
use crate::ledger::stored::{read_certificate, read_receipts};

/// What a run did.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// What is kept since.
    pub kept: Kept,
    /// Blocks that went.
    pub blocks: u64,
    /// Blocks that stay, and after which the state went or is only in its trees.
    pub states: u64,
    /// What that was on disk.
    pub deleted: Deleted,
    /// Whether nothing is left to delete.
    pub is_done: bool,
}

/// Finds out from where on the past is kept, and deletes what is not. `step` is called after each height, and may break off; the next
/// run goes on there.
///
/// # Errors
/// [`LedgerFatal`]: this node must stop.
pub fn prune(
    store: &Store,
    keeping: &Keeping,
    mut step: impl FnMut() -> ControlFlow<()>,
) -> Result<Pruned, LedgerFatal> {
    let kept = keep(store, keeping)?;
    let mut pruned = Pruned { kept, blocks: 0, states: 0, deleted: Deleted::default(), is_done: true };
    let base = store.base()?.unwrap_or_default();
    for height in heights(store.pruned()?.blocks, kept.blocks) {
        pruned.deleted.add(delete_block(store, height)?);
        pruned.blocks += 1;
        if step().is_break() {
            return Ok(Pruned { is_done: false, ..pruned });
        }
    }
    for height in heights(store.pruned()?.states, kept.states) {
        pruned.deleted.add(store.delete_state(height, keeping.spares(height, base))?);
        pruned.states += 1;
        if step().is_break() {
            return Ok(Pruned { is_done: false, ..pruned });
        }
    }
    Ok(pruned)
}

/// Says on disk from where on the past is kept, if that has moved.
fn keep(store: &Store, keeping: &Keeping) -> Result<Kept, LedgerFatal> {
    let before = store.kept()?;
    let Some(tip) = store.tip()? else { return Ok(before) };
    let certified = store.latest_checkpoint(tip.height)?.map_or(Height::GENESIS, |(height, _)| height);
    let wanted = keeping.wanted(Standing { head: tip.height, certified });
    let trees = wanted.map(|wanted| store.trees_until(wanted)).transpose()?.flatten();
    let kept = trees.map_or(before, |trees| keeping.from(before, trees));
    if kept != before {
        store.keep_from(kept)?;
    }
    Ok(kept)
}

fn delete_block(store: &Store, height: Height) -> Result<Deleted, LedgerFatal> {
    let certificate = read_certificate(store, height)?;
    let receipts = read_receipts(store, height)?.unwrap_or_default();
    let executed: Vec<Hash32> =
        receipts.iter().filter(|receipt| !receipt.skipped).map(|receipt| receipt.transaction).collect();
    let hash = certificate.map(|certificate| certificate.block.hash);
    Ok(store.delete_block(height, hash.as_ref(), &executed)?)
}

fn heights(from: Height, to: Height) -> impl Iterator<Item = Height> {
    (from.0..to.0).map(Height)
}
