//! The RPC over a real socket, in front of a small chain in memory.
//!
//! | module | proves |
//! |---|---|
//! | `machine`, `ledger` | nothing: the chain that answers; transactions are really signed and checked |
//! | `fixture` | nothing: keys, signing, serving, asking |
//! | `blocks`, `transactions`, `logs`, `calls`, `fees`, `chain` | the Ethereum namespaces, read by alloy's own types |
//! | `subnet` | the `subnet_` namespace |
//! | `refusals` | each fault has its own code and sentence |
//! | `serving` | the socket: limits, both transports, CORS, hosts, stopping |
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod blocks;
mod calls;
mod chain;
mod fees;
mod fixture;
mod ledger;
mod logs;
mod machine;
mod refusals;
mod serving;
mod subnet;
mod transactions;
