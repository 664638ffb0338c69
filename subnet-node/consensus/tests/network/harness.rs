//! A network of engines, each with an application that keeps its blocks in memory across restarts.

mod disk;
mod fault;
mod memory;

pub(crate) use fault::Fault;

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use tendermint_light_client_verifier::options::Options;
use tendermint_light_client_verifier::types::{TrustThreshold, TrustedBlockState, UntrustedBlockState};
use tendermint_light_client_verifier::{ProdVerifier, Verdict as LightVerdict, Verifier};
use tributary_chain::{
    Block, BlockTime, CommitCertificate, ConsensusKey, HeaderRules, LightBlock, Validator, ValidatorAddress,
    ValidatorSet,
};
use tributary_consensus::{Config, Engine, EngineStopped, Pacing, Progress, Running, Timeouts, Wake, peer_id};
use tributary_primitives::{Height, VotingPower};

use disk::Disk;
use memory::Memory;

/// Far more than anything here takes on a busy machine: only a stuck network waits this long.
const DEADLINE: Duration = Duration::from_secs(120);

const BLOCK_BYTES_MAX: usize = 1024 * 1024;

pub(crate) struct Network {
    keys: Vec<ConsensusKey>,
    set: ValidatorSet,
    rules: HeaderRules,
    /// One for each validator, one for the follower.
    sockets: Vec<SocketAddrV4>,
    disks: Vec<Disk>,
    home: TempDir,
    pacing: Pacing,
}

impl Network {
    /// `count` validators of equal power that make blocks as fast as a short interval allows.
    pub(crate) fn of(count: u8) -> Self {
        let keys: Vec<_> = (1..=count).map(|seed| ConsensusKey::from_seed([seed; 32])).collect();
        let validator = |key: &ConsensusKey| Validator { public_key: key.public_key(), power: VotingPower(10) };
        let nodes = usize::from(count) + 1;
        Self {
            set: ValidatorSet::new(keys.iter().map(validator)).unwrap(),
            keys,
            rules: HeaderRules {
                chain_id: "test-1".parse().unwrap(),
                app_version: 1,
                genesis_time: BlockTime::from_unix_nanos(1),
                block_bytes_max: BLOCK_BYTES_MAX,
                block_gas_max: 1_000_000,
                clock_drift_ms: 10_000,
            },
            sockets: free_sockets(nodes),
            disks: (0..nodes).map(|_| Disk::new()).collect(),
            home: tempfile::tempdir().unwrap(),
            pacing: Pacing { interval_min: Duration::from_millis(50), heartbeat: Duration::from_millis(50) },
        }
    }

    /// No empty blocks.
    pub(crate) fn on_demand(self) -> Self {
        Self { pacing: Pacing { heartbeat: Duration::from_secs(3_600), ..self.pacing }, ..self }
    }

    pub(crate) fn disk(&self, position: usize) -> Disk {
        self.disks[position].clone()
    }

    /// Of the validators.
    pub(crate) fn disks(&self) -> Vec<Disk> {
        self.disks[..self.keys.len()].to_vec()
    }

    pub(crate) fn address(&self, position: usize) -> ValidatorAddress {
        self.keys[position].public_key().address()
    }

    /// The first height from `height` on whose first round is a validator's turn.
    pub(crate) fn turn_of(&self, position: usize, height: Height) -> Height {
        let is_its = |height: &Height| self.set.proposer(*height, 0) == self.address(position);
        (height.0..).map(Height).find(is_its).unwrap()
    }

    pub(crate) async fn start_all(&self) -> Vec<Node> {
        let mut nodes = Vec::new();
        for position in 0..self.keys.len() {
            nodes.push(self.start(position).await);
        }
        nodes
    }

    pub(crate) async fn start(&self, position: usize) -> Node {
        self.start_node(position, Some(self.keys[position].clone())).await
    }

    pub(crate) async fn start_follower(&self) -> Node {
        self.start_node(self.keys.len(), None).await
    }

    async fn start_node(&self, position: usize, key: Option<ConsensusKey>) -> Node {
        let wake = Wake::new();
        let others = (0..self.keys.len()).filter(|other| *other != position);
        let peer = |other| format!("{}/p2p/{}", multiaddr(self.sockets[other]), peer_id(network_seed(other)));
        let config = Config {
            chain_id: self.rules.chain_id.clone(),
            moniker: format!("validator-{position}"),
            key: key.clone(),
            network_seed: network_seed(position),
            listen: multiaddr(self.sockets[position]),
            peers: others.map(peer).collect(),
            discovery: false,
            connections_per_ip_max: 64,
            wal_dir: self.wal_dir(position),
            block_bytes_max: BLOCK_BYTES_MAX,
            settle: Duration::from_millis(300),
            wake: wake.clone(),
        };
        let disk = self.disk(position);
        let application = Memory {
            rules: self.rules.clone(),
            set: self.set.clone(),
            address: key.map(|key| key.public_key().address()),
            disk: disk.clone(),
            pacing: self.pacing,
        };
        Node { running: Engine::start(config, application).await.unwrap(), disk, wake }
    }

    pub(crate) async fn stop_all(&self, nodes: Vec<Node>) {
        for node in nodes {
            node.stop().await;
        }
    }

    fn wal_dir(&self, position: usize) -> std::path::PathBuf {
        self.home.path().join(position.to_string())
    }

    /// Verifies each decided height from the one before and from the first; returns how many there are.
    pub(crate) fn verify_with_light_client(&self, disk: &Disk) -> usize {
        let light = |(certificate, block): (CommitCertificate, Block)| {
            LightBlock::new(block.header, &certificate, &self.set, &self.set).unwrap()
        };
        let blocks: Vec<_> = disk.blocks().into_iter().map(light).collect();
        for pair in blocks.windows(2) {
            assert_eq!(verify(&pair[0], &pair[1]), LightVerdict::Success, "step by step");
        }
        for later in &blocks[2..] {
            assert_eq!(verify(&blocks[0], later), LightVerdict::Success, "skipping");
        }
        blocks.len()
    }
}

fn verify(trusted: &LightBlock, new: &LightBlock) -> LightVerdict {
    let header = &trusted.signed_header.header;
    ProdVerifier::default().verify_update_header(
        UntrustedBlockState {
            signed_header: &new.signed_header,
            validators: &new.validators,
            next_validators: Some(&new.next_validators),
        },
        TrustedBlockState {
            chain_id: &header.chain_id,
            header_time: header.time,
            height: header.height,
            next_validators: &trusted.next_validators,
            next_validators_hash: header.next_validators_hash,
        },
        &Options {
            trust_threshold: TrustThreshold::ONE_THIRD,
            trusting_period: Duration::from_secs(3_600),
            clock_drift: Duration::from_secs(10),
        },
        now().to_tendermint(),
    )
}

fn network_seed(position: usize) -> [u8; 32] {
    [100 + u8::try_from(position).unwrap(); 32]
}

/// Ports the system says are free: all held at once, so that they differ, then let go. They are on a loopback address of
/// the network's own, so that no outgoing connection is given the port of a node that is down for a while.
fn free_sockets(count: usize) -> Vec<SocketAddrV4> {
    static HOSTS: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    let host = Ipv4Addr::new(127, HOSTS.fetch_add(1, Ordering::Relaxed), high, low);
    let listeners: Vec<_> = (0..count).map(|_| TcpListener::bind((host, 0)).unwrap()).collect();
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    listeners.iter().map(|listener| SocketAddrV4::new(host, port(listener))).collect()
}

fn multiaddr(socket: SocketAddrV4) -> String {
    format!("/ip4/{}/tcp/{}", socket.ip(), socket.port())
}

fn now() -> BlockTime {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    BlockTime::from_unix_nanos(u64::try_from(nanos).unwrap())
}

pub(crate) struct Node {
    running: Running,
    disk: Disk,
    wake: Wake,
}

impl Node {
    pub(crate) const fn disk(&self) -> &Disk {
        &self.disk
    }

    pub(crate) fn decided(&self) -> Height {
        self.running.progress().decided
    }

    pub(crate) async fn peers(&self) -> Option<usize> {
        self.running.peers().await
    }

    pub(crate) fn submit(&self, transaction: &[u8]) {
        self.disk.with(|disk| disk.waiting.push(transaction.to_vec()));
        self.wake.wake();
    }

    pub(crate) async fn until_decided(&mut self, height: Height) {
        self.until(|progress| progress.decided >= height).await;
    }

    /// It knows that others are past `height`.
    pub(crate) async fn until_told_of(&mut self, height: Height) {
        self.until(|progress| progress.proposed > height).await;
    }

    pub(crate) async fn until_held(&mut self) {
        self.until(|progress| progress.held).await;
    }

    /// It has given up on a round, so it has voted, unless it sits the height out.
    pub(crate) async fn until_voted(&mut self) {
        self.until(|progress| progress.height >= Height::FIRST).await;
        tokio::time::sleep(Timeouts::default().propose * 2).await;
    }

    async fn until(&mut self, reached: impl Fn(&Progress) -> bool) {
        let mut progress = self.running.watch_progress();
        tokio::select! {
            seen = progress.wait_for(|progress| reached(progress)) => drop(seen.unwrap()),
            stopped = self.running.wait() => panic!("the engine stopped: {stopped:?}"),
            () = tokio::time::sleep(DEADLINE) => panic!("stuck at {:?}", self.running.progress()),
        }
    }

    pub(crate) async fn stop(self) {
        tokio::time::timeout(DEADLINE, self.running.stop()).await.unwrap().unwrap();
    }

    pub(crate) async fn stopped(mut self) -> EngineStopped {
        tokio::time::timeout(DEADLINE, self.running.wait()).await.unwrap().unwrap_err()
    }
}
