//! Real networks: validators as separate processes that are killed, stopped and started again.
//!
//! | module | is |
//! |---|---|
//! | [`network`] | a network of processes in a temporary directory |
//! | [`application`] | one node's parts in this process, at moments that no process can be brought to |
//! | [`check`] | blocks run again beside the chain, and dumps of those that came out differently |
//! | [`client`] | asks a node by JSON-RPC |
//! | [`clients`] | Ethereum's clients, each with its own cases |
//! | [`wallet`] | a funded key that sends transfers |
//! | [`survival`] | what must hold through kills, halts and restarts |
//! | [`light_client`] | every decided height convinces a Tendermint light client |
//! | [`light_client_crate`] | the light client that others run follows the chain, and refuses what is not the chain |
//! | [`hierarchy`] | a child, its parent, what the one knows of the other, and a relayer that is killed between them |
//! | [`devnet`] | a whole devnet, run as a user runs it |
//! | [`bench`] | `subnet-node bench`, as a user runs it |
//! | [`command_line`] | `tributary`, as people and scripts run it |
//! | [`docs`] | a page's commands, copied and pasted |
//! | [`history`] | nodes that keep less than all |
//! | [`inspect`] | the state of a stopped node: looked at, proven, exported |
//! | [`ledger`] | a chain taken over block by block, with stops at every height |
//! | [`messages`] | FVM messages from accounts of every kind |
//! | [`proofs`] | the state of a running node, proven to somebody who has no node |
//! | [`trace`] | every transaction of a chain, run again and traced |
//! | [`refusals`] | bad homes, settings and ports are refused with what to do |
//! | [`strangers`] | readers that do their worst |
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on should stop, and say why")]

mod application;
mod bench;
mod check;
mod client;
mod clients;
mod command_line;
mod devnet;
mod docs;
mod hierarchy;
mod history;
mod inspect;
mod ledger;
mod light_client;
mod light_client_crate;
mod messages;
mod network;
mod proofs;
mod refusals;
mod strangers;
mod survival;
mod trace;
mod wallet;
