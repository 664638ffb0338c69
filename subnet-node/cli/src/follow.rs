//! Which blocks are due. A law: how far the chain is in, heights out, each once and in order.
//!
//! ```text
//! due ─▶ a stretch of blocks ─▶ told ───────▶ the next stretch, a quarter longer, up to BLOCKS_MAX
//!                            └▶ too much ───▶ the first half of it; one block alone ─▶ nothing is to be done
//! ```

use std::ops::RangeInclusive;

/// Most blocks of one look, which bounds the answers that are held.
pub const BLOCKS_MAX: u64 = 100;

/// A place in the chain from which somebody goes on.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Follow {
    next: u64,
    /// Most blocks of the next look, 1 at least.
    blocks: u64,
}

impl Follow {
    /// From this height on.
    #[must_use]
    pub const fn from(height: u64) -> Self {
        Self { next: height, blocks: BLOCKS_MAX }
    }

    /// What is due when the chain's latest block is at `tip`: at most [`BLOCKS_MAX`], and the same until it was [`Self::told`] or
    /// [halved](Self::halve).
    #[must_use]
    pub fn due(&self, tip: u64) -> Option<RangeInclusive<u64>> {
        (self.next <= tip).then(|| self.next..=tip.min(self.next.saturating_add(self.blocks - 1)))
    }

    /// All up to `last` was told. By a quarter, not twofold: where all stretches are as busy, few are asked for in vain.
    pub fn told(&mut self, last: u64) {
        self.next = self.next.max(last.saturating_add(1));
        self.blocks = (self.blocks + self.blocks / 4 + 1).min(BLOCKS_MAX);
    }

    /// What is due up to `last` is more than one answer holds: the first half of it is due. `false` for one block, which has no half.
    #[must_use]
    pub fn halve(&mut self, last: u64) -> bool {
        let asked = last.saturating_sub(self.next).saturating_add(1);
        self.blocks = (asked / 2).clamp(1, BLOCKS_MAX);
        asked > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_height_is_due_once_and_in_order_however_the_chain_grows() {
        let mut follow = Follow::from(5);
        let mut due = |tip: u64| {
            let due = follow.due(tip);
            assert_eq!(follow.due(tip), due, "what was not told is due again");
            due.inspect(|heights| follow.told(*heights.end()))
        };
        assert_eq!(due(4), None, "it has not come yet");
        assert_eq!(due(5), Some(5..=5));
        assert_eq!(due(5), None);
        assert_eq!(due(250), Some(6..=105));
        assert_eq!(due(250), Some(106..=205));
        assert_eq!(due(300), Some(206..=300));
        assert_eq!(due(10), None, "another node, which is behind");
        assert_eq!(due(301), Some(301..=301));
    }

    #[test]
    fn a_stretch_that_is_too_much_is_halved_down_to_one_block_and_no_further() {
        let mut follow = Follow::from(1);
        let mut asked = Vec::new();
        for _ in 0..7 {
            let heights = follow.due(1_000).unwrap();
            assert_eq!(*heights.start(), 1, "nothing is passed over");
            asked.push((*heights.end(), follow.halve(*heights.end())));
        }
        assert_eq!(asked, [(100, true), (50, true), (25, true), (12, true), (6, true), (3, true), (1, false)]);
        // Fewer were asked for than could have been.
        let mut follow = Follow::from(1);
        assert!(follow.halve(3));
        assert_eq!(follow.due(1_000), Some(1..=1));
    }

    #[test]
    fn beyond_a_busy_stretch_the_looks_grow_again() {
        let mut follow = Follow::from(1);
        assert!(follow.halve(2));
        let mut asked = Vec::new();
        for _ in 0..17 {
            let heights = follow.due(1_000).unwrap();
            asked.push(heights.end() - heights.start() + 1);
            follow.told(*heights.end());
        }
        assert_eq!(asked, [1, 2, 3, 4, 6, 8, 11, 14, 18, 23, 29, 37, 47, 59, 74, 93, 100]);
        assert_eq!(follow.due(1_000).map(|heights| heights.count()), Some(100));
    }
}
