//! What one transaction reads: the cells as those before it leave them, all of them or those of its lane.

use crate::Ground;
use crate::ahead::Ahead;
#[cfg(not(loom))]
use crate::lanes::Lane;

/// The cells, to one transaction. A cell read twice reads the same.
pub struct View<G: Ground>(pub(crate) Sight<G>);

pub(crate) enum Sight<G: Ground> {
    /// What transactions on other threads write comes in sight.
    Ahead(Ahead<G>),
    /// What those before it in its lane wrote, and no other.
    #[cfg(not(loom))]
    Lane(Lane<G>),
}

/// Asks whichever there is.
macro_rules! ask {
    ($view:expr, $question:ident($($argument:expr),*)) => {
        match $view {
            Sight::Ahead(ahead) => ahead.$question($($argument),*),
            #[cfg(not(loom))]
            Sight::Lane(lane) => lane.$question($($argument),*),
        }
    };
}

impl<G: Ground> View<G> {
    /// The value of a cell.
    ///
    /// # Errors
    /// What the ground says.
    pub fn read(&mut self, key: &G::Key) -> Result<G::Value, G::Fatal> {
        ask!(&mut self.0, read(key))
    }

    /// What a cell is, if that was read or written before.
    #[must_use]
    pub fn seen(&self, key: &G::Key) -> Option<&G::Value> {
        ask!(&self.0, seen(key))
    }

    /// What the block runs on, for what no transaction changes.
    #[must_use]
    pub fn ground(&self) -> &G {
        ask!(&self.0, ground())
    }
}
