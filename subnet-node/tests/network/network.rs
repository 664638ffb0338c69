//! A network of validator processes in a temporary directory. Nothing outlives the test: neither process nor file.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;
use tributary_genesis::words::{AccountAddress, Balance};
use tributary_genesis::{Genesis, GenesisAccount, GenesisTime, GenesisValidator, SealedGenesis};
use tributary_node::home::Home;
use tributary_node::init;
use tributary_primitives::{SubnetId, VotingPower};

use crate::client::Client;
use crate::wallet::Wallet;

/// EIP-155 chain id of every test network.
pub const CHAIN_ID: u64 = 31_415;

/// A network whose validators run, or do not.
pub struct Network {
    directory: TempDir,
    genesis: SealedGenesis,
    nodes: Vec<Node>,
}

struct Node {
    home: Home,
    ports: Ports,
    process: Option<Process>,
}

/// Where one node listens.
#[derive(Clone, Copy)]
pub struct Ports {
    consensus: u16,
    gossip: u16,
    pub rpc: u16,
    service: u16,
}

/// A process that dies with its owner.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already; what matters is that it is gone afterwards.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// What a network is made of.
pub struct Plan {
    /// Validators, of equal power.
    pub size: usize,
    /// Name, EIP-155 chain id, and place in the hierarchy.
    pub chain: (&'static str, u64, SubnetId),
    /// Who holds a million tokens.
    pub rich: Vec<AccountAddress>,
    /// Chain parameters, `name=value`.
    pub parameters: &'static [&'static str],
}

impl Plan {
    /// A root network with one rich wallet that makes a block every second, or at once when there is something to do.
    pub fn root(size: usize) -> Self {
        Self {
            size,
            chain: ("test-1", CHAIN_ID, SubnetId::root(CHAIN_ID)),
            rich: vec![Wallet::rich().address().into()],
            parameters: &["heartbeat_ms=1000", "block_interval_min_ms=50", "timeout_rebroadcast_ms=500"],
        }
    }
}

impl Network {
    /// A root network with nobody running.
    pub fn of(size: usize) -> Self {
        Self::planned(Plan::root(size))
    }

    /// A network with nobody running.
    pub fn planned(plan: Plan) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let homes: Vec<_> = (0..plan.size).map(|at| Home::at(directory.path().join(format!("node{at}")))).collect();
        let (name, chain_id, subnet) = plan.chain;
        let mut genesis = Genesis::draft(name, chain_id, subnet);
        genesis.genesis_time = Some(GenesisTime::now().unwrap());
        for parameter in plan.parameters {
            let (name, value) = parameter.split_once('=').unwrap();
            genesis.parameters.set(name, value.parse().unwrap()).unwrap();
        }
        for home in &homes {
            let keys = init::make(home, "node", None).unwrap().public();
            genesis.validators.push(GenesisValidator {
                name: None,
                consensus_key: keys.consensus_key,
                bls_key: keys.bls_key,
                bls_possession: keys.bls_possession,
                power: VotingPower(10),
                reward_address: None,
            });
        }
        let balance = Balance(10_u128.pow(24));
        genesis.accounts.extend(plan.rich.iter().map(|address| GenesisAccount { address: *address, balance }));
        let genesis = genesis.verify().unwrap();
        let nodes = homes.into_iter().map(|home| {
            fs::write(home.genesis(), genesis.genesis().to_json()).unwrap();
            Node { home, ports: Ports::free(), process: None }
        });
        Self { nodes: nodes.collect(), directory, genesis }
    }

    /// The same, with everybody running.
    pub fn running(size: usize) -> Self {
        let mut network = Self::of(size);
        network.start_all();
        network
    }

    /// Starts everybody.
    pub fn start_all(&mut self) {
        (0..self.nodes.len()).for_each(|at| self.start(at));
    }

    /// What the network started from.
    pub const fn genesis(&self) -> &SealedGenesis {
        &self.genesis
    }

    /// The home of node `at`.
    pub fn home(&self, at: usize) -> &Home {
        &self.nodes[at].home
    }

    /// Where node `at` serves JSON-RPC.
    pub fn rpc_port(&self, at: usize) -> u16 {
        self.nodes[at].ports.rpc
    }

    /// Asks node `at`.
    pub fn client(&self, at: usize) -> Client {
        Client::of(self.rpc_port(at))
    }

    /// The command that runs node `at`.
    pub fn command(&self, at: usize) -> Command {
        let others = |port: fn(&Ports) -> u16| {
            let others = self.nodes.iter().enumerate().filter(|(other, _)| *other != at);
            others.map(|(_, node)| multiaddr(port(&node.ports))).collect::<Vec<_>>().join(",")
        };
        let Node { home, ports, .. } = &self.nodes[at];
        let mut command = Command::new(env!("CARGO_BIN_EXE_subnet-node"));
        command
            .args(["run", "--stop-on-stdin-close", "--home"])
            .arg(home.path())
            .args(["--set", &format!("moniker=node{at}")])
            .envs(ports.settings())
            .env("TRIBUTARY__CONSENSUS__PEERS", others(|ports| ports.consensus))
            .env("TRIBUTARY__GOSSIP__PEERS", others(|ports| ports.gossip))
            .stdin(Stdio::piped());
        command
    }

    /// Starts node `at`. Its log goes on where it ended.
    pub fn start(&mut self, at: usize) {
        let log = File::options().create(true).append(true).open(self.log(at)).unwrap();
        let process = self.command(at).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        self.nodes[at].process = Some(Process(process));
    }

    /// Kills node `at` with SIGKILL: it gets no chance to tidy up.
    pub fn kill(&mut self, at: usize) {
        drop(self.nodes[at].process.take().expect("runs"));
    }

    /// Stops node `at` as a supervisor does, and waits for it.
    pub fn stop(&mut self, at: usize) -> ExitStatus {
        let mut process = self.nodes[at].process.take().expect("runs");
        let stopped = Command::new("kill").args(["-TERM", &process.0.id().to_string()]).status().unwrap();
        assert!(stopped.success());
        process.0.wait().unwrap()
    }

    fn log(&self, at: usize) -> PathBuf {
        self.directory.path().join(format!("node{at}.log"))
    }
}

/// A test that fails shows the end of each log.
impl Drop for Network {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for at in 0..self.nodes.len() {
            let log = fs::read_to_string(self.log(at)).unwrap_or_default();
            let lines: Vec<_> = log.lines().rev().take(25).collect();
            println!("--- node {at}");
            lines.iter().rev().for_each(|line| println!("{line}"));
        }
    }
}

impl Ports {
    /// Four ports that the system had free a moment ago.
    pub fn free() -> Self {
        let held: Vec<_> = (0..4).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let port = |at: usize| held[at].local_addr().unwrap().port();
        Self { consensus: port(0), gossip: port(1), rpc: port(2), service: port(3) }
    }

    /// The settings of a node that listens there, for its environment.
    pub fn settings(&self) -> [(&'static str, String); 4] {
        [
            ("TRIBUTARY__CONSENSUS__LISTEN", multiaddr(self.consensus)),
            ("TRIBUTARY__GOSSIP__LISTEN", multiaddr(self.gossip)),
            ("TRIBUTARY__RPC__LISTEN", format!("127.0.0.1:{}", self.rpc)),
            ("TRIBUTARY__SERVICE__LISTEN", format!("127.0.0.1:{}", self.service)),
        ]
    }
}

fn multiaddr(port: u16) -> String {
    format!("/ip4/127.0.0.1/tcp/{port}")
}
