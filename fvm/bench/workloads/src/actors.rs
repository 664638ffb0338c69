//! What WASM actors are asked to do.

use fvm_ipld_encoding::to_vec;
use fvm_shared::MethodNum;
use fvm_shared::address::Address;
use tributary_script::{Op, Script};

/// `Increment` of the counter: the hash of that name, as FRC-0042 says; see the counter's documentation.
pub const INCREMENT: MethodNum = 2_922_929_132;
/// Any method of the script actor's but its constructor.
pub const DO_SCRIPT: MethodNum = 2;
/// Counters, called in turn.
pub const COUNTERS: usize = 100;
/// `Mint` of the token whose balances are entries; see the token's documentation.
pub const KV_MINT: MethodNum = 116_935_346;
/// `Transfer` of the same.
pub const KV_TRANSFER: MethodNum = 80_475_954;
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

/// Parameters of [`KV_MINT`] and [`KV_TRANSFER`]: so much to this holder.
///
/// # Panics
/// Never: an address and a number have an encoding.
#[must_use]
pub fn kv_amount(to: Address, amount: u64) -> Vec<u8> {
    to_vec(&(to, amount)).expect("an address and a number have an encoding")
}
