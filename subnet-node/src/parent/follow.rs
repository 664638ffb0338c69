//! Asks the parent's node what it accepted, and asks again.
//!
//! | the node | asked again after |
//! |---|---|
//! | answers, whatever it says | [`LOOK_EVERY`] |
//! | gives no answer of use | twice as long each time, at most [`AWAY_MAX`] |
//!
//! What goes against this chain is logged as an error when it is first said, and counted each time.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinHandle, block_in_place};
use tokio::time::sleep;
use tributary_checkpoint::Registration;
use tributary_crypto::bls;
use tributary_relayer::chain::{ChainUnavailable, ParentChain};

use super::law::{Here, Told, ToldRejected, judge};
use super::{Acceptance, Parent};
use crate::checkpoints::Checkpoints;
use crate::halt::Halt;
use crate::ledger::{Ledger, LedgerFatal};
use crate::metrics::Metrics;

/// From one look to the next: a block or two of a fast chain.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Longest time from one look to the next while no answer comes.
pub const AWAY_MAX: Duration = Duration::from_secs(30);
/// Time that the node has for an answer. Its bytes are bounded by the client.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Looks until it is stopped.
#[derive(Debug)]
pub struct Following(JoinHandle<()>);

/// What answers are held against, and who is told.
pub struct Follower {
    /// Who is asked.
    pub parent: Parent,
    /// What this node committed.
    pub ledger: Arc<Ledger>,
    /// What is certified here.
    pub checkpoints: Arc<Checkpoints>,
    /// What is known of the parent.
    pub acceptance: Acceptance,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Stops the node when its own disk is broken.
    pub halt: Halt,
}

impl Following {
    /// Ends it, within an answer that it waits for if need be.
    pub async fn stop(self) {
        self.0.abort();
        drop(self.0.await);
    }
}

impl Follower {
    /// Looks from now on, beside everything else.
    #[must_use]
    pub fn start(self) -> Following {
        tracing::info!(
            parent = self.parent.name,
            "the parent is followed: blocks are finalized as it accepts checkpoints"
        );
        Following(tokio::spawn(self.run()))
    }

    async fn run(self) {
        let registration = self.ledger.facts().registration();
        let (mut unanswered, mut complaint) = (0_u32, None);
        loop {
            let answer = self.ask().await;
            unanswered = if answer.is_ok() { 0 } else { unanswered.saturating_add(1) };
            let trouble = match answer {
                Ok(told) => match block_in_place(|| self.learn(&registration, &told)) {
                    Ok(learnt) => learnt.err().map(Trouble::from),
                    Err(why) => return self.halt.because(why),
                },
                Err(why) => Some(why.into()),
            };
            self.tell(trouble, &mut complaint);
            sleep(wait(unanswered)).await;
        }
    }

    async fn ask(&self) -> Result<Told, ChainUnavailable> {
        let network = ParentChain::status(&self.parent.node).await?.subnet;
        Ok(Told { network, latest: self.parent.node.latest(self.parent.actor).await? })
    }

    /// The inner error is the fault of who was asked, and nothing changed.
    fn learn(&self, registration: &Registration, told: &Told) -> Result<Result<(), ToldRejected>, LedgerFatal> {
        let cut = self.ledger.record_at(told.height())?.and_then(|record| record.checkpoint);
        let certified = self.checkpoints.certified().min(self.ledger.head().height);
        let here = Here { registration, cut: cut.as_ref(), certified, accepted: self.acceptance.height() };
        let judged = judge(told, &here, bls::fast_aggregate_verify);
        if let Ok(Some(height)) = judged
            && Some(height) > here.accepted
        {
            self.acceptance.rise(height);
            self.metrics.accepted(height);
            tracing::debug!(%height, "the parent accepted a checkpoint");
        }
        Ok(judged.map(|_| ()))
    }

    /// Counts a trouble, and logs it unless it was the last one too.
    fn tell(&self, trouble: Option<Trouble>, last: &mut Option<String>) {
        let parent = &self.parent.name;
        match &trouble {
            None => {}
            Some(Trouble::Away(_)) => self.metrics.parent_is_away(),
            Some(Trouble::Against(_)) => self.metrics.parent_contradicts(),
        }
        let now = trouble.as_ref().map(Trouble::to_string);
        if now == *last {
            return;
        }
        match trouble {
            None => tracing::info!(parent, "the parent's node answers again"),
            Some(Trouble::Away(why)) => tracing::warn!(parent, %why, "the parent's node gives no answer of use"),
            Some(Trouble::Against(why)) => tracing::error!(parent, %why, "the parent's node goes against this chain"),
        }
        *last = now;
    }
}

/// Why a look brought nothing.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Away(#[from] ChainUnavailable),
    #[error(transparent)]
    Against(#[from] ToldRejected),
}

/// Until the next look, after so many in a row without an answer.
fn wait(unanswered: u32) -> Duration {
    LOOK_EVERY.saturating_mul(1 << unanswered.min(16)).min(AWAY_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_is_away_is_asked_less_and_less_often() {
        let seconds: Vec<u64> = [0, 1, 2, 4, 5, 40, u32::MAX].map(|unanswered| wait(unanswered).as_secs()).into();
        assert_eq!(seconds, [1, 2, 4, 16, 30, 30, 30]);
    }
}
