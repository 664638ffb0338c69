//! Where a transaction is on its way. A law: what was seen in, the stage out.
//!
//! ```text
//! submitted ─▶ admitted ─▶ block ─▶ checkpoint ─▶ accepted
//!              it waits in   final    certified by   the parent's actor
//!              a node's pool here     the validators took the certificate
//! ```
//!
//! A checkpoint commits to the state after its block, so it carries every block up to its height. The first that carries block H is
//! cut at the next multiple of the period; the parent may take that one or a later one, since it may skip.

use clap::ValueEnum;

/// How far a transaction got.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Stage {
    /// It was handed to a node
    Submitted,
    /// It waits in a node's pool
    Admitted,
    /// It is in a block, which is final on this chain
    Block,
    /// More than two thirds of the validators' power signed a checkpoint that carries it
    Checkpoint,
    /// The parent took such a checkpoint
    Accepted,
}

impl Stage {
    /// Its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Admitted => "admitted",
            Self::Block => "block",
            Self::Checkpoint => "checkpoint",
            Self::Accepted => "accepted",
        }
    }
}

/// What was seen of a transaction and its chain.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Whether it waits.
    pub waits: bool,
    /// Height of its block.
    pub block: Option<u64>,
    /// Blocks from one checkpoint to the next; 0 where none are cut.
    pub period: u64,
    /// Height of the latest certificate.
    pub certified: Option<u64>,
    /// Height of the latest checkpoint that the parent took, as far as anybody was asked.
    pub accepted: Option<u64>,
}

impl Sight {
    /// The furthest stage; `None` for a transaction that nobody knows.
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        let Some(block) = self.block else { return self.waits.then_some(Stage::Admitted) };
        let carries = |height: Option<u64>| height.is_some_and(|height| height >= block);
        Some(match (carries(self.accepted), carries(self.certified)) {
            (true, _) => Stage::Accepted,
            (false, true) => Stage::Checkpoint,
            (false, false) => Stage::Block,
        })
    }

    /// Height of the first checkpoint that carries it.
    #[must_use]
    pub fn checkpoint(&self) -> Option<u64> {
        let block = self.block?;
        block.checked_next_multiple_of(self.period)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOWHERE: Sight = Sight { waits: false, block: None, period: 10, certified: None, accepted: None };

    #[test]
    fn each_stage_is_reached_by_what_was_seen_and_not_before() {
        let in_block = Sight { block: Some(11), ..NOWHERE };
        for (sight, stage) in [
            (NOWHERE, None),
            (Sight { certified: Some(100), accepted: Some(100), ..NOWHERE }, None),
            (Sight { waits: true, ..NOWHERE }, Some(Stage::Admitted)),
            (in_block, Some(Stage::Block)),
            (Sight { waits: true, ..in_block }, Some(Stage::Block)),
            (Sight { certified: Some(10), ..in_block }, Some(Stage::Block)),
            (Sight { certified: Some(20), ..in_block }, Some(Stage::Checkpoint)),
            (Sight { certified: Some(20), accepted: Some(10), ..in_block }, Some(Stage::Checkpoint)),
            (Sight { certified: Some(30), accepted: Some(30), ..in_block }, Some(Stage::Accepted)),
            // The node that was asked for the block need not have heard of the certificate yet.
            (Sight { accepted: Some(20), ..in_block }, Some(Stage::Accepted)),
        ] {
            assert_eq!(sight.stage(), stage, "{sight:?}");
        }
    }

    #[test]
    fn the_checkpoint_is_the_next_multiple_of_the_period() {
        let due = |block, period| Sight { block, period, ..NOWHERE }.checkpoint();
        for (block, period, checkpoint) in [
            (None, 10, None),
            (Some(11), 10, Some(20)),
            (Some(20), 10, Some(20)),
            (Some(1), 1, Some(1)),
            (Some(11), 0, None),
            (Some(u64::MAX), 10, None),
        ] {
            assert_eq!(due(block, period), checkpoint, "{block:?} {period}");
        }
    }

    #[test]
    fn stages_stand_in_order() {
        let stages = Stage::value_variants();
        assert!(stages.is_sorted());
        for stage in stages {
            assert_eq!(stage.to_possible_value().unwrap().get_name(), stage.name());
        }
    }
}
