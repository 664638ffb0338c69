//! Solidity and viem against a real network. `make test` installs what the script needs.

use std::path::Path;
use std::process::Command;

use crate::network::Network;
use crate::wallet::RICH_KEY;

#[tokio::test(flavor = "multi_thread")]
async fn an_openzeppelin_token_is_deployed_and_moved_with_viem() {
    let said = run("erc20.mjs").await;
    assert!(said.contains("ok:"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_transactions_and_events_are_watched_with_viem() {
    let said = run("websocket.mjs").await;
    assert!(said.contains("ok:"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_if_it_were_otherwise_is_asked_with_viem() {
    let said = run("calls.mjs").await;
    assert!(said.contains("ok:"), "{said}");
}

/// Runs a script of the folder against a network of four; what it said.
async fn run(script: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/viem");
    assert!(folder.join("node_modules").exists(), "run `make test`, or `npm ci` in {}", folder.display());
    let network = Network::running(4);
    network.client(0).reach(1).await;
    let url = format!("http://{}", network.rpc(0));
    let key = format!("0x{}", hex::encode(RICH_KEY));
    let output = Command::new("node").current_dir(&folder).args([script, &url, &key]).output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{said}");
    said
}
