//! The pages are true: their commands, copied and pasted, do what the pages say.

use std::path::Path;
use std::process::{Command, Stdio};

use tributary_crypto::SecpSecretKey;
use tributary_node::devnet::keys::{DEVELOPMENT_SECRETS, development_key};

use crate::client::Client;
use crate::hierarchy::{Hierarchy, url};
use crate::network::{Network, Plan, Ports, Process, own_host};
use crate::proofs::{certified, subnet};
use crate::wallet::Wallet;

const ACTORS: &str = include_str!("../../../docs/actors.md");
const COMMAND_LINE: &str = include_str!("../../../docs/command-line.md");
/// Where the command line's page finds a devnet's parent.
const DEVNET_PARENT: &str = "http://127.0.0.1:8545";
/// How that page builds the actor that this program has built in.
const BUILD_COUNTER: &str =
    "cargo build --locked --profile actor --target wasm32-unknown-unknown --package tributary-counter-actor
cp target/wasm32-unknown-unknown/actor/tributary_counter_actor.wasm counter.wasm
";
const LIGHT_CLIENTS: &str = include_str!("../../../docs/light-clients.md");
/// Where the light clients' page finds a node.
const NODE: &str = "http://127.0.0.1:8545";
/// Where the actors' page finds a devnet's child.
const DEVNET_CHILD: &str = "http://127.0.0.1:8645";
const PROOFS: &str = include_str!("../../../docs/proofs.md");
/// Where the proofs' page finds the child's genesis document, and the programs.
const DEVNET_GENESIS: &str = "GENESIS=devnet/child/genesis.json";
const DEVNET_PATH: &str = "PATH=$PWD/target/debug:$PATH\n";
/// The account that the page asks about.
const DEVNET_ACCOUNT: &str = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
const PAGE: &str = include_str!("../../../docs/operators.md");
/// The page's last command, which would take the usual ports of this machine.
const RUN: &str = "subnet-node run --home node0";

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_page_makes_a_network_by_copy_and_paste() {
    let (_, block) = PAGE.split_once("```sh\n").unwrap();
    let (commands, _) = block.split_once("```").unwrap();
    let make = commands.trim().strip_suffix(RUN).expect("the page ends its commands with running the node");
    let directory = tempfile::tempdir().unwrap();
    let path = path_with_programs();
    let made = Command::new("bash").args(["-euc", make]).current_dir(&directory).env("PATH", &path).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));

    let ports = Ports::on(own_host(), 1)[0];
    let node = Command::new("bash")
        .args(["-euc", &format!("exec {RUN} --stop-on-stdin-close")])
        .current_dir(&directory)
        .envs(ports.settings())
        .env("PATH", &path)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let _node = Process(node.unwrap());
    Client::of(ports.rpc).reach(1).await;
}

/// Where the page's programs are found.
fn path_with_programs() -> String {
    let programs = Path::new(env!("CARGO_BIN_EXE_subnet-node")).parent().unwrap();
    assert!(programs.join("genesis").exists(), "run `make test`, or `cargo build --package tributary-genesis` first");
    format!("{}:{}", programs.display(), std::env::var("PATH").unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_actors_page_makes_an_actor_from_an_empty_folder() {
    let key: tributary_primitives::Hash32 = DEVELOPMENT_SECRETS[0].parse().unwrap();
    let sender = SecpSecretKey::from_bytes(&key.0).unwrap().f1_address().to_string();
    let mut network = Network::planned(Plan { rich: vec![sender.parse().unwrap()], ..Plan::root(1) });
    network.start_all();
    network.client(0).reach(1).await;

    // All but the first block, which starts a devnet.
    let blocks = ACTORS.split("```sh\n").skip(2).map(|block| block.split_once("```").unwrap().0);
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    // The versions that this workspace has: no registry is asked which are the newest.
    let folder = "mkdir -p adder/src && cd adder";
    let script = blocks.collect::<String>();
    assert!(script.contains(folder) && script.contains(DEVNET_CHILD));
    let script = script.replace(folder, &format!("{folder} && cp {} Cargo.lock", lock.display()));
    let script = script.replace(DEVNET_CHILD, &format!("http://{}", network.rpc(0)));

    let directory = tempfile::tempdir().unwrap();
    let output = tokio::task::spawn_blocking(move || {
        Command::new("bash")
            .args(["-euc", &script])
            .current_dir(&directory)
            .env("PATH", path_with_programs())
            .env_remove("CARGO_TARGET_DIR")
            .output()
            .unwrap()
    });
    let output = output.await.unwrap();
    let (said, complaints) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{complaints}");
    for expected in ["value: 40", "value: 42", "\"State\":42", "refused"] {
        assert!(said.contains(expected), "{expected:?} in {said}\n{complaints}");
    }
    assert!(complaints.contains("exit code 21: the parameters are not what the method takes"), "{complaints}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_lines_page_walks_from_a_key_to_the_parent_by_copy_and_paste() {
    let hierarchy = Hierarchy::start_with(development_accounts()).await;
    let _relayer = hierarchy.run_relayer();
    // All but the first block, which starts a devnet.
    let blocks = COMMAND_LINE.split("```sh\n").skip(2).map(|block| block.split_once("```").unwrap().0);
    let script = blocks.collect::<String>();
    for replaced in [DEVNET_CHILD, DEVNET_PARENT, BUILD_COUNTER] {
        assert!(script.contains(replaced), "{replaced}");
    }
    let script = script.replace(DEVNET_CHILD, &url(&hierarchy.child)).replace(DEVNET_PARENT, &url(&hierarchy.parent));
    let script = script.replace(BUILD_COUNTER, "");

    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("counter.wasm"), tributary_genesis_code::COUNTER_ACTOR).unwrap();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for folder in ["fvm", "subnet-node"] {
        std::os::unix::fs::symlink(repository.join(folder), directory.path().join(folder)).unwrap();
    }
    let output = tokio::task::block_in_place(|| {
        let mut bash = Command::new("bash");
        // A command that fails within $(…) fails the page.
        let script = format!("shopt -s inherit_errexit; set -o pipefail\n{script}");
        bash.args(["-euc", &script]).current_dir(&directory).env("PATH", path_with_programs()).output().unwrap()
    });
    let (said, complaints) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{complaints}");
    for expected in [
        "stage: accepted",
        "balance: 5 TRB",
        "balance: 1.5 ",
        "values: 7",
        "value: 1",
        "\"amount\":\"7\"",
        "exit code 10",
    ] {
        assert!(said.contains(expected), "{expected:?} in {said}\n{complaints}");
    }
}

/// Both accounts of the development key that the pages use.
fn development_accounts() -> Vec<tributary_genesis::words::AccountAddress> {
    let key = development_key(DEVELOPMENT_SECRETS[0]);
    vec![key.eth_address().into(), key.f1_address().to_string().parse().unwrap()]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_light_clients_page_asks_every_question_by_copy_and_paste() {
    let network = Network::running(1);
    network.client(0).reach(2).await;
    let blocks = LIGHT_CLIENTS.split("```sh\n").skip(1).map(|block| block.split_once("```").unwrap().0);
    let script = blocks.collect::<String>();
    assert!(script.contains(NODE));
    let (script, questions) =
        (script.replace(NODE, &format!("http://{}", network.rpc(0))), script.matches("curl").count());
    let asked = || Command::new("bash").args(["-euc", &script]).output().unwrap();
    let output = tokio::task::block_in_place(asked);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    // One of them feeds another.
    assert_eq!(said.matches("\"result\":").count(), questions - 1, "{said}");
    assert!(
        !said.contains("\"error\":") && !said.contains("\"block\":null") && !said.contains("\"header\":null"),
        "{said}"
    );
    for method in tributary_rpc::comet::names() {
        assert!(script.contains(&format!("/{method}")), "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proofs_page_proves_every_part_and_refuses_a_forgery_by_copy_and_paste() {
    let network = subnet(1);
    certified(&network.client(0), 3).await;
    let blocks = PROOFS.split("```sh\n").skip(1).map(|block| block.split_once("```").unwrap().0);
    let script = blocks.collect::<String>();
    assert!([DEVNET_CHILD, DEVNET_GENESIS, DEVNET_PATH, DEVNET_ACCOUNT].iter().all(|place| script.contains(place)));
    let checks = script.matches("subnet-node verify-proof").count();
    let script = script
        .replace(DEVNET_CHILD, &format!("http://{}", network.rpc(0)))
        .replace(DEVNET_GENESIS, &format!("GENESIS={}", network.home(0).genesis().display()))
        .replace(DEVNET_PATH, "")
        .replace(DEVNET_ACCOUNT, &Wallet::rich().address().to_string());
    let directory = tempfile::tempdir().unwrap();
    let asked = || {
        let mut bash = Command::new("bash");
        bash.args(["-euo", "pipefail", "-c", &script]).current_dir(&directory).env("PATH", path_with_programs());
        bash.output().unwrap()
    };
    let output = tokio::task::block_in_place(asked);
    let (said, complaints) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{complaints}");
    // All but the forgery are proven.
    assert_eq!(said.matches("state root ").count(), checks - 1, "{said}\n{complaints}");
    for expected in ["state at \"2\": \"child-1\"", "state at \"4\": 1", "no actor has the address"] {
        assert!(said.contains(expected), "{expected:?} in {said}\n{complaints}");
    }
    assert!(complaints.contains("actor of the proof says one thing"), "{complaints}");
}
