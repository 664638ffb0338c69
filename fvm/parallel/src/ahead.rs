//! What a transaction ahead of the frontier reads: the cells as those before it leave them, as far as is known by now.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::Ground;
use crate::bell::Bell;
use crate::memory::{Found, Memory, Value};
use crate::sync::{Arc, AtomicBool, AtomicUsize, Ordering};

/// Cells that few transactions read more of: room for them is made at once.
const READS: usize = 14;

/// What workers, committer and views share.
pub(crate) struct Shared<G: Ground> {
    pub(crate) ground: G,
    pub(crate) memory: Memory<G::Key, G::Value>,
    pub(crate) bell: Bell,
    /// Everything before it is final.
    pub(crate) frontier: AtomicUsize,
    /// Whether the block is over, well or not.
    pub(crate) is_stopped: AtomicBool,
}

impl<G: Ground> Shared<G> {
    pub(crate) fn is_final(&self, index: usize) -> bool {
        self.frontier.load(Ordering::SeqCst) > index
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::SeqCst)
    }

    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::SeqCst);
        self.bell.ring();
    }
}

/// The cells, to one transaction. A cell read twice reads the same.
pub(crate) struct Ahead<G: Ground> {
    shared: Arc<Shared<G>>,
    index: usize,
    reads: HashMap<G::Key, Seen<G::Value>, RandomState>,
}

/// What was found in a cell.
struct Seen<V> {
    value: V,
    /// Whether no transaction had written to it.
    is_ground: bool,
}

impl<G: Ground> Ahead<G> {
    pub(crate) fn new(shared: &Arc<Shared<G>>, index: usize) -> Self {
        let reads = HashMap::with_capacity_and_hasher(READS, RandomState::default());
        Self { shared: Arc::clone(shared), index, reads }
    }

    pub(crate) fn read(&mut self, key: &G::Key) -> Result<G::Value, G::Fatal> {
        if let Some(seen) = self.reads.get(key) {
            return Ok(seen.value.clone());
        }
        let seen = self.look(key)?;
        let value = seen.value.clone();
        self.reads.insert(key.clone(), seen);
        Ok(value)
    }

    pub(crate) fn seen(&self, key: &G::Key) -> Option<&G::Value> {
        self.reads.get(key).map(|seen| &seen.value)
    }

    pub(crate) fn ground(&self) -> &G {
        &self.shared.ground
    }

    fn look(&self, key: &G::Key) -> Result<Seen<G::Value>, G::Fatal> {
        loop {
            match self.shared.memory.read(self.index, key) {
                Found::Value(value) => return Ok(Seen { value, is_ground: false }),
                Found::Ground(added) => {
                    let value = self.on_ground(key, added.as_ref())?;
                    return Ok(Seen { value, is_ground: added.is_none() });
                }
                // The block is over, and nobody will ask what this transaction read.
                Found::Awaits(_) if self.shared.is_stopped() => {
                    return Ok(Seen { value: self.on_ground(key, None)?, is_ground: false });
                }
                Found::Awaits(writer) => self.wait_for(writer),
            }
        }
    }

    fn on_ground(&self, key: &G::Key, added: Option<&G::Value>) -> Result<G::Value, G::Fatal> {
        let value = self.shared.ground.load(key)?;
        Ok(added.map_or_else(|| value.clone(), |added| value.plus(added)))
    }

    /// The writer is the frontier's, and that one waits for nobody.
    fn wait_for(&self, writer: usize) {
        let shared = &self.shared;
        shared.bell.wait_until(|| shared.is_final(writer) || shared.is_stopped());
    }

    /// Whether everything that was read is as it is now, which for the frontier's transaction is final.
    pub(crate) fn holds(&self) -> bool {
        self.reads.iter().all(|(key, seen)| match self.shared.memory.read(self.index, key) {
            Found::Value(value) => value == seen.value,
            // Nobody has written to it, and the ground does not change.
            Found::Ground(None) if seen.is_ground => true,
            Found::Ground(added) => self.on_ground(key, added.as_ref()).is_ok_and(|value| value == seen.value),
            Found::Awaits(_) => false,
        })
    }
}
