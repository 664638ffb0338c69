//! The RPC over a real socket, in front of a small chain in memory.
//!
//! | module | proves |
//! |---|---|
//! | `machine`, `ledger` | nothing: the chain that answers; transactions are really signed and checked |
//! | `fixture` | nothing: keys, signing, serving, asking |
//! | `blocks`, `transactions`, `logs`, `calls`, `fees`, `chain` | the Ethereum namespaces, read by alloy's own types |
//! | `simulations` | blocks that are run and forgotten, read by alloy's own types |
//! | `comet` | CometBFT's RPC, for light clients |
//! | `pool` | what waits in the mempool |
//! | `traces` | nothing: what happens inside the chain's transactions |
//! | `debug` | the `debug_` namespace, and a message's trace |
//! | `subnet` | the `subnet_` namespace |
//! | `progress` | of it, where a message is on its way, and waiting for it |
//! | `states` | of it, what an actor keeps in its state |
//! | `proofs` | of it, what anybody can check alone |
//! | `refusals` | each fault has its own code and sentence |
//! | `serving` | the socket: limits, CORS, hosts, stopping |
//! | `clients` | what one client may have of a node |
//! | `socket` | nothing: a client on a WebSocket |
//! | `websocket` | WebSockets: what is asked on them, what bounds them, how they end |
//! | `filters` | what changed since it was last asked for |
//! | `subscriptions` | what is told, to whom, in which order, and until when |
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod blocks;
mod calls;
mod chain;
mod clients;
mod comet;
mod connection;
mod debug;
mod fees;
mod filters;
mod fixture;
mod ledger;
mod logs;
mod machine;
mod pool;
mod progress;
mod proofs;
mod refusals;
mod serving;
mod simulations;
mod socket;
mod states;
mod subnet;
mod subscriptions;
mod traces;
mod transactions;
mod websocket;
