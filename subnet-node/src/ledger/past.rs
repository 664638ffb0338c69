//! The state after any block of this node, whether or not its trees are on disk.
//!
//! ```text
//! trees on disk, at or below the block ─▶ + what each block since then changed ─▶ the block's trees, in memory
//!                                                                                 └─ root: the one on record, or the disk is damaged
//! ```

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cid::Cid;
use tributary_fvm::State;
use tributary_fvm::state::{BlockState, Leaves, SharedStore};
use tributary_primitives::Height;
use tributary_store::{Buffered, Snapshot, Store};

use super::LedgerFatal;
use super::stored::read_record;

/// Past states whose nodes stay in memory.
const KEPT: usize = 4;

/// A store, and above it the nodes of the trees that it does not have.
pub type PastStore = Arc<Buffered<Store>>;

/// Past states, for everyone on this node who asks.
pub struct PastStates {
    store: Store,
    /// Last asked for first.
    kept: Mutex<VecDeque<(Height, PastStore)>>,
}

impl PastStates {
    /// Those that `store` knows of.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store, kept: Mutex::new(VecDeque::new()) }
    }

    /// Where the state after the block at `height`, which is kept, can be opened under `root`, which is its own.
    ///
    /// Cost: nothing where the disk has its trees or it was asked for lately; else what the blocks since then cost, without running
    /// them.
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn at(&self, height: Height, root: &Cid) -> Result<PastStore, LedgerFatal> {
        let mut kept = self.kept();
        if let Some(known) = kept.iter().position(|(known, _)| *known == height) {
            let known = kept.remove(known).map(|known| known.1);
            return Ok(keep(&mut kept, height, known.unwrap_or_else(|| self.overlay())));
        }
        let overlay = self.overlay();
        complete(&self.store, &overlay, height, root)?;
        Ok(keep(&mut kept, height, overlay))
    }

    fn overlay(&self) -> PastStore {
        Arc::new(Buffered::new(self.store.clone()))
    }

    /// Held while a state is made again, so that it is made once; whole after every call.
    fn kept(&self) -> MutexGuard<'_, VecDeque<(Height, PastStore)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keep(kept: &mut VecDeque<(Height, PastStore)>, height: Height, overlay: PastStore) -> PastStore {
    kept.push_front((height, Arc::clone(&overlay)));
    kept.truncate(KEPT);
    overlay
}

/// Puts into `overlay` what `store` lacks of the state after the block at `height`, which has this root.
///
/// # Errors
/// [`LedgerFatal`].
pub fn complete(store: &Store, overlay: &PastStore, height: Height, root: &Cid) -> Result<(), LedgerFatal> {
    if store.trees_until(height)? == Some(height) {
        return Ok(());
    }
    Ok(rebuild(store, overlay, height, root)?.save()?)
}

/// The state after the block at `height`, which has this root, from the last trees on disk and what the blocks since then changed.
/// It reads trees; the nodes that the disk lacks are in memory.
///
/// # Errors
/// [`LedgerFatal`].
pub fn rebuild(store: &Store, overlay: &PastStore, height: Height, root: &Cid) -> Result<State, LedgerFatal> {
    loop {
        let whole = store.trees_until(height)?.ok_or_else(|| damaged("the state", height, "no trees are on disk"))?;
        match rebuild_from(store, overlay, whole, height, root) {
            // Later ones came to the disk meanwhile, and what lies before them may be kept no more.
            Err(_) if store.trees_until(height)? > Some(whole) => {}
            rebuilt => return rebuilt,
        }
    }
}

fn rebuild_from(
    store: &Store,
    overlay: &PastStore,
    whole: Height,
    height: Height,
    root: &Cid,
) -> Result<State, LedgerFatal> {
    let record = read_record(store, whole)?.ok_or_else(|| damaged("the record", whole, "it is missing"))?;
    let mut state = BlockState::load(SharedStore::new(Arc::clone(overlay)), &record.state_root)?;
    for at in (whole.0 + 1..=height.0).map(Height) {
        let changes = store.changes(at)?.ok_or_else(|| damaged("the list of changes", at, "it is missing"))?;
        state.apply_leaves(&changes)?;
    }
    if height > whole && state.settle()?.root != *root {
        return Err(damaged("the state", height, "the blocks' changes lead to another root"));
    }
    Ok(Box::new(state))
}

fn damaged(what: &'static str, height: Height, why: &str) -> LedgerFatal {
    LedgerFatal::Damaged { what, height, why: why.to_owned() }
}

/// The leaves after the last block, whichever that is.
pub struct Now(pub Store);

/// The leaves after one block.
pub struct Then(pub Snapshot);

impl Leaves for Now {
    fn leaf(&self, key: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(self.0.leaf(key)?)
    }
}

impl Leaves for Then {
    fn leaf(&self, key: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(self.0.leaf(key)?)
    }
}
