#![doc = include_str!("../METHODS.md")]
//!
//! # Where things are
//!
//! | module | holds |
//! |---|---|
//! | [`backend`] | what is asked of the node: [`Backend`], [`StateView`], and their words |
//! | [`subnet::view`] | the JSON of the `subnet_` namespace, for clients too |
//! | [`error`] | every refusal, its code and its sentence |
//! | `eth`, `debug`, `subnet` | one function for each method |
//! | [`comet`] | CometBFT's RPC: what it asks of the node, and all that it answers |
//! | `convert` | from this chain's words to Ethereum's |
//! | `arguments`, `methods`, `lane`, `counters` | what happens around every method, once |
//! | `patience` | how long a call may run |
//! | `submissions`, `batches` | transactions that come at once are taken in together |
//! | `awaiting` | waiting until a transaction ran |
//! | `subscriptions`, `announcements` | what may be subscribed to, and blocks as those are told of them who follow the chain |
//! | `filters` | where each caller stands in what it asks for again and again |
//! | `log_filter`, `new_logs`, `found_logs` | which logs are asked for, which of new blocks, and how many one answer holds |
//! | `websocket` | connections that subscribe |
//! | `clients`, `gate`, `permits` | who asks, how much and how fast each may, and which methods are served |
//! | `server`, `listener`, `config`, `traffic` | the socket, its bounds and its numbers: [`RpcServer`], [`RpcConfig`], [`Traffic`] |
//! | `notified`, `durations` | how long it takes to tell subscribers of a block |
//! | `connection`, `pacing` | one connection, and how long it may idle or stall |
//! | `intake`, `room` | how many bytes of requests are taken in, and of answers wait, in all and of each client |
//! | `aside` | work that goes on while nobody looks |
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

mod announcements;
mod arguments;
mod aside;
mod awaiting;
pub mod backend;
mod batches;
mod clients;
pub mod comet;
mod config;
mod connection;
mod convert;
mod counters;
mod debug;
mod durations;
pub mod error;
mod eth;
mod filters;
mod found_logs;
mod gate;
pub mod hex_bytes;
mod id;
mod intake;
mod lane;
mod listener;
mod log_filter;
mod methods;
mod new_logs;
mod node;
mod notified;
mod pacing;
mod patience;
mod permits;
mod room;
mod server;
mod service;
mod submissions;
pub mod subnet;
mod subscriptions;
mod traffic;
mod websocket;

pub use backend::{Backend, CallRejected, ReadUnavailable, StateView, SubmitRejected};
pub use config::RpcConfig;
pub use convert::log::logs_bloom;
pub use counters::MethodCount;
pub use durations::Spread;
pub use error::RpcRejected;
pub use hex_bytes::HexBytes;
pub use server::{RpcFatal, RpcServer};
pub use traffic::{Open, Traffic};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn the_reference_has_one_row_for_each_method_and_no_other() {
        let reference = include_str!("../METHODS.md");
        let documented: Vec<_> =
            reference.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        let served: Vec<_> = crate::server::all_methods().names().chain(crate::comet::names()).collect();
        let as_set = |names: &[&'static str]| names.iter().copied().collect::<BTreeSet<_>>();
        assert_eq!(as_set(&documented), as_set(&served));
        assert_eq!(
            (documented.len(), served.len()),
            (as_set(&documented).len(), as_set(&served).len()),
            "a name twice"
        );
    }
}
