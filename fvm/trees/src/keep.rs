//! What is written and what is kept: a node is written once after it has changed, however often that was, and a written one can be
//! dropped, since the link above it finds it again.

use std::collections::BTreeMap;

use cid::Cid;
use tributary_primitives::cbor_cid_of;

use crate::node::{Node, Standing};
use crate::slots::{bit, slots};

/// What a part begins to count at: it may come to keep less than it did.
const PART_NODES: usize = usize::MAX / 4;

/// The nodes that a tree keeps.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Kept {
    /// How many.
    pub(crate) nodes: usize,
    /// Now, counted in evictions; what is used now is used last.
    now: u32,
}

impl Kept {
    /// A root alone.
    pub(crate) const ROOT: Self = Self { nodes: 1, now: 0 };

    /// For a part of the tree that is changed apart, to be joined again.
    pub(crate) const fn part(self) -> Self {
        Self { nodes: PART_NODES, now: self.now }
    }

    /// Takes over what a part keeps more or less than it did.
    pub(crate) const fn join(&mut self, part: Self) {
        self.nodes = self.nodes + part.nodes - PART_NODES;
    }

    /// A node that is now used. What is above it was used with it, so no node is used later than those above.
    pub(crate) const fn touch(&self, node: &mut Node) {
        node.used = self.now;
    }

    /// A node that was read or made just now.
    pub(crate) const fn add(&mut self, mut node: Node) -> Node {
        self.touch(&mut node);
        self.nodes += 1;
        node
    }

    /// Drops saved nodes when there are more than `nodes_max`, those first that were used longest ago, until three quarters of that
    /// are left: a walk over all nodes is then paid for by a quarter of them.
    pub(crate) fn evict(&mut self, root: &mut Node, nodes_max: usize) {
        if self.nodes > nodes_max {
            let mut ages = BTreeMap::new();
            root.ages(&mut ages);
            self.nodes -= root.evict(until(&ages, nodes_max - nodes_max / 4));
        }
        self.now = self.now.saturating_add(1);
    }
}

/// The first age of those, newest last, that are no more than `nodes` together.
fn until(ages: &BTreeMap<u32, usize>, nodes: usize) -> u32 {
    let mut left = nodes;
    let too_many = ages.iter().rev().find(|(_, count)| left.checked_sub(**count).map(|rest| left = rest).is_none());
    too_many.map_or(0, |(age, _)| age + 1)
}

impl Node {
    /// Hands every node that is not saved to `save`, what is below first, and takes it for saved when `save` does.
    pub(crate) fn save<E>(&mut self, save: &mut impl FnMut(&Cid, &[u8]) -> Result<(), E>) -> Result<(), E> {
        if self.standing == Standing::Saved {
            return Ok(());
        }
        for slot in slots(self.unsaved) {
            self.below.get_mut(slot).map_or(Ok(()), |below| below.save(save))?;
            self.unsaved &= !bit(slot);
        }
        save(&cbor_cid_of(&self.digest), &self.block)?;
        self.standing = Standing::Saved;
        Ok(())
    }

    /// Drops the saved nodes below that were last used before `until`; answers how many.
    fn evict(&mut self, until: u32) -> usize {
        let mut gone = 0;
        self.below.retain(|below| {
            let drops = below.standing == Standing::Saved && below.used < until;
            gone += if drops { below.size() } else { below.evict(until) };
            !drops
        });
        gone
    }

    /// Counts the nodes below by when they were last used.
    fn ages(&self, ages: &mut BTreeMap<u32, usize>) {
        for (_, below) in self.below.iter() {
            *ages.entry(below.used).or_default() += 1;
            below.ages(ages);
        }
    }

    /// Nodes kept: itself and all below.
    fn size(&self) -> usize {
        1 + self.below.iter().map(|(_, below)| below.size()).sum::<usize>()
    }
}
