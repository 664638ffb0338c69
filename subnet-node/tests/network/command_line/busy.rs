//! `tributary watch logs` of a chain that has more logs than a node tells at once.

use std::process::Stdio;

use serde_json::{Value, json};

use super::{BROUGHT, Person, TALLY, rich, text};
use crate::hierarchy::url;
use crate::network::{Network, Plan, Process};

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_watched_past_a_busy_stretch_and_one_block_that_is_too_much_is_refused() {
    let network = Network::planned(Plan { rich: rich(), ..Plan::root(1) });
    let mut node = network.command(0);
    node.args(["--set", "rpc.logs_max=1"]).stdout(Stdio::null()).stderr(Stdio::null());
    let _node = Process(node.spawn().unwrap());
    network.client(0).reach(1).await;
    let person = Person::of(url(&network));
    let made = person.done(&["deploy", "evm", TALLY, "--key", "rich"]);
    let tally = text(&made["contract"]);
    let bring = |amount: &str, flags: &[&str]| {
        person.done(&[&["invoke", tally, "bring(uint256)", amount, "--key", "rich"][..], flags].concat())
    };
    let watch = ["watch", "logs", "--event", BROUGHT, "--address", tally, "--from", "1", "--count"];

    // A log a block, and all of them in what is asked for first.
    for amount in ["7", "3"] {
        bring(amount, &[]);
    }
    let logs = person.lines(&[&watch[..], &["2"]].concat());
    let totals: Vec<_> = logs.iter().map(|log| &log["values"]["total"]).collect();
    assert_eq!(totals, [&json!("7"), &json!("10")]);

    // Two in one block: the one that came first waited for the other.
    let waits = bring("1", &["--nonce", "4", "--until", "admitted"]);
    let last = bring("1", &["--nonce", "3"]);
    let status = person.done(&["status", text(&waits["transaction"]), "--until", "block"]);
    assert_eq!(status["block"], last["block"], "{status}");
    let output = person.run(&[&watch[..], &["4"]].concat());
    let [said, complaint] = [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap());
    assert_eq!((output.status.code(), said.lines().count()), (Some(4), 2), "{said}{complaint}");
    let error = serde_json::from_str::<Value>(&complaint).unwrap()["error"].clone();
    for says in [format!("block {} alone", last["block"]).as_str(), "max results 1", "--address"] {
        assert!(text(&error["message"]).contains(says), "{error}");
    }
}
