//! Starts and stops the engine.
//!
//! ```text
//! start ─▶ actors up, one task answers them ─┬─ asked to stop ──▶ actors stopped, children first ─▶ Ok
//!                                            ├─ an actor died ──▶ Unavailable: may start again
//!                                            ├─ safety halt ────▶ Fatal: stays down
//!                                            └─ application ────▶ Fatal
//! ```
//!
//! The engine tells a safety halt apart by staying: it stops its parts, so that messages end, and keeps its supervisor alive.
//! Children are stopped before the supervisor, since only then do the network's sockets close.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use malachite_app_channel::{
    Channels, ConsensusContext, EngineBuilder, EngineHandle, NetworkContext, NetworkIdentity, NetworkRequest,
    RequestContext, SyncContext, WalContext,
};
use malachite_codec::Codec;
use malachite_signing::Signer;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::Instrument;
use tributary_chain::ValidatorAddress;
use tributary_primitives::Height;

use crate::application::{Application, ApplicationFatal};
use crate::bridge::{Bridge, Parts};
use crate::codec::BorshCodec;
use crate::config::{Config, keypair};
use crate::context::{Address, Chain};
use crate::signer::{ChainSigner, ChainVerifier};
use crate::stopped::{EngineFatal, EngineStopped, EngineUnavailable, NotStarted};

/// How long the parts of the engine get to stop, and its supervisor to say that it did.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// How often it is looked whether the write-ahead log is closed.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Questions to the engine that may wait for it, of `status` calls.
const REQUESTS_MAX: usize = 100;

/// Starts engines.
#[derive(Debug)]
pub struct Engine;

/// How far the engine has come. Cheap to read at any time.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The height being decided, or held.
    pub height: Height,
    /// Its round.
    pub round: u32,
    /// The last height that is durable here.
    pub decided: Height,
    /// Whether the next height waits for transactions.
    pub held: bool,
    /// The height that another validator last proposed for, signed by it; 0 before the first. More than one above `decided` means
    /// that this node is behind, unless that validator lies; the next one's proposal corrects it.
    pub proposed: Height,
}

/// An engine that was started. Dropping it stops it, without waiting.
#[derive(Debug)]
pub struct Running {
    task: JoinHandle<Result<(), EngineStopped>>,
    stop: watch::Sender<bool>,
    progress: watch::Receiver<Progress>,
    network: mpsc::Sender<NetworkRequest>,
}

impl Engine {
    /// Starts an engine that asks `application`. Returns once its parts are up; [`Application::start`] is asked after that.
    ///
    /// # Errors
    /// [`NotStarted`]: a setting is wrong, or something it needs is taken.
    pub async fn start(config: Config, application: impl Application) -> Result<Running, NotStarted> {
        let (span, wal) = (tracing::info_span!("engine", chain = %config.chain_id), wal_of(&config));
        let (channels, handle) = build(&config).instrument(span.clone()).await?;
        let (stop, stop_asked) = watch::channel(false);
        let (progress_now, progress) = watch::channel(Progress::default());
        let network = channels.net_requests.clone();
        let verifier = ChainVerifier { chain_id: config.chain_id };
        let signer = config.key.map(|key| ChainSigner { verifier: verifier.clone(), key });
        let bridge = Bridge::new(Parts {
            application,
            verifier,
            signer,
            block_bytes_max: config.block_bytes_max,
            settle: config.settle,
            network: channels.network.clone(),
            events: channels.events.clone(),
            wake: config.wake,
            progress: progress_now,
        });
        let whole = async move {
            let ended = run(bridge, channels, handle, stop_asked).await;
            let_go(&wal).await;
            ended
        };
        let task = tokio::spawn(whole.instrument(span));
        Ok(Running { task, stop, progress, network })
    }
}

async fn build(config: &Config) -> Result<(Channels<Chain>, EngineHandle), NotStarted> {
    let engine = config.to_engine()?;
    let unavailable = |reason: &dyn std::fmt::Display| EngineUnavailable::Start(reason.to_string());
    make_log(config).map_err(|e| unavailable(&e))?;
    let (identity, consensus) = identify(config).await.map_err(|e| unavailable(&e))?;
    EngineBuilder::new(Chain, engine)
        .with_default_wal(WalContext::new(wal_of(config), BorshCodec))
        .with_default_network(NetworkContext::new(identity, BorshCodec))
        .with_default_sync(SyncContext::new(BorshCodec))
        .with_default_consensus(consensus)
        .with_default_request(RequestContext::new(REQUESTS_MAX))
        .build()
        .await
        .map_err(|e| unavailable(&e).into())
}

fn wal_of(config: &Config) -> PathBuf {
    config.wal_dir.join("consensus.wal")
}

/// Makes the write-ahead log where there is none, empty, which the engine takes for a new one, and brings its name to the disk: the engine brings
/// there what it writes into a log, and a log whose name is lost is lost with its votes. At every start, since one before may have been cut short.
fn make_log(config: &Config) -> io::Result<()> {
    fs::create_dir_all(&config.wal_dir)?;
    drop(File::options().create(true).append(true).open(wal_of(config))?);
    let directory = config.wal_dir.canonicalize()?;
    let above = directory.parent().unwrap_or(&directory);
    [directory.as_path(), above].iter().try_for_each(|named| File::open(named)?.sync_all())
}

/// Waits until the write-ahead log is closed. It has a thread of its own, for which no part of the engine waits, and whoever starts the engine
/// again needs the lock on its file.
async fn let_go(wal: &Path) {
    let is_closed = || File::open(wal).map_or(true, |file| file.try_lock().is_ok());
    let closed = async {
        while !is_closed() {
            sleep(LOOK_EVERY).await;
        }
    };
    if timeout(STOP_TIMEOUT, closed).await.is_err() {
        tracing::warn!(wal = %wal.display(), "the consensus engine holds its write-ahead log still");
    }
}

/// Who we are to peers and to the engine. A validator proves to peers that its network key speaks for its consensus key.
async fn identify(config: &Config) -> Result<(NetworkIdentity, ConsensusContext<Chain>), malachite_signing::Error> {
    let (moniker, keypair) = (config.moniker.clone(), keypair(config.network_seed));
    let verifier = ChainVerifier { chain_id: config.chain_id.clone() };
    let Some(key) = config.key.clone() else {
        // Of no key: in no set.
        let nobody = Address(ValidatorAddress([0; 20]));
        let context = ConsensusContext::new_full_node(nobody, Box::new(verifier));
        return Ok((NetworkIdentity::new(moniker, keypair, None), context));
    };
    let public_key = key.public_key();
    let signer = ChainSigner { verifier: verifier.clone(), key };
    let peer_id = keypair.public().to_peer_id().to_bytes();
    let proof = signer.sign_validator_proof(public_key.as_bytes().to_vec(), peer_id).await?;
    let proof = BorshCodec.encode(&proof).map_err(malachite_signing::Error::from_source)?;
    let address = Address(public_key.address());
    let identity = NetworkIdentity::new_validator(moniker, keypair, address.to_string(), proof);
    Ok((identity, ConsensusContext::new_validator(address, Box::new(verifier), Box::new(signer))))
}

/// Answers the engine until it stops or is asked to.
async fn run<A: Application>(
    mut bridge: Bridge<A>,
    mut channels: Channels<Chain>,
    mut engine: EngineHandle,
    mut stop: watch::Receiver<bool>,
) -> Result<(), EngineStopped> {
    loop {
        tokio::select! {
            message = channels.consensus.recv() => match message {
                Some(message) => if let Err(fatal) = bridge.answer(message).await {
                    return give_up(engine, fatal).await;
                },
                None => return Err(classify(engine).await),
            },
            heard = bridge.listen() => bridge.heard(heard),
            _ = &mut engine.handle => return Err(EngineUnavailable::Lost.into()),
            // An error means that nobody holds the engine any more.
            _ = stop.changed() => return stop_gracefully(bridge, channels, engine).await,
        }
    }
}

/// The engine says nothing any more. If its supervisor ends too, a part died; if it stays, that is a safety halt.
async fn classify(mut engine: EngineHandle) -> EngineStopped {
    match timeout(STOP_TIMEOUT, &mut engine.handle).await {
        Ok(_) => EngineUnavailable::Lost.into(),
        Err(_) => {
            engine.actor.stop(None);
            EngineFatal::SafetyHalt.into()
        }
    }
}

async fn give_up(engine: EngineHandle, fatal: ApplicationFatal) -> Result<(), EngineStopped> {
    stop_actors(engine).await;
    Err(EngineFatal::from(fatal).into())
}

/// Goes on answering while the parts stop, since a part stops only between two messages.
async fn stop_gracefully<A: Application>(
    mut bridge: Bridge<A>,
    mut channels: Channels<Chain>,
    engine: EngineHandle,
) -> Result<(), EngineStopped> {
    let stopping = stop_actors(engine);
    tokio::pin!(stopping);
    loop {
        tokio::select! {
            () = &mut stopping => return Ok(()),
            Some(message) = channels.consensus.recv() => {
                if let Err(fatal) = bridge.answer(message).await {
                    stopping.await;
                    return Err(EngineFatal::from(fatal).into());
                }
            }
        }
    }
}

async fn stop_actors(mut engine: EngineHandle) {
    engine.actor.get_cell().stop_children_and_wait(Some("asked to stop".to_owned()), Some(STOP_TIMEOUT)).await;
    engine.actor.stop(None);
    if timeout(STOP_TIMEOUT, &mut engine.handle).await.is_err() {
        tracing::warn!("consensus engine did not stop in time");
    }
}

impl Running {
    /// Waits until the engine stops by itself. To be asked again and again, or dropped, as one likes; not after it has answered.
    ///
    /// # Errors
    /// [`EngineStopped`]: why, and whether it may be started again.
    pub async fn wait(&mut self) -> Result<(), EngineStopped> {
        match (&mut self.task).await {
            Ok(ended) => ended,
            Err(panicked) => Err(EngineFatal::from(ApplicationFatal(panicked.into())).into()),
        }
    }

    /// Stops the engine and waits until its sockets are closed, at most a few seconds.
    ///
    /// # Errors
    /// [`EngineStopped`] if it had stopped before, or could not stop cleanly.
    pub async fn stop(mut self) -> Result<(), EngineStopped> {
        self.stop.send_replace(true);
        self.wait().await
    }

    /// How far it has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        *self.progress.borrow()
    }

    /// Tells of every change of [`Running::progress`].
    #[must_use]
    pub fn watch_progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// How many peers are connected; `None` when the engine does not answer.
    pub async fn peers(&self) -> Option<usize> {
        let state = NetworkRequest::dump_state(&self.network).await.ok().flatten()?;
        Some(state.peers.len())
    }
}

/// The metrics of all engines of this process, as Prometheus text, labelled by moniker.
#[must_use]
pub fn metrics_text() -> String {
    let mut text = String::new();
    malachite_app_channel::app::metrics::export(&mut text);
    text
}
