//! What WASM actors are asked to do.

use fvm_ipld_encoding::to_vec;
use fvm_shared::MethodNum;
use tributary_script::{Op, Script};

/// `Increment` of the counter: the hash of that name, as FRC-0042 says; see the counter's documentation.
pub const INCREMENT: MethodNum = 2_922_929_132;
/// Any method of the script actor's but its constructor.
pub const DO_SCRIPT: MethodNum = 2;
/// Rounds of the computer's loop: with the call, some 40 µs.
const ROUNDS: u64 = 50_000;

/// Parameters of [`DO_SCRIPT`] that have the script actor compute and write nothing.
///
/// # Panics
/// Never: a script of one number has an encoding.
#[must_use]
pub fn computation() -> Vec<u8> {
    to_vec(&Script(vec![Op::Spin(ROUNDS)])).expect("a script of one number has an encoding")
}
