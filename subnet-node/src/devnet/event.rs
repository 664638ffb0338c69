//! What a devnet tells while it runs. With `--json` each is a line on standard output: an object with `event` and the fields here.
//!
//! | event | when |
//! |---|---|
//! | `started` | the directory is ready, processes are about to start |
//! | `ready` | a network's validators answer and make blocks; once for each network |
//! | `registered` | the child has its place on the parent |
//! | `accounts` | both networks run: whose tokens there are to spend |
//! | `load` | before each `progress`, when there is a load |
//! | `progress` | every second from then on |
//! | `checkpoint` | the parent accepted one |
//! | `stopped` | the last; `reason` says why, the rest what it came to |
//!
//! Names that end in `_ms` or `_us` are milliseconds and microseconds. Heights of things that are not there yet are `null`.

use std::path::PathBuf;

use serde::Serialize;
use tributary_primitives::{EthAddress, Height, SubnetId};

use super::load::LoadView;
use super::plan::Network;
use super::report::Report;
use super::watch::Checkpoint;

/// Something worth telling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The directory is ready.
    Started {
        /// Where everything is.
        data_dir: PathBuf,
        /// Whether it goes on with what an earlier run made.
        resumed: bool,
        /// Validators of the parent.
        parent_validators: usize,
        /// Validators of the child.
        validators: usize,
        /// Ports that another program took, each with the new one.
        moved_ports: Vec<(u16, u16)>,
    },
    /// A network makes blocks.
    Ready {
        /// Which.
        network: Network,
        /// Where it stands.
        subnet: SubnetId,
        /// Ethereum's chain id.
        chain_id: u64,
        /// JSON-RPC of each validator.
        rpc: Vec<String>,
    },
    /// The child has its actor on the parent.
    Registered {
        /// The child.
        subnet: SubnetId,
        /// The parent's block with the registration; none if an earlier run did it.
        height: Option<Height>,
    },
    /// Accounts with tokens on both networks, for whoever plays with the devnet.
    Accounts {
        /// What to know before using one.
        warning: &'static str,
        /// The accounts.
        accounts: Vec<Account>,
    },
    /// How both networks stand.
    Progress(Progress),
    /// How the load goes.
    Load(LoadView),
    /// The parent accepted a checkpoint.
    Checkpoint(Checkpoint),
    /// The end.
    Stopped {
        /// Why.
        reason: String,
        /// What it came to.
        #[serde(flatten)]
        report: Report,
    },
}

/// An account that everybody can spend from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// As Ethereum's tools name it.
    pub address: EthAddress,
    /// As the FVM's tools name it: another account of the same key.
    pub f1_address: String,
    /// The key.
    pub secret: &'static str,
}

/// How both networks stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Milliseconds since the start.
    pub at_ms: u64,
    /// The parent's latest block.
    pub parent_height: Height,
    /// The child's latest block.
    pub child_height: Height,
    /// The latest checkpoint the child cut.
    pub cut: Option<Height>,
    /// The latest it has a certificate of.
    pub certified: Option<Height>,
    /// The latest the parent accepted.
    pub accepted: Option<Height>,
    /// How many the parent accepted in this run.
    pub accepted_count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_an_object_with_its_name_and_its_fields() {
        let ready = Event::Ready {
            network: Network::Child,
            subnet: "/r31415/f0102".parse().unwrap(),
            chain_id: 31_416,
            rpc: vec!["http://127.0.0.1:1".to_owned()],
        };
        assert_eq!(
            serde_json::to_string(&ready).unwrap(),
            r#"{"event":"ready","network":"child","subnet":"/r31415/f0102","chain_id":31416,"rpc":["http://127.0.0.1:1"]}"#
        );
        let checkpoint =
            Event::Checkpoint(Checkpoint { height: Height(10), cut_ms: None, certified_ms: Some(7), accepted_ms: 9 });
        assert_eq!(
            serde_json::to_string(&checkpoint).unwrap(),
            r#"{"event":"checkpoint","height":10,"cut_ms":null,"certified_ms":7,"accepted_ms":9}"#
        );
    }
}
