//! Looks at a transaction's way, and waits until it is far enough.

use std::time::Duration;

use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;
use serde::de::IgnoredAny;
use serde_json::json;
use tokio::time::{Instant, sleep};
use tributary_checkpoint::actor::{CertificateReturn, LATEST_CHECKPOINT};
use tributary_primitives::Hash32;
use tributary_primitives::actors::SYSTEM_ID;

use crate::node::{Node, NodeArgs, NodeUnavailable};
use crate::report::Report;
use crate::submit::{ask_message, tell};
use crate::trouble::{Kind, Trouble};
use crate::way::{Sight, Stage};
use crate::wire::{Genesis, MessageCall, MessageStatus, Receipt, Status};

/// Between two looks at what no node says of itself.
const POLL: Duration = Duration::from_millis(200);
/// Longest that a node is asked to wait for a transaction. Source: the node's METHODS.md.
const NODE_WAITS_MAX: Duration = Duration::from_secs(60);
/// A node's code for a transaction that is in no block in time. Source: EIP-7966.
const NOT_YET: i32 = 4;

/// Whoever looks at transactions of one chain.
#[derive(Clone, Debug)]
pub struct Looker<'a> {
    node: &'a Node,
    parent: Option<(Node, ActorID)>,
    period: u64,
}

/// What a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// How far it got.
    pub sight: Sight,
    /// How it ended, once it is in a block.
    pub receipt: Option<Receipt>,
    /// The sender's nonce that it waits for, if nobody brought the transaction with it.
    pub missing_nonce: Option<u64>,
}

impl<'a> Looker<'a> {
    /// Of the chain of `node`, and of its parent's if it is told who that is. Refuses to look for a stage that cannot come.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn of(
        node: &'a Node,
        status: &Status,
        args: &NodeArgs,
        parent_rpc: Option<&str>,
        until: Option<Stage>,
    ) -> Result<Self, Trouble> {
        let genesis: Genesis = node.ask("subnet_genesis", &[]).await?;
        let period = genesis.checkpoint_period;
        let subnet = &status.subnet;
        let parent = match (parent_rpc, subnet.parent(), subnet.actor()) {
            (None, ..) => None,
            (Some(rpc), Some(parent), Some(actor)) => {
                let node = args.at(rpc).node()?;
                node.expect_subnet(&parent).await?;
                Some((node, actor))
            }
            // The environment may name a parent for other networks.
            (Some(_), ..) => None,
        };
        match until {
            Some(Stage::Accepted) if subnet.parent().is_none() => {
                Err(Trouble::usage(format!("{subnet} is a root: there is no parent that could accept anything")))
            }
            Some(Stage::Checkpoint | Stage::Accepted) if period == 0 => Err(Trouble::usage(format!(
                "{subnet} cuts no checkpoints: a transaction gets no further than its block"
            ))),
            Some(Stage::Accepted) if parent.is_none() && status.finalized_height.is_none() => Err(Trouble::usage(
                "this node does not know what the parent took: name a node of the parent by --parent-rpc",
            )),
            _ => Ok(Self { node, parent, period }),
        }
    }

    /// One look.
    ///
    /// # Errors
    /// Those of the nodes.
    pub async fn look(&self, hash: Hash32) -> Result<Found, NodeUnavailable> {
        let status: Option<MessageStatus> = self.node.ask("subnet_messageStatus", &[json!(hash)]).await?;
        let nowhere = Sight { period: self.period, ..Sight::default() };
        let Some(status) = status else { return Ok(Found { sight: nowhere, receipt: None, missing_nonce: None }) };
        let Some(receipt) = status.receipt else {
            let missing_nonce = status.waiting.and_then(|waiting| waiting.missing_nonce);
            return Ok(Found { sight: Sight { waits: true, ..nowhere }, receipt: None, missing_nonce });
        };
        let accepted = self.accepted().await?.max(status.finalized_height);
        let sight = Sight { block: Some(receipt.height), certified: status.certified_height, accepted, ..nowhere };
        Ok(Found { sight, receipt: Some(receipt), missing_nonce: None })
    }

    /// Lets the node say when a transaction that waits is in a block, for `left` at most.
    async fn wait(&self, hash: Hash32, left: Duration) -> Result<(), NodeUnavailable> {
        let most = left.min(NODE_WAITS_MAX).min(self.node.timeout() / 2);
        let millis = u64::try_from(most.as_millis()).unwrap_or(u64::MAX).max(1);
        match self.node.ask::<IgnoredAny>("subnet_waitMessage", &[json!(hash), json!(millis)]).await {
            Err(NodeUnavailable::Refused(refusal)) if refusal.code == NOT_YET => Ok(()),
            answer => answer.map(|_| ()),
        }
    }

    /// Height of the latest checkpoint that the parent's actor took.
    async fn accepted(&self) -> Result<Option<u64>, NodeUnavailable> {
        let Some((parent, actor)) = &self.parent else { return Ok(None) };
        let call = MessageCall {
            from: Address::new_id(SYSTEM_ID).to_string(),
            to: Address::new_id(*actor).to_string(),
            method: LATEST_CHECKPOINT,
            params: Default::default(),
            value: 0,
        };
        let outcome = ask_message(parent, &call, None).await?;
        if outcome.exit_code != ExitCode::OK.value() {
            let why = tell(ExitCode::new(outcome.exit_code), &outcome.returned);
            return Err(parent.unreadable("subnet_call", &format!("f0{actor} ended with {why}")));
        }
        let latest: CertificateReturn = fvm_ipld_encoding::from_slice(&outcome.returned)
            .map_err(|why| parent.unreadable("subnet_call", &format!("f0{actor}: {why}")))?;
        Ok(latest.map(|certificate| certificate.checkpoint.height.0))
    }

    /// Looks until the transaction got to `stage` or failed in its block, and tells `seen` every time it got further.
    ///
    /// # Errors
    /// [`Kind::NotYet`] after `patience`, with how far it got; those of the nodes.
    pub async fn until(
        &self,
        hash: Hash32,
        stage: Stage,
        patience: Duration,
        mut seen: impl FnMut(Stage, &Found) -> Result<(), Trouble>,
    ) -> Result<Found, Trouble> {
        let give_up = Instant::now() + patience;
        let mut last = None;
        loop {
            let found = self.look(hash).await.map_err(|why| Trouble::from(why).of(hash))?;
            let reached = found.sight.stage();
            if let Some(reached) = reached.filter(|_| reached > last) {
                seen(reached, &found)?;
                last = Some(reached);
            }
            if reached >= Some(stage) || found.has_failed() {
                return Ok(found);
            }
            if Instant::now() >= give_up {
                let far =
                    reached.map_or("no node knows it".to_owned(), |reached| format!("it got to: {}", reached.name()));
                let (wanted, seconds) = (stage.name(), patience.as_secs());
                let message = format!(
                    "transaction {hash} is not at {wanted:?} after {seconds} s ({far}); it may still get there: `tributary status {hash}`"
                );
                return Err(Trouble::new(Kind::NotYet, message).of(hash));
            }
            match found.sight.waits && stage > Stage::Admitted {
                true => self
                    .wait(hash, give_up.saturating_duration_since(Instant::now()))
                    .await
                    .map_err(|why| Trouble::from(why).of(hash))?,
                false => sleep(POLL).await,
            }
        }
    }
}

impl Found {
    /// What a node took a moment ago: nobody need look.
    #[must_use]
    pub fn admitted() -> Self {
        Self { sight: Sight { waits: true, ..Sight::default() }, receipt: None, missing_nonce: None }
    }

    /// Whether it is in a block and did nothing there.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.receipt.as_ref().is_some_and(|receipt| receipt.skipped || receipt.exit_code != ExitCode::OK.value())
    }

    /// Refuses what failed in its block.
    ///
    /// # Errors
    /// [`Kind::Failed`].
    pub fn check(&self, hash: Hash32) -> Result<(), Trouble> {
        let Some(receipt) = self.receipt.as_ref().filter(|_| self.has_failed()) else { return Ok(()) };
        let height = receipt.height;
        let message = match receipt.skipped {
            true => format!(
                "transaction {hash} was skipped in block {height}: its nonce or the sender's funds did not allow it any more"
            ),
            false => {
                let why = tell(ExitCode::new(receipt.exit_code), &receipt.returned);
                format!("transaction {hash} is in block {height} and failed there: {why}")
            }
        };
        Err(Trouble::new(Kind::Failed, message).of(hash))
    }

    /// What is told of it.
    #[must_use]
    pub fn report(&self) -> Report {
        let Sight { certified, accepted, .. } = self.sight;
        let report = Report::new().with("stage", self.sight.stage().map(Stage::name));
        let Some(receipt) = &self.receipt else { return report.with("missing_nonce", self.missing_nonce) };
        let gas_used = if receipt.gas_used == 0 { receipt.block_gas_used } else { receipt.gas_used };
        report
            .with("block", receipt.height)
            .with("block_hash", receipt.block_hash.to_string())
            .with("exit_code", receipt.exit_code)
            .with("gas_used", gas_used)
            .with("checkpoint", self.sight.checkpoint())
            .with("certified_height", certified)
            .with("accepted_height", accepted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(exit_code: u32, skipped: bool) -> Found {
        let receipt = Receipt {
            height: 7,
            block_hash: Hash32::default(),
            exit_code,
            returned: Default::default(),
            gas_used: 0,
            block_gas_used: 21_000,
            skipped,
        };
        let sight = Sight { block: Some(7), period: 10, ..Sight::default() };
        Found { sight, receipt: Some(receipt), missing_nonce: None }
    }

    #[test]
    fn what_failed_in_its_block_is_trouble_with_its_name() {
        let hash = Hash32([9; 32]);
        assert_eq!(found(0, false).check(hash), Ok(()));
        for (found, says) in
            [(found(33, false), "reverted"), (found(7, false), "out of gas"), (found(0, true), "skipped")]
        {
            let trouble = found.check(hash).unwrap_err();
            assert!(trouble.kind == Kind::Failed && trouble.message.contains(says), "{trouble:?}");
            assert_eq!(trouble.transaction, Some(hash));
        }
    }

    #[test]
    fn what_is_told_names_the_block_and_the_checkpoint_to_come() {
        let told = found(0, false).report().to_json();
        assert_eq!((&told["stage"], &told["block"], &told["checkpoint"]), (&json!("block"), &json!(7), &json!(10)));
        assert_eq!((&told["gas_used"], &told["certified_height"]), (&json!(21_000), &json!(null)));
    }
}
