//! What the accounts of the tests run: actors' modules, and contracts.

use cid::Cid;
use tributary_primitives::{EthAddress, raw_cid};

/// Keeps its last method number as its state, emits an event, aborts with 99 on method 9 and traps on method 8.
pub(crate) const ACTOR: &str = r#"(module
  (import "vm" "message_context" (func $context (param i32) (result i32)))
  (import "vm" "exit" (func $exit (param i32 i32 i32 i32) (result i32)))
  (import "ipld" "block_create" (func $create (param i32 i64 i32 i32) (result i32)))
  (import "ipld" "block_link" (func $link (param i32 i32 i64 i32 i32 i32) (result i32)))
  (import "self" "set_root" (func $set_root (param i32) (result i32)))
  (import "event" "emit_event" (func $emit (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\81\00")
  (data (i32.const 340) "k")
  (data (i32.const 344) "v")
  (func (export "invoke") (param i32) (result i32)
    (local $method i64)
    (drop (call $context (i32.const 512)))
    (local.set $method (i64.load (i32.const 544)))
    (i32.store8 (i32.const 1) (i32.wrap_i64 (local.get $method)))
    (drop (call $create (i32.const 256) (i64.const 0x71) (i32.const 0) (i32.const 2)))
    (drop (call $link (i32.const 260) (i32.load (i32.const 256)) (i64.const 0xb220) (i32.const 32)
      (i32.const 600) (i32.const 100)))
    (if (call $set_root (i32.const 600)) (then (unreachable)))
    (i64.store (i32.const 300) (i64.const 3))
    (i64.store (i32.const 308) (i64.const 0x55))
    (i32.store (i32.const 316) (i32.const 1))
    (i32.store (i32.const 320) (i32.const 1))
    (if (call $emit (i32.const 300) (i32.const 1) (i32.const 340) (i32.const 1) (i32.const 344) (i32.const 1))
      (then (unreachable)))
    (if (i64.eq (local.get $method) (i64.const 9))
      (then (drop (call $exit (i32.const 99) (i32.const 0) (i32.const 0) (i32.const 0)))))
    (if (i64.eq (local.get $method) (i64.const 8)) (then (unreachable)))
    (i32.load (i32.const 256))))"#;

/// Calls another actor, or a contract, as its parameters say: length of an address, the address, method (8 bytes, little-endian),
/// parameters. Keeps `[7]` as its state first, and answers what the other answered. When the other aborts, it aborts with the same
/// exit code and data; called by method 8, it answers nothing instead. Called like a contract, it finds the same in the call data.
pub(crate) const PROXY: &str = r#"(module
  (import "vm" "message_context" (func $context (param i32) (result i32)))
  (import "vm" "exit" (func $exit (param i32 i32 i32 i32) (result i32)))
  (import "ipld" "block_read" (func $read (param i32 i32 i32 i32 i32) (result i32)))
  (import "ipld" "block_create" (func $create (param i32 i64 i32 i32) (result i32)))
  (import "ipld" "block_link" (func $link (param i32 i32 i64 i32 i32 i32) (result i32)))
  (import "self" "set_root" (func $set_root (param i32) (result i32)))
  (import "send" "send" (func $send (param i32 i32 i32 i64 i32 i64 i64 i64 i64) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\81\07")
  (func (export "invoke") (param $params i32) (result i32)
    (local $at i32) (local $end i32) (local $block i32) (local $head i32)
    (drop (call $context (i32.const 512)))
    (if (i64.eq (i64.load (i32.const 544)) (i64.const 1)) (then (return (i32.const 0))))
    (if (call $read (i32.const 256) (local.get $params) (i32.const 0) (i32.const 1024) (i32.const 4096))
      (then (unreachable)))
    (local.set $end (i32.add (i32.const 5120) (i32.load (i32.const 256))))
    (local.set $at (i32.const 1024))
    (if (i64.eq (i64.load (i32.const 544)) (i64.const 3844450837))
      (then ;; the head of a CBOR byte string has one byte, or two from 24 on, or three
        (local.set $head (i32.and (i32.load8_u (i32.const 1024)) (i32.const 0x1f)))
        (local.set $at (i32.add (i32.const 1025)
          (select (i32.sub (local.get $head) (i32.const 23)) (i32.const 0) (i32.gt_u (local.get $head) (i32.const 23)))))))
    (drop (call $create (i32.const 256) (i64.const 0x71) (i32.const 0) (i32.const 2)))
    (drop (call $link (i32.const 260) (i32.load (i32.const 256)) (i64.const 0xb220) (i32.const 32)
      (i32.const 600) (i32.const 100)))
    (if (call $set_root (i32.const 600)) (then (unreachable)))
    (local.set $head (i32.load8_u (local.get $at)))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (if (i32.lt_u (i32.add (i32.add (local.get $at) (local.get $head)) (i32.const 8)) (local.get $end))
      (then
        (drop (call $create (i32.const 256) (i64.const 0x51)
          (i32.add (i32.add (local.get $at) (local.get $head)) (i32.const 8))
          (i32.sub (local.get $end) (i32.add (i32.add (local.get $at) (local.get $head)) (i32.const 8)))))
        (local.set $block (i32.load (i32.const 256)))))
    (if (call $send (i32.const 700) (local.get $at) (local.get $head)
          (i64.load (i32.add (local.get $at) (local.get $head))) (local.get $block)
          (i64.load (i32.const 560)) (i64.load (i32.const 552)) (i64.const -1) (i64.const 0))
      (then (unreachable)))
    (if (i32.load (i32.const 700))
      (then
        (if (i64.eq (i64.load (i32.const 544)) (i64.const 8)) (then (return (i32.const 0))))
        (drop (call $exit (i32.load (i32.const 700)) (i32.load (i32.const 704)) (i32.const 0) (i32.const 0)))))
    (i32.load (i32.const 704))))"#;

/// Does with one of its entries what its method number says, from 16 on: two bits of what to do, two of the key, two of the value's
/// length. It sets (0), deletes (1), makes the value one byte longer, after three bytes empty again (2), or sets and aborts with 99 (3).
pub(crate) const KEEPER_ACTOR: &str = r#"(module
  (import "vm" "message_context" (func $context (param i32) (result i32)))
  (import "vm" "exit" (func $exit (param i32 i32 i32 i32) (result i32)))
  (import "tributary" "entry_get" (func $get (param i32 i32 i32 i32 i32) (result i32)))
  (import "tributary" "entry_set" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "tributary" "entry_delete" (func $delete (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 256) "k")
  (data (i32.const 300) "vvvv")
  (func $ok (param i32) (if (local.get 0) (then (unreachable))))
  (func (export "invoke") (param i32) (result i32)
    (local $method i32) (local $do i32) (local $len i32)
    (drop (call $context (i32.const 512)))
    (local.set $method (i32.sub (i32.wrap_i64 (i64.load (i32.const 544))) (i32.const 16)))
    (if (i32.lt_s (local.get $method) (i32.const 0)) (then (return (i32.const 0))))
    (local.set $do (i32.and (i32.shr_u (local.get $method) (i32.const 4)) (i32.const 3)))
    (i32.store8 (i32.const 257) (i32.and (i32.shr_u (local.get $method) (i32.const 2)) (i32.const 3)))
    (local.set $len (i32.and (local.get $method) (i32.const 3)))
    (if (i32.eq (local.get $do) (i32.const 1))
      (then (call $ok (call $delete (i32.const 256) (i32.const 2))) (return (i32.const 0))))
    (if (i32.eq (local.get $do) (i32.const 2))
      (then
        (call $ok (call $get (i32.const 400) (i32.const 256) (i32.const 2) (i32.const 0) (i32.const 0)))
        (local.set $len (i32.and (i32.add (i32.load (i32.const 400)) (i32.const 1)) (i32.const 3)))))
    (call $ok (call $set (i32.const 256) (i32.const 2) (i32.const 300) (local.get $len)))
    (if (i32.eq (local.get $do) (i32.const 3))
      (then (drop (call $exit (i32.const 99) (i32.const 0) (i32.const 0) (i32.const 0)))))
    (i32.const 0)))"#;

pub(crate) fn code() -> Cid {
    raw_cid(&wat::parse_str(ACTOR).unwrap())
}

pub(crate) fn proxy_code() -> Cid {
    raw_cid(&wat::parse_str(PROXY).unwrap())
}

pub(crate) fn keeper_code() -> Cid {
    raw_cid(&wat::parse_str(KEEPER_ACTOR).unwrap())
}

/// Init code that makes a contract of `runtime`.
pub(crate) fn init_code(runtime: &[u8]) -> Vec<u8> {
    let length = u16::try_from(runtime.len()).unwrap().to_be_bytes();
    let prefix = [0x61, length[0], length[1], 0x80, 0x60, 0x0a, 0x5f, 0x39, 0x5f, 0xf3];
    [&prefix[..], runtime].concat()
}

/// Stores the second word of the call data at the slot that the first names, logs it, and reverts when there is more data.
pub(crate) const KEEPER: &[u8] = &[
    0x60, 0x20, 0x35, 0x5f, 0x35, 0x55, // sstore(calldata[0], calldata[32])
    0x60, 0x20, 0x35, 0x5f, 0x52, 0x5f, 0x35, 0x60, 0x20, 0x5f, 0xa1, // log1(value, slot)
    0x60, 0x40, 0x36, 0x11, 0x60, 0x19, 0x57, 0x00, 0x5b, 0x5f, 0x5f, 0xfd, // if calldatasize > 64 revert
];

/// Calls the address that the first word of its call data names, with the rest of the data and the value it got. Counts in slot 0 the
/// calls that went well, and answers or reverts with what the other said.
pub(crate) const FORWARDER: &[u8] = &[
    0x60, 0x20, 0x36, 0x03, 0x80, 0x60, 0x20, 0x5f, 0x37, // calldatacopy(0, 32, calldatasize - 32)
    0x5f, 0x5f, 0x82, 0x5f, 0x34, 0x5f, 0x35, 0x5a,
    0xf1, // call(gas, calldata[0], callvalue, 0, calldatasize - 32, 0, 0)
    0x3d, 0x5f, 0x5f, 0x3e, 0x60, 0x1c, 0x57, // returndatacopy(0, 0, returndatasize)
    0x3d, 0x5f, 0xfd, 0x5b, // unless it went well: revert(0, returndatasize)
    0x60, 0x01, 0x5f, 0x54, 0x01, 0x5f, 0x55, 0x3d, 0x5f,
    0xf3, // sstore(0, sload(0) + 1); return(0, returndatasize)
];

/// Hands its call data to `callee` by `opcode`, `0xf4` for delegatecall or `0xfa` for staticcall, and answers or reverts with what comes.
pub(crate) fn handing_on(opcode: u8, callee: EthAddress) -> Vec<u8> {
    let head = [0x36, 0x5f, 0x5f, 0x37, 0x5f, 0x5f, 0x36, 0x5f, 0x73]; // calldatacopy(0, 0, calldatasize); (0, 0, calldatasize, 0)
    let tail = [0x5a, opcode, 0x3d, 0x5f, 0x5f, 0x3e, 0x60, 0x29, 0x57, 0x3d, 0x5f, 0xfd, 0x5b, 0x3d, 0x5f, 0xf3];
    [&head[..], &callee.0, &tail].concat()
}
