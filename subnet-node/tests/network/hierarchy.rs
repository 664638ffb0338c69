//! A parent, a child and a relayer as processes: checkpoints land, and a relayer that dies at the worst moment does no harm.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tributary_checkpoint::actor::{CHECKPOINT_AT, CertificateReturn, CheckpointAtParams};
use tributary_genesis::words::AccountAddress;
use tributary_primitives::{Height, SubnetId};

use crate::client::until;
use crate::network::{CHAIN_ID, Network, Plan, Process};

/// Actors on the parent before the child's: two rich accounts from id 100, and the contract that remembers block hashes.
const CHILD_ACTOR: u64 = 103;

/// Blocks between the child's checkpoints, as in its genesis below.
const PERIOD: u64 = 3;

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
    /// A registered child of one validator under a parent of one, both running, and no relayer yet.
    async fn start() -> Self {
        Self::start_with(Plan::root(1).rich).await
    }

    /// The same, with these accounts rich on the child.
    pub async fn start_with(rich: Vec<AccountAddress>) -> Self {
        let relayer = Relayer::with_new_key();
        let relayer_account: AccountAddress = relayer.f1.parse().unwrap();
        let mut plan = Plan::root(1);
        plan.rich.push(relayer_account);
        let mut parent = Network::planned(plan);
        parent.start_all();
        parent.client(0).reach(1).await;
        let subnet = SubnetId::root(CHAIN_ID).child(CHILD_ACTOR).unwrap();
        let mut child = Network::planned(Plan {
            chain: ("child-1", CHAIN_ID + 1, subnet),
            rich,
            parameters: &["heartbeat_ms=1000", "block_interval_min_ms=50", "checkpoint_period=3"],
            ..Plan::root(1)
        });
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
