//! Where a block stands in its chain.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Height of a block; genesis is 0, the first decided block is 1.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Height(pub u64);

impl Height {
    /// The state before any block.
    pub const GENESIS: Self = Self(0);
    /// The first decided block.
    pub const FIRST: Self = Self(1);

    /// The height after this one. Stays at `u64::MAX`, which no chain reaches.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The height before this one; `None` at genesis.
    #[must_use]
    pub const fn previous(self) -> Option<Self> {
        match self.0.checked_sub(1) {
            Some(height) => Some(Self(height)),
            None => None,
        }
    }

    /// Whether a period of `period` blocks ends here. A period of zero never ends.
    #[must_use]
    pub const fn ends_period(self, period: u64) -> bool {
        period != 0 && self.0 != 0 && self.0.is_multiple_of(period)
    }

    /// The FVM's word for height; saturates, since `i64` heights are out of reach of any chain.
    #[must_use]
    pub fn epoch(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }
}

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_ends_at_its_multiples_and_never_at_genesis() {
        for (height, period, ends) in [(0, 10, false), (9, 10, false), (10, 10, true), (20, 10, true), (5, 0, false)] {
            assert_eq!(Height(height).ends_period(period), ends, "height {height}, period {period}");
        }
    }
}
