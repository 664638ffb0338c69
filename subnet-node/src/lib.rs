//! The node: one process, a validator or a follower; and `devnet`, which runs a whole hierarchy of them on one machine.
//!
//! ```text
//! users ─JSON-RPC─▶ backend ─▶ pool ─▶ application ◀─▶ consensus (Malachite)
//! peers ──gossip──▶ gossiping ─┘ │          │ decide
//!                      │         │      committer ─▶ ledger ─▶ executor, store
//!                      │         └── head ◀─┤
//!                      └─▶ checkpoints ◀────┘ cut
//! ```
//!
//! | module | is |
//! |---|---|
//! | [`cli`] | the command line |
//! | [`run`] | a node from its home to a stop signal; the assembly of all the rest |
//! | [`home`], [`config`], [`init`] | a node's directory, its settings, and making them |
//! | [`facts`] | what genesis fixed |
//! | [`ledger`] | what was decided, executed and is on disk; the head |
//! | [`application`] | the node as consensus sees it |
//! | [`kept`] | proposals on disk, until a block of their height is committed |
//! | [`committer`] | a decided block on its way to the state and to the disk, beside consensus |
//! | [`pool`] | the mempool's hand |
//! | `recovery` | transactions read on all cores |
//! | [`checkpoints`] | shares and certificates |
//! | [`gossiping`] | between the gossip network and those two |
//! | [`parent`] | how far the parent holds this chain |
//! | [`backend`], [`comet`] | the node as the RPC sees it: Ethereum's and CometBFT's |
//! | [`check`] | a committed block, run once more in order |
//! | [`history`] | how much of the past is kept, and how the rest goes |
//! | [`halt`], [`ending`] | how any of them stops the node, and what that ends with |
//! | [`status`], [`metrics`] | how it is doing |
//! | `files` | files read and written whole |
//! | [`descriptors`] | how many files and connections it may have open |
//! | [`actor`] | a person's commands to actors of a network |
//! | [`inspect`] | the state of a stopped node: looked at, proven, exported |
//! | [`proof`] | the state of somebody else's node, proven |
//! | [`mod@bench`] | what a network takes from its clients, end to end |
//! | [`devnet`] | a root network, a subnet and a relayer on this machine |
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

pub mod actor;
pub mod application;
pub mod backend;
pub mod bench;
pub mod check;
pub mod checkpoints;
pub mod cli;
pub mod comet;
pub mod committer;
pub mod config;
pub mod descriptors;
pub mod devnet;
pub mod ending;
pub mod facts;
mod files;
pub mod gossiping;
pub mod halt;
pub mod history;
pub mod home;
pub mod init;
pub mod inspect;
pub mod kept;
pub mod ledger;
pub mod metrics;
pub mod parent;
pub mod pool;
pub mod proof;
mod recovery;
pub mod run;
pub mod status;
