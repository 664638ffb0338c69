//! The state to look at: a home's after one block, or one that came from an archive.

use std::fmt;
use std::sync::Arc;

use cid::Cid;
use tributary_primitives::Height;
use tributary_store::Buffered;

use super::At;
use super::imported;
use super::past::Past;
use crate::ledger::past::PastStore;

/// A state, open for reading.
#[derive(Debug)]
pub struct State {
    store: PastStore,
    root: Cid,
    height: Option<Height>,
}

impl State {
    /// Opens the directory, a home or what `import` made.
    ///
    /// # Errors
    /// What is wrong with it; a node that runs there; a block that it does not have.
    pub fn open(at: &At) -> anyhow::Result<Self> {
        match imported::open(at)? {
            Some((store, root)) => Ok(Self { store: Arc::new(Buffered::new(store)), root, height: None }),
            None => {
                let past = Past::open(at)?;
                Ok(Self { store: past.trees()?, root: *past.root(), height: Some(past.height()) })
            }
        }
    }

    /// Its blocks.
    #[must_use]
    pub const fn store(&self) -> &PastStore {
        &self.store
    }

    /// Its root.
    #[must_use]
    pub const fn root(&self) -> &Cid {
        &self.root
    }

    /// The block that it stands after; `None` for a state that came without a chain.
    #[must_use]
    pub const fn height(&self) -> Option<Height> {
        self.height
    }
}

impl fmt::Display for State {
    /// As in "no actor has this address …".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.height {
            Some(height) => write!(f, "at height {height}"),
            None => write!(f, "in state {}", self.root),
        }
    }
}
