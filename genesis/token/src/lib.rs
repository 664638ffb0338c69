//! A token whose balances are entries: transfers between different holders do not wait for each other.
//!
//! | method | number | takes | returns | changes |
//! |---|---|---|---|---|
//! | `Constructor` | 1 | nothing | nothing | whoever sent the message may mint |
//! | `Mint` | 116935346 | `[address, amount]` | the new balance | one balance |
//! | `Transfer` | 80475954 | `[address, amount]` | what the sender has left | two balances |
//! | `BalanceOf` | 2266030508 | an address | the balance | nothing |
//!
//! | entry | key | value |
//! |---|---|---|
//! | who may mint | `m` | an actor's id, 8 bytes |
//! | balance | `b` and the holder's id, 8 bytes | the amount, 8 bytes; none for zero |
//!
//! Two transfers meet only when a holder is in both. There is no total supply: every `Mint` would have to change it, and meet every
//! other. An actor whose calls shall not meet keeps nothing that all of them change.
//!
//! Build: `cargo build --package tributary-token-actor --profile actor --target wasm32-unknown-unknown`
#![cfg(target_arch = "wasm32")]
#![allow(unsafe_code, reason = "syscalls are foreign functions, and the host finds the entry point by its name")]

mod entries;

use fvm_ipld_encoding::{CBOR, from_slice, to_vec};
use fvm_sdk::NO_DATA_BLOCK_ID;
use fvm_sdk::actor::resolve_address;
use fvm_sdk::ipld::put_block;
use fvm_sdk::message::{caller, method_number, origin, params_raw};
use fvm_sdk::vm::abort;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;
use serde::de::DeserializeOwned;

/// Called once by the init actor when the actor is made.
const CONSTRUCTOR: u64 = 1;
/// Hash of the name `Mint`, as FRC-0042 says; so for the others.
const MINT: u64 = 116_935_346;
const TRANSFER: u64 = 80_475_954;
const BALANCE_OF: u64 = 2_266_030_508;

/// The init actor, which makes all others.
const INIT_ID: ActorID = 1;
/// The key of who may mint.
const MINTER: &[u8] = b"m";

/// The entry point; the answer is the id of the block to return, 0 for none.
#[unsafe(no_mangle)]
pub extern "C" fn invoke(params: u32) -> u32 {
    fvm_sdk::initialize();
    match method_number() {
        CONSTRUCTOR => construct(),
        MINT => mint(read(params)),
        TRANSFER => transfer(read(params)),
        BALANCE_OF => answer(balance(holder(&read(params)))),
        _ => abort(ExitCode::USR_UNHANDLED_MESSAGE.value(), Some("the token has no such method")),
    }
}

fn construct() -> u32 {
    if caller() != INIT_ID {
        abort(ExitCode::USR_FORBIDDEN.value(), Some("only the init actor makes a token"));
    }
    entries::set(MINTER, &origin().to_be_bytes());
    NO_DATA_BLOCK_ID
}

fn mint((to, amount): (Address, u64)) -> u32 {
    if entries::get(MINTER) != Some(caller().to_be_bytes()) {
        abort(ExitCode::USR_FORBIDDEN.value(), Some("somebody else may mint"));
    }
    answer(add(holder(&to), amount))
}

fn transfer((to, amount): (Address, u64)) -> u32 {
    let (from, to) = (caller(), holder(&to));
    let Some(left) = balance(from).checked_sub(amount) else {
        abort(ExitCode::USR_INSUFFICIENT_FUNDS.value(), Some("the sender does not have as much"))
    };
    set_balance(from, left);
    add(to, amount);
    answer(balance(from))
}

fn add(to: ActorID, amount: u64) -> u64 {
    let Some(sum) = balance(to).checked_add(amount) else {
        abort(ExitCode::USR_ILLEGAL_ARGUMENT.value(), Some("the balance would not fit 64 bits"))
    };
    set_balance(to, sum);
    sum
}

fn balance(of: ActorID) -> u64 {
    entries::get(&key(of)).map_or(0, u64::from_be_bytes)
}

/// A holder of nothing has no entry.
fn set_balance(of: ActorID, amount: u64) {
    if amount == 0 { entries::delete(&key(of)) } else { entries::set(&key(of), &amount.to_be_bytes()) }
}

fn key(of: ActorID) -> [u8; 9] {
    let [a, b, c, d, e, f, g, h] = of.to_be_bytes();
    [b'b', a, b, c, d, e, f, g, h]
}

fn holder(address: &Address) -> ActorID {
    resolve_address(address)
        .unwrap_or_else(|| abort(ExitCode::USR_NOT_FOUND.value(), Some("no actor has this address")))
}

/// The parameters, or an abort: they come from a stranger.
fn read<T: DeserializeOwned>(params: u32) -> T {
    let block = params_raw(params).ok().flatten();
    let value = block.and_then(|block| from_slice(&block.data).ok());
    value.unwrap_or_else(|| abort(ExitCode::USR_SERIALIZATION.value(), Some("these are no parameters of the method")))
}

fn answer(amount: u64) -> u32 {
    let block = to_vec(&amount).expect("a number encodes");
    put_block(CBOR, &block).expect("a block of a few bytes can be returned")
}
