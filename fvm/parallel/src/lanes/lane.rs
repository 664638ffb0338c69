//! The cells that one lane has touched, and when it did so first.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use foldhash::fast::RandomState;

use crate::Ground;
use crate::memory::{Value, Write};
use crate::sync::Arc;

/// One lane's cells: of each the last value alone, whatever has been written before. All are held until the lanes meet.
pub(crate) struct Lane<G: Ground> {
    ground: Arc<G>,
    cells: HashMap<G::Key, Touched<G::Value>, RandomState>,
    /// The transaction that runs.
    index: usize,
}

/// A cell, and the transactions of the lane that first did this and that to it.
struct Touched<V> {
    cell: Cell<V>,
    read: usize,
    set: usize,
    added: usize,
}

enum Cell<V> {
    Value(V),
    /// So much on top of what the ground has, which nobody has asked for.
    Amount(V),
}

/// Cells that most transactions touch first in their lane: room for them is made at once.
const CELLS: usize = 5;

/// Later than every transaction.
const NEVER: usize = usize::MAX;

impl<V> Touched<V> {
    const fn new(cell: Cell<V>) -> Self {
        Self { cell, read: NEVER, set: NEVER, added: NEVER }
    }

    /// The first time that the cell's value was asked for or made another one.
    fn known(&self) -> usize {
        self.read.min(self.set)
    }

    fn first(&self) -> usize {
        self.known().min(self.added)
    }

    /// From which transaction on two lanes may find in the cell what they would not find in order.
    fn collides(&self, other: &Self) -> Option<usize> {
        let set = self.set.max(other.first()).min(self.first().max(other.set));
        let added = self.added.max(other.known()).min(self.known().max(other.added));
        Some(set.min(added)).filter(|from| *from != NEVER)
    }
}

impl<G: Ground> Lane<G> {
    /// No cell touched, and room for those of so many transactions.
    pub(crate) fn new(ground: Arc<G>, transactions: usize) -> Self {
        let cells = HashMap::with_capacity_and_hasher(transactions * CELLS, RandomState::default());
        Self { ground, cells, index: 0 }
    }

    /// The same, for transaction `index`.
    pub(crate) fn at(self, index: usize) -> Self {
        Self { index, ..self }
    }

    pub(crate) fn ground(&self) -> &G {
        &self.ground
    }

    pub(crate) fn seen(&self, key: &G::Key) -> Option<&G::Value> {
        match &self.cells.get(key)?.cell {
            Cell::Value(value) => Some(value),
            Cell::Amount(_) => None,
        }
    }

    pub(crate) fn read(&mut self, key: &G::Key) -> Result<G::Value, G::Fatal> {
        let Some(touched) = self.cells.get_mut(key) else {
            let value = self.ground.load(key)?.apart();
            let touched = Touched { read: self.index, ..Touched::new(Cell::Value(value.clone())) };
            self.cells.insert(key.clone(), touched);
            return Ok(value);
        };
        match &touched.cell {
            Cell::Value(value) => Ok(value.clone()),
            Cell::Amount(amount) => {
                let value = self.ground.load(key)?.plus(amount);
                touched.cell = Cell::Value(value.clone());
                touched.read = self.index;
                Ok(value)
            }
        }
    }

    pub(crate) fn write(&mut self, key: G::Key, write: Write<G::Value>) {
        let index = self.index;
        match (self.cells.entry(key), write) {
            (Entry::Vacant(place), Write::Set(value)) => {
                place.insert(Touched { set: index, ..Touched::new(Cell::Value(value)) });
            }
            (Entry::Vacant(place), Write::Add(amount)) => {
                place.insert(Touched { added: index, ..Touched::new(Cell::Amount(amount)) });
            }
            (Entry::Occupied(mut touched), Write::Set(value)) => {
                let touched = touched.get_mut();
                touched.cell = Cell::Value(value);
                touched.set = touched.set.min(index);
            }
            (Entry::Occupied(mut touched), Write::Add(amount)) => {
                let touched = touched.get_mut();
                let (Cell::Value(sum) | Cell::Amount(sum)) = &mut touched.cell;
                *sum = sum.plus(&amount);
                touched.added = touched.added.min(index);
            }
        }
    }

    /// Tells of every cell in which this lane and another collide: from which transaction on, and who touched it first in each.
    pub(crate) fn meet(&self, other: &Self, mut collide: impl FnMut(usize, [usize; 2])) {
        let (few, many) = if self.cells.len() <= other.cells.len() { (self, other) } else { (other, self) };
        for (key, one) in &few.cells {
            let Some(two) = many.cells.get(key) else { continue };
            if let Some(from) = one.collides(two) {
                collide(from, [one.first(), two.first()]);
            }
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    fn touched(read: usize, set: usize, added: usize) -> Touched<u8> {
        Touched { cell: Cell::Value(0), read, set, added }
    }

    #[test]
    fn two_lanes_collide_where_one_wrote_what_the_other_touched() {
        let (read, set, added) = (touched(4, NEVER, NEVER), touched(NEVER, 6, NEVER), touched(NEVER, NEVER, 8));
        let read_then_set = touched(1, 9, NEVER);
        for (one, two, from) in [
            (&read, &read, None),
            (&added, &added, None),
            (&read, &set, Some(6)),
            (&read, &added, Some(8)),
            (&set, &set, Some(6)),
            (&set, &added, Some(8)),
            (&read, &read_then_set, Some(9)),
            (&added, &read_then_set, Some(8)),
        ] {
            assert_eq!((one.collides(two), two.collides(one)), (from, from));
        }
    }
}
