//! What an engine is started with, and the settings that are not for choosing.

use std::path::PathBuf;
use std::time::Duration;

use malachite_app_channel::app::config::{
    ChannelNames, ConsensusConfig, DiscoveryConfig, GossipSubConfig, NodeConfig, P2pConfig, ProtocolNames,
    PubSubMaxSizePerTopic, PubSubProtocol, ValuePayload, ValueSyncConfig,
};
use malachite_app_channel::app::net::Multiaddr;
use malachite_app_channel::app::types::Keypair;
use tributary_chain::block::BLOCK_BYTES_LIMIT;
use tributary_chain::commit::CERTIFICATE_BYTES_MAX;
use tributary_chain::{ChainId, ConsensusKey, PART_BYTES};
use tributary_primitives::VALIDATORS_MAX;

use crate::wake::Wake;

/// Version of the encodings on the wire and in the write-ahead log. Raised when one of them changes.
const PROTOCOL_VERSION: u32 = 1;

/// Most decided blocks asked for, or served, at once.
pub const SYNC_BATCH: usize = 5;

/// Room in a message for what is not its payload: stream id, sequence, lengths, gossip envelope.
const ENVELOPE_BYTES: usize = 4 * 1024;

/// A vote, liveness or round certificate message: at most one entry of about 200 bytes for each validator.
const CONSENSUS_MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// Heights ahead of ours whose messages are kept. More than that, and block sync is the way.
const FUTURE_HEIGHTS: usize = 10;

/// Messages kept for each of them: eight rounds of the largest set.
const FUTURE_MESSAGES_PER_HEIGHT: usize = 8 * 2 * VALIDATORS_MAX;

/// How often peers are told our height. At the engine's default of 10 s, a validator that missed one decision while connections came up
/// sat still that long and lost its turns.
const STATUS_INTERVAL: Duration = Duration::from_secs(1);

/// How long a peer may take to answer for decided blocks.
const SYNC_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// What an engine is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The chain: part of every signature and of every protocol name, so networks do not mix.
    pub chain_id: ChainId,
    /// What the node is called in metrics and by peers.
    pub moniker: String,
    /// What it votes with; `None` for a follower. A key that is not in the set follows too, and votes from the height at which it is.
    pub key: Option<ConsensusKey>,
    /// Seed of the network's own ed25519 key: who we are to peers.
    pub network_seed: [u8; 32],
    /// Where to listen, as a multiaddr: `/ip4/0.0.0.0/tcp/26656`.
    pub listen: String,
    /// Peers to stay connected to, as multiaddrs, with `/p2p/<id>` where the identity should be pinned.
    pub peers: Vec<String>,
    /// Whether to learn of more peers from those.
    pub discovery: bool,
    /// Most connections from one IP address. Many for a network on one machine.
    pub connections_per_ip_max: usize,
    /// Where the write-ahead log lives. One process, one key, one folder.
    pub wal_dir: PathBuf,
    /// The chain's limit of an encoded block, in bytes.
    pub block_bytes_max: usize,
    /// How long to wait for peers before the first height, so that the first proposal finds them.
    pub settle: Duration,
    /// Rung when transactions wait.
    pub wake: Wake,
}

/// Why a configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigRejected {
    /// An address that is none.
    #[error("{0:?} is no multiaddr such as /ip4/127.0.0.1/tcp/26656")]
    Address(String),
    /// A chain whose blocks would not fit a reply of the block-sync protocol.
    #[error("blocks of {0} bytes; at most {BLOCK_BYTES_LIMIT} can be synced")]
    BlockBytes(usize),
}

/// The libp2p peer id of a network key, for the `/p2p/<id>` of an address.
#[must_use]
pub fn peer_id(network_seed: [u8; 32]) -> String {
    keypair(network_seed).public().to_peer_id().to_string()
}

pub(crate) fn keypair(network_seed: [u8; 32]) -> Keypair {
    Keypair::ed25519_from_bytes(network_seed).expect("any 32 bytes are an ed25519 seed")
}

/// The configuration in the engine's own shape.
#[derive(Clone, Debug)]
pub(crate) struct EngineConfig {
    moniker: String,
    consensus: ConsensusConfig,
    sync: ValueSyncConfig,
}

impl Config {
    pub(crate) fn to_engine(&self) -> Result<EngineConfig, ConfigRejected> {
        if self.block_bytes_max > BLOCK_BYTES_LIMIT {
            return Err(ConfigRejected::BlockBytes(self.block_bytes_max));
        }
        Ok(EngineConfig {
            moniker: self.moniker.clone(),
            consensus: ConsensusConfig {
                enabled: true,
                p2p: self.p2p()?,
                // The other mode takes every proposal for valid without asking.
                value_payload: ValuePayload::ProposalAndParts,
                queue_capacity: FUTURE_HEIGHTS,
                queue_per_height_capacity: FUTURE_MESSAGES_PER_HEIGHT,
            },
            sync: ValueSyncConfig {
                enabled: true,
                status_update_interval: STATUS_INTERVAL,
                request_timeout: SYNC_REQUEST_TIMEOUT,
                max_response_size: byte_size(self.sync_reply_bytes_max()),
                batch_size: SYNC_BATCH,
                ..ValueSyncConfig::default()
            },
        })
    }

    /// A full block with its certificate always fits, or a node that lags would never catch up.
    pub(crate) const fn sync_reply_bytes_max(&self) -> usize {
        let one = self.block_bytes_max + CERTIFICATE_BYTES_MAX + ENVELOPE_BYTES;
        if one > SYNC_REPLY_BYTES_MIN { one } else { SYNC_REPLY_BYTES_MIN }
    }

    fn p2p(&self) -> Result<P2pConfig, ConfigRejected> {
        Ok(P2pConfig {
            listen_addr: address(&self.listen)?,
            persistent_peers: self.peers.iter().map(|peer| address(peer)).collect::<Result<_, _>>()?,
            persistent_peers_only: false,
            discovery: DiscoveryConfig {
                enabled: self.discovery,
                max_connections_per_ip: self.connections_per_ip_max,
                ..DiscoveryConfig::default()
            },
            // Messages are relayed, so followers and validators that are not all connected to each other get them at once, and each is
            // signed by the peer that published it. Sending to direct peers only would use less (at 1 MB blocks 22 MB of memory
            // instead of 140 to 240), but leaves everyone else to block sync.
            protocol: PubSubProtocol::GossipSub(GossipSubConfig::default()),
            pubsub_max_size: byte_size(CONSENSUS_MESSAGE_BYTES_MAX + ENVELOPE_BYTES),
            pubsub_max_size_per_topic: PubSubMaxSizePerTopic {
                consensus: Some(byte_size(ENVELOPE_BYTES)),
                proposal_parts: Some(byte_size(PART_BYTES + ENVELOPE_BYTES)),
                liveness: Some(byte_size(CONSENSUS_MESSAGE_BYTES_MAX)),
            },
            rpc_max_size: byte_size(self.sync_reply_bytes_max() + ENVELOPE_BYTES),
            protocol_names: self.protocol_names(),
            channel_names: self.channel_names(),
        })
    }

    /// A peer that announces another name is disconnected: networks and versions do not mix.
    fn protocol_names(&self) -> ProtocolNames {
        ProtocolNames {
            consensus: self.name("consensus"),
            discovery_kad: self.name("kad"),
            discovery_regres: self.name("peers"),
            sync: self.name("sync"),
            validator_proof: self.name("validator-proof"),
        }
    }

    fn channel_names(&self) -> ChannelNames {
        ChannelNames {
            consensus: self.name("votes"),
            proposal_parts: self.name("parts"),
            sync: self.name("status"),
            liveness: self.name("liveness"),
        }
    }

    fn name(&self, what: &str) -> String {
        format!("/tributary/{}/{what}/{PROTOCOL_VERSION}", self.chain_id)
    }
}

/// Small blocks travel several in one reply.
const SYNC_REPLY_BYTES_MIN: usize = 10 * 1024 * 1024;

fn address(text: &str) -> Result<Multiaddr, ConfigRejected> {
    text.parse().map_err(|_| ConfigRejected::Address(text.to_owned()))
}

/// The engine's sizes are of a crate that is not ours to name: they are read from text.
fn byte_size<T: std::str::FromStr>(bytes: usize) -> T
where
    T::Err: std::fmt::Debug,
{
    format!("{bytes} B").parse().expect("a number of bytes is a size")
}

impl NodeConfig for EngineConfig {
    fn moniker(&self) -> &str {
        &self.moniker
    }

    fn consensus(&self) -> &ConsensusConfig {
        &self.consensus
    }

    fn consensus_mut(&mut self) -> &mut ConsensusConfig {
        &mut self.consensus
    }

    fn value_sync(&self) -> &ValueSyncConfig {
        &self.sync
    }

    fn value_sync_mut(&mut self) -> &mut ValueSyncConfig {
        &mut self.sync
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config {
            chain_id: "test-1".parse().unwrap(),
            moniker: "node".to_owned(),
            key: None,
            network_seed: [1; 32],
            listen: "/ip4/127.0.0.1/tcp/0".to_owned(),
            peers: vec![],
            discovery: false,
            connections_per_ip_max: 5,
            wal_dir: PathBuf::from("wal"),
            block_bytes_max: BLOCK_BYTES_LIMIT,
            settle: Duration::ZERO,
            wake: Wake::new(),
        }
    }

    #[test]
    fn a_full_block_fits_every_message_that_carries_it() {
        let engine = config().to_engine().unwrap();
        let reply = engine.sync.max_response_size.as_u64();
        assert!(reply > u64::try_from(BLOCK_BYTES_LIMIT + CERTIFICATE_BYTES_MAX).unwrap());
        assert!(engine.consensus.p2p.rpc_max_size.as_u64() > reply);
        let part = engine.consensus.p2p.pubsub_max_size_per_topic.proposal_parts.unwrap().as_u64();
        assert!(part > u64::try_from(PART_BYTES).unwrap());
        assert!(engine.consensus.p2p.pubsub_max_size.as_u64() > part);
    }

    #[test]
    fn names_hold_the_chain_and_are_all_different() {
        let p2p = config().p2p().unwrap();
        assert_eq!(p2p.protocol_names.consensus, "/tributary/test-1/consensus/1");
        p2p.channel_names.validate().unwrap();
    }

    #[test]
    fn each_bad_setting_is_refused_for_its_own_reason() {
        let refusal = |config: Config| config.to_engine().unwrap_err();
        let text = "127.0.0.1:80".to_owned();
        assert_eq!(refusal(Config { listen: text.clone(), ..config() }), ConfigRejected::Address(text.clone()));
        assert_eq!(refusal(Config { peers: vec![text.clone()], ..config() }), ConfigRejected::Address(text));
        let large = BLOCK_BYTES_LIMIT + 1;
        assert_eq!(refusal(Config { block_bytes_max: large, ..config() }), ConfigRejected::BlockBytes(large));
    }

    #[test]
    fn a_peer_id_is_pinned() {
        assert!(peer_id([1; 32]).starts_with("12D3KooW"), "an ed25519 identity");
        assert_ne!(peer_id([1; 32]), peer_id([2; 32]));
    }
}
