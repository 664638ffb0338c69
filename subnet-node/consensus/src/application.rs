//! What the engine asks of the node, in the node's words.
//!
//! ```text
//!  start ─▶ known ─▶ propose or judge ─▶ decide ─▶ next ─▶ known ─▶ …
//!                         ▲ body (sent again)        │
//!           decided, history_min: asked by peers that catch up
//! ```
//!
//! The engine asks one question at a time and hears nothing else while it waits for the answer: answers must be quick. Execution of a decided block
//! belongs after [`Application::decide`] or beside it, not in [`Application::judge`].

use std::ops::RangeInclusive;
use std::time::Duration;

use async_trait::async_trait;
use tributary_chain::{BlockRef, CommitCertificate, Equivocation, ValidatorAddress, ValidatorSet};
use tributary_primitives::Height;

use crate::pace::Pacing;

/// The disk, or a rule of our own, is broken: the engine stops, and nothing that was asked counts as done.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ApplicationFatal(#[from] pub Box<dyn std::error::Error + Send + Sync>);

/// The node, as the engine sees it.
#[async_trait]
pub trait Application: Send + 'static {
    /// Where to start: the height after the last decision on disk, whose block is committed first if it was not yet; that decision's own height where
    /// its block is missing. Asked once.
    async fn start(&mut self) -> Result<Start, ApplicationFatal>;

    /// The judged blocks on disk that were proposed at `height` in `round`: after a crash they are offered to the engine again.
    async fn known(&mut self, height: Height, round: u32) -> Result<Vec<Known>, ApplicationFatal>;

    /// A block to propose, within `deadline`. The same block as before if one was made for this height and round. Durable (fsync)
    /// before it is returned: what is signed next outlives a power loss. `None` gives the turn away.
    async fn propose(
        &mut self,
        height: Height,
        round: u32,
        deadline: Duration,
    ) -> Result<Option<Body>, ApplicationFatal>;

    /// Whether a block may be decided. `bytes` are those that `proposed.block` names by its parts; that they decode, and
    /// that header and time are the named ones, is for the application to check. Durable (fsync), with the verdict, before it
    /// returns: the engine may vote for it at once, and a vote outlives a power loss.
    async fn judge(&mut self, proposed: &Proposed, origin: Origin, bytes: &[u8]) -> Result<Verdict, ApplicationFatal>;

    /// An undecided block on disk, to be sent to peers again.
    async fn body(&mut self, block: &BlockRef) -> Result<Option<Body>, ApplicationFatal>;

    /// A quorum decided. Durable (fsync) before it returns, also where the block's bytes are missing: the engine forgets the height after this,
    /// with its votes.
    async fn decide(&mut self, certificate: CommitCertificate) -> Result<Decision, ApplicationFatal>;

    /// `height` is done. What is needed for the next one. `evidence` is against validators, seen here, not judged.
    async fn next(&mut self, height: Height, evidence: Vec<Equivocation>) -> Result<Next, ApplicationFatal>;

    /// Decided blocks on disk in `range`, ascending, without a gap, from its start; fewer or none where there are no more.
    /// The range comes from a peer and has at most [`crate::config::SYNC_BATCH`] heights when it reaches here.
    async fn decided(&mut self, range: RangeInclusive<Height>) -> Result<Vec<DecidedBlock>, ApplicationFatal>;

    /// The lowest height that [`Application::decided`] can answer; height 1 when nothing was pruned.
    async fn history_min(&mut self) -> Result<Height, ApplicationFatal>;
}

/// Where the chain goes on.
#[derive(Clone, Debug)]
pub struct Start {
    /// The first height to decide.
    pub height: Height,
    /// Who decides it, and how patiently.
    pub params: HeightParams,
    /// Whether it was decided here before and answered with [`Decision::BodyMissing`]: the engine may have forgotten votes of ours, so none is
    /// signed there until block sync brings the block.
    pub sits_out: bool,
}

/// What is fixed for one height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeightParams {
    /// Who votes.
    pub validators: ValidatorSet,
    /// How long to wait for each step.
    pub timeouts: Timeouts,
}

/// How long each step of a round waits; `*_delta` is added with each round.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the proposal: must cover building, streaming and judging a full block, and what is left then of executing and writing the one before.
    pub propose: Duration,
    /// Added to `propose` with each round.
    pub propose_delta: Duration,
    /// For prevotes, once two thirds of any kind are there.
    pub prevote: Duration,
    /// Added to `prevote` with each round.
    pub prevote_delta: Duration,
    /// For precommits, once two thirds of any kind are there.
    pub precommit: Duration,
    /// Added to `precommit` with each round.
    pub precommit_delta: Duration,
    /// Before votes are sent again. Governs how fast a stalled network resumes.
    pub rebroadcast: Duration,
    /// No step waits longer than this, however many rounds have passed.
    pub longest: Duration,
}

impl Default for Timeouts {
    /// For a network of some tens of milliseconds. Measured: with a rebroadcast of 400 ms a halted network resumed 1.4 to 1.7 s after
    /// the quorum was back; with 5 s, 4.7 to 8.6 s.
    fn default() -> Self {
        Self {
            propose: Duration::from_millis(1_000),
            propose_delta: Duration::from_millis(200),
            prevote: Duration::from_millis(300),
            prevote_delta: Duration::from_millis(100),
            precommit: Duration::from_millis(300),
            precommit_delta: Duration::from_millis(100),
            rebroadcast: Duration::from_millis(400),
            longest: Duration::from_secs(10),
        }
    }
}

/// A block that was proposed.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// For this height.
    pub height: Height,
    /// In this round, the first time.
    pub round: u32,
    /// The round in which a quorum prevoted it before, if it is proposed again.
    pub valid_round: Option<u32>,
    /// Whose turn that round was. Of a block learned by sync, only somebody's who might have.
    pub proposer: ValidatorAddress,
    /// The block.
    pub block: BlockRef,
}

/// A proposed block with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// What it is.
    pub proposed: Proposed,
    /// The encoded block.
    pub bytes: Vec<u8>,
}

/// A judged block on disk.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What it is.
    pub proposed: Proposed,
    /// Whether the verdict was [`Verdict::Valid`].
    pub valid: bool,
}

/// How a block came to be judged.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Proposed; `proposer` is exact, and sent it.
    Proposal,
    /// Proposed; `proposer` is whose turn it is, but another validator sent it: nobody knows yet whether that is the proposer's block.
    Relayed,
    /// Already decided, learned from a peer; `proposer` is not to be relied on.
    Sync,
}

/// What came of judging.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// May be decided.
    Valid,
    /// Breaks a rule; everyone with the same state says so.
    Invalid,
    /// Cannot be said now, through no fault of the sender: treated as not received.
    Unavailable,
}

/// What came of a decision.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Block and certificate are durable; the application executes it when it likes.
    Durable,
    /// The certificate is durable, and the block's bytes are not on this disk. The height is sat out until block sync brings them, by whoever is
    /// started here next too: [`Start::sits_out`].
    BodyMissing,
}

/// What is needed to go on.
#[derive(Clone, Debug)]
pub struct Next {
    /// Of the next height.
    pub params: HeightParams,
    /// How long to hold it.
    pub pacing: Pacing,
    /// Whether it is already wanted. Later wishes come by [`crate::Wake`].
    pub transactions_wait: bool,
}

/// A decided block, for a peer that lacks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidedBlock {
    /// Who decided it.
    pub certificate: CommitCertificate,
    /// The encoded block.
    pub bytes: Vec<u8>,
}
