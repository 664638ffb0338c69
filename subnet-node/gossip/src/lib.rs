//! Transactions and checkpoint shares between nodes, over libp2p: best effort, bounded, and only what the node vouches for.
//!
//! ```text
//! publish_transactions ─▶ batch (5 ms or 64 KiB) ─┐                    ┌─▶ Transactions ─▶ mempool    ─▶ verdict ─┐
//! publish_checkpoint ─────────────────────────────┴─▶ gossipsub ◀─net─▶┴─▶ Checkpoint   ─▶ checkpoints ─▶ verdict ─┤
//!                                                         ▲                                                        │
//!                                                         └────── forwarded, refused (score falls), or let go ◀────┘
//! ```
//!
//! * One TCP listener (noise, yamux); the network's key is its own, not the validator's.
//! * Two gossipsub topics, `/tributary/<chain id>/transactions/1` and `/tributary/<chain id>/checkpoints/1`. Every message is
//!   signed by who published it; its id is the hash of its topic and bytes, so the same bytes travel once.
//! * What arrives is handed over with a [`Token`]; only what the application accepts is forwarded. Bytes that are no message are
//!   refused here.
//! * A peer is *up* once it named our chain and listens to both topics; one that names another chain, or none in time, is cut off.
//! * Peers are those configured and those that connect. Configured ones are dialled again for ever, ever more slowly.
//!
//! Consensus has its own swarm: its votes must not queue behind transactions.
//!
//! | file | is |
//! |---|---|
//! | `config` | what a node chooses, and what stops the start |
//! | `wire` | topics and messages as bytes |
//! | `batch` | law: when collected transactions leave |
//! | `redial` | law: when a configured peer is dialled |
//! | `verdict` | [`Token`]: the application's answer to a message |
//! | `behaviour` | libp2p's protocols with our settings |
//! | `network` | the task that owns the swarm |
//! | `handle` | [`Gossip::start`], [`GossipHandle`] |
//! | `metrics` | counters |
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

mod batch;
mod behaviour;
mod config;
mod handle;
mod metrics;
mod network;
mod redial;
mod verdict;
mod wire;

pub use behaviour::REPUBLISH_AFTER;
pub use config::{GossipConfig, GossipFatal, GossipLimits, NetworkKey};
pub use handle::{Gossip, GossipEvent, GossipHandle, PublishRefused, PublishRejected, PublishUnavailable};
pub use libp2p::{Multiaddr, PeerId};
pub use metrics::GossipMetrics;
pub use verdict::Token;
pub use wire::{CHECKPOINT_BYTES_MAX, TRANSACTION_BYTES_MAX};
