//! A list with 32 slots, of which only the taken ones need memory.

/// Slots of a node.
pub(crate) const SLOTS: u8 = 32;

/// Items in slots, below 32 each, in ascending order.
#[derive(Clone, Debug)]
pub(crate) struct Slots<T> {
    taken: u32,
    items: Vec<T>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { taken: 0, items: Vec::new() }
    }
}

impl<T> Slots<T> {
    /// A bit for each slot that is taken.
    pub(crate) const fn taken(&self) -> u32 {
        self.taken
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.taken == 0
    }

    pub(crate) const fn has(&self, slot: u8) -> bool {
        self.taken & bit(slot) != 0
    }

    /// Where the item of `slot` stands among those that are taken.
    pub(crate) fn index(&self, slot: u8) -> Option<usize> {
        self.has(slot).then(|| self.rank(slot))
    }

    pub(crate) fn get(&self, slot: u8) -> Option<&T> {
        self.index(slot).map(|index| &self.items[index])
    }

    pub(crate) fn get_mut(&mut self, slot: u8) -> Option<&mut T> {
        self.index(slot).map(|index| &mut self.items[index])
    }

    /// The item after the one of `index`.
    pub(crate) fn at(&self, index: usize) -> Option<&T> {
        self.items.get(index)
    }

    pub(crate) fn insert(&mut self, slot: u8, item: T) {
        match self.get_mut(slot) {
            Some(old) => *old = item,
            None => {
                self.items.insert(self.rank(slot), item);
                self.taken |= bit(slot);
            }
        }
    }

    pub(crate) fn remove(&mut self, slot: u8) -> Option<T> {
        let index = self.index(slot)?;
        self.taken &= !bit(slot);
        Some(self.items.remove(index))
    }

    /// Every item with its slot.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u8, &T)> {
        slots(self.taken).zip(&self.items)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u8, &mut T)> {
        slots(self.taken).zip(&mut self.items)
    }

    /// Drops the items that `keep` refuses.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&mut T) -> bool) {
        for slot in slots(self.taken) {
            if !self.get_mut(slot).is_some_and(&mut keep) {
                self.remove(slot);
            }
        }
        self.items.shrink_to_fit();
    }

    fn rank(&self, slot: u8) -> usize {
        count(self.taken & (bit(slot) - 1))
    }
}

/// The bit of a slot.
pub(crate) const fn bit(slot: u8) -> u32 {
    1 << slot
}

/// The slots of a mask, in ascending order.
pub(crate) fn slots(mut mask: u32) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let slot = u8::try_from(mask.trailing_zeros()).ok().filter(|slot| *slot < SLOTS)?;
        mask &= mask - 1;
        Some(slot)
    })
}

/// How many slots a mask has.
pub(crate) fn count(mask: u32) -> usize {
    usize::try_from(mask.count_ones()).expect("32 fit in any usize")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_found_by_slot_and_stand_in_order() {
        let mut list = Slots::default();
        [31, 0, 7].into_iter().for_each(|slot| list.insert(slot, slot));
        assert_eq!(list.iter().collect::<Vec<_>>(), [(0, &0), (7, &7), (31, &31)]);
        assert_eq!((list.get(7), list.get(8), list.index(31)), (Some(&7), None, Some(2)));
        list.insert(7, 70);
        assert_eq!((list.remove(7), list.remove(7)), (Some(70), None));
        list.retain(|item| *item == 31);
        assert_eq!((list.taken(), list.is_empty()), (1 << 31, false));
    }
}
