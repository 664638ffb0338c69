//! Compiles the test actor to wasm and tells the crate where it is.
//!
//! As `genesis/code/build.rs` does for the actors that ship: a nested cargo in a target directory of its own, without flags meant
//! for the host. Paths are not remapped: nobody shares this code's CID.
#![allow(clippy::print_stdout, reason = "cargo reads what a build script prints")]

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

const TARGET: &str = "wasm32-unknown-unknown";

/// Prefixes of variables that say how to compile for the host, or that belong to the outer cargo.
const HOST_ONLY: [&str; 6] =
    ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "CARGO_BUILD_", "CARGO_PROFILE_", "CARGO_TARGET_", "RUSTC_W"];

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    for source in ["actors", "script", "Cargo.lock", "Cargo.toml", "build.rs"] {
        println!("cargo:rerun-if-changed={source}");
    }
    let target_dir = PathBuf::from(variable("OUT_DIR")?).join("actors");
    let mut cargo = Command::new(variable("CARGO")?);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| HOST_ONLY.iter().any(|prefix| name.starts_with(prefix))) {
            cargo.env_remove(name);
        }
    }
    cargo.args(["build", "--locked", "--package", "tributary-oracle-actor", "--profile", "actor", "--target", TARGET]);
    let status = cargo.arg("--target-dir").arg(&target_dir).status();
    let status = status.map_err(|reason| format!("cannot run cargo for the actor: {reason}"))?;
    if !status.success() {
        return Err(format!("the actor does not compile for {TARGET} (cargo: {status})"));
    }
    let wasm = target_dir.join(TARGET).join("actor").join("tributary_oracle_actor.wasm");
    println!("cargo:rustc-env=TRIBUTARY_ORACLE_ACTOR_WASM={}", wasm.display());
    Ok(())
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|reason| format!("{name}, which cargo sets for a build script: {reason}"))
}
