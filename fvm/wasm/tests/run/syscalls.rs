//! Each syscall once as it is meant, and once for each reason to refuse; one file an import module, or a few small ones.

mod actor;
mod context;
mod crypto;
mod entries;
mod event;
mod ipld;
mod self_;

use fvm_shared::error::ErrorNumber;
use tributary_wasm::Invocation;

use crate::guest::{actor, refusal};
use crate::world::{PLENTY, Ran, World};

type Data<'a> = &'a [(u32, &'a [u8])];

fn run(body: &str, data: Data<'_>) -> Ran {
    run_as(body, data, |_| {})
}

fn run_as(body: &str, data: Data<'_>, change: impl FnOnce(&mut Invocation)) -> Ran {
    World::new(&actor(body, data)).run_as(change, PLENTY)
}

/// Runs the body of one syscall that answers an error number, and checks the number.
fn expect_error(what: &str, ran: &Ran, number: ErrorNumber) {
    assert_eq!(ran.exit_code(), refusal(number), "{what}: {:?}", ran.outcome);
}

fn answer_of(call: &str, len: u32) -> String {
    format!("(call $ok {call}) (call $reply (i32.const 0) (i32.const {len}))")
}

/// The answer is a length at 0, and so many bytes at 256.
fn buffer_of(call: &str) -> String {
    format!("(call $ok {call}) (call $reply (i32.const 256) (i32.load (i32.const 0)))")
}
