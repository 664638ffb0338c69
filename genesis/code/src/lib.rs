//! The WASM code that is built from this workspace: what a genesis can install, and the actors of the tests.
//!
//! The build script compiles the actors for `wasm32-unknown-unknown` with profile `actor` and this crate embeds the bytes. The
//! bytes depend on the sources, `Cargo.lock` and the compiler, not on where any of them lie, so everybody who builds the same
//! commit gets the same code CIDs.

use std::sync::LazyLock;

use cid::Cid;
use tributary_primitives::raw_cid;

/// The checkpoint actor (`tributary-checkpoint-actor`): every network carries it, so that every network can be a parent.
pub const CHECKPOINT_ACTOR: &[u8] = include_bytes!(env!("TRIBUTARY_CHECKPOINT_ACTOR_WASM"));

/// The counter (`tributary-counter-actor`): a small actor to call and to copy.
pub const COUNTER_ACTOR: &[u8] = include_bytes!(env!("TRIBUTARY_COUNTER_ACTOR_WASM"));

/// The token (`tributary-token-actor`): an actor to copy that keeps its balances in entries. No node refers to it.
pub const TOKEN_ACTOR: &[u8] = include_bytes!(env!("TRIBUTARY_TOKEN_ACTOR_WASM"));

/// The script actor (`tributary-script-actor`): does what its parameters say. For tests and benchmarks: of the
/// networks that this workspace starts only those of `subnet-node bench` install it.
pub const SCRIPT_ACTOR: &[u8] = include_bytes!(env!("TRIBUTARY_SCRIPT_ACTOR_WASM"));

/// The script actor with entries (`tributary-script-entries-actor`), which the reference does not have. For tests.
pub const SCRIPT_ENTRIES_ACTOR: &[u8] = include_bytes!(env!("TRIBUTARY_SCRIPT_ENTRIES_ACTOR_WASM"));

/// Name of [`CHECKPOINT_ACTOR`] in a genesis document.
pub const CHECKPOINT_ACTOR_NAME: &str = "checkpoint";

/// Name of [`COUNTER_ACTOR`] in a genesis document.
pub const COUNTER_ACTOR_NAME: &str = "counter";

static CHECKPOINT_ACTOR_CID: LazyLock<Cid> = LazyLock::new(|| raw_cid(CHECKPOINT_ACTOR));
static COUNTER_ACTOR_CID: LazyLock<Cid> = LazyLock::new(|| raw_cid(COUNTER_ACTOR));

/// The code CID of [`CHECKPOINT_ACTOR`]: raw codec, blake2b-256. Hashed once a process.
#[must_use]
pub fn checkpoint_actor_cid() -> Cid {
    *CHECKPOINT_ACTOR_CID
}

/// The code CID of [`COUNTER_ACTOR`]: raw codec, blake2b-256. Hashed once a process.
#[must_use]
pub fn counter_actor_cid() -> Cid {
    *COUNTER_ACTOR_CID
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `\0asm` and version 1.
    const WASM_HEADER: [u8; 8] = *b"\0asm\x01\0\0\0";

    fn holds(code: &[u8], text: &str) -> bool {
        code.windows(text.len()).any(|window| window == text.as_bytes())
    }

    #[test]
    fn the_code_is_wasm_and_small() {
        for (name, code, bytes_max) in [
            ("checkpoint", CHECKPOINT_ACTOR, 384 * 1024),
            ("counter", COUNTER_ACTOR, 64 * 1024),
            ("token", TOKEN_ACTOR, 64 * 1024),
            ("script", SCRIPT_ACTOR, 384 * 1024),
            ("script with entries", SCRIPT_ENTRIES_ACTOR, 384 * 1024),
        ] {
            assert!(code.starts_with(&WASM_HEADER), "{name}");
            assert!(
                code.len() <= bytes_max,
                "{name} has {} bytes; more than {bytes_max} is a change to explain",
                code.len()
            );
        }
    }

    #[test]
    fn the_code_does_not_tell_where_it_was_built() {
        let mut places = vec![env!("CARGO_MANIFEST_DIR").trim_end_matches("/genesis/code")];
        places.extend(option_env!("CARGO_HOME"));
        places.extend(option_env!("HOME").filter(|home| home.len() > 1));
        for place in places {
            for code in [CHECKPOINT_ACTOR, COUNTER_ACTOR, TOKEN_ACTOR, SCRIPT_ACTOR, SCRIPT_ENTRIES_ACTOR] {
                assert!(!holds(code, &format!("{place}/")), "the code holds the path {place}");
            }
        }
    }

    #[test]
    fn the_checkpoint_actor_asks_for_this_chains_syscall() {
        assert!(holds(CHECKPOINT_ACTOR, "bls_fast_aggregate_verify"));
        assert_ne!(checkpoint_actor_cid(), counter_actor_cid());
    }

    #[test]
    fn the_page_for_actors_shows_the_tokens_own_entries() {
        let (page, file) = (include_str!("../../../docs/actors.md"), include_str!("../../token/src/entries.rs"));
        let code = &file[file.find("use fvm_sdk").expect("it has imports below what it says of itself")..];
        assert!(page.contains(&format!("```rust\n{code}```")));
    }

    #[test]
    fn the_script_actor_that_the_reference_runs_asks_for_no_syscall_of_ours() {
        for (code, has_entries) in [(SCRIPT_ACTOR, false), (SCRIPT_ENTRIES_ACTOR, true), (TOKEN_ACTOR, true)] {
            assert_eq!(holds(code, "entry_get"), has_entries);
        }
    }
}
