//! A node's own parts in this process, driven as consensus and the RPC drive them: at moments that no network of processes can be brought to.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tributary_chain::{Block, BlockRef, CommitCertificate, ValidatorAddress};
use tributary_consensus::{Application, DecidedBlock, Decision, Proposed, Wake};
use tributary_fvm::{TraceLimits, TraceRequest, Wanted};
use tributary_genesis::Keys;
use tributary_gossip::{Gossip, GossipConfig, GossipLimits, NetworkKey};
use tributary_node::application::Node;
use tributary_node::backend::NodeBackend;
use tributary_node::checkpoints::Checkpoints;
use tributary_node::committer::Committer;
use tributary_node::halt::{self, Halt, Halted};
use tributary_node::kept::Kept;
use tributary_node::ledger::Ledger;
use tributary_node::ledger::heads::RECENT;
use tributary_node::metrics::Metrics;
use tributary_node::parent::Acceptance;
use tributary_node::pool::Pool;
use tributary_node::status::Status;
use tributary_primitives::{EthAddress, Hash32, Height};
use tributary_replica::filling::{Fill, FillRules, Filling};
use tributary_rpc::{Backend, ReadUnavailable};

use crate::ledger::{Decided, decided, ledger, make};
use crate::network::{Network, Plan};
use crate::wallet::Wallet;

/// A chain that nobody signed for, and a node that has none of it yet.
struct Bench {
    source: Ledger,
    sender: EthAddress,
    parts: Parts,
    halt: Halt,
    halted: Halted,
    network: Network,
    _directories: [TempDir; 2],
}

/// What a node is made of, but for consensus and the RPC.
struct Parts {
    ledger: Arc<Ledger>,
    pool: Arc<Pool>,
    checkpoints: Arc<Checkpoints>,
    metrics: Arc<Metrics>,
    status: Arc<Status>,
}

impl Bench {
    /// A chain of so many blocks, each with so many transfers of one sender, and trees at genesis only.
    async fn new(blocks: u64, transfers: usize) -> Self {
        let network = Network::planned(Plan::root(1));
        let directories = [(); 2].map(|()| TempDir::new().unwrap());
        let [source, own] = directories.each_ref().map(|directory| ledger(directory.path(), &network, 1_000));
        let mut wallet = Wallet::rich();
        for _ in 0..blocks {
            let transfers: Vec<_> = (0..transfers).map(|_| wallet.next_transfer()).collect();
            make(&source, &transfers.iter().collect::<Vec<_>>());
        }
        let (halt, halted) = halt::wire();
        let (parts, sender) = (Parts::of(own, &network).await, wallet.address());
        Self { source, sender, parts, halt, halted, network, _directories: directories }
    }

    fn node(&self) -> Node {
        self.node_that_fills(self.parts.ledger.facts().filling(None))
    }

    fn node_that_fills(&self, rules: FillRules) -> Node {
        let Parts { ledger, pool, checkpoints, metrics, .. } = &self.parts;
        let committer = Committer {
            ledger: Arc::clone(ledger),
            pool: Arc::clone(pool),
            checkpoints: Arc::clone(checkpoints),
            metrics: Arc::clone(metrics),
            checker: None,
            halt: self.halt.clone(),
        };
        let (committer, filling) = (Arc::new(committer), Filling::new(rules));
        Node::new(Arc::clone(ledger), Arc::clone(pool), committer, Arc::clone(metrics), self.me(), filling)
    }

    fn backend(&self, patience: Duration) -> NodeBackend {
        let Parts { ledger, pool, status, .. } = &self.parts;
        let (ledger, pool, status) = (Arc::clone(ledger), Arc::clone(pool), Arc::clone(status));
        NodeBackend::new(ledger, pool, status, Acceptance::default(), patience, self.halt.clone())
    }

    fn me(&self) -> ValidatorAddress {
        self.parts.ledger.facts().validators.with_addresses().next().unwrap().0
    }

    /// The source's block at `height` lies among the node's proposals; who decided it.
    fn propose(&self, height: Height) -> DecidedBlock {
        let Decided { certificate, bytes, .. } = decided(&self.source, height);
        let CommitCertificate { block, .. } = certificate;
        let proposed = Proposed { height, round: 0, valid_round: None, proposer: self.me(), block };
        Kept { proposed, valid: true, bytes: bytes.clone() }.put(self.parts.ledger.store()).unwrap();
        DecidedBlock { certificate, bytes }
    }

    fn heights(&self) -> impl Iterator<Item = Height> + use<> {
        (1..=self.source.head().height.0).map(Height)
    }

    fn commit_all(&self) {
        for height in self.heights() {
            let Decided { certificate, bytes, block, transactions } = decided(&self.source, height);
            self.parts.ledger.commit(certificate, &block, &bytes, &transactions).unwrap().expect("it is new");
        }
    }
}

impl Parts {
    async fn of(ledger: Ledger, network: &Network) -> Self {
        let keys = Keys::read(&network.home(0).keys()).unwrap();
        let (ledger, metrics) = (Arc::new(ledger), Arc::new(Metrics::new()));
        let config = GossipConfig {
            chain_id: ledger.facts().rules.chain_id.as_str().to_owned(),
            network_key: NetworkKey(keys.network_seed),
            listen: "/ip4/127.0.0.1/tcp/0".parse().unwrap(),
            peers: Vec::new(),
            limits: GossipLimits::default(),
        };
        // What comes from peers nobody reads: there are none.
        let (gossip, _) = Gossip::start(config).await.unwrap();
        let limits = tributary_replica::mempool::MempoolLimits::default();
        let pool = Pool::new(limits, Arc::clone(&ledger), gossip.clone(), Wake::new(), Arc::clone(&metrics));
        let checkpoints = Checkpoints::open(Arc::clone(&ledger), &keys.bls, gossip.clone()).unwrap();
        let (pool, checkpoints) = (Arc::new(pool), Arc::new(checkpoints));
        let status =
            Status::new(Arc::clone(&ledger), Arc::clone(&pool), Arc::clone(&checkpoints), gossip, Arc::clone(&metrics));
        Self { ledger, pool, checkpoints, metrics, status: Arc::new(status) }
    }
}

/// Blocks take longer to run than decisions to be kept, so each is decided while the one below is owed.
#[tokio::test(flavor = "multi_thread")]
async fn decisions_that_come_while_a_block_is_owed_are_committed_in_order_and_shown_to_who_asks_for_them() {
    const BLOCKS: u64 = 8;
    let mut bench = Bench::new(BLOCKS, 100).await;
    let mut node = bench.node();
    assert_eq!(node.start().await.unwrap().height, Height(1));
    let (mut chain, mut owed) = (Vec::new(), 0);
    let head = |bench: &Bench| bench.parts.ledger.head().height;
    for height in bench.heights() {
        if height.0 % 4 == 3 {
            let certificate = decided(&bench.source, height).certificate;
            assert!(matches!(node.decide(certificate).await.unwrap(), Decision::BodyMissing), "{height}");
            assert_eq!(node.decided(Height(1)..=height).await.unwrap(), chain, "not decided is not there");
        }
        chain.push(bench.propose(height));
        let certificate = chain.last().unwrap().certificate.clone();
        owed += u64::from(head(&bench).next() < height);
        assert!(matches!(node.decide(certificate.clone()).await.unwrap(), Decision::Durable), "{height}");
        if height.0.is_multiple_of(2) {
            // A peer asks for it, and for the next one; what is owed is waited for.
            assert_eq!(node.decided(Height(1)..=height.next()).await.unwrap(), chain, "{height}");
            assert_eq!(head(&bench), height);
            assert!(matches!(node.decide(certificate).await.unwrap(), Decision::Durable), "{height}, told again");
        }
    }
    assert!(owed > 0, "a decision came while the block below was owed");
    drop(node);
    let Bench { parts, source, .. } = &bench;
    assert_eq!(parts.ledger.head().height, Height(BLOCKS), "who lets go of a node waits for what is owed");
    for height in bench.heights() {
        assert_eq!(parts.ledger.record_at(height).unwrap(), source.record_at(height).unwrap(), "{height}");
    }
    assert!(bench.halted.met().is_none());
}

/// Its votes at that height may be forgotten by then, and the decision alone says that there were some.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_started_again_without_a_block_it_decided_sits_that_height_out_and_takes_no_other_block() {
    let bench = Bench::new(2, 1).await;
    let mut node = bench.node();
    for height in bench.heights() {
        let start = node.start().await.unwrap();
        assert_eq!((start.height, start.sits_out), (height, false));
        let certificate = decided(&bench.source, height).certificate;
        assert!(matches!(node.decide(certificate.clone()).await.unwrap(), Decision::BodyMissing), "{height}");
        for _ in 0..2 {
            node = bench.node();
            let start = node.start().await.unwrap();
            assert_eq!((start.height, start.sits_out), (height, true));
            let again = node.decide(certificate.clone()).await.unwrap();
            assert!(matches!(again, Decision::BodyMissing), "{height}, told again");
        }
        let other = BlockRef { hash: Hash32([7; 32]), ..certificate.block };
        let refused = node.decide(CommitCertificate { block: other, ..certificate.clone() }).await.unwrap_err();
        assert!(refused.to_string().contains("is not the one decided at height"), "{refused}");
        bench.propose(height);
        if height == Height(1) {
            // The engine decides with the block that it was sent.
            assert!(matches!(node.decide(certificate).await.unwrap(), Decision::Durable));
        }
        // For the last one this node was killed once it had the block.
        node = bench.node();
    }
    let start = node.start().await.unwrap();
    assert_eq!((start.height, start.sits_out), (Height(3), false));
    for height in bench.heights() {
        let own = bench.parts.ledger.record_at(height).unwrap();
        assert_eq!(own, bench.source.record_at(height).unwrap(), "{height}");
    }
}

/// An hour is more than any block takes, and a nanosecond less. Where a turn was passed over, so was somebody who had proposed the block before.
#[tokio::test(flavor = "multi_thread")]
async fn a_proposer_fills_less_once_execution_lags_or_its_turn_is_passed_over() {
    const WAITING: usize = 50;
    const MOST: u64 = 40;
    const LEAST: u64 = 4;
    const TRANSFER_GAS: u64 = 21_000;
    let (hour, nanosecond) = (Duration::from_secs(3_600), Duration::from_nanos(1));
    for (budget, round, filled) in [(hour, 0, [40, 40, 40]), (nanosecond, 0, [40, 4, 4]), (hour, 1, [40, 40, 20])] {
        let mut bench = Bench::new(0, 0).await;
        let rules = bench.parts.ledger.facts().filling(Some(budget));
        let most = Fill { gas: MOST * TRANSFER_GAS, ..rules.most };
        let least = Fill { gas: LEAST * TRANSFER_GAS, ..rules.least };
        let mut node = bench.node_that_fills(FillRules { most, least, ..rules });
        let (mut wallet, mut found) = (Wallet::rich(), Vec::new());
        for (height, round) in (1..).map(Height).zip([0, round, 0]) {
            let transfers = (0..WAITING).map(|_| wallet.next_transfer().raw().to_vec()).collect();
            assert!(bench.parts.pool.submit(transfers).unwrap().iter().all(Result::is_ok));
            let body = node.propose(height, round, Duration::ZERO).await.unwrap().unwrap();
            found.push(Block::decode(&body.bytes, usize::MAX).unwrap().transactions.len());
            let block = body.proposed.block;
            let certificate = CommitCertificate { height, round, block, signatures: Vec::new() };
            assert!(matches!(node.decide(certificate).await.unwrap(), Decision::Durable), "{height}");
            assert_eq!(node.decided(height..=height).await.unwrap().len(), 1, "it is waited for");
        }
        assert_eq!(found, filled, "a budget of {budget:?}, the second block in round {round}");
        assert!(bench.halted.met().is_none());
    }
}

/// With no time at all what is to be made is refused, and what is read is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_block_a_little_behind_the_head_is_read_in_no_time_and_one_further_back_in_the_time_there_is() {
    let recent = u64::try_from(RECENT).unwrap();
    let last = recent + 3;
    let mut bench = Bench::new(last, 1).await;
    bench.commit_all();
    let nonce = |backend: &NodeBackend, height: Height| {
        let state = backend.state_at(height)?;
        state.eth_nonce(&bench.sender)
    };
    let (hasty, patient) = (bench.backend(Duration::ZERO), bench.backend(Duration::from_secs(60)));
    let late = |height| Err(ReadUnavailable::StateNotMade { height, patience: Duration::ZERO });
    let is_recent = |height: Height| height.0 + recent > last;
    assert_eq!(nonce(&hasty, Height::GENESIS), Ok(0), "its trees are on disk");
    for height in bench.heights() {
        let expected = if is_recent(height) { Ok(height.0) } else { late(height) };
        assert_eq!(nonce(&hasty, height), expected, "{height}");
    }
    let limits = TraceLimits { steps_max: u64::MAX, bytes_max: u64::MAX, is_late: Arc::new(|| false) };
    let request = TraceRequest { wanted: Wanted::Calls { only_top: true }, limits };
    for height in bench.heights() {
        let before = height.previous().unwrap();
        let expected = if before == Height::GENESIS || is_recent(before) {
            Ok(1)
        } else {
            Err(ReadUnavailable::StateNotMade { height: before, patience: Duration::ZERO })
        };
        let traced = hasty.replay(height, 0..1, &request);
        assert_eq!(traced.map(|traced| traced.unwrap().len()), expected, "the trace of {height}");
    }
    for height in bench.heights().filter(|height| !is_recent(*height)) {
        if height == Height(3) {
            // From here on what the first block changed is nowhere but in the states that were made.
            let store = bench.parts.ledger.store();
            store.delete_state(Height::GENESIS, true).unwrap();
            store.delete_state(Height(1), false).unwrap();
        }
        assert_eq!(nonce(&patient, height), Ok(height.0));
        assert_eq!(nonce(&hasty, height), Ok(height.0), "it was made for another");
    }
    drop((hasty, patient));
    assert!(bench.halted.met().is_none() && bench.network.home(0).path().exists());
}
