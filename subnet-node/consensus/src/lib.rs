//! The consensus engine behind one small interface.
//!
//! ```text
//!   node ──Engine::start(Config, Application)──▶ Running ── wait, stop, status
//!                                                  │
//!          ┌───────────────────────────────────────┴───────────────┐
//!          │ bridge (hand): one message at a time                  │
//!          │   parts in ──▶ streams (law) ──▶ Application::judge   │
//!          │   Finalized ─▶ pace (law) ──▶ start the next height   │
//!          └───────────────────────────────────────┬───────────────┘
//!                                     Malachite: Tendermint, libp2p, WAL, block sync
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`application`] | [`Application`]: what the engine asks of the node, in the node's words |
//! | [`config`] | [`Config`] and the settings of the engine, each with a reason |
//! | [`pace`] | [`Pace`]: when the next height may start |
//! | [`wake`] | [`Wake`]: transactions wait |
//! | [`engine`] | [`Engine`], [`Running`]: start, status, stop |
//! | [`stopped`] | why an engine stopped, and whether it may be started again |
//! | `context`, `signer`, `codec` | what Malachite is generic over |
//! | `streams` | proposals put together from parts of peers that may be hostile |
//! | `bridge` | answers the engine's messages by asking the application |
//!
//! The home of `malachite`: everything generic over its context is instantiated here, so the rest of the node neither names
//! it nor pays for it.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

pub mod application;
mod bridge;
mod codec;
pub mod config;
mod context;
pub mod engine;
pub mod pace;
mod signer;
pub mod stopped;
mod streams;
pub mod wake;

pub use application::{
    Application, ApplicationFatal, Body, DecidedBlock, Decision, HeightParams, Known, Next, Origin, Proposed, Start,
    Timeouts, Verdict,
};
pub use config::{Config, ConfigRejected, peer_id};
pub use engine::{Engine, Progress, Running, metrics_text};
pub use pace::{Pace, Pacing};
pub use stopped::{EngineFatal, EngineStopped, EngineUnavailable, NotStarted};
pub use wake::Wake;
