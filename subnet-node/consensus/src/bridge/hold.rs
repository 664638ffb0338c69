//! A height whose start is held, and what ends the wait.

use std::future::pending;

use malachite_app_channel::app::engine::host::Next as EngineNext;
use malachite_app_channel::app::engine::util::events::Event;
use malachite_app_channel::app::events::RxEvent;
use malachite_app_channel::app::types::SignedConsensusMsg;
use tokio::sync::{broadcast, oneshot, watch};
use tokio::time::{Instant, sleep};
use tributary_chain::ValidatorSet;
use tributary_primitives::Height;

use super::Bridge;
use crate::application::{Application, HeightParams};
use crate::context::{Chain, EngineHeight, engine_params};
use crate::pace::{Pace, Step};
use crate::signer::ChainVerifier;

/// The next height: everything is known but when it starts.
pub(super) struct Hold {
    pub(super) height: Height,
    pub(super) params: HeightParams,
    pub(super) pace: Pace,
    /// When the height of the last block began here.
    pub(super) since: Instant,
    /// Votes and proposals of peers, heard only while a height is held.
    pub(super) events: RxEvent<Chain>,
    pub(super) reply: oneshot::Sender<EngineNext<Chain>>,
}

/// What ended one wait.
pub(crate) enum Heard {
    /// Time passed.
    Time,
    /// The application's bell.
    Wake,
    /// Something a peer said, unverified.
    Peer(SignedConsensusMsg<Chain>),
    /// Of no interest here.
    Other,
}

impl<A: Application> Bridge<A> {
    /// Waits until something may end the hold. Never ends while nothing is held. Safe to drop at any time.
    pub(crate) async fn listen(&mut self) -> Heard {
        match &mut self.hold {
            Some(hold) => hold.listen(&mut self.bell).await,
            None => pending().await,
        }
    }

    /// Takes note of what was heard, and starts the height if it is time.
    pub(crate) fn heard(&mut self, heard: Heard) {
        let Some(hold) = &mut self.hold else { return };
        match heard {
            Heard::Wake => hold.pace.want(),
            Heard::Peer(message) if hold.is_work_on_it(&self.verifier, &message) => hold.pace.want(),
            Heard::Time | Heard::Peer(_) | Heard::Other => {}
        }
        self.start_if_due();
    }

    pub(super) fn start_if_due(&mut self) {
        let due = self.hold.as_ref().is_some_and(|hold| hold.pace.step(hold.since.elapsed()) == Step::Go);
        if let Some(hold) = due.then(|| self.hold.take()).flatten() {
            let next = EngineNext::Start(EngineHeight(hold.height), engine_params(&hold.params));
            self.params = Some(hold.params);
            self.report(|progress| progress.held = false);
            // Nobody waits for the reply only when the engine is stopping.
            let _ = hold.reply.send(next);
        }
    }
}

impl Hold {
    async fn listen(&mut self, bell: &mut watch::Receiver<u64>) -> Heard {
        let wait = match self.pace.step(self.since.elapsed()) {
            Step::Go => return Heard::Time,
            Step::Wait(wait) => wait,
        };
        tokio::select! {
            () = sleep(wait) => Heard::Time,
            rung = bell.changed() => if rung.is_ok() { Heard::Wake } else { pending().await },
            event = self.events.recv() => match event {
                Ok(Event::Received(message)) => Heard::Peer(message),
                // Missed events will be followed by others: votes are sent again until the height is decided.
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => Heard::Other,
                Err(broadcast::error::RecvError::Closed) => pending().await,
            },
        }
    }

    /// Whether a validator of the held height signed this, for that height. Asked until one did.
    fn is_work_on_it(&self, verifier: &ChainVerifier, message: &SignedConsensusMsg<Chain>) -> bool {
        if self.pace.is_wanted() || message.height().0 != self.height {
            return false;
        }
        let (address, bytes) = match message {
            SignedConsensusMsg::Vote(vote) => (vote.message.address, verifier.vote_bytes(&vote.message)),
            SignedConsensusMsg::Proposal(proposal) => {
                (proposal.message.address, verifier.proposal_bytes(&proposal.message))
            }
        };
        let validators: &ValidatorSet = &self.params.validators;
        validators.get(&address.0).is_some_and(|validator| validator.public_key.verifies(&bytes, message.signature()))
    }
}
