//! The state of a stopped node: looked at, proven and exported by the program, as the page says.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tributary_fvm::ReadState as _;
use tributary_fvm::StateTree;
use tributary_fvm::state::{MemoryStore, SharedStore};
use tributary_primitives::Hash32;
use tributary_store::{ChainIdentity, Store, StoreConfig};

use crate::network::{Network, Plan};
use crate::wallet::Wallet;

const PAGE: &str = include_str!("../../../docs/state.md");
const PROGRAM: &str = env!("CARGO_BIN_EXE_subnet-node");
const HISTORY: &str = "0x0000f90827f1c53a10cb7a02335b175320002935";

/// A stopped network of one node that made blocks and paid someone; and the height of that payment.
async fn stopped() -> (Network, u64) {
    let mut network = Network::running(1);
    network.client(0).reach(1).await;
    let (_, height) = Wallet::rich().transfer(&network.client(0)).await;
    network.client(0).reach(height + 1).await;
    assert!(network.stop(0).success());
    (network, height)
}

/// Where `node0` and what the commands write are.
fn directory(network: &Network) -> &Path {
    network.home(0).path().parent().unwrap()
}

fn inspect(network: &Network, arguments: &str) -> Output {
    let arguments = arguments.split_whitespace();
    Command::new(PROGRAM).arg("inspect").args(arguments).current_dir(directory(network)).output().unwrap()
}

fn said(network: &Network, arguments: &str) -> String {
    let output = inspect(network, arguments);
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn json(network: &Network, arguments: &str) -> Value {
    serde_json::from_str(&said(network, arguments)).unwrap()
}

fn refused(network: &Network, arguments: &str) -> String {
    let output = inspect(network, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments}");
    assert!(output.stdout.is_empty(), "{arguments}");
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_states_page_is_true_by_copy_and_paste() {
    let (network, _) = stopped().await;
    let path = format!("{}:{}", Path::new(PROGRAM).parent().unwrap().display(), std::env::var("PATH").unwrap());
    let blocks: Vec<_> = PAGE.split("```sh\n").skip(1).map(|block| block.split_once("```").unwrap().0).collect();
    assert_eq!(blocks.len(), 4);
    for commands in blocks {
        let mut run = Command::new("bash");
        run.args(["-euo", "pipefail", "-c", commands]).current_dir(directory(&network)).env("PATH", &path);
        let ran = run.output().unwrap();
        assert!(ran.status.success(), "{commands}\n{}", String::from_utf8_lossy(&ran.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_inspect_shows_is_the_state_that_the_executor_reads() {
    let (network, paid) = stopped().await;
    let receiver = format!("0x{}", "99".repeat(20));
    let before = paid - 1;
    let nobody = refused(&network, &format!("actor {receiver} --home node0 --height {before}"));
    assert!(nobody.contains("no actor has the address") && nobody.contains(&format!("at height {before}")), "{nobody}");
    let actor = json(&network, &format!("actor {receiver} --home node0 --json"));
    assert_eq!((&actor["balance"], &actor["eth_address"]), (&"1".into(), &receiver.clone().into()));
    assert_eq!(said(&network, "state f01 2 --home node0"), "\"test-1\"");

    let diff = json(&network, &format!("diff {before} {paid} --home node0 --json"));
    let changes = diff["changes"].as_array().unwrap();
    let change = changes.iter().find(|change| change["id"] == actor["id"]).unwrap();
    assert_eq!(change["change"], "added", "{diff}");
    let sender = json(&network, &format!("actor {} --home node0 --json", Wallet::rich().address()));
    let change = changes.iter().find(|change| change["id"] == sender["id"]).unwrap();
    assert_eq!(change["change"], "changed");
    assert!(change["fields"].as_array().unwrap().contains(&"balance".into()), "{diff}");
    assert_eq!((&change["slots"], &change["slots_cut"]), (&serde_json::json!([]), &false.into()));

    // Each block writes the hash of the one before it into one slot of the contract that keeps them.
    let contract = json(&network, &format!("actor {HISTORY} --home node0 --json"));
    let change = changes.iter().find(|change| change["id"] == contract["id"]).unwrap();
    let slot = format!("0x{before:064x}");
    let value = json(&network, &format!("storage {HISTORY} {before} --home node0 --json"))["value"].clone();
    let zero = Hash32::default().to_string();
    assert_eq!(change["slots"], serde_json::json!([{ "slot": slot, "before": zero, "after": value }]), "{diff}");
    let lines = said(&network, &format!("diff {before} {paid} --home node0"));
    assert!(lines.contains(&format!("\n  {slot}  {zero}  {}", value.as_str().unwrap())), "{lines}");
    let cut = json(&network, &format!("diff {before} {paid} --home node0 --slots-max 0 --json"));
    let change =
        cut["changes"].as_array().unwrap().iter().find(|change| change["id"] == contract["id"]).unwrap().clone();
    assert_eq!((&change["slots"], &change["slots_cut"]), (&serde_json::json!([]), &true.into()));

    // What is exported is a whole state: the executor reads from it alone, and answers as the commands do.
    let head = json(&network, "head --home node0 --json");
    let height = head["height"].as_u64().unwrap();
    said(&network, "export state.car --home node0");
    let memory = std::sync::Arc::new(MemoryStore::default());
    let car = fs::File::open(directory(&network).join("state.car")).unwrap();
    let done = tributary_witness::import(std::io::BufReader::new(car), memory.as_ref(), None).unwrap();
    assert_eq!(head["state_root"], done.root.to_string());
    let tree = StateTree::load(SharedStore::new(memory), &done.root).unwrap();
    let address = Wallet::rich().address().to_address();
    assert_eq!(sender["balance"], tree.balance(&address).unwrap().atto().to_string());
    let slot = json(&network, &format!("storage {HISTORY} {} --home node0 --json", height - 1));
    let history: tributary_primitives::EthAddress = HISTORY.parse().unwrap();
    let at = Hash32(std::array::from_fn(|byte| if byte < 24 { 0 } else { (height - 1).to_be_bytes()[byte - 24] }));
    assert_eq!(slot["value"], tree.storage(&history.to_address(), &at).unwrap().to_string());
    assert_ne!(slot["value"], Hash32::default().to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_shown_and_proven_and_so_is_that_there_is_none() {
    let wallet = Wallet::rich();
    let rich = vec![wallet.f1_address().to_string().parse().unwrap()];
    let mut network = Network::planned(Plan { rich, ..Plan::root(1) });
    network.start_all();
    let client = network.client(0);
    client.reach(1).await;
    let token = wallet.make_token(&client, 0).await;
    wallet.mint(&client, 2, token, wallet.f1_address()).await;
    let once = client.height().await.unwrap();
    wallet.mint(&client, 3, token, wallet.f1_address()).await;
    let twice = client.height().await.unwrap();
    client.reach(twice + 1).await;
    assert!(network.stop(0).success());

    let holder = json(&network, &format!("actor {} --home node0 --json", wallet.f1_address()));
    let id: fvm_shared::address::Address = holder["id"].as_str().unwrap().parse().unwrap();
    let key = format!("0x62{:016x}", id.id().unwrap());
    let root = json(&network, "head --home node0 --json")["state_root"].as_str().unwrap().to_owned();
    for (key, value) in [(key.as_str(), Value::from("0x00000000000007d0")), ("b", Value::Null)] {
        let shown = json(&network, &format!("entry {token} {key} --home node0 --json"));
        assert_eq!(shown["value"], value);
        said(&network, &format!("witness entry.car --home node0 entry {token} {key}"));
        assert_eq!(json(&network, &format!("verify entry.car --root {root} --json entry {token} {key}")), shown);
    }
    assert_eq!(json(&network, "actor f098 --home node0 --json")["builtin"], "entries");
    // One pointer, to a bucket of one entry: the token's id, and the root of its own map.
    assert!(said(&network, "state f098 1/0/0/1/1 --home node0").contains(r#"{"/":{"bytes":"#));

    // The second mint changed entries of the token and nothing else of it: they stand below it all the same.
    let id = json(&network, &format!("actor {token} --home node0 --json"))["id"].clone();
    let diff = json(&network, &format!("diff {once} {twice} --home node0 --json"));
    let of_the_token =
        |diff: &Value| diff["changes"].as_array().unwrap().iter().find(|change| change["id"] == id).unwrap().clone();
    let change = of_the_token(&diff);
    assert_eq!((&change["change"], &change["fields"]), (&"changed".into(), &serde_json::json!(["entries"])), "{diff}");
    let (before, after) = ("0x00000000000003e8", "0x00000000000007d0");
    let entry = serde_json::json!({ "key": key, "before": before, "after": after });
    assert_eq!((&change["entries"], &change["entries_cut"]), (&serde_json::json!([entry]), &false.into()), "{diff}");
    let lines = said(&network, &format!("diff {once} {twice} --home node0"));
    assert!(lines.contains(&format!("  changed  entries\n  {key}  {before}  {after}")), "{lines}");
    let cut = of_the_token(&json(&network, &format!("diff {once} {twice} --home node0 --entries-max 0 --json")));
    assert_eq!((&cut["entries"], &cut["entries_cut"]), (&serde_json::json!([]), &true.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_makes_a_store_that_has_the_state_or_refuses() {
    let (network, _) = stopped().await;
    let exported = json(&network, "export state.car --home node0 --json");
    let checked = json(&network, "check state.car --json");
    for same in ["state_root", "blocks", "bytes"] {
        assert_eq!(exported[same], checked[same]);
    }
    let car = fs::read(directory(&network).join("state.car")).unwrap();
    let identity = ChainIdentity { genesis: network.genesis().genesis_id(), format: 1 };
    let store = |name: &str| Store::open(&directory(&network).join(name), &StoreConfig::default(), &identity).unwrap();
    let (half, whole) = (store("half"), store("whole"));
    let cut = tributary_witness::import(&car[..car.len() - 1], &half, None).unwrap_err();
    assert!(cut.to_string().contains("ends early"), "{cut}");
    let root = tributary_witness::import(car.as_slice(), &whole, None).unwrap().root;
    assert!(StateTree::load(&half, &root).is_err(), "a half finished import has no root");
    StateTree::load(&whole, &root).unwrap();
    assert_eq!(tributary_witness::export(&whole, &root, Vec::new()).unwrap().1, car);

    fs::write(directory(&network).join("bad.car"), [&car[..], b"x"].concat()).unwrap();
    assert!(refused(&network, "check bad.car").contains("ends early"));
    let other = tributary_primitives::cbor_cid(b"other");
    assert!(refused(&network, &format!("check state.car --root {other}")).contains("not bafy"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_was_imported_answers_as_the_home_it_came_from() {
    let (network, _) = stopped().await;
    let exported = json(&network, "export state.car --home node0 --json");
    let imported = json(&network, "import state.car --into copy --json");
    for same in ["state_root", "blocks", "bytes"] {
        assert_eq!(exported[same], imported[same]);
    }
    assert_eq!(json(&network, "head --home copy --json"), serde_json::json!({ "state_root": exported["state_root"] }));
    for question in ["actor f01", "state f01 2", &format!("storage {HISTORY} 1")] {
        assert_eq!(
            said(&network, &format!("{question} --home copy")),
            said(&network, &format!("{question} --home node0"))
        );
    }
    assert!(refused(&network, "actor f0999 --home copy").contains("in state bafy"));
    said(&network, "export again.car --home copy");
    let file = |name: &str| fs::read(directory(&network).join(name)).unwrap();
    assert_eq!(file("again.car"), file("state.car"));
    said(&network, "witness proof.car --home copy actor f01");
    said(&network, &format!("verify proof.car --root {} actor f01", exported["state_root"].as_str().unwrap()));

    // Two states by their roots, in a home; and the later one out of the archive.
    let [root, early] =
        ["", " --height 1"].map(|at| json(&network, &format!("head --home node0 --json{at}"))["state_root"].clone());
    let (root, early) = (root.as_str().unwrap(), early.as_str().unwrap());
    let last = json(&network, "head --home node0 --json")["height"].as_u64().unwrap();
    let by_height = json(&network, &format!("diff 1 {last} --home node0 --json"))["changes"].clone();
    assert_ne!(by_height, serde_json::json!([]));
    for sides in [
        format!("{early} {root} --home node0"),
        format!("{early} {root} --home node0 --to-home copy"),
        format!("1 {root} --home node0 --to-home copy"),
    ] {
        let by_root = json(&network, &format!("diff {sides} --json"));
        assert_eq!((&by_root["to"], &by_root["changes"]), (&root.into(), &by_height), "{sides}");
    }
    assert_eq!(json(&network, &format!("diff {root} {root} --home copy --json"))["changes"], serde_json::json!([]));

    let foreign = tributary_primitives::cbor_cid(b"other");
    for (arguments, words) in [
        ("head --home copy --height 1", "one imported state and no blocks"),
        ("diff 1 2 --home copy", "one imported state and no blocks"),
        (&format!("diff {foreign} {root} --home copy"), "holds the state bafy"),
        (&format!("diff {foreign} {root} --home node0"), "no block here left the state bafy"),
        ("import state.car --into copy", "is not empty"),
        ("import absent.car --into other", "absent.car: No such file"),
    ] {
        let said = refused(&network, arguments);
        assert!(said.contains(words), "{arguments}: {said} has no {words}");
    }
    let started =
        Command::new(PROGRAM).args(["run", "--home", "copy"]).current_dir(directory(&network)).output().unwrap();
    assert_eq!(started.status.code(), Some(1), "no node runs on it");

    // What is refused leaves the directory as it would have been found: the next import goes through.
    let car = file("state.car");
    fs::write(directory(&network).join("half.car"), &car[..car.len() - 1]).unwrap();
    assert!(refused(&network, "import half.car --into other").contains("ends early"));
    assert!(refused(&network, &format!("import state.car --into other --root {foreign}")).contains("not bafy"));
    assert_eq!(fs::read_dir(directory(&network).join("other")).unwrap().count(), 0);
    said(&network, "import state.car --into other");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_is_looked_at_with_its_own_settings() {
    let (network, _) = stopped().await;
    fs::write(network.home(0).config(), "[storage]\ncache_bytes = \"many\"\n").unwrap();
    let said = refused(&network, "head --home node0");
    assert!(said.contains("storage.cache_bytes"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_that_cannot_be_met_is_refused_with_what_to_do() {
    let (mut network, _) = stopped().await;
    said(&network, &format!("witness proof.car --home node0 storage {HISTORY} 0"));
    let root = json(&network, "head --home node0 --json")["state_root"].as_str().unwrap().to_owned();
    let other = tributary_primitives::cbor_cid(b"other");
    let stranger = format!("0x{}", "11".repeat(20));
    for (arguments, words) in [
        ("head --home nowhere", "subnet-node init"),
        ("head --home node0 --height 100000", "this node has blocks 0 to"),
        ("actor f0999 --home node0", "no actor has the address f0999"),
        ("state f01 9 --home node0", "nothing is at \"9\" below the state of f01"),
        ("diff 0 100000 --home node0", "there is no block 100000 here"),
        ("check proof.car", "block bafy"),
        (&format!("verify proof.car --root {other} storage {HISTORY} 0"), "about state root"),
        (&format!("verify proof.car --root {root} storage {stranger} 0"), "the witness has block"),
        (&format!("verify proof.car --root {root} actor f01"), "the witness has block"),
        (&format!("verify absent.car --root {root} actor f01"), "absent.car: No such file"),
    ] {
        let said = refused(&network, arguments);
        assert!(said.contains(words), "{arguments}: {said} has no {words}");
    }
    network.start(0);
    network.client(0).reach(1).await;
    let running = refused(&network, "head --home node0");
    assert!(running.contains("in use by another process") && running.contains("stop the other"), "{running}");
}
