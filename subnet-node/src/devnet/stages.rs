//! The way of a devnet, one function for each stage. Each may be gone again by a later run: what is there already is kept.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use fvm_ipld_encoding::to_vec;
use fvm_shared::ActorID;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tributary_checkpoint::actor::ConstructorParams;
use tributary_crypto::SecpSecretKey;
use tributary_genesis::SealedGenesis;
use tributary_genesis_code::checkpoint_actor_cid;
use tributary_primitives::SubnetId;
use tributary_primitives::init::made_actor;

use super::event::{Account, Event, Progress};
use super::keys::{DEVELOPMENT_SECRETS, WARNING, development_key, relayer_key};
use super::layout::{Layout, Record};
use super::load::Load;
use super::looks::{Looks, Sight};
use super::message::NO_ACTOR;
use super::node::Node;
use super::plan::{Network, NodePorts, VALIDATORS_DEFAULT, node_arguments, node_name, relayer_arguments, root};
use super::ports::Kept;
use super::process::{Fleet, GRACE, Group, Program};
use super::report::Report;
use super::view::View;
use super::watch::Tracker;
use super::{DevnetArgs, genesis, message};

/// Time a network has to answer and make a block.
const READY_TIMEOUT: Duration = Duration::from_secs(90);
/// From one question whether a network is ready to the next.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// A devnet that runs, or is about to.
pub struct Devnet {
    layout: Layout,
    record: Record,
    relayer_key: SecpSecretKey,
    relayer_binary: PathBuf,
    kept: [Kept; 2],
    resumed: bool,
    fleet: Fleet,
    load: Option<Load>,
    tracker: Tracker,
    view: View<std::io::Stdout>,
    started: Instant,
}

/// A directory of an earlier run has other numbers than were asked for.
#[derive(Debug, thiserror::Error)]
#[error("the devnet in this directory has {found} {network} validators, not {wanted}; --fresh makes a new one")]
pub struct NumberRejected {
    network: Network,
    found: usize,
    wanted: usize,
}

/// A network does not come up.
#[derive(Debug, thiserror::Error)]
#[error("{network} makes no blocks after {seconds} s: {why}\n{tails}")]
pub struct NetworkUnavailable {
    network: Network,
    seconds: u64,
    why: String,
    tails: String,
}

impl Devnet {
    /// Takes the directory and makes what is not there: keys, homes, the parent's genesis.
    ///
    /// # Errors
    /// What the system says, or what is wrong with the directory.
    pub fn prepare(args: &DevnetArgs) -> anyhow::Result<Self> {
        let started = Instant::now();
        let relayer_binary = relayer_binary()?;
        let layout = Layout::open(&args.data_dir, args.fresh)?;
        let earlier = layout.record()?;
        let resumed = earlier.is_some();
        let (record, kept) = match earlier {
            Some(record) => again(record, args)?,
            None => anew(args)?,
        };
        layout.remember(&record)?;
        let key_path = layout.relayer_key();
        for directory in [layout.logs(), layout.path().join("relayer")] {
            fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
        }
        let relayer_key = relayer_key(&key_path)?;
        let (fleet, tracker) = (Fleet::new(layout.logs()), Tracker::new(Network::Child.parameters().checkpoint_period));
        let view = View::of_stdout(args.json);
        Ok(Self {
            layout,
            record,
            relayer_key,
            relayer_binary,
            kept,
            resumed,
            fleet,
            load: None,
            tracker,
            view,
            started,
        })
    }

    /// Goes through all stages, then watches until `wanted` checkpoints are accepted. Answers why it ended.
    ///
    /// # Errors
    /// What went wrong, with the ends of the logs that tell more.
    pub async fn live(&mut self, args: &DevnetArgs, wanted: u64) -> anyhow::Result<String> {
        self.tell_start()?;
        self.start_parent().await?;
        let subnet = self.register().await?;
        self.start_child(&subnet).await?;
        self.start_relayer()?;
        self.tell_accounts()?;
        if !args.no_load {
            self.load = Some(Load::start(&self.nodes(Network::Child), args.tps));
        }
        self.watch(subnet.actor().context("a child has an actor")?, wanted).await
    }

    /// Checkpoints accepted in this run.
    #[must_use]
    pub const fn accepted(&self) -> u64 {
        self.tracker.accepted()
    }

    /// The ends of the logs that tell most.
    #[must_use]
    pub fn tails(&self) -> String {
        self.fleet.tails(&[&node_name(Network::Parent, 0), &node_name(Network::Child, 0), "relayer"])
    }

    /// Stops everything, in reverse, and tells the numbers.
    ///
    /// # Errors
    /// Those of standard output.
    pub async fn stop(mut self, reason: String) -> anyhow::Result<()> {
        let ran_ms = self.at_ms();
        let load = self.load.as_ref().map(Load::view).unwrap_or_default();
        if let Some(load) = &mut self.load {
            load.stop().await;
        }
        let report = Report {
            ran_ms,
            confirmed: load.confirmed,
            failed: load.failed,
            submit_to_receipt: load.submit_to_receipt,
            accepted: self.tracker.accepted(),
            cut_to_accepted: self.tracker.cut_to_accepted().summary(),
            killed: self.fleet.stop(GRACE).await,
        };
        Ok(self.view.show(&Event::Stopped { reason, report })?)
    }

    fn tell_start(&mut self) -> anyhow::Result<()> {
        let event = Event::Started {
            data_dir: self.layout.path().to_owned(),
            resumed: self.resumed,
            parent_validators: self.record.parent.len(),
            validators: self.record.child.len(),
            moved_ports: self.kept.iter().flat_map(Kept::moved).copied().collect(),
        };
        Ok(self.view.show(&event)?)
    }

    fn tell_accounts(&mut self) -> anyhow::Result<()> {
        let account = |secret| {
            let key = development_key(secret);
            Account { address: key.eth_address(), f1_address: key.f1_address().to_string(), secret }
        };
        let accounts = DEVELOPMENT_SECRETS.into_iter().map(account).collect();
        Ok(self.view.show(&Event::Accounts { warning: WARNING, accounts })?)
    }

    async fn start_parent(&mut self) -> anyhow::Result<()> {
        let nodes = self.record.nodes(Network::Parent);
        let validators = genesis::homes(&self.layout, Network::Parent, nodes, &[])?;
        let relayer = &self.relayer_key;
        let sealed = genesis::install(&self.layout, Network::Parent, nodes, || genesis::parent(validators, relayer))?;
        self.start_network(Network::Parent, &sealed).await
    }

    async fn start_child(&mut self, subnet: &SubnetId) -> anyhow::Result<()> {
        let nodes = self.record.nodes(Network::Child);
        let validators = genesis::homes(&self.layout, Network::Child, nodes, &self.record.parent)?;
        let draft = || genesis::child(subnet.clone(), validators);
        let sealed = genesis::install(&self.layout, Network::Child, nodes, draft)?;
        self.start_network(Network::Child, &sealed).await
    }

    /// The child's id: the one of an earlier run, or that of the actor which the parent makes now.
    async fn register(&mut self) -> anyhow::Result<SubnetId> {
        if let Some(subnet) = self.record.subnet.clone() {
            self.view.show(&Event::Registered { subnet: subnet.clone(), height: None })?;
            return Ok(subnet);
        }
        let validators = genesis::homes(&self.layout, Network::Child, &self.record.child, &self.record.parent)?;
        let params = ConstructorParams {
            parent: root(),
            checkpoint_period: Network::Child.parameters().checkpoint_period,
            validators: validators.iter().map(tributary_genesis::GenesisValidator::candidate).collect(),
        };
        let (node, key) = (Node::at(&self.record.parent[0]), development_key(DEVELOPMENT_SECRETS[0]));
        let nonce = node.nonce(&key.f1_address()).await?;
        let made = message::exec(Network::Parent, &key, nonce, checkpoint_actor_cid(), to_vec(&params)?)?;
        let receipt =
            node.receipt(node.submit(&made).await?).await.with_context(|| format!("registration\n{}", self.tails()))?;
        let actor = made_actor(&receipt.return_data.0).context(NO_ACTOR)?;
        let subnet = root().child(actor)?;
        self.record.subnet = Some(subnet.clone());
        self.layout.remember(&self.record)?;
        self.view.show(&Event::Registered { subnet: subnet.clone(), height: Some(receipt.height) })?;
        Ok(subnet)
    }

    async fn start_network(&mut self, network: Network, genesis: &SealedGenesis) -> anyhow::Result<()> {
        let binary = std::env::current_exe().context("the path of this program")?;
        let (group, kept) = match network {
            Network::Parent => (Group::Parent, 0),
            Network::Child => (Group::Child, 1),
        };
        self.kept[kept].release();
        for position in 0..self.record.nodes(network).len() {
            let arguments = node_arguments(self.layout.home(network, position).path());
            self.fleet.start(Program {
                name: node_name(network, position),
                group,
                binary: binary.clone(),
                arguments,
            })?;
        }
        self.wait_for_blocks(network).await?;
        let (genesis, rpc) = (genesis.genesis(), self.record.nodes(network).iter().map(NodePorts::rpc_url).collect());
        let (subnet, chain_id) = (genesis.subnet.clone(), genesis.chain_id);
        Ok(self.view.show(&Event::Ready { network, subnet, chain_id, rpc })?)
    }

    /// Waits until every validator answers and has a block that this run made.
    async fn wait_for_blocks(&mut self, network: Network) -> anyhow::Result<()> {
        let until = Instant::now() + READY_TIMEOUT;
        // A chain of an earlier run must get beyond where it is found.
        let mut first = (!self.resumed).then_some(0);
        for node in self.nodes(network) {
            loop {
                self.fleet.check()?;
                let why = match node.status().await {
                    Ok(status) if first.is_some_and(|first| status.height.0 > first) => break,
                    Ok(status) => {
                        first.get_or_insert(status.height.0);
                        format!("{} stays at height {}", node.url(), status.height)
                    }
                    Err(why) => why.to_string(),
                };
                if Instant::now() > until {
                    let tails = self.fleet.tails(&[&node_name(network, 0)]);
                    return Err(NetworkUnavailable { network, seconds: READY_TIMEOUT.as_secs(), why, tails }.into());
                }
                sleep(ASK_EVERY).await;
            }
        }
        Ok(())
    }

    fn start_relayer(&mut self) -> anyhow::Result<()> {
        let (parent, child) = (&self.record.parent[0], &self.record.child[0]);
        let arguments = relayer_arguments(parent, child, &self.layout.relayer_key(), self.record.relayer_metrics);
        let (name, binary) = ("relayer".to_owned(), self.relayer_binary.clone());
        Ok(self.fleet.start(Program { name, group: Group::Relayer, binary, arguments })?)
    }

    async fn watch(&mut self, actor: ActorID, wanted: u64) -> anyhow::Result<String> {
        let (parent, child) = (Node::at(&self.record.parent[0]), Node::at(&self.record.child[0]));
        let mut looks = Looks::start(parent, child, actor);
        let mut shows = interval(self.view.pace());
        shows.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.tracker.accepted() < wanted {
            tokio::select! {
                sight = looks.next() => {
                    let sight = sight.with_context(|| self.tails())?;
                    self.saw(&sight)?;
                }
                _ = shows.tick() => self.show_progress()?,
            }
            self.fleet.check()?;
        }
        self.show_progress()?;
        Ok(format!("{wanted} of {wanted} checkpoints accepted"))
    }

    fn saw(&mut self, sight: &Sight) -> anyhow::Result<()> {
        let at_ms = self.at_ms();
        let accepted = match sight {
            Sight::Child(sight) => {
                self.tracker.saw_child(sight, at_ms);
                None
            }
            Sight::Parent(sight) => self.tracker.saw_parent(sight, at_ms),
        };
        accepted.map_or(Ok(()), |checkpoint| Ok(self.view.show(&Event::Checkpoint(checkpoint))?))
    }

    fn show_progress(&mut self) -> anyhow::Result<()> {
        if let Some(load) = &self.load {
            self.view.show(&Event::Load(load.view()))?;
        }
        let (child, parent) = (self.tracker.child(), self.tracker.parent());
        let progress = Progress {
            at_ms: self.at_ms(),
            parent_height: parent.height,
            child_height: child.height,
            cut: self.tracker.cut(),
            certified: child.certified,
            accepted: parent.accepted,
            accepted_count: self.tracker.accepted(),
        };
        Ok(self.view.show(&Event::Progress(progress))?)
    }

    fn nodes(&self, network: Network) -> Vec<Node> {
        self.record.nodes(network).iter().map(Node::at).collect()
    }

    fn at_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// A new devnet on ports that are free.
fn anew(args: &DevnetArgs) -> anyhow::Result<(Record, [Kept; 2])> {
    let (mut parent, mut child) = (Kept::default(), Kept::default());
    let number = |wanted: Option<u16>| wanted.unwrap_or(VALIDATORS_DEFAULT);
    let parents = (0..number(args.parent_validators)).map(|_| parent.for_node()).collect::<Result<_, _>>()?;
    let children = (0..number(args.validators)).map(|_| child.for_node()).collect::<Result<_, _>>()?;
    let keys = DEVELOPMENT_SECRETS.map(str::to_owned).into();
    Ok((Record::new(parents, children, child.any()?, keys), [parent, child]))
}

/// The devnet of an earlier run, on its ports as far as they are free.
fn again(record: Record, args: &DevnetArgs) -> anyhow::Result<(Record, [Kept; 2])> {
    for (network, wanted) in [(Network::Parent, args.parent_validators), (Network::Child, args.validators)] {
        let (found, wanted) = (record.nodes(network).len(), wanted.map(usize::from));
        if let Some(wanted) = wanted.filter(|wanted| *wanted != found) {
            return Err(NumberRejected { network, found, wanted }.into());
        }
    }
    let (mut parent, mut child) = (Kept::default(), Kept::default());
    let parents = record.parent.iter().map(|ports| parent.for_node_again(*ports)).collect::<Result<_, _>>()?;
    let children = record.child.iter().map(|ports| child.for_node_again(*ports)).collect::<Result<_, _>>()?;
    let relayer_metrics = child.again(record.relayer_metrics)?;
    Ok((Record { parent: parents, child: children, relayer_metrics, ..record }, [parent, child]))
}

/// The relayer's program lies beside this one.
fn relayer_binary() -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe().context("the path of this program")?.with_file_name("relayer");
    let path = path.with_extension(std::env::consts::EXE_EXTENSION);
    ensure!(path.is_file(), "{} is not there; `cargo build -p tributary-relayer` makes it", path.display());
    Ok(path)
}
