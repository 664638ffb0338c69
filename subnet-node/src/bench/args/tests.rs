//! Command lines, and the plans or refusals that they come to.

use clap::{Parser, ValueEnum};
use tributary_relayer::key::make_key;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    bench: BenchArgs,
}

const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const RPC: &str = "http://127.0.0.1:8545";

/// With these variables set to the same.
fn plan_with(variables: &[&str], set: &str, line: &[&str]) -> Result<Plan, String> {
    let line = Line::try_parse_from(std::iter::once(&"bench").chain(line)).map_err(|why| why.to_string())?;
    let environment = |variable: &str| variables.contains(&variable).then(|| OsString::from(set));
    line.bench.plan_in(environment).map_err(|why| why.to_string())
}

/// With both keys in the environment.
fn plan(line: &[&str]) -> Result<Plan, String> {
    plan_with(&["TRIBUTARY_KEY", "TRIBUTARY_PEER_KEY"], KEY, line)
}

#[test]
fn with_nothing_said_one_validator_is_started_and_sent_transfers() {
    let plan = plan(&[]).unwrap();
    assert_eq!(plan.start.as_ref().map(|start| start.validators), Some(1));
    assert_eq!((plan.workload, plan.pace), (Workload::Transfer, Pace::Closed { in_flight: 2_000 }));
    assert_eq!((plan.transactions, plan.rules().duration_us), (30 * 8_000, Some(30_000_000)));
    assert!(plan.peers.is_empty());
}

#[test]
fn a_number_of_transactions_takes_the_place_of_a_duration() {
    let plan = plan(&["--transactions", "500"]).unwrap();
    assert_eq!((plan.transactions, plan.rules().duration_us), (500, None));
}

#[test]
fn an_open_loop_signs_what_its_rate_needs() {
    let plan = plan(&["--loop", "open", "--rate", "300", "--duration", "10"]).unwrap();
    assert_eq!((plan.transactions, plan.pace), (3_000, Pace::Open { rate: 300 }));
}

#[test]
fn a_network_that_runs_is_paid_for_by_its_key() {
    let plan = plan(&["--rpc", RPC, "--rpc", "http://127.0.0.1:8546"]).unwrap();
    assert!(plan.start.is_none());
    assert_eq!(plan.running.nodes.len(), 2);
    assert_eq!(plan.running.key.eth_address().to_string(), "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266");
}

#[test]
fn a_key_comes_from_a_file_or_the_environment_and_never_from_an_argument() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.json");
    let made = make_key(&file).unwrap().eth_address();
    let known = SecpSecretKey::from_bytes(&KEY.parse::<Hash32>().unwrap().0).unwrap().eth_address();
    let file = file.to_str().unwrap();
    for (variable, network, flag) in [
        ("TRIBUTARY_KEY", ["--rpc", RPC], "--key-file"),
        ("TRIBUTARY_PEER_KEY", ["--peer", "anvil=http://h:1"], "--peer-key-file"),
    ] {
        let payer = |plan: Plan| match plan.peers.first() {
            Some(peer) => peer.key.eth_address(),
            None => plan.running.key.eth_address(),
        };
        for (set, payer_is) in [(KEY, known), (&KEY[2..], known), (file, made)] {
            assert_eq!(payer(plan_with(&[variable], set, &network).unwrap()), payer_is, "{variable}");
        }
        let by_file = [&network[..], &[flag, file]].concat();
        assert_eq!(payer(plan_with(&[variable], KEY, &by_file).unwrap()), made, "{flag} wins");
        for set in [&KEY[..65], "0x", &"0".repeat(64)] {
            let refused = plan_with(&[variable], set, &network).unwrap_err();
            assert!(refused.contains("is no private key") && !refused.contains("ac0974"), "{refused}");
        }
        for (set, why) in [("/nowhere/key.json", "/nowhere/key.json"), ("", "needs somebody who pays")] {
            let refused = plan_with(&[variable], set, &network).unwrap_err();
            assert!(refused.contains(why), "{variable}: {refused}");
        }
        for (flag, why) in [(flag, "never an argument"), (flag.trim_end_matches("-file"), "unexpected argument")] {
            let refused = plan(&[&network[..], &[flag, KEY]].concat()).unwrap_err();
            assert!(refused.contains(why) && !refused.contains("ac0974"), "{flag}: {refused}");
        }
    }
}

#[test]
fn a_request_holds_fifty_unless_its_answer_confirms_one() {
    for (line, batch) in [
        (&[][..], 50),
        (&["--confirm", "subscription"], 50),
        (&["--confirm", "sync"], 1),
        (&["--confirm", "sync", "--batch", "1"], 1),
        (&["--batch", "7"], 7),
    ] {
        assert_eq!(plan(line).unwrap().rules().batch_max, batch, "{line:?}");
    }
}

#[test]
fn nodes_of_one_peer_share_its_name() {
    let peers = ["--peer", "a=http://h:1", "--peer", "b=http://h:2", "--peer", "a=http://h:3"];
    let peers = plan(&peers).unwrap().peers;
    let told: Vec<_> = peers.iter().map(|peer| (peer.name.as_str(), peer.nodes.len())).collect();
    assert_eq!(told, [("a", 2), ("b", 1)]);
}

#[test]
fn what_is_ethereums_alone_runs_beside_any_chain() {
    for workload in Workload::value_variants() {
        let name = workload.to_string();
        let line = ["--workload", &name, "--peer", "anvil=http://h:1"];
        assert_eq!(plan(&line).is_ok(), !workload.needs_actors(), "{workload}");
    }
}

#[test]
fn what_cannot_be_is_refused_for_its_own_reason() {
    for (line, why) in [
        (&["--rpc", RPC, "--validators", "1"][..], "cannot be used with"),
        (&["--rpc", "https://node.example"], "only http://"),
        (&["--rpc", RPC, "--key-file", "/nowhere/key.json"], "--key-file: /nowhere/key.json"),
        (&["--key-file", "key.json"], "--rpc <URL>"),
        (&["--peer-key-file", "key.json"], "--peer <NAME=URL>"),
        (&["--rpc", RPC, "--parameter", "a=1"], "cannot be used with"),
        (&["--validators", "33"], "33 is not in 1..=32"),
        (&["--loop", "open"], "--rate"),
        (&["--transactions", "0"], "--transactions"),
        (&["--transactions", "5", "--duration", "5"], "cannot be used with"),
        (&["--transactions", "2000001"], "2000001 transactions"),
        (&["--duration", "1000"], "8000000 transactions"),
        (&["--batch", "0"], "--batch"),
        (&["--confirm", "sync", "--batch", "2"], "leave --batch out"),
        (&["--confirm", "sync", "--workload", "wasm"], "one Ethereum transaction a call"),
        (&["--confirm", "sync", "--workload", "compute"], "--workload compute has FVM messages"),
        (&["--confirm", "sync", "--workload", "both"], "--workload both has FVM messages"),
        (&["--peer", "http://h:1"], "NAME=URL"),
        (&["--peer", "tributary=http://h:1"], "another name"),
        (&["--workload", "wasm", "--rpc", RPC], "only on a network that is started here"),
        (&["--workload", "compute", "--rpc", RPC], "--workload compute calls WASM actors"),
        (&["--workload", "both", "--peer", "anvil=http://h:1"], "leave --rpc and --peer out"),
        (&["--workload", "cross", "--peer", "anvil=http://h:1"], "--workload cross calls WASM actors"),
        (&["--workload", "erc20-hot", "--senders", "1"], "2 --senders or more"),
        (&["--workload", "erc20-zipf", "--senders", "1"], "--workload erc20-zipf needs somebody to receive"),
        (&["--workload", "swap-2"], "swap-100"),
    ] {
        let refused = plan(line).unwrap_err();
        assert!(refused.contains(why), "{line:?}: {refused}");
    }
}
