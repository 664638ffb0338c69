//! Actors of a few instructions: what no compiler would write, and stand-ins for the reference's built-in actors.

/// Stands in for the account actor in the reference: its constructor keeps `[address]`, all else succeeds.
///
/// The real one does the same, and more that no case here asks for.
pub const ACCOUNT: &str = r#"(module
  (import "vm" "message_context" (func $context (param i32) (result i32)))
  (import "ipld" "block_read" (func $read (param i32 i32 i32 i32 i32) (result i32)))
  (import "ipld" "block_create" (func $create (param i32 i64 i32 i32) (result i32)))
  (import "ipld" "block_link" (func $link (param i32 i32 i64 i32 i32 i32) (result i32)))
  (import "self" "set_root" (func $set_root (param i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\81")
  (func (export "invoke") (param $params i32) (result i32)
    (drop (call $context (i32.const 512)))
    (if (i64.ne (i64.load (i32.const 544)) (i64.const 1)) (then (return (i32.const 0))))
    (drop (call $read (i32.const 256) (local.get $params) (i32.const 0) (i32.const 1) (i32.const 100)))
    (drop (call $create (i32.const 260) (i64.const 0x71) (i32.const 0)
      (i32.add (i32.const 101) (i32.load (i32.const 256)))))
    (drop (call $link (i32.const 264) (i32.load (i32.const 260)) (i64.const 0xb220) (i32.const 32)
      (i32.const 600) (i32.const 100)))
    (if (call $set_root (i32.const 600)) (then (unreachable)))
    (i32.const 0)))"#;

/// Stands in for every other built-in actor in the reference.
pub const ACCEPTS_ALL: &str = r#"(module
  (memory (export "memory") 1)
  (func (export "invoke") (param i32) (result i32) (i32.const 0)))"#;

/// A module under test: what it is for, and its text. Actor ids count from [`crate::world::MODULES`].
pub const MODULES: &[(&str, &str)] = &[
    (
        "returns a handle that is none",
        r#"(module
      (memory (export "memory") 1)
      (func (export "invoke") (param i32) (result i32) (i32.const 77)))"#,
    ),
    (
        "loops for ever",
        r#"(module
      (memory (export "memory") 1)
      (func (export "invoke") (param i32) (result i32) (loop (br 0)) (unreachable)))"#,
    ),
    (
        "calls itself for ever",
        r#"(module
      (memory (export "memory") 1)
      (func $f (export "invoke") (param i32) (result i32) (i32.add (call $f (local.get 0)) (i32.const 1))))"#,
    ),
    (
        "calls a null entry of its table",
        r#"(module
      (memory (export "memory") 1)
      (table 2 funcref)
      (type $t (func (result i32)))
      (func (export "invoke") (param i32) (result i32) (call_indirect (type $t) (i32.const 1))))"#,
    ),
    (
        "calls an entry of another type",
        r#"(module
      (memory (export "memory") 1)
      (table 1 funcref)
      (elem (i32.const 0) $f)
      (type $t (func (param i64) (result i32)))
      (func $f (result i32) (i32.const 0))
      (func (export "invoke") (param i32) (result i32) (call_indirect (type $t) (i64.const 1) (i32.const 0))))"#,
    ),
    (
        "has data that does not fit its memory",
        r#"(module
      (memory (export "memory") 1)
      (data (i32.const 65530) "too long for it")
      (func (export "invoke") (param i32) (result i32) (i32.const 0)))"#,
    ),
    (
        "has memory of no page",
        r#"(module
      (memory (export "memory") 0)
      (func (export "invoke") (param i32) (result i32) (i32.const 0)))"#,
    ),
    (
        "grows by a page until it may not, and traps if that is late",
        r#"(module
      (import "gas" "available" (func $available (param i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "invoke") (param i32) (result i32)
        (local $pages i32)
        (loop $more
          (local.set $pages (i32.add (local.get $pages) (i32.const 64)))
          (br_if $more (i32.ne (memory.grow (i32.const 64)) (i32.const -1))))
        (drop (call $available (i32.const 0)))
        (if (i32.ne (local.get $pages) (i32.const 8192)) (then (unreachable)))
        (i32.const 0)))"#,
    ),
    (
        "copies and fills memory",
        r#"(module
      (memory (export "memory") 2)
      (data $d "0123456789")
      (func (export "invoke") (param i32) (result i32)
        (memory.fill (i32.const 10) (i32.const 7) (i32.const 70000))
        (memory.copy (i32.const 50000) (i32.const 5) (i32.const 65536))
        (memory.init $d (i32.const 0) (i32.const 2) (i32.const 5))
        (data.drop $d)
        (i32.const 0)))"#,
    ),
    (
        "copies past its memory",
        r#"(module
      (memory (export "memory") 1)
      (func (export "invoke") (param i32) (result i32)
        (memory.copy (i32.const 65000) (i32.const 0) (i32.const 600)) (i32.const 0)))"#,
    ),
    (
        "uses tables",
        r#"(module
      (memory (export "memory") 1)
      (table $a 10 funcref)
      (elem $e func $f $f $f)
      (func $f)
      (func (export "invoke") (param i32) (result i32)
        (table.init $a $e (i32.const 0) (i32.const 0) (i32.const 3))
        (table.copy $a $a (i32.const 4) (i32.const 0) (i32.const 3))
        (elem.drop $e)
        (i32.const 0)))"#,
    ),
    (
        "converts a float that is no integer",
        r#"(module
      (memory (export "memory") 1)
      (func (export "invoke") (param i32) (result i32) (i32.trunc_f64_s (f64.const nan))))"#,
    ),
    (
        "branches by table",
        r#"(module
      (memory (export "memory") 1)
      (func (export "invoke") (param $i i32) (result i32)
        (block $c (block $b (block $a
          (br_table $a $b $c (i32.and (local.get $i) (i32.const 3))))
          (local.set $i (i32.const 5)))
          (local.set $i (i32.add (local.get $i) (i32.const 6))))
        (drop (local.get $i)) (i32.const 0)))"#,
    ),
    (
        "recurses as deep as its limit lets it, in a function of few locals",
        r#"(module
      (memory (export "memory") 1)
      (func $f (param $n i32) (result i32)
        (if (result i32) (i32.eqz (local.get $n))
          (then (i32.const 0))
          (else (call $f (i32.sub (local.get $n) (i32.const 1))))))
      (func (export "invoke") (param i32) (result i32) (call $f (i32.const 300))))"#,
    ),
    (
        "exits with data that is none",
        r#"(module
      (import "vm" "exit" (func $exit (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "invoke") (param i32) (result i32)
        (drop (call $exit (i32.const 33) (i32.const 77) (i32.const 0) (i32.const 0))) (unreachable)))"#,
    ),
    (
        "exits with a message out of memory",
        r#"(module
      (import "vm" "exit" (func $exit (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "invoke") (param i32) (result i32)
        (drop (call $exit (i32.const 33) (i32.const 0) (i32.const -8) (i32.const 100))) (unreachable)))"#,
    ),
];
