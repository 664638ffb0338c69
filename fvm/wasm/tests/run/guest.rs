//! Actors in WebAssembly text: a body for `invoke`, with every syscall imported and two helpers.
//!
//! By habit, results go to 0, buffers to 256, and a test's data lies from 1,024 on.

use std::fmt::Write;

use fvm_shared::error::ErrorNumber;

/// The exit code by which `$ok` says that a syscall answered this error number.
#[expect(clippy::as_conversions, reason = "the enum is `repr(u32)` and has no other way out")]
pub fn refusal(number: ErrorNumber) -> u32 {
    100 + number as u32
}

const IMPORTS: &str = include_str!("imports.wat");

const HELPERS: &str = r#"
  ;; Exits with 100 and the error number, unless that is zero.
  (func $ok (param $number i32)
    (if (local.get $number)
      (then (drop (call $exit
        (i32.add (i32.const 100) (local.get $number)) (i32.const 0) (i32.const 0) (i32.const 0))))))
  ;; Returns bytes of memory as a raw block.
  (func $reply (param $at i32) (param $len i32) (result i32)
    (call $ok (call $block_create
      (i32.const 1000) (i64.const 0x55) (local.get $at) (local.get $len)))
    (i32.load (i32.const 1000)))
"#;

/// An actor that runs `body`, with `data` in its memory. The handle of its parameters is `$params`.
pub fn actor(body: &str, data: &[(u32, &[u8])]) -> Vec<u8> {
    actor_with("", body, data)
}

/// An actor with more functions, globals or tables of its own.
pub fn actor_with(more: &str, body: &str, data: &[(u32, &[u8])]) -> Vec<u8> {
    let mut text = format!("(module {IMPORTS} (memory (export \"memory\") 1) {HELPERS} {more}");
    for (offset, bytes) in data {
        write!(text, "(data (i32.const {offset}) \"").unwrap();
        for byte in *bytes {
            write!(text, "\\{byte:02x}").unwrap();
        }
        text.push_str("\")");
    }
    write!(text, "(func (export \"invoke\") (param $params i32) (result i32) {body}))").unwrap();
    compile(&text)
}

/// Any module.
pub fn compile(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|why| panic!("{why}\n{text}"))
}
