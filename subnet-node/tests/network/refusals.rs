//! A node that cannot run says why and what to do, and leaves everything as it was.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use crate::network::Network;

/// Runs `command` to its end; what it said on standard error. It must not end well.
fn refusal(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    said
}

fn assert_says(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "no {word:?} in: {said}");
    }
}

#[test]
fn a_home_that_is_not_there_is_refused_with_what_makes_one() {
    let network = Network::of(1);
    fs::remove_file(network.home(0).genesis()).unwrap();
    assert_says(&refusal(&mut network.command(0)), &["genesis.json", "subnet-node init"]);
}

#[test]
fn a_setting_that_is_spelled_wrong_is_named() {
    let network = Network::of(1);
    let said = refusal(network.command(0).args(["--set", "rpc.listne=127.0.0.1:1"]));
    assert_says(&said, &["listne"]);
}

#[test]
fn a_parent_of_a_root_is_refused() {
    let network = Network::of(1);
    let said = refusal(network.command(0).args(["--set", "parent.rpc=http://127.0.0.1:1"]));
    assert_says(&said, &["parent.rpc", "root", "leave the setting empty"]);
}

#[test]
fn a_genesis_that_was_changed_after_it_was_sealed_is_refused_by_its_field() {
    let network = Network::of(1);
    let path = network.home(0).genesis();
    let changed = fs::read_to_string(&path).unwrap().replace("\"power\": 10", "\"power\": 11");
    fs::write(&path, changed).unwrap();
    assert_says(&refusal(&mut network.command(0)), &["seal.genesis_id"]);
}

#[test]
fn a_port_in_use_is_named() {
    let network = Network::of(1);
    let _holder = TcpListener::bind(network.rpc(0)).unwrap();
    let port = network.rpc(0).to_string();
    assert_says(&refusal(&mut network.command(0)), &["RPC", &port, "in use"]);
}

#[test]
fn a_key_file_that_others_can_read_is_refused_with_what_to_do() {
    let network = Network::of(1);
    let keys = network.home(0).keys();
    assert!(Command::new("chmod").arg("644").arg(&keys).status().unwrap().success());
    assert_says(&refusal(&mut network.command(0)), &["keys.json", "chmod 600"]);
}

#[test]
fn a_data_directory_of_another_chain_is_refused() {
    let mut network = Network::running(1);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(network.client(0).reach(1));
    assert!(network.stop(0).success());
    let other = Network::of(1);
    fs::copy(other.home(0).genesis(), network.home(0).genesis()).unwrap();
    assert_says(&refusal(&mut network.command(0)), &["data", "chain"]);
}
