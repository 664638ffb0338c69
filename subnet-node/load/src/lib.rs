//! Load for any Ethereum JSON-RPC endpoint: signed before the clock starts, handed in at a pace, matched with blocks, summed up.
//!
//! ```text
//!            setup ─▶ sign ─▶ drive ──────────▶ check ─▶ agreement ─▶ report
//! money, tokens, actors        │ lanes: batches out, answers in
//!                              │ follower: blocks in
//!                              └─▶ flight: what is sent next, what is on its way, what arrived
//! ```
//!
//! | module | is |
//! |---|---|
//! | [`workload`] | what is sent, workload by workload |
//! | [`words`] | paces, signed transactions, where they go |
//! | [`flight`] | what is sent next, and which transactions a block confirms (law) |
//! | [`answer`] | what a node's refusal asks of the sender (law) |
//! | [`figures`] | rates, latencies and block fill from what was recorded (law) |
//! | [`accounts`] | who sends |
//! | [`fees`] | what a transaction may pay, and what a sender needs (law) |
//! | [`sign`] | transactions of a workload, signed on all cores |
//! | [`http`], [`client`] | a connection that stays open; JSON-RPC over it |
//! | [`subscription`] | new blocks over a WebSocket |
//! | [`drive`] | a load on its way: lanes, follower, progress |
//! | [`setup`] | money, contracts and actors before the clock starts |
//! | [`check`] | receipts after it stopped |
//! | [`agreement`] | whether all nodes have the same block and state then |
//! | [`stages`] | where a transaction's time goes, by the nodes' metrics (law) |
//! | [`usage`] | CPU time, memory and disk of processes |
//! | [`report`] | a table to read, a document for machines |
//!
//! Only `eth_` and `net_` methods are asked, so any chain can be measured; workloads with actors alone need the `subnet_` namespace. What
//! they call is `tributary-workloads`', which the benchmark of one process calls too.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on should stop"))]

pub mod accounts;
pub mod agreement;
pub mod answer;
pub mod check;
pub mod client;
pub mod drive;
pub mod fees;
pub mod figures;
pub mod flight;
pub mod http;
pub mod report;
pub mod setup;
pub mod sign;
pub mod stages;
pub mod subscription;
pub mod usage;
pub mod words;
pub mod workload;
