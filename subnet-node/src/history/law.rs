//! What a node keeps of the past.
//!
//! ```text
//!                     wanted: head − last + 1, or the first block whose checkpoint may still be certified
//!                       ▼
//! ─┬──────────────┬─────┴────────┬───▶ head
//! trees         trees          trees
//!               ▲ kept from here: a state without trees is made from those before it
//! ```
//!
//! What is kept never grows back: a node told to keep more does so from now on.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tributary_primitives::Height;
use tributary_replica::shares::OPEN_MAX;
use tributary_store::Kept;

/// The fewest blocks that a node keeps: those that a peer which was away for a moment asks for, and of which wallets and fee estimates
/// read. As many states as go-ethereum keeps.
const BLOCKS_MIN: u64 = 128;

/// IPLD blocks below which it is not worth while to look for those that nobody needs.
const ENTRIES_MIN: u64 = 1_000;

/// How much of the past to keep.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum History {
    /// All.
    Archive,
    /// All blocks, and of states those after checkpoints and after the last blocks.
    Checkpoints,
    /// So many last blocks, and the states after them.
    Blocks(u64),
}

/// What decides how much is kept.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// What the operator wants.
    pub history: History,
    /// Blocks from one checkpoint to the next; `None` on a chain that cuts none.
    pub period: Option<u64>,
    /// States that are kept in any case, of the last so many blocks.
    pub recent: u64,
}

/// Where the chain stands.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its last block.
    pub head: Height,
    /// The last checkpoint with a certificate; 0 before the first.
    pub certified: Height,
}

impl History {
    /// The fewest blocks that it may name when trees are written every `trees_every`.
    #[must_use]
    pub const fn blocks_min(trees_every: u64) -> u64 {
        let trees = trees_every.saturating_mul(2);
        if trees > BLOCKS_MIN { trees } else { BLOCKS_MIN }
    }
}

impl Keeping {
    /// The first block after which the state is still wanted; `None` when all are.
    #[must_use]
    pub fn wanted(&self, now: Standing) -> Option<Height> {
        let last = match self.history {
            History::Archive => return None,
            History::Checkpoints => self.recent,
            History::Blocks(last) => last,
        };
        let first_of = |blocks: u64| Height(now.head.0.saturating_sub(blocks.saturating_sub(1)));
        let open = self.period.map(|period| now.certified.max(first_of(open_blocks(period))));
        Some(open.map_or(first_of(last), |open| open.min(first_of(last))))
    }

    /// What is kept from now on, when `before` was, and the last trees at or below what is wanted are those after `trees`.
    #[must_use]
    pub fn from(&self, before: Kept, trees: Height) -> Kept {
        let states = before.states.max(trees);
        match self.history {
            History::Archive => before,
            History::Checkpoints => Kept { states, ..before },
            History::Blocks(_) => Kept { blocks: states, states },
        }
    }

    /// Whether the trees after a block below all states that are kept stay, with the state; `base` is where the history began.
    #[must_use]
    pub fn spares(&self, block: Height, base: Height) -> bool {
        !matches!(self.history, History::Blocks(_))
            && (block == base || self.period.is_some_and(|period| block.ends_period(period)))
    }
}

/// Whether it is worth while to look through all `entries` IPLD blocks for those that nobody needs, when the last look left `kept` of them:
/// they are half as many again, so that each block put costs a bounded number of looks at blocks, however many there are.
#[must_use]
pub const fn collects(entries: u64, kept: u64) -> bool {
    entries >= ENTRIES_MIN && entries >= kept.saturating_add(kept / 2)
}

/// Blocks of which a checkpoint may still be gathering shares.
fn open_blocks(period: u64) -> u64 {
    u64::try_from(OPEN_MAX).unwrap_or(u64::MAX).saturating_add(1).saturating_mul(period)
}

/// As in the configuration: a word, or a number of blocks.
impl Serialize for History {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Archive => serializer.serialize_str("archive"),
            Self::Checkpoints => serializer.serialize_str("checkpoints"),
            Self::Blocks(blocks) => serializer.serialize_u64(*blocks),
        }
    }
}

/// A number may come as text, from a flag.
impl<'de> Deserialize<'de> for History {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "storage.history must be \"archive\", \"checkpoints\", or a number of blocks")]
        enum Spelling {
            Blocks(u64),
            Word(String),
        }
        let wrong = |word: &str| {
            let expected = "\"archive\", \"checkpoints\", or a number of blocks";
            serde::de::Error::custom(format_args!("storage.history is {word:?}; it must be {expected}"))
        };
        match Spelling::deserialize(deserializer)? {
            Spelling::Blocks(blocks) => Ok(Self::Blocks(blocks)),
            Spelling::Word(word) => match word.as_str() {
                "archive" => Ok(Self::Archive),
                "checkpoints" => Ok(Self::Checkpoints),
                number => number.parse().map(Self::Blocks).map_err(|_| wrong(number)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn keeping(history: History) -> Keeping {
        Keeping { history, period: None, recent: 256 }
    }

    #[test]
    fn so_many_last_blocks_are_wanted_and_those_whose_checkpoint_is_open() {
        let blocks = |last, period| Keeping { period, ..keeping(History::Blocks(last)) };
        for (keeping, head, certified, wanted) in [
            (keeping(History::Archive), 1_000_000, 0, None),
            (blocks(300, None), 0, 0, Some(0)),
            (blocks(300, None), 299, 0, Some(0)),
            (blocks(300, None), 300, 0, Some(1)),
            (blocks(300, None), 10_000, 0, Some(9_701)),
            // Certified a moment ago, long ago, and longer ago than shares are gathered for: 65 periods.
            (blocks(300, Some(10)), 10_000, 9_990, Some(9_701)),
            (blocks(300, Some(10)), 10_000, 9_500, Some(9_500)),
            (blocks(300, Some(10)), 10_000, 0, Some(9_351)),
            (blocks(2_000, Some(10)), 10_000, 0, Some(8_001)),
            (keeping(History::Checkpoints), 10_000, 0, Some(9_745)),
            (Keeping { period: Some(100), ..keeping(History::Checkpoints) }, 10_000, 9_900, Some(9_745)),
            (Keeping { period: Some(100), ..keeping(History::Checkpoints) }, 10_000, 9_600, Some(9_600)),
        ] {
            let now = Standing { head: Height(head), certified: Height(certified) };
            assert_eq!(keeping.wanted(now), wanted.map(Height), "{keeping:?} at {head}, certified {certified}");
        }
    }

    #[test]
    fn what_is_kept_moves_to_the_trees_below_what_is_wanted_and_never_back() {
        let kept = |blocks, states| Kept { blocks: Height(blocks), states: Height(states) };
        for (history, before, trees, after) in [
            (History::Archive, kept(0, 0), 96, kept(0, 0)),
            (History::Checkpoints, kept(0, 0), 96, kept(0, 96)),
            (History::Blocks(300), kept(0, 0), 96, kept(96, 96)),
            (History::Blocks(300), kept(128, 128), 96, kept(128, 128)),
            (History::Checkpoints, kept(128, 128), 160, kept(128, 160)),
            // From checkpoints to blocks: the blocks below the states go too.
            (History::Blocks(300), kept(0, 160), 96, kept(160, 160)),
            (History::Archive, kept(128, 160), 320, kept(128, 160)),
        ] {
            assert_eq!(keeping(history).from(before, Height(trees)), after, "{history:?} from {before:?}");
        }
    }

    #[test]
    fn who_keeps_all_blocks_spares_the_trees_of_checkpoints_and_of_the_base() {
        let spared = |history, period| -> Vec<u64> {
            let keeping = Keeping { period, ..keeping(history) };
            (5..=30).filter(|height| keeping.spares(Height(*height), Height(5))).collect()
        };
        assert_eq!(spared(History::Checkpoints, Some(10)), [5, 10, 20, 30]);
        assert_eq!(spared(History::Checkpoints, None), [5]);
        assert_eq!(spared(History::Archive, Some(10)), [5, 10, 20, 30], "what another setting left to be done");
        assert_eq!(spared(History::Blocks(300), Some(10)), [0_u64; 0]);
    }

    #[test]
    fn unneeded_blocks_are_looked_for_when_there_are_half_as_many_again() {
        for (entries, kept, expected) in [
            (0, 0, false),
            (999, 0, false),
            (1_000, 0, true),
            (1_000, 667, true),
            (1_000, 668, false),
            (150_000, 100_000, true),
            (149_999, 100_000, false),
            (u64::MAX, u64::MAX, true),
        ] {
            assert_eq!(collects(entries, kept), expected, "{entries}, {kept} kept");
        }
    }

    #[test]
    fn the_fewest_blocks_are_twice_those_between_trees_and_never_below_the_minimum() {
        assert_eq!([1, 32, 64, 65, u64::MAX].map(History::blocks_min), [128, 128, 128, 130, u64::MAX]);
    }
}
