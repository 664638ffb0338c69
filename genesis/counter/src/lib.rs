//! The smallest useful actor: it counts. Copy it to start your own.
//!
//! | method | number | takes | returns | changes the state |
//! |---|---|---|---|---|
//! | `Constructor` | 1 | nothing | nothing | count = 0 |
//! | `Increment` | 2922929132 | nothing | the new count | count + 1 |
//! | `Get` | 355179992 | nothing | the count | no |
//!
//! An actor is a wasm module with one exported function, `invoke`. The host calls it for every message; it asks the host for
//! all else (who calls, what is stored) through `fvm_sdk`. State is one block of DAG-CBOR that `set_root` points to. To refuse
//! a message, abort: the host then forgets all that the call did.
//!
//! Build: `cargo build --package tributary-counter-actor --profile actor --target wasm32-unknown-unknown`
#![cfg(target_arch = "wasm32")]

use fvm_ipld_encoding::tuple::{Deserialize_tuple, Serialize_tuple, serde_tuple};
use fvm_ipld_encoding::{CBOR, DAG_CBOR, from_slice, to_vec};
use fvm_sdk::NO_DATA_BLOCK_ID;
use fvm_sdk::ipld::{get, put, put_block};
use fvm_sdk::message::{caller, method_number};
use fvm_sdk::sself::{root, set_root};
use fvm_sdk::vm::abort;
use fvm_shared::error::ExitCode;
use multihash_codetable::Code;

/// Called once by the init actor when the actor is made.
const CONSTRUCTOR: u64 = 1;
/// Hash of the name `Increment`, as FRC-0042 says.
const INCREMENT: u64 = 2_922_929_132;
/// Hash of the name `Get`, as FRC-0042 says.
const GET: u64 = 355_179_992;

/// The init actor, which makes all others.
const INIT_ID: u64 = 1;

/// All that the actor remembers. A tuple in DAG-CBOR: `[count]`.
#[derive(Serialize_tuple, Deserialize_tuple)]
struct State {
    count: u64,
}

/// The entry point. `_params` is the id of the block of parameters, which no method here needs; the answer is the id of the
/// block to return, 0 for none.
#[expect(unsafe_code, reason = "the host finds the entry point by its name")]
#[unsafe(no_mangle)]
pub extern "C" fn invoke(_params: u32) -> u32 {
    // From here on a panic aborts with its message instead of a bare trap.
    fvm_sdk::initialize();
    match method_number() {
        CONSTRUCTOR => construct(),
        INCREMENT => increment(),
        GET => answer(load().count),
        // Unknown methods are refused, plain transfers (method 0) never get here.
        _ => abort(ExitCode::USR_UNHANDLED_MESSAGE.value(), Some("the counter has no such method")),
    }
}

fn construct() -> u32 {
    if caller() != INIT_ID {
        abort(ExitCode::USR_FORBIDDEN.value(), Some("only the init actor makes a counter"));
    }
    save(&State { count: 0 });
    NO_DATA_BLOCK_ID
}

fn increment() -> u32 {
    let mut state = load();
    let Some(count) = state.count.checked_add(1) else {
        abort(ExitCode::USR_ILLEGAL_STATE.value(), Some("the counter is at its end"))
    };
    state.count = count;
    save(&state);
    answer(count)
}

fn load() -> State {
    let root = root().expect("the constructor ran, so there is a state");
    let block = get(&root).expect("the root can be read");
    from_slice(&block).expect("only save writes it")
}

fn save(state: &State) {
    let block = to_vec(state).expect("a number encodes");
    let cid = put(Code::Blake2b256.into(), 32, DAG_CBOR, &block).expect("a block of a few bytes can be written");
    // In a read-only call the host refuses, and the call must not look like a success.
    if set_root(&cid).is_err() {
        abort(ExitCode::USR_READ_ONLY.value(), Some("a read-only call cannot count"));
    }
}

fn answer(count: u64) -> u32 {
    let block = to_vec(&count).expect("a number encodes");
    put_block(CBOR, &block).expect("a block of a few bytes can be returned")
}
