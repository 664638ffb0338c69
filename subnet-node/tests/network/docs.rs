//! The operators' page is true: its first commands, copied and pasted, make a network that makes blocks.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::client::Client;
use crate::network::{Ports, Process};

const PAGE: &str = include_str!("../../../docs/operators.md");
/// The page's last command, which would take the usual ports of this machine.
const RUN: &str = "subnet-node run --home node0";

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_page_makes_a_network_by_copy_and_paste() {
    let (_, block) = PAGE.split_once("```sh\n").unwrap();
    let (commands, _) = block.split_once("```").unwrap();
    let make = commands.trim().strip_suffix(RUN).expect("the page ends its commands with running the node");
    let directory = tempfile::tempdir().unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_subnet-node")).parent().unwrap();
    assert!(programs.join("genesis").exists(), "run `make test`, or `cargo build --package tributary-genesis` first");
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let made = Command::new("bash").args(["-euc", make]).current_dir(&directory).env("PATH", &path).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));

    let ports = Ports::free();
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
