//! Blocks run again beside the chain, and dumps of those that came out differently.

use std::fs;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::Value;
use tributary_fvm::{BlockOutcome, Executor, Workers};
use tributary_genesis_code::checkpoint_actor_cid;
use tributary_node::check::checker::{Checker, Order};
use tributary_node::check::words::{Case, Execution};
use tributary_node::halt;
use tributary_node::home::Home;
use tributary_node::ledger::past::PastStates;
use tributary_node::ledger::{Head, Ledger};
use tributary_node::metrics::Metrics;
use tributary_primitives::{Height, cbor_cid};
use tributary_store::{ChainIdentity, Store, StoreConfig};

use crate::client::until;
use crate::light_client::open;
use crate::network::{Network, Plan};
use crate::wallet::Wallet;

/// Calls from each wallet in one go; with four wallets twice what a block must have to be run on threads.
const CALLS: usize = 32;

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_checks_every_block_commits_under_load_and_finds_nothing() {
    let mut wallets: Vec<_> = (1..=4).map(|secret| Wallet::of([secret; 32])).collect();
    let rich = wallets.iter().map(|wallet| wallet.address().into()).collect();
    let parameters = &["heartbeat_ms=1000", "block_interval_min_ms=1000", "timeout_rebroadcast_ms=500"];
    let mut network = Network::planned(Plan { rich, parameters, ..Plan::root(2) });
    for at in 0..2 {
        fs::write(network.home(at).config(), "[execution]\nthreads = 4\nself_check_every = 1\n").unwrap();
    }
    network.start_all();
    let client = network.client(0);
    client.reach(1).await;

    let mut last = String::new();
    until("a block run on threads", async || {
        for wallet in &mut wallets {
            for _ in 0..CALLS {
                last = wallet.call(&client).await;
            }
        }
        until("the last call", async || client.block_of(&last).await.is_some()).await;
        network.metric(0, "tributary_parallel_blocks_total") > 0
    })
    .await;
    let height = client.height().await.unwrap();
    for at in 0..2 {
        network.client(at).reach(height).await;
        // What is not checked yet of these is being checked, or was skipped for it.
        until("checks", async || {
            let checked = network.metric(at, "tributary_checked_blocks_total");
            checked > 1 && checked + network.metric(at, "tributary_skipped_checks_total") >= height
        })
        .await;
    }
    assert_eq!(client.block_hash(height).await, network.client(1).block_hash(height).await);
    for at in 0..2 {
        assert!(network.stop(at).success());
        network.home(at).check_safety_halt().unwrap();
        assert!(!network.home(at).dumps().exists());
    }
}

/// How the node is said to have run the block; `replay` runs it on other threads.
fn execution() -> Execution {
    Execution::Parallel { workers: Workers::new(7), gave_up: true }
}

/// A chain that was stopped, and its block that runs an actor's code.
struct Bench {
    network: Network,
    ledger: Ledger,
    height: Height,
}

impl Bench {
    async fn new() -> Self {
        let wallet = Wallet::rich();
        let mut network =
            Network::planned(Plan { rich: vec![wallet.f1_address().to_string().parse().unwrap()], ..Plan::root(1) });
        network.start_all();
        network.client(0).reach(1).await;
        // Its constructor runs, and refuses to do without parameters.
        let height = wallet.exec(&network.client(0), checkpoint_actor_cid()).await;
        assert!(network.stop(0).success());
        let ledger = open(&network);
        Self { network, ledger, height: Height(height) }
    }

    /// What the node made of the block.
    fn live(&self) -> BlockOutcome {
        let record = self.ledger.record_at(self.height).unwrap().unwrap();
        let receipts = self.ledger.receipts_at(self.height).unwrap().unwrap();
        // This chain's genesis names nobody to call at a block's end.
        BlockOutcome { state_root: record.state_root, receipts, gas_used: record.gas_used, cron_gas_used: 0 }
    }

    fn case(&self) -> Case {
        let parent = self.height.previous().unwrap();
        let record = self.ledger.record_at(parent).unwrap().unwrap();
        let certificate = self.ledger.certificate_at(parent).unwrap();
        let hash = certificate.as_ref().unwrap().block.hash;
        let (block, decoded) = self.ledger.block_at(self.height).unwrap().unwrap();
        let parent_root = record.state_root;
        let env = self.ledger.env(&Head { height: parent, hash, record, certificate, leaves: None }, &decoded.header);
        Case { parent_root, env, params: self.ledger.executor().params().clone(), block }
    }

    /// A home for a check to leave its traces in.
    fn home(&self, name: &str) -> Home {
        let home = Home::at(self.network.home(0).path().parent().unwrap().join(name));
        fs::create_dir(home.path()).unwrap();
        home
    }

    /// Checks the block as it is, then as if the node had made `live` of it; why the node would stop, if it would.
    async fn check(&self, home: &Home, store: Store, live: BlockOutcome) -> Option<String> {
        let (halt, mut halted) = halt::wire();
        let executor = Executor::new(self.case().params, None).unwrap();
        let every = NonZeroU64::new(1).unwrap();
        let checker = Checker::new(
            every,
            executor,
            Arc::new(PastStates::new(store)),
            home.clone(),
            halt,
            Arc::new(Metrics::new()),
        );
        for live in [self.live(), live] {
            checker.offer(self.height, || Order { case: self.case(), live, execution: execution() });
            checker.finish();
        }
        tokio::select! {
            biased;
            cause = halted.wait() => Some(cause.to_string()),
            () = std::future::ready(()) => None,
        }
    }

    fn store(&self) -> Store {
        self.ledger.store().as_ref().clone()
    }
}

/// Runs a dump again; the exit code, and what was said.
fn replay(dump: &Path) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_subnet-node"))
        .args(["inspect", "replay", "--json", "--threads", "4", "--times", "3", "--dump"])
        .arg(dump)
        .output()
        .unwrap();
    let said = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

fn verdict(dump: &Path) -> (i32, Value) {
    let (code, said) = replay(dump);
    (code, serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_outcome_stops_the_node_and_its_dump_tells_who_was_wrong() {
    let bench = Bench::new().await;
    type Fault = fn(&mut BlockOutcome);
    let rows: [(&str, &str, Fault); 3] = [
        ("root", "state_root", |live| live.state_root = cbor_cid(b"other")),
        ("receipt", "receipts[0].exit_code", |live| live.receipts[0].exit_code = 33.into()),
        ("gas", "gas_used", |live| live.gas_used += 1),
    ];
    for (name, what, fault) in rows {
        let (home, mut live) = (bench.home(name), bench.live());
        fault(&mut live);
        let cause = bench.check(&home, bench.store(), live).await.expect("the node stops");
        let dump = home.dumps().join(format!("block-{}", bench.height));
        assert!(cause.contains(what) && cause.contains(dump.to_str().unwrap()), "{cause}");
        let note = home.check_safety_halt().unwrap_err().to_string();
        assert!(note.contains(&cause), "{note}");

        let (code, told) = verdict(&dump);
        assert_eq!((code, &told["verdict"]), (3, &"live_wrong".into()), "{told}");
        assert_eq!(told["meaning"], "the dump's live outcome is wrong: threads and in order agree on another");
        assert_eq!((&told["committed_way"], &told["committed_threads"]), (&"parallel_then_in_order".into(), &7.into()));
        assert!(told["committed_differs"][0].as_str().unwrap().starts_with(what), "{told}");
        assert_eq!((&told["check_differs"], &told["threads_differ"]), (&Value::Null, &Value::Null), "{told}");
    }

    // The same dump, with the two outcomes told the other way round, then with one outcome alone, then without its state.
    let dump: PathBuf =
        bench.network.home(0).path().parent().unwrap().join(format!("gas/dumps/block-{}", bench.height));
    let read = |file: &str| -> Value { serde_json::from_slice(&fs::read(dump.join(file)).unwrap()).unwrap() };
    let write = |file: &str, value: &Value| fs::write(dump.join(file), value.to_string()).unwrap();
    let (wrong, right) = (read("live.json"), read("in_order.json")["outcome"].clone());
    write("live.json", &right);
    write("in_order.json", &serde_json::json!({ "outcome": wrong }));
    let (code, told) = verdict(&dump);
    assert_eq!(
        (code, &told["verdict"], &told["committed_differs"]),
        (4, &"check_wrong".into(), &Value::Null),
        "{told}"
    );
    write("in_order.json", &serde_json::json!({ "outcome": right }));
    let (code, told) = verdict(&dump);
    assert_eq!((code, &told["verdict"]), (0, &"sound".into()), "{told}");
    let car = fs::read(dump.join("state.car")).unwrap();
    fs::write(dump.join("state.car"), &car[..61]).unwrap();
    let (code, said) = replay(&dump);
    assert!(code == 1 && said.contains("the dump cannot be run: state block bafy"), "{code}: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_check_failed_does_not_start_before_a_person_looked() {
    let bench = Bench::new().await;
    let (home, wrong) = (bench.network.home(0), BlockOutcome { gas_used: 0, ..bench.live() });
    bench.check(home, bench.store(), wrong).await.expect("the node stops");
    let refused = bench.network.command(0).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    for words in ["SAFETY_HALT", "the node stopped for safety", "gas_used", "subnet-node inspect replay --dump"] {
        assert!(said.contains(words), "no {words:?} in: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_outcome_and_a_state_that_is_not_there_stop_nobody() {
    let bench = Bench::new().await;
    let identity = ChainIdentity { genesis: cbor_cid(b"another chain"), format: 1 };
    let pruned = bench.home("pruned");
    let empty = Store::open(&pruned.data(), &StoreConfig::default(), &identity).unwrap();
    let wrong = BlockOutcome { gas_used: 0, ..bench.live() };
    for (home, store, live) in [(bench.home("right"), bench.store(), bench.live()), (pruned, empty, wrong)] {
        assert_eq!(bench.check(&home, store, live).await, None);
        home.check_safety_halt().unwrap();
        assert!(!home.dumps().exists());
    }
}
