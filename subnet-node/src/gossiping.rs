//! Between the gossip network, the pool and the checkpoints: each message gets its verdict, and a fault of our own stops the node.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::block_in_place;
use tokio::time::{MissedTickBehavior, interval};
use tributary_gossip::{GossipEvent, GossipHandle};

use crate::checkpoints::{self, Checkpoints, REPUBLISH_EVERY};
use crate::halt::Halt;
use crate::ledger::LedgerFatal;
use crate::pool::{self, Pool};

/// Bytes of waiting transactions that are told to a peer that just came.
const INTRODUCTION_BYTES_MAX: usize = 1 << 20;

/// Judges what the network brings until it ends.
pub async fn run(
    mut events: mpsc::Receiver<GossipEvent>,
    gossip: GossipHandle,
    pool: Arc<Pool>,
    checkpoints: Arc<Checkpoints>,
    halt: Halt,
) {
    let mut again = interval(REPUBLISH_EVERY);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => {
                    if let Err(why) = block_in_place(|| handle(event, &gossip, &pool, &checkpoints)) {
                        halt.because(why);
                        return;
                    }
                }
                None => return,
            },
            _ = again.tick() => checkpoints.republish(),
        }
    }
}

/// An error is this node's own and stops it; what a peer does wrong is told to the network alone.
fn handle(
    event: GossipEvent,
    gossip: &GossipHandle,
    pool: &Pool,
    checkpoints: &Checkpoints,
) -> Result<(), LedgerFatal> {
    match event {
        GossipEvent::Transactions { from, transactions, token } => match pool.receive(&transactions)? {
            pool::Reception::Fresh => token.accept(),
            pool::Reception::Stale => token.ignore(),
            pool::Reception::Malformed => {
                tracing::warn!(%from, "peer sent what is no transaction of this chain");
                token.reject();
            }
        },
        GossipEvent::Checkpoint { from, bytes, token } => match checkpoints.receive(&bytes)? {
            Ok(checkpoints::Reception::Fresh) => token.accept(),
            Ok(checkpoints::Reception::Stale) => token.ignore(),
            Err(why) => {
                tracing::warn!(%from, %why, "peer sent a bad checkpoint message");
                token.reject();
            }
        },
        GossipEvent::PeerUp(peer) => {
            tracing::debug!(%peer, "peer listens");
            let waiting = pool.waiting(INTRODUCTION_BYTES_MAX).into_iter().map(Into::into).collect::<Vec<_>>();
            if !waiting.is_empty()
                && let Err(why) = gossip.publish_transactions(waiting)
            {
                tracing::debug!(%why, "waiting transactions not published again");
            }
            checkpoints.republish();
        }
        GossipEvent::PeerDown(peer) => tracing::debug!(%peer, "peer is gone"),
    }
    Ok(())
}
