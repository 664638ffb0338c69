//! A network of validator processes in a temporary directory. Nothing outlives the test: neither process nor file.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};

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
    consensus: SocketAddrV4,
    gossip: SocketAddrV4,
    pub rpc: SocketAddrV4,
    service: SocketAddrV4,
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
        let host = own_host();
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
        let ports = Ports::on(host, plan.size);
        let nodes = homes.into_iter().zip(ports).map(|(home, ports)| {
            fs::write(home.genesis(), genesis.genesis().to_json()).unwrap();
            Node { home, ports, process: None }
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
    pub fn rpc(&self, at: usize) -> SocketAddrV4 {
        self.nodes[at].ports.rpc
    }

    /// The number `name` among the metrics of node `at`.
    pub fn metric(&self, at: usize, name: &str) -> u64 {
        let mut service = TcpStream::connect(self.nodes[at].ports.service).unwrap();
        service.write_all(b"GET /metrics HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n").unwrap();
        let mut said = String::new();
        service.read_to_string(&mut said).unwrap();
        let line = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {said}")).parse().unwrap()
    }

    /// Asks node `at`.
    pub fn client(&self, at: usize) -> Client {
        Client::of(self.rpc(at))
    }

    /// The command that runs node `at`.
    pub fn command(&self, at: usize) -> Command {
        let others = |socket: fn(&Ports) -> SocketAddrV4| {
            let others = self.nodes.iter().enumerate().filter(|(other, _)| *other != at);
            others.map(|(_, node)| multiaddr(socket(&node.ports))).collect::<Vec<_>>().join(",")
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

    /// Whether node `at` runs, in words.
    fn standing(&mut self, at: usize) -> String {
        match self.nodes[at].process.as_mut().map(|process| process.0.try_wait()) {
            None => "was not running".to_owned(),
            Some(Ok(None)) => "was running".to_owned(),
            Some(Ok(Some(status))) => format!("had ended by itself: {status}"),
            Some(Err(why)) => format!("cannot be asked: {why}"),
        }
    }

    fn log(&self, at: usize) -> PathBuf {
        self.directory.path().join(format!("node{at}.log"))
    }
}

/// A test that fails shows the end of each log, and who had ended by itself.
impl Drop for Network {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for at in 0..self.nodes.len() {
            let log = fs::read_to_string(self.log(at)).unwrap_or_default();
            let lines: Vec<_> = log.lines().rev().take(25).collect();
            println!("--- node {at}, {}", self.standing(at));
            lines.iter().rev().for_each(|line| println!("{line}"));
        }
        (0..self.nodes.len()).for_each(|at| println!("node {at} {}", self.standing(at)));
    }
}

/// A loopback address that nothing else on this machine uses (Linux has sixteen million of them).
///
/// A node that is killed gives its ports up until it starts again. On 127.0.0.1 an outgoing connection of any other
/// process may be given one of them meanwhile; here nobody takes what the network does not take itself.
pub fn own_host() -> Ipv4Addr {
    static HOSTS: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    let host = HOSTS.fetch_add(1, Ordering::Relaxed);
    assert!(host < 255, "a process has 254 networks at most");
    Ipv4Addr::new(127, host, high, low)
}

impl Ports {
    /// Four for each of `nodes`, which the system has free on `host`. All are held until all are known, so no two are the same.
    pub fn on(host: Ipv4Addr, nodes: usize) -> Vec<Self> {
        let held: Vec<[TcpListener; 4]> =
            (0..nodes).map(|_| std::array::from_fn(|_| TcpListener::bind((host, 0)).unwrap())).collect();
        let socket = |listener: &TcpListener| SocketAddrV4::new(host, listener.local_addr().unwrap().port());
        let ports = held.iter().map(|listeners| {
            let [consensus, gossip, rpc, service] = listeners.each_ref().map(socket);
            Self { consensus, gossip, rpc, service }
        });
        ports.collect()
    }

    /// The settings of a node that listens there, for its environment.
    pub fn settings(&self) -> [(&'static str, String); 4] {
        [
            ("TRIBUTARY__CONSENSUS__LISTEN", multiaddr(self.consensus)),
            ("TRIBUTARY__GOSSIP__LISTEN", multiaddr(self.gossip)),
            ("TRIBUTARY__RPC__LISTEN", self.rpc.to_string()),
            ("TRIBUTARY__SERVICE__LISTEN", self.service.to_string()),
        ]
    }
}

fn multiaddr(socket: SocketAddrV4) -> String {
    format!("/ip4/{}/tcp/{}", socket.ip(), socket.port())
}
