//! `subnet-node devnet`, as a user runs it: checkpoints land, it ends as it should, and nothing is left behind.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn devnet(directory: &Path, flags: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_subnet-node"))
        .args(["devnet", "--json", "--parent-validators", "1", "--validators", "2", "--data-dir"])
        .arg(directory)
        .args(flags)
        .output()
        .unwrap()
}

/// The events on standard output, one a line.
fn events(output: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Processes whose command line names `directory`.
fn processes_of(directory: &Path) -> Vec<String> {
    let name = directory.to_str().unwrap();
    let commands = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&line).replace('\0', " "))
    });
    commands.filter(|command| command.contains(name)).collect()
}

#[test]
fn a_devnet_reaches_a_checkpoint_resumes_and_leaves_no_process_behind() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("devnet");
    let first = devnet(&home, &["--until-checkpoint", "1"]);
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    assert_eq!(processes_of(&home), Vec::<String>::new());
    let told = events(&first);
    for event in ["started", "registered", "checkpoint", "stopped"] {
        assert!(told.iter().any(|told| told["event"] == event), "no {event} in {told:?}");
    }
    let ended = told.last().unwrap();
    assert_eq!((&ended["event"], &ended["failed"]), (&Value::from("stopped"), &Value::from(0)), "{ended}");

    let second = devnet(&home, &["--until-checkpoint", "1", "--no-load"]);
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stderr));
    assert_eq!(events(&second)[0]["resumed"], true);
    assert_eq!(processes_of(&home), Vec::<String>::new());
}

#[test]
fn a_directory_that_is_no_devnets_is_never_removed() {
    let directory = tempfile::tempdir().unwrap();
    let precious = directory.path().join("precious.txt");
    std::fs::write(&precious, "mine").unwrap();
    let refused = devnet(directory.path(), &["--fresh", "--until-checkpoint", "1"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(!refused.stderr.is_empty());
    assert_eq!(std::fs::read_to_string(precious).unwrap(), "mine");
}
