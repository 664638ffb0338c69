//! Compiles the actors to wasm and tells the crate where they are.
//!
//! The nested cargo runs in a target directory of its own, under `OUT_DIR`, so it never waits for the lock that the outer one
//! holds, and with an environment of its own, so that flags meant for the host do not change code that all nodes must share.
#![allow(clippy::print_stdout, reason = "cargo reads what a build script prints")]

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The target of every actor.
const TARGET: &str = "wasm32-unknown-unknown";

/// Package, its wasm file, and the variable that the crate reads its path from.
const ACTORS: [(&str, &str, &str); 5] = [
    ("tributary-checkpoint-actor", "tributary_checkpoint_actor.wasm", "TRIBUTARY_CHECKPOINT_ACTOR_WASM"),
    ("tributary-counter-actor", "tributary_counter_actor.wasm", "TRIBUTARY_COUNTER_ACTOR_WASM"),
    ("tributary-token-actor", "tributary_token_actor.wasm", "TRIBUTARY_TOKEN_ACTOR_WASM"),
    ("tributary-script-actor", "tributary_script_actor.wasm", "TRIBUTARY_SCRIPT_ACTOR_WASM"),
    ("tributary-script-entries-actor", "tributary_script_entries_actor.wasm", "TRIBUTARY_SCRIPT_ENTRIES_ACTOR_WASM"),
];

/// Bytes of an actor's own stack: one page of wasm. The linker's sixteen would be part of each call's memory: paid for, and looked
/// through when it is given back clean. A stack that overflows traps, since it lies below all data.
const STACK_BYTES: u32 = 64 << 10;

/// What an actor's bytes depend on, from the workspace's root. A folder stands for all files in it.
const SOURCES: [&str; 7] = [
    "Cargo.lock",
    "Cargo.toml",
    "checkpoint-actor",
    "fvm/primitives",
    "fvm/script",
    "genesis/counter",
    "genesis/token",
];

/// What the nested cargo inherits: where tools are, how to reach a registry, how many jobs may run. Nothing that says how to
/// compile. A name that ends in `_` stands for all that begin so.
const INHERITED: [&str; 22] = [
    "PATH",
    "HOME",
    "USERPROFILE",
    "SYSTEMROOT",
    "TMPDIR",
    "TEMP",
    "TMP",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "RUSTC",
    "CARGO_MAKEFLAGS",
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_SOURCE_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "SSL_CERT_FILE",
];

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
    let workspace = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("../..");
    let workspace = workspace.canonicalize().map_err(|reason| format!("{}: {reason}", workspace.display()))?;
    for source in SOURCES {
        println!("cargo:rerun-if-changed={}", workspace.join(source).display());
    }
    println!("cargo:rerun-if-changed=build.rs");
    let toolchain = Toolchain::find()?;
    let target_dir = PathBuf::from(variable("OUT_DIR")?).join("actors");
    compile(&workspace, &toolchain, &target_dir)?;
    for (_, file, name) in ACTORS {
        println!("cargo:rustc-env={name}={}", target_dir.join(TARGET).join("actor").join(file).display());
    }
    Ok(())
}

/// The compiler, where its library is, and which commit it is.
struct Toolchain {
    sysroot: PathBuf,
    commit: String,
}

impl Toolchain {
    fn find() -> Result<Self, String> {
        let sysroot = PathBuf::from(rustc(&["--print", "sysroot"])?.trim());
        if !sysroot.join("lib/rustlib").join(TARGET).is_dir() {
            return Err(format!(
                "the actors are compiled for {TARGET}, which this toolchain lacks ({}); add it with\n\n    \
                 rustup target add {TARGET}\n",
                sysroot.display()
            ));
        }
        let version = rustc(&["--version", "--verbose"])?;
        let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: ")).unwrap_or("unknown");
        Ok(Self { sysroot, commit: commit.to_owned() })
    }
}

fn compile(workspace: &Path, toolchain: &Toolchain, target_dir: &Path) -> Result<(), String> {
    let mut cargo = Command::new(variable("CARGO")?);
    cargo.env_clear().envs(env::vars_os().filter(|(name, _)| is_inherited(name)));
    let mut flags = remapped_paths(workspace, toolchain)?;
    flags.push(format!("-Clink-arg=-zstack-size={STACK_BYTES}"));
    // It stands above any `rustflags` in a configuration file.
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    cargo.current_dir(workspace).args(["build", "--locked", "--profile", "actor", "--target", TARGET, "--target-dir"]);
    cargo.arg(target_dir);
    cargo.args(ACTORS.iter().flat_map(|(package, ..)| ["--package", *package]));
    let status = cargo.status().map_err(|reason| format!("cannot run cargo for the actors: {reason}"))?;
    if status.success() { Ok(()) } else { Err(format!("the actors do not compile for {TARGET} (cargo: {status})")) }
}

fn is_inherited(name: &OsString) -> bool {
    let Some(name) = name.to_str() else { return false };
    INHERITED.iter().any(|allowed| if allowed.ends_with('_') { name.starts_with(allowed) } else { name == *allowed })
}

/// Flags that give every path a panic message could hold the same name on every machine.
fn remapped_paths(workspace: &Path, toolchain: &Toolchain) -> Result<Vec<String>, String> {
    let mut names = vec![
        (workspace.to_path_buf(), "/tributary".to_owned()),
        // With the component `rust-src` the library's paths are real ones; without, they already have this name.
        (toolchain.sysroot.join("lib/rustlib/src/rust"), format!("/rustc/{}", toolchain.commit)),
    ];
    let registries = cargo_home()?.join("registry/src");
    // One folder for each registry; a mirror's has another name than crates.io's.
    for folder in fs::read_dir(&registries).into_iter().flatten().flatten() {
        names.push((folder.path(), "/registry".to_owned()));
    }
    Ok(names.into_iter().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())).collect())
}

fn cargo_home() -> Result<PathBuf, String> {
    if let Some(home) = env::var_os("CARGO_HOME") {
        return Ok(PathBuf::from(home));
    }
    env::home_dir()
        .map(|home| home.join(".cargo"))
        .ok_or_else(|| "neither CARGO_HOME nor a home folder is set".to_owned())
}

fn rustc(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(variable("RUSTC")?).args(arguments).output();
    let output = output.map_err(|reason| format!("cannot run the compiler: {reason}"))?;
    String::from_utf8(output.stdout).map_err(|_| "the compiler's answer is not UTF-8".to_owned())
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|reason| format!("{name}, which cargo sets for a build script: {reason}"))
}
