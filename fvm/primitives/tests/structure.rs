//! The project's structure, held against its manifests: what may stand on what, and where each heavy dependency lives.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// Layers, lowest first. A crate stands on crates of lower layers only.
const LAYERS: &[&[&str]] = &[
    &[
        "tributary-primitives",
        "tributary-service",
        "tributary-gossip",
        "tributary-counter-actor",
        "tributary-token-actor",
        "tributary-parallel",
        "tributary-script",
    ],
    &[
        "tributary-checkpoint",
        "tributary-crypto",
        "tributary-chain",
        "tributary-store",
        "tributary-genesis-code",
        "tributary-script-run",
        "tributary-trees",
        "tributary-witness",
        "tributary-workloads",
    ],
    &[
        "tributary-message",
        "tributary-wasm",
        "tributary-consensus",
        "tributary-proof",
        "tributary-checkpoint-actor",
        "tributary-script-actor",
        "tributary-script-entries-actor",
    ],
    &["tributary-fvm", "tributary-replica"],
    &[
        "tributary-bench",
        "tributary-cli",
        "tributary-ethereum-tests",
        "tributary-genesis",
        "tributary-load",
        "tributary-rpc",
        "tributary-relayer",
        "tributary-trials",
    ],
    &["tributary-node"],
];

/// Each heavy dependency and the only crates that may name it.
const HOMES: &[(&str, &[&str])] = &[
    ("alloy-trie", &["tributary-ethereum-tests"]),
    ("arbitrary", &["tributary-trials"]),
    ("blake2b_simd", &["tributary-trees"]),
    ("blst", &["tributary-crypto"]),
    ("fvm-wasm-instrument", &["tributary-wasm"]),
    (
        "fvm_sdk",
        &["tributary-checkpoint-actor", "tributary-counter-actor", "tributary-script-run", "tributary-token-actor"],
    ),
    ("libp2p", &["tributary-gossip"]),
    ("loom", &["tributary-parallel"]),
    ("malachite-app-channel", &["tributary-consensus"]),
    ("malachite-core-consensus", &["tributary-consensus"]),
    ("malachite-core-types", &["tributary-consensus"]),
    ("malachite-engine", &["tributary-consensus"]),
    ("malachite-sync", &["tributary-consensus"]),
    ("revm", &["tributary-bench", "tributary-ethereum-tests", "tributary-fvm"]),
    ("rocksdb", &["tributary-store"]),
    ("scrypt", &["tributary-cli"]),
    ("secp256k1", &["tributary-crypto"]),
    ("shuttle", &["tributary-parallel"]),
    ("tendermint", &["tributary-chain"]),
    ("tokio-tungstenite", &["tributary-cli", "tributary-load", "tributary-rpc"]),
    ("tower-http", &["tributary-rpc"]),
    ("wasm-smith", &["tributary-trials"]),
    ("wasmtime", &["tributary-wasm"]),
];

/// What stands at the top of the repository, beside files whose names start with a dot.
const TOP_LEVEL: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "Makefile",
    "README.md",
    "checkpoint-actor",
    "docker",
    "docs",
    "fvm",
    "genesis",
    "k8s",
    "relayer",
    "scripts",
    "subnet-node",
];

/// What building and running leave there, which git does not keep.
const LEFT_BEHIND: &[&str] = &["devnet", "target"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> Table {
    fs::read_to_string(path).unwrap().parse().unwrap()
}

/// Every crate of the workspace: its name, and the names of what it depends on outside of tests.
fn crates() -> BTreeMap<String, BTreeSet<String>> {
    let workspace = read(&root().join("Cargo.toml"));
    let members = workspace["workspace"]["members"].as_array().unwrap();
    members.iter().map(|member| describe(&read(&root().join(member.as_str().unwrap()).join("Cargo.toml")))).collect()
}

fn describe(manifest: &Table) -> (String, BTreeSet<String>) {
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let of_targets = targets.flat_map(|target| names_in(target.get("dependencies")));
    let dependencies = names_in(manifest.get("dependencies")).into_iter().chain(of_targets).collect();
    (manifest["package"]["name"].as_str().unwrap().to_owned(), dependencies)
}

fn names_in(table: Option<&Value>) -> Vec<String> {
    table.and_then(Value::as_table).into_iter().flat_map(Table::keys).cloned().collect()
}

#[test]
fn every_crate_stands_on_lower_layers_only() {
    let layer = |name: &str| LAYERS.iter().position(|layer| layer.contains(&name));
    for (name, dependencies) in crates() {
        let own = layer(&name).unwrap_or_else(|| panic!("{name} has no layer"));
        for below in dependencies.iter().filter(|dependency| dependency.starts_with("tributary-")) {
            assert!(layer(below).unwrap() < own, "{name} must not stand on {below}");
        }
    }
}

#[test]
fn every_heavy_dependency_has_one_home() {
    let crates = crates();
    for (heavy, homes) in HOMES {
        let found: Vec<_> =
            crates.iter().filter(|(_, on)| on.contains(*heavy)).map(|(name, _)| name.as_str()).collect();
        assert_eq!(found, *homes, "{heavy}");
    }
}

#[test]
fn every_crate_takes_versions_and_lints_from_the_workspace() {
    let workspace = read(&root().join("Cargo.toml"));
    for member in workspace["workspace"]["members"].as_array().unwrap() {
        let path = root().join(member.as_str().unwrap()).join("Cargo.toml");
        let manifest = read(&path);
        assert_eq!(manifest["lints"]["workspace"].as_bool(), Some(true), "{}", path.display());
        for key in ["version", "edition", "rust-version", "license"] {
            assert_eq!(manifest["package"][key]["workspace"].as_bool(), Some(true), "{key} of {}", path.display());
        }
        for (name, dependency) in manifest.get("dependencies").and_then(Value::as_table).into_iter().flatten() {
            assert_eq!(dependency["workspace"].as_bool(), Some(true), "{name} of {}", path.display());
        }
    }
}

#[test]
fn the_top_level_holds_what_the_layout_names_and_nothing_else() {
    let entries = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let shown = entries.filter(|name| !name.starts_with('.') && !LEFT_BEHIND.contains(&name.as_str()));
    assert_eq!(shown.collect::<BTreeSet<_>>(), TOP_LEVEL.iter().map(|name| (*name).to_owned()).collect());
}

/// Lock files of the workspaces beside this one, which are built on demand only: nobody else would notice that they are stale.
const OTHER_LOCKS: &[&str] = &["fvm/oracle/Cargo.lock", "fvm/trials/fuzz/Cargo.lock"];

#[test]
fn the_lock_files_of_other_workspaces_know_what_our_crates_stand_on() {
    let workspace = read(&root().join("Cargo.toml"));
    let package = |name: &String| {
        let package = workspace["workspace"]["dependencies"].get(name).and_then(|entry| entry.get("package"));
        package.and_then(Value::as_str).unwrap_or(name).to_owned()
    };
    let crates = crates();
    for path in OTHER_LOCKS {
        let lock = read(&root().join(path));
        for entry in lock["package"].as_array().unwrap() {
            let Some(on) = crates.get(entry["name"].as_str().unwrap()) else { continue };
            let locked = entry.get("dependencies").and_then(Value::as_array).into_iter().flatten();
            let name = |entry: &Value| entry.as_str().unwrap().split(' ').next().unwrap().to_owned();
            let locked: BTreeSet<_> = locked.map(name).collect();
            let missing: Vec<_> = on.iter().map(package).filter(|name| !locked.contains(name)).collect();
            assert!(missing.is_empty(), "{path} does not know that {} stands on {missing:?}", entry["name"]);
        }
    }
}
