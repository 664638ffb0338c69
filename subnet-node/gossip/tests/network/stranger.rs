//! A peer that keeps no rule: stock libp2p with none of the node's code, so it also pins what goes over the wire.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use libp2p::gossipsub::{self, ConfigBuilder, IdentTopic, MessageAuthenticity};
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::swarm::{NetworkBehaviour, Swarm, SwarmEvent};
use libp2p::{Multiaddr, SwarmBuilder, identify, noise, ping, tcp, yamux};
use tokio::time::timeout;

use crate::{PATIENCE, patiently};

#[derive(NetworkBehaviour)]
struct Behaviour {
    gossipsub: gossipsub::Behaviour,
    identify: Toggle<identify::Behaviour>,
    /// Answering is what keeps it connected.
    ping: ping::Behaviour,
}

pub struct Stranger {
    swarm: Swarm<Behaviour>,
    chain: String,
}

impl Stranger {
    /// One that speaks this chain's protocols.
    pub fn of_chain(chain: &str) -> Self {
        Self::new(chain, true)
    }

    /// One that connects, answers that it is there, and says nothing else.
    pub fn silent() -> Self {
        Self::new("none", false)
    }

    fn new(chain: &str, identifies: bool) -> Self {
        let protocol = format!("/tributary/{chain}/gossip/1");
        let behaviour = |key: &libp2p::identity::Keypair| {
            let config = ConfigBuilder::default()
                .protocol_id_prefix(protocol.clone())
                .max_transmit_size(8 * 1024 * 1024)
                .build()
                .unwrap();
            let identify = identify::Config::new(protocol.clone(), key.public());
            Behaviour {
                gossipsub: gossipsub::Behaviour::new(MessageAuthenticity::Signed(key.clone()), config).unwrap(),
                identify: identifies.then(|| identify::Behaviour::new(identify)).into(),
                ping: ping::Behaviour::default(),
            }
        };
        let swarm = SwarmBuilder::with_new_identity()
            .with_tokio()
            .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
            .unwrap()
            .with_behaviour(behaviour)
            .unwrap()
            .with_swarm_config(|config| config.with_idle_connection_timeout(PATIENCE))
            .build();
        Self { swarm, chain: chain.into() }
    }

    fn topic(&self, name: &str) -> IdentTopic {
        IdentTopic::new(format!("/tributary/{}/{name}/1", self.chain))
    }

    /// Connects, and listens to both topics, until the peer listens to ours.
    pub async fn join(&mut self, address: &Multiaddr) {
        for name in ["transactions", "checkpoints"] {
            let topic = self.topic(name);
            self.swarm.behaviour_mut().gossipsub.subscribe(&topic).unwrap();
        }
        self.swarm.dial(address.clone()).unwrap();
        let mut heard = 0;
        while heard < 2 {
            let event = patiently("the peer's topics", self.swarm.select_next_some()).await;
            if let SwarmEvent::Behaviour(BehaviourEvent::Gossipsub(gossipsub::Event::Subscribed { .. })) = event {
                heard += 1;
            }
        }
    }

    /// Connects, and waits for the peer to end it.
    pub async fn join_and_be_cut_off(&mut self, address: &Multiaddr) {
        self.swarm.dial(address.clone()).unwrap();
        loop {
            let event = patiently("the connection's end", self.swarm.select_next_some()).await;
            if let SwarmEvent::ConnectionClosed { .. } = event {
                return;
            }
        }
    }

    pub fn publish(&mut self, topic: &str, bytes: Vec<u8>) {
        let topic = self.topic(topic);
        self.swarm.behaviour_mut().gossipsub.publish(topic, bytes).unwrap();
    }

    pub async fn run_until(&mut self, counter: &AtomicU64, least: u64) {
        let reached = async {
            while counter.load(Ordering::Relaxed) < least {
                let _ = timeout(Duration::from_millis(5), self.swarm.select_next_some()).await;
            }
        };
        patiently("a counter", reached).await;
    }

    /// Goes on talking while `other` is waited for, at most this long.
    pub async fn run_beside<T>(&mut self, longest: Duration, other: impl Future<Output = T>) -> Option<T> {
        let run = async {
            loop {
                self.swarm.select_next_some().await;
            }
        };
        tokio::select! {
            done = timeout(longest, other) => done.ok(),
            () = run => None,
        }
    }
}
