//! What is no actor is refused when it is loaded.

use std::num::NonZeroU32;
use std::sync::Arc;

use tributary_wasm::{
    ASKED_COMPILED_BYTES_MAX, CODE_BYTES_MAX, CodeRejected, Engine, FUNCTION_BYTES_MAX, FUNCTIONS_MAX, Gas,
    LOCALS_PER_FUNCTION_MAX, Purpose, prices,
};

use crate::guest::{actor, compile};
use crate::world::{ENGINE, World, cid_of};

const MEMORY: &str = r#"(memory (export "memory") 1)"#;
const INVOKE: &str = r#"(func (export "invoke") (param i32) (result i32) (i32.const 0))"#;

fn refused(text: &str) -> CodeRejected {
    ENGINE.check(&compile(&format!("(module {text})"))).unwrap().unwrap_err()
}

fn import(text: &str) -> CodeRejected {
    refused(&format!("{text} {MEMORY} {INVOKE}"))
}

#[test]
fn an_engine_is_shared_between_threads_whatever_its_host() {
    fn check<T: Send + Sync + Clone>() {}
    check::<Engine<World>>();
}

#[test]
fn code_is_compiled_once_and_kept() {
    let wasm = actor("(i32.const 0)", &[(1_024, b"kept")]);
    let cid = cid_of(0x55, &wasm);
    assert!(ENGINE.get(&cid, Purpose::Block).is_none());
    let first = ENGINE.load(cid, &wasm, Purpose::Block).unwrap().unwrap();
    for purpose in [Purpose::Block, Purpose::Question] {
        assert!(Arc::ptr_eq(&first, &ENGINE.load(cid, &wasm, purpose).unwrap().unwrap()), "{purpose:?}");
        assert!(Arc::ptr_eq(&first, &ENGINE.get(&cid, purpose).unwrap()), "{purpose:?}");
    }
}

#[test]
fn code_takes_as_much_room_as_it_has_bytes_when_it_is_compiled() {
    let engine: Engine<World> = Engine::new(NonZeroU32::MIN, None).unwrap();
    let wasm = actor("(i32.const 0)", &[(1_024, &[7; 900 << 10])]);
    let cid = |number: usize| cid_of(0x55, &number.to_le_bytes());
    let most = ASKED_COMPILED_BYTES_MAX / (900 << 10);
    for number in 0..=most {
        engine.load(cid(number), &wasm, Purpose::Question).unwrap().unwrap();
    }
    let kept = [0, most].map(|number| engine.get(&cid(number), Purpose::Question).is_some());
    assert_eq!(kept, [false, true]);
}

#[test]
fn an_import_that_is_no_syscall_is_named() {
    for (module, name) in
        [("crypto", "verify_post"), ("actor", "upgrade_actor"), ("env", "abort"), ("gas", "gas_counter")]
    {
        let text = format!("(import \"{module}\" \"{name}\" (func))");
        let expected = CodeRejected::UnknownImport { module: module.into(), name: name.into() };
        assert_eq!(import(&text), expected);
    }
    for kind in ["(global (mut i64))", "(global i32)", "(memory 1)", "(table 1 funcref)"] {
        let memory = if kind.contains("memory") { "" } else { MEMORY };
        let why = refused(&format!("(import \"gas\" \"gas_counter\" {kind}) {memory} {INVOKE}"));
        let expected = CodeRejected::ForbiddenImport { module: "gas".into(), name: "gas_counter".into() };
        assert_eq!(why, expected, "{kind}");
    }
    let why = import(r#"(import "gas" "available" (func (param i64) (result i32)))"#);
    assert!(matches!(why, CodeRejected::ImportType(_)), "{why}");
}

#[test]
fn an_actor_exports_its_memory_and_a_method() {
    assert_eq!(refused(&format!("{MEMORY} (func)")), CodeRejected::MissingExport("invoke"));
    assert_eq!(refused(INVOKE), CodeRejected::MissingExport("memory"));
    assert_eq!(refused(&format!("(memory 1) {INVOKE}")), CodeRejected::MissingExport("memory"));
    for invoke in ["", "(param i32)", "(param i64) (result i32)", "(param i32 i32) (result i32)"] {
        let why = refused(&format!("{MEMORY} (func (export \"invoke\") {invoke} unreachable)"));
        assert_eq!(why, CodeRejected::InvokeType, "{invoke}");
    }
    let why = refused(&format!("{MEMORY} {INVOKE} (global (export \"tributary.gas\") (mut i64) (i64.const 9))"));
    assert_eq!(why, CodeRejected::ReservedExport { name: "tributary.gas".into() });
}

/// Elements given as expressions would be called past the limiter.
#[test]
fn a_table_filled_with_expressions_is_refused() {
    let why =
        refused(&format!("{MEMORY} {INVOKE} (table 1 funcref) (func $f) (elem (i32.const 0) funcref (ref.func $f))"));
    assert!(matches!(why, CodeRejected::NotInstrumentable(_)), "{why}");
}

#[test]
fn a_start_function_is_refused() {
    assert_eq!(refused(&format!("{MEMORY} {INVOKE} (func $go) (start $go)")), CodeRejected::StartFunction);
}

#[test]
fn features_that_are_off_do_not_validate() {
    for text in [
        "(func (result v128) (v128.const i64x2 0 0))",
        "(func (result i32 i32) (i32.const 0) (i32.const 0))",
        "(func $a (return_call $a))",
        "(memory 1)",
        "(memory 1 1 shared)",
        "(memory i64 1)",
        "(tag)",
        "(type (struct))",
        // The meter puts its counter before all globals, and would leave the initial value to read another one.
        "(global i32 (i32.const 8)) (global i32 (global.get 0))",
        "(global i32 (i32.const 8)) (data (global.get 0) \"x\")",
    ] {
        let memory = if text.contains("memory") && !text.contains("(memory 1)") { "" } else { MEMORY };
        let why = refused(&format!("{memory} {INVOKE} {text}"));
        assert!(matches!(why, CodeRejected::Invalid(_)), "{text}: {why}");
    }
    let why = refused(&format!("{MEMORY} {INVOKE} (func (drop (ref.null func)))"));
    assert!(matches!(why, CodeRejected::NotInstrumentable(_) | CodeRejected::Invalid(_)), "{why}");
}

#[test]
fn bytes_that_are_no_module_are_refused_and_nothing_panics() {
    let wasm = actor("(i32.const 0)", &[(1_024, b"data")]);
    for bytes in [&[][..], b"\0asm", b"\0asm\x01\0\0\0", b"\x7fELF"] {
        assert!(ENGINE.check(bytes).unwrap().is_err(), "{bytes:x?}");
    }
    for end in (0..wasm.len()).step_by(7) {
        assert!(ENGINE.check(&wasm[..end]).unwrap().is_err(), "cut at {end}");
    }
    // One byte at a time: most are refused, some still are actors, none panics.
    for at in (0..wasm.len()).step_by(13) {
        let mut bent = wasm.clone();
        bent[at] ^= 0x41;
        let _ = ENGINE.check(&bent).unwrap();
    }
}

/// A loop that changes so many locals, to which a table leads back so many times: each way carries all of them.
fn carrying(locals: usize, ways: usize) -> String {
    let change =
        |local: usize| format!("(local.set {local} (i64.add (local.get {}) (i64.const 1)))", local % locals + 1);
    let changes: String = (1..=locals).map(change).collect();
    let (declared, ways) = ("i64 ".repeat(locals), "0 ".repeat(ways));
    format!("(func (param i32) (local {declared}) (loop {changes} (br_table {ways} 1 (local.get 0))))")
}

#[test]
fn what_a_compiler_takes_beyond_the_bytes_is_told_and_paid_for() {
    for (text, ms) in [
        (carrying(10, 10), 0),
        (carrying(700, 1_400), 1_000),
        (format!("(func {} {})", "(f64.const 1)".repeat(7_000), "drop ".repeat(7_000)), 2_500),
        (format!("(func {})", "(drop (i32.const 1))".repeat(20_000)), 2_500),
        (format!("(func {} {})", "(block ".repeat(7_000), ")".repeat(7_000)), 3_000),
        ("(func)".repeat(9_000), 2_000),
        (format!("(func (param {}))", "i64 ".repeat(1_000)).repeat(300), 1_000),
    ] {
        let wasm = compile(&format!("(module {MEMORY} {INVOKE} {text})"));
        let paid = prices::compile(wasm.len(), ENGINE.survey(&wasm).unwrap().compile_ns);
        let (least, most) = (Gas::new(ms * 10_000_000), Gas::new((ms + 500) * 10_000_000));
        assert!(least <= paid && paid < most, "{ms} ms for {} bytes: {paid:?}", wasm.len());
        assert_eq!(paid == Gas::ZERO, ms == 0);
    }
}

#[test]
fn what_is_too_large_is_refused_before_it_costs_time() {
    let why = ENGINE.check(&vec![0; CODE_BYTES_MAX + 1]).unwrap().unwrap_err();
    assert_eq!(why, CodeRejected::TooLarge { bytes: CODE_BYTES_MAX + 1 });

    let functions = "(func)".repeat(usize::try_from(FUNCTIONS_MAX).unwrap());
    let why = refused(&format!("{MEMORY} {INVOKE} {functions}"));
    assert_eq!(why, CodeRejected::TooManyFunctions { functions: FUNCTIONS_MAX + 1 });

    let body = "nop ".repeat(FUNCTION_BYTES_MAX);
    let why = refused(&format!("{MEMORY} {INVOKE} (func {body})"));
    assert!(matches!(why, CodeRejected::FunctionTooLarge { .. }), "{why}");

    let locals = "i32 ".repeat(usize::try_from(LOCALS_PER_FUNCTION_MAX + 1).unwrap());
    let why = refused(&format!("{MEMORY} {INVOKE} (func (local {locals}))"));
    assert!(matches!(why, CodeRejected::TooManyLocals { .. }), "{why}");

    let values = "(local.set 0 (i64.add (i64.trunc_f64_s (f64.const 1)) (local.get 0)))".repeat(13_000);
    let why = refused(&format!("{MEMORY} {INVOKE} (func (local i64) {values})"));
    assert!(matches!(why, CodeRejected::FrameTooLarge { elements: 52_000.. }), "{why}");

    // Each is nothing: what is injected into them is a hundred times the module.
    let params = format!("(type $wide (func (param {})))", "i64 ".repeat(1_000));
    let all = format!(
        "(table 9000 funcref) (elem (i32.const 0) func {})",
        (1..9_000).map(|at| format!("{at} ")).collect::<String>()
    );
    let why = refused(&format!("{params} {MEMORY} {INVOKE} {} {all}", "(func (type $wide))".repeat(9_000)));
    assert!(matches!(why, CodeRejected::FramesTooLarge { elements: 1_048_577.. }), "{why}");

    let why = refused(&format!("{MEMORY} {INVOKE} {}", carrying(2_000, 2_000)));
    assert!(matches!(why, CodeRejected::TooCostly { ns: 4_000_000_000.. }), "{why}");

    let why = refused(&format!("(memory (export \"memory\") 8193) {INVOKE}"));
    assert_eq!(why, CodeRejected::MemoryTooLarge { bytes: 8_193 * 65_536 });

    let why = refused(&format!("{MEMORY} {INVOKE} (table 20001 funcref)"));
    assert!(matches!(why, CodeRejected::NotCompilable(_)), "{why}");
}

#[test]
fn what_was_compiled_is_there_at_the_next_start_and_damage_means_compiling_again() {
    let directory = tempfile::tempdir().unwrap();
    let wasm = wat::parse_str(
        r#"(module (memory (export "memory") 1) (func (export "invoke") (param i32) (result i32) (i32.const 0)))"#,
    )
    .unwrap();
    let load = || {
        let engine: Engine<World> = Engine::new(NonZeroU32::MIN, Some(directory.path())).unwrap();
        engine.load(cid_of(0x55, &wasm), &wasm, Purpose::Block).unwrap().unwrap();
        files_under(directory.path())
    };
    let files = load();
    assert!(!files.is_empty(), "nothing was kept");
    assert_eq!(load(), files, "the second start compiled again");
    for file in files.keys() {
        std::fs::write(file, b"damaged").unwrap();
    }
    load();
}

fn files_under(directory: &std::path::Path) -> std::collections::BTreeMap<std::path::PathBuf, std::time::SystemTime> {
    let mut files = std::collections::BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        match entry.file_type().unwrap().is_dir() {
            true => files.extend(files_under(&path)),
            // Statistics beside a module come and go, by a thread of the cache's own: whatever has an extension is not looked at.
            false if path.extension().is_none() => {
                files.insert(path, entry.metadata().unwrap().modified().unwrap());
            }
            false => {}
        }
    }
    files
}
