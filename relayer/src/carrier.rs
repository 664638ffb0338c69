//! Carries the certificates of one child: look, decide, act, wait.
//!
//! ```text
//!   ┌──▶ look ──▶ next_step ──▶ act ──▶ wait ──┐
//!   └───────────────────────────────────────────┘
//! ```
//!
//! Everything is decided by the law; this loop carries it out. What it remembers, the last transaction, it may lose at any
//! moment: a process killed here is started again and goes on.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tributary_checkpoint::CheckpointCertificate;
use tributary_primitives::Hash32;

use crate::chain::{ChildChain, Delivery, ParentChain};
use crate::clock::Clock;
use crate::desk::{Desk, Order, Outcome, Turn};
use crate::fees::Fees;
use crate::law::{Halt, Step, Why, next_step};
use crate::limits::{Limits, WAIT_MIN};
use crate::look::{Blind, Sight, look};
use crate::telemetry::{ChildMetrics, Event};
use crate::view::{Fate, Submission};

/// The loop for one child.
pub struct Carrier<P, C, K> {
    desk: Arc<Desk<P>>,
    child: C,
    clock: K,
    limits: Limits,
    metrics: ChildMetrics,
    last: Option<Last>,
    turn: Option<Turn>,
    outages: u32,
}

/// The last transaction: what the law remembers of it, and how to ask for it or send it again.
#[derive(Clone, Debug)]
struct Last {
    submission: Submission,
    sent: Option<(Hash32, Vec<u8>)>,
    explained: bool,
}

/// What a turn of the loop came to.
#[derive(Debug)]
pub enum Turned {
    /// Sent something; look again after this long.
    Acted(Duration),
    /// Waits for something, for this long.
    Waits(Duration, Why),
    /// Everything is carried; look again after this long.
    Idle(Duration),
    /// A chain did not answer; look again after this long.
    Blind(Duration, Blind),
    /// Cannot go on.
    Halted(Halt),
}

/// Why carrying once came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum NotCarried {
    /// Only a person can help.
    #[error(transparent)]
    Halted(#[from] Halt),
    /// Waiting would be needed.
    #[error("{0}")]
    Waits(Why),
    /// A chain does not answer.
    #[error(transparent)]
    Blind(Blind),
    /// Asked to stop.
    #[error("stopped by a signal before everything was carried; start it again to go on")]
    Stopped,
}

/// Times that carrying once tries before it gives up, on an outage and on an attempt without effect.
const ONCE_ATTEMPTS_MAX: u32 = 5;

impl<P: ParentChain, C: ChildChain, K: Clock> Carrier<P, C, K> {
    /// A loop for `child` that sends through `desk`.
    pub fn new(desk: Arc<Desk<P>>, child: C, clock: K, limits: Limits, metrics: ChildMetrics) -> Self {
        Self { desk, child, clock, limits, metrics, last: None, turn: None, outages: 0 }
    }

    /// Carries until `stop` turns true.
    ///
    /// # Errors
    /// [`Halt`] when only a person can help.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) -> Result<(), Halt> {
        while !*stop.borrow() {
            let wait = match self.turn(&mut stop).await {
                Turned::Acted(wait) | Turned::Waits(wait, _) | Turned::Idle(wait) | Turned::Blind(wait, _) => wait,
                Turned::Halted(why) => return Err(why),
            };
            self.rest(wait, &mut stop).await;
        }
        Ok(())
    }

    /// Carries until nothing is left to carry.
    ///
    /// # Errors
    /// [`NotCarried`] when that would take more than waiting for a transaction.
    pub async fn run_once(mut self, mut stop: watch::Receiver<bool>) -> Result<(), NotCarried> {
        while !*stop.borrow() {
            let wait = match self.turn(&mut stop).await {
                Turned::Idle(_) => return Ok(()),
                Turned::Halted(why) => return Err(why.into()),
                Turned::Blind(_, blind) if self.outages >= ONCE_ATTEMPTS_MAX => return Err(NotCarried::Blind(blind)),
                Turned::Waits(_, why @ Why::BackingOff(ONCE_ATTEMPTS_MAX..)) => return Err(NotCarried::Waits(why)),
                Turned::Waits(wait, Why::InFlight(_) | Why::Pausing | Why::BackingOff(_)) => wait,
                Turned::Waits(_, why) => return Err(NotCarried::Waits(why)),
                Turned::Acted(wait) | Turned::Blind(wait, _) => wait,
            };
            self.rest(wait, &mut stop).await;
        }
        Err(NotCarried::Stopped)
    }

    async fn rest(&self, wait: Duration, stop: &mut watch::Receiver<bool>) {
        tokio::select! {
            () = self.clock.sleep(wait) => {}
            // A sender that is gone can only mean that the process ends.
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    /// One look, one step.
    pub async fn turn(&mut self, stop: &mut watch::Receiver<bool>) -> Turned {
        let sight = match look(self.desk.parent(), &self.child, Some(&self.desk.sender()), &self.clock).await {
            Ok(sight) => sight,
            Err(blind) => return self.blind(blind),
        };
        self.outages = 0;
        self.metrics.saw(&sight, self.clock.unix_seconds());
        let pending = self.last.as_ref().map(|last| &last.submission);
        match next_step(&self.limits, &sight.parent, &sight.child, pending) {
            Step::Submit { certificate, nonce, fees, attempt } => {
                self.submit(&sight, &certificate, (nonce, fees, attempt), stop).await
            }
            Step::Bump { certificate, fees } => self.bump(&sight, &certificate, fees, stop).await,
            Step::Resend => self.resend(&sight).await,
            Step::Wait(wait, why) => self.wait(wait, why).await,
            Step::Idle(wait) => {
                (self.last, self.turn) = (None, None);
                Turned::Idle(wait)
            }
            Step::Halt(why) => {
                self.turn = None;
                self.metrics.count(Event::Halted);
                tracing::error!(child = %sight.child.subnet, reason = %why, "halted");
                Turned::Halted(why)
            }
        }
    }

    fn blind(&mut self, blind: Blind) -> Turned {
        self.outages = self.outages.saturating_add(1);
        self.metrics.count(match blind {
            Blind::Parent(_) => Event::ParentUnavailable,
            Blind::Child(_) => Event::ChildUnavailable,
        });
        if let Blind::Child(_) = blind {
            // The other children need not wait until this one is back.
            self.turn = None;
        }
        let wait = self.limits.backoff(self.outages);
        tracing::warn!(child = self.metrics.name(), reason = %blind, outages = self.outages, ?wait, "cannot look");
        Turned::Blind(wait, blind)
    }

    async fn submit(
        &mut self,
        sight: &Sight,
        certificate: &CheckpointCertificate,
        (nonce, fees, attempt): (u64, Fees, u32),
        stop: &mut watch::Receiver<bool>,
    ) -> Turned {
        if !self.takes_turn(stop).await {
            return Turned::Waits(WAIT_MIN, Why::InFlight(certificate.checkpoint.height));
        }
        self.send(sight, certificate, (nonce, fees, attempt), Event::Submitted).await
    }

    async fn bump(
        &mut self,
        sight: &Sight,
        certificate: &CheckpointCertificate,
        fees: Fees,
        stop: &mut watch::Receiver<bool>,
    ) -> Turned {
        let Some(last) = &self.last else { return Turned::Acted(self.limits.pause) };
        let (nonce, attempt) = (last.submission.nonce, last.submission.attempt);
        if !self.takes_turn(stop).await {
            return Turned::Waits(WAIT_MIN, Why::InFlight(certificate.checkpoint.height));
        }
        self.send(sight, certificate, (nonce, fees, attempt), Event::Bumped).await
    }

    /// Whether the turn is held and could be had at once. After waiting for it, what was seen is old, above all the nonce:
    /// then the answer is no, and the turn is held when the next look comes.
    async fn takes_turn(&mut self, stop: &mut watch::Receiver<bool>) -> bool {
        if self.turn.is_none() {
            self.turn = self.desk.try_turn();
        }
        if self.turn.is_some() {
            return true;
        }
        let desk = Arc::clone(&self.desk);
        tokio::select! {
            turn = desk.turn() => self.turn = Some(turn),
            _ = stop.wait_for(|stop| *stop) => {}
        }
        false
    }

    async fn send(
        &mut self,
        sight: &Sight,
        certificate: &CheckpointCertificate,
        (nonce, fees, attempt): (u64, Fees, u32),
        event: Event,
    ) -> Turned {
        let (Some(turn), Some(actor)) = (&self.turn, sight.child.subnet.actor()) else {
            return Turned::Acted(self.limits.pause);
        };
        let order = Order { actor, certificate, nonce, fees, chain_id: sight.chain_id };
        let outcome = match self.desk.send(turn, &order).await {
            Ok(outcome) => outcome,
            Err(unavailable) => return self.blind(Blind::Parent(unavailable)),
        };
        let (child, height) = (&sight.child.subnet, certificate.checkpoint.height);
        let sent = match outcome {
            Outcome::Sent { hash, raw } => {
                tracing::info!(%child, %height, nonce, attempt, fee_cap = fees.cap, transaction = %hash, "carry: sent");
                self.metrics.count(event);
                Some((hash, raw))
            }
            Outcome::WouldFail(exit_code) => {
                tracing::warn!(%child, %height, %exit_code, attempt, "carry: the parent would refuse it; nothing was sent");
                self.metrics.count(Event::Refused);
                None
            }
            Outcome::Refused(reason) => {
                tracing::warn!(%child, %height, nonce, attempt, reason, "carry: the parent's node did not take it");
                self.metrics.count(Event::Refused);
                None
            }
        };
        let submission = Submission {
            checkpoint_height: height,
            nonce,
            fees,
            sent_at: self.clock.now(),
            sent_at_height: sight.parent.height,
            attempt,
            fate: if sent.is_some() { Fate::Sent } else { Fate::Refused },
        };
        self.last = Some(Last { submission, sent, explained: false });
        Turned::Acted(self.limits.pause)
    }

    async fn resend(&mut self, sight: &Sight) -> Turned {
        let now = self.clock.now();
        if let Some(Last { submission, sent: Some((hash, raw)), .. }) = &mut self.last {
            let delivery = self.desk.resend(raw).await;
            tracing::info!(child = %sight.child.subnet, transaction = %hash, ?delivery, "carry: sent again");
            self.metrics.count(Event::Resent);
            submission.sent_at = now;
            if let Delivery::Refused(_) = delivery {
                submission.fate = Fate::Refused;
            }
        }
        Turned::Acted(self.limits.pause)
    }

    async fn wait(&mut self, wait: Duration, why: Why) -> Turned {
        if !matches!(why, Why::InFlight(_)) {
            // Nothing of ours is on its way: the others' turn.
            self.turn = None;
        }
        match why {
            Why::InFlight(_) | Why::Pausing => {}
            Why::BackingOff(_) => self.explain().await,
            _ => tracing::warn!(child = self.metrics.name(), reason = %why, ?wait, "carry: waiting"),
        }
        Turned::Waits(wait, why)
    }

    /// Says once how the last transaction ended.
    async fn explain(&mut self) {
        let Some(last) = self.last.as_mut().filter(|last| !last.explained) else { return };
        let Some((hash, _)) = &last.sent else { return };
        match self.desk.parent().receipt(*hash).await {
            Ok(Some(receipt)) => {
                let exit_code = receipt.exit_code;
                tracing::warn!(child = self.metrics.name(), transaction = %hash, %exit_code, "carry: had no effect");
                self.metrics.count(Event::Ineffective);
            }
            Ok(None) => {
                tracing::warn!(child = self.metrics.name(), transaction = %hash, "carry: its nonce was used by another")
            }
            Err(unavailable) => tracing::debug!(%unavailable, "no receipt; asked again at the next look"),
        }
        last.explained = true;
    }
}

#[cfg(test)]
mod tests;
