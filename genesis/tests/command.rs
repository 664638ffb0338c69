//! The command `genesis` as a user types it, as a real process in a folder of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tributary_genesis::{Genesis, Keys};

/// Runs `genesis` in `folder` with arguments separated by spaces.
fn genesis(folder: &Path, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_genesis"));
    command.current_dir(folder).args(line.split_whitespace()).output().unwrap()
}

/// What a run that must go well prints.
fn told(folder: &Path, line: &str) -> String {
    let output = genesis(folder, line);
    assert!(output.status.success(), "genesis {line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What a run that must not go well complains of.
fn refused(folder: &Path, line: &str) -> String {
    let output = genesis(folder, line);
    assert!(!output.status.success(), "genesis {line} went well");
    assert!(output.stdout.is_empty(), "a refusal is told on the error output alone");
    String::from_utf8(output.stderr).unwrap()
}

const ALICE: &str = "0x52908400098527886e0f7030069857d2e4169ee7";
/// Of a BLS key.
const BOB: &str = "f3wo44vs6uyzuzc7dipubydfzrdwfwhjzovcvdx5bqpish5srqx7veq7chbmew4uqiwakzvb6r6gquvt3xvksa";
/// Of a point of the curve that is no key.
const NOBODY: &str = "f3qaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaj4kjrj2a";

/// A draft with a validator and an account.
fn draft(folder: &Path) {
    told(folder, "new-keys alpha/keys.json");
    told(folder, "new genesis.json --chain-name river-1 --chain-id 31415 --time 2026-11-20T12:00:00Z");
    told(folder, "add-validator genesis.json --keys-public alpha/keys.public.json --power 100 --name alpha");
    told(folder, &format!("add-account genesis.json {ALICE} 1000000TRB"));
}

#[test]
fn a_network_is_made_sealed_verified_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    draft(folder);
    told(folder, &format!("add-account genesis.json {BOB} 5TRB"));
    told(folder, "add-code genesis.json --counter");
    told(folder, "add-cron genesis.json f0105 3844450837");
    told(folder, "set genesis.json checkpoint_period=5 block_gas_limit=30_000_000");
    let sealed = told(folder, "seal genesis.json");
    let verified = told(folder, "verify genesis.json");
    assert_eq!(verified, format!("sealed, and every rule holds\n{sealed}"));

    let genesis = Genesis::from_json(&fs::read(folder.join("genesis.json")).unwrap()).unwrap();
    assert_eq!(genesis.parameters.checkpoint_period, 5);
    let keys = Keys::read(&folder.join("alpha/keys.json")).unwrap();
    assert_eq!(genesis.validators[0].consensus_key, keys.public().consensus_key);

    let table = told(folder, "show genesis.json");
    let id = genesis.seal.unwrap().genesis_id.to_string();
    let bob = format!("{BOB} 5.0 TRB");
    let words =
        ["river-1", "/r31415", "alpha", ALICE, "1000000.0 TRB", &bob, "counter", "f0105", "checkpoint_period", &id];
    for part in words {
        assert!(table.contains(part), "{part} is not in\n{table}");
    }
    let json: serde_json::Value = serde_json::from_str(&told(folder, "show genesis.json --json")).unwrap();
    assert_eq!(json["seal"]["genesis_id"], id);
    assert!(json["code"][0]["wasm_bytes"].as_u64().unwrap() > 0 && json["code"][0].get("wasm").is_none());
}

#[test]
fn the_same_draft_gives_the_same_id() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    draft(folder);
    let one = told(folder, "seal genesis.json --output one.json");
    let two = told(folder, "seal genesis.json --output two.json");
    assert_eq!(one, two);
    assert_eq!(fs::read(folder.join("one.json")).unwrap(), fs::read(folder.join("two.json")).unwrap());
}

#[test]
fn each_refusal_says_why_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    draft(folder);
    fs::write(folder.join("broken.json"), "{").unwrap();
    fs::write(folder.join("text.wasm"), "hello").unwrap();
    let before = fs::read(folder.join("genesis.json")).unwrap();
    for (line, reason) in [
        ("new genesis.json --chain-name river-1 --chain-id 31415", "genesis.json exists"),
        ("new other.json --chain-name River --chain-id 31415", "chain_name: \"River\" must be"),
        ("new other.json --chain-name river-1 --chain-id 7 --subnet /r7/x", "level \"x\" must be f0"),
        ("new other.json --chain-name river-1 --chain-id 7 --set heartbeat=1", "there is no parameter \"heartbeat\""),
        ("new other.json --chain-name river-1 --chain-id 7 --set heartbeat_ms=1", "1 ms must be 1000 to 3600000"),
        ("new-keys alpha/keys.json", "keys.json exists; keys are never overwritten"),
        ("add-validator genesis.json --keys-public alpha/keys.public.json --power 1", "the same as validators[0]"),
        ("add-validator genesis.json --keys-public alpha/keys.json --power 1", "alpha/keys.json is no key file"),
        ("add-validator genesis.json --power 1", "--keys-public"),
        ("add-account genesis.json 0x12 1", "is no Ethereum address"),
        (&format!("add-account genesis.json {NOBODY} 1"), "no BLS public key"),
        (&format!("add-account genesis.json {ALICE} 1"), "the same as accounts[0].address"),
        ("add-account genesis.json f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy 1.5", "is not a whole number of attoTRB"),
        ("add-code genesis.json --name text text.wasm", "code[1].wasm: no WASM module"),
        ("add-code genesis.json --name none none.wasm", "cannot read none.wasm"),
        ("add-cron genesis.json f03 2", "is no actor that can be called"),
        ("add-cron genesis.json f0105 1", "cron[0].method: method 1 is called by nobody"),
        ("set genesis.json heartbeat_ms=soon", "is no whole number"),
        ("set genesis.json block_interval_min_ms=20000", "must be at most heartbeat_ms, which is 10000"),
        ("seal genesis.json --time 2026-11-20T12:00:00Z", "has its time"),
        ("verify broken.json", "not a genesis document"),
        ("verify none.json", "none.json: No such file"),
    ] {
        let told = refused(folder, line);
        assert!(told.contains(reason), "genesis {line}: {told}");
        assert_eq!(fs::read(folder.join("genesis.json")).unwrap(), before, "genesis {line}");
    }
    assert!(!folder.join("other.json").exists());
    let names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 4, "no half-written files: {names:?}");
}

#[test]
fn a_sealed_document_is_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    draft(folder);
    told(folder, "seal genesis.json");
    for line in ["set genesis.json checkpoint_period=5", "add-code genesis.json --counter", "seal genesis.json"] {
        assert!(refused(folder, line).contains("is sealed"), "genesis {line}");
    }
}

#[test]
fn a_document_without_validators_is_not_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    told(folder, "new genesis.json --chain-name river-1 --chain-id 31415");
    let why = refused(folder, "seal genesis.json");
    assert!(why.contains("validators: 0 entries; there must be 1 to 256"), "{why}");
}

#[test]
fn every_subcommand_has_help_with_an_example() {
    let folder = tempfile::tempdir().unwrap();
    let whole = told(folder.path(), "--help");
    let subcommands =
        ["new", "new-keys", "add-validator", "add-account", "add-code", "add-cron", "set", "seal", "verify", "show"];
    for subcommand in subcommands {
        assert!(whole.contains(&format!("\n  {subcommand} ")), "{subcommand}");
        let help = told(folder.path(), &format!("{subcommand} --help"));
        assert!(help.contains(&format!("genesis {subcommand} ")) && help.contains("Example"), "{help}");
    }
}

#[test]
fn the_example_in_the_help_runs_as_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let help = told(folder.path(), "--help");
    let (_, example) = help.split_once("Example, ").unwrap();
    let lines: Vec<_> = example.lines().filter_map(|line| line.trim().strip_prefix("genesis ")).collect();
    assert_eq!(lines.len(), 6);
    for line in lines {
        told(folder.path(), line);
    }
}

#[test]
fn the_table_of_parameters_tells_bounds_and_reasons() {
    let folder = tempfile::tempdir().unwrap();
    let table = told(folder.path(), "show --parameters");
    assert!(table.contains("checkpoint_period  [blocks]  1 to 86400, default 20"), "{table}");
    assert!(table.contains("keeps the parent a few seconds behind"), "{table}");
}
