//! Answers the engine's messages by asking the application.
//!
//! | message | answered in | with |
//! |---|---|---|
//! | `ConsensusReady` | [`heights`] | where to start, and whether that height is sat out |
//! | `StartedRound` | [`heights`] | blocks kept for this height, judged, and those on disk |
//! | `Decided` | [`heights`] | that it is durable; nothing when the block's bytes are missing |
//! | `Finalized` | [`heights`] | the next height, when [`crate::pace`] says so |
//! | `GetValue`, `RestreamProposal` | [`proposals`] | a block, and its parts to the peers |
//! | `ReceivedProposalPart` | [`proposals`] | the block, judged, once it is whole |
//! | `ProcessSyncedValue`, `GetDecidedValues`, `GetHistoryMinHeight` | [`sync`] | judged and decided blocks |
//! | `ExtendVote`, `VerifyVoteExtensions` | here | nothing: extensions are disabled |
//!
//! One message at a time, since the engine sends one at a time. A reply that is dropped loses a turn, nothing more, but for
//! `StartedRound`, which is always answered.

use std::collections::{BTreeMap, BTreeSet};

use malachite_app_channel::app::events::TxEvent;
use malachite_app_channel::app::types::PeerId;
use malachite_app_channel::{AppMsg, NetworkMsg};
use tokio::sync::{mpsc, watch};
use tokio::time::{Duration, Instant};
use tributary_chain::{BlockRef, ValidatorAddress};
use tributary_primitives::Height;

use crate::application::{Application, ApplicationFatal, HeightParams};
use crate::context::Chain;
use crate::engine::Progress;
use crate::signer::{ChainSigner, ChainVerifier};
use crate::streams::{Complete, Streams};
use crate::wake::Wake;

mod heights;
mod hold;
mod proposals;
mod sync;

use hold::Hold;

/// See the module.
pub(crate) struct Bridge<A> {
    application: A,
    verifier: ChainVerifier,
    /// `None` for a follower.
    signer: Option<ChainSigner>,
    block_bytes_max: usize,
    settle: Duration,
    network: mpsc::Sender<NetworkMsg<Chain>>,
    events: TxEvent<Chain>,
    /// Kept so that the bell below never falls silent.
    _wake: Wake,
    bell: watch::Receiver<u64>,
    progress: watch::Sender<Progress>,
    streams: Streams<PeerId>,
    /// Streams sent so far by this process; with the time it began, a name for the next.
    streams_sent: u64,
    /// Whole proposals for heights that have not started here.
    early: Vec<Complete>,
    /// Blocks judged at this height, by the validator that sent them.
    judged: BTreeMap<ValidatorAddress, BTreeSet<BlockRef>>,
    /// The height being decided, or the last one decided.
    height: Height,
    /// When its first round began here.
    began: Instant,
    /// Of [`Self::height`]; `None` before the first.
    params: Option<HeightParams>,
    decided: Decided,
    /// The last height whose block came by block sync.
    synced: Option<Height>,
    /// The next height, while its start is held.
    hold: Option<Hold>,
}

/// How far the height being decided has come.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Decided {
    /// Not yet.
    No,
    /// Here, and durable.
    Here,
    /// The certificate is durable, the block's bytes are not here: sat out until block sync brings them.
    BodyMissing,
}

/// What a bridge is made of.
pub(crate) struct Parts<A> {
    pub(crate) application: A,
    pub(crate) verifier: ChainVerifier,
    pub(crate) signer: Option<ChainSigner>,
    pub(crate) block_bytes_max: usize,
    pub(crate) settle: Duration,
    pub(crate) network: mpsc::Sender<NetworkMsg<Chain>>,
    pub(crate) events: TxEvent<Chain>,
    pub(crate) wake: Wake,
    pub(crate) progress: watch::Sender<Progress>,
}

impl<A: Application> Bridge<A> {
    pub(crate) fn new(parts: Parts<A>) -> Self {
        let Parts { application, verifier, signer, block_bytes_max, settle, network, events, wake, progress } = parts;
        Self {
            application,
            verifier,
            signer,
            block_bytes_max,
            settle,
            network,
            events,
            bell: wake.listen(),
            _wake: wake,
            progress,
            streams: Streams::new(block_bytes_max),
            streams_sent: 0,
            early: Vec::new(),
            judged: BTreeMap::new(),
            height: Height::GENESIS,
            began: Instant::now(),
            params: None,
            decided: Decided::No,
            synced: None,
            hold: None,
        }
    }

    /// Answers one message. A reply nobody waits for any more is of no consequence.
    pub(crate) async fn answer(&mut self, message: AppMsg<Chain>) -> Result<(), ApplicationFatal> {
        match message {
            AppMsg::ConsensusReady { reply } => {
                let _ = reply.send(self.ready().await?);
            }
            AppMsg::StartedRound { height, round, reply_value, .. } => {
                let _ = reply_value.send(self.started_round(height.0, round.as_u32().unwrap_or(0)).await?);
            }
            AppMsg::GetValue { height, round, timeout, reply } => {
                self.propose(height.0, round.as_u32().unwrap_or(0), timeout, reply).await?;
            }
            AppMsg::ReceivedProposalPart { from, published_by, part, reply } => {
                let _ = reply.send(self.received_part(from, published_by.unwrap_or(from), part).await?);
            }
            AppMsg::RestreamProposal { value_id, .. } => self.propose_again(&value_id.0).await?,
            AppMsg::Decided { certificate, reply, .. } => {
                if self.decide(&certificate).await? {
                    let _ = reply.send(());
                }
            }
            AppMsg::Finalized { certificate, evidence, reply, .. } => {
                self.finalized(certificate.height.0, &evidence, reply).await?;
            }
            AppMsg::ProcessSyncedValue { height, round, proposer, value_bytes, reply } => {
                let round = round.as_u32().unwrap_or(0);
                let _ = reply.send(self.judge_synced(height.0, round, proposer.0, &value_bytes).await?);
            }
            AppMsg::GetDecidedValues { range, reply } => {
                let _ = reply.send(self.serve(range.start().0, range.end().0).await?);
            }
            AppMsg::GetHistoryMinHeight { reply } => {
                let _ = reply.send(crate::context::EngineHeight(self.application.history_min().await?));
            }
            AppMsg::ExtendVote { reply, .. } => {
                let _ = reply.send(None);
            }
            AppMsg::VerifyVoteExtensions { reply, .. } => {
                let _ = reply.send(Vec::new());
            }
        }
        Ok(())
    }

    fn report(&self, change: impl FnOnce(&mut Progress)) {
        self.progress.send_modify(change);
    }
}
