//! The task that owns the swarm: carries messages between libp2p and the application's channels.
//!
//! | event | what is done |
//! |---|---|
//! | publication | transactions into the batch, checkpoints to gossipsub at once |
//! | message from a peer | decoded; handed over with a token, or refused, or let go of when too many are outstanding |
//! | verdict | told to gossipsub, which forwards or drops the message |
//! | peer names its chain | ours: up once it listens to both topics; another: cut off |
//! | connection, its end, a dial that did not work | told to `redial` |
//! | time | batch leaves, dials begin, peers that stay silent are cut off |
//! | stop, or nobody left to serve | batch leaves, connections close, the task ends |
//!
//! ```text
//! connected ──names our chain, listens to both topics──▶ up ──last connection ends──▶ down
//!     └──names another chain, or neither in time──▶ cut off
//! ```

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use libp2p::gossipsub::{IdentTopic, Message, MessageAcceptance, MessageId, PublishError, TopicHash};
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{ConnectionId, DialError, Swarm, SwarmEvent};
use libp2p::{PeerId, gossipsub, identify};
use rand::Rng;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{debug, info};

use crate::GossipEvent;
use crate::batch::Batch;
use crate::behaviour::{Behaviour, BehaviourEvent, Topics};
use crate::config::GossipConfig;
use crate::handle::Shared;
use crate::metrics::add;
use crate::redial::{Chance, Dial, Redial};
use crate::verdict::{Token, Verdict};
use crate::wire;

/// How long the last messages may take to leave when gossip stops.
const PARTING_MAX: Duration = Duration::from_millis(50);

/// How long connections may take to close.
const CLOSING_MAX: Duration = Duration::from_secs(1);

/// What the handle asks for.
#[derive(Debug)]
pub enum Command {
    Transactions(Vec<Bytes>),
    Checkpoint(Bytes),
    Stop,
}

/// The task's ends of the channels.
#[derive(Debug)]
pub struct Channels {
    pub commands: mpsc::Receiver<Command>,
    pub events: mpsc::Sender<GossipEvent>,
    /// For tokens.
    pub verdicts: mpsc::Sender<Verdict>,
    pub verdict_queue: mpsc::Receiver<Verdict>,
}

/// A connected peer that is not up yet.
#[derive(Debug)]
struct Introduction {
    /// When it is cut off.
    until: Instant,
    chain_named: bool,
    topics: HashSet<TopicHash>,
}

/// The swarm and what this task remembers beside it.
pub struct Network {
    swarm: Swarm<Behaviour>,
    topics: Topics,
    /// What a peer of our chain names.
    protocol: String,
    introduction_max: Duration,
    outstanding_max: usize,
    /// Messages handed over and not judged; counted down when their verdict is read.
    outstanding: usize,
    outstanding_bytes_max: usize,
    /// Their bytes.
    outstanding_bytes: usize,
    channels: Channels,
    shared: Arc<Shared>,
    batch: Batch,
    redial: Redial,
    introductions: HashMap<PeerId, Introduction>,
    up: HashSet<PeerId>,
}

impl Network {
    pub fn new(
        swarm: Swarm<Behaviour>,
        topics: Topics,
        config: &GossipConfig,
        channels: Channels,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            swarm,
            topics,
            protocol: wire::protocol(&config.chain_id),
            introduction_max: config.limits.introduction_max,
            outstanding_max: config.limits.outstanding_max,
            outstanding: 0,
            outstanding_bytes_max: config.limits.outstanding_bytes_max,
            outstanding_bytes: 0,
            channels,
            shared,
            batch: Batch::default(),
            redial: Redial::new(&config.peers, Instant::now()),
            introductions: HashMap::new(),
            up: HashSet::new(),
        }
    }

    /// Serves until it is stopped or nobody is left to serve.
    pub async fn run(mut self) {
        loop {
            let wake = self.next_wake();
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_swarm(event),
                Some(verdict) = self.channels.verdict_queue.recv() => self.on_verdict(verdict),
                command = self.channels.commands.recv() => match command {
                    Some(Command::Transactions(transactions)) => self.on_transactions(transactions),
                    Some(Command::Checkpoint(bytes)) => self.on_checkpoint(bytes),
                    Some(Command::Stop) | None => break,
                },
                () = sleep_until_some(wake) => self.on_time(Instant::now()),
                () = self.channels.events.closed() => break,
            }
        }
        self.part().await;
    }

    fn next_wake(&self) -> Option<Instant> {
        let introduction = self.introductions.values().map(|peer| peer.until).min();
        [self.batch.due(), self.redial.next_at(), introduction].into_iter().flatten().min()
    }

    fn on_time(&mut self, now: Instant) {
        if self.batch.due().is_some_and(|due| due <= now) {
            self.flush();
        }
        self.dial(now);
        let silent: Vec<_> =
            self.introductions.iter().filter(|(_, peer)| peer.until <= now).map(|(peer, _)| *peer).collect();
        for peer in silent {
            debug!(%peer, "peer did not introduce itself in time");
            add(&self.shared.metrics.peers_silent, 1);
            self.cut_off(peer);
        }
    }

    // Out.

    fn on_transactions(&mut self, transactions: Vec<Bytes>) {
        for transaction in transactions {
            if let Some(leaving) = self.batch.push(transaction, Instant::now()) {
                self.publish_batch(&leaving);
            }
        }
    }

    fn on_checkpoint(&mut self, bytes: Bytes) {
        self.publish(self.topics.checkpoints.clone(), bytes.into());
    }

    fn flush(&mut self) {
        if let Some(leaving) = self.batch.take(Instant::now()) {
            self.publish_batch(&leaving);
        }
    }

    fn publish_batch(&mut self, transactions: &[Bytes]) {
        if self.publish(self.topics.transactions.clone(), wire::encode(transactions)) {
            add(&self.shared.metrics.transactions_published, transactions.len());
        }
    }

    /// Whether it left for at least one peer. If not, that was counted: gossip is best effort.
    fn publish(&mut self, topic: IdentTopic, bytes: Vec<u8>) -> bool {
        let metrics = &self.shared.metrics;
        let published = self.swarm.behaviour_mut().gossipsub.publish(topic, bytes);
        let counter = match &published {
            Ok(_) => &metrics.messages_published,
            Err(PublishError::NoPeersSubscribedToTopic) => &metrics.dropped_unheard,
            Err(PublishError::Duplicate) => &metrics.dropped_repeated,
            Err(PublishError::AllQueuesFull(_)) => &metrics.dropped_congested,
            Err(PublishError::MessageTooLarge | PublishError::SigningError(_) | PublishError::TransformFailed(_)) => {
                unreachable!("lengths are checked by the handle, an ed25519 key always signs, nothing is transformed")
            }
        };
        add(counter, 1);
        published.is_ok()
    }

    // In.

    fn on_swarm(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Gossipsub(event)) => self.on_gossipsub(event),
            SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. })) => {
                self.on_identified(peer_id, &info.protocol_version);
            }
            SwarmEvent::Behaviour(BehaviourEvent::Ping(ping)) if ping.result.is_err() => {
                add(&self.shared.metrics.peers_unresponsive, 1);
                self.swarm.close_connection(ping.connection);
            }
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, .. } => {
                self.on_connected(connection_id, peer_id)
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => self.on_lost(peer_id),
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                self.on_dial_error(connection_id, &error)
            }
            _ => {}
        }
    }

    fn on_gossipsub(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message { propagation_source, message_id, message } => {
                self.on_message(propagation_source, message_id, message);
            }
            gossipsub::Event::Subscribed { peer_id, topic } => {
                if let Some(introduction) = self.introductions.get_mut(&peer_id) {
                    introduction.topics.insert(topic);
                    self.welcome(peer_id);
                }
            }
            _ => {}
        }
    }

    fn on_message(&mut self, from: PeerId, id: MessageId, message: Message) {
        let bytes = message.data.len();
        if self.outstanding >= self.outstanding_max || self.outstanding_bytes + bytes > self.outstanding_bytes_max {
            add(&self.shared.metrics.dropped_outstanding, 1);
            self.judge(&id, &from, MessageAcceptance::Ignore);
            return;
        }
        let token = |id| Token::new(bytes, id, from, self.channels.verdicts.clone());
        let event = if message.topic == self.topics.checkpoints.hash() {
            GossipEvent::Checkpoint { from, bytes: message.data.into(), token: token(id) }
        } else {
            match wire::decode(&message.data) {
                Ok(transactions) => GossipEvent::Transactions { from, transactions, token: token(id) },
                Err(rejected) => {
                    debug!(peer = %from, %rejected, "message refused");
                    add(&self.shared.metrics.messages_undecodable, 1);
                    self.judge(&id, &from, MessageAcceptance::Reject);
                    return;
                }
            }
        };
        self.hand_over(event, bytes);
    }

    fn hand_over(&mut self, event: GossipEvent, bytes: usize) {
        let transactions = match &event {
            GossipEvent::Transactions { transactions, .. } => transactions.len(),
            _ => 0,
        };
        self.outstanding += 1;
        self.outstanding_bytes += bytes;
        // There is a place for each outstanding message. A receiver that is gone drops the token, which comes back as a verdict.
        if self.channels.events.try_send(event).is_ok() {
            add(&self.shared.metrics.messages_received, 1);
            add(&self.shared.metrics.transactions_received, transactions);
        }
    }

    fn on_verdict(&mut self, verdict: Verdict) {
        self.outstanding = self.outstanding.saturating_sub(1);
        self.outstanding_bytes = self.outstanding_bytes.saturating_sub(verdict.bytes);
        let metrics = &self.shared.metrics;
        let counter = match verdict.acceptance {
            MessageAcceptance::Accept => &metrics.messages_accepted,
            MessageAcceptance::Reject => &metrics.messages_rejected,
            MessageAcceptance::Ignore => &metrics.messages_ignored,
        };
        add(counter, 1);
        self.judge(&verdict.message, &verdict.sender, verdict.acceptance);
    }

    fn judge(&mut self, id: &MessageId, sender: &PeerId, acceptance: MessageAcceptance) {
        let known = self.swarm.behaviour_mut().gossipsub.report_message_validation_result(id, sender, acceptance);
        if !known {
            add(&self.shared.metrics.verdicts_late, 1);
        }
    }

    // Peers.

    fn on_connected(&mut self, connection: ConnectionId, peer: PeerId) {
        self.redial.connected(connection, peer);
        if !self.up.contains(&peer) {
            let until = Instant::now() + self.introduction_max;
            let introduction = Introduction { until, chain_named: false, topics: HashSet::new() };
            self.introductions.entry(peer).or_insert(introduction);
        }
    }

    fn on_identified(&mut self, peer: PeerId, protocol: &str) {
        if protocol != self.protocol {
            debug!(%peer, protocol, "peer of another chain");
            add(&self.shared.metrics.peers_refused, 1);
            self.cut_off(peer);
        } else if let Some(introduction) = self.introductions.get_mut(&peer) {
            introduction.chain_named = true;
            self.welcome(peer);
        }
    }

    /// The peer is up, if its introduction is complete.
    fn welcome(&mut self, peer: PeerId) {
        let ours = [self.topics.transactions.hash(), self.topics.checkpoints.hash()];
        let complete = |introduction: &Introduction| {
            introduction.chain_named && ours.iter().all(|topic| introduction.topics.contains(topic))
        };
        if self.introductions.get(&peer).is_some_and(complete) {
            self.introductions.remove(&peer);
            self.up.insert(peer);
            self.redial.up(peer);
            info!(%peer, "peer up");
            self.tell_peers(GossipEvent::PeerUp(peer));
        }
    }

    fn on_lost(&mut self, peer: PeerId) {
        self.introductions.remove(&peer);
        self.redial.lost(peer, Instant::now(), chance());
        if self.up.remove(&peer) {
            info!(%peer, "peer down");
            self.tell_peers(GossipEvent::PeerDown(peer));
        }
    }

    fn tell_peers(&mut self, event: GossipEvent) {
        self.shared.peers.store(self.up.len(), Ordering::Relaxed);
        if self.channels.events.try_send(event).is_err() {
            add(&self.shared.metrics.dropped_peer_events, 1);
        }
    }

    fn cut_off(&mut self, peer: PeerId) {
        self.introductions.remove(&peer);
        // Refused only for a peer that is gone already.
        let _ = self.swarm.disconnect_peer_id(peer);
    }

    fn dial(&mut self, now: Instant) {
        for Dial { position, address, expected } in self.redial.due(now) {
            // A new port for each dial: the listening port towards the same peer may still be held by an ended connection.
            let options = match expected {
                Some(peer) => DialOpts::peer_id(peer).addresses(vec![address]).allocate_new_port().build(),
                None => DialOpts::unknown_peer_id().address(address).allocate_new_port().build(),
            };
            let connection = options.connection_id();
            self.redial.dialling(position, connection);
            if let Err(error) = self.swarm.dial(options) {
                self.on_dial_error(connection, &error);
            }
        }
    }

    fn on_dial_error(&mut self, connection: ConnectionId, error: &DialError) {
        // The swarm takes addresses it listens on out of a dial, and then none is left; it knows others of ours by their key.
        if matches!(error, DialError::LocalPeerId { .. } | DialError::NoAddresses) {
            self.redial.own(connection);
            return;
        }
        debug!(%error, "dial did not work");
        add(&self.shared.metrics.dials_failed, 1);
        self.redial.failed(connection, Instant::now(), chance());
    }

    // The end.

    /// Lets what was published leave, closes every connection, and ends. The swarm is dropped before the channels: who sees them
    /// closed knows that the port is free.
    async fn part(mut self) {
        if self.batch.due().is_some() {
            self.flush();
            // Ends by the time-out: there is no last event to wait for.
            let _ = timeout(PARTING_MAX, self.discard_events_while(|_| true)).await;
        }
        let peers: Vec<_> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            self.cut_off(peer);
        }
        let connected = |swarm: &Swarm<Behaviour>| swarm.connected_peers().next().is_some();
        // A peer that does not close in time is left to the system.
        let _ = timeout(CLOSING_MAX, self.discard_events_while(connected)).await;
    }

    async fn discard_events_while(&mut self, go_on: impl Fn(&Swarm<Behaviour>) -> bool) {
        while go_on(&self.swarm) {
            let _ = self.swarm.select_next_some().await;
        }
    }
}

async fn sleep_until_some(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn chance() -> Chance {
    Chance(rand::thread_rng().gen_range(0..=1000))
}
