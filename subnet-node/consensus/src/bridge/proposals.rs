//! Proposals out, and proposals in.
//!
//! ```text
//! Init of a stream
//!   ├─ of this height or the next few?               no ─▶ turned away
//!   ├─ by the proposer whose turn it is?             no ─▶ turned away   (a height ahead: by any validator)
//!   ├─ sent by a validator who signed it?            no ─▶ turned away
//!   └─ its parts are kept (see [`crate::streams`]); once whole
//!        ├─ height not started here?                    ─▶ kept until it is, few
//!        ├─ too many blocks of this sender already?     ─▶ dropped
//!        └─ judged by the application
//! ```
//!
//! Parts are signed by the peer that publishes them, which anyone can be. So that nobody but validators can have a block judged or
//! written to disk, a stream's Init is signed with a consensus key too, by whoever sends it.

use bytes::Bytes;
use malachite_app_channel::NetworkMsg;
use malachite_app_channel::app::streaming::{StreamContent, StreamId, StreamMessage};
use malachite_app_channel::app::types::{LocallyProposedValue, PeerId, ProposedValue};
use malachite_core_types::Round;
use tokio::sync::oneshot;
use tokio::time::Duration;
use tributary_chain::{BlockRef, ConsensusSignature, ValidatorAddress};
use tributary_primitives::Height;

use super::heights::proposed_value;
use super::{Bridge, Decided};
use crate::application::{Application, ApplicationFatal, Body, HeightParams, Origin, Proposed, Verdict};
use crate::context::{Address, Chain, EngineHeight, Init, Part, Value};
use crate::streams::{Complete, Content, Key, cut};

/// How many heights ahead whole proposals are kept. A node that is further behind needs block sync.
const EARLY_HEIGHTS: u64 = 2;

/// Most whole proposals kept for them.
const EARLY_MAX: usize = 4;

/// Most different blocks of one sender that are judged at a height, more with each round: an honest one proposes, or proposes
/// again, at most once a round.
const JUDGED_PER_SENDER: usize = 4;

/// A round further ahead than this is not of a height that works.
const ROUNDS_AHEAD: u32 = 10;

/// Why a stream is turned away at its Init.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum InitRejected {
    #[error("of height {0}, which is not the next")]
    Height(Height),
    #[error("of round {0}, which is too far ahead")]
    Round(u32),
    #[error("by {0}, whose turn it is not")]
    Proposer(ValidatorAddress),
    #[error("sent by {0}, who is not a validator")]
    Sender(ValidatorAddress),
    #[error("not signed by its sender {0}")]
    Signature(ValidatorAddress),
}

impl<A: Application> Bridge<A> {
    pub(super) fn address(&self) -> Option<ValidatorAddress> {
        self.signer.as_ref().map(|signer| signer.key.public_key().address())
    }

    /// Our turn: the engine gets the reference first, then the peers get the bytes.
    pub(super) async fn propose(
        &mut self,
        height: Height,
        round: u32,
        deadline: Duration,
        reply: oneshot::Sender<LocallyProposedValue<Chain>>,
    ) -> Result<(), ApplicationFatal> {
        if self.decided == Decided::BodyMissing {
            return Ok(());
        }
        let Some(body) = self.application.propose(height, round, deadline).await? else {
            tracing::warn!(%height, round, "gave our turn to propose away");
            return Ok(());
        };
        let value = Value(body.proposed.block);
        let _ = reply.send(LocallyProposedValue::new(EngineHeight(height), Round::new(round), value));
        self.publish(&body).await;
        Ok(())
    }

    /// A block that was locked before is proposed again: peers may lack its bytes.
    pub(super) async fn propose_again(&mut self, block: &BlockRef) -> Result<(), ApplicationFatal> {
        if let Some(body) = self.application.body(block).await? {
            self.publish(&body).await;
        }
        Ok(())
    }

    async fn publish(&mut self, body: &Body) {
        let Some(init) = self.vouch_for(&body.proposed) else { return };
        self.streams_sent += 1;
        // The same block is sent under another name each time, also after a restart within the height.
        let name = [&init.signature.0[..16], &body.proposed.block.hash.0[..8], &self.name_of_stream()].concat();
        let id = StreamId::new(Bytes::from(name));
        for (sequence, content) in (0..).zip(cut(init, &body.bytes)) {
            let content = match content {
                Content::Part(part) => StreamContent::Data(part),
                Content::End => StreamContent::Fin,
            };
            let message = NetworkMsg::PublishProposalPart(StreamMessage::new(id.clone(), sequence, content));
            if self.network.send(message).await.is_err() {
                return;
            }
        }
    }

    fn name_of_stream(&self) -> [u8; 16] {
        let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let nanos = u64::try_from(started.as_nanos()).unwrap_or(u64::MAX);
        let mut name = [0; 16];
        name[..8].copy_from_slice(&nanos.to_be_bytes());
        name[8..].copy_from_slice(&self.streams_sent.to_be_bytes());
        name
    }

    /// The Init of a stream of ours; `None` for a follower, which has nothing to send.
    fn vouch_for(&self, proposed: &Proposed) -> Option<Init> {
        let signer = self.signer.as_ref()?;
        let mut init = Init {
            height: EngineHeight(proposed.height),
            round: proposed.round,
            valid_round: proposed.valid_round,
            proposer: Address(proposed.proposer),
            block: proposed.block,
            streamer: Address(signer.key.public_key().address()),
            signature: ConsensusSignature([0; 64]),
        };
        init.signature = signer.key.sign(&self.verifier.stream_bytes(&init));
        Some(init)
    }

    /// A part came in; answers with the block if it is whole, of this height, and could be judged.
    pub(super) async fn received_part(
        &mut self,
        from: PeerId,
        publisher: PeerId,
        message: StreamMessage<Part>,
    ) -> Result<Option<ProposedValue<Chain>>, ApplicationFatal> {
        let key = (publisher, message.stream_id.to_bytes().to_vec());
        let content = match message.content {
            StreamContent::Data(part) => Content::Part(part),
            StreamContent::Fin => Content::End,
        };
        let Some(complete) = self.keep(from, key, message.sequence, content) else { return Ok(None) };
        if complete.init.height.0 != self.height || self.decided != Decided::No {
            self.keep_early(complete);
            return Ok(None);
        }
        self.judge(complete).await
    }

    fn keep(&mut self, from: PeerId, key: Key<PeerId>, sequence: u64, content: Content) -> Option<Complete> {
        if let Content::Part(Part::Init(init)) = &content {
            if let Err(refusal) = self.check_init(init) {
                tracing::debug!(peer = %from, %refusal, "turned a proposal away");
                self.note_how_far_others_are(init);
                self.streams.turn_away(&from, key);
                return None;
            }
            self.report(|progress| progress.proposed = init.height.0);
            self.want_if_held(init.height.0);
        }
        match self.streams.insert(&from, key, sequence, content) {
            Ok(complete) => complete,
            Err(refusal) => {
                tracing::debug!(peer = %from, %refusal, "dropped a part of a proposal");
                None
            }
        }
    }

    /// A validator proposes for the height that is held here.
    fn want_if_held(&mut self, height: Height) {
        if let Some(hold) = self.hold.as_mut().filter(|hold| hold.height == height) {
            hold.pace.want();
        }
        self.start_if_due();
    }

    fn check_init(&self, init: &Init) -> Result<(), InitRejected> {
        let (height, proposer) = (init.height.0, init.proposer.0);
        if !self.is_near(height) {
            return Err(InitRejected::Height(height));
        }
        if init.round > self.progress.borrow().round.saturating_add(ROUNDS_AHEAD) {
            return Err(InitRejected::Round(init.round));
        }
        let Some((params, exact)) = self.params_near(height) else { return Err(InitRejected::Height(height)) };
        let turn = params.validators.proposer(height, init.round);
        if exact && turn != proposer || params.validators.get(&proposer).is_none() {
            return Err(InitRejected::Proposer(proposer));
        }
        self.check_sender(params, init)
    }

    fn check_sender(&self, params: &HeightParams, init: &Init) -> Result<(), InitRejected> {
        let sender = init.streamer.0;
        let sender_key = params.validators.get(&sender).ok_or(InitRejected::Sender(sender))?.public_key;
        if !sender_key.verifies(&self.verifier.stream_bytes(init), &init.signature) {
            return Err(InitRejected::Signature(sender));
        }
        Ok(())
    }

    /// A proposal that is too far ahead to be kept still says that its sender has all blocks below.
    fn note_how_far_others_are(&self, init: &Init) {
        let ahead = init.height.0 > self.height;
        let known = self.params_near(init.height.0);
        if ahead && known.is_some_and(|(params, _)| self.check_sender(params, init).is_ok()) {
            self.report(|progress| progress.proposed = init.height.0);
        }
    }

    fn is_near(&self, height: Height) -> bool {
        let first = if self.decided == Decided::No { self.height } else { self.height.next() };
        (first.0..=self.height.0.saturating_add(EARLY_HEIGHTS)).contains(&height.0)
            && self.decided != Decided::BodyMissing
    }

    /// The parameters a height's proposals are checked with, and whether they are that height's own.
    fn params_near(&self, height: Height) -> Option<(&HeightParams, bool)> {
        match &self.hold {
            Some(hold) => Some((&hold.params, hold.height == height)),
            None => self.params.as_ref().map(|params| (params, self.height == height)),
        }
    }

    /// Keeps a whole proposal for later: one of each sender, the lowest heights first.
    fn keep_early(&mut self, complete: Complete) {
        let sender = complete.init.streamer;
        self.early.retain(|other| other.init.streamer != sender || other.init.height < complete.init.height);
        self.early.push(complete);
        self.early.sort_by_key(|complete| complete.init.height);
        self.early.truncate(EARLY_MAX);
    }

    /// The kept proposals for a height that has just started, those of lower ones forgotten, each checked with the height's own validators.
    pub(super) fn take_early(&mut self, height: Height) -> Vec<Complete> {
        let early = std::mem::take(&mut self.early);
        let (now, later): (Vec<_>, Vec<_>) = early.into_iter().partition(|complete| complete.init.height.0 <= height);
        self.early = later;
        now.into_iter().filter(|complete| self.check_init(&complete.init).is_ok()).collect()
    }

    /// Has a whole proposal of this height judged; `None` when it could not be, or not any more.
    pub(super) async fn judge(&mut self, complete: Complete) -> Result<Option<ProposedValue<Chain>>, ApplicationFatal> {
        let Complete { init, bytes } = complete;
        let blocks_max = JUDGED_PER_SENDER.saturating_add(usize::try_from(init.round).unwrap_or(usize::MAX));
        let judged = self.judged.entry(init.streamer.0).or_default();
        if judged.len() >= blocks_max && !judged.contains(&init.block) {
            return Ok(None);
        }
        judged.insert(init.block);
        let proposed = Proposed {
            height: init.height.0,
            round: init.round,
            valid_round: init.valid_round,
            proposer: init.proposer.0,
            block: init.block,
        };
        let origin = if init.streamer == init.proposer { Origin::Proposal } else { Origin::Relayed };
        let verdict = self.application.judge(&proposed, origin, &bytes).await?;
        Ok(match verdict {
            Verdict::Valid => Some(proposed_value(&proposed, true)),
            Verdict::Invalid => Some(proposed_value(&proposed, false)),
            Verdict::Unavailable => None,
        })
    }
}
