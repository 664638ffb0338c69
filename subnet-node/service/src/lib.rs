//! What every long-running program here has: logs, health, metrics, a graceful stop.
//!
//! | module | gives |
//! |---|---|
//! | [`logs`] | `tracing` to standard error, for people or as JSON lines |
//! | [`http`] | `/health`, `/ready` and `/metrics` on one small port |
//! | [`stop`] | waits for SIGTERM or SIGINT |
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

pub mod http;
pub mod logs;
pub mod stop;
