//! libp2p's protocols with our settings.
//!
//! | protocol | for |
//! |---|---|
//! | gossipsub | the two topics; under this chain's own protocol name, so other chains cannot even open a stream |
//! | identify | learning a peer's chain, to cut off those of another |
//! | ping | noticing within half a minute a peer that vanished without closing its connection |
//! | connection limits | bounds on connections |

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::gossipsub::{
    self, ConfigBuilder, IdentTopic, IdentityTransform, Message, MessageAuthenticity, MessageId, PeerScoreParams,
    PeerScoreThresholds, TopicScoreParams, ValidationMode, WhitelistSubscriptionFilter, score_parameter_decay,
};
use libp2p::identity::Keypair;
use libp2p::swarm::NetworkBehaviour;
use libp2p::{identify, ping};
use sha2::{Digest, Sha256};

use crate::GossipLimits;
use crate::wire::{self, CHECKPOINT_BYTES_MAX, MESSAGE_BYTES_MAX};

/// How long the same bytes are known as sent or seen: publishing them again sooner does nothing. Well past the 5 s for which
/// peers offer a message to those who missed it.
pub const REPUBLISH_AFTER: Duration = Duration::from_secs(20);

/// Bytes of a frame around a message's own: author, sequence number, topic, signature, key.
const ENVELOPE_BYTES_MAX: usize = 1024;

/// Message ids that a peer may offer at once, of 32 bytes each: they fit in one frame.
const OFFERED_MAX: usize = 1024;

/// Control messages and messages in one frame.
const MESSAGES_PER_FRAME_MAX: usize = 1024;

/// Messages that wait for one slow peer before more are dropped for it: 64 MiB of the largest.
const PEER_QUEUE_MAX: usize = 128;

const PENDING_CONNECTIONS_MAX: u32 = 32;
const PING_INTERVAL: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// A rejected message's cost grows with the square of their number: one is -20, two -80 (no more of ours is sent to that peer),
/// three -180 (nothing it sends is read).
const INVALID_WEIGHT: f64 = -20.0;
/// How long until a rejected message is forgiven.
const INVALID_MEMORY: Duration = Duration::from_secs(300);
/// How long a peer's score outlives its connection.
const SCORE_MEMORY: Duration = Duration::from_secs(600);

/// The protocols together.
#[derive(NetworkBehaviour)]
pub struct Behaviour {
    /// First, so that a connection beyond the limits reaches no other protocol.
    limits: connection_limits::Behaviour,
    pub gossipsub: Gossipsub,
    pub identify: identify::Behaviour,
    pub ping: ping::Behaviour,
}

/// Only our two topics exist: a peer cannot fill memory with subscriptions to others.
type Gossipsub = gossipsub::Behaviour<IdentityTransform, WhitelistSubscriptionFilter>;

/// The topics of one chain.
#[derive(Clone, Debug)]
pub struct Topics {
    pub transactions: IdentTopic,
    pub checkpoints: IdentTopic,
}

impl Topics {
    pub fn of(chain_id: &str) -> Self {
        Self { transactions: wire::transactions_topic(chain_id), checkpoints: wire::checkpoints_topic(chain_id) }
    }
}

impl Behaviour {
    /// Subscribed to both topics; refused by libp2p only if the settings here contradict each other.
    pub fn new(key: &Keypair, chain_id: &str, topics: &Topics, limits: &GossipLimits) -> Result<Self, String> {
        let ours = HashSet::from([topics.transactions.hash(), topics.checkpoints.hash()]);
        let mut gossipsub = Gossipsub::new_with_subscription_filter(
            MessageAuthenticity::Signed(key.clone()),
            gossipsub_config(chain_id, topics)?,
            WhitelistSubscriptionFilter(ours),
        )?;
        gossipsub.with_peer_score(score(topics), thresholds())?;
        for topic in [&topics.transactions, &topics.checkpoints] {
            gossipsub.subscribe(topic).map_err(|refusal| refusal.to_string())?;
        }
        let identify = identify::Config::new(wire::protocol(chain_id), key.public())
            .with_agent_version(concat!("tributary/", env!("CARGO_PKG_VERSION")).into());
        let connections = ConnectionLimits::default()
            .with_max_pending_incoming(Some(PENDING_CONNECTIONS_MAX))
            .with_max_pending_outgoing(Some(PENDING_CONNECTIONS_MAX))
            .with_max_established(Some(limits.connections_max))
            .with_max_established_per_peer(Some(limits.connections_per_peer_max));
        Ok(Self {
            limits: connection_limits::Behaviour::new(connections),
            gossipsub,
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::new(ping::Config::new().with_interval(PING_INTERVAL).with_timeout(PING_TIMEOUT)),
        })
    }
}

fn gossipsub_config(chain_id: &str, topics: &Topics) -> Result<gossipsub::Config, String> {
    ConfigBuilder::default()
        .protocol_id_prefix(wire::protocol(chain_id))
        .validation_mode(ValidationMode::Strict)
        .validate_messages()
        .message_id_fn(message_id)
        .max_transmit_size(MESSAGE_BYTES_MAX + ENVELOPE_BYTES_MAX)
        .max_transmit_size_for_topic(CHECKPOINT_BYTES_MAX + ENVELOPE_BYTES_MAX, topics.checkpoints.hash())
        .max_messages_per_rpc(Some(MESSAGES_PER_FRAME_MAX))
        .max_ihave_length(OFFERED_MAX)
        .connection_handler_queue_len(PEER_QUEUE_MAX)
        .duplicate_cache_time(REPUBLISH_AFTER)
        .published_message_ids_cache_time(REPUBLISH_AFTER)
        .heartbeat_initial_delay(Duration::from_secs(1))
        .build()
        .map_err(|refusal| refusal.to_string())
}

/// Equal bytes on one topic are one message, whoever published them.
fn message_id(message: &Message) -> MessageId {
    let mut hasher = Sha256::new();
    hasher.update(message.topic.as_str());
    hasher.update([0]);
    hasher.update(&message.data);
    MessageId::new(&hasher.finalize())
}

/// Only bad messages and broken gossipsub rules count. Deliveries do not: a chain may be silent for long. Neither do shared
/// addresses: validators behind one gateway, or on one machine, are common.
fn score(topics: &Topics) -> PeerScoreParams {
    let topic = TopicScoreParams {
        topic_weight: 1.0,
        time_in_mesh_weight: 0.0,
        first_message_deliveries_weight: 0.0,
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        invalid_message_deliveries_weight: INVALID_WEIGHT,
        invalid_message_deliveries_decay: score_parameter_decay(INVALID_MEMORY),
        ..TopicScoreParams::default()
    };
    PeerScoreParams {
        topics: HashMap::from([(topics.transactions.hash(), topic.clone()), (topics.checkpoints.hash(), topic)]),
        ip_colocation_factor_weight: 0.0,
        retain_score: SCORE_MEMORY,
        ..PeerScoreParams::default()
    }
}

fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: -40.0,
        publish_threshold: -60.0,
        graylist_threshold: -160.0,
        ..PeerScoreThresholds::default()
    }
}
