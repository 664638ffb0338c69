//! The state after any block of this node, whether or not its trees are on disk.
//!
//! ```text
//! trees on disk, at or below the block ─▶ + what each block since then changed ─▶ the block's trees, in memory
//!        or in memory, from before                                                └─ root: the one on record, or the disk is damaged
//! ```
//!
//! The states after the last blocks are read by their leaves ([`super::heads`]), and need none of this but to be proven. Others are made for
//! whoever asks, in the time that the asker has; who makes which is told in `shelf`.

mod shelf;

use std::sync::Arc;
use std::time::{Duration, Instant};

use cid::Cid;
use tributary_fvm::State;
use tributary_fvm::state::{BlockState, Leaves, SharedStore};
use tributary_primitives::Height;
use tributary_store::{Buffered, Snapshot, Store};

use super::LedgerFatal;
use super::stored::read_record;
use shelf::{Asked, Bounds, Made, Shelf};

/// A store, and above it the nodes of the trees that it does not have.
pub type PastStore = Arc<Buffered<Store>>;

/// Past states, for everyone on this node who asks.
pub struct PastStates {
    store: Store,
    shelf: Shelf,
}

/// A past state is not to be had now.
#[derive(Debug, thiserror::Error)]
pub enum PastUnavailable {
    /// To make it, or to wait for others, takes longer than the asker has.
    #[error("the state after block {height} is not made within {patience:?}")]
    Late {
        /// The block.
        height: Height,
        /// What the asker had.
        patience: Duration,
    },
    /// It cannot be made.
    #[error(transparent)]
    Fatal(#[from] LedgerFatal),
}

impl PastStates {
    /// Those that `store` knows of.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store, shelf: Shelf::new(Bounds::OF_A_NODE) }
    }

    /// Where the state after the block at `height`, which is kept, can be opened under `root`, which is its own.
    ///
    /// Cost: nothing where the disk has its trees or it was asked for lately; else what the blocks since then, or since another state that
    /// was asked for lately, cost without running them. Between two of these blocks it is looked whether `patience` is over.
    ///
    /// # Errors
    /// [`PastUnavailable`].
    pub fn at(&self, height: Height, root: &Cid, patience: Duration) -> Result<PastStore, PastUnavailable> {
        if self.store.trees_until(height).map_err(LedgerFatal::from)? == Some(height) {
            return Ok(self.overlay());
        }
        let until = Instant::now().checked_add(patience);
        let late = || PastUnavailable::Late { height, patience };
        match self.shelf.ask(height, until).ok_or_else(late)? {
            Asked::Made(store) => Ok(store),
            Asked::Yours(making, below) => {
                let is_late = || until.is_some_and(|until| Instant::now() >= until);
                let store = self.make(below, height, root, &|| if is_late() { Err(late()) } else { Ok(()) })?;
                making.done(Made { height, root: *root, store: Arc::clone(&store) });
                Ok(store)
            }
        }
    }

    /// The same for who shares nothing with the others: it waits for nobody, and nobody waits for it, whatever the priority of its
    /// thread.
    ///
    /// # Errors
    /// [`LedgerFatal`].
    pub fn alone(&self, height: Height, root: &Cid) -> Result<PastStore, LedgerFatal> {
        let overlay = self.overlay();
        complete(&self.store, &overlay, height, root)?;
        Ok(overlay)
    }

    /// Makes it, from `below` if that is nearer than what is on disk.
    fn make(
        &self,
        below: Option<Made>,
        height: Height,
        root: &Cid,
        go_on: &impl Fn() -> Result<(), PastUnavailable>,
    ) -> Result<PastStore, PastUnavailable> {
        let whole = self.store.trees_until(height).map_err(LedgerFatal::from)?;
        if let Some(below) = below.filter(|below| Some(below.height) > whole) {
            let from = (below.height, below.root);
            match rebuild_from(&self.store, &below.store, from, height, root, go_on) {
                Ok(mut state) => {
                    state.save().map_err(LedgerFatal::from)?;
                    return Ok(below.store);
                }
                Err(PastUnavailable::Fatal(_)) => {} // What it stands on may be kept no more: what is on disk decides.
                Err(late) => return Err(late),
            }
        }
        let overlay = self.overlay();
        complete_while(&self.store, &overlay, height, root, go_on)?;
        Ok(overlay)
    }

    fn overlay(&self) -> PastStore {
        Arc::new(Buffered::new(self.store.clone()))
    }
}

/// Puts into `overlay` what `store` lacks of the state after the block at `height`, which has this root.
///
/// # Errors
/// [`LedgerFatal`].
pub fn complete(store: &Store, overlay: &PastStore, height: Height, root: &Cid) -> Result<(), LedgerFatal> {
    complete_while(store, overlay, height, root, &|| Ok(()))
}

fn complete_while<E: From<LedgerFatal>>(
    store: &Store,
    overlay: &PastStore,
    height: Height,
    root: &Cid,
    go_on: &impl Fn() -> Result<(), E>,
) -> Result<(), E> {
    if store.trees_until(height).map_err(LedgerFatal::from)? == Some(height) {
        return Ok(());
    }
    Ok(rebuild_while(store, overlay, height, root, go_on)?.save().map_err(LedgerFatal::from)?)
}

/// The state after the block at `height`, which has this root, from the last trees on disk and what the blocks since then changed.
/// It reads trees; the nodes that the disk lacks are in memory.
///
/// # Errors
/// [`LedgerFatal`].
pub fn rebuild(store: &Store, overlay: &PastStore, height: Height, root: &Cid) -> Result<State, LedgerFatal> {
    rebuild_while(store, overlay, height, root, &|| Ok(()))
}

fn rebuild_while<E: From<LedgerFatal>>(
    store: &Store,
    overlay: &PastStore,
    height: Height,
    root: &Cid,
    go_on: &impl Fn() -> Result<(), E>,
) -> Result<State, E> {
    let trees = || store.trees_until(height).map_err(LedgerFatal::from);
    loop {
        let whole = trees()?.ok_or_else(|| damaged("the state", height, "no trees are on disk"))?;
        let rebuilt = root_at(store, whole)
            .map_err(E::from)
            .and_then(|from| rebuild_from(store, overlay, (whole, from), height, root, go_on));
        match rebuilt {
            // Later ones came to the disk meanwhile, and what lies before them may be kept no more.
            Err(_) if trees()? > Some(whole) => {}
            rebuilt => return rebuilt,
        }
    }
}

fn root_at(store: &Store, height: Height) -> Result<Cid, LedgerFatal> {
    let record = read_record(store, height)?.ok_or_else(|| damaged("the record", height, "it is missing"))?;
    Ok(record.state_root)
}

/// The same from the state after the block `from`, with its root, whose trees can be read.
fn rebuild_from<E: From<LedgerFatal>>(
    store: &Store,
    overlay: &PastStore,
    from: (Height, Cid),
    height: Height,
    root: &Cid,
    go_on: &impl Fn() -> Result<(), E>,
) -> Result<State, E> {
    let (from, from_root) = from;
    let mut state = BlockState::load(SharedStore::new(Arc::clone(overlay)), &from_root).map_err(LedgerFatal::from)?;
    for at in (from.0 + 1..=height.0).map(Height) {
        go_on()?;
        let changes = store.changes(at).map_err(LedgerFatal::from)?;
        let changes = changes.ok_or_else(|| damaged("the list of changes", at, "it is missing"))?;
        state.apply_leaves(&changes).map_err(LedgerFatal::from)?;
    }
    if height > from && state.settle().map_err(LedgerFatal::from)?.root != *root {
        return Err(damaged("the state", height, "the blocks' changes lead to another root").into());
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
