//! [`Gossip::start`], and the handle by which the node publishes and stops.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::{Swarm, SwarmEvent};
use libp2p::{Multiaddr, PeerId, SwarmBuilder, TransportError, noise, tcp, yamux};
use tokio::sync::mpsc;

use crate::behaviour::{Behaviour, Topics};
use crate::config::{GossipConfig, GossipFatal};
use crate::metrics::{GossipMetrics, add};
use crate::network::{Channels, Command, Network};
use crate::verdict::Token;
use crate::wire::{CHECKPOINT_BYTES_MAX, TRANSACTION_BYTES_MAX};

/// Longest wait for the system to say which address was bound.
const LISTEN_MAX: Duration = Duration::from_secs(5);

/// Peers' comings and goings that may wait to be read, beside the messages.
const PEER_EVENTS_MAX: usize = 256;

/// Gossip, not started yet.
#[derive(Debug)]
pub struct Gossip;

/// What the network tells the application.
#[derive(Debug)]
pub enum GossipEvent {
    /// Raw transactions, none of them checked. One verdict for all: who sends a bad one among good ones is to blame for it.
    Transactions {
        /// The peer that sent or forwarded them.
        from: PeerId,
        /// At least one, each of 1 to [`TRANSACTION_BYTES_MAX`] bytes.
        transactions: Vec<Bytes>,
        /// To be judged.
        token: Token,
    },
    /// A share or certificate, not checked.
    Checkpoint {
        /// The peer that sent or forwarded it.
        from: PeerId,
        /// At most [`CHECKPOINT_BYTES_MAX`] bytes.
        bytes: Bytes,
        /// To be judged.
        token: Token,
    },
    /// A peer of our chain listens to us.
    PeerUp(PeerId),
    /// A peer that was up is gone.
    PeerDown(PeerId),
}

/// Why bytes cannot be published, ever.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishRejected {
    /// A transaction of a length no node takes.
    #[error("a transaction of {0} bytes; 1 to {TRANSACTION_BYTES_MAX} can be published")]
    TransactionLength(usize),
    /// A share or certificate of a length no node takes.
    #[error("a checkpoint message of {0} bytes; 1 to {CHECKPOINT_BYTES_MAX} can be published")]
    CheckpointLength(usize),
}

/// Why bytes cannot be published now.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishUnavailable {
    /// Too many publications wait.
    #[error("too much waits to be published")]
    Busy,
    /// Gossip has stopped.
    #[error("gossip has stopped")]
    Stopped,
}

/// Why nothing was published.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub enum PublishRefused {
    /// The caller's doing.
    Rejected(#[from] PublishRejected),
    /// May work later.
    Unavailable(#[from] PublishUnavailable),
}

/// What the handles and the network task share.
#[derive(Debug)]
pub struct Shared {
    pub metrics: GossipMetrics,
    pub peers: AtomicUsize,
}

/// A handle of running gossip. Gossip stops when the last one is dropped, or the receiver of events.
#[derive(Clone, Debug)]
pub struct GossipHandle {
    commands: mpsc::Sender<Command>,
    shared: Arc<Shared>,
    address: Multiaddr,
    peer_id: PeerId,
}

impl Gossip {
    /// Listens, begins to dial the configured peers, and leaves one task to go on with it.
    ///
    /// The receiver is to be read steadily: with as many messages or bytes not judged as [`crate::GossipLimits`] allow, more are let
    /// go of.
    ///
    /// # Errors
    /// [`GossipFatal`]: a setting is refused, or the address cannot be listened on.
    pub async fn start(config: GossipConfig) -> Result<(GossipHandle, mpsc::Receiver<GossipEvent>), GossipFatal> {
        config.check()?;
        let topics = Topics::of(&config.chain_id);
        let mut swarm = build_swarm(&config, &topics)?;
        let peer_id = *swarm.local_peer_id();
        let address = listen(&mut swarm, &config.listen).await?.with(Protocol::P2p(peer_id));
        let shared = Arc::new(Shared { metrics: GossipMetrics::default(), peers: AtomicUsize::new(0) });
        let (commands, command_queue) = mpsc::channel(config.limits.publications_max);
        let (events, event_queue) = mpsc::channel(config.limits.outstanding_max + PEER_EVENTS_MAX);
        let (verdicts, verdict_queue) = mpsc::channel(config.limits.outstanding_max);
        let channels = Channels { commands: command_queue, events, verdicts, verdict_queue };
        tokio::spawn(Network::new(swarm, topics, &config, channels, Arc::clone(&shared)).run());
        Ok((GossipHandle { commands, shared, address, peer_id }, event_queue))
    }
}

impl GossipHandle {
    /// Sends raw transactions to every peer, together with others of the next 5 ms. Best effort: nobody confirms.
    ///
    /// # Errors
    /// [`PublishRejected`] when one has a length that no node takes: none is sent. [`PublishUnavailable`] when too much waits or
    /// gossip has stopped.
    pub fn publish_transactions(&self, transactions: Vec<Bytes>) -> Result<(), PublishRefused> {
        for transaction in &transactions {
            if transaction.is_empty() || transaction.len() > TRANSACTION_BYTES_MAX {
                return Err(PublishRejected::TransactionLength(transaction.len()).into());
            }
        }
        self.publish(Command::Transactions(transactions))
    }

    /// Sends a share or certificate to every peer. Best effort; the same bytes again within [`crate::REPUBLISH_AFTER`] are not sent.
    ///
    /// # Errors
    /// As [`Self::publish_transactions`].
    pub fn publish_checkpoint(&self, bytes: Bytes) -> Result<(), PublishRefused> {
        if bytes.is_empty() || bytes.len() > CHECKPOINT_BYTES_MAX {
            return Err(PublishRejected::CheckpointLength(bytes.len()).into());
        }
        self.publish(Command::Checkpoint(bytes))
    }

    /// Peers that are up.
    #[must_use]
    pub fn peer_count(&self) -> usize {
        self.shared.peers.load(Ordering::Relaxed)
    }

    /// The address that is listened on, with the port that was bound and this node's peer id: what a peer on the same machine is
    /// configured with. Of several interfaces, one.
    #[must_use]
    pub const fn address(&self) -> &Multiaddr {
        &self.address
    }

    /// This node's name on the network.
    #[must_use]
    pub const fn peer_id(&self) -> PeerId {
        self.peer_id
    }

    /// The counters.
    #[must_use]
    pub fn metrics(&self) -> &GossipMetrics {
        &self.shared.metrics
    }

    /// Sends what was published before, closes the connections, and returns when the task is gone and the port is free: within
    /// about a second. Publishing is [`PublishUnavailable::Stopped`] from then on. Stopping again does nothing.
    pub async fn stop(&self) {
        // Refused only by a task that is gone already.
        let _ = self.commands.send(Command::Stop).await;
        self.commands.closed().await;
    }

    fn publish(&self, command: Command) -> Result<(), PublishRefused> {
        self.commands.try_send(command).map_err(|refusal| match refusal {
            mpsc::error::TrySendError::Full(_) => {
                add(&self.shared.metrics.dropped_publications, 1);
                PublishUnavailable::Busy.into()
            }
            mpsc::error::TrySendError::Closed(_) => PublishUnavailable::Stopped.into(),
        })
    }
}

fn build_swarm(config: &GossipConfig, topics: &Topics) -> Result<Swarm<Behaviour>, GossipFatal> {
    let setup = |refusal: String| GossipFatal::Setup(refusal);
    let builder = SwarmBuilder::with_existing_identity(config.network_key.keypair())
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)
        .map_err(|refusal| setup(refusal.to_string()))?
        .with_dns()
        .map_err(|refusal| setup(refusal.to_string()))?
        .with_behaviour(|key| Ok(Behaviour::new(key, &config.chain_id, topics, &config.limits)?))
        .map_err(|refusal| setup(refusal.to_string()))?;
    // Peers stay connected while nothing is said; ping finds those that are gone.
    Ok(builder.with_swarm_config(|swarm| swarm.with_idle_connection_timeout(Duration::MAX)).build())
}

/// Binds the address and waits until the system has said which one it is.
async fn listen(swarm: &mut Swarm<Behaviour>, address: &Multiaddr) -> Result<Multiaddr, GossipFatal> {
    let refused = |reason: String| GossipFatal::Listen { address: address.clone(), reason };
    swarm.listen_on(address.clone()).map_err(|refusal| refused(reason_of(refusal)))?;
    let bound = async {
        loop {
            match swarm.select_next_some().await {
                SwarmEvent::NewListenAddr { address, .. } => return Ok(address),
                SwarmEvent::ListenerClosed { reason: Err(reason), .. } => return Err(refused(reason.to_string())),
                SwarmEvent::ListenerError { error, .. } => return Err(refused(error.to_string())),
                _ => {}
            }
        }
    };
    tokio::time::timeout(LISTEN_MAX, bound).await.map_err(|_| refused("no interface has this address".into()))?
}

/// What the system said; libp2p's own text of it is empty.
fn reason_of(refusal: TransportError<io::Error>) -> String {
    match refusal {
        TransportError::Other(reason) => reason.to_string(),
        TransportError::MultiaddrNotSupported(_) => refusal.to_string(),
    }
}
