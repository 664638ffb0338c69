//! Writes the seeds that are made by hand: signed transactions of every kind, actors in WebAssembly text, messages and changes.
//!
//! `cargo run --package tributary-trials --example seeds`; the others were found by libFuzzer (`seeds/README.md`).
#![allow(clippy::unwrap_used, reason = "a tool for whoever changes the trials")]

mod spelled;

use std::path::Path;

use alloy_consensus::{TxEip1559, TxEip2930, TxEip7702, TxLegacy};
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_eips::eip7702::Authorization;
use alloy_primitives::{Address as EvmAddress, B256, Signature, U256};
use arbitrary::{Arbitrary as _, Unstructured};
use fvm_ipld_encoding::RawBytes;
use fvm_shared::address::Address;
use tributary_crypto::BlsSecretKey;
use tributary_message::{EthereumTransaction, FvmTransaction};
use tributary_trials::blocks::language::{Pattern, Trial};
use tributary_trials::calls::language::Message;
use tributary_trials::world::{CHAIN_ID, KEEPER, Who, call, create, fvm, init_code, key, message, words};

/// Says that the rest of a seed is what a stranger sends.
const AS_IT_IS: u8 = 0;

const MEMORY: &str = r#"(memory (export "memory") 1)"#;

fn main() {
    for (name, raw) in transactions() {
        write("message", name, &[&[AS_IT_IS], &raw[..]].concat());
    }
    for (name, text) in modules() {
        let wasm = wat::parse_str(format!("(module {text})")).unwrap();
        write("wasm", name, &[&[AS_IT_IS], &wasm[..]].concat());
    }
    for (name, messages) in spelled::calls() {
        let input = spelled::input(&messages);
        let read = Vec::<Message>::arbitrary(&mut Unstructured::new(&input)).unwrap();
        assert_eq!(read.len(), messages.len(), "{name} reads as {read:?}");
        write("calls", name, &input);
    }
    for (name, trial) in spelled::blocks::blocks() {
        let read = Trial::arbitrary(&mut Unstructured::new(&trial)).unwrap();
        let is_whole = |patterns: &[Pattern]| patterns.iter().all(|pattern| !pattern.sent.is_empty());
        assert!(!read.first.is_empty() && is_whole(&read.first) && is_whole(&read.second), "{name} reads as {read:?}");
        write("blocks", name, &trial);
    }
    for (name, changes) in spelled::state() {
        write("state", name, &spelled::input(&changes));
    }
}

fn write(target: &str, name: &str, data: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    std::fs::write(folder.join(name), data).unwrap();
}

fn transactions() -> Vec<(&'static str, Vec<u8>)> {
    let to = EvmAddress::repeat_byte(7);
    let signer = key(1);
    let list = AccessList(vec![AccessListItem { address: to, storage_keys: vec![B256::repeat_byte(1); 2] }]);
    let authorization = Authorization { chain_id: U256::from(CHAIN_ID), address: to, nonce: 1 }
        .into_signed(Signature::new(U256::from(3), U256::from(4), true));
    let legacy = TxLegacy { chain_id: Some(CHAIN_ID), gas_price: 9, gas_limit: 21_000, ..TxLegacy::default() };
    let unprotected = TxLegacy { gas_price: 9, gas_limit: 21_000, ..TxLegacy::default() };
    let listed = TxEip2930 { chain_id: CHAIN_ID, access_list: list.clone(), ..TxEip2930::default() };
    let transfer = TxEip1559 { value: U256::from(5), ..call(0, tributary_primitives::EthAddress([7; 20]), vec![]) };
    let keep = call(1, tributary_primitives::EthAddress([7; 20]), words(&[1, 2]));
    let fee_market = TxEip1559 { access_list: list, ..create(2, init_code(KEEPER)) };
    let delegating = TxEip7702 { chain_id: CHAIN_ID, authorization_list: vec![authorization], ..TxEip7702::default() };
    let raw = |transaction: EthereumTransaction| transaction.raw().to_vec();
    let other_key = Address::new_bls(&[3; 48]).unwrap();
    let bls_key = BlsSecretKey::from_bytes(&[3; 32]).unwrap();
    let plain = message(0, Address::new_id(99), 0, vec![]);
    let calling = message(u64::MAX, other_key, u64::MAX, vec![0x81, 0xff, 0]);
    let delegated = fvm_shared::message::Message {
        params: RawBytes::new(vec![7; 300]),
        ..message(1, Who::Alice.address(), 2, vec![])
    };
    vec![
        ("legacy", raw(EthereumTransaction::sign(legacy, &signer))),
        ("legacy-unprotected", raw(EthereumTransaction::sign(unprotected, &signer))),
        ("eip2930", raw(EthereumTransaction::sign(listed, &signer))),
        ("eip1559-transfer", raw(EthereumTransaction::sign(transfer, &signer))),
        ("eip1559-call", raw(EthereumTransaction::sign(keep, &signer))),
        ("eip1559-create", raw(EthereumTransaction::sign(fee_market, &signer))),
        ("eip7702", raw(EthereumTransaction::sign(delegating, &signer))),
        ("eip4844-refused", vec![3, 0xc0]),
        ("fvm-transfer", fvm(Who::Carol, plain.clone()).raw().to_vec()),
        ("fvm-call", fvm(Who::Carol, calling).raw().to_vec()),
        ("fvm-to-f410", fvm(Who::Carol, delegated.clone()).raw().to_vec()),
        ("fvm-from-f3", FvmTransaction::sign_bls(plain.clone(), &bls_key, CHAIN_ID).unwrap().raw().to_vec()),
        ("fvm-from-f410", FvmTransaction::sign_delegated(delegated, &signer, CHAIN_ID).unwrap().raw().to_vec()),
    ]
}

fn modules() -> Vec<(&'static str, String)> {
    let actor = |body: &str, more: &str| {
        format!(r#"{more} {MEMORY} (func (export "invoke") (param i32) (result i32) (local i64 i64 f64) {body})"#)
    };
    let exit = r#"(import "vm" "exit" (func $exit (param i32 i32 i32 i32) (result i32)))"#;
    let create = r#"(import "ipld" "block_create" (func $create (param i32 i64 i32 i32) (result i32)))"#;
    vec![
        ("smallest", actor("(i32.const 0)", "")),
        ("loop", actor("(loop $again (br $again)) (i32.const 0)", "")),
        ("trap", actor("unreachable", "")),
        ("recursion", actor("(call $deep) (i32.const 0)", "(func $deep (call $deep))")),
        (
            "branches",
            actor(
                "(block $out (block $in (br_table $in $out (local.get 0))) (drop (i32.const 1))) (if (result i32) \
                 (local.get 0) (then (i32.const 0)) (else (i32.const 0)))",
                "",
            ),
        ),
        (
            "memory",
            actor(
                "(drop (memory.grow (i32.const 3))) (memory.fill (i32.const 0) (i32.const 7) (i32.const 999)) \
                 (memory.copy (i32.const 9) (i32.const 0) (i32.const 99)) (i32.load (i32.const 8)) drop (i32.const 0)",
                "",
            ),
        ),
        (
            "table",
            format!(
                "(type $f (func)) {} (table 4 8 funcref) (elem (i32.const 1) $f $f) (func $f) (data (i32.const 5) \"abc\")",
                actor("(call_indirect (type $f) (local.get 0)) (i32.const 0)", "")
            ),
        ),
        (
            "globals",
            format!(
                "{} (global $g (mut i64) (i64.const 5)) (global f64 (f64.const 1.5)) (export \"g\" (global $g))",
                actor("(global.set $g (i64.add (global.get $g) (i64.const 1))) (i32.const 0)", "")
            ),
        ),
        ("exit", actor("(call $exit (i32.const 33) (i32.const 1) (i32.const 0) (i32.const 9))", exit)),
        (
            "block",
            actor(
                "(drop (call $create (i32.const 0) (i64.const 0x55) (i32.const 0) (i32.const 9))) (i32.load (i32.const 0))",
                create,
            ),
        ),
        ("floats", actor("(i32.trunc_sat_f64_s (f64.div (f64.const 1) (f64.sqrt (f64.const -1))))", "")),
        ("start-refused", format!("{} (func $go) (start $go)", actor("(i32.const 0)", ""))),
        ("import-refused", actor("(i32.const 0)", r#"(import "env" "abort" (func))"#)),
    ]
}
