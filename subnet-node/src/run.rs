//! One node, from its home to a stop signal.
//!
//! Each line makes one thing from the lines above it; what is made last is stopped first.

use std::fs;
use std::io;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tributary_chain::ConsensusKey;
use tributary_consensus::{Config, Engine, EngineStopped, Running, Wake};
use tributary_fvm::{Executor, ExecutorFatal};
use tributary_genesis::{Genesis, Keys, SealedGenesis};
use tributary_gossip::{Gossip, GossipConfig, Multiaddr, NetworkKey};
use tributary_replica::filling::Filling;
use tributary_rpc::RpcServer;
use tributary_service::http;
use tributary_service::stop::StopSignal;
use tributary_store::{ChainIdentity, Store};

use crate::application::Node;
use crate::backend::NodeBackend;
use crate::check::checker::Checker;
use crate::checkpoints::Checkpoints;
use crate::comet::CometChain;
use crate::committer::Committer;
use crate::config::NodeConfig;
use crate::ending::Ending;
use crate::facts::ChainFacts;
use crate::gossiping;
use crate::halt::{self, Halt};
use crate::history::pruner::Pruner;
use crate::home::Home;
use crate::ledger::Ledger;
use crate::ledger::trees::Trees;
use crate::metrics::Metrics;
use crate::parent::follow::Follower;
use crate::parent::{Acceptance, Parent};
use crate::pool::Pool;
use crate::status::Status;

/// Version of what this node writes into its store. Raised when a node could misread what an older one wrote.
pub const STORE_FORMAT: u32 = 3;
/// What to look at after the engine stopped for safety.
const VOTES_AT_RISK: &str = "Starting again could sign against an earlier vote: look whether the disk is sound, and make sure that no \
                             other process uses this node's keys";
/// How long the engine waits for peers before its first height.
const SETTLE: Duration = Duration::from_millis(300);
/// Validators on one machine all have one address.
const CONNECTIONS_PER_IP_MAX: usize = 256;
/// How often consensus is asked how many peers it has, and how far they are.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// A file of the home that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {why}; `subnet-node init` makes a home", path = .path.display())]
pub struct HomeRejected {
    path: PathBuf,
    why: io::Error,
}

/// An address in the configuration that is none.
#[derive(Debug, thiserror::Error)]
#[error("configuration: gossip address {0:?} is no multiaddress such as /ip4/127.0.0.1/tcp/26657")]
pub struct AddressRejected(String);

/// Reads and verifies the genesis document of a home.
///
/// # Errors
/// What is wrong with the file or the document.
pub fn read_genesis(home: &Home) -> anyhow::Result<SealedGenesis> {
    let path = home.genesis();
    let json = fs::read(&path).map_err(|why| HomeRejected { path, why })?;
    Ok(Genesis::from_json(&json)?.verify()?)
}

/// Runs the node until a signal asks it to stop.
///
/// # Errors
/// What kept it from starting, or made it stop.
pub async fn run(home: &Home, config: NodeConfig, mut stop: StopSignal) -> anyhow::Result<()> {
    home.check_safety_halt()?;
    let genesis = read_genesis(home)?;
    let keys = Keys::read(&home.keys())?;
    let facts = Arc::new(ChainFacts::of(&genesis)?);
    let parent = Parent::of(&facts.subnet, &config.parent)?;
    let identity = ChainIdentity { genesis: facts.genesis_id, format: STORE_FORMAT };
    let store = Store::open(&home.data(), &config.store(), &identity)?;
    let executor = Executor::with_workers(facts.execution(), Some(&home.code_cache()), config.workers())?;
    let (wake, metrics) = (Wake::new(), Arc::new(Metrics::new()));
    let (halt, mut halted) = halt::wire();
    let trees = Trees { every: config.storage.trees_every, halt: halt.clone(), metrics: Arc::clone(&metrics) };
    let ledger = Arc::new(Ledger::open(Arc::clone(&facts), store, executor, &genesis, trees)?);
    let (gossip, gossip_events) = Gossip::start(gossip_config(&facts, &config, &keys)?).await?;
    let pool = Pool::new(config.mempool(), Arc::clone(&ledger), gossip.clone(), wake.clone(), Arc::clone(&metrics));
    let pool = Arc::new(pool);
    let checkpoints = Arc::new(Checkpoints::open(Arc::clone(&ledger), &keys.bls, gossip.clone())?);
    let gossiping = tokio::spawn(gossiping::run(
        gossip_events,
        gossip.clone(),
        Arc::clone(&pool),
        Arc::clone(&checkpoints),
        halt.clone(),
    ));
    let status = Status::new(
        Arc::clone(&ledger),
        Arc::clone(&pool),
        Arc::clone(&checkpoints),
        gossip.clone(),
        Arc::clone(&metrics),
    );
    let status = Arc::new(status);
    let acceptance = Acceptance::default();
    let following = parent.map(|parent| {
        let (ledger, checkpoints) = (Arc::clone(&ledger), Arc::clone(&checkpoints));
        let (acceptance, metrics, halt) = (acceptance.clone(), Arc::clone(&metrics), halt.clone());
        Follower { parent, ledger, checkpoints, acceptance, metrics, halt }.start()
    });
    let backend = NodeBackend::new(
        Arc::clone(&ledger),
        Arc::clone(&pool),
        Arc::clone(&status),
        acceptance,
        config.rpc().call_time_max,
        halt.clone(),
    );
    let comet = CometChain::new(&config, &keys, &genesis, Arc::clone(&ledger), Arc::clone(&status), halt.clone())?;
    let checker = checker(home, &config, &ledger, halt.clone(), &metrics)?;
    let keeping = config.keeping(facts.checkpoint_period());
    let pruner = Pruner::start(ledger.store().as_ref().clone(), keeping, halt.clone(), Arc::clone(&metrics))?;
    let rpc = RpcServer::start(config.rpc(), Arc::new(backend), Arc::new(comet), metrics.rpc().clone()).await?;
    let service = http::bind(config.service.listen, "health and metrics").await?;
    let (stopped, mut stopping) = watch::channel(false);
    let service = tokio::spawn(http::serve(service, status.clone(), async move {
        drop(stopping.changed().await);
    }));
    let key = ConsensusKey::from_seed(keys.consensus_seed);
    let (me, filling) = (key.public_key().address(), Filling::new(facts.filling(config.block_time_budget())));
    let committer = Committer {
        ledger: Arc::clone(&ledger),
        pool: Arc::clone(&pool),
        checkpoints,
        metrics: Arc::clone(&metrics),
        checker: checker.clone(),
        halt,
    };
    let committer = Arc::new(committer);
    let node = Node::new(Arc::clone(&ledger), pool, committer, metrics, me, filling);
    let mut engine = Engine::start(engine_config(home, &facts, &config, &keys, key, wake), node).await?;
    tracing::info!(
        chain = %facts.rules.chain_id, subnet = %facts.subnet, height = %ledger.head().height,
        rpc = %rpc.local_addr(), gossip = %gossip.address(), "node is up"
    );

    let mut ending = Ending::default();
    tokio::select! {
        // In this order: consensus ends over what a hand met, and it is the hand that knows why.
        biased;
        signal = stop.wait() => tracing::info!(signal, "stopping"),
        why = halted.wait() => { tracing::error!(%why, "stopping: this node cannot go on"); ending.met = Some(why); }
        why = watch_engine(&mut engine, &status) => ending.consensus = Some(why),
    }
    status.stopping();
    if ending.consensus.is_none() {
        ending.consensus = engine.stop().await.err();
    }
    if let Some(why) = ending.safety_halt() {
        // Before anything else can go wrong: no supervisor may start the node again before a person looked.
        if let Err(unmarked) = home.mark_safety_halt(&format!("{why}\n{VOTES_AT_RISK}")) {
            tracing::error!(%why, %unmarked, "the note that keeps this node down cannot be written: do not start it again before you looked");
        }
    }
    // A commit that was on its way ends with the engine, and may have met something meanwhile.
    ending.met = ending.met.or_else(|| halted.met());
    rpc.stop().await;
    gossip.stop().await;
    drop(gossiping.await);
    if let Some(following) = following {
        following.stop().await;
    }
    if let Some(checker) = checker {
        tokio::task::spawn_blocking(move || checker.stop()).await?;
    }
    tokio::task::spawn_blocking(move || pruner.stop()).await?;
    stopped.send_replace(true);
    drop(service.await);
    ending.unsaved = save(&ledger).err();
    tracing::info!(height = %ledger.head().height, "stopped");
    ending.conclude()
}

fn save(ledger: &Ledger) -> anyhow::Result<()> {
    ledger.save()?;
    Ok(ledger.store().flush()?)
}

/// What checks every so many blocks, if any are to be. It has an engine of its own: what it holds, no block waits for.
fn checker(
    home: &Home,
    config: &NodeConfig,
    ledger: &Ledger,
    halt: Halt,
    metrics: &Arc<Metrics>,
) -> Result<Option<Arc<Checker>>, ExecutorFatal> {
    let Some(every) = NonZeroU64::new(config.execution.self_check_every) else { return Ok(None) };
    let executor = Executor::new(ledger.facts().execution(), Some(&home.code_cache()))?;
    let past = Arc::clone(ledger.past());
    Ok(Some(Arc::new(Checker::new(every, executor, past, home.clone(), halt, Arc::clone(metrics)))))
}

/// Keeps what the status tells of consensus fresh until the engine stops by itself, which it should not.
async fn watch_engine(engine: &mut Running, status: &Status) -> EngineStopped {
    let mut again = tokio::time::interval(WATCH_EVERY);
    loop {
        tokio::select! {
            ended = engine.wait() => {
                let lost = EngineStopped::Unavailable(tributary_consensus::EngineUnavailable::Lost);
                return ended.err().unwrap_or(lost);
            }
            _ = again.tick() => {}
        }
        status.saw(engine.peers().await.unwrap_or(0), engine.progress().proposed);
    }
}

fn gossip_config(facts: &ChainFacts, config: &NodeConfig, keys: &Keys) -> Result<GossipConfig, AddressRejected> {
    let parse = |text: &String| text.parse::<Multiaddr>().map_err(|_| AddressRejected(text.clone()));
    Ok(GossipConfig {
        chain_id: facts.rules.chain_id.as_str().to_owned(),
        network_key: NetworkKey(keys.network_seed),
        listen: parse(&config.gossip.listen)?,
        peers: config.gossip.peers.iter().map(parse).collect::<Result<_, _>>()?,
        limits: config.gossip_limits(),
    })
}

fn engine_config(
    home: &Home,
    facts: &ChainFacts,
    config: &NodeConfig,
    keys: &Keys,
    key: ConsensusKey,
    wake: Wake,
) -> Config {
    Config {
        chain_id: facts.rules.chain_id.clone(),
        moniker: config.moniker.clone(),
        key: Some(key),
        network_seed: keys.network_seed,
        listen: config.consensus.listen.clone(),
        peers: config.consensus.peers.clone(),
        discovery: config.consensus.discovery,
        connections_per_ip_max: CONNECTIONS_PER_IP_MAX,
        wal_dir: home.wal(),
        block_bytes_max: facts.rules.block_bytes_max,
        settle: SETTLE,
        wake,
    }
}
