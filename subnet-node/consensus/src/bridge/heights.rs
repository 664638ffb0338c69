//! From height to height: start, rounds, decision, next.

use std::collections::BTreeMap;

use malachite_app_channel::app::engine::host::Next as EngineNext;
use malachite_app_channel::app::types::{MisbehaviorEvidence, ProposedValue};
use malachite_core_types::{CommitCertificate as EngineCertificate, HeightParams as EngineParams, Round, Validity};
use tokio::sync::oneshot;
use tokio::time::{Duration, Instant, sleep};
use tributary_chain::evidence::{Claim, SignedClaim};
use tributary_chain::{BlockRef, Equivocation};
use tributary_primitives::Height;

use super::hold::Hold;
use super::{Bridge, Decided};
use crate::application::{Application, ApplicationFatal, Decision, HeightParams, Next, Proposed, Start, Timeouts};
use crate::codec::certificate_from_engine;
use crate::context::{Address, Chain, EngineHeight, Value, engine_params, optional_round};
use crate::pace::{Pace, Standing};

/// How long a step of a height that is sat out waits, ten years: what ends it is a vote, and a chain whose only validator lost its block stands
/// until a person brings it.
const SIT_OUT: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

impl<A: Application> Bridge<A> {
    /// The engine is up: gives peers a moment to connect, then says where to start.
    pub(super) async fn ready(&mut self) -> Result<(EngineHeight, EngineParams<Chain>), ApplicationFatal> {
        sleep(self.settle).await;
        let Start { height, params, sits_out } = self.application.start().await?;
        let engine = if sits_out { sat_out(&params) } else { engine_params(&params) };
        self.params = Some(params);
        if sits_out {
            // Entered here, so that its first round does not begin it as any other.
            self.enter(height);
            self.decided = Decided::BodyMissing;
        }
        self.report(|progress| progress.decided = height.previous().unwrap_or(Height::GENESIS));
        Ok((EngineHeight(height), engine))
    }

    /// Every block that is known for this height and round, each once.
    pub(super) async fn started_round(
        &mut self,
        height: Height,
        round: u32,
    ) -> Result<Vec<ProposedValue<Chain>>, ApplicationFatal> {
        if height != self.height {
            self.enter(height);
        }
        self.report(|progress| (progress.height, progress.round) = (height, round));
        if self.decided == Decided::BodyMissing {
            return Ok(Vec::new());
        }
        let mut known: BTreeMap<BlockRef, ProposedValue<Chain>> = BTreeMap::new();
        for complete in self.take_early(height) {
            known.extend(self.judge(complete).await?.map(|value| (value.value.0, value)));
        }
        for on_disk in self.application.known(height, round).await? {
            known.insert(on_disk.proposed.block, proposed_value(&on_disk.proposed, on_disk.valid));
        }
        Ok(known.into_values().collect())
    }

    fn enter(&mut self, height: Height) {
        self.height = height;
        self.began = Instant::now();
        self.decided = Decided::No;
        self.judged.clear();
        self.streams.forget_below(height);
    }

    /// Whether the decision is durable: only then may peers learn that we have it.
    pub(super) async fn decide(&mut self, certificate: &EngineCertificate<Chain>) -> Result<bool, ApplicationFatal> {
        let Some(certificate) = certificate_from_engine(certificate) else { return Ok(false) };
        let height = certificate.height;
        match self.application.decide(certificate).await? {
            Decision::Durable => {
                self.decided = Decided::Here;
                self.report(|progress| progress.decided = height);
                Ok(true)
            }
            Decision::BodyMissing => {
                tracing::warn!(%height, "decided a block whose bytes are not here: waiting for block sync");
                self.decided = Decided::BodyMissing;
                Ok(false)
            }
        }
    }

    /// Holds the next height, or sits this one out when its block is missing.
    pub(super) async fn finalized(
        &mut self,
        height: Height,
        evidence: &MisbehaviorEvidence<Chain>,
        reply: oneshot::Sender<EngineNext<Chain>>,
    ) -> Result<(), ApplicationFatal> {
        match self.decided {
            Decided::Here => {}
            Decided::BodyMissing => {
                self.sit_out(height, reply);
                return Ok(());
            }
            // With any answer the engine would forget its votes, and nothing durable says that it cast some: it stays where it is.
            Decided::No => return Ok(()),
        }
        // Before the application is asked: what it does not count as waiting yet rings afterwards.
        self.bell.mark_unchanged();
        let Next { params, pacing, transactions_wait } = self.application.next(height, equivocations(evidence)).await?;
        let pace = Pace::new(pacing, self.standing(height, &params), transactions_wait);
        let events = self.events.subscribe();
        let mut hold = Hold { height: height.next(), params, pace, since: self.began, events, reply };
        if self.early.iter().any(|complete| complete.init.height.0 == hold.height) {
            hold.pace.want();
        }
        self.hold = Some(hold);
        self.report(|progress| progress.held = true);
        self.start_if_due();
        Ok(())
    }

    fn standing(&self, height: Height, next: &HeightParams) -> Standing {
        let votes = self.address().is_some_and(|address| next.validators.get(&address).is_some());
        match (votes, self.synced == Some(height)) {
            (false, _) => Standing::Following,
            (true, true) => Standing::CatchingUp,
            (true, false) => Standing::AtTip,
        }
    }

    /// This height was decided with a block that we do not have. We may have voted at it, and must not vote again though the engine's log of it is
    /// emptied now: timeouts out of reach, no proposals made or judged, until block sync brings block and certificate.
    fn sit_out(&self, height: Height, reply: oneshot::Sender<EngineNext<Chain>>) {
        let Some(params) = &self.params else { return };
        let _ = reply.send(EngineNext::Restart(EngineHeight(height), sat_out(params)));
    }
}

/// The parameters of a height at which no time runs out.
fn sat_out(params: &HeightParams) -> EngineParams<Chain> {
    let timeouts =
        Timeouts { propose: SIT_OUT, prevote: SIT_OUT, precommit: SIT_OUT, longest: SIT_OUT, ..params.timeouts };
    engine_params(&HeightParams { timeouts, ..params.clone() })
}

/// A judged block as the engine takes it.
pub(super) fn proposed_value(proposed: &Proposed, valid: bool) -> ProposedValue<Chain> {
    ProposedValue {
        height: EngineHeight(proposed.height),
        round: Round::new(proposed.round),
        valid_round: optional_round(proposed.valid_round),
        proposer: Address(proposed.proposer),
        value: Value(proposed.block),
        validity: Validity::from_bool(valid),
    }
}

/// The engine's evidence in our words. At most three pairs of each kind for a validator.
fn equivocations(evidence: &MisbehaviorEvidence<Chain>) -> Vec<Equivocation> {
    let votes = evidence.votes.iter().flat_map(|(address, pairs)| {
        pairs.iter().map(|(first, second)| {
            let claim = |vote: &malachite_core_types::SignedVote<Chain>| SignedClaim {
                claim: Claim::Vote(vote.message.vote_kind(), vote.message.block().copied()),
                signature: vote.signature,
            };
            let (height, round) = (first.message.height.0, first.message.round.as_u32().unwrap_or(0));
            Equivocation { validator: address.0, height, round, first: claim(first), second: claim(second) }
        })
    });
    let proposals = evidence.proposals.iter().flat_map(|(address, pairs)| {
        pairs.iter().map(|(first, second)| {
            let claim = |proposal: &malachite_core_types::SignedProposal<Chain>| SignedClaim {
                claim: Claim::Proposal(proposal.message.value.0, proposal.message.pol_round.as_u32()),
                signature: proposal.signature,
            };
            let (height, round) = (first.message.height.0, first.message.round.as_u32().unwrap_or(0));
            Equivocation { validator: address.0, height, round, first: claim(first), second: claim(second) }
        })
    });
    votes.chain(proposals).collect()
}
