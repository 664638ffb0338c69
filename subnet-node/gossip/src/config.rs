//! What a node chooses about its gossip, and what stops it from starting.

use std::fmt;
use std::time::Duration;

use libp2p::Multiaddr;
use libp2p::identity::Keypair;

use crate::wire::MESSAGE_BYTES_MAX;

/// Longest chain id: Tendermint's bound.
const CHAIN_ID_BYTES_MAX: usize = 50;

/// Where this node is on the network and whom it talks to.
#[derive(Clone, Debug)]
pub struct GossipConfig {
    /// The chain's name. Peers of another chain are cut off.
    pub chain_id: String,
    /// Names this node to its peers.
    pub network_key: NetworkKey,
    /// Where to listen; port 0 lets the system choose.
    pub listen: Multiaddr,
    /// Peers to stay connected to. One that ends in `/p2p/<peer id>` must hold that key. This node's own address is skipped.
    pub peers: Vec<Multiaddr>,
    /// Bounds of what gossip may use.
    pub limits: GossipLimits,
}

/// Seed of an ed25519 key.
#[derive(Clone)]
pub struct NetworkKey(pub [u8; 32]);

impl NetworkKey {
    pub(crate) fn keypair(&self) -> Keypair {
        Keypair::ed25519_from_bytes(self.0).expect("every 32 bytes are a seed")
    }
}

/// The seed is a secret, so it has no text.
impl fmt::Debug for NetworkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NetworkKey(…)")
    }
}

/// Bounds of one node's choosing. What all nodes share is in `wire`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct GossipLimits {
    /// Connections, both directions together.
    pub connections_max: u32,
    /// Connections with one peer. Below two, peers that dial each other at once would each refuse the other's.
    pub connections_per_peer_max: u32,
    /// Messages handed over and not judged yet. Those beyond are let go of, unforwarded.
    pub outstanding_max: usize,
    /// Bytes of such messages, which wait in memory. Those beyond are let go of as well.
    pub outstanding_bytes_max: usize,
    /// Publications waiting for the network task. Those beyond are refused.
    pub publications_max: usize,
    /// How long a peer may take to name its chain and its topics before it is cut off.
    pub introduction_max: Duration,
}

impl Default for GossipLimits {
    /// For a validator set of a few dozen: 64 connections, and at most 1024 messages and 128 MiB in judgement.
    fn default() -> Self {
        Self {
            connections_max: 64,
            connections_per_peer_max: 2,
            outstanding_max: 1024,
            outstanding_bytes_max: 128 << 20,
            publications_max: 1024,
            introduction_max: Duration::from_secs(10),
        }
    }
}

/// Why gossip cannot start.
#[derive(Debug, thiserror::Error)]
pub enum GossipFatal {
    /// The chain id does not fit in a topic.
    #[error("chain id {0:?} must be 1 to {CHAIN_ID_BYTES_MAX} printable ASCII characters without a slash")]
    ChainId(String),
    /// The limits leave no room to work in.
    #[error("gossip limit {name} is {given}; it must be at least {least}")]
    Limit {
        /// Which.
        name: &'static str,
        /// What was configured.
        given: usize,
        /// The least that works.
        least: usize,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}; check that the address is this machine's and the port is free: {reason}")]
    Listen {
        /// As configured.
        address: Multiaddr,
        /// What the system said.
        reason: String,
    },
    /// libp2p refused its own settings or the machine's name resolver.
    #[error("the network could not be set up: {0}")]
    Setup(String),
}

impl GossipConfig {
    pub(crate) fn check(&self) -> Result<(), GossipFatal> {
        let id = self.chain_id.as_bytes();
        let printable = id.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'/');
        if id.is_empty() || id.len() > CHAIN_ID_BYTES_MAX || !printable {
            return Err(GossipFatal::ChainId(self.chain_id.chars().take(CHAIN_ID_BYTES_MAX).collect()));
        }
        let usize_of = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        for (name, given, least) in [
            ("connections_max", usize_of(self.limits.connections_max), 1),
            ("connections_per_peer_max", usize_of(self.limits.connections_per_peer_max), 2),
            ("outstanding_max", self.limits.outstanding_max, 1),
            ("outstanding_bytes_max", self.limits.outstanding_bytes_max, MESSAGE_BYTES_MAX),
            ("publications_max", self.limits.publications_max, 1),
        ] {
            if given < least {
                return Err(GossipFatal::Limit { name, given, least });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> GossipConfig {
        GossipConfig {
            chain_id: "root-1".into(),
            network_key: NetworkKey([1; 32]),
            listen: "/ip4/127.0.0.1/tcp/0".parse().unwrap(),
            peers: Vec::new(),
            limits: GossipLimits::default(),
        }
    }

    #[test]
    fn each_bad_setting_is_refused_for_its_own_reason() {
        assert!(config().check().is_ok());
        for id in ["", "a b", "a/b", "é", &"a".repeat(51)] {
            assert!(
                matches!(GossipConfig { chain_id: id.into(), ..config() }.check(), Err(GossipFatal::ChainId(_))),
                "{id}"
            );
        }
        let good = GossipLimits::default();
        for (limits, named) in [
            (GossipLimits { connections_max: 0, ..good }, "connections_max"),
            (GossipLimits { connections_per_peer_max: 1, ..good }, "connections_per_peer_max"),
            (GossipLimits { outstanding_max: 0, ..good }, "outstanding_max"),
            (GossipLimits { outstanding_bytes_max: MESSAGE_BYTES_MAX - 1, ..good }, "outstanding_bytes_max"),
            (GossipLimits { publications_max: 0, ..good }, "publications_max"),
        ] {
            let refusal = GossipConfig { limits, ..config() }.check().unwrap_err();
            assert!(matches!(refusal, GossipFatal::Limit { name, .. } if name == named), "{refusal}");
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        assert_eq!(format!("{:?}", NetworkKey([0xab; 32])), "NetworkKey(…)");
    }
}
