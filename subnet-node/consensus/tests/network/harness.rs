//! A network of engines, each with an application that keeps its blocks in memory across restarts.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use tempfile::TempDir;
use tendermint_light_client_verifier::options::Options;
use tendermint_light_client_verifier::types::{TrustThreshold, TrustedBlockState, UntrustedBlockState};
use tendermint_light_client_verifier::{ProdVerifier, Verdict as LightVerdict, Verifier};
use tributary_chain::{
    AppHash, Block, BlockRef, BlockTime, CommitCertificate, ConsensusKey, Equivocation, Expected, HeaderRules,
    LastBlock, LightBlock, Validator, ValidatorAddress, ValidatorSet, judge_block, next_block, results_hash,
};
use tributary_consensus::{
    Application, ApplicationFatal, Body, Config, DecidedBlock, Decision, Engine, EngineStopped, HeightParams, Known,
    Next, Origin, Pacing, Progress, Proposed, Running, Start, Timeouts, Verdict, Wake, peer_id,
};
use tributary_primitives::{Hash32, Height, VotingPower};

/// Far more than anything here takes on a busy machine: only a stuck network waits this long.
const DEADLINE: Duration = Duration::from_secs(120);

const BLOCK_BYTES_MAX: usize = 1024 * 1024;

/// How often a file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Of a write-ahead log: bytes of its header, and of each entry's; what an entry begins with that is a vote or a proposal.
const LOG_HEADER: usize = 12;
const ENTRY_HEADER: usize = 13;
const SIGNED: u8 = 1;

/// What goes wrong at one node.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    ProposesWrongAppHash,
    /// Of the block decided there. Peers send it, and it is `taken`, or not until the fault ends.
    LosesBody {
        height: Height,
        taken: bool,
    },
    LostBody {
        taken: bool,
    },
    DiskFull,
}

/// What survives a restart.
#[derive(Clone)]
pub(crate) struct Disk(Arc<Mutex<Contents>>);

struct Contents {
    decided: BTreeMap<Height, DecidedBlock>,
    undecided: BTreeMap<BlockRef, (Body, bool)>,
    /// The last height that was decided without its block.
    body_missing: Option<Height>,
    waiting: Vec<Vec<u8>>,
    fault: Fault,
}

impl Disk {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Contents {
            decided: BTreeMap::new(),
            undecided: BTreeMap::new(),
            body_missing: None,
            waiting: Vec::new(),
            fault: Fault::None,
        })))
    }

    fn with<T>(&self, read: impl FnOnce(&mut Contents) -> T) -> T {
        read(&mut self.0.lock().unwrap())
    }

    pub(crate) fn fault(&self, fault: Fault) {
        self.with(|disk| disk.fault = fault);
    }

    pub(crate) fn tip(&self) -> Height {
        self.with(|disk| disk.decided.keys().next_back().copied().unwrap_or_default())
    }

    /// The encoded block of a decided height.
    pub(crate) fn block(&self, height: Height) -> Vec<u8> {
        self.with(|disk| disk.decided[&height].bytes.clone())
    }

    fn blocks(&self) -> Vec<(CommitCertificate, Block)> {
        let decided = self.with(|disk| disk.decided.values().cloned().collect::<Vec<_>>());
        decided
            .into_iter()
            .map(|entry| (entry.certificate, Block::decode(&entry.bytes, BLOCK_BYTES_MAX).unwrap()))
            .collect()
    }

    /// How many blocks after `height` a validator proposed.
    pub(crate) fn proposed_by(&self, address: ValidatorAddress, height: Height) -> usize {
        let blocks = self.blocks();
        let by = |block: &Block| ValidatorAddress::from(block.header.proposer_address) == address;
        blocks.iter().filter(|(certificate, block)| certificate.height > height && by(block)).count()
    }

    pub(crate) fn rounds_lost(&self) -> u32 {
        self.blocks().iter().map(|(certificate, _)| certificate.round).sum()
    }

    pub(crate) fn transactions(&self) -> Vec<Vec<u8>> {
        self.blocks().into_iter().flat_map(|(_, block)| block.transactions).collect()
    }

    pub(crate) fn lost_a_body(&self) -> bool {
        self.with(|disk| matches!(disk.fault, Fault::LostBody { .. }))
    }
}

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

    fn wal(&self, position: usize) -> std::path::PathBuf {
        self.wal_dir(position).join("consensus.wal")
    }

    /// Flips a bit in the first entry of a node's write-ahead log.
    pub(crate) fn damage_wal(&self, position: usize) {
        let path = self.wal(position);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[LOG_HEADER + ENTRY_HEADER] ^= 1;
        std::fs::write(path, bytes).unwrap();
    }

    /// Whether a validator's write-ahead log has a vote or a proposal of its own: it is there before it is sent.
    pub(crate) fn has_signed(&self, position: usize) -> bool {
        let (log, own) = (std::fs::read(self.wal(position)).unwrap(), self.address(position).0);
        let mut rest = log.get(LOG_HEADER..).unwrap_or_default();
        // The entry's header is a flag, the length, and a checksum. One that is being written is not there yet.
        while let Some((header, after)) = rest.split_at_checked(ENTRY_HEADER) {
            let length = u64::from_be_bytes(header[1..9].try_into().unwrap());
            let Some((entry, next)) = after.split_at_checked(usize::try_from(length).unwrap()) else { break };
            if entry[0] == SIGNED && entry.windows(own.len()).any(|part| part == own) {
                return true;
            }
            rest = next;
        }
        false
    }

    /// A validator lacks the block that it decided, and what it had signed is out of its log.
    pub(crate) async fn until_sitting_out(&self, position: usize) {
        let sitting_out = async {
            while !self.disk(position).lost_a_body() || self.has_signed(position) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(DEADLINE, sitting_out).await.unwrap();
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

/// The smallest application there is: every block is fine that follows the last.
struct Memory {
    rules: HeaderRules,
    set: ValidatorSet,
    address: Option<ValidatorAddress>,
    disk: Disk,
    pacing: Pacing,
}

impl Memory {
    fn params(&self) -> HeightParams {
        HeightParams { validators: self.set.clone(), timeouts: Timeouts::default() }
    }

    fn last(&self) -> Option<CommitCertificate> {
        self.disk.with(|disk| disk.decided.values().next_back().map(|block| block.certificate.clone()))
    }

    fn expected(&self) -> Expected {
        let last = self.last();
        let height = last.as_ref().map_or(Height::FIRST, |last| last.height.next());
        Expected {
            height,
            last: last.map(|last| LastBlock { reference: last.block, validators: self.set.clone() }),
            validators: self.set.clone(),
            next_validators: self.set.clone(),
            app_hash: AppHash(Hash32([7; 32])),
            last_results_hash: results_hash(&[]),
        }
    }

    fn build(&self, height: Height, round: u32, proposer: ValidatorAddress) -> Body {
        let mut expected = self.expected();
        if self.disk.with(|disk| disk.fault == Fault::ProposesWrongAppHash) {
            expected.app_hash = AppHash(Hash32([8; 32]));
        }
        let time = BlockTime::for_block_after(expected.time_before(&self.rules), now());
        let commit = self.last().map(|last| last.to_commit(&self.set));
        let transactions = self.disk.with(|disk| disk.waiting.clone());
        let block = next_block(&self.rules, &expected, proposer, time, transactions, commit);
        let bytes = block.encode();
        let block = BlockRef::of(&block.header, &bytes).unwrap();
        Body { proposed: Proposed { height, round, valid_round: None, proposer, block }, bytes }
    }

    fn is_valid(&self, proposed: &Proposed, origin: Origin, bytes: &[u8]) -> bool {
        let Ok(block) = Block::decode(bytes, BLOCK_BYTES_MAX) else { return false };
        let proposer = (origin != Origin::Sync).then_some(proposed.proposer);
        proposed.block.names_header(&block.header)
            && judge_block(&self.rules, &self.expected(), proposer, now(), &block).is_ok()
    }
}

#[async_trait]
impl Application for Memory {
    async fn start(&mut self) -> Result<Start, ApplicationFatal> {
        if self.disk.with(|disk| disk.fault == Fault::DiskFull) {
            return Err(ApplicationFatal("no space left on device".into()));
        }
        let height = self.expected().height;
        let sits_out = self.disk.with(|disk| disk.body_missing == Some(height));
        Ok(Start { height, params: self.params(), sits_out })
    }

    async fn known(&mut self, height: Height, round: u32) -> Result<Vec<Known>, ApplicationFatal> {
        let of_round = |(body, valid): &(Body, bool)| {
            let proposed = body.proposed;
            (proposed.height == height && proposed.round == round).then_some(Known { proposed, valid: *valid })
        };
        Ok(self.disk.with(|disk| disk.undecided.values().filter_map(of_round).collect()))
    }

    async fn propose(
        &mut self,
        height: Height,
        round: u32,
        _deadline: Duration,
    ) -> Result<Option<Body>, ApplicationFatal> {
        let Some(proposer) = self.address else { return Ok(None) };
        let known = self.disk.with(|disk| {
            let own = |body: &Body| {
                let proposed = body.proposed;
                (proposed.height, proposed.round, proposed.proposer) == (height, round, proposer)
            };
            disk.undecided.values().map(|(body, _)| body).find(|body| own(body)).cloned()
        });
        let body = known.unwrap_or_else(|| self.build(height, round, proposer));
        self.disk.with(|disk| disk.undecided.insert(body.proposed.block, (body.clone(), true)));
        Ok(Some(body))
    }

    async fn judge(&mut self, proposed: &Proposed, origin: Origin, bytes: &[u8]) -> Result<Verdict, ApplicationFatal> {
        if origin == Origin::Sync && self.disk.with(|disk| disk.fault == Fault::LostBody { taken: false }) {
            return Ok(Verdict::Unavailable);
        }
        let valid = self.is_valid(proposed, origin, bytes);
        let body = Body { proposed: *proposed, bytes: bytes.to_vec() };
        self.disk.with(|disk| disk.undecided.insert(proposed.block, (body, valid)));
        Ok(if valid { Verdict::Valid } else { Verdict::Invalid })
    }

    async fn body(&mut self, block: &BlockRef) -> Result<Option<Body>, ApplicationFatal> {
        Ok(self.disk.with(|disk| disk.undecided.get(block).map(|(body, _)| body.clone())))
    }

    async fn decide(&mut self, certificate: CommitCertificate) -> Result<Decision, ApplicationFatal> {
        certificate.check(&self.rules.chain_id, &self.set).map_err(|e| ApplicationFatal(e.into()))?;
        Ok(self.disk.with(|disk| {
            if let Fault::LosesBody { height, taken } = disk.fault
                && height == certificate.height
            {
                disk.fault = Fault::LostBody { taken };
                disk.undecided.clear();
            }
            let Some((body, _)) = disk.undecided.remove(&certificate.block) else {
                disk.body_missing = Some(certificate.height);
                return Decision::BodyMissing;
            };
            let block = Block::decode(&body.bytes, BLOCK_BYTES_MAX).unwrap();
            disk.waiting.retain(|transaction| !block.transactions.contains(transaction));
            disk.undecided.retain(|_, (body, _)| body.proposed.height > certificate.height);
            disk.decided.insert(certificate.height, DecidedBlock { certificate, bytes: body.bytes });
            Decision::Durable
        }))
    }

    async fn next(&mut self, _height: Height, evidence: Vec<Equivocation>) -> Result<Next, ApplicationFatal> {
        assert!(evidence.is_empty(), "nobody signs twice here: {evidence:?}");
        let transactions_wait = self.disk.with(|disk| !disk.waiting.is_empty());
        Ok(Next { params: self.params(), pacing: self.pacing, transactions_wait })
    }

    async fn decided(&mut self, range: RangeInclusive<Height>) -> Result<Vec<DecidedBlock>, ApplicationFatal> {
        Ok(self.disk.with(|disk| disk.decided.range(range).map(|(_, block)| block.clone()).collect()))
    }

    async fn history_min(&mut self) -> Result<Height, ApplicationFatal> {
        Ok(Height::FIRST)
    }
}
