//! What a devnet consists of: which processes, with which settings, under which rules. No file, socket or process here.
//!
//! ```text
//! parent-0 … parent-N   root /r31415, N validators
//!      ▲ certificates
//!   relayer             one
//!      ▲
//! child-0 … child-M     /r31415/f0…, M validators; the load goes here
//! ```
//!
//! Each of the child's validators asks one of the parent's which checkpoint it accepted.
//!
//! Everything listens to this machine alone.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tributary_genesis::ChainParameters;
use tributary_primitives::SubnetId;

/// Validators of one network: more would not fit a laptop.
pub const VALIDATORS_MAX: u16 = 32;
/// Validators where nothing is chosen: the least that bear one fault.
pub const VALIDATORS_DEFAULT: u16 = 4;

/// One of the two networks.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// The root.
    Parent,
    /// The subnet.
    Child,
}

impl Network {
    /// Its name in paths, logs and on the screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parent => "parent",
            Self::Child => "child",
        }
    }

    /// Tendermint's chain id.
    #[must_use]
    pub const fn chain_name(self) -> &'static str {
        match self {
            Self::Parent => "devnet-parent-1",
            Self::Child => "devnet-child-1",
        }
    }

    /// Ethereum's chain id. The root's also starts its subnet id.
    #[must_use]
    pub const fn chain_id(self) -> u64 {
        match self {
            Self::Parent => 31_415,
            Self::Child => 31_416,
        }
    }

    /// The rules of this network: those of one machine that serves all validators, with little delay and little patience.
    #[must_use]
    pub fn parameters(self) -> ChainParameters {
        ChainParameters {
            block_interval_min_ms: 100,
            // An idle child still makes a checkpoint every ten seconds; an idle parent has nothing to show.
            heartbeat_ms: match self {
                Self::Parent => 2_000,
                Self::Child => 1_000,
            },
            checkpoint_period: 10,
            timeout_propose_ms: 1_000,
            timeout_propose_delta_ms: 200,
            timeout_prevote_ms: 300,
            timeout_prevote_delta_ms: 100,
            timeout_precommit_ms: 300,
            timeout_precommit_delta_ms: 100,
            timeout_rebroadcast_ms: 500,
            ..ChainParameters::default()
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The subnet id of the root.
#[must_use]
pub const fn root() -> SubnetId {
    SubnetId::root(Network::Parent.chain_id())
}

/// Where one node listens, all on 127.0.0.1.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodePorts {
    /// JSON-RPC.
    pub rpc: u16,
    /// Health and metrics.
    pub service: u16,
    /// Votes and blocks.
    pub consensus: u16,
    /// Transactions and checkpoint shares.
    pub gossip: u16,
}

impl NodePorts {
    /// Where its JSON-RPC is.
    #[must_use]
    pub fn rpc_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.rpc)
    }

    /// Where its health and metrics are.
    #[must_use]
    pub fn service_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.service)
    }
}

/// The name of one node, in logs and on the screen.
#[must_use]
pub fn node_name(network: Network, position: usize) -> String {
    format!("{network}-{position}")
}

/// The `config.toml` of one node among `nodes`, which follows `parent` if there is one. What is not in it has its default.
///
/// Caches are small, since many nodes share one machine's memory. Every node lists all others, so there is nobody to discover.
#[must_use]
pub fn node_config(network: Network, position: usize, nodes: &[NodePorts], parent: Option<&NodePorts>) -> String {
    let others = || nodes.iter().enumerate().filter(|(other, _)| *other != position).map(|(_, ports)| ports);
    let list =
        |ports: Vec<u16>| ports.into_iter().map(|port| format!("\"{}\"", multiaddress(port))).collect::<Vec<_>>();
    let consensus_peers = list(others().map(|ports| ports.consensus).collect()).join(", ");
    let gossip_peers = list(others().map(|ports| ports.gossip).collect()).join(", ");
    let NodePorts { rpc, service, consensus, gossip } = nodes[position];
    let parent = parent.map(NodePorts::rpc_url).unwrap_or_default();
    let (moniker, consensus, gossip) = (node_name(network, position), multiaddress(consensus), multiaddress(gossip));
    format!(
        "# Written by `subnet-node devnet` at every start; what you change here is lost.\n\
         moniker = \"{moniker}\"\n\n\
         [consensus]\nlisten = \"{consensus}\"\npeers = [{consensus_peers}]\ndiscovery = false\n\n\
         [gossip]\nlisten = \"{gossip}\"\npeers = [{gossip_peers}]\n\n\
         [parent]\nrpc = \"{parent}\"\n\n\
         [rpc]\nlisten = \"127.0.0.1:{rpc}\"\ncors_origins = [\"*\"]\n\n\
         [service]\nlisten = \"127.0.0.1:{service}\"\n\n\
         [storage]\ncache_bytes = 33_554_432\nwrite_buffer_bytes = 16_777_216\nopen_files_max = 256\n"
    )
}

fn multiaddress(port: u16) -> String {
    format!("/ip4/127.0.0.1/tcp/{port}")
}

/// The arguments of a validator's process.
#[must_use]
pub fn node_arguments(home: &Path) -> Vec<String> {
    ["run", "--home", &home.display().to_string(), "--stop-on-stdin-close"].map(str::to_owned).into()
}

/// The arguments of the relayer's process. It looks often: on one machine a look costs next to nothing.
#[must_use]
pub fn relayer_arguments(parent: &NodePorts, child: &NodePorts, key: &Path, metrics: u16) -> Vec<String> {
    let (parent, child) = (parent.rpc_url(), child.rpc_url());
    let (key, listen) = (key.display().to_string(), format!("127.0.0.1:{metrics}"));
    [
        "run",
        "--parent",
        &parent,
        "--child",
        &child,
        "--key",
        &key,
        "--listen",
        &listen,
        "--poll-ms",
        "200",
        "--pause-ms",
        "200",
        "--stop-on-stdin-close",
    ]
    .map(str::to_owned)
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::NodeConfig;

    fn ports(first: u16) -> NodePorts {
        NodePorts { rpc: first, service: first + 1, consensus: first + 2, gossip: first + 3 }
    }

    #[test]
    fn a_node_listens_to_this_machine_and_knows_all_others_but_itself() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("config.toml");
        let nodes = [ports(100), ports(200), ports(300)];
        std::fs::write(&file, node_config(Network::Child, 1, &nodes, Some(&ports(400)))).unwrap();
        let config = NodeConfig::load(&file, &[]).unwrap();
        assert_eq!((config.moniker.as_str(), config.parent.rpc.as_str()), ("child-1", "http://127.0.0.1:400"));
        assert_eq!((config.rpc.listen.to_string(), config.service.listen.port()), ("127.0.0.1:200".to_owned(), 201));
        assert_eq!(config.consensus.listen, "/ip4/127.0.0.1/tcp/202");
        assert_eq!(config.consensus.peers, ["/ip4/127.0.0.1/tcp/102", "/ip4/127.0.0.1/tcp/302"]);
        assert_eq!(config.gossip.peers, ["/ip4/127.0.0.1/tcp/103", "/ip4/127.0.0.1/tcp/303"]);
    }

    #[test]
    fn a_validators_arguments_are_a_command_line() {
        use clap::Parser as _;
        let arguments = node_arguments(Path::new("/somewhere else/parent/0"));
        let parsed = crate::cli::Cli::try_parse_from(std::iter::once("subnet-node".to_owned()).chain(arguments));
        assert!(parsed.is_ok(), "{:?}", parsed.err());
    }

    #[test]
    fn the_two_networks_differ_in_name_and_chain_id() {
        assert_ne!(Network::Parent.chain_id(), Network::Child.chain_id());
        assert_ne!(Network::Parent.chain_name(), Network::Child.chain_name());
        assert_eq!(root().to_string(), "/r31415");
    }
}
