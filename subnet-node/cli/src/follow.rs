//! Which blocks are due. A law: how far the chain is in, heights out, each once and in order.

use std::ops::RangeInclusive;

/// Most blocks of one look, which bounds the answers that are held.
pub const BLOCKS_MAX: u64 = 100;

/// A place in the chain from which somebody goes on.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Follow {
    next: u64,
}

impl Follow {
    /// From this height on.
    #[must_use]
    pub const fn from(height: u64) -> Self {
        Self { next: height }
    }

    /// What is due when the chain's latest block is at `tip`: at most [`BLOCKS_MAX`], and the same until it was [`Self::told`].
    #[must_use]
    pub fn due(&self, tip: u64) -> Option<RangeInclusive<u64>> {
        (self.next <= tip).then(|| self.next..=tip.min(self.next.saturating_add(BLOCKS_MAX - 1)))
    }

    /// All up to `last` was told.
    pub fn told(&mut self, last: u64) {
        self.next = self.next.max(last.saturating_add(1));
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
}
