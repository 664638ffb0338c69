//! `subnet-node bench`, as a user runs it: a network starts, every transaction lands, and nothing is left behind. Never how fast.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use clap::ValueEnum;
use serde_json::Value;
use tributary_load::agreement::{PATIENCE, compare};
use tributary_load::http::Endpoint;
use tributary_load::workload::Workload;
use tributary_node::devnet::keys::DEVELOPMENT_SECRETS;

use crate::network::{Network, Plan, own_host};

/// Runs the command with temporary folders in `directory`, and reads the document that it writes.
fn bench(directory: &Path, flags: &[&str]) -> (Output, Value) {
    let json = directory.join("bench.json");
    let output = Command::new(env!("CARGO_BIN_EXE_subnet-node"))
        .args(["bench", "--senders", "20", "--json"])
        .arg(&json)
        .args(flags)
        .env("TMPDIR", directory)
        .env("TRIBUTARY_KEY", DEVELOPMENT_SECRETS[0])
        .env("TRIBUTARY_PEER_KEY", DEVELOPMENT_SECRETS[0])
        .output()
        .unwrap();
    let document = std::fs::read(&json).unwrap_or_default();
    (output, serde_json::from_slice(&document).unwrap_or_default())
}

#[test]
fn every_workload_lands_on_a_network_that_is_started_for_it() {
    for workload in Workload::value_variants().iter().map(Workload::to_string) {
        let directory = tempfile::tempdir().unwrap();
        let (output, document) = bench(directory.path(), &["--transactions", "200", "--workload", &workload]);
        assert!(output.status.success(), "{workload}: {}", String::from_utf8_lossy(&output.stderr));
        let run = &document["runs"][0];
        assert_eq!((&run["workload"], &run["ended"]), (&workload.as_str().into(), &"landed".into()));
        for (figure, expected) in [("submitted", 200), ("confirmed", 200), ("unconfirmed", 0), ("errors", 0)] {
            assert_eq!(run[figure], expected, "{workload}: {figure} of {run}");
        }
        assert_eq!((&run["checked"]["receipts"], &run["checked"]["failed"]), (&200.into(), &0.into()));
        assert_eq!((&run["validators"], &run["chain_id"]), (&1.into(), &31_415.into()));
        for figure in ["seconds", "tps", "client_cpu_ms"] {
            assert!(run[figure].is_number(), "{workload}: {figure} of {run}");
        }
        for figure in ["p50_us", "p95_us", "p99_us", "max_us"] {
            assert!(run["latency"][figure].as_u64().is_some_and(|micros| micros > 0), "{workload}: {figure} of {run}");
        }
        let used = &run["network_used"];
        assert_eq!(used["processes"].as_array().map(Vec::len), Some(1), "{used}");
        assert!(used["processes"][0]["rss_peak_bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{used}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("| confirmed"));
        let left: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["bench.json"], "the network's folder is gone");
    }
}

#[test]
fn every_stage_of_a_transactions_way_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let flags =
        ["--transactions", "100", "--batch", "1", "--loop", "open", "--rate", "100", "--confirm", "subscription"];
    let (output, document) = bench(directory.path(), &flags);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let stages = &document["runs"][0]["network_used"]["stages"];
    for stage in ["admission_us", "wait_us", "proposal_us", "decision_us", "commit_us"] {
        assert!(stages[stage].as_u64().is_some_and(|micros| micros > 0), "{stage} of {stages}");
    }
    assert!(stages["notification_us"].is_u64(), "{stages}");
    let table = String::from_utf8_lossy(&output.stdout);
    for line in ["| it waits for a proposal", "| subscribers are notified in"] {
        assert!(table.contains(line), "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn networks_that_run_already_take_their_money_from_a_key() {
    let key: tributary_primitives::Hash32 = DEVELOPMENT_SECRETS[0].parse().unwrap();
    let key = tributary_crypto::SecpSecretKey::from_bytes(&key.0).unwrap();
    let mut network = Network::planned(Plan { rich: vec![key.eth_address().into()], ..Plan::root(1) });
    network.start_all();
    network.client(0).reach(1).await;
    let url = format!("http://{}", network.rpc(0));
    for workload in ["transfer", "mixed"] {
        let directory = tempfile::tempdir().unwrap();
        let (path, url) = (directory.path().to_owned(), url.clone());
        let ran = tokio::task::spawn_blocking(move || {
            let peer = format!("again={url}");
            let networks = ["--rpc", &url, "--peer", &peer, "--workload", workload];
            let flags = ["--transactions", "100", "--batch", "1", "--loop", "open", "--rate", "400"];
            bench(&path, &[&networks[..], &flags].concat())
        });
        let (output, document) = ran.await.unwrap();
        assert!(output.status.success(), "{workload}: {}", String::from_utf8_lossy(&output.stderr));
        for (place, name) in ["tributary", "again"].into_iter().enumerate() {
            let run = &document["runs"][place];
            assert_eq!(
                (&run["network"], &run["confirmed"], &run["checked"]["failed"]),
                (&name.into(), &100.into(), &0.into())
            );
            assert!(run["network_used"].is_null() && run["validators"].is_null(), "{run}");
        }
        assert!(document["ratios"][0]["tps"].is_number(), "{document}");
    }
}

#[test]
fn all_validators_have_one_block_and_one_state_after_a_run() {
    let directory = tempfile::tempdir().unwrap();
    let (output, document) = bench(directory.path(), &["--transactions", "100", "--validators", "3"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let agreement = &document["runs"][0]["agreement"];
    assert_eq!(agreement["agree"], true, "{agreement}");
    assert!(agreement["height"].as_u64().is_some_and(|height| height > 0), "{agreement}");
    let nodes = agreement["nodes"].as_array().unwrap();
    assert!(nodes.len() == 3 && nodes.iter().all(|node| node == &nodes[0]), "{agreement}");
    let root = nodes[0]["block"]["state_root"].as_str().unwrap();
    assert!(root.len() == 66 && !root.trim_matches(['0', 'x']).is_empty(), "{agreement}");
    let told = format!("3 of 3, at block {}", agreement["height"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains(&told), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_of_two_chains_do_not_agree() {
    let mut networks = [Network::of(1), Network::of(1)];
    networks.iter_mut().for_each(Network::start_all);
    for network in &networks {
        network.client(0).reach(2).await;
    }
    let endpoint = |network: &Network| format!("http://{}", network.rpc(0)).parse::<Endpoint>().unwrap();
    let [one, other] = networks.each_ref().map(endpoint);
    let compared = compare(&[one.clone(), other.clone()], PATIENCE).await.unwrap().unwrap();
    let why = compared.disagreement().unwrap();
    assert!(!compared.agree && why.contains("these are two chains"), "{why}");
    assert!(why.contains(&one.to_string()) && why.contains(&other.to_string()), "{why}");
    assert!(compare(&[one.clone(), one.clone()], PATIENCE).await.unwrap().unwrap().agree);
    let gone = "http://127.0.0.1:1".parse::<Endpoint>().unwrap();
    let compared = compare(&[one.clone(), gone], Duration::ZERO).await.unwrap().unwrap();
    assert!(
        !compared.agree && compared.disagreement().unwrap().contains("http://127.0.0.1:1"),
        "who is gone does not agree"
    );
    assert_eq!(compare(&[one], PATIENCE).await.unwrap(), None, "there is nobody to agree with");
}

#[test]
fn nobody_there_is_told_with_the_address() {
    let directory = tempfile::tempdir().unwrap();
    // A port that nobody else in these tests has, on an address of this test alone.
    let url = format!("http://{}:9", own_host());
    let (output, _) = bench(directory.path(), &["--rpc", &url]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains(&url), "{told}");
}
