//! A parent, a child and a relayer as processes: checkpoints land, the child learns it, and a relayer that dies at the worst moment does no harm.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};

use jsonrpsee::server::{Extensions, RpcModule, Server};
use jsonrpsee::types::Params;
use serde_json::{Value, json};
use tempfile::TempDir;
use tributary_checkpoint::actor::{CHECKPOINT_AT, CertificateReturn, CheckpointAtParams};
use tributary_checkpoint::{Checkpoint, CheckpointCertificate};
use tributary_genesis::words::AccountAddress;
use tributary_primitives::{Height, SubnetId, cbor_cid};
use tributary_relayer::chain::ChildChain as _;
use tributary_relayer::chain::rpc::NodeClient;
use tributary_relayer::settings::Endpoint;

use crate::client::{Client, PATIENCE, until};
use crate::network::{CHAIN_ID, Network, Plan, Process, own_host};
use crate::wallet::Wallet;

/// Actors on the parent before the child's: two rich accounts from id 100, and the contract that remembers block hashes.
const CHILD_ACTOR: u64 = 103;

/// Blocks between the child's checkpoints, as in its genesis.
const PERIOD: u64 = 3;

/// The child's genesis.
const PARAMETERS: &[&str] = &["heartbeat_ms=1000", "block_interval_min_ms=50", "checkpoint_period=3"];

/// The two chains, and a relayer that runs or does not.
pub struct Hierarchy {
    pub parent: Network,
    pub child: Network,
    relayer: Relayer,
}

struct Relayer {
    directory: TempDir,
    f1: String,
}

/// The `relayer` program, built beside the node's.
fn relayer_program() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_subnet-node")).with_file_name("relayer");
    assert!(program.exists(), "run `make test`, or `cargo build --package tributary-relayer` first");
    program
}

impl Relayer {
    fn with_new_key() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = directory.path().join("key.json");
        let output = Command::new(relayer_program()).arg("new-key").arg(key).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let f1 = said.lines().find_map(|line| line.strip_prefix("f1: ")).unwrap().to_owned();
        Self { directory, f1 }
    }

    fn key(&self) -> PathBuf {
        self.directory.path().join("key.json")
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("relayer.log")
    }

    /// What a relayer has said so far, over all its lives.
    fn said(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }
}

impl Hierarchy {
    /// A registered child of one validator, which follows its parent of one, both running, and no relayer yet.
    async fn start() -> Self {
        Self::start_with(Plan::root(1).rich).await
    }

    /// The same, with these accounts rich on the child.
    pub async fn start_with(rich: Vec<AccountAddress>) -> Self {
        Self::planned(Plan { rich, parameters: PARAMETERS, ..Self::child(1, CHAIN_ID + 1) }).await
    }

    /// What a child of so many validators with this chain id is like, if nothing else is said.
    pub fn child(size: usize, chain_id: u64) -> Plan {
        let subnet = SubnetId::root(CHAIN_ID).child(CHILD_ACTOR).unwrap();
        Plan { chain: ("child-1", chain_id, subnet), ..Plan::root(size) }
    }

    /// The same, with a child that is like this.
    pub async fn planned(child: Plan) -> Self {
        let relayer = Relayer::with_new_key();
        let relayer_account: AccountAddress = relayer.f1.parse().unwrap();
        let mut plan = Plan::root(1);
        plan.rich.push(relayer_account);
        let mut parent = Network::planned(plan);
        parent.start_all();
        parent.client(0).reach(1).await;
        let mut child = following(&url(&parent), child);
        let registered = Command::new(relayer_program())
            .args(["register", "--parent", &url(&parent), "--key"])
            .arg(relayer.key())
            .arg("--genesis")
            .arg(child.home(0).genesis())
            .output()
            .unwrap();
        assert!(registered.status.success(), "{}", String::from_utf8_lossy(&registered.stderr));
        child.start_all();
        child.client(0).reach(1).await;
        Self { parent, child, relayer }
    }

    pub fn run_relayer(&self) -> Process {
        let log = File::options().create(true).append(true).open(self.relayer.log()).unwrap();
        let child = Command::new(relayer_program())
            .args(["run", "--parent", &url(&self.parent), "--child", &url(&self.child), "--key"])
            .arg(self.relayer.key())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        Process(child.unwrap())
    }

    /// How far the parent is, as the relayer's own command tells.
    fn status(&self) -> Value {
        let output = Command::new(relayer_program())
            .args(["status", "--json", "--parent", &url(&self.parent), "--child", &url(&self.child)])
            .output()
            .unwrap();
        let statuses: Value = serde_json::from_slice(&output.stdout).unwrap();
        statuses[0].clone()
    }

    /// Checkpoints that the parent's actor holds, up to the height it accepted last.
    async fn accepted(&self) -> u64 {
        let (client, highest, mut accepted) = (self.parent.client(0), self.accepted_height(), 0);
        for height in (1..=highest / PERIOD).map(|number| Height(number * PERIOD)) {
            let params = fvm_ipld_encoding::to_vec(&CheckpointAtParams { height }).unwrap();
            let returned = client.ask_actor(CHILD_ACTOR, CHECKPOINT_AT, &params).await;
            let certificate: CertificateReturn = fvm_ipld_encoding::from_slice(&returned).unwrap();
            accepted += u64::from(certificate.is_some_and(|found| found.checkpoint.height == height));
        }
        accepted
    }

    fn accepted_height(&self) -> u64 {
        self.status()["accepted_height"].as_u64().unwrap()
    }
}

/// A child that follows the parent at `parent_rpc`, with nobody running.
fn following(parent_rpc: &str, plan: Plan) -> Network {
    let size = plan.size;
    let child = Network::planned(plan);
    for at in 0..size {
        fs::write(child.home(at).config(), format!("[parent]\nrpc = \"{parent_rpc}\"\n")).unwrap();
    }
    child
}

/// Where the first node of a network serves JSON-RPC.
pub fn url(network: &Network) -> String {
    format!("http://{}", network.rpc(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relayer_killed_between_submitting_and_confirming_does_no_harm() {
    let hierarchy = Hierarchy::start().await;
    for life in 1..=3 {
        let process = hierarchy.run_relayer();
        until("a submission", async || hierarchy.relayer.said().matches("carry: sent").count() >= life).await;
        // SIGKILL at once: the transaction is on its way, and whether it was accepted is known to nobody here.
        drop(process);
    }
    let before = hierarchy.accepted_height();
    let process = hierarchy.run_relayer();
    until("checkpoints after the last restart", async || hierarchy.accepted_height() > before).await;
    drop(process);
    // What was on its way lands within a few blocks.
    let client = hierarchy.parent.client(0);
    client.reach(client.height().await.unwrap() + 3).await;
    // The relayer's nonce counts what it paid for: the registration, and no checkpoint twice.
    let paid = client.nonce(&hierarchy.relayer.f1).await.unwrap() - 1;
    assert_eq!(paid, hierarchy.accepted().await, "{}", hierarchy.relayer.said());
}

/// Height of the block that "finalized" names, if there is one.
pub async fn finalized(client: &Client) -> Option<u64> {
    let block = client.ask("eth_getBlockByNumber", json!(["finalized", false])).await.unwrap();
    let number = block["number"].as_str()?;
    Some(u64::from_str_radix(number.trim_start_matches("0x"), 16).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_childs_finalized_block_is_the_one_that_its_parent_accepted_last() {
    let mut hierarchy = Hierarchy::start().await;
    let client = hierarchy.child.client(0);
    let (hash, height) = Wallet::rich().on(CHAIN_ID + 1).transfer(&client).await;
    let status = async || client.ask("subnet_messageStatus", json!([hash])).await.unwrap();

    // Certified, and nobody carries it.
    until("a certificate of the block", async || status().await["stage"] == "checkpoint").await;
    assert_eq!((finalized(&client).await, &status().await["finalized_height"]), (None, &Value::Null));
    let nobody = json!(["0x0000000000000000000000000000000000000001", "finalized"]);
    let refusal = client.ask("eth_getBalance", nobody).await.unwrap_err();
    assert!(refusal.contains("finalized block not found"), "{refusal}");
    let root = hierarchy.parent.client(0);
    assert!(finalized(&root).await.is_some(), "a root has no parent to wait for");

    let relayer = hierarchy.run_relayer();
    until("the acceptance", async || status().await["stage"] == "accepted").await;
    assert!(status().await["finalized_height"].as_u64().unwrap() >= height);
    until("more of them", async || finalized(&client).await >= Some(height + PERIOD)).await;
    drop(relayer);

    // Blocks that are not on the parent are not finalized, however many there are.
    let certified = async || client.ask("subnet_status", json!([])).await.unwrap()["certified_height"].as_u64();
    until("checkpoints that wait", async || certified().await > Some(hierarchy.accepted_height() + PERIOD)).await;
    let latest = finalized(&client).await.unwrap();
    assert!(latest.is_multiple_of(PERIOD) && latest <= hierarchy.accepted_height(), "{latest}");
    assert_eq!(hierarchy.child.metric(0, "tributary_parent_contradictions_total"), 0);

    // It is learnt again after a restart, of a parent that was away meanwhile.
    hierarchy.parent.kill(0);
    let height = client.height().await.unwrap();
    assert!(hierarchy.child.stop(0).success());
    hierarchy.child.start(0);
    client.reach(height + 1).await;
    until("a question", async || hierarchy.child.metric(0, "tributary_parent_unreachable_total") > 0).await;
    assert_eq!(finalized(&client).await, None);
    hierarchy.parent.start(0);
    until("the answer", async || finalized(&client).await >= Some(latest)).await;
    let latest = finalized(&client).await.unwrap();
    assert!(latest <= hierarchy.accepted_height(), "{latest}");
    assert_eq!(hierarchy.child.metric(0, "tributary_parent_accepted_height"), latest);
}

/// A node of the parent that says what it is told to say.
#[derive(Clone)]
struct Impostor(Arc<Mutex<Said>>);

struct Said {
    network: SubnetId,
    latest: CertificateReturn,
    /// How often it was asked for the latter.
    asked: u64,
}

impl Impostor {
    async fn start() -> (SocketAddr, Self) {
        let said = Said { network: SubnetId::root(CHAIN_ID), latest: None, asked: 0 };
        let impostor = Self(Arc::new(Mutex::new(said)));
        let mut methods = RpcModule::new(impostor.clone());
        let status = |_: Params<'_>, impostor: &Self, _: &Extensions| {
            let network = impostor.said().network.clone();
            json!({"subnet": network, "chain_id": CHAIN_ID, "height": 1, "fvm_base_fee": 1})
        };
        let call = |_: Params<'_>, impostor: &Self, _: &Extensions| {
            let mut said = impostor.said();
            said.asked += 1;
            let returned = hex::encode(fvm_ipld_encoding::to_vec(&said.latest).unwrap());
            json!({"MsgRct": {"ExitCode": 0, "Return": format!("0x{returned}"), "GasUsed": 1}, "Error": "", "Events": []})
        };
        methods.register_method("subnet_status", status).unwrap();
        methods.register_method("subnet_call", call).unwrap();
        let server = Server::builder().build((own_host(), 0)).await.unwrap();
        let address = server.local_addr().unwrap();
        tokio::spawn(server.start(methods).stopped());
        (address, impostor)
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap()
    }

    /// Says this from now on, and waits until it was asked so many times.
    async fn say(&self, network: u64, latest: &CertificateReturn, times: u64) {
        let before = {
            let mut said = self.said();
            (said.network, said.latest) = (SubnetId::root(network), latest.clone());
            said.asked
        };
        until("questions", async || self.said().asked >= before + times).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_of_the_parent_makes_up_changes_nothing() {
    let (address, parent) = Impostor::start().await;
    let plan = Plan { parameters: PARAMETERS, ..Hierarchy::child(1, CHAIN_ID + 1) };
    let mut child = following(&format!("http://{address}"), plan);
    child.start_all();
    let client = child.client(0);
    let node = NodeClient::new(&Endpoint::parse(&url(&child)).unwrap(), PATIENCE).unwrap();
    let mut certificates = Vec::new();
    until("two certificates", async || {
        certificates = node.certificates(Height::FIRST, 2).await.unwrap_or_default();
        certificates.len() == 2
    })
    .await;
    let [first, second] = [0, 1].map(|at| certificates[at].clone());
    let other = |checkpoint| Some(CheckpointCertificate { checkpoint, ..second.clone() });
    let real = &second.checkpoint;
    let forged = other(Checkpoint { state_root: cbor_cid(b"another state"), ..real.clone() });
    let ahead = other(Checkpoint { height: Height(PERIOD * 1_000_000), ..real.clone() });
    let heights = [&first, &second].map(|certificate| Some(certificate.checkpoint.height.0));
    let (first, second) = (Some(first), Some(second));

    let contradictions = || child.metric(0, "tributary_parent_contradictions_total");
    for (network, latest, is_true, known) in [
        (CHAIN_ID + 1, &None, false, None),
        (CHAIN_ID, &forged, false, None),
        (CHAIN_ID, &first, true, heights[0]),
        (CHAIN_ID, &ahead, false, heights[0]),
        (CHAIN_ID, &second, true, heights[1]),
        (CHAIN_ID, &first, true, heights[1]),
        (CHAIN_ID, &None, true, heights[1]),
    ] {
        // With the second question, what was said to the one before has had its effect.
        parent.say(network, latest, 2).await;
        let before = contradictions();
        parent.say(network, latest, 2).await;
        assert_eq!((contradictions() == before, finalized(&client).await), (is_true, known), "{latest:?}");
    }
}
