//! The state of a running node, proven to somebody who has no node: the program alone, a proof, and who to trust.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tributary_primitives::SubnetId;

use crate::client::{Client, until};
use crate::network::{CHAIN_ID, Network, Plan};
use crate::wallet::Wallet;

/// The contract that remembers block hashes, on every chain.
const HISTORY: &str = "0x0000f90827f1c53a10cb7a02335b175320002935";

/// A subnet that cuts a checkpoint every three blocks. Nobody carries them; that changes nothing here.
pub fn subnet(size: usize) -> Network {
    let mut network = Network::planned(Plan {
        chain: ("child-1", CHAIN_ID + 1, SubnetId::root(CHAIN_ID).child(103).unwrap()),
        parameters: &["heartbeat_ms=1000", "block_interval_min_ms=50", "checkpoint_period=3"],
        ..Plan::root(size)
    });
    network.start_all();
    network
}

/// Waits until a checkpoint at or above `height` is certified.
pub async fn certified(client: &Client, height: u64) {
    let reached = async || {
        let status = client.ask("subnet_status", json!([])).await;
        status.is_ok_and(|status| status["certified_height"].as_u64() >= Some(height))
    };
    until("a certified checkpoint", reached).await;
}

/// What the command says of a proof that comes on standard input.
fn verify(proof: &Value, arguments: &[&str]) -> Output {
    let mut process = Command::new(env!("CARGO_BIN_EXE_subnet-node"))
        .arg("verify-proof")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end before it has read all.
    drop(process.stdin.take().unwrap().write_all(proof.to_string().as_bytes()));
    process.wait_with_output().unwrap()
}

fn proven(proof: &Value, genesis: &Path) -> Value {
    let output = verify(proof, &["--json", "--genesis", genesis.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refusal(proof: &Value, arguments: &[&str], exit_code: i32) -> String {
    let output = verify(proof, arguments);
    assert_eq!(output.status.code(), Some(exit_code), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.is_empty(), "nothing is proven, and nothing said");
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_the_genesis_document_checks_any_node_without_one() {
    let network = subnet(4);
    let (mut wallet, client) = (Wallet::rich().on(CHAIN_ID + 1), network.client(0));
    client.reach(1).await;
    wallet.transfer(&client).await;
    let spent = client.height().await.unwrap();
    certified(&client, spent).await;
    let (genesis, rich) = (network.home(0).genesis(), wallet.address().to_string());

    // Any node's answer convinces, and all say the same of one checkpoint.
    let first = client.ask("subnet_getProof", json!([rich])).await.unwrap();
    let height = first["certificate"]["checkpoint"]["height"].as_u64().unwrap();
    for at in 0..4 {
        let client = network.client(at);
        certified(&client, height).await;
        let proof = client.ask("subnet_getProof", json!([rich, null, height])).await.unwrap();
        assert_eq!(proof["witness"], first["witness"], "node {at}");
        let found = proven(&proof, &genesis);
        let actor = client.ask("subnet_getActor", json!([rich, height])).await.unwrap();
        assert_eq!((&found["actor"], &found["height"]), (&actor, &json!(height)));
        assert_eq!(actor["Nonce"], 1);
    }

    // A slot that is not zero: the hash of block 1.
    let parts = json!({"slots": ["0x1", "0x1fff"], "path": "4", "entries": ["0x6b"]});
    let proof = client.ask("subnet_getProof", json!([HISTORY, parts])).await.unwrap();
    let found = proven(&proof, &genesis);
    assert_eq!(found["slots"][0]["value"], json!(client.block_hash(1).await.unwrap()));
    assert_eq!(found["state"], json!({"path": "4", "value": 1}));
    assert_eq!(found["entries"][0]["value"], Value::Null);
    for height in [json!(null), json!(height)] {
        let read = client.ask("subnet_readState", json!([HISTORY, "4", height])).await.unwrap();
        assert_eq!(read["State"], 1, "without a proof, at any height");
    }

    let nobody = client.ask("subnet_getProof", json!(["0x1111111111111111111111111111111111111111"])).await.unwrap();
    assert_eq!(proven(&nobody, &genesis)["actor"], Value::Null, "that nobody is there is proven too");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_proven_is_refused_with_the_reason() {
    let network = subnet(1);
    let client = network.client(0);
    certified(&client, 3).await;
    let directory = tempfile::tempdir().unwrap();
    let rich = Wallet::rich().address().to_string();
    let proof = client.ask("subnet_getProof", json!([rich])).await.unwrap();
    let (genesis, subnet) = (network.home(0).genesis(), network.genesis().genesis().subnet.to_string());
    let genesis = genesis.to_str().unwrap();

    let set = directory.path().join("set.json");
    fs::write(&set, client.ask("subnet_validators", json!([])).await.unwrap().to_string()).unwrap();
    let by_set = ["--validators", set.to_str().unwrap(), "--subnet", &subnet];
    let output = verify(&proof, &by_set);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let others = Network::of(1);
    let others = others.home(0).genesis();
    let mut forged = proof.clone();
    forged["actor"]["Balance"] = json!("1");
    let refused = json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "not yet"}});
    let (of_others, set) = (others.to_str().unwrap(), set.to_str().unwrap());
    for (proof, arguments, exit_code, reason) in [
        (&proof, vec!["--genesis", of_others], 3, "the certificate does not hold: a certificate of subnet"),
        (&proof, vec!["--validators", set, "--subnet", "/r1"], 3, "not of /r1"),
        (&proof, vec!["--genesis", genesis, "--address", HISTORY], 3, "the proof is about"),
        (&proof, vec!["--genesis", genesis, "--height-min", "1000000"], 3, "one of block 1000000 or later is wanted"),
        (&forged, vec!["--genesis", genesis], 3, "actor of the proof says one thing"),
        (&proof, vec!["--genesis", set], 1, "not a genesis document"),
        (&proof, vec!["--genesis", "nowhere.json"], 1, "nowhere.json"),
        (&refused, vec!["--genesis", genesis], 1, "the node refused: not yet"),
        (&json!({}), vec!["--genesis", genesis], 1, "no answer of subnet_getProof"),
        (&proof, vec![], 2, "--genesis"),
    ] {
        let refusal = refusal(proof, &arguments, exit_code);
        assert!(refusal.contains(reason), "{reason:?} in {refusal}");
    }
    let refusal = client.ask("subnet_getProof", json!([rich, null, 4])).await.unwrap_err();
    assert!(
        refusal.contains("no checkpoint of block 4 is certified on this node; one is cut every 3 blocks"),
        "{refusal}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_has_no_checkpoints_to_prove_against() {
    let network = Network::running(1);
    network.client(0).reach(1).await;
    let refusal = network.client(0).ask("subnet_getProof", json!(["f01"])).await.unwrap_err();
    assert!(refusal.contains("this network cuts none, as every root"), "{refusal}");
}
